"""``seqcnn fit``: from data to a model file."""

from __future__ import annotations

import ast
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from seqcnn._checks import count_word, name_first
from seqcnn.cli._wording import in_shell_words
from seqcnn.cli.data import match_labels, read_labelled, take
from seqcnn.cli.output import print_json, print_note, print_rows

_MOST_CLASSES = 50
"""More different whole numbers than these are an amount, not a name."""

_WORDS = {"true": True, "false": False, "none": None}


def fit(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="CSV, TSV, parquet, .ts or .arff file, folder of wav files, text file."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model file to write, such as model.seqcnn.")],
    target: Annotated[
        list[str] | None, typer.Option(help="The column of a table that is to be predicted; may be repeated.")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="A column to leave out, such as a number that counts the records; may be repeated."),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            help='The network: "auto", a name such as fcn, resnet, minirocket, or several with commas between.'
        ),
    ] = "auto",
    test: Annotated[Path | None, typer.Option(help="Data to measure the model on.")] = None,
    test_size: Annotated[
        float | None, typer.Option(help="The share of DATA that is held back to measure the model on, such as 0.2.")
    ] = None,
    regression: Annotated[
        bool | None,
        typer.Option("--regression/--classification", help="What to learn; without it, the target decides."),
    ] = None,
    window_length: Annotated[int | None, typer.Option(help="Cut records into windows of so many samples.")] = None,
    max_epochs: Annotated[int | None, typer.Option(help="Passes over the training data.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="Any parameter of the estimator; may be repeated."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same model.")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace a model file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")] = False,
) -> None:
    """Train on DATA and write the model to a file.

    Ctrl-C stops early: what was learnt until then is saved. Several targets are several numbers to predict; of zeros
    and ones they are labels, of which a record has any number.

    [dim]seqcnn fit train.csv --target label -o model.seqcnn --test-size 0.2
    seqcnn fit keywords/ -o words.seqcnn --encoder m5 -p encoder__width=32
    seqcnn fit train.ts --test test.ts -o gun.seqcnn --encoder minirocket[/dim]
    """
    if test is not None and test_size is not None:
        raise typer.BadParameter("Pass --test or --test-size, not both.")
    if test_size is not None and not 0 < test_size < 1:
        raise typer.BadParameter(f"--test-size must lie between 0 and 1. Received: {test_size:g}. Pass 0.2, say.")
    parameters = _read_parameters(param or [])
    encoders = [name.strip() for name in encoder.split(",")]
    named = {
        "encoder": encoder if len(encoders) == 1 else encoders,
        "window_length": window_length,
        "max_epochs": max_epochs,
        "random_state": seed,
    }
    parameters |= {
        name: value for name, value in named.items() if value is not None and (name, value) != ("encoder", "auto")
    }
    _check_output(output, force)

    import numpy as np

    from seqcnn.encoders import find_encoder
    from seqcnn.estimators import SeqCNNClassifier, SeqCNNRegressor
    from seqcnn.estimators._split import hold_back

    caller = "seqcnn fit"
    for name in encoders:
        if name != "auto":
            find_encoder(name, caller=caller)
    # Names of parameters are checked before anything is read.
    SeqCNNClassifier(**parameters)
    X, y = read_labelled(data, target, drop)
    X_test, y_test = (None, None) if test is None else read_labelled(test, target, drop)
    is_regression, reason = _decide(y, regression)
    unread = _name_folders_beside(data, set(y.tolist())) if data.is_dir() else ""
    if test_size is not None:
        labels = None if is_regression or y.ndim > 1 else y
        try:
            training, held = hold_back(
                len(y), test_size, np.random.default_rng(seed), labels=labels, groups=None, caller=caller
            )
        except ValueError as error:
            raise ValueError(
                f"--test-size must leave records to train on and records to measure on. Received: {test_size:g} of "
                f"{count_word(len(y), 'record')}. Pass another share, or data of their own with --test."
            ) from error
        X, y, X_test, y_test = take(X, training), take(y, training), take(X, held), take(y, held)
    if not quiet and not as_json:
        print_note(f"{'Regression' if is_regression else 'Classification'}, because {reason}.")
        if unread:
            print_note(f"Passed over in {data}, for their names or because no audio file is in them: {unread}.")

    estimator: Any = (SeqCNNRegressor if is_regression else SeqCNNClassifier)(
        **{"verbose": 0 if quiet else 1} | parameters
    )
    started = time.perf_counter()
    with _watch_for_interrupt() as interrupts, in_shell_words(estimator.get_params()):
        estimator.fit(X, y)
    seconds = time.perf_counter() - started
    # The file is there for others: nobody else wants the progress bar that was asked for here.
    estimator.set_params(verbose=parameters.get("verbose", 0))
    estimator.save(output)  # before it is measured, so that it is not lost should that fail

    contract = estimator.model_.contract
    result: dict[str, Any] = {
        "model": str(output),
        "task": "regression" if is_regression else "multilabel" if y.ndim > 1 else "classification",
        "reason": reason,
        "input": contract.kind,
        "records": len(y),
        "classes": None
        if is_regression
        else [label.item() if hasattr(label, "item") else label for label in estimator.classes_],
        **_describe_networks(estimator),
        "weights": sum(tensor.numel() for tensor in estimator.network_.parameters()),
        "epochs": len(estimator.history_),
        "seconds": round(seconds, 3),
        "interrupted": bool(interrupts),
        "score_name": "R²" if is_regression else "accuracy",
        "test_records": None if y_test is None else len(y_test),
        "test_score": None,
    }
    if y_test is not None:
        y_test = y_test if is_regression else match_labels(y_test, estimator.classes_)
        result["test_score"] = float(estimator.score(X_test, y_test))
    if as_json:
        print_json(result)
    elif not quiet:
        print_rows("", _in_words(result))
    if interrupts:
        print_note(f"Interrupted: what was learnt until then is in {output}.")
        raise typer.Exit(130)


@contextmanager
def _watch_for_interrupt() -> Iterator[list[int]]:
    """Count Ctrl-C: training ends at it and keeps what was learnt, but the shell is to know."""
    interrupts: list[int] = []

    def note(number: int, frame: Any) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # only the main thread hears signals
        yield interrupts
        return
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _read_parameters(pairs: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE: numbers, true, false, none, lists and tuples; all else is a word."""
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip().isidentifier():
            raise typer.BadParameter(
                f"--param takes NAME=VALUE. Received: {pair!r}. Write, say, --param encoder__width=32."
            )
        text = text.strip()
        try:
            value = _WORDS[text.lower()] if text.lower() in _WORDS else ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = text
        parameters[name.strip()] = value
    return parameters


def _check_output(path: Path, force: bool) -> None:
    """Find out before training what would fail after it."""
    if path.is_dir():
        raise IsADirectoryError(f"A model is one file, but {path} is a folder. Pass a file's path to --output.")
    if path.exists() and not force:
        raise FileExistsError(f"The file {path} exists. Pass --force to replace it, or another name to --output.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to save the model in. Make the folder first.")


def _name_folders_beside(folder: Path, classes: set[str]) -> str:
    """Name the visible folders that are no classes, such as Speech Commands' ``_background_noise_``."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != ".")
    return name_first([name for name in names if name not in classes])


def _decide(y: Any, regression: bool | None) -> tuple[bool, str]:
    """Tell whether a target is an amount, and why; the end of a sentence."""
    import numpy as np

    if regression is not None:
        return regression, f"--{'regression' if regression else 'classification'} says so"
    if y.ndim > 1:
        if bool(y.isin([0, 1]).all(axis=None)):
            return False, f"the {y.shape[1]} targets hold zeros and ones only: labels, any number a record"
        return True, f"there are {y.shape[1]} targets"
    n_values = len(np.unique(y.astype(str) if y.dtype.kind == "O" else y))
    if y.dtype.kind not in "iuf":
        return False, f"the target holds {count_word(n_values, 'different label')}"
    if y.dtype.kind == "f" and bool((y != np.floor(y)).any()):
        return True, "the target holds numbers that are not whole"
    many = n_values > _MOST_CLASSES or 2 * n_values > len(y)
    size = f"the target holds {count_word(n_values, 'different whole number')} in {count_word(len(y), 'record')}"
    return many, f"{size} (--{'classification' if many else 'regression'} learns the other)"


def _describe_networks(estimator: Any) -> dict[str, Any]:
    """Return the encoder of a fitted estimator, or the members of its committee and how much each counts."""
    table = getattr(estimator, "committee_", None)
    if table is None:
        return {"encoder": type(estimator.encoder_).__name__, "committee": None}
    weights = {
        str(name): round(float(weight), 4) for name, weight in zip(table["member"], table["weight"], strict=True)
    }
    return {"encoder": "committee", "committee": weights}


def _in_words(result: dict[str, Any]) -> dict[str, str]:
    rows = {
        "model": result["model"],
        "records": f"{result['records']:,} ({result['input']})",
        "encoder": f"{result['encoder']}, {result['weights']:,} weights",
        "training": f"{count_word(result['epochs'], 'epoch')} in {result['seconds']:.1f} s",
    }
    if result["committee"] is not None:
        counted = [f"{name} {weight:.0%}" for name, weight in result["committee"].items() if weight]
        rows["members"] = ", ".join(counted)
    if result["classes"] is not None:
        names = [str(label) for label in result["classes"]]
        rows["classes"] = f"{len(names):,}: {name_first(names, 12)}"
    if result["test_score"] is not None:
        score = result["test_score"]
        shown = f"{score:.1%}" if result["score_name"] == "accuracy" else f"{score:.4f}"
        rows[result["score_name"]] = f"{shown} on {count_word(result['test_records'], 'held-out record')}"
    return rows
