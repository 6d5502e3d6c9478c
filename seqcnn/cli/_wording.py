"""The library's sentences in the words of the shell: options in the place of parameters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

_READERS = (
    (r"The '(target|drop)' parameter of read_data", r"The option --\1"),
    (r"\bReceived: (target|drop)=", r"Received: --\1 "),
    (r"\b(target|drop)=(?=[,' ])", r"--\1"),
    (r"\bLeave (target|drop) out", r"Leave --\1 out"),
    (r"The 'threshold' parameter of KeywordSpotter", "The option --threshold"),
    (r"The 'keywords' parameter of KeywordSpotter", "The option --keyword"),
    (r"The 'smoothing_seconds' parameter of KeywordSpotter", "The option --smoothing"),
    (r"\bReceived: look_ahead=(\d+)", r"Received: --look-ahead \1"),
    (r"\bPass look_ahead=(\d+)", r"Pass --look-ahead \1"),
    (r"^read_\w+ (cannot|finds|reads|may)", r"seqcnn \1"),
)


@contextmanager
def in_shell_words(parameters: Collection[str] = ()) -> Iterator[None]:
    """Raise the library's errors again as the command line words them.

    Parameters
    ----------
    parameters
        Names of an estimator's parameters; where an error advises one, the option that passes it is added.
    """
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        sentence = old = str(error)
        for pattern, words in _READERS:
            sentence = re.sub(pattern, words, sentence)
        advised = re.findall(r"\bPass (\w+)=(?:'([^']*)'|([\w.]+))", sentence)
        options = [f"--param {name}={word or bare}" for name, word, bare in advised if name in parameters]
        if options:
            sentence += f" On the command line that is {options[0]}."
        if sentence == old or type(error) not in (ValueError, TypeError, FileNotFoundError):
            raise
        raise type(error)(sentence) from error
