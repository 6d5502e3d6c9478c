"""Arrays: array-likes become ``(channels, time)`` arrays of real numbers, with every misfit named.

Series and waveforms share these rules; what is done with the numbers afterwards is each adapter's own business.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Complex, Real
from typing import Any, Literal

import numpy as np

from seqcnn._checks import count_word, join_words, name_first, shorten
from seqcnn._types import AnyArray, FloatArray
from seqcnn.inputs.containers import is_missing, to_plain_array


@dataclass(frozen=True)
class Problem:
    """One record that is no array of real numbers: a phrase that names it, and what sort of problem it is."""

    phrase: str
    sort: Literal["complex", "foreign", "shape"]


def to_numbers(value: Any, name: str) -> tuple[AnyArray, Problem | None]:
    """Turn an array-like into an array of real numbers (boolean, integer or floating), or tell why that cannot be.

    ``name`` is how the value is named in the problem's phrase: ``"X"`` or ``"X[3]"``.
    """
    if type(value) is np.ndarray and value.dtype.kind in "biuf":
        return value, None
    try:
        array = to_plain_array(value)
    except ValueError:
        # What numpy calls an inhomogeneous shape.
        return np.empty(0), Problem(f"{name} is a nested list of unequal lengths", "shape")
    if array.dtype.kind == "O":
        return _numbers_from_objects(array, name)
    if array.dtype.kind == "c":
        return array, Problem(f"{name} holds complex numbers", "complex")
    if array.dtype.kind in "UST":
        return array, Problem(f"{name} holds strings, {shorten(array.flat[0].item(), 40)}", "shape")
    if array.dtype.kind not in "biuf":
        return array, Problem(f"{name} holds values of dtype {array.dtype}", "foreign")
    return array, None


def raise_problems(problems: Sequence[Problem], *, caller: str) -> None:
    """Raise the one error that names all problems, if there are any."""
    if not problems:
        return
    named = name_first([problem.phrase for problem in problems])
    sorts = {problem.sort for problem in problems}
    if "complex" in sorts:
        raise ValueError(
            f"Complex data not supported: {named}. {caller} reads real numbers. Pass the real and the imaginary part "
            "as two channels, np.stack([X.real, X.imag], axis=1)."
        )
    if "foreign" in sorts:
        raise TypeError(
            f"The X argument must be made of strings or of numbers. Received: {named}. Pass numbers to {caller}, with "
            "NaN where a value is missing."
        )
    raise ValueError(
        f"{caller} reads every record of a series as an array of numbers, (time,) or (channels, time). "
        f"Received: {named}. Bring these records into one of the two shapes."
    )


def check_block(array: AnyArray, *, caller: str) -> None:
    """Raise ValueError unless this is ``(n, time)`` or ``(n, channels, time)`` with nothing empty."""
    if array.ndim == 1:
        raise ValueError(one_dimension_message(array.shape[0], caller))
    if array.ndim > 3:
        raise ValueError(
            f"{caller} reads (n_records, n_timepoints) or (n_records, n_channels, n_timepoints). Received: an array of "
            f"{array.ndim} dimensions, shape {array.shape}. Reshape X to three dimensions."
        )
    if 0 in array.shape:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required. "
            f"Pass records of at least one time step to {caller}."
        )


def one_dimension_message(length: int, caller: str) -> str:
    """Say what to do with a plain row of numbers."""
    return (
        f"Expected 2D array, got 1D array instead: X has shape ({length},). {caller} reads (n_records, n_timepoints). "
        f"Reshape your data: X.reshape(1, -1) is one record of {count_word(length, 'time step')}, X.reshape(-1, 1) is "
        f"{count_word(length, 'record')} of 1 time step."
    )


def to_float32(array: AnyArray) -> FloatArray:
    """Convert to float32; what does not fit becomes infinity.

    The steps of a record come to lie side by side in memory. Frames keep columns so, and whoever reads one record of
    theirs would touch all of them. What is in this form already is not copied.
    """
    if array.dtype == np.float32 and array.flags.c_contiguous:
        return array
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=np.float32, order="C")


def split_block(array: AnyArray, convert: Callable[[AnyArray], FloatArray]) -> list[FloatArray]:
    """Give one ``(channels, time)`` view a record of ``(n, time)`` or ``(n, channels, time)``."""
    converted = convert(array)
    return list(converted[:, np.newaxis, :] if converted.ndim == 2 else converted)


def split_list(
    arrays: Sequence[AnyArray], convert: Callable[[AnyArray], FloatArray], *, same_channels: bool, caller: str
) -> list[FloatArray]:
    """Give one ``(channels, time)`` array a record of a list of ``(time_i,)`` or ``(channels, time_i)`` arrays.

    ``same_channels=False`` is for waveforms that are averaged to one channel afterwards.
    """
    wrong = [f"X[{row}] has shape {array.shape}" for row, array in enumerate(arrays) if array.ndim not in (1, 2)]
    if wrong:
        raise ValueError(
            f"{caller} reads a list of (time,) or (channels, time) arrays. Received: {name_first(wrong)}. "
            "Bring these records into one of the two shapes."
        )
    empty = [f"X[{row}]" for row, array in enumerate(arrays) if array.size == 0]
    if empty:
        raise ValueError(
            f"Every record must have at least 1 time step. Received: {count_word(len(empty), 'empty record')}, "
            f"{name_first(empty)}. Drop what is empty before passing X to {caller}."
        )
    if same_channels:
        _check_one_shape(arrays, caller)
    return [convert(array[np.newaxis] if array.ndim == 1 else array) for array in arrays]


def looks_swapped(values: Sequence[AnyArray]) -> bool:
    """Tell whether the ``(channels, time)`` records are more likely ``(time, channels)``."""
    channels = int(values[0].shape[0])
    return channels > 64 and channels > 4 * max(int(value.shape[1]) for value in values)


def warn_if_swapped(values: Sequence[AnyArray], *, is_block: bool) -> None:
    """Warn where the channel axis is so long that it is probably time."""
    if not looks_swapped(values):
        return
    channels, steps = values[0].shape
    received = (
        f"X has shape ({len(values)}, {channels}, {steps})" if is_block else f"X[0] has shape ({channels}, {steps})"
    )
    warnings.warn(
        f"{received}, which is read as {count_word(channels, 'channel')} of {count_word(steps, 'time step')}. The axes "
        f"look swapped: channels come before time. Pass {transposed(is_block)} if the last axis holds the channels"
        f"{', or seqcnn.from_tslearn(X) if it comes from tslearn' if is_block else ''}.",
        UserWarning,
        stacklevel=4,
    )


def transposed(is_block: bool) -> str:
    """Say how X is transposed."""
    return "X.transpose(0, 2, 1)" if is_block else "[x.T for x in X]"


def _check_one_shape(arrays: Sequence[AnyArray], caller: str) -> None:
    """Raise ValueError unless all arrays have the first one's dimensions and channels."""
    dimensions, channels = arrays[0].ndim, _channels(arrays[0])
    mixed = [f"X[{row}] has shape {array.shape}" for row, array in enumerate(arrays) if array.ndim != dimensions]
    if mixed:
        raise ValueError(
            f"X mixes 1-D arrays (time,) and 2-D arrays (channels, time): X[0] has shape {arrays[0].shape}, but "
            f"{name_first(mixed)}. Pass arrays of one of the two forms to {caller}."
        )
    other = [
        f"X[{row}] has {_channels(array)} (shape {array.shape})"
        for row, array in enumerate(arrays)
        if _channels(array) != channels
    ]
    if other:
        advice = f"Pass (channels, time) arrays of one channel count to {caller}."
        # All last axes of one length, and shorter than the first ones: there the channels are.
        last = {array.shape[-1] for array in arrays}
        if len(last) == 1 and last.pop() < min(map(_channels, arrays)):
            advice += f" If the last axis holds the channels, pass {transposed(is_block=False)}."
        raise ValueError(
            f"All records must have the same number of channels: X[0] has {channels} (shape {arrays[0].shape}), but "
            f"{name_first(other)}. {advice}"
        )


def _channels(array: AnyArray) -> int:
    return 1 if array.ndim == 1 else int(array.shape[0])


def _numbers_from_objects(array: AnyArray, name: str) -> tuple[AnyArray, Problem | None]:
    """Convert an object array whose elements are numbers (or missing); strings are not parsed as numbers."""
    elements = array.ravel().tolist()
    kinds = set(map(type, elements))
    if any(issubclass(kind, complex | np.complexfloating) for kind in kinds):
        return array, Problem(f"{name} holds complex numbers", "complex")
    not_real = {kind for kind in kinds if not issubclass(kind, Real | np.bool_) and not _is_decimal(kind)}
    if not_real:
        strange = [
            (position, element)
            for position, element in enumerate(elements)
            if type(element) in not_real and not is_missing(element)
        ]
        if strange:
            position, element = strange[0]
            row = position * len(array) // len(elements)
            where = f"X[{row}]" if name == "X" else name
            words = "a string" if isinstance(element, str) else f"a {type(element).__name__}"
            sort: Literal["shape", "foreign"] = (
                "shape" if isinstance(element, str | list | tuple | np.ndarray) else "foreign"
            )
            return array, Problem(f"{where} holds {words}, {shorten(element, 40)}", sort)
        elements = [np.nan if type(element) in not_real else element for element in elements]
    try:
        return np.array(elements, dtype=np.float64).reshape(array.shape), None
    except (OverflowError, TypeError, ValueError) as error:
        return array, Problem(f"{name} holds a value that is no floating number ({error})", "foreign")


def _is_decimal(kind: type) -> bool:
    # decimal.Decimal registers as a Number, but neither as Real nor as Complex.
    return kind.__module__ == "decimal" and not issubclass(kind, Complex)


def describe_bad_values(values: Sequence[FloatArray], bad: Callable[[AnyArray], AnyArray]) -> list[str]:
    """Name the records that hold bad values, with their channels and counts: ``"X[3] has 2 (channel 0)"``."""
    phrases = []
    for row, value in enumerate(values):
        counts = bad(value).sum(axis=1)
        if counts.any():
            channels = np.flatnonzero(counts).tolist()
            word = "channel" if len(channels) == 1 else "channels"
            listed = name_first([str(channel) for channel in channels]) if len(channels) > 5 else join_words(channels)
            phrases.append(f"X[{row}] has {int(counts.sum()):,} ({word} {listed})")
    return phrases


def check_finite(values: Sequence[FloatArray], *, allow_nan: bool, advice: Callable[[], str]) -> None:
    """Raise ValueError where values are infinite, or NaN unless that is allowed; one error for both.

    ``advice`` says what to do about NaN; it is asked only where there are some.
    """
    if all(np.isfinite(value).all() for value in values):
        return
    sentences = []
    missing = [] if allow_nan else describe_bad_values(values, np.isnan)
    if missing:
        sentences.append(f"Input X contains NaN: {name_first(missing)}. {advice()}")
    infinite = describe_bad_values(values, np.isinf)
    if infinite:
        sentences.append(
            f"Input X contains infinity or a value too large for dtype('float32'): {name_first(infinite)}. "
            "Replace or rescale these values."
        )
    if sentences:
        raise ValueError(" ".join(sentences))
