"""What is pushed into a stream: checked whole, before the stream changes, and turned into ``(channels, n)`` float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from seqcnn._checks import count_word, shorten
from seqcnn._types import AnyArray, FloatArray
from seqcnn.inputs import InputContract
from seqcnn.inputs.audio import FULL_SCALE


def read_samples(samples: Any, contract: InputContract) -> FloatArray:
    """Read pushed samples as a record of the contract's kind would be read.

    Parameters
    ----------
    samples
        ``(n,)`` or ``(channels, n)`` numbers, ``n`` of any size. Integers of audio are scaled to [-1, 1] by their type.
    contract
        Of the model.

    Returns
    -------
    ndarray
        ``(n_channels, n)`` float32.

    Raises
    ------
    TypeError
        If they are no numbers.
    ValueError
        If they have other channels, another scale, or are not finite.
    """
    array = _to_array(samples)
    is_audio = contract.kind == "audio"
    if is_audio and array.dtype.kind in "biu":
        array = _scale(array)
    if array.ndim == 1:
        array = array[None]
    _check_shape(array, contract, was_flat=np.ndim(samples) == 1)
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(values).all():
        _refuse_infinite(array)
    if is_audio and contract.mono and values.shape[0] > 1:
        values = values.mean(axis=0, keepdims=True)
    return values


def _to_array(samples: Any) -> AnyArray:
    if type(samples) is not np.ndarray:
        if isinstance(samples, torch.Tensor):
            samples = samples.detach().cpu()
            samples = (samples.float() if samples.dtype == torch.bfloat16 else samples).numpy()
        try:
            empty = isinstance(samples, list | tuple) and not samples
            samples = np.asarray(samples, dtype=np.float32 if empty else None)
        except (ValueError, TypeError):
            samples = np.empty(0, dtype=object)
    if samples.dtype.kind not in "biuf":
        what = "complex numbers" if samples.dtype.kind == "c" else f"values of dtype {samples.dtype}"
        raise TypeError(
            f"A stream takes samples as real numbers, (n,) or (channels, n). Received: {what}. Pass an array of floats "
            f"or of integers."
        )
    array: AnyArray = samples
    return array


def _scale(array: AnyArray) -> AnyArray:
    if array.dtype.str[1:] not in FULL_SCALE:
        raise ValueError(
            f"A stream of audio scales int8, int16, int32 and uint8 to [-1, 1], and cannot tell the full scale of "
            f"others. Received: {array.dtype}. Pass one of these types, or floats in [-1, 1]."
        )
    middle = 128.0 if array.dtype.kind == "u" else 0.0
    scaled: AnyArray = (array.astype(np.float64) - middle) / FULL_SCALE[array.dtype.str[1:]]
    return scaled


def _check_shape(array: AnyArray, contract: InputContract, *, was_flat: bool) -> None:
    mono = contract.kind == "audio" and contract.mono
    if array.ndim != 2 or array.shape[0] == 0:
        raise ValueError(
            f"A stream takes samples of shape (n,) or (channels, n). Received: {array.shape}. Pass one of the two."
        )
    channels, n_samples = array.shape
    if channels != contract.n_channels and not mono:
        shape = (n_samples,) if was_flat else array.shape
        turned = array.shape[1] == contract.n_channels and not was_flat
        advice = (
            "The axes look swapped: pass samples.T."
            if turned
            else f"Pass an array of shape ({contract.n_channels}, n); one time step is an array of shape "
            f"({contract.n_channels}, 1)."
        )
        raise ValueError(
            f"This stream reads {count_word(contract.n_channels, 'channel')}. Received: samples of shape {shape}. "
            f"{advice}"
        )
    if mono and channels > 8 and n_samples <= 8:
        raise ValueError(
            f"A stream takes samples of shape (n,) or (channels, n). Received: {array.shape}. The axes look swapped, "
            f"as soundfile and sounddevice give them: pass samples.T."
        )


def _refuse_infinite(array: AnyArray) -> None:
    with np.errstate(over="ignore"):
        bad = np.argwhere(~np.isfinite(array.astype(np.float32)))
    row, column = bad[0]
    raise ValueError(
        f"A stream takes finite samples. Received: {shorten(array[row, column].item())} at position {int(column)} of "
        f"{array.shape[1]:,}, {count_word(len(bad), 'such sample')} in all. Nothing of these samples was taken: fill "
        f"the gap and push them again, or call reset()."
    )
