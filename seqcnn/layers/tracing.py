"""From a module's own ``encode`` to its reader: what it does to a piece is followed once, and done again in numpy.

So an encoder is written once. torch.fx calls it with a placeholder; layers that have a reader of their own are not
looked into, sums and activations between them are known here, and of whatever does anything else there is no reader.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from seqcnn._types import AnyArray
from seqcnn.layers.readers import Histories, Reader, activation_reader, rectify

_Step = tuple[Callable[..., AnyArray], int, int, int]
"""A function, the places of its one or two arguments (-1: none), and that of its result."""


def trace_reader(encode: Callable[[Tensor], Tensor], module: nn.Module, histories: Histories) -> Reader | None:
    """Return the reader of a causal module, or None where it does something that readers do not know.

    Parameters
    ----------
    encode
        What the module does to ``(batch, channels, time)`` in evaluation.
    module
        Whose layers it uses.
    histories
        Gets what they remember.

    Examples
    --------
    >>> from seqcnn.layers import Conv1d
    >>> layers = nn.Sequential(Conv1d(2, 3, 1), nn.ReLU())
    >>> trace_reader(layers, layers, Histories())(np.ones((4, 2), dtype=np.float32)).shape
    (4, 3)
    """
    try:
        graph = _Tracer().trace(_Root(encode, module))
    except Exception:  # whatever stops a placeholder: a branch on its shape, an operation without a name
        return None
    places: dict[fx.Node, int] = {}
    steps: list[_Step] = []
    for node in graph.nodes:
        if node.op == "placeholder":
            places[node] = 0
        elif node.op == "output":
            return None if node.args[0] not in places else _perform(steps, places[node.args[0]])
        else:
            read = _reader_of(node, module, histories)
            inputs = [argument for argument in node.all_input_nodes if argument in places]
            if read is None or not 1 <= len(inputs) <= 2 or len(inputs) != len(node.all_input_nodes):
                return None
            if _may_change_input(node, module) and not _is_of_its_own(inputs[0], module):
                read = _on_a_copy(read)
            places[node] = len(steps) + 1
            steps.append((read, places[inputs[0]], places[inputs[1]] if len(inputs) == 2 else -1, places[node]))
    return None


class _Root(nn.Module):
    def __init__(self, encode: Callable[[Tensor], Tensor], module: nn.Module) -> None:
        super().__init__()
        self.module, self._encode = module, encode

    def forward(self, x: Tensor) -> Tensor:
        return self._encode(x)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return hasattr(m, "piece_reader") or super().is_leaf_module(m, module_qualified_name)


def _layer_of(node: fx.Node, module: nn.Module) -> nn.Module:
    return module.get_submodule(str(node.target).removeprefix("module").removeprefix("."))


def _reader_of(node: fx.Node, module: nn.Module, histories: Histories) -> Callable[..., AnyArray] | None:
    settings = [value for value in (*node.args, *node.kwargs.values()) if not isinstance(value, fx.Node | None)]
    if node.target is F.relu:
        return rectify
    if node.target is F.leaky_relu:
        slope = node.args[1] if len(node.args) > 1 else node.kwargs.get("negative_slope", 0.01)
        return partial(_leak, slope)
    if settings:
        return None
    if node.op == "call_module":
        layer = _layer_of(node, module)
        build = getattr(layer, "piece_reader", None)
        return activation_reader(layer) if build is None else build(histories)
    if node.target in (operator.add, operator.iadd, torch.add):
        return np.add
    return np.abs if node.target in ("abs", torch.abs) else None


def _may_change_input(node: fx.Node, module: nn.Module) -> bool:
    """Tell whether it is an activation, which works in place."""
    is_layer = node.op == "call_module"
    return node.target is F.relu or (is_layer and not hasattr(_layer_of(node, module), "piece_reader"))


def _is_of_its_own(node: fx.Node, module: nn.Module) -> bool:
    """Tell whether what a node gives stands in memory of its own, and only one other looks at it."""
    is_new = node.op != "placeholder" and not _may_change_input(node, module)
    return is_new and len(node.users) == 1


def _on_a_copy(read: Reader) -> Reader:
    return lambda x: read(x.copy())


def _leak(slope: Any, x: AnyArray) -> AnyArray:
    return np.maximum(x, slope * x)  # type: ignore[no-any-return]


def _perform(steps: list[_Step], last: int) -> Reader:
    """Return a reader that takes these steps."""
    n_places = len(steps) + 1

    def read(x: AnyArray) -> AnyArray:
        values: list[Any] = [x] * n_places
        for function, left, right, place in steps:
            values[place] = function(values[left]) if right < 0 else function(values[left], values[right])
        return values[last]  # type: ignore[no-any-return]

    return read
