"""Batches of recordings changed in training, as an :class:`~seqcnn.augment.AudioAugmentation` says.

    speed -> mixing -> shift -> room and microphone -> noise -> gain

All chance comes from the numpy generator of a training: a few numbers a record, so that the same seed gives the same
numbers on every device. Noise and rooms are there before (:mod:`seqcnn.augment.sounds`): a batch takes pieces of them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import AnyArray
from seqcnn.augment.levels import add_noise, change_gain, shift_in_time, take_stretch
from seqcnn.augment.mixing import mix_lengths, mix_targets, mix_waves
from seqcnn.augment.responses import count_octaves, hear
from seqcnn.augment.settings import SPEED_STEPS
from seqcnn.augment.sounds import Sounds
from seqcnn.augment.speed import change_speed

_VOICES = 3
"""Of babble."""

_MIXUP_ALPHA = 0.2
"""Of the beta distribution that a share is drawn from: mostly near 0 or 1."""

_LARGEST_SHIFT = 0.1
"""Of a record's length."""


class AudioAugmenter:
    """Changes batches of recordings.

    Parameters
    ----------
    sounds
        What is done, and what records are set in for it.
    n_classes
        Where targets are class numbers, how many there are: mixed, they are probabilities. Otherwise None.
    keeps_length
        Whether records stay as long as they are when their speed changes, zeros around them or both ends cut off.
    minimum_length
        Steps that a batch must have.
    dtype, device
        Of the batches.

    Examples
    --------
    >>> from seqcnn.augment.sounds import gather_sounds
    >>> settings = AudioAugmentation(speed=(0.9, 1.1), shift_seconds=0.05)
    >>> sounds = gather_sounds(settings, sample_rate=8000, generator=np.random.default_rng(0))
    >>> change = AudioAugmenter(sounds, keeps_length=True)
    >>> x, lengths, targets, weights = change(
    ...     torch.randn(4, 1, 8000), None, torch.arange(4), torch.ones(4), np.random.default_rng(0)
    ... )
    >>> x.shape, targets.tolist()
    (torch.Size([4, 1, 8000]), [0, 1, 2, 3])
    """

    def __init__(
        self,
        sounds: Sounds,
        *,
        n_classes: int | None = None,
        keeps_length: bool = False,
        minimum_length: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> None:
        self._settings, self._sample_rate = sounds.settings, sounds.sample_rate
        self._n_classes, self._keeps_length, self._minimum_length = n_classes, keeps_length, minimum_length
        self._noise = self._rooms = None
        if sounds.noises:
            self._noise = torch.from_numpy(np.concatenate(sounds.noises)).to(device, dtype)
        if sounds.rooms:
            padded = np.zeros((len(sounds.rooms), max(map(len, sounds.rooms))), dtype=np.float32)
            for row, response in enumerate(sounds.rooms):
                padded[row, : len(response)] = response
            self._rooms = torch.from_numpy(padded).to(device, dtype)

    def __call__(
        self, x: Tensor, lengths: Tensor | None, targets: Tensor, weights: Tensor, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """Change a batch.

        Parameters
        ----------
        x, lengths
            ``(batch, channels, time)``, zero behind the lengths ``(batch,)``; None says that nothing is padded.
        targets, weights
            Of each record: numbers of classes ``(batch,)`` or anything ``(batch, n)``, and ``(batch,)``.
        generator
            The source of chance.

        Returns
        -------
        tuple
            The same four, changed; with mixing, numbers of classes have become probabilities ``(batch, n_classes)``.
        """
        x = x.contiguous()
        x, lengths = self._change_speed(x, lengths, generator)
        if self._settings.mixing is not None:
            x, lengths, targets, weights = self._mix(x, lengths, targets, weights, generator)
        x = self._shift(x, lengths, generator)
        x = self._hear(x, lengths, generator)
        x = self._add_noise(x, lengths, generator)
        low, high = self._settings.gain_db
        if (low, high) != (0, 0):
            x = change_gain(x, _tensor(generator.uniform(low, high, len(x)), x))
        return x, lengths, targets, weights

    def _change_speed(
        self, x: Tensor, lengths: Tensor | None, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor | None]:
        speeds = self._settings.speeds
        if speeds == (SPEED_STEPS,):
            return x, lengths
        chosen = torch.from_numpy(generator.choice(speeds, len(x))).to(x.device)
        played, after = change_speed(x, lengths, chosen, minimum_length=self._minimum_length)
        if not self._keeps_length:
            return played, after
        long = torch.full_like(chosen, played.shape[2]) if after is None else after
        before = torch.full_like(chosen, x.shape[2]) if lengths is None else lengths
        starts = torch.div(long - before, 2, rounding_mode="floor")
        placed = take_stretch(played, starts, x.shape[2])
        return placed, lengths

    def _mix(
        self, x: Tensor, lengths: Tensor | None, targets: Tensor, weights: Tensor, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        settings, n = self._settings, len(x)
        by_energy = settings.mixing == "between-class"
        shares = generator.random(n) if by_energy else generator.beta(_MIXUP_ALPHA, _MIXUP_ALPHA, n)
        shares[generator.random(n) >= settings.mixing_share] = 1.0
        kept = _tensor(shares, weights)
        partners = torch.from_numpy(_others(n, generator)).to(x.device)
        if self._n_classes is not None:
            targets = torch.nn.functional.one_hot(targets, self._n_classes).to(weights.dtype)
        targets, weights = mix_targets(targets, weights, partners, kept)
        mixed = mix_waves(x, lengths, partners, kept, by_energy=by_energy)
        return mixed, mix_lengths(lengths, partners, kept), targets, weights

    def _shift(self, x: Tensor, lengths: Tensor | None, generator: np.random.Generator) -> Tensor:
        if self._settings.shift_seconds == 0:
            return x
        long = np.full(len(x), x.shape[2]) if lengths is None else lengths.cpu().numpy()
        most = np.minimum(self._settings.shift_seconds * self._sample_rate, _LARGEST_SHIFT * long)
        steps = np.rint(generator.uniform(-1, 1, len(x)) * most).astype(np.int64)
        return shift_in_time(x, lengths, torch.from_numpy(steps).to(x.device))

    def _hear(self, x: Tensor, lengths: Tensor | None, generator: np.random.Generator) -> Tensor:
        """Let some records be heard in a room, some by another microphone, and some by both."""
        settings = self._settings
        in_room = generator.random(len(x)) < settings.reverberation_share
        by_other = generator.random(len(x)) < settings.equalizer_share
        if settings.equalizer_db == 0:
            by_other[:] = False
        n_octaves = count_octaves(self._sample_rate)
        decibels = generator.normal(0.0, settings.equalizer_db, (len(x), n_octaves)) * by_other[:, None]
        # Both are one product of spectra; those without a room need no time for its echo.
        for chosen in (in_room, by_other & ~in_room):
            if not chosen.any():
                continue
            rows = torch.from_numpy(np.flatnonzero(chosen)).to(x.device)
            rooms = None
            if chosen is in_room:
                assert self._rooms is not None
                rooms = self._rooms[torch.from_numpy(generator.integers(len(self._rooms), size=len(rows))).to(x.device)]
            heard = hear(
                x[rows],
                None if lengths is None else lengths[rows],
                rooms=rooms,
                microphones=_tensor(decibels[chosen], x) if by_other[chosen].any() else None,
                sample_rate=self._sample_rate,
            )
            x = x.index_copy(0, rows, heard)
        return x

    def _add_noise(self, x: Tensor, lengths: Tensor | None, generator: np.random.Generator) -> Tensor:
        settings, n = self._settings, len(x)
        if self._noise is None:
            return x
        noisy = np.flatnonzero(generator.random(n) < settings.noise_share)
        # Two voices beside one's own make no babble.
        babbling = generator.random(len(noisy)) < (settings.babble_share if n > _VOICES else 0.0)
        decibels = generator.uniform(*settings.noise_db, len(noisy))
        for chosen in (babbling, ~babbling):
            if not chosen.any():
                continue
            rows = torch.from_numpy(noisy[chosen]).to(x.device)
            noise = self._babble(x, noisy[chosen], generator) if chosen is babbling else None
            if noise is None:
                noise = self._cut_noise(len(rows), x.shape[2], generator)
            of_rows = None if lengths is None else lengths[rows]
            x = x.index_copy(0, rows, add_noise(x[rows], of_rows, noise, _tensor(decibels[chosen], x)))
        return x

    def _babble(self, x: Tensor, rows: AnyArray, generator: np.random.Generator) -> Tensor:
        """Return the sum of other records, backwards, for each of these rows: ``(n_rows, channels, time)``."""
        n = len(x)
        voices = (rows[:, None] + 1 + np.argsort(generator.random((len(rows), n - 1)), axis=1)[:, :_VOICES]) % n
        chosen = torch.from_numpy(voices).to(x.device)
        return sum((x[chosen[:, voice]] for voice in range(1, _VOICES)), start=x[chosen[:, 0]]).flip(2)

    def _cut_noise(self, n: int, n_timepoints: int, generator: np.random.Generator) -> Tensor:
        """Return pieces out of the noise there is, ``(n, 1, n_timepoints)``."""
        assert self._noise is not None
        noise = self._noise
        if len(noise) < n_timepoints:
            noise = noise.repeat(-(-n_timepoints // len(noise)))
        starts = torch.from_numpy(generator.integers(len(noise) - n_timepoints + 1, size=n)).to(noise.device)
        return noise.unfold(0, n_timepoints, 1)[starts][:, None]


def _others(n: int, generator: np.random.Generator) -> AnyArray:
    """Return another row for each of ``n`` rows; its own where there is no other."""
    if n == 1:
        return np.zeros(1, dtype=np.int64)
    return (np.arange(n) + 1 + generator.integers(n - 1, size=n)) % n


def _tensor(numbers: AnyArray, like: Tensor) -> Tensor:
    return torch.from_numpy(numbers).to(like.device, like.dtype)
