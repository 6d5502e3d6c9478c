"""The parameter ``augment``: checked beside what X and y turned out to be, and made into what a training calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn._checks import count_word, did_you_mean, shorten
from seqcnn._types import AUDIO_SUFFIXES, FloatArray
from seqcnn.augment.audio import AudioAugmenter
from seqcnn.augment.series import SeriesAugmenter
from seqcnn.augment.series_settings import SeriesAugmentation
from seqcnn.augment.settings import AudioAugmentation
from seqcnn.augment.sounds import Sounds, gather_sounds
from seqcnn.batches import Batch, WindowStore
from seqcnn.encoders import TDFilterbankNet
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._targets import ClassTarget, NumericTarget, Target
from seqcnn.inference import knows_no_padding
from seqcnn.inputs import InputContract, read_for_fit
from seqcnn.inputs.records import Records
from seqcnn.layers.masking import hide_padding, length_mask
from seqcnn.layers.mix_style import MixStyle
from seqcnn.layers.spec_augment import SpecAugment
from seqcnn.network import Network
from seqcnn.stems import FrontEndStem
from seqcnn.training import Augment

Augmentation: TypeAlias = AudioAugmentation | SeriesAugmentation

_WORDS: Mapping[str, type[Augmentation]] = {"series": SeriesAugmentation, "audio": AudioAugmentation}
"""What ``augment`` names, each a kind of input: the settings that stand for it, with their defaults."""

_WHAT_THEY_DO = {
    "series": "'series' changes series, in which it lets time go faster and slower",
    "audio": "'audio' changes recordings, which it plays faster and sets in rooms and noise",
}


def check_augment_parameter(augment: Any, caller: str) -> None:
    """Raise TypeError or ValueError unless it is None, one of the words, or settings that name the amounts."""
    if augment is None or isinstance(augment, AudioAugmentation | SeriesAugmentation):
        return
    if isinstance(augment, str) and augment in _WORDS:
        return
    message = (
        f"The 'augment' parameter of {caller} must be None, 'series', 'audio', a SeriesAugmentation or an "
        f"AudioAugmentation. Received: {shorten(augment)}. "
        f"{did_you_mean(augment, _WORDS) if isinstance(augment, str) else ''}Pass augment='series' or "
        f"augment='audio', or settings from seqcnn.augment, which name the amounts."
    )
    raise ValueError(message) if isinstance(augment, str) else TypeError(message)


def settle_augmentation(
    augment: str | Augmentation | None,
    records: Records,
    target: Target | None,
    *,
    is_fixed: bool,
    caller: str,
) -> Augmentation | None:
    """Return what is done to records in training.

    Parameters
    ----------
    augment
        The parameter, valid by itself.
    records, target
        What is learnt.
    is_fixed
        Whether the encoder, or every one of a committee, has fixed kernels.
    caller
        The estimator's name, for the messages.

    Raises
    ------
    ValueError
        If it makes no sense for them: for another kind of input, fixed kernels, or mixtures of what cannot be mixed.
    """
    if augment is None:
        return None
    who = f"The 'augment' parameter of {caller}"
    settings = _WORDS[augment]() if isinstance(augment, str) else augment
    meant = "series" if isinstance(settings, SeriesAugmentation) else "audio"
    if records.kind != meant:
        allowed = "None" if records.kind == "text" else f"None or {records.kind!r}"
        more = ", or input='audio' and sample_rate=... if X holds recordings" if records.kind == "series" else ""
        raise ValueError(
            f"{who} must be {allowed} for {records.kind}: {_WHAT_THEY_DO[meant]}. Received: {shorten(augment)}. Pass "
            f"augment=None{more}."
        )
    if is_fixed:
        raise ValueError(
            f"{who} must be None beside an encoder of fixed kernels, whose head is solved from all records at once, "
            f"with no epochs to change them in. Received: {shorten(augment)}. Pass augment=None, or another encoder, "
            f"such as {'lite' if meant == 'series' else 'm5'!r}."
        )
    if settings.mixing is not None and (isinstance(target, NumericTarget) or records.static is not None):
        noun = "series" if meant == "series" else "sounds"
        what = f"numbers as targets: the number for two {noun} at once is not the mean of theirs"
        if records.static is not None:
            what = f"number columns beside the records, which do not mix as {noun} do"
        raise ValueError(
            f"{who} must have mixing=None with {what}. Received: mixing={settings.mixing!r}. Pass "
            f"{type(settings).__name__}(mixing=None)."
        )
    return settings


def read_sounds(settings: AudioAugmentation, contract: InputContract, seed: int, caller: str) -> Sounds:
    """Read the folders of noises and rooms, at the rate of the records, and generate what has no folder.

    Raises
    ------
    FileNotFoundError
        If a folder is missing or holds no recordings.
    ValueError
        If recordings cannot be read; all are named.
    """
    rate = contract.sample_rate
    assert rate is not None
    noises = _read_folder("noises", settings.noises if settings.noise_share else None, rate, caller)
    rooms = _read_folder("rooms", settings.rooms if settings.reverberation_share else None, rate, caller)
    # A generator of their own: a training that goes on, also in another process, hears the same ones.
    generator = np.random.default_rng([seed, len("augment")])
    return gather_sounds(settings, sample_rate=rate, noises=noises, rooms=rooms, generator=generator)


def _read_folder(name: str, folder: str | None, sample_rate: int, caller: str) -> tuple[FloatArray, ...]:
    if folder is None:
        return ()
    path = Path(folder)
    files = sorted(found for found in path.rglob("*") if found.suffix.lower() in AUDIO_SUFFIXES)
    if not files:
        what = "has no recordings in it" if path.is_dir() else "is a file" if path.exists() else "does not exist"
        raise FileNotFoundError(
            f"The '{name}' of the 'augment' parameter of {caller} must be a folder of recordings. Received: {folder}, "
            f"which {what}. Pass a folder with {', '.join(AUDIO_SUFFIXES)} files in it or below it, or {name}=None to "
            f"generate them."
        )
    try:
        records, _ = read_for_fit(files, kind="audio", sample_rate=sample_rate, caller=caller)
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(f"The '{name}' of augment, which are called X here, cannot be read. {error}") from error
    return tuple(value[0] for value in records.values)


def make_augment(
    sounds: Sounds | SeriesAugmentation, network: Network, store: WindowStore, target: Target | None
) -> Augment:
    """Return what changes the batches of one training.

    Windows that all have one length keep it when their speed changes, as a detector's window does, and so do those
    that a module reads which knows no padding, and those with their past in front, lest the window end elsewhere.
    """
    n_classes = len(target.classes) if isinstance(target, ClassTarget) else None
    augmenter: AudioAugmenter | SeriesAugmenter
    if isinstance(sounds, SeriesAugmentation):
        augmenter = SeriesAugmenter(sounds, n_classes=n_classes)
    else:
        one_length = int(store.lengths.min()) == int(store.lengths.max())
        augmenter = AudioAugmenter(
            sounds,
            n_classes=n_classes,
            keeps_length=knows_no_padding(network) or one_length or store.carries_past,
            minimum_length=network.minimum_length,
            dtype=store.dtype,
            device=store.device,
        )

    def augment(
        batch: Batch, targets: Tensor, weights: Tensor, generator: np.random.Generator
    ) -> tuple[Batch, Tensor, Tensor]:
        with torch.no_grad():
            x, lengths, targets, weights = augmenter(batch.x, batch.lengths, targets, weights, generator)
            if batch.kept is not None and lengths is not None and batch.lengths is not None:
                # What was mixed in may have gone on longer.
                lengths = batch.lengths
                x = hide_padding(x, length_mask(lengths, x.shape[2]))
        return Batch(x, lengths, batch.static, batch.kept), targets, weights

    return augment


class _InTurn(nn.Module):
    """Changes of bands, one after the other; each is called with the bands and the frames of each record."""

    def __init__(self, changes: Sequence[nn.Module]) -> None:
        super().__init__()
        self.changes = nn.ModuleList(changes)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        for change in self.changes:
            x = change(x, lengths)
        return x


@contextmanager
def changed_bands(network: Network, sounds: Sounds | SeriesAugmentation | None) -> Iterator[None]:
    """Let bands be changed and hidden inside the block, where there are any; what is saved knows nothing of it.

    A stem gives them, or an encoder that learns its own.
    """
    holder = network.stem if isinstance(network.stem, FrontEndStem) else network.encoder
    if not isinstance(sounds, Sounds) or not isinstance(holder, FrontEndStem | TDFilterbankNet):
        yield
        return
    settings, changes = sounds.settings, list[nn.Module]()
    if settings.style_share:
        changes.append(MixStyle(share=settings.style_share))
    if settings.hides:
        n_bands = holder.out_channels if isinstance(holder, FrontEndStem) else holder.n_bands
        hiding = SpecAugment(
            time_seconds=settings.time_mask_seconds,
            n_time_masks=settings.time_masks,
            bands=round(settings.band_mask_share * n_bands),
            n_band_masks=settings.band_masks,
            frame_seconds=holder.stride / sounds.sample_rate,
        )
        changes.append(hiding)
    holder.masks = _InTurn(changes) if changes else None
    try:
        yield
    finally:
        holder.masks = None


def tell_memory(examples: Examples, sounds: Sounds | SeriesAugmentation | None) -> str:
    """Return one line on what stays in memory for a training on recordings, so that it is decoded once."""
    records = examples.records
    assert records.sample_rate is not None
    seconds = float(records.lengths.sum()) / records.sample_rate
    n_bytes = sum(value.nbytes for value in records.values)
    line = f"holds {count_word(len(records), 'recording')}, {_show(seconds, n_bytes)}"
    if isinstance(sounds, Sounds) and sounds.n_samples:
        line += (
            f"; {count_word(len(sounds.noises), 'noise')} and {count_word(len(sounds.rooms), 'room')}, "
            f"{_show(sounds.n_samples / sounds.sample_rate, 4 * sounds.n_samples)}"
        )
    return line


def _show(seconds: float, n_bytes: int) -> str:
    return f"{seconds:,.1f} s, {n_bytes / 1e6:,.1f} MB"
