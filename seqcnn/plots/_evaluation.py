"""The picture of ``seqcnn evaluate``: which class was taken for which, or predicted against true numbers."""

from __future__ import annotations

from pathlib import Path

from seqcnn.estimators._evaluation import Evaluation, LabelsEvaluation


def draw(evaluation: Evaluation | LabelsEvaluation, path: Path) -> None:
    """Draw an evaluation into a file.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there are several targets or labels a record, or matplotlib does not know the suffix.
    """
    if isinstance(evaluation, LabelsEvaluation):
        raise ValueError("A confusion matrix is drawn of records that have one label each. Drop --plot.")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "A picture needs matplotlib, which is not installed. Install it with: pip install 'seqcnn[plots]'."
        ) from error
    if evaluation.labels is not None:
        from seqcnn.plots.confusion_matrix import ConfusionMatrixDisplay

        true, predicted, positions, names = evaluation.positions()
        shown = ConfusionMatrixDisplay.from_predictions(true, predicted, labels=positions, display_labels=names)
        shown.figure_.savefig(path, dpi=150)
        return
    from sklearn.metrics import PredictionErrorDisplay

    if evaluation.y_true.ndim > 1 and evaluation.y_true.shape[1] > 1:
        raise ValueError(
            f"A picture of predicted against true numbers is drawn of one target. Received: "
            f"{evaluation.y_true.shape[1]}. Drop --plot."
        )
    figure = Figure(figsize=(5.0, 5.0), layout="constrained")
    PredictionErrorDisplay(y_true=evaluation.y_true.ravel(), y_pred=evaluation.y_predicted.ravel()).plot(
        ax=figure.subplots(), kind="actual_vs_predicted"
    )
    figure.savefig(path, dpi=150)
