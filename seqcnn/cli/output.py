"""What goes to the screen: results to standard output, all else to standard error; no colours into files."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_error(sentence: str) -> None:
    """Print what is wrong, in red, to standard error."""
    _print_aside(f"Error: {sentence}", "red")


def print_note(sentence: str) -> None:
    """Print something that is no result, to standard error."""
    _print_aside(sentence, "")


def _print_aside(sentence: str, style: str) -> None:
    # Unwrapped: into a file, rich would break it at 80 characters.
    Console(stderr=True).print(Text(sentence, style=style), soft_wrap=True, highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON document to standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_rows(title: str, rows: Mapping[str, Any]) -> None:
    """Print names and values as a table to standard output."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=400)  # lines in a file need no width
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(name), Text(str(value)))  # as it stands: brackets are no markup
    console.print(table)


@contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """Open the file that results are written to; None is standard output."""
    if path is None:
        yield sys.stdout
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield stream


@contextmanager
def show_warnings_as_sentences() -> Iterator[None]:
    """Print the library's own warnings as sentences, each once, without the line of code that they come from."""
    with warnings.catch_warnings():
        usual, seen = warnings.showwarning, set[str]()

        def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
            if category is not UserWarning:
                usual(message, category, *place, **more)
            elif str(message) not in seen:
                seen.add(str(message))
                _print_aside(f"Warning: {message}", "yellow")

        warnings.showwarning = show
        yield
