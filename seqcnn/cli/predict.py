"""``seqcnn predict``: answers for records, as CSV or as lines of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from seqcnn._checks import count_word, name_first
from seqcnn.cli.data import read_lines, read_records
from seqcnn.cli.output import open_output, print_note

_PLAIN = (bool, int, float, str, list)


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A file or folder as for fit, or - for lines of standard input.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file instead of standard output; .jsonl is written as JSON."),
    ] = None,
    target: Annotated[list[str] | None, typer.Option(help="A column of a table to leave out; may be repeated.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="The same as --target.")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add the probability of each class.")] = False,
    windows: Annotated[bool, typer.Option("--windows", help="Answer for each window of the records.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a JSON object a line.")] = False,
) -> None:
    """Answer for the records in DATA: a line each, in their order.

    From standard input come a text, a path of an audio file, or the values of a series (with commas) a line, whichever
    the model was fitted on. A model that was fitted on named columns finds them in a table, whatever else it has.
    Where a record may have several labels, CSV has them in one cell with ; between them, and JSON has a list.

    [dim]seqcnn predict model.seqcnn new.csv --proba > answers.csv
    cat texts.txt | seqcnn predict model.seqcnn - | head
    find . -name '*.wav' | seqcnn predict words.seqcnn - --json[/dim]
    """
    from seqcnn.cli._answers import answer, check_wishes
    from seqcnn.estimators import load

    estimator = load(model)
    check_wishes(estimator, proba=proba, windows=windows)
    columns = getattr(estimator, "feature_names_in_", None)
    as_json = as_json or (output is not None and output.suffix in (".json", ".jsonl"))
    count = 0
    pieces: Iterator[tuple[int, Any]]
    beside = [str(name) for name in estimator.model_.contract.static_columns]
    if data == "-" and beside:
        raise ValueError(
            f"The model reads numbers beside each record, {name_first([repr(name) for name in beside])}, and from "
            "standard input come records alone. Pass a file that has these columns."
        )
    if data == "-":
        if estimator.model_.contract.kind != "audio" and isinstance(sys.stdin, TextIOWrapper):
            # Whatever the shell's language is; names of files alone may be any bytes.
            sys.stdin.reconfigure(encoding="utf-8", errors="strict")
        pieces = read_lines(sys.stdin, estimator.model_.contract.kind, columns)
    else:
        pieces = iter([(0, read_records(Path(data), None, [*(target or []), *(drop or [])] or None, columns))])
    with open_output(output) as stream:
        for start, records in _in_unicode(pieces):
            try:
                frame = answer(estimator, records, start, proba=proba, windows=windows)
            except (ValueError, TypeError, OSError) as error:
                if start == 0:
                    raise
                raise ValueError(f"In what follows the first {start:,} records, called X here: {error}") from error
            if as_json:
                _write_json(frame, stream)
            else:
                if "labels" in frame:
                    frame["labels"] = frame["labels"].map(";".join)
                frame.to_csv(stream, index=False, header=count == 0)
            stream.flush()
            count += len(frame)
    if output is not None:
        print_note(f"{count_word(count, 'line')} in {output}.")


def _in_unicode(pieces: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    try:
        yield from pieces
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The input must be text in UTF-8. Received: the byte {error.object[error.start]:#04x}. Convert it first, "
            "for example with iconv."
        ) from error


def _write_json(frame: Any, stream: TextIO) -> None:
    """Write an object a line; probabilities become an object of their own."""
    for row in frame.to_dict("records"):
        line: dict[str, Any] = {}
        for name, value in row.items():
            plain = value.item() if hasattr(value, "item") else value
            prefix, _, label = str(name).partition("_")
            if prefix == "probability" and label:
                line.setdefault("probabilities", {})[label] = plain
            else:
                line[str(name)] = plain if isinstance(plain, _PLAIN) or plain is None else str(plain)
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")
