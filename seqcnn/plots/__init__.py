"""Pictures of what an estimator learnt and says, in the manner of scikit-learn's displays.

They need matplotlib (``pip install "seqcnn[plots]"``), which is imported when the first one is drawn. For regression,
scikit-learn's own ``sklearn.metrics.PredictionErrorDisplay`` draws predicted values against true ones and residuals,
and takes a fitted :class:`~seqcnn.SeqCNNRegressor` as it is.
"""

from seqcnn.plots.confusion_matrix import ConfusionMatrixDisplay
from seqcnn.plots.detection_curve import DetectionCurveDisplay
from seqcnn.plots.learning_curve import LearningCurveDisplay
from seqcnn.plots.record import RecordDisplay
from seqcnn.plots.reliability import ReliabilityDisplay

__all__ = [
    "ConfusionMatrixDisplay",
    "DetectionCurveDisplay",
    "LearningCurveDisplay",
    "RecordDisplay",
    "ReliabilityDisplay",
]
