"""Generated series: one short shape at a random place within noise, and the class is the shape."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.utils import check_random_state

from seqcnn._checks import check_boolean, check_choice, check_integer, check_number
from seqcnn._types import AnyArray, Float64Array, FloatArray


def _triangle(phase: Float64Array) -> Float64Array:
    return 1.0 - np.abs(2.0 * phase - 1.0)


def _square(phase: Float64Array) -> Float64Array:
    return np.ones_like(phase)


def _sine_burst(phase: Float64Array) -> Float64Array:
    return np.sin(6.0 * np.pi * phase)


def _ramp(phase: Float64Array) -> Float64Array:
    return phase.copy()


def _double_peak(phase: Float64Array) -> Float64Array:
    return np.abs(np.sin(2.0 * np.pi * phase))


def _fall(phase: Float64Array) -> Float64Array:
    return 1.0 - phase


SHAPES: dict[str, Callable[[Float64Array], Float64Array]] = {
    "triangle": _triangle,
    "square": _square,
    "sine_burst": _sine_burst,
    "ramp": _ramp,
    "double_peak": _double_peak,
    "fall": _fall,
}
"""Each shape as a function of its own phase, from 0 at its beginning to 1 at its end; no value is beyond -1 or 1."""

MINIMUM_LENGTH = 16


def make_shapes_in_noise(
    n_cases: int = 300,
    *,
    n_classes: int = 3,
    length: int = 128,
    n_channels: int = 1,
    noise: float = 0.2,
    ragged: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[FloatArray | list[FloatArray], AnyArray]:
    """Return series that hold one short shape each, somewhere within noise; the class is the shape.

    A shape lasts from an eighth to a quarter of ``length`` and is between 0.8 and 1.2 high. Where it stands tells
    nothing of the class, so a model must find the shape wherever it is, as a convolution does. With several
    channels, all show the shape at the same time, each with its own random gain from 0.5 to 1 and its own noise.

    Parameters
    ----------
    n_cases : int, default=300
        The number of series. The classes are balanced as far as the number allows, in random order.
    n_classes : int, default=3
        From 2 to 6: the first of "triangle", "square", "sine_burst", "ramp", "double_peak" and "fall".
    length : int, default=128
        The time steps of a series, at least 16. If ``ragged``, the most that a series may have.
    n_channels : int, default=1
        The number of channels.
    noise : float, default=0.2
        The standard deviation of the normal noise on every step, in units of the shapes' height.
    ragged : bool, default=False
        Whether the series have unequal lengths, from half of ``length`` to ``length``.
    random_state : int, numpy.random.RandomState or None, default=None
        The seed. The same seed gives the same data.

    Returns
    -------
    X : float32 array of shape (n_cases, length) or (n_cases, n_channels, length), or list of float32 arrays
        The series; two dimensions if ``n_channels`` is 1. A list of arrays of shape (time_i,) or
        (n_channels, time_i) if ``ragged``.
    y : str array of shape (n_cases,)
        The names of the shapes.

    Raises
    ------
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    Source: made here; the idea is that of the simulated sets of the UCR archive such as CBF (N. Saito, 1994).

    Examples
    --------
    >>> X, y = make_shapes_in_noise(6, length=64, random_state=0)
    >>> X.shape, sorted(set(y.tolist()))
    ((6, 64), ['sine_burst', 'square', 'triangle'])
    >>> X, y = make_shapes_in_noise(2, n_channels=3, ragged=True, random_state=0)
    >>> [series.shape for series in X]
    [(3, 111), (3, 109)]
    """
    caller = "make_shapes_in_noise"
    check_integer("n_cases", n_cases, minimum=1, caller=caller)
    check_integer("n_classes", n_classes, minimum=2, caller=caller)
    check_choice("n_classes", int(n_classes), tuple(range(2, len(SHAPES) + 1)), caller=caller)
    check_integer("length", length, minimum=MINIMUM_LENGTH, caller=caller)
    check_integer("n_channels", n_channels, minimum=1, caller=caller)
    check_number("noise", noise, minimum=0.0, caller=caller)
    check_boolean("ragged", ragged, caller=caller)
    random = check_random_state(random_state)
    names = np.array(list(SHAPES)[:n_classes])
    y = names[random.permutation(np.arange(n_cases) % n_classes)]
    records: list[FloatArray] = []
    for name in y:
        n_steps = random.randint((length + 1) // 2, length + 1) if ragged else length
        record = random.normal(0.0, 1.0, (n_channels, n_steps)) * noise
        width = random.randint(max(4, length // 8), length // 4 + 1)
        start = random.randint(0, n_steps - width + 1)
        gains = random.uniform(0.5, 1.0, (n_channels, 1)) if n_channels > 1 else 1.0
        height = random.uniform(0.8, 1.2)
        record[:, start : start + width] += height * gains * SHAPES[str(name)](np.linspace(0.0, 1.0, width))
        records.append((record if n_channels > 1 else record[0]).astype(np.float32))
    return (records if ragged else np.stack(records)), y
