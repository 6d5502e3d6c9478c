"""Generated text in invented languages of several alphabets, two or more of which share one.

A language is an inventory of syllables. Languages of the same alphabet use the same letters equally often; only the
order of the letters tells them apart, so that counting letters is not enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from seqcnn._checks import check_choice, check_integer, shorten
from seqcnn._types import AnyArray

ALPHABETS = {
    "Latin": ("bdfgklmnprstvzh", "aeiou"),
    "Greek": ("βγδζθκλμνπρστφχ", "αεηιο"),
    "Cyrillic": ("бвгджзклмнпрстф", "аеиоу"),
    "Arabic": ("بتجحدرزسشعفقكلم", "اوي"),
    "Hebrew": ("בגדהזחטכלמנספקר", "אוי"),
}
"""Fifteen consonants and three or five vowels of each alphabet."""

LANGUAGES = {
    "Arvelan": "Latin",
    "Solmic": "Latin",
    "Thyrean": "Greek",
    "Zhovian": "Cyrillic",
    "Qasharic": "Arabic",
    "Keduvic": "Hebrew",
    "Belogian": "Cyrillic",
    "Pelionic": "Greek",
}
"""The invented languages and their alphabets. The first two share one."""

MAXIMUM_SYLLABLES = 4


def make_alphabet_text(
    n_cases: int = 300,
    *,
    n_languages: int = 4,
    length: tuple[int, int] = (20, 80),
    random_state: int | np.random.RandomState | None = None,
) -> tuple[list[str], AnyArray]:
    """Return texts in invented languages, of which at least two share an alphabet.

    A text is words of one to four syllables, separated by spaces, cut to its length. A language has 30 syllables, each
    a consonant and a vowel; languages of the same alphabet use every letter equally often, in other syllables. The
    languages are the same for every ``random_state``: a seed of its own gives new texts, to test on.

    Parameters
    ----------
    n_cases : int, default=300
        The number of texts. The languages are balanced as far as the number allows, in random order.
    n_languages : int, default=4
        From 2 to 8: the first of "Arvelan" and "Solmic" (Latin letters), "Thyrean" (Greek), "Zhovian" (Cyrillic),
        "Qasharic" (Arabic), "Keduvic" (Hebrew), "Belogian" (Cyrillic) and "Pelionic" (Greek).
    length : tuple of two ints, default=(20, 80)
        The fewest and the most characters of a text, both included.
    random_state : int, numpy.random.RandomState or None, default=None
        The seed. The same seed gives the same data.

    Returns
    -------
    X : list of str
        The texts. No text begins or ends with a space.
    y : str array of shape (n_cases,)
        The names of the languages.

    Raises
    ------
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    Source: made here.

    Examples
    --------
    >>> X, y = make_alphabet_text(4, n_languages=2, length=(12, 12), random_state=0)
    >>> [len(text) for text in X], sorted(set(y.tolist()))
    ([12, 12, 12, 12], ['Arvelan', 'Solmic'])
    """
    caller = "make_alphabet_text"
    check_integer("n_cases", n_cases, minimum=1, caller=caller)
    check_integer("n_languages", n_languages, minimum=2, caller=caller)
    check_choice("n_languages", int(n_languages), tuple(range(2, len(LANGUAGES) + 1)), caller=caller)
    fewest, most = _check_length(length, caller=caller)
    random = check_random_state(random_state)
    names = np.array(list(LANGUAGES)[:n_languages])
    y = names[random.permutation(np.arange(n_cases) % n_languages)]
    inventories = {str(name): _syllables(str(name)) for name in names}
    X = [_text(inventories[str(name)], random.randint(fewest, most + 1), random) for name in y]
    return X, y


def _check_length(length: Any, *, caller: str) -> tuple[int, int]:
    wanted = (
        f"The 'length' parameter of {caller} must be two integers, the fewest and the most characters, with "
        f"1 <= fewest <= most. Received: {shorten(length)}. Pass length=(20, 80), for example."
    )
    if not isinstance(length, tuple | list) or not all(
        isinstance(number, int | np.integer) and not isinstance(number, bool) for number in length
    ):
        raise TypeError(wanted)
    if len(length) != 2 or not 1 <= length[0] <= length[1]:
        raise ValueError(wanted)
    return int(length[0]), int(length[1])


def _syllables(language: str) -> list[str]:
    """Return the language's 30 syllables: each consonant twice, each vowel equally often."""
    consonants, vowels = ALPHABETS[LANGUAGES[language]]
    random = np.random.RandomState(list(LANGUAGES).index(language))
    syllables = []
    for _ in range(2):
        order = random.permutation(len(consonants))
        syllables += [consonants[place] + vowels[number % len(vowels)] for number, place in enumerate(order)]
    return syllables


def _text(syllables: list[str], n_characters: int, random: np.random.RandomState) -> str:
    text = ""
    while len(text) < n_characters:
        n_syllables = random.randint(1, MAXIMUM_SYLLABLES + 1)
        word = "".join(syllables[number] for number in random.randint(0, len(syllables), n_syllables))
        text = f"{text} {word}" if text else word
    # A text that would be cut right after a space ends in a vowel instead: it has its length, and no space at its end.
    cut = text[:n_characters]
    return cut if not cut.endswith(" ") else cut[:-1] + cut[-2]
