"""An architecture of your own: any ``nn.Module`` will do, and a ``SequenceEncoder`` gets all that ours have.

Run it with ``python examples/own_encoder.py``; it needs no download. A module takes ``(batch, channels, time)`` and
gives ``(batch, features, time)`` or ``(batch, features)``; pooling, head, training and prediction stay as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.encoders import SequenceEncoder
from seqcnn.encoders.base import receptive_field
from seqcnn.layers.blocks import ConvBlock


class TwoScales(SequenceEncoder):
    """A short and a long kernel side by side, twice.

    The blocks of ``seqcnn.layers`` take the mask and keep padding out of every result; the attributes tell the rest of
    the library how long a record must be at least, and what an output step sees.
    """

    def __init__(self, in_channels: int, *, width: int = 16, long: int = 25) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride = in_channels, 2 * width, 1
        self.receptive_field = receptive_field([(long, 1), (long, 1)])
        self.short = nn.ModuleList(ConvBlock(channels, width, 5) for channels in (in_channels, 2 * width))
        self.long = nn.ModuleList(ConvBlock(channels, width, long) for channels in (in_channels, 2 * width))

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the blocks to ``(batch, in_channels, time)``."""
        for short, long in zip(self.short, self.long, strict=True):
            x = torch.cat([short(x, mask), long(x, mask)], dim=1)
        return x


def main() -> None:
    X, y = make_shapes_in_noise(200, random_state=0)
    X_test, y_test = make_shapes_in_noise(100, random_state=1)

    # A plain module knows nothing of padding, so it gets batches of equal length.
    plain = nn.Sequential(nn.Conv1d(1, 16, 9, padding=4), nn.ReLU(), nn.Conv1d(16, 32, 9, padding=4), nn.ReLU())
    classifier = SeqCNNClassifier(plain, max_epochs=25, random_state=0).fit(X, y)
    print(f"nn.Sequential: accuracy {classifier.score(X_test, y_test):.3f}")

    # The module that was passed is copied: this one is as it was.
    own = TwoScales(in_channels=1, width=16)
    classifier = SeqCNNClassifier(own, max_epochs=25, random_state=0).fit(X, y)
    print(f"SequenceEncoder: accuracy {classifier.score(X_test, y_test):.3f}")
    print(f"an output step sees {own.receptive_field} time steps; {sum(p.numel() for p in own.parameters()):,} weights")

    # What was trained on much data serves little data: the encoder of a fitted estimator is an encoder, too.
    X_many, y_many = make_shapes_in_noise(300, n_classes=6, random_state=2)
    trained = SeqCNNClassifier(own, max_epochs=25, random_state=0).fit(X_many, y_many).encoder_
    X_few, y_few = make_shapes_in_noise(24, n_classes=6, length=200, noise=0.1, random_state=3)
    X_last, y_last = make_shapes_in_noise(200, n_classes=6, length=200, noise=0.1, random_state=4)
    for name, encoder in (("an untrained encoder", own), ("the trained one", trained)):
        second = SeqCNNClassifier(encoder, max_epochs=20, random_state=0).fit(X_few, y_few)
        print(f"24 series of another sensor, from {name}: {second.score(X_last, y_last):.3f}")

    # As a module it is one: raw input to class scores, without the estimator.
    scores = classifier.network_(torch.from_numpy(X_test[:4, None]))
    print(f"network_ gives scores of shape {tuple(scores.shape)}")


if __name__ == "__main__":
    main()
