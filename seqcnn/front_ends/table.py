"""The table of front ends, by the names that ``front_end=`` takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from seqcnn._checks import did_you_mean, join_words, shorten
from seqcnn.front_ends.base import FrontEnd
from seqcnn.front_ends.log_mel import LogMel
from seqcnn.front_ends.mfcc import MFCC
from seqcnn.front_ends.pcen import PCEN

FRONT_ENDS: Mapping[str, type[FrontEnd]] = {"log-mel": LogMel, "mfcc": MFCC, "pcen": PCEN}


def find_front_end(name: str, *, caller: str) -> type[FrontEnd]:
    """Return the class of this name ("_" counts as "-"), or raise ValueError with the nearest name.

    >>> find_front_end("log_mel", caller="SeqCNNClassifier").__name__
    'LogMel'
    """
    known = name.replace("_", "-")
    if known not in FRONT_ENDS:
        raise ValueError(
            f"The 'front_end' parameter of {caller} must be 'auto', {join_words(map(repr, FRONT_ENDS))}, a module of "
            f"seqcnn.front_ends, or None for the raw waveform. Received: {shorten(name)}. "
            f"{did_you_mean(known, FRONT_ENDS)}Pass one of the values named."
        )
    return FRONT_ENDS[known]


def front_end_defaults(name: str) -> dict[str, Any]:
    """Return the parameters that ``front_end__...`` may set and their defaults, from the class's signature.

    >>> front_end_defaults("log-mel")["hop_seconds"]
    0.01
    """
    signature = inspect.signature(find_front_end(name, caller="front_end_defaults"))
    return {parameter.name: parameter.default for parameter in signature.parameters.values()}


def build_front_end(name: str, parameters: Mapping[str, Any], *, caller: str) -> FrontEnd:
    """Build a named front end with its ``front_end__...`` parameters.

    Raises
    ------
    ValueError, TypeError
        If there is no such name, the front end has no such parameter, or a value makes none.

    Examples
    --------
    >>> build_front_end("log-mel", {"n_bands": 20}, caller="SeqCNNClassifier").out_channels
    20
    """
    kind, known = find_front_end(name, caller=caller), front_end_defaults(name)
    unknown = [parameter for parameter in parameters if parameter not in known]
    if unknown:
        # Compared without the prefix, which would make every two names alike.
        close = [did_you_mean(word, known).replace("'", "'front_end__", 1) for word in unknown]
        raise ValueError(
            f"The front end {name!r} of {caller} has no parameter {join_words(map(repr, unknown), 'or')}. "
            f"{''.join(dict.fromkeys(close))}It takes {join_words(f'front_end__{parameter}' for parameter in known)}."
        )
    try:
        return kind(**parameters)
    except (ValueError, TypeError) as error:
        raise type(error)(
            f"The front end {name!r} of {caller} cannot be built from its front_end__ parameters. {error}"
        ) from error
