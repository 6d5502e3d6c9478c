"""The front end of one fit: what "auto" means, what goes together, and the module for the data at hand."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from seqcnn._checks import join_words, shorten
from seqcnn._types import Kind
from seqcnn.encoders import ENCODERS, find_encoder
from seqcnn.front_ends import FRONT_ENDS, FrontEnd, build_front_end, find_front_end
from seqcnn.inputs import InputContract
from seqcnn.rebuilding import is_ours

DEFAULT_FRONT_END = "log-mel"
BANDS_ENCODER = "matchboxnet"
"""What "auto" is for audio, as an encoder of bands."""

LEAST_RATE = 4000
"""In Hz: below it, little of what bands tell apart is left, and "auto" reads the waveform."""


def check_front_end(front_end: Any, parameters: Mapping[str, Any], *, caller: str) -> None:
    """Raise TypeError or ValueError unless ``front_end`` is a known name, a module of ours or None."""
    if isinstance(front_end, str):
        if front_end != "auto":
            find_front_end(front_end, caller=caller)
        return
    if front_end is not None and not (isinstance(front_end, FrontEnd) and is_ours(front_end)):
        raise TypeError(
            f"The 'front_end' parameter of {caller} must be 'auto', {join_words(map(repr, FRONT_ENDS))}, a module of "
            f"seqcnn.front_ends, or None for the raw waveform. Received: {shorten(front_end)}. Let layers of your own "
            f"be the first of a module that you pass as encoder."
        )
    if parameters:
        received = ", ".join(f"front_end__{name}" for name in parameters)
        if front_end is None:
            raise ValueError(
                f"The 'front_end' parameter of {caller} is None, the raw waveform, which has no parameters. Received: "
                f"also {received}. Name a front end, such as front_end={DEFAULT_FRONT_END!r}, or leave them out."
            )
        raise ValueError(
            f"The 'front_end' parameter of {caller} is a module, which is built already. Received: also {received}. "
            f"Build the module with these values, or name a front end."
        )


def reads_bands(encoder: Any) -> bool:
    """Tell whether an encoder, valid, is named and made to read bands."""
    if not isinstance(encoder, str) or encoder == "auto":
        return False
    return getattr(find_encoder(encoder, caller=""), "reads", None) == "bands"


def settle_parts(
    encoder: Any, front_end: Any, kind: Kind, sample_rate: float | None, otherwise: Mapping[Kind, str]
) -> tuple[Any, Any]:
    """Return encoder and front end with every "auto" settled.

    Parameters
    ----------
    encoder, front_end
        The parameters, valid.
    kind, sample_rate
        Of the data.
    otherwise
        What "auto" is as an encoder of what is no bands.
    """
    undecided = isinstance(front_end, str) and front_end == "auto"
    if isinstance(encoder, str) and encoder == "auto":
        if kind != "audio" or BANDS_ENCODER not in ENCODERS:
            encoder = otherwise[kind]
        elif undecided:
            encoder = BANDS_ENCODER if (sample_rate or 0) >= LEAST_RATE else otherwise[kind]
        else:
            encoder = otherwise[kind] if front_end is None else BANDS_ENCODER
    if undecided:
        front_end = DEFAULT_FRONT_END if kind == "audio" and reads_bands(encoder) else None
    return encoder, front_end


def describe_audio(otherwise: str) -> str:
    """Say what "auto" means for audio."""
    if BANDS_ENCODER not in ENCODERS:
        return otherwise
    return f"{DEFAULT_FRONT_END} and {BANDS_ENCODER} from {LEAST_RATE:,} Hz on, else {otherwise}"


def make_front_end(
    settled: Any,
    given: Any,
    parameters: Mapping[str, Any],
    encoder: Any,
    contract: InputContract,
    *,
    caller: str,
) -> FrontEnd | None:
    """Build or copy the front end of a fit.

    Parameters
    ----------
    settled, given
        The front end as :func:`settle_parts` gave it, and the estimator's parameter.
    parameters
        Its ``front_end__...``, without the prefix.
    encoder
        Settled.
    contract
        What was read.
    caller
        The estimator's name, for the messages.

    Raises
    ------
    ValueError
        If the front end does not go with the data, with the encoder or with its own parameters.
    """
    received = ", ".join(f"front_end__{name}" for name in parameters)
    if contract.kind != "audio":
        if given is None or (given == "auto" and not parameters):
            return None
        shown = repr(given) if isinstance(given, str) else type(given).__name__
        remedy = "Pass front_end=None" + (
            ", or sample_rate=... in Hz if these series are audio." if contract.kind == "series" else "."
        )
        raise ValueError(
            f"The 'front_end' parameter of {caller} turns audio into bands, but X holds {contract.kind}. Received: "
            f"{shown}{f' with {received}' if received else ''}. {remedy}"
        )
    if settled is None:
        if reads_bands(encoder):
            raise ValueError(
                f"The encoder {encoder!r} of {caller} reads bands, not a waveform. Received: front_end=None. Pass "
                f"front_end={DEFAULT_FRONT_END!r}, or an encoder that reads waveforms, such as 'm5'."
            )
        if parameters:
            named = repr(encoder) if isinstance(encoder, str) else type(encoder).__name__
            raise ValueError(
                f"The 'front_end' parameter of {caller} is 'auto', which leaves audio a waveform for the encoder "
                f"{named}. Received: also {received}. Name the front end, such as front_end={DEFAULT_FRONT_END!r}."
            )
        return None
    rate = contract.sample_rate
    assert rate is not None
    if isinstance(settled, str):
        asked = parameters.get("sample_rate", rate)
        front_end = build_front_end(settled, {"sample_rate": rate, **parameters}, caller=caller)
    else:
        front_end = deepcopy(settled)
        asked = front_end.sample_rate
    if asked != rate:
        raise ValueError(
            f"The front end of {caller} is for audio of {asked:g} Hz, but X has {rate:g} Hz. Received: "
            f"{type(front_end).__name__}(sample_rate={asked:g}). Pass sample_rate={asked:g} to {caller}, which "
            f"resamples to it, or a front end for {rate:g} Hz."
        )
    return front_end
