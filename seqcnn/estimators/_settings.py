"""What "auto" means: from the data at hand to the settings of one fit, in one place.

**Tiny series** (on ``encoder="auto"``: at most 32 time steps, 2,048 of them in all records, and 32,768 if each is
counted as often as its record has steps) are hardly sequences: position matters more than shape, and batch statistics
and mini-batches of a few numbers are mostly noise. They get a small FCN without batch normalization whose pooling keeps
every position, trained in float64 on all records at once, without held-back records. It gives the same answer for a
record whatever stands beside it, and a weight of two is exactly a record twice.

**Many windows behind fixed kernels**: an encoder named without ``n_features`` makes at most 10,000 features of each,
where the features that it makes of fewer would not fit into memory. Its head is then solved from their covariance,
which takes the square of their number. So MultiRocket makes 49,728 features of up to 7,500 windows, and 9,408 of more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from seqcnn._types import IntegerArray, Kind
from seqcnn.encoders import find_encoder
from seqcnn.estimators._front_end import describe_audio, settle_parts
from seqcnn.solving import HELD_BYTES
from seqcnn.training import TrainingSettings

FEATURES_OF_MANY = 10_000
_GROUPS_OF_MANY = 16
TINY_LENGTH = 32
TINY_TIMEPOINTS = 2048
TINY_SQUARES = 2**15
RECORDS_FOR_EARLY_STOPPING = 1000

AUTO_ENCODERS: dict[Kind, str] = {"series": "inception", "text": "zhang-small", "audio": "m11"}
PRESET_EFFORT = {"quick": 0.25, "default": 1.0, "best": 3.0}

# Gradient steps of one default fit, and the fewest and most epochs they may make: many passes over small data, few over
# large. Chosen for time, minutes on two cores. Held-back training records of FSDD and AG News showed that accuracy no
# longer rose much; the steps for series were not tuned. benchmarks/road.py says where that leads.
_STEPS: dict[Kind, int] = {"series": 1000, "text": 1900, "audio": 800}
_MEMBER_STEPS = 500
_MEMBER_ROUNDS = {"quick": 1, "default": 3, "best": 3}
_WHOLE_SERIES = "h-inception"
_FEWEST_EPOCHS: dict[Kind, int] = {"series": 20, "text": 6, "audio": 10}
_MOST_EPOCHS: dict[Kind, int] = {"series": 300, "text": 40, "audio": 60}
_LARGEST_BATCH: dict[Kind, int] = {"series": 64, "text": 128, "audio": 64}
_STEPS_BEHIND = 128
"""Time steps that are left behind the first module of "h-inception", about."""
_WHOLE_RATE = 0.006
"""The peak rate where whole series are learnt in smaller batches."""
_MEMBER_BINS = 2
"""Stretches that a committee's members pool in: early and late apart. Beside members that find a shape wherever it is,
it brings what they do not see. Alone and trained for longer, a network learns few records by their places then: of
training parts that were split anew less was right, and what was wrong was said with more certainty (docs/recipe.md)."""
_TINY_EPOCHS = 100
_TINY_FCN = {"width": 16, "kernel_sizes": (5, 3), "normalization": "none"}


@dataclass(frozen=True)
class Settings:
    """How one fit is done: what is built, where, and how it is trained and scored.

    Of several encoders of fixed kernels side by side, ``part_parameters`` holds those of each. ``may_shift_steps`` says
    that "auto" may normalize step by step where records are all but the same shape.
    """

    encoder: Any
    encoder_parameters: dict[str, Any]
    part_parameters: tuple[dict[str, Any], ...]
    front_end: Any
    n_bins: int
    may_shift_steps: bool
    is_tiny: bool
    device: torch.device
    dtype: torch.dtype
    n_threads: int | None
    training: TrainingSettings
    sampling: str | None
    scoring: Any


def is_tiny(kind: Kind, lengths: IntegerArray) -> bool:
    """Tell whether these records are tiny series."""
    if kind != "series" or int(lengths.max()) > TINY_LENGTH:
        return False
    return int(lengths.sum()) <= TINY_TIMEPOINTS and int(np.square(lengths).sum()) <= TINY_SQUARES


def settle(
    parameters: dict[str, Any],
    kind: Kind,
    lengths: IntegerArray,
    n_windows: int,
    *,
    sample_rate: float | None = None,
    tiny: bool | None = None,
    in_committee: bool = False,
    has_target: bool = True,
    n_classes: int = 0,
) -> Settings:
    """Settle every "auto" among an estimator's parameters.

    Parameters
    ----------
    parameters
        The estimator's parameters, valid.
    kind
        What the records are.
    lengths
        Time steps of the training records.
    n_windows
        How many windows the training records were cut into.
    sample_rate
        Of audio, in Hz.
    tiny
        Whether they go on with a network that the rule of tiny series built (or did not); None settles it anew.
    in_committee
        Whether this is a member of a committee of series: several networks, each trained for less long.
    has_target
        Whether something is to be learnt of the records.
    n_classes
        Classes that are to be told apart; 0 where there are none.
    """
    encoder = parameters["encoder"]
    if tiny is None:
        tiny = isinstance(encoder, str) and encoder == "auto" and is_tiny(kind, lengths)
    device = resolve_device(parameters["device"], tiny)
    batch_size = parameters["batch_size"]
    is_member = kind == "series" and in_committee
    # What members are made of learns alone in such batches and at such a rate, too, for twice as long.
    like_members = is_member or encoder == _WHOLE_SERIES
    if batch_size == "auto":
        # Small sets: several steps an epoch, so that normalization sees different batches.
        # Of 52 classes a batch of eight misses most, and its statistics are those of a few.
        wanted = max(n_windows // 16, n_classes) if like_members else n_windows // 8
        batch_size = len(lengths) if tiny else int(np.clip(wanted, 8, _LARGEST_BATCH[kind]))
    max_epochs = parameters["max_epochs"]
    # Who asks for epochs, or for no end before them, gets them.
    may_end = max_epochs == "auto" and parameters["early_stopping"] is not False
    if max_epochs == "auto":
        effort = PRESET_EFFORT[parameters["preset"]]
        steps_an_epoch = -(-n_windows // batch_size)
        if is_member:
            # More steps brought next to nothing; "best" has more copies instead.
            effort = min(effort, 1.0)
        n_epochs = round(effort * (_MEMBER_STEPS if is_member else _STEPS[kind]) / steps_an_epoch)
        max_epochs = (
            round(effort * _TINY_EPOCHS)
            if tiny
            else int(np.clip(n_epochs, effort * _FEWEST_EPOCHS[kind], effort * _MOST_EPOCHS[kind]))
        )
    learning_rate = parameters["learning_rate"]
    if learning_rate == "auto":
        learning_rate = 0.01 if tiny else _WHOLE_RATE if like_members else 0.003
    dtype, mixed = _resolve_precision(parameters["precision"], device, tiny)
    n_threads = resolve_threads(parameters["n_jobs"])
    otherwise = {**AUTO_ENCODERS, kind: "fcn"} if tiny else AUTO_ENCODERS
    encoder, front_end = settle_parts(encoder, parameters["front_end"], kind, sample_rate, otherwise)
    own = _TINY_FCN if tiny else _limit_features(encoder, n_windows) if has_target else {}
    if encoder == _WHOLE_SERIES:
        length = int(np.median(lengths)) if parameters["window_length"] is None else parameters["window_length"]
        shortest = min(length, int(lengths.min()))
        own = {"stride": int(np.clip(round(length / _STEPS_BEHIND), 1, shortest))}
    return Settings(
        encoder=encoder,
        encoder_parameters=own,
        part_parameters=_limit_parts(encoder, n_windows) if isinstance(encoder, tuple) else (),
        front_end=front_end,
        n_bins=int(lengths.max()) if tiny else _MEMBER_BINS if is_member else 1,
        # Where new records drift, what is left of them is mostly drift. Fixed kernels lose nothing to what all records
        # have in common, and a committee of them need not take the risk.
        may_shift_steps=kind == "series" and not in_committee and not tiny,
        is_tiny=tiny,
        device=device,
        dtype=dtype,
        # Threads cost more than they bring on a handful of numbers.
        n_threads=1 if tiny and n_threads is None else n_threads,
        training=TrainingSettings(
            max_epochs=max_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=parameters["weight_decay"],
            # Told not to stop early, training only watches X_val.
            n_iter_no_change=None if parameters["early_stopping"] is False else parameters["n_iter_no_change"],
            max_seconds=parameters["max_fit_seconds"],
            mixed_precision=mixed,
            n_rounds=_MEMBER_ROUNDS[parameters["preset"]] if is_member and may_end else 1,
        ),
        sampling=parameters.get("sampling"),
        scoring=parameters.get("scoring"),
    )


def _limit_features(encoder: Any, n_windows: int) -> dict[str, Any]:
    """Return the parameters by which an encoder of fixed kernels makes no more features than a head is solved for."""
    if not isinstance(encoder, str):
        return {}
    entry = find_encoder(encoder, caller="")
    if not entry.is_fixed:
        return {}
    for name, features_each in (("n_features", 1), ("n_shapelets", 3)):
        wanted = entry.defaults.get(name, 0) * features_each
        if wanted > FEATURES_OF_MANY and 4 * n_windows * wanted > HELD_BYTES:
            return {name: FEATURES_OF_MANY // features_each}
    return {}


def _limit_parts(encoders: tuple[Any, ...], n_windows: int) -> tuple[dict[str, Any], ...]:
    """Return what keeps the features of several encoders together few enough: where one has fewer, all have."""
    limits = tuple(_limit_features(encoder, n_windows) for encoder in encoders)
    if not any(limits):
        return limits
    return tuple(
        {"n_groups": _GROUPS_OF_MANY} if encoder == "hydra" else limit
        for encoder, limit in zip(encoders, limits, strict=True)
    )


def describe_encoders() -> dict[Kind, str]:
    """Return what ``encoder="auto"`` means for each kind of input."""
    series = f"a committee; where one network is asked for, {AUTO_ENCODERS['series']}"
    return {**AUTO_ENCODERS, "series": series, "audio": describe_audio(AUTO_ENCODERS["audio"])}


def one_pass(settings: Settings, learning_rate: float | str) -> Settings:
    """Return the settings of a ``partial_fit``: one epoch, and as its constant rate a third of the one cycle's peak."""
    whole = settings.training
    rate = whole.learning_rate / 3 if learning_rate == "auto" else whole.learning_rate
    one = replace(whole, max_epochs=1, learning_rate=rate, max_seconds=None, constant_rate=True)
    return replace(settings, training=one)


def resolve_device(device: str, tiny: bool = False) -> torch.device:
    """Return the device that "auto" or a name stands for."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available() and not tiny:
        return torch.device("cuda")
    if torch.backends.mps.is_available() and not tiny:
        return torch.device("mps")
    return torch.device("cpu")


def _resolve_precision(precision: str, device: torch.device, tiny: bool) -> tuple[torch.dtype, bool]:
    if precision == "auto":
        if tiny and device.type != "mps":
            return torch.float64, False
        return torch.float32, multiplies_bfloat16(device)
    return (torch.float64 if precision == "float64" else torch.float32), precision == "bfloat16"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether the device has instructions for bfloat16; without them it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def resolve_threads(n_jobs: int | None) -> int | None:
    """Return the threads that were asked for; None where none were."""
    return torch.get_num_threads() if n_jobs == -1 else n_jobs
