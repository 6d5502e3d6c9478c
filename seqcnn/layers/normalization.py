"""Normalization that does not see padding."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqcnn.layers.layout import as_image, as_sequence, channels_innermost, prefers_channels_innermost
from seqcnn.layers.masking import hide_padding
from seqcnn.layers.memory import Remembers
from seqcnn.layers.readers import Histories, Reader, as_array


class BatchNorm1d(Remembers, nn.BatchNorm1d):
    """``torch.nn.BatchNorm1d`` over the real time steps of a batch (Ioffe and Szegedy 2015, arXiv 1502.03167).

    With ``mask=None`` it is ``nn.BatchNorm1d``. With a mask, means and variances are taken over the positions where
    it is True, and the output is zero elsewhere. One real position in all has no variance: then, and only then,
    training falls back to the running statistics.

    Shape: ``(batch, channels, time)`` to the same; ``mask`` is ``(batch, 1, time)``.

    Examples
    --------
    >>> norm = BatchNorm1d(1)
    >>> x, mask = torch.tensor([[[1.0, 3.0, 99.0]]]), torch.tensor([[[True, True, False]]])
    >>> norm(x, mask).round(decimals=2).tolist()
    [[[-1.0, 1.0, 0.0]]]
    """

    def forward(self, x: Tensor, mask: Tensor | None = None, *, rectify: bool = False) -> Tensor:
        """Normalize ``(batch, channels, time)``, and apply ReLU to it if ``rectify`` says so."""
        if self.training and mask is None and x.shape[0] * x.shape[2] > 1:
            if prefers_channels_innermost(x) and self.affine and not torch.compiler.is_compiling():
                return self._fused(x, rectify)
            normalized = as_sequence(super().forward(as_image(x)))
        elif self.training and mask is not None:
            normalized = hide_padding(self._over_real_positions(x, mask), mask)
        else:
            normalized = hide_padding(self._with_running_statistics(x), mask)
        return F.relu(normalized) if rectify else normalized

    def folds(self) -> bool:
        """Tell whether it may be folded into the convolution in front: in evaluation, without gradients or export."""
        return not (self.training or torch.is_grad_enabled() or torch.compiler.is_compiling()) and (
            self.running_var is not None and self.affine
        )

    def fold(self, weight: Tensor, bias: Tensor | None, first: int = 0, n_copies: int = 1) -> tuple[Tensor, Tensor]:
        """Return kernel and bias of a convolution that does this normalization, too; one pass over memory less.

        Parameters
        ----------
        weight, bias
            Of the convolution in front, ``(out_channels, in_channels, kernel_size)`` and ``(out_channels,)``.
        first
            The channel of this normalization at which those of the convolution begin.
        n_copies
            How many copies of a network both hold side by side; ``first`` then counts within each.
        """
        return self.once(weight, lambda: self._fold(weight, bias, first, n_copies), key=first)

    def _fold(self, weight: Tensor, bias: Tensor | None, first: int, n_copies: int) -> tuple[Tensor, Tensor]:
        stop = first + len(weight) // n_copies
        scale, shift = (values.view(n_copies, -1)[:, first:stop].flatten() for values in self.scale_and_shift())
        return weight * scale[:, None, None], shift if bias is None else shift + bias * scale

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """Return the factor and the summand of each channel in evaluation, ``(channels,)`` each."""
        assert self.running_mean is not None
        assert self.running_var is not None
        scale = self.weight * torch.rsqrt(self.running_var + self.eps)
        return scale, self.bias - self.running_mean * scale

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces (:mod:`seqcnn.layers.readers`)."""
        if self.running_var is None or not self.affine:
            return None
        scale, shift = map(as_array, self.scale_and_shift())
        return lambda steps: steps * scale + shift

    def count_batch(self) -> float:
        """Count a batch of training, and return the weight of its statistics in the running ones."""
        momentum = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            momentum = 1.0 / float(self.num_batches_tracked) if momentum is None else momentum
        return momentum or 0.0

    def _fused(self, x: Tensor, rectify: bool) -> Tensor:
        momentum = self.count_batch()
        return _NormalizeAndRectify.apply(  # type: ignore[no-any-return]
            x, self.weight, self.bias, self.running_mean, self.running_var, momentum, self.eps, rectify
        )

    def _check_input_dim(self, input: Tensor) -> None:
        # The parent would refuse the image view.
        pass

    def _with_running_statistics(self, x: Tensor) -> Tensor:
        image = F.batch_norm(
            as_image(x), self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
        )
        return as_sequence(image)

    def _over_real_positions(self, x: Tensor, mask: Tensor) -> Tensor:
        count = mask.sum()
        if count <= 1:
            return self._with_running_statistics(x)
        # Sums of many bfloat16 values lose too much; float64 stays float64.
        wide = hide_padding(x, mask).to(torch.promote_types(x.dtype, torch.float32))
        mean = wide.sum((0, 2)) / count
        centred = hide_padding(wide - mean[:, None], mask)
        variance = torch.linalg.vector_norm(centred, dim=(0, 2)).square() / count
        with torch.no_grad():
            self._update_running_statistics(mean, variance * count / (count - 1))
        scale = self.weight / torch.sqrt(variance + self.eps)
        return torch.addcmul(self.bias[:, None], centred, scale[:, None]).to(x.dtype)

    def _update_running_statistics(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        momentum = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), momentum)


class _NormalizeAndRectify(torch.autograd.Function):
    """Batch statistics, scale and ReLU in one step of autograd, with ReLU in place.

    torch's own ReLU in place would work on a view of the image, whose gradient autograd copies.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        momentum: float,
        eps: float,
        rectify: bool,
    ) -> Tensor:
        image, mean, inverse_deviation = torch.native_batch_norm(
            as_image(x), weight, bias, running_mean, running_var, True, momentum, eps
        )
        output = as_sequence(image)
        if rectify:
            output.relu_()
        ctx.save_for_backward(x, weight, mean, inverse_deviation, output if rectify else None)
        ctx.eps = eps
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, inverse_deviation, output = ctx.saved_tensors
        gradient = channels_innermost(gradient)
        if output is not None:
            gradient = torch.ops.aten.threshold_backward(gradient, output, 0)
        of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            as_image(gradient),
            as_image(x),
            weight,
            None,
            None,
            mean,
            inverse_deviation,
            True,
            ctx.eps,
            ctx.needs_input_grad[:3],
        )
        return None if of_x is None else as_sequence(of_x), of_weight, of_bias, None, None, None, None, None


class LayerNorm1d(nn.LayerNorm):
    """Layer normalization over the channels of each time step (Ba et al. 2016, arXiv 1607.06450).

    A step is normalized by itself, so nothing leaks from step to step; only the bias would show in the padding, which
    is therefore set to zero where the mask is False.

    Shape: ``(batch, channels, time)`` to the same; ``mask`` is ``(batch, 1, time)``.

    Examples
    --------
    >>> LayerNorm1d(2)(torch.tensor([[[1.0], [3.0]]])).round(decimals=2).flatten().tolist()
    [-1.0, 1.0]
    """

    def __init__(self, n_channels: int, *, eps: float = 1e-6) -> None:
        super().__init__(n_channels, eps=eps)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalize ``(batch, channels, time)``."""
        return hide_padding(super().forward(x.transpose(1, 2)).transpose(1, 2), mask)
