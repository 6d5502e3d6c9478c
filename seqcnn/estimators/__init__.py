"""The estimators: thin, and true to scikit-learn's rules."""

from seqcnn.estimators._loading import load
from seqcnn.estimators.classifier import SeqCNNClassifier
from seqcnn.estimators.embedder import SeqCNNEmbedder
from seqcnn.estimators.regressor import SeqCNNRegressor

__all__ = ["SeqCNNClassifier", "SeqCNNEmbedder", "SeqCNNRegressor", "load"]
