"""The classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from seqcnn._types import AnyArray, Float64Array
from seqcnn.estimators._alignment import align_to_cases
from seqcnn.estimators._base import BaseSeqCNN
from seqcnn.estimators._conforming import demand_conformity, read_labels_to_conform, refuse_indicators
from seqcnn.estimators._going_on import (
    check_indicator_classes,
    check_later_classes,
    check_same_classes,
    check_same_form,
    read_first_classes,
    read_labels_among,
    refuse_balanced,
    refuse_early_stopping,
)
from seqcnn.estimators._read_multilabel import (
    IndicatorForm,
    holds_sets_of_labels,
    read_known_multilabel,
    read_multilabel,
)
from seqcnn.estimators._read_targets import columns_in_order, read_known_labels, read_labels
from seqcnn.estimators._read_weights import read_class_weight, read_weights
from seqcnn.estimators._targets import ClassTarget, MultilabelTarget, Target


class SeqCNNClassifier(ClassifierMixin, BaseSeqCNN):
    """A 1D convolutional classifier of time series, texts and recordings.

    Parameters
    ----------
    encoder : str, torch.nn.Module or list of these, default="auto"
        The network between stem and head: a name from :func:`seqcnn.list_encoders`, a module (which is copied), or a
        fitted estimator's ``encoder_``. ``encoder__...`` sets its parameters, as in
        ``SeqCNNClassifier("fcn", encoder__width=64)``. A list makes a committee: its members are fitted one by one, and
        weighed by what each says of records that it did not learn (``committee_``); a tuple in the list joins the
        features of fixed kernels in front of one head, as in ``[("multirocket", "hydra"), "lite"]``. "auto" is a
        committee for series, see ``preset``, and one network for texts and recordings; for series, too, where the rest
        that is asked for takes one network: tiny series, ``encoder__...``, ``early_stopping=True``, ``sampling``,
        ``warm_start``, ``partial_fit``.
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
    augment : {"series", "audio"}, SeriesAugmentation, AudioAugmentation or None, default=None
        How records are changed in training, anew in every epoch. "series" lets time go faster and slower; it pays where
        training is long (``preset="best"``, or more ``max_epochs``), not where it is short. "audio" plays recordings
        faster and slower, shifts them, and sets them in rooms and noise, by moderate amounts.
        :class:`seqcnn.augment.SeriesAugmentation` and :class:`seqcnn.augment.AudioAugmentation` name each amount.
        Held-back records and what is predicted are never changed.
    preset : {"quick", "default", "best"}, default="default"
        The one dial for effort. Of series, "quick" takes fixed kernels alone, some seconds; "default" grows trees and,
        but for few long series, trains five copies of a small network beside them; "best" trains ten, of more networks.
        Where one network is trained and ``max_epochs`` is "auto", a quarter of the default's training, or three times
        it.
    max_fit_seconds : float or None, default=None
        A budget for the fit: the learning-rate cycle is shortened to end within it, and members of a committee that
        would not be done are left out. What it reaches then depends on the machine, so the same seed no longer gives
        the same weights.
    max_epochs : int or "auto", default="auto"
        Passes over the training windows. "auto" aims at a number of gradient steps: many passes over small data, few
        over large.
    batch_size : int or "auto", default="auto"
        Windows of a gradient step. "auto" is an eighth of them, between 8 and 64 (128 for text).
    learning_rate : float or "auto", default="auto"
        The peak of the one-cycle schedule.
    weight_decay : float, default=0.01
        Decoupled weight decay (AdamW) of the kernels; biases and normalization have none.
    label_smoothing : float, default=0.0
        The share of each label that is spread over all classes; of an indicator matrix, over yes and no.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, as in scikit-learn. With an indicator matrix, a dict says how much a case
        that has a label counts for that label (one that lacks it counts 1), and "balanced" makes both sorts of cases
        count alike for each label.
    sampling : {"balanced"} or None, default=None
        "balanced" draws the classes of every batch evenly: windows of rare classes come several times an epoch, of
        frequent ones some come later. None takes every window once an epoch.
    early_stopping : bool or "auto", default="auto"
        Whether records are held back, the latest weights within one standard error of the best score on them are kept,
        and training stops when there are none better. "auto" does so from 1,000 records on. False trains on every
        record for exactly ``max_epochs``, and only watches ``X_val``.
    validation_fraction : float, default=0.1
        The share of records held back, of each class or in whole ``groups``.
    n_iter_no_change : int, default=20
        Epochs without a better validation score after which training stops.
    scoring : str, callable or None, default=None
        The score of held-back records: a scorer of scikit-learn by name, such as "roc_auc", or one that
        ``make_scorer`` made. None is accuracy. A callable gets an estimator that answers for the held-back records,
        their row numbers in the place of X, and their y. Its standard error is a jackknife's over tenths of them.
        Where nothing is held back, it has no part.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights there are, for ``max_epochs`` more, with the statistics of the first
        fit. X must keep its contract and y its classes, and parameters that the network was built by their values.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, as they came in; of an indicator matrix the names of its columns, or 0, 1, 2, ...
    committee_ : DataFrame
        Of a committee, a line a member: member, weight, score (on records that it did not learn), seconds.
    history_ : DataFrame
        A line an epoch (and member): losses, score, learning rate, seconds. The score is the accuracy; of an indicator
        matrix the labels that a case has and is given as a share of all that it has or is given, the mean over cases.
    kept_epoch_ : int
        The epoch whose weights were kept: chosen on held-back records, otherwise the last one.
    network_ : torch.nn.Module
        The trained network, raw input to class scores.
    encoder_ : SequenceEncoder
        The part of it that other estimators take as ``encoder=``; a committee has one a member, and not this.
    front_end_ : FrontEnd or None
        The part of it that turns audio into bands, which they take as ``front_end=``.
    model_ : Model
        The network with its input contract.
    conformity_scores_ : ConformityScores
        How far it is off on records that were not learnt, behind :meth:`predict_set`: there where ``fit`` held records
        back or left each out in turn, and after :meth:`conformalize`.
    n_features_in_ : int
        Time steps of a 2-D X, else channels and, if there are any, the number columns beside them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names of a DataFrame, if they are strings.

    Examples
    --------
    >>> from seqcnn import SeqCNNClassifier
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, y = make_shapes_in_noise(60, random_state=0)
    >>> classifier = SeqCNNClassifier("fcn", max_epochs=2, random_state=0).fit(X, y)
    >>> classifier.predict_proba(X[:5]).shape
    (5, 3)
    """

    classes_: AnyArray

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
        augment: Any = None,
        preset: str = "default",
        max_fit_seconds: float | None = None,
        max_epochs: int | str = "auto",
        batch_size: int | str = "auto",
        learning_rate: float | str = "auto",
        weight_decay: float = 0.01,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        sampling: str | None = None,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        scoring: Any = None,
        warm_start: bool = False,
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
        self.augment = augment
        self.preset = preset
        self.max_fit_seconds = max_fit_seconds
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.sampling = sampling
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.scoring = scoring
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self._keep_part_parameters(encoder__parameters)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train on records and their labels.

        Parameters
        ----------
        X
            Series: ``(n_cases, n_timepoints)``, ``(n_cases, n_channels, n_timepoints)``, a list of arrays
            ``(n_channels, n_timepoints_i)`` or ``(n_timepoints_i,)``, or a DataFrame with a row a case, its columns
            time steps or, where they hold arrays, channels. A pandas DataFrame with an index (case, time) has a line a
            time step and a column a channel; its cases count in the order in which they first appear. Text: a list or
            Series of strings. Audio: a list of paths, of waveforms (with ``sample_rate``), or of
            ``(waveform, sample_rate)``. Number columns (also nullable ones) of a DataFrame whose other columns hold the
            records are learnt from, too: every window of a record gets its numbers beside its features.
        y
            A label for each case, of any kind: numbers, strings, booleans. Or, where a case has any number of labels,
            an indicator matrix ``(n_cases, n_labels)`` of zeros and ones: array, list of rows, sparse matrix, or a
            DataFrame whose columns name the labels.
        sample_weight
            ``(n_cases,)`` non-negative. Zero leaves a case out; two counts it twice.
        groups
            ``(n_cases,)``: cases of one group (a speaker, a patient) are held back together.
        X_val, y_val
            Cases to stop early on, instead of some held back from X.

        Returns
        -------
        SeqCNNClassifier
            Itself.

        Raises
        ------
        ValueError, TypeError
            If a parameter, X or y is off; the message says what, what was received, and what to do.
        FileNotFoundError
            If audio files are missing; all are named.
        NonFiniteLossError
            If training diverged.
        """
        caller = type(self).__name__
        weights = read_weights(X, sample_weight, caller)
        target, form, read_known = self._read_target(X, y, weights)
        read_validation = None
        if X_val is not None or y_val is not None:
            read_validation = lambda: (X_val, read_known(X_val, y_val))  # noqa: E731
        if self.warm_start and self.__sklearn_is_fitted__():
            check_same_form(form is not None, self._indicator_form is not None, "warm_start=True", caller)
            check_same_classes(target.classes, self.classes_, caller)
        learnt = {"classes_": target.classes, "_indicator_form": None if form is None else (form.dtype, form.sparse)}
        told = {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}}
        return self._fit(X, target, weights, groups, read_validation, learnt=learnt, told=told)

    def _read_target(
        self, X: Any, y: Any, weights: Float64Array
    ) -> tuple[ClassTarget | MultilabelTarget, IndicatorForm | None, Callable[[Any, Any], Target]]:
        """Read y: the target, the form of an indicator matrix, and what reads the y of validation records alike."""
        caller = type(self).__name__
        if holds_sets_of_labels(y):
            sets, form = read_multilabel(X, y, self.class_weight, self.label_smoothing, caller)
            return sets, form, lambda X_val, y_val: read_known_multilabel(X_val, y_val, sets, caller)
        target = read_labels(X, y, weights, caller)
        target = replace(
            target,
            class_weight=read_class_weight(self.class_weight, target.classes, caller),
            label_smoothing=self.label_smoothing,
        )
        return target, None, lambda X_val, y_val: read_known_labels(X_val, y_val, target, caller)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one pass over some records, for data that come bit by bit.

        The first call builds the network and settles what the records must be like: kind, channels, statistics of
        ``normalize`` and characters of texts are those of its records, so let it have many. Each call then takes one
        pass at a constant learning rate ("auto" is a third of the peak that ``fit`` would take), and the optimizer's
        state is kept between calls. Behind a ``fit``, it goes on from there; ``fit`` starts anew. No records are held
        back; ``max_epochs``, ``max_fit_seconds`` and callbacks have no part in it. ``history_`` goes on growing.

        Parameters
        ----------
        X
            Records, as :meth:`fit` takes them.
        y
            A label for each case, among ``classes``; or, in every call, an indicator matrix, a column a label.
        classes
            All labels that will ever come; required in the first call, and the same or left out in the later ones. An
            indicator matrix has a column for each, so that they may be left out.
        sample_weight
            ``(n_cases,)`` non-negative.

        Returns
        -------
        SeqCNNClassifier
            Itself. After an error it is what it was before the call.

        Raises
        ------
        ValueError, TypeError
            If a parameter, X or y is off, the encoder has fixed kernels, or a parameter that the network was built by
            has changed since the first call.
        NonFiniteLossError
            If training diverged.

        Examples
        --------
        >>> from seqcnn import SeqCNNClassifier
        >>> from seqcnn.datasets import make_shapes_in_noise
        >>> X, y = make_shapes_in_noise(60, random_state=0)
        >>> classifier = SeqCNNClassifier("fcn", random_state=0)
        >>> for part in range(0, 60, 20):
        ...     _ = classifier.partial_fit(X[part : part + 20], y[part : part + 20], classes=sorted(set(y)))
        >>> len(classifier.history_)
        3
        """
        caller = type(self).__name__
        weights = read_weights(X, sample_weight, caller)
        refuse_early_stopping(self.early_stopping, caller)
        refuse_balanced(self.class_weight, caller)
        is_fitted = self.__sklearn_is_fitted__()
        has_sets = holds_sets_of_labels(y)
        if is_fitted:
            check_same_form(has_sets, self._indicator_form is not None, "partial_fit", caller)
        target: ClassTarget | MultilabelTarget
        learnt: dict[str, Any] = {}
        if has_sets:
            if is_fitted:
                weight = read_class_weight(self.class_weight, self.classes_, caller)
                before = MultilabelTarget(self.classes_, np.empty((0, 0)), weight, self.label_smoothing)
                target = read_known_multilabel(X, y, before, caller, ("X", "y"))
            else:
                target, form = read_multilabel(X, y, self.class_weight, self.label_smoothing, caller)
                learnt = {"_indicator_form": (form.dtype, form.sparse)}
            check_indicator_classes(classes, target.classes, caller)
        else:
            if is_fitted:
                known = self.classes_
                check_later_classes(classes, known, caller)
            else:
                known = read_first_classes(classes, caller)
            target = replace(
                read_labels_among(X, y, known, caller),
                class_weight=read_class_weight(self.class_weight, known, caller),
                label_smoothing=self.label_smoothing,
            )
            learnt = {"_indicator_form": None}
        return self._fit(X, target, weights, None, None, learnt={"classes_": target.classes} | learnt)

    def predict_proba(self, X: Any) -> Float64Array:
        """Return class probabilities, ``(n_cases, n_classes)``, in the order of ``classes_``.

        Those of classes of which a case has one sum to one; those of labels of which it has any number do not.

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

    def predict(self, X: Any) -> Any:
        """Return the most probable label of each record, ``(n_cases,)``.

        After a fit on an indicator matrix: another, ``(n_cases, n_labels)`` of the same type, of all labels more
        probable than not; a sparse one if ``y`` was sparse.
        """
        probabilities = self.predict_proba(X)
        if self._indicator_form is not None:
            return IndicatorForm(*self._indicator_form).restore(probabilities > 0.5)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def predict_set(self, X: Any, coverage: float = 0.9) -> pd.DataFrame:
        """Return sets of classes that hold the class of new records with a probability of at least ``coverage``.

        They are conformal (:mod:`seqcnn.conformal`): a class is in the set where its probability is at least the one
        that so many of the records that were not learnt have for their own class. The most probable class always is, so
        that no set is empty; where a classifier is right more often than ``coverage``, nearly every set is that class
        alone. The more classes a set holds, the less the classifier knows. The records that were not learnt are

        - behind an encoder of fixed kernels, all training records, each judged by a head solved without it (and without
          its group): the jackknife;
        - behind any other, those that ``fit`` held back, or ``X_val``. They chose when to stop, so that sets are a
          little small; with ``early_stopping=False``, ``X_val`` is only watched, and all is exact;
        - those given to :meth:`conformalize`, which is exact.

        What is promised is for new records that are like those, on average over all of them: of a rare class less may
        be covered. With ``groups``, it is for records of a new group, and so many groups are needed as else records:
        9 for a coverage of 0.9.

        Parameters
        ----------
        X
            Records of the kind that was fitted.
        coverage
            The probability, above zero and below one.

        Returns
        -------
        DataFrame
            Booleans: a line a record, in the order of X, and a column a class, True where it is in the set.

        Raises
        ------
        NotFittedError
            If there is no model yet.
        ValueError, TypeError
            If X does not keep the contract that was fitted, no errors are known, or too few for ``coverage``; or after
            a fit on an indicator matrix.

        Examples
        --------
        >>> from seqcnn import SeqCNNClassifier
        >>> from seqcnn.datasets import make_shapes_in_noise
        >>> X, y = make_shapes_in_noise(80, noise=1.5, random_state=0)
        >>> classifier = SeqCNNClassifier("minirocket", random_state=0).fit(X[:60], y[:60])
        >>> sets = classifier.predict_set(X[60:], coverage=0.9)
        >>> sets.columns.tolist() == classifier.classes_.tolist(), bool(sets.any(axis="columns").all())
        (True, True)
        """
        check_is_fitted(self)
        refuse_indicators(self._indicator_form, "predict_set", type(self).__name__)
        known = demand_conformity(self, "predict_set")
        caller = f"{type(self).__name__}.predict_set"
        known.threshold(coverage, caller=caller)
        inside = known.sets(self.predict_proba(X), coverage, caller=caller)
        return pd.DataFrame(inside, columns=list(self.classes_))

    def conformalize(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Measure what :meth:`predict_set` needs to know on records that ``fit`` has not seen.

        The network and its probabilities stay what they are, and earlier measurements are forgotten.

        Parameters
        ----------
        X
            Records of the kind that was fitted, none of them trained on.
        y
            Their labels, among ``classes_``.
        sample_weight
            ``(n_cases,)`` non-negative: how much of the population each stands for.
        groups
            ``(n_cases,)``: cases of one group count as one together.

        Returns
        -------
        SeqCNNClassifier
            Itself.

        Raises
        ------
        NotFittedError
            If there is no model yet.
        ValueError, TypeError
            If X does not keep the contract that was fitted, or y, weights or groups are off; or after a fit on an
            indicator matrix.
        """
        check_is_fitted(self)
        caller = type(self).__name__
        refuse_indicators(self._indicator_form, "conformalize", caller)
        return self._conformalize(X, read_labels_to_conform(X, y, self.classes_, caller), sample_weight, groups)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of cases whose label is right; of those with several, whose every label is.

        Parameters
        ----------
        X, y
            As in :meth:`fit`. Columns of a DataFrame ``y`` are taken by name.
        sample_weight
            ``(n_cases,)``.
        """
        check_is_fitted(self)
        caller = type(self).__name__
        y = align_to_cases(X, y, caller, "y")
        sample_weight = align_to_cases(X, sample_weight, caller, "sample_weight")
        if self._indicator_form is not None and hasattr(y, "columns"):
            y = columns_in_order(y, self.classes_.tolist(), caller, "y").to_numpy()
        return float(super().score(X, y, sample_weight))

    def predict_windows(self, X: Any) -> pd.DataFrame:
        """Return class probabilities of each window.

        Returns
        -------
        DataFrame
            A line a window: record (position in X), start, end (samples within the record), a column a class.
        """
        records = self._read(X)
        return self._score_windows(records, list(self.classes_))
