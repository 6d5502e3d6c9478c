"""Audio: files, waveforms with one rate and (waveform, rate) pairs become ``(channels, time)`` float32 records."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqcnn._checks import count_word, name_first, shorten
from seqcnn._types import AnyArray, FloatArray
from seqcnn.inputs.arrays import (
    check_finite,
    looks_swapped,
    raise_problems,
    split_block,
    split_list,
    to_float32,
    to_numbers,
)
from seqcnn.inputs.audio_files import INSTALL_HINT, read_files
from seqcnn.inputs.contract import InputContract
from seqcnn.inputs.detect import Received

FULL_SCALE = {"i1": 2**7, "i2": 2**15, "i4": 2**31, "u1": 2**7}
"""What 1.0 is in the integer types that hold sound; an int64 may hold any of them, so it has none."""

_FULL_LEVEL, _CLIPPED_SHARE, _CLIPPED_SAMPLES = 0.99, 0.002, 4
"""A record is clipped if its highest or lowest value is full scale and so many samples, and such a share of them, have
the value of the one before them there: a wave that just reaches full scale touches it, and does not stay."""


def read_audio_for_fit(
    received: Received, *, sample_rate: int | None, mono: bool, caller: str
) -> tuple[list[FloatArray], InputContract]:
    """Read the audio that an estimator is fitted on, and settle its rate and channels."""
    if received.form in ("block", "arrays") and sample_rate is None:
        raise ValueError(
            f"{caller} reads X as audio, but X holds bare waveforms, which do not tell their rate. Pass "
            "sample_rate=... in Hz, or a list of (waveform, sample_rate) pairs."
        )
    values, rates, names = _read(received, mono, sample_rate or 0, caller)
    if received.form not in ("block", "arrays"):  # bare samples were made by a program, and silence may be meant
        _warn_of_bad_recordings(values, names, caller)
    if sample_rate is None:
        firsts = dict(zip(reversed(rates), reversed(names), strict=True))
        if len(firsts) > 1:
            named = name_first([f"{firsts[rate]} has {rate} Hz" for rate in sorted(firsts)])
            raise ValueError(
                f"All audio must have one sample rate, but {named}. Pass sample_rate={min(firsts)} (or another one) to "
                f"{caller} to resample everything to it."
            )
        settled = rates[0]
    else:
        settled = sample_rate
        values = _resample(values, rates, settled)
    if not mono:
        _check_channels(values, names, values[0].shape[0], f"{names[0]} has", caller)
    contract = InputContract(
        kind="audio",
        n_channels=values[0].shape[0],
        sample_rate=settled,
        resample=sample_rate is not None,
        mono=mono,
    )
    return values, contract


def read_audio_for_predict(received: Received, contract: InputContract, *, caller: str) -> list[FloatArray]:
    """Read audio as the contract says; bare waveforms are taken to have the fitted rate."""
    fitted = contract.sample_rate
    assert fitted is not None  # an audio contract has one
    values, rates, names = _read(received, contract.mono, fitted, caller)
    other = [f"{name} has {rate} Hz" for rate, name in zip(rates, names, strict=True) if rate != fitted]
    if other and not contract.resample:
        raise ValueError(
            f"{caller} was fitted on audio of {fitted} Hz, but {name_first(other)}. Pass audio of {fitted} Hz, or "
            f"construct {caller} with sample_rate={fitted} and fit it again: then it resamples other rates."
        )
    if not contract.mono:
        _check_channels(values, names, contract.n_channels, f"{caller} was fitted on", caller)
    return _resample(values, rates, fitted)


def _read(received: Received, mono: bool, bare_rate: int, caller: str) -> tuple[list[FloatArray], list[int], list[str]]:
    """Return waveforms (averaged if mono), rates and how each record is named in an error."""
    if received.form in ("paths", "strings"):
        paths = [Path(item) for item in received.items]
        decoded = read_files(paths, caller=caller)
        waves, rates = [wave for wave, _ in decoded], [rate for _, rate in decoded]
        names = [f"X[{row}] ({path})" for row, path in enumerate(paths)]
    else:
        if received.form == "block":
            _check_scale([received.block], ["X"], caller)
            waves = split_block(received.block, _to_full_scale)
            rates = [bare_rate] * len(waves)
        else:
            arrays: list[AnyArray] = received.items
            rates = [bare_rate] * len(arrays)
            if received.form == "pairs":
                arrays, rates = _split_pairs(received.items, caller)
            _check_scale(arrays, [f"X[{row}]" for row in range(len(arrays))], caller)
            waves = split_list(arrays, _to_full_scale, same_channels=False, caller=caller)
        names = [f"X[{row}]" for row in range(len(waves))]
        _check_not_swapped(waves, caller)
        advice = f"Sound has no gaps that {caller} could fill: cut or drop these records."
        check_finite(waves, allow_nan=False, advice=lambda: advice)
    if mono:
        waves = [wave if wave.shape[0] == 1 else wave.mean(axis=0, keepdims=True) for wave in waves]
    return waves, rates, names


def _split_pairs(pairs: Sequence[tuple[Any, Any]], caller: str) -> tuple[list[AnyArray], list[int]]:
    """Take (waveform, rate) pairs apart; the swapped order, which scipy.io.wavfile.read gives, is an error."""
    wrong = [f"X[{row}] has the rate {shorten(rate, 40)}" for row, (_, rate) in enumerate(pairs) if not _is_rate(rate)]
    if wrong:
        raise ValueError(
            f"{caller} reads pairs as (waveform, sample_rate), the rate a whole number of Hz. Received: "
            f"{name_first(wrong)}. Pass the waveform first, the rate second."
        )
    arrays, problems = [], []
    for row, (wave, _) in enumerate(pairs):
        array, problem = to_numbers(wave, f"X[{row}]")
        arrays.append(array)
        if problem:
            problems.append(problem)
    raise_problems(problems, caller=caller)
    return arrays, [int(rate) for _, rate in pairs]


def _is_rate(rate: Any) -> bool:
    if not isinstance(rate, int | float | np.integer | np.floating):
        return False
    number = float(rate)
    return number.is_integer() and number >= 1


def _check_scale(arrays: Sequence[AnyArray], names: Sequence[str], caller: str) -> None:
    wrong = [
        f"{name} holds {array.dtype}"
        for name, array in zip(names, arrays, strict=True)
        if array.dtype.kind in "biu" and array.dtype.str[1:] not in FULL_SCALE
    ]
    if wrong:
        raise ValueError(
            f"{caller} scales waveforms of int8, int16, int32 and uint8 to [-1, 1], and cannot tell the full scale of "
            f"others. Received: {name_first(wrong)}. Pass one of these types, or floats in [-1, 1]."
        )


def _warn_of_bad_recordings(waves: Sequence[FloatArray], names: Sequence[str], caller: str) -> None:
    """Name the records that are silent or clipped: they can be trained on, but hardly anybody means to."""
    silent, clipped = [], []
    for wave, name in zip(waves, names, strict=True):
        low, high = float(wave.min()), float(wave.max())
        if low == high:
            silent.append(f"{name} holds {low:.3g} throughout" if low else name)
            continue
        limits = [wave == limit for limit in (low, high) if _FULL_LEVEL <= abs(limit) <= 1]
        stays = sum(int(np.count_nonzero(there[:, 1:] & there[:, :-1])) for there in limits)
        if stays >= max(_CLIPPED_SAMPLES, _CLIPPED_SHARE * wave.size):
            share = sum(float(there.mean()) for there in limits)
            clipped.append(f"{name} has {share:.1%} of its samples at full scale")
    total = count_word(len(waves), "recording")
    if silent:
        warnings.warn(
            f"{len(silent):,} of {total} in X {'is' if len(silent) == 1 else 'are'} silent: {name_first(silent)}. "
            f"{caller} learns from them as they are. Drop them, unless silence is what their labels stand for.",
            UserWarning,
            stacklevel=4,
        )
    if clipped:
        warnings.warn(
            f"{len(clipped):,} of {total} in X {'is' if len(clipped) == 1 else 'are'} clipped: {name_first(clipped)}. "
            f"{caller} learns from them as they are. Record them again at a lower level, or drop them.",
            UserWarning,
            stacklevel=4,
        )


def _to_full_scale(array: AnyArray) -> FloatArray:
    """Scale integers to [-1, 1], as soundfile does with files; floats are taken as they are."""
    if array.dtype.kind not in "iu":
        return to_float32(array)
    middle = 128.0 if array.dtype.kind == "u" else 0.0
    return to_float32((array.astype(np.float64) - middle) / FULL_SCALE[array.dtype.str[1:]])


def _check_not_swapped(waves: Sequence[FloatArray], caller: str) -> None:
    # Averaging (time, channels) to mono would leave a waveform of two samples, so this is no mere warning.
    wrong = [f"X[{row}] has shape {wave.shape}" for row, wave in enumerate(waves) if looks_swapped([wave])]
    if wrong:
        raise ValueError(
            f"{caller} reads waveforms as (channels, time). Received: {name_first(wrong)}. The axes look swapped, as "
            "soundfile.read gives them: pass waveform.T."
        )


def _check_channels(waves: Sequence[FloatArray], names: Sequence[str], expected: int, who: str, caller: str) -> None:
    other = [
        f"{name} has {wave.shape[0]}" for name, wave in zip(names, waves, strict=True) if wave.shape[0] != expected
    ]
    if other:
        raise ValueError(
            f"With mono=False all audio must have the same number of channels: {who} "
            f"{count_word(expected, 'channel')}, but {name_first(other)}. Convert these records, or pass mono=True to "
            f"{caller} to average the channels."
        )


def _resample(waves: list[FloatArray], rates: Sequence[int], target: int) -> list[FloatArray]:
    """Bring waveforms to the target rate with torchaudio's windowed-sinc filter; the right rate passes untouched."""
    if all(rate == target for rate in rates):
        return waves
    try:
        import torch
        from torchaudio.functional import resample
    except (ImportError, OSError) as error:  # OSError: torchaudio is there, but built for another torch
        raise ImportError(
            f"Resampling audio needs torchaudio, which does not load ({error}). {INSTALL_HINT}"
        ) from error
    return [
        wave if rate == target else resample(torch.from_numpy(wave), rate, target).numpy()
        for wave, rate in zip(waves, rates, strict=True)
    ]
