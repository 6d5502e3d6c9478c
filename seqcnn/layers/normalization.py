"""Normalization that does not see padding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.layers.layout import as_image, as_sequence
from seqcnn.layers.masking import hide_padding


class BatchNorm1d(nn.BatchNorm1d):
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

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalize ``(batch, channels, time)``."""
        if not self.training:
            return hide_padding(self._with_running_statistics(x), mask)
        if mask is None:
            if x.shape[0] * x.shape[2] == 1:
                return self._with_running_statistics(x)
            return as_sequence(super().forward(as_image(x)))
        return hide_padding(self._over_real_positions(x, mask), mask)

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
