"""Full-sentence errors: what is wrong, what was received, what to do.

Every check a user can trip is worded here or with the help of this file, so that the sentences look alike.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any


def join_words(words: Iterable[object], conjunction: str = "and") -> str:
    """Join words as a sentence does.

    >>> join_words(["fcn", "resnet", "inception"], "or")
    'fcn, resnet or inception'
    """
    listed = [str(word) for word in words]
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {conjunction} {listed[-1]}"


def shorten(value: object, limit: int = 80) -> str:
    """Show a value in an error without flooding the screen.

    >>> shorten("a" * 100, 10)
    "'aaaaaa..."
    """
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """Return ``"Did you mean 'resnet'? "`` where one of the choices is close, else an empty string.

    >>> did_you_mean("resnt", ["fcn", "resnet"])
    "Did you mean 'resnet'? "
    """
    known = list(choices)
    close = [choice for choice in known if choice.casefold() == str(word).casefold()]
    close = close or difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}? " if close else ""


def check_choice(name: str, value: object, choices: Sequence[object], *, caller: str) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if any(value is choice or (type(value) is type(choice) and value == choice) for choice in choices):
        return
    hint = did_you_mean(value, [choice for choice in choices if isinstance(choice, str)])
    raise ValueError(
        f"The '{name}' parameter of {caller} must be {join_words(map(repr, choices), 'or')}. "
        f"Received: {shorten(value)}. {hint}Pass one of the values named."
    )


def check_integer(name: str, value: Any, *, minimum: int, caller: str, or_none: bool = False) -> None:
    """Raise TypeError or ValueError unless ``value`` is an integer of at least ``minimum``."""
    if value is None and or_none:
        return
    wanted = f"an integer of at least {minimum}" + (", or None" if or_none else "")
    message = (
        f"The '{name}' parameter of {caller} must be {wanted}. Received: {shorten(value)}. "
        f"Pass {name}={minimum} or more."
    )
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(message)
    if value < minimum:
        raise ValueError(message)


def check_number(
    name: str,
    value: Any,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float | None = None,
    below: float | None = None,
    caller: str,
    or_none: bool = False,
) -> None:
    """Raise TypeError or ValueError unless ``value`` is a finite number inside the bounds.

    ``minimum`` and ``maximum`` belong to the range, ``above`` and ``below`` do not.
    """
    if value is None and or_none:
        return
    bounds = []
    if above is not None:
        bounds.append(f"greater than {above:g}")
    if minimum > -math.inf:
        bounds.append(f"at least {minimum:g}")
    if below is not None:
        bounds.append(f"less than {below:g}")
    if maximum < math.inf:
        bounds.append(f"at most {maximum:g}")
    wanted = f"a number {join_words(bounds)}" if bounds else "a finite number"
    wanted += ", or None" if or_none else ""
    message = (
        f"The '{name}' parameter of {caller} must be {wanted}. Received: {shorten(value)}. Pass a value in that range."
    )
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(message)
    number = float(value)
    inside = minimum <= number <= maximum and (above is None or number > above) and (below is None or number < below)
    if not (math.isfinite(number) and inside):
        raise ValueError(message)


def check_boolean(name: str, value: Any, *, caller: str) -> None:
    """Raise TypeError unless ``value`` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(
            f"The '{name}' parameter of {caller} must be True or False. Received: {shorten(value)}. "
            f"Pass {name}=True or {name}=False."
        )


def name_first(phrases: Sequence[str], limit: int = 5) -> str:
    """Join the first phrases and count the others, so that a thousand bad records still make one sentence.

    >>> name_first(["X[0]", "X[1]", "X[2]", "X[3]"], limit=2)
    'X[0], X[1] and 2 more'
    """
    if len(phrases) <= limit:
        return join_words(phrases)
    return f"{', '.join(phrases[:limit])} and {len(phrases) - limit:,} more"


def count_word(count: int, word: str) -> str:
    """Count something, in the singular where it is one.

    >>> count_word(1, "channel"), count_word(1200, "channel")
    ('1 channel', '1,200 channels')
    """
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
