"""Series: numbers over time become ``(channels, time)`` float32 records."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqcnn._checks import count_word, name_first
from seqcnn._types import FloatArray
from seqcnn.inputs.arrays import check_finite, split_block, split_list, to_float32, transposed, warn_if_swapped
from seqcnn.inputs.contract import InputContract
from seqcnn.inputs.detect import Received

MISSING = ("error", "interpolate", "mask")
"""What can be done with NaN."""


def read_series_for_fit(received: Received, *, missing: str, caller: str) -> tuple[list[FloatArray], InputContract]:
    """Read the series that an estimator is fitted on, and settle what predict demands."""
    values = _split(received, caller)
    warn_if_swapped(values, is_block=received.form == "block")
    is_table = received.form == "block" and received.block.ndim == 2
    contract = InputContract(
        kind="series",
        n_channels=values[0].shape[0],
        n_timepoints=values[0].shape[1] if is_table else None,
        missing=missing,
    )
    return _settle_missing(values, missing, caller), contract


def read_series_for_predict(received: Received, contract: InputContract, *, caller: str) -> list[FloatArray]:
    """Read series, which must have the fitted number of channels (and columns, after a fit on one table)."""
    values = _split(received, caller)
    _check_channels(received, values, contract, caller)
    _check_timepoints(values, contract, caller)
    return _settle_missing(values, contract.missing, caller)


def _split(received: Received, caller: str) -> list[FloatArray]:
    if received.form == "block":
        return split_block(received.block, to_float32)
    return split_list(received.items, to_float32, same_channels=True, caller=caller)


def _settle_missing(values: list[FloatArray], missing: str, caller: str) -> list[FloatArray]:
    check_finite(values, allow_nan=missing != "error", advice=lambda: _advise(values, caller))
    if missing != "interpolate":
        return values
    wholly = [
        f"channel {channel} of X[{row}]"
        for row, value in enumerate(values)
        for channel in np.flatnonzero(np.isnan(value).all(axis=1)).tolist()
    ]
    if wholly:
        raise ValueError(
            f"A channel without any value cannot be interpolated. Received: only NaN in {name_first(wholly)}. Pass "
            f"missing='mask' to {caller}, or drop these records, or fill these channels with a constant."
        )
    return [_interpolate(value) if np.isnan(value).any() else value for value in values]


def _advise(values: Sequence[FloatArray], caller: str) -> str:
    advice = (
        f"Pass missing='interpolate' to {caller} to fill them from their neighbours, missing='mask' to let the network "
        "see what is missing, or drop these records."
    )
    if not _looks_padded_by_tslearn(values):
        return advice
    return (
        f"{advice} If X is (n_cases, n_timepoints, n_channels) with NaN behind the shorter series, as tslearn has it, "
        "pass seqcnn.from_tslearn(X)."
    )


def _looks_padded_by_tslearn(values: Sequence[FloatArray]) -> bool:
    """Tell whether all NaN fill the last rows of their ``(channels, time)`` records: those may be time steps."""
    found = False
    for value in values:
        absent = np.isnan(value)
        rows = np.asarray(absent.all(axis=1))
        if (absent != rows[:, np.newaxis]).any() or rows[0] or (rows[:-1] > rows[1:]).any():
            return False
        found = found or bool(rows[-1])
    return found


def _interpolate(value: FloatArray) -> FloatArray:
    """Fill NaN on a copy: linear between the neighbours, the nearest value at the edges."""
    filled = value.copy()
    for channel in filled:
        gaps = np.isnan(channel)
        channel[gaps] = np.interp(np.flatnonzero(gaps), np.flatnonzero(~gaps), channel[~gaps])
    return filled


def _check_channels(received: Received, values: Sequence[FloatArray], contract: InputContract, caller: str) -> None:
    channels, steps = values[0].shape
    fitted = contract.n_channels
    if channels == fitted:
        return
    is_block = received.form == "block"
    shape = f"X has shape {received.block.shape}" if is_block else f"X[0] has shape {received.items[0].shape}"
    if steps == fitted and channels > 1:
        advice = f"The last axis has the fitted number of channels: pass {transposed(is_block)}."
    elif channels == 1 and is_block and received.block.ndim == 2 and len(values) == fitted:
        advice = f"If X is one record of {count_word(fitted, 'channel')}, pass X[np.newaxis]."
    else:
        advice = f"Pass records of {count_word(fitted, 'channel')}, or fit {caller} again."
    raise ValueError(
        f"{caller} was fitted on records of {count_word(fitted, 'channel')}, but X has "
        f"{count_word(channels, 'channel')} ({shape}). {advice}"
    )


def _check_timepoints(values: Sequence[FloatArray], contract: InputContract, caller: str) -> None:
    expected = contract.n_timepoints
    if expected is None:
        return
    other = [(row, value.shape[1]) for row, value in enumerate(values) if value.shape[1] != expected]
    if not other:
        return
    advice = (
        f"It was fitted on one table of {count_word(expected, 'time step')}. Pass records of that length, or fit it on "
        "a list of arrays, (time,) each, if lengths may vary."
    )
    if len({steps for _, steps in other}) == 1 and len(other) == len(values):
        raise ValueError(
            f"X has {other[0][1]} features, but {caller} is expecting {expected} features as input. {advice}"
        )
    named = name_first([f"X[{row}] has {steps}" for row, steps in other])
    raise ValueError(f"{named} features, but {caller} is expecting {expected} features as input. {advice}")
