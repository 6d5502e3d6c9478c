"""The contract of a sequence encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Literal

from torch import Tensor

from seqcnn.layers.layout import channels_innermost
from seqcnn.layers.masking import length_mask
from seqcnn.rebuilding import Rebuildable


class SequenceEncoder(Rebuildable, ABC):
    """Turns ``(batch, in_channels, time)`` into ``(batch, out_channels, time')``; a plain ``nn.Module``.

    A subclass sets the attributes and writes :meth:`encode`. With ``lengths``, padding changes no result: what comes
    out for a record is what came out if it stood in the batch alone, and zero behind ``output_lengths(lengths)``.

    Attributes
    ----------
    in_channels, out_channels : int
        Channels in and out.
    stride : int
        Input steps from one output step to the next; ``time' = ceil(time / stride)``.
    receptive_field : int or None
        Input steps that one output step sees; None where it sees the whole record (attention, squeeze and excitation).
    causal : bool
        Whether an output step sees no later input than those it stands for: output ``i`` nothing behind input
        ``(i + 1) * stride - 1``.
    pooling : {"mean", "max"}
        How the architecture summarises time behind its last convolution.
    dropout : float
        The share of features the architecture drops in front of its last dense layer.

    Examples
    --------
    >>> import torch
    >>> from seqcnn.layers import ConvBlock
    >>> class OneBlock(SequenceEncoder):
    ...     def __init__(self, in_channels, *, width=8):
    ...         super().__init__()
    ...         self.in_channels, self.out_channels, self.stride, self.receptive_field = in_channels, width, 1, 5
    ...         self.block = ConvBlock(in_channels, width, 5)
    ...
    ...     def encode(self, x, mask):
    ...         return self.block(x, mask)
    >>> OneBlock(2)(torch.zeros(3, 2, 20), lengths=torch.tensor([20, 7, 12])).shape
    torch.Size([3, 8, 20])
    """

    in_channels: int
    out_channels: int
    stride: int
    receptive_field: int | None
    causal: bool = False
    pooling: Literal["mean", "max"] = "mean"
    dropout: float = 0.0

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encode a batch.

        Parameters
        ----------
        x
            ``(batch, in_channels, time)``, zero behind each record's length.
        lengths
            Time steps of each record, ``(batch,)`` integers; None says that nothing is padded, which is faster.

        Returns
        -------
        Tensor
            ``(batch, out_channels, ceil(time / stride))``.

        Raises
        ------
        ValueError
            If ``x`` has not three axes, has other channels than ``in_channels``, or is shorter than ``stride``.
        """
        name = type(self).__name__
        if x.ndim != 3 or x.shape[1] != self.in_channels:
            raise ValueError(
                f"{name} takes input of shape (batch, {self.in_channels}, time). Received: {tuple(x.shape)}. "
                f"Pass three axes with {self.in_channels} channels second."
            )
        if x.shape[2] < self.stride:
            raise ValueError(
                f"{name} needs records of at least {self.stride} time steps, its stride. Received: {x.shape[2]}. "
                f"Pass longer records or take an encoder of a smaller stride."
            )
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        return self.encode(channels_innermost(x), mask)

    @abstractmethod
    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers; ``mask`` is ``(batch, 1, time)``, True on what is real, or None."""

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return the real time steps behind the encoder, ``ceil(lengths / stride)``."""
        return (lengths + self.stride - 1) // self.stride


def receptive_field(layers: Iterable[tuple[int, int]]) -> int:
    """Return how many input steps one output of a chain of layers sees.

    Parameters
    ----------
    layers
        ``(span, stride)`` of each layer, first to last; the span of a kernel is ``dilation * (size - 1) + 1``.

    Examples
    --------
    >>> receptive_field([(8, 1), (5, 1), (3, 1)])
    14
    >>> receptive_field([(3, 2), (3, 1)])
    7
    """
    total, step = 1, 1
    for span, stride in layers:
        total += (span - 1) * step
        step *= stride
    return total
