"""Broadcast residuals over mel bands for spoken words: BC-ResNet.

Kim et al. (2021), "Broadcasted residual learning for efficient keyword spotting", arXiv 2106.04140, with the
sub-spectral normalization of Chang et al. (2021), "SubSpectral normalization for neural audio data processing", arXiv
2103.13620.

Bands stand beside the channels: a kernel over them acts on each time step by itself, so that the network is 1D in time.
Inside, a record is ``(batch, time, bands, channels)``.

NOTE differences from the paper: it has 40 bands. Of another number, a layer's bands are normalized in as many
sub-bands, at most 5, as they divide into, and the last kernel, 5 bands high there, spans whatever bands are left. The
network's head is the paper's last convolution of one step, behind the mean over time and not in front.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn._types import AnyArray
from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import Conv1d, Padding, pad_for
from seqcnn.layers.memory import Remembers
from seqcnn.layers.normalization import BatchNorm1d
from seqcnn.layers.readers import Histories, Reader, as_array, chain, multiply, rectify

_FIRST_KERNEL, _KERNEL, _LAST_KERNEL, _MOST_SUB_BANDS, _DROPOUT = 5, 3, 5, 5, 0.1

# (channels in multiples of the width, blocks, stride over the bands, dilation over time) of each stage.
_STAGES = ((1.0, 2, 1, 1), (1.5, 2, 2, 2), (2.0, 4, 2, 4), (2.5, 4, 1, 8))


class BandConv1d(Conv1d):
    """A kernel for each channel over the bands of one time step, 3 high, and every ``stride``-th band is kept.

    Shape: ``(batch, time, bands, channels)`` to ``(batch, time, ceil(bands / stride), channels)``.
    """

    def __init__(self, n_channels: int, *, stride: int = 1) -> None:
        super().__init__(n_channels, n_channels, _KERNEL, stride=stride, padding="same", groups=n_channels, bias=False)

    def begin_stream(self) -> None:
        """Do nothing: it looks along the bands, and remembers no time."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(batch, time, bands, channels)``."""
        batch, n_steps, _, channels = x.shape
        steps: Tensor = super().forward(x.flatten(0, 1).transpose(1, 2)).transpose(1, 2)
        return steps.reshape(batch, n_steps, -1, channels)


class SubSpectralNorm(Remembers):
    """Batch normalization of every channel in every one of several equal stretches of the bands.

    Shape: ``(batch, time, bands, channels)`` to the same; ``mask`` is ``(batch, 1, time)``.
    """

    def __init__(self, n_channels: int, n_bands: int) -> None:
        super().__init__()
        self.n_bands = n_bands
        self.n_sub_bands = max(n for n in range(1, _MOST_SUB_BANDS + 1) if n_bands % n == 0)
        self.normalization = BatchNorm1d(self.n_sub_bands * n_channels)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalize."""
        if mask is None and self.normalization.folds():
            scale, shift = self.once(None, self.spread)
            return torch.addcmul(shift, x, scale)
        batch, n_steps, bands, channels = x.shape
        parts = x.view(batch, n_steps, self.n_sub_bands, -1, channels).transpose(2, 3)
        # As many steps as bands in a stretch for each time step, and a channel for each channel of each stretch.
        height = bands // self.n_sub_bands
        steps = parts.reshape(batch, n_steps * height, -1)
        normalized: Tensor = self.normalization(steps.transpose(1, 2), _repeat(mask, height)).transpose(1, 2)
        parts = normalized.reshape(batch, n_steps, height, self.n_sub_bands, channels)
        return parts.transpose(2, 3).reshape(x.shape)

    def spread(self) -> tuple[Tensor, Tensor]:
        """Return factor and summand of each band and channel in evaluation, ``(bands, channels)`` each."""
        height = self.n_bands // self.n_sub_bands
        scale, shift = (
            values.view(self.n_sub_bands, -1).repeat_interleave(height, 0)
            for values in self.normalization.scale_and_shift()
        )
        return scale, shift


class BroadcastBlock(nn.Module):
    """A kernel over the bands, and one over time of the bands' mean, whose answer is added to every band.

    Where the channels change, a convolution of one step stands in front; where not, a shortcut is around everything.

    Shape: ``(batch, time, bands, in_channels)`` to ``(batch, time, ceil(bands / stride), out_channels)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        n_bands: int,
        *,
        is_first: bool,
        stride: int = 1,
        dilation: int = 1,
        padding: Padding = "same",
    ) -> None:
        super().__init__()
        self.n_bands_in, self.n_bands = n_bands, -(-n_bands // stride)
        self.mixing = ConvBlock(in_channels, out_channels, 1) if is_first else None
        self.over_bands = BandConv1d(out_channels, stride=stride)
        self.normalization = SubSpectralNorm(out_channels, self.n_bands)
        self.over_time = ConvBlock(
            out_channels,
            out_channels,
            _KERNEL,
            dilation=dilation,
            groups=out_channels,
            padding=padding,
            activation="silu",
        )
        self.pointwise = Conv1d(out_channels, out_channels, 1, bias=False)
        self.dropout = nn.Dropout1d(_DROPOUT)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        shortcut = None
        if self.mixing is None:
            shortcut = x
        else:
            bands = x.shape[2]
            mixed = self.mixing(x.flatten(1, 2).transpose(1, 2), _repeat(mask, bands))
            x = mixed.transpose(1, 2).unflatten(1, (-1, bands))
        x = self.normalization(self.over_bands(x), mask)
        mean = x.mean(2).transpose(1, 2)
        broadcast = self.dropout(self.pointwise(self.over_time(mean, mask))).transpose(1, 2)[:, :, None]
        return F.relu(x + broadcast if shortcut is None else x + broadcast + shortcut, inplace=True)

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces, ``(time, bands, channels)`` (:mod:`seqcnn.layers.readers`)."""
        mix = None if self.mixing is None else self.mixing.piece_reader(histories)
        over_time = self.over_time.piece_reader(histories)
        if over_time is None:
            return None
        layer, (scale, shift) = self.over_bands, map(as_array, self.normalization.spread())
        margin, stride, n_in, n_out = layer.padding_left, layer.stride[0], self.n_bands_in, self.n_bands
        # Three bands of every channel, normalized: (bands out, 3, channels).
        kernels = as_array(layer.weight[:, 0].t()) * scale[:, None]
        mixing, n_channels, share = as_array(self.pointwise.weight[..., 0].t()), len(layer.weight), 1 / n_out

        def read(x: AnyArray) -> AnyArray:
            mixed = x if mix is None else mix(x.reshape(-1, x.shape[2])).reshape(len(x), n_in, n_channels)
            padded = np.zeros((len(x), stride * (n_out - 1) + _KERNEL + 1, n_channels), x.dtype)
            padded[:, margin : margin + n_in] = mixed
            each, band, one = padded.strides
            windows = np.ndarray(
                (len(x), n_out, _KERNEL, n_channels), x.dtype, padded, 0, (each, stride * band, band, one)
            )
            bands = np.einsum("tbkc,bkc->tbc", windows, kernels)
            bands += shift
            mean = bands.sum(1)
            mean *= share
            bands += multiply(over_time(mean), mixing)[:, None]
            if mix is None:
                bands += x
            return rectify(bands)

        return read


class BCResNet(SequenceEncoder):
    """Four stages of broadcast residual blocks; bands are halved on the way, time never, and dilation doubles.

    Parameters
    ----------
    in_channels
        Bands (40 in the paper).
    width
        Channels of the first stage: 8 times the paper's scale.
    causal
        Whether no output sees later frames than its own; the whole of every kernel over time is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, frames)`` to ``(batch, 4 * width, frames)``.

    Examples
    --------
    >>> import torch
    >>> BCResNet(40, width=8)(torch.zeros(2, 40, 100)).shape
    torch.Size([2, 32, 100])
    """

    def __init__(self, in_channels: int, *, width: int = 16, causal: bool = False) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride, self.causal = in_channels, 4 * width, 1, causal
        padding = pad_for(causal)
        bands, channels, layers = -(-in_channels // 2), 2 * width, [(_FIRST_KERNEL, 1)]
        # Over windows of 5 bands: what stands beside each other there is a channel here.
        self.first = ConvBlock(_FIRST_KERNEL, channels, _FIRST_KERNEL, padding=padding)
        self.blocks = nn.ModuleList()
        for multiple, depth, stride, dilation in _STAGES:
            for position in range(depth):
                block = BroadcastBlock(
                    channels,
                    max(1, int(multiple * width)),
                    bands,
                    is_first=position == 0,
                    stride=stride if position == 0 else 1,
                    dilation=dilation,
                    padding=padding,
                )
                self.blocks.append(block)
                bands, channels = block.n_bands, max(1, int(multiple * width))
                layers.append((dilation * (_KERNEL - 1) + 1, 1))
        # A kernel over all bands and 5 frames: one over the frames for each band, and their sum.
        self.n_bands = bands
        self.last_filter = Conv1d(
            bands * channels, bands * channels, _LAST_KERNEL, padding=padding, groups=bands * channels, bias=False
        )
        self.last = ConvBlock(channels, self.out_channels, 1)
        self.receptive_field = receptive_field([*layers, (_LAST_KERNEL, 1)])

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, frames)``."""
        x = self._look_at_bands(x, mask)
        for block in self.blocks:
            x = block(x, mask)
        filtered = self.last_filter(x.flatten(2).transpose(1, 2)).transpose(1, 2)
        encoded: Tensor = self.last(filtered.unflatten(2, (self.n_bands, -1)).sum(2).transpose(1, 2), mask)
        return encoded

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces (:mod:`seqcnn.layers.readers`)."""
        first = self._bands_reader(histories)
        blocks = [block.piece_reader(histories) for block in self.blocks if isinstance(block, BroadcastBlock)]
        last_filter, n_bands = self.last_filter.piece_reader(histories), self.n_bands

        def add_bands(x: AnyArray) -> AnyArray:
            return x.reshape(len(x), n_bands, -1).sum(1)  # type: ignore[no-any-return]

        whole = chain(lambda x: x.reshape(len(x), -1), last_filter, add_bands, self.last.piece_reader(histories))
        return chain(first, *blocks, whole)

    def _bands_reader(self, histories: Histories) -> Reader | None:
        """Return what does to a piece what :meth:`_look_at_bands` does."""
        convolution, normalization = self.first.convolution, self.first.normalization
        assert normalization is not None
        if convolution.padding_right:
            return None
        weight, bias = map(as_array, normalization.fold(convolution.weight, None))
        matrix = weight.transpose(2, 1, 0).reshape(_FIRST_KERNEL**2, -1).copy()
        history, margin, n_bands = histories.add(_FIRST_KERNEL - 1), _FIRST_KERNEL // 2, -(-self.in_channels // 2)

        def read(x: AnyArray) -> AnyArray:
            padded = np.zeros((len(x), x.shape[1] + 2 * margin + 1), x.dtype)
            padded[:, margin : margin + x.shape[1]] = x
            frames = history.windows(padded, _FIRST_KERNEL)
            each, row, one = frames.strides
            shape = (len(x), n_bands, _FIRST_KERNEL, _FIRST_KERNEL)
            seen = np.lib.stride_tricks.as_strided(frames, shape, (each, 2 * one, row, one))
            bands = multiply(seen.reshape(len(x) * n_bands, -1), matrix)
            bands += bias
            return bands.reshape(len(x), n_bands, -1)

        return chain(read, rectify)

    def _look_at_bands(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Convolve 5 bands and 5 frames at a time, for every other band: ``(batch, frames, bands, channels)``."""
        batch, n_bands = len(x), -(-self.in_channels // 2)
        margin = _FIRST_KERNEL // 2
        padded = F.pad(x, (0, 0, margin, margin + 1))
        seen = torch.stack([padded[:, start : start + 2 * n_bands : 2] for start in range(_FIRST_KERNEL)], 2)
        if mask is not None:
            mask = mask.repeat_interleave(n_bands, 0)
        answers = self.first(seen.flatten(0, 1), mask)
        return answers.unflatten(0, (batch, n_bands)).permute(0, 3, 1, 2).contiguous()  # type: ignore[no-any-return]


def _repeat(mask: Tensor | None, times: int) -> Tensor | None:
    """Return the mask of ``times`` values for each time step."""
    return mask if mask is None or times == 1 else mask.repeat_interleave(times, 2)


def bc_resnet_1(in_channels: int, *, width: int = 8, causal: bool = False) -> BCResNet:
    """Return BC-ResNet-1 of the paper; ``width=24`` is its BC-ResNet-3, ``width=64`` its BC-ResNet-8.

    >>> bc_resnet_1(40).out_channels, bc_resnet_1(40).receptive_field
    (32, 117)
    """
    return BCResNet(in_channels, width=width, causal=causal)
