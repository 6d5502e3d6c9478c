"""What a network costs: its parameters, and its multiplications for one record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from seqcnn._checks import check_integer

_CPU_ATTENTION = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
"""The one kernel of attention that torch's own table of operations lacks."""


def count_parameters(module: nn.Module) -> int:
    """Return how many numbers a module learns; one that several layers share counts once, and buffers do not count.

    >>> count_parameters(nn.Conv1d(3, 8, 5))
    128
    """
    return sum(parameter.numel() for parameter in module.parameters())


def count_multiply_accumulates(encoder: nn.Module, n_timepoints: int) -> int:
    """Return the multiply-accumulate operations (MACs) that one record takes.

    Convolutions, dense layers and matrix products (those of attention as well) are counted; biases, normalization,
    activations and pooling are not, as is usual.

    A convolution layer counts as what it is, ``out_channels * in_channels / groups * kernel_size`` for each output
    step, however it is computed: :class:`~seqcnn.layers.Conv1d` pads some kernels with a zero tap or looks at the input
    in another shape, because that is faster. Everything else counts as what it multiplies. Zeros that padding adds at a
    record's ends count too: a kernel is laid over them like over any step.

    Parameters
    ----------
    encoder
        Reads ``(batch, encoder.in_channels, time)``. It stays as it is; a copy in evaluation mode runs once. Kernels
        that are taken from data must have been prepared.
    n_timepoints
        Time steps of the record.

    Returns
    -------
    int
        MACs. A MAC is two floating-point operations (FLOPs).

    Raises
    ------
    TypeError, ValueError
        If ``n_timepoints`` is not an integer of at least 1, or the encoder refuses records of that length.

    Examples
    --------
    >>> from seqcnn.layers import Conv1d
    >>> count_multiply_accumulates(Conv1d(3, 8, 4, stride=2, padding="same"), 10) == 5 * 8 * 3 * 4
    True
    """
    check_integer("n_timepoints", n_timepoints, minimum=1, caller="count_multiply_accumulates")
    network = deepcopy(encoder).eval()
    counter = FlopCounterMode(display=False, custom_mapping={_CPU_ATTENTION: _attention_flops})
    surplus = _count_surplus(network, counter)
    # With gradients on, normalization is not folded into the convolutions, which are then seen one by one.
    with torch.enable_grad(), _plain_attention(), counter:
        network(_silence(network, int(n_timepoints)))
    return counter.get_total_flops() // 2 - sum(surplus)


def _silence(network: nn.Module, n_timepoints: int) -> Tensor:
    """Return a record of zeros where the network is, in its precision."""
    tensors = chain(network.parameters(), network.buffers())
    like = next((tensor for tensor in tensors if tensor.is_floating_point()), torch.empty(0))
    return like.new_zeros(1, cast(int, network.in_channels), n_timepoints)


def _count_surplus(network: nn.Module, counter: FlopCounterMode) -> list[int]:
    """Return a list that receives, for each run of a convolution layer, the MACs counted beyond the layer's own."""
    surplus: list[int] = []
    started: list[int] = []

    def before(layer: nn.Module, arguments: Any) -> None:
        started.append(counter.get_total_flops())

    def behind(layer: nn.Module, arguments: Any, output: Tensor) -> None:
        assert isinstance(layer, nn.Conv1d)
        counted = (counter.get_total_flops() - started.pop()) // 2
        surplus.append(counted - output.numel() * layer.in_channels // layer.groups * layer.kernel_size[0])

    for layer in network.modules():
        if isinstance(layer, nn.Conv1d):
            layer.register_forward_pre_hook(before)
            layer.register_forward_hook(behind)
    return surplus


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Keep torch's attention layers from their fused kernel, which hides its products from the counter."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _attention_flops(query: torch.Size, key: torch.Size, value: torch.Size, *_: Any, **__: Any) -> int:
    """Count both products of attention over ``(batch, heads, time, channels)``."""
    batch, heads, n_queries, n_channels = query
    return 2 * batch * heads * n_queries * key[2] * (n_channels + value[3])
