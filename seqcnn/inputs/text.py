"""Text: strings become int32 character codes, ``(time,)`` each."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqcnn._types import IntegerArray
from seqcnn.inputs.contract import InputContract
from seqcnn.inputs.detect import Received
from seqcnn.inputs.vocabulary import UNKNOWN, Vocabulary


def read_text_for_fit(
    received: Received, *, max_characters: int | None, learn_from: IntegerArray | None, caller: str
) -> tuple[list[NDArray[np.int32]], InputContract]:
    """Encode the texts that an estimator is fitted on; the vocabulary is learnt from those at ``learn_from``."""
    texts = _normalise_and_cut(received.items, max_characters, caller)
    learnt = texts if learn_from is None else [texts[row] for row in learn_from.tolist()]
    vocabulary = Vocabulary.learn(learnt)
    contract = InputContract(kind="text", max_characters=max_characters, vocabulary=vocabulary)
    return vocabulary.encode(texts), contract


def read_text_for_predict(received: Received, contract: InputContract, *, caller: str) -> list[NDArray[np.int32]]:
    """Encode texts with the learnt vocabulary; warn where most of what they hold is unknown to it."""
    assert contract.vocabulary is not None  # a text contract has one
    texts = _normalise_and_cut(received.items, contract.max_characters, caller)
    codes = contract.vocabulary.encode(texts)
    # Empty texts hold an unknown code, but no character.
    total = sum(map(len, texts))
    unknown = sum(int(np.count_nonzero(code == UNKNOWN)) for code, text in zip(codes, texts, strict=True) if text)
    if unknown > total / 2:
        warnings.warn(
            f"{unknown:,} of the {total:,} characters in X are unknown to {caller}, because the texts it was fitted on "
            "do not hold them (or hardly). Its predictions say little here: fit it on texts in this script.",
            UserWarning,
            stacklevel=3,
        )
    return codes


def _normalise_and_cut(texts: Sequence[str], max_characters: int | None, caller: str) -> list[str]:
    """Bring texts to NFC, so that one letter is one code however it was typed, and cut what is too long."""
    normalised = [text if text.isascii() else unicodedata.normalize("NFC", text) for text in texts]
    if max_characters is None:
        return normalised
    lengths = [len(text) for text in normalised]
    n_long = sum(length > max_characters for length in lengths)
    if n_long == 0:
        return normalised
    verbs = ("is", "was") if n_long == 1 else ("are", "were")
    whole = "it" if n_long == 1 else "them"
    warnings.warn(
        f"{n_long:,} of {len(texts):,} texts {verbs[0]} longer than {max_characters} characters and {verbs[1]} cut; "
        f"the longest has {max(lengths):,}. Pass max_characters={max(lengths)} to {caller} to read {whole} whole, or "
        f"set window_length to read {whole} in windows.",
        UserWarning,
        stacklevel=4,
    )
    return [text[:max_characters] for text in normalised]
