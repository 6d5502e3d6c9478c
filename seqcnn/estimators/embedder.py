"""The embedder: a transformer that gives features."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from seqcnn._types import AnyArray, Float64Array
from seqcnn.estimators._base import BaseSeqCNN
from seqcnn.estimators._read_multilabel import holds_sets_of_labels, is_sparse, read_multilabel
from seqcnn.estimators._read_targets import read_labels, read_numbers
from seqcnn.estimators._read_weights import read_weights
from seqcnn.estimators._targets import Target
from seqcnn.model import Output


class SeqCNNEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseSeqCNN):
    """Turns time series, texts and recordings into feature vectors of equal length for any other estimator.

    With ``y`` (labels or numbers) the encoder is trained on it, and the features are what stands in front of the head.
    Without ``y`` the encoder keeps its random initial filters: normalized, pooled random convolutions, which a linear
    model can use (the idea of Saxe et al. 2011, "On random weights and unsupervised feature learning"), but which know
    nothing of the data.

    Parameters
    ----------
    encoder : str or torch.nn.Module, default="auto"
        The network between stem and head: a name from :func:`seqcnn.list_encoders`, a module (which is copied), or a
        fitted estimator's ``encoder_``. "auto" takes one for the kind of input. ``encoder__...`` sets its parameters,
        as in ``SeqCNNClassifier("fcn", encoder__width=64)``.
    input : {"auto", "series", "text", "audio"}, default="auto"
        What X holds. "auto": strings are texts, or audio paths when all end in an audio suffix and at least one exists;
        numbers are series, or audio when ``sample_rate`` is given.
    sample_rate : int, default=None
        For audio, in Hz. Given, audio of another rate is resampled to it; None takes the rate of the files, which then
        must all have the same.
    mono : bool, default=True
        Whether the channels of audio are averaged.
    front_end : {"auto", "log-mel", "mfcc", "pcen"}, module of seqcnn.front_ends, or None, default="auto"
        What the encoder reads of audio: energies of mel bands, a frame every 10 ms, or None, the raw waveform. "auto"
        is "log-mel" for encoders that read bands, and None for all else; beside ``encoder="auto"`` it is "log-mel" from
        4,000 Hz on. ``front_end__...`` sets its parameters, as in ``front_end__hop_seconds=0.02``; the sample rate is
        that of the audio. The channels of audio have bands each, which stand side by side. ``normalize`` then shifts
        and scales each band. A module, or a fitted estimator's ``front_end_``, is copied.
    max_characters : int or None, default=1014
        Longer texts are cut, with a warning (1014 as in Zhang et al. 2015); None reads them whole.
    window_length : int or None, default=None
        In samples (characters for text). Records are cut into windows of this length, each is trained on and scored,
        and a record's score is the mean over its windows. None reads each record whole.
    hop_length : int or None, default=None
        Samples from one window's start to the next; None takes half of ``window_length``.
    missing : {"error", "interpolate", "mask"}, default="error"
        What to do with NaN in series: refuse it; draw a line through the gap, "interpolate"; or "mask", draw the same
        line and set beside each channel an indicator, which says where a value was observed, as a channel of its own.
        Both let the first and the last value go on to the ends. Choose "mask" where gaps tell something, or where a
        channel of a record may have no value at all: "interpolate" refuses it, "mask" sets it to the channel's mean, or
        to zero with ``normalize=None``. Elsewhere the indicators are only more to read, most of all for encoders of
        fixed kernels. With "mask" the network itself fills the gaps, each window's from that window, and ``normalize``
        takes its statistics from what was observed. Padding of shorter records is no missing value.
    normalize : {"auto", "dataset", "record", "level", "step", None}, default="auto"
        "dataset" shifts and scales each channel by the mean and deviation of the training records, so amplitude stays
        information; "record" by each record's own; "level" by each record's mean and the training records' deviation
        around theirs, which helps where microphones and voices differ; "step" takes away the mean of each time step
        over the training records, which lets networks see how spectra of like substances differ, and how new ones
        have drifted. "auto" is "dataset", and "step" where one network is trained on series of one length that are all
        but the same shape; text has none.
    preset : {"quick", "default", "best"}, default="default"
        The one dial for effort: a quarter of the default's training, or three times it, where ``max_epochs`` is "auto".
    max_fit_seconds : float or None, default=None
        A budget for training: the learning-rate cycle is shortened to end within it. What it reaches then depends on
        the machine, so the same seed no longer gives the same weights.
    max_epochs : int or "auto", default="auto"
        Passes over the training windows. "auto" aims at a number of gradient steps: many passes over small data, few
        over large.
    batch_size : int or "auto", default="auto"
        Windows of a gradient step. "auto" is an eighth of them, between 8 and 64 (128 for text).
    learning_rate : float or "auto", default="auto"
        The peak of the one-cycle schedule.
    weight_decay : float, default=0.01
        Decoupled weight decay (AdamW) of the kernels; biases and normalization have none.
    early_stopping : bool or "auto", default="auto"
        Whether records are held back, the latest weights within one standard error of the best score on them are kept,
        and training stops when there are none better. "auto" does so from 1,000 records on. False trains on every
        record for exactly ``max_epochs``, and only watches ``X_val``.
    validation_fraction : float, default=0.1
        The share of records held back, of each class or in whole ``groups``.
    n_iter_no_change : int, default=20
        Epochs without a better validation score after which training stops.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "mps"; "auto" takes a GPU where there is one.
    precision : {"auto", "float32", "bfloat16", "float64"}, default="auto"
        Of training. "auto" multiplies in bfloat16 where the processor has instructions for it. Prediction is in float32
        (float64 with "float64", and for tiny series).
    n_jobs : int or None, default=None
        Processor threads; None leaves torch's setting, but takes one where a step is little work and in the
        workers of a parallel search; -1 takes torch's setting there, too.
    random_state : int, RandomState or None, default=None
        The same seed gives the same weights on the same machine. No global seed is touched.
    verbose : int, default=0
        1 shows a progress bar with loss, score and time left; 2 prints a line an epoch.
    **encoder__parameters
        ``encoder__name=value`` and ``front_end__name=value`` for the own parameters of a named encoder and front end.

    Attributes
    ----------
    history_ : DataFrame
        A line an epoch; empty without ``y``.
    kept_epoch_ : int
        The epoch whose weights were kept: chosen on held-back records, otherwise the last one; 0 without ``y``.
    network_ : torch.nn.Module
        The network; ``network_.embed`` gives the features.
    encoder_ : SequenceEncoder
        The part of it that other estimators take as ``encoder=``.
    front_end_ : FrontEnd or None
        The part of it that turns audio into bands, which they take as ``front_end=``.
    model_ : Model
        The network with its input contract.
    n_features_in_ : int
        Time steps of a 2-D X, else channels and, if there are any, the number columns beside them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names of a DataFrame, if they are strings.

    Examples
    --------
    >>> from seqcnn import SeqCNNEmbedder
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, y = make_shapes_in_noise(60, random_state=0)
    >>> SeqCNNEmbedder("fcn", encoder__width=16, random_state=0).fit(X).transform(X).shape
    (60, 16)
    """

    _output: Output = "features"

    def __init__(
        self,
        encoder: Any = "auto",
        *,
        input: str = "auto",
        sample_rate: int | None = None,
        mono: bool = True,
        front_end: Any = "auto",
        max_characters: int | None = 1014,
        window_length: int | None = None,
        hop_length: int | None = None,
        missing: str = "error",
        normalize: str | None = "auto",
        preset: str = "default",
        max_fit_seconds: float | None = None,
        max_epochs: int | str = "auto",
        batch_size: int | str = "auto",
        learning_rate: float | str = "auto",
        weight_decay: float = 0.01,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        device: str = "auto",
        precision: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        **encoder__parameters: Any,
    ) -> None:
        self.encoder = encoder
        self.input = input
        self.sample_rate = sample_rate
        self.mono = mono
        self.front_end = front_end
        self.max_characters = max_characters
        self.window_length = window_length
        self.hop_length = hop_length
        self.missing = missing
        self.normalize = normalize
        self.preset = preset
        self.max_fit_seconds = max_fit_seconds
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self._keep_part_parameters(encoder__parameters)

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Self:
        """Learn an embedding.

        Parameters
        ----------
        X
            Records, as :meth:`SeqCNNClassifier.fit` takes them.
        y
            Labels ``(n_cases,)``, an indicator matrix ``(n_cases, n_labels)`` of zeros and ones, numbers ``(n_cases,)``
            or ``(n_cases, n_targets)``, or None.
        sample_weight
            ``(n_cases,)`` non-negative.
        groups
            ``(n_cases,)``: cases of one group are held back together.

        Returns
        -------
        SeqCNNEmbedder
            Itself.

        Raises
        ------
        ValueError, TypeError
            If a parameter, X or y is off; the message says what, what was received, and what to do.
        FileNotFoundError
            If audio files are missing; all are named.
        """
        caller = type(self).__name__
        weights = read_weights(X, sample_weight, caller)
        target: Target | None = None
        if y is not None:
            target = _read_target(X, y, weights, caller)
        told = {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}}
        self._fit(X, target, weights, groups, None, learnt={}, told=told)
        self._n_features_out = self.network_.n_features
        return self

    def get_feature_names_out(self, input_features: Any = None) -> AnyArray:
        """Return the features' names: seqcnnembedder0, seqcnnembedder1, ..., then those of X's number columns.

        Parameters
        ----------
        input_features
            Is not looked at; scikit-learn passes it.
        """
        names: AnyArray = super().get_feature_names_out(input_features)
        static = [str(name) for name in self.model_.contract.static_columns]
        return np.concatenate([names[: len(names) - len(static)], np.array(static, dtype=object)])

    def transform(self, X: Any) -> Float64Array:
        """Return the features, ``(n_cases, n_features)``: of windowed records, the mean over their windows.

        Number columns beside the records stand behind them, less their mean and divided by their deviation.

        Parameters
        ----------
        X
            Records of the kind that was fitted.

        Raises
        ------
        ValueError, TypeError
            If X does not keep the contract that was fitted: kind, channels, columns, sample rate.
        """
        return self._score_records(X)


def _read_target(X: Any, y: Any, weights: Float64Array, caller: str) -> Target:
    if holds_sets_of_labels(y) and (is_sparse(y) or set(np.unique(np.asarray(y)).tolist()) <= {0, 1}):
        return read_multilabel(X, y, None, 0.0, caller)[0]
    return read_numbers(X, y, caller)[0] if _holds_numbers(y) else read_labels(X, y, weights, caller)


def _holds_numbers(y: Any) -> bool:
    """Tell whether y holds numbers to predict; anything else, whole numbers in one dimension too, is labels."""
    values = np.asarray(y)
    if values.dtype.kind not in "biuf":
        return False
    return values.ndim == 2 or not np.isfinite(values).all() or bool((values != np.floor(values)).any())
