"""A user's own module in the place of an encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder


class PlainEncoder(SequenceEncoder):
    """Wraps any module that takes ``(batch, channels, time)``.

    The module knows nothing of padding, so it gets batches of equal length. It may give ``(batch, features, time')`` or
    ``(batch, features)``, which counts as one time step. Its output size is found by running it once on zeros.

    Parameters
    ----------
    module
        The module, used as it is.
    in_channels, n_timepoints
        The shape it will meet: channels, and the time steps to try it with.

    Raises
    ------
    ValueError
        If the module fails on that shape, or gives something else than two or three axes.

    Examples
    --------
    >>> PlainEncoder(nn.Conv1d(2, 6, 3), in_channels=2, n_timepoints=20).out_channels
    6
    """

    def __init__(self, module: nn.Module, in_channels: int, n_timepoints: int) -> None:
        super().__init__()
        self.module = module
        self.in_channels, self.stride = in_channels, 1
        self.out_channels = self._try(torch.zeros(2, in_channels, n_timepoints))
        # Unknown from outside; the whole record is the safe reading.
        self.receptive_field = n_timepoints

    def _try(self, x: Tensor) -> int:
        name = type(self.module).__name__
        was_training = self.module.training
        self.module.eval()
        try:
            with torch.no_grad():
                output = self.module(x)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise ValueError(
                f"The encoder {name} failed on input of shape (2, {x.shape[1]}, {x.shape[2]}), which is "
                f"(batch, channels, time). Received: {str(error).rstrip('.')}. Pass a module that takes this shape."
            ) from error
        finally:
            self.module.train(was_training)
        if not isinstance(output, Tensor) or output.ndim not in (2, 3) or output.shape[0] != 2:
            shown = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(
                f"The encoder {name} must give (batch, features) or (batch, features, time). Received: {shown} for "
                f"input of shape (2, {x.shape[1]}, {x.shape[2]}). Pass a module that gives one of the two."
            )
        return int(output.shape[1])

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Run the module on a batch without padding; ``lengths`` must be None."""
        assert lengths is None, "a plain module gets batches of equal length"
        return self.encode(x, None)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Run the module."""
        output: Tensor = self.module(x)
        return output[..., None] if output.ndim == 2 else output
