"""``seqcnn evaluate``: how well a model does on data whose answers are known."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from seqcnn.cli.data import align, match_labels, read_labelled
from seqcnn.cli.output import print_json, print_note


class Report(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A file or folder as for fit, with the answers.")],
    target: Annotated[
        list[str] | None,
        typer.Option(help="The column of a table that holds the answers; repeated where there are several."),
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(help="A column to leave out; may be repeated.")] = None,
    report: Annotated[Report, typer.Option(help="How to write it.")] = Report.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --report json.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="A picture to draw: which class was taken for which, or predicted against true.")
    ] = None,
) -> None:
    """Compare a model's answers with the true ones.

    Of a classifier: precision, recall and F1 of each class or label, and the accuracy. Of a regressor: R², the mean
    absolute error and the root of the mean squared error. Targets that the model knows by name need no --target.

    [dim]seqcnn evaluate model.seqcnn test.csv --target label --plot confusion.png
    seqcnn evaluate gun.seqcnn test.ts --json[/dim]
    """
    import numpy as np

    from seqcnn.estimators import SeqCNNClassifier, SeqCNNRegressor, load
    from seqcnn.estimators._evaluation import Evaluation, LabelsEvaluation
    from seqcnn.estimators._read_targets import columns_in_order
    from seqcnn.plots._evaluation import draw

    estimator = load(model)
    if not isinstance(estimator, SeqCNNClassifier | SeqCNNRegressor):
        raise ValueError(
            f"seqcnn evaluate compares answers with true ones, and the model in {model} is a "
            f"{type(estimator).__name__}, which gives features. Use seqcnn predict."
        )
    several = isinstance(estimator, SeqCNNClassifier) and estimator.model_.output == "labels"
    if target is None:
        # Columns that have names of their own are found by them.
        known = estimator.classes_.tolist() if several else getattr(estimator, "_target_names", None) or []
        target = known if known and all(isinstance(name, str) for name in known) else None
    columns = getattr(estimator, "feature_names_in_", None)
    X, y = read_labelled(data, target, drop, columns)
    X = align(X, columns)
    evaluation: Evaluation | LabelsEvaluation
    if several:
        evaluation = LabelsEvaluation(y, np.asarray(estimator.predict_proba(X)) > 0.5, estimator.classes_)
    elif isinstance(estimator, SeqCNNClassifier):
        y = match_labels(y, estimator.classes_)
        evaluation = Evaluation(np.asarray(y), estimator.predict(X), classes=estimator.classes_)
    else:
        y = columns_in_order(y, estimator._target_names, type(estimator).__name__, "y")
        evaluation = Evaluation(np.asarray(y), estimator.predict(X), classes=None)
    if report is Report.JSON or as_json:
        print_json(evaluation.to_dict())
    else:
        print(evaluation.to_text())
    if plot is not None:
        draw(evaluation, plot)
        print_note(f"Picture in {plot}.")
