"""Vocabulary: the characters a text network knows, and their codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PADDING = 0
UNKNOWN = 1
FIRST = 2
"""Codes below this one stand for no character of their own."""

MAX_SIZE = 4000
"""Most characters that are learnt: enough for everyday Chinese, small enough for an embedding table."""

RECORDS_FOR_RARE = 50
"""From so many records on, a character that only one of them holds counts as unknown."""

_CHUNK = 10_000
"""Texts encoded at once: bounds the temporary memory at four bytes a character of a chunk."""


@dataclass(frozen=True)
class Vocabulary:
    """Learnt characters and their codes: 0 is padding, 1 is unknown, 2 and above are the characters in order.

    Parameters
    ----------
    characters
        All in one string, most frequent first, none twice.

    Examples
    --------
    >>> vocabulary = Vocabulary.learn(["abba", "ab"])
    >>> vocabulary.characters, vocabulary.size
    ('ab', 4)
    >>> [codes.tolist() for codes in vocabulary.encode(["bab", "c", ""])]
    [[3, 2, 3], [1], [1]]
    >>> vocabulary.decode([3, 2, 1, 0])
    'ba\N{REPLACEMENT CHARACTER}'
    """

    characters: str

    @property
    def size(self) -> int:
        """Number of codes, padding and unknown included: the rows of an embedding table."""
        return len(self.characters) + FIRST

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Vocabulary:
        """Learn the characters of texts, at most 4,000, in order of falling frequency, then of code point.

        From 50 texts on, a character that only one text holds is left out: so the unknown code occurs in training and
        its embedding is learnt too.
        """
        counts = np.zeros(0x110000, dtype=np.int64)
        for start in range(0, len(texts), _CHUNK):
            counts += np.bincount(_code_points(texts[start : start + _CHUNK]), minlength=len(counts))
        if len(texts) >= RECORDS_FOR_RARE:
            once: set[str] = set()
            twice: set[str] = set()
            for text in texts:
                present = set(text)
                twice |= once & present
                once |= present
            counts[[ord(character) for character in once - twice]] = 0
        seen = np.flatnonzero(counts)
        ordered = seen[np.argsort(-counts[seen], kind="stable")][:MAX_SIZE]
        return cls("".join(map(chr, ordered.tolist())))

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Encode texts (NFC), one int32 array ``(time_i,)`` each; an empty text is one unknown code."""
        known = _code_points([self.characters])
        table = np.full(int(known.max(initial=0)) + 2, UNKNOWN, dtype=np.int32)
        table[known] = np.arange(FIRST, self.size, dtype=np.int32)
        encoded: list[NDArray[np.int32]] = []
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            # Everything above the highest known code point falls on the table's last entry, which is unknown.
            codes = table[np.minimum(_code_points(chunk), len(table) - 1)]
            stop = 0
            for text in chunk:
                begin, stop = stop, stop + len(text)
                encoded.append(codes[begin:stop] if text else np.array([UNKNOWN], dtype=np.int32))
        return encoded

    def decode(self, codes: Any) -> str:
        """Give the text of codes: padding is left out, unknown shows as U+FFFD."""
        letters = ["", "\N{REPLACEMENT CHARACTER}", *self.characters]
        return "".join(letters[code] for code in codes)


def _code_points(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return the code points of all texts, one after the other; lone surrogates (broken input) pass as they are."""
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
