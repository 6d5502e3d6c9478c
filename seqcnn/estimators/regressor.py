"""The regressor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from seqcnn._checks import check_choice
from seqcnn._types import AnyArray
from seqcnn.estimators._alignment import align_to_cases
from seqcnn.estimators._base import BaseSeqCNN
from seqcnn.estimators._conforming import demand_conformity, read_numbers_to_conform
from seqcnn.estimators._going_on import check_same_targets, refuse_early_stopping
from seqcnn.estimators._read_targets import columns_in_order, name_targets, read_numbers
from seqcnn.estimators._read_weights import read_weights
from seqcnn.losses import RegressionLoss

LOSSES = ("squared_error", "absolute_error", "huber")


class SeqCNNRegressor(RegressorMixin, BaseSeqCNN):
    """A 1D convolutional regressor of time series, texts and recordings, for one target or many.

    Parameters
    ----------
    encoder : str, torch.nn.Module or list of these, default="auto"
        The network between stem and head: a name from :func:`seqcnn.list_encoders`, a module (which is copied), or a
        fitted estimator's ``encoder_``. ``encoder__...`` sets its parameters, as in
        ``SeqCNNRegressor("fcn", encoder__width=64)``. A list makes a committee: its members are fitted one by one, and
        weighed by what each says of records that it did not learn (``committee_``); a tuple in the list joins the
        features of fixed kernels in front of one head, as in ``[("multirocket", "hydra"), "lite"]``. "auto" is a
        committee for series, see ``preset``, and one network for texts and recordings; for series, too, where the rest
        that is asked for takes one network: tiny series, ``encoder__...``, ``early_stopping=True``, ``loss``,
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
    loss : {"squared_error", "absolute_error", "huber"}, default="squared_error"
        Of targets scaled to unit deviation. "absolute_error" and "huber", which is squared below one unit and absolute
        above, hold against outliers; beside them the unit is of the quartile distance, which is the deviation of a
        normal distribution and hardly moved by outliers. Encoders of fixed kernels take "squared_error" only.
    early_stopping : bool or "auto", default="auto"
        Whether records are held back, the latest weights within one standard error of the best score on them are kept,
        and training stops when there are none better. "auto" does so from 1,000 records on. False trains on every
        record for exactly ``max_epochs``, and only watches ``X_val``.
    validation_fraction : float, default=0.1
        The share of records held back, of each class or in whole ``groups``.
    n_iter_no_change : int, default=20
        Epochs without a better validation score after which training stops.
    scoring : str, callable or None, default=None
        The score of held-back records: a scorer of scikit-learn by name, such as "neg_mean_absolute_error", or one that
        ``make_scorer`` made. None is R². A callable gets an estimator that answers for the held-back records,
        their row numbers in the place of X, and their y. Its standard error is a jackknife's over tenths of them.
        Where nothing is held back, it has no part.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights there are, for ``max_epochs`` more, with the statistics of the first
        fit. X must keep its contract, and parameters that the network was built by their values.
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
    committee_ : DataFrame
        Of a committee, a line a member: member, weight, score (on records that it did not learn), seconds.
    history_ : DataFrame
        A line an epoch (and member): losses (of targets at unit deviation), score (R²), learning rate, seconds.
    kept_epoch_ : int
        The epoch whose weights were kept: chosen on held-back records, otherwise the last one.
    network_ : torch.nn.Module
        The trained network, raw input to targets in their own units.
    encoder_ : SequenceEncoder
        The part of it that other estimators take as ``encoder=``; a committee has one a member, and not this.
    front_end_ : FrontEnd or None
        The part of it that turns audio into bands, which they take as ``front_end=``.
    model_ : Model
        The network with its input contract.
    conformity_scores_ : ConformityScores
        How far it is off on records that were not learnt, behind :meth:`predict_interval`: there where ``fit`` held
        records back or left each out in turn, and after :meth:`conformalize`.
    n_features_in_ : int
        Time steps of a 2-D X, else channels and, if there are any, the number columns beside them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names of a DataFrame, if they are strings.

    Examples
    --------
    >>> from seqcnn import SeqCNNRegressor
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, _ = make_shapes_in_noise(60, random_state=0)
    >>> regressor = SeqCNNRegressor("fcn", max_epochs=2, random_state=0).fit(X, X.max(axis=1))
    >>> regressor.predict(X[:5]).shape
    (5,)
    """

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
        loss: str = "squared_error",
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
        self.loss = loss
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
        tags.target_tags.multi_output = True
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
        """Train on records and their targets.

        Parameters
        ----------
        X
            Records, as :meth:`SeqCNNClassifier.fit` takes them.
        y
            ``(n_cases,)`` or ``(n_cases, n_targets)`` finite numbers.
        sample_weight
            ``(n_cases,)`` non-negative. Zero leaves a case out; two counts it twice.
        groups
            ``(n_cases,)``: cases of one group are held back together.
        X_val, y_val
            Cases to stop early on, instead of some held back from X.

        Returns
        -------
        SeqCNNRegressor
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
        check_choice("loss", self.loss, LOSSES, caller=caller)
        target, n_dimensions = read_numbers(X, y, caller)
        names = name_targets(y)
        loss_name = cast("RegressionLoss", self.loss)
        read_validation = None
        if X_val is not None or y_val is not None:
            read_validation = lambda: (  # noqa: E731
                X_val,
                replace(
                    read_numbers(
                        X_val,
                        columns_in_order(y_val, names, caller, "y_val"),
                        caller,
                        names=("X_val", "y_val"),
                        n_targets=target.values.shape[1],
                    )[0],
                    loss_name=loss_name,
                ),
            )
        if self.warm_start and self.__sklearn_is_fitted__():
            check_same_targets(target, self.model_.n_outputs, "warm_start=True", caller)
        told = {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}}
        return self._fit(
            X,
            replace(target, loss_name=loss_name),
            weights,
            groups,
            read_validation,
            learnt={"_one_target": n_dimensions == 1, "_target_names": names},
            told=told,
        )

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one pass over some records, for data that come bit by bit.

        The first call builds the network and settles what the records must be like: kind, channels, statistics of
        ``normalize``, characters of texts and the scale of the targets are those of its records, so let it have many.
        Each call then takes one pass at a constant learning rate ("auto" is a third of the peak that ``fit`` would
        take), and the optimizer's state is kept between calls. Behind a ``fit``, it goes on from there; ``fit`` starts
        anew. No records are held back; ``max_epochs``, ``max_fit_seconds`` and callbacks have no part in it.
        ``history_`` goes on growing.

        Parameters
        ----------
        X
            Records, as :meth:`fit` takes them.
        y
            ``(n_cases,)`` or ``(n_cases, n_targets)`` finite numbers.
        sample_weight
            ``(n_cases,)`` non-negative.

        Returns
        -------
        SeqCNNRegressor
            Itself. After an error it is what it was before the call.

        Raises
        ------
        ValueError, TypeError
            If a parameter, X or y is off, the encoder has fixed kernels, or a parameter that the network was built by
            has changed since the first call.
        NonFiniteLossError
            If training diverged.
        """
        caller = type(self).__name__
        weights = read_weights(X, sample_weight, caller)
        check_choice("loss", self.loss, LOSSES, caller=caller)
        refuse_early_stopping(self.early_stopping, caller)
        target, n_dimensions = read_numbers(X, y, caller)
        if self.__sklearn_is_fitted__():
            check_same_targets(target, self.model_.n_outputs, "partial_fit", caller)
        target = replace(target, loss_name=cast("RegressionLoss", self.loss))
        learnt = {"_one_target": n_dimensions == 1, "_target_names": name_targets(y)}
        return self._fit(X, target, weights, None, None, learnt=learnt)

    def predict(self, X: Any) -> AnyArray:
        """Return the targets, ``(n_cases,)`` or ``(n_cases, n_targets)`` as ``y`` was, float64.

        Parameters
        ----------
        X
            Records of the kind that was fitted.

        Raises
        ------
        ValueError, TypeError
            If X does not keep the contract that was fitted: kind, channels, columns, sample rate.
        """
        values = self._score_records(X)
        return values[:, 0] if self._one_target else values

    def predict_interval(self, X: Any, coverage: float = 0.9) -> pd.DataFrame:
        """Return intervals that hold the targets of new records with a probability of at least ``coverage``.

        They are conformal (:mod:`seqcnn.conformal`): the prediction, give or take the error that so many of the records
        that were not learnt stay below. These are

        - behind an encoder of fixed kernels, all training records, each predicted by a head solved without it (and
          without its group): the jackknife;
        - behind any other, those that ``fit`` held back, or ``X_val``. They chose when to stop, so that intervals are a
          little narrow; with ``early_stopping=False``, ``X_val`` is only watched, and all is exact;
        - those given to :meth:`conformalize`, which is exact.

        What is promised is for new records that are like those, on average over all of them: an interval is as wide for
        an easy record as for a hard one. With ``groups``, it is for records of a new group, and so many groups are
        needed as else records: 9 for a coverage of 0.9. Of many targets each is covered by itself.

        Parameters
        ----------
        X
            Records of the kind that was fitted.
        coverage
            The probability, above zero and below one.

        Returns
        -------
        DataFrame
            A line a record, in the order of X, with the columns lower and upper. After a fit on a two-dimensional
            ``y``, each target has both, (target, "lower") and (target, "upper"), named as in :meth:`predict_windows`.

        Raises
        ------
        NotFittedError
            If there is no model yet.
        ValueError, TypeError
            If X does not keep the contract that was fitted, no errors are known, or too few for ``coverage``.

        Examples
        --------
        >>> from seqcnn import SeqCNNRegressor
        >>> from seqcnn.datasets import make_shapes_in_noise
        >>> X, _ = make_shapes_in_noise(60, random_state=0)
        >>> regressor = SeqCNNRegressor("minirocket", random_state=0).fit(X[:50], X[:50].std(axis=1))
        >>> regressor.predict_interval(X[50:], coverage=0.8).columns.tolist()
        ['lower', 'upper']
        """
        check_is_fitted(self)
        known = demand_conformity(self, "predict_interval")
        caller = f"{type(self).__name__}.predict_interval"
        known.threshold(coverage, caller=caller)
        ends = known.interval(self._score_records(X), coverage, caller=caller)
        table = np.stack(ends, axis=2).reshape(len(ends[0]), -1)
        if self._one_target:
            return pd.DataFrame(table, columns=["lower", "upper"])
        columns = pd.MultiIndex.from_product([self._name_targets(), ["lower", "upper"]])
        return pd.DataFrame(table, columns=columns)

    def conformalize(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Measure the errors behind :meth:`predict_interval` on records that ``fit`` has not seen.

        The network stays what it is, and earlier measurements are forgotten.

        Parameters
        ----------
        X
            Records of the kind that was fitted, none of them trained on.
        y
            Their targets. Columns of a DataFrame are taken by name.
        sample_weight
            ``(n_cases,)`` non-negative: how much of the population each stands for.
        groups
            ``(n_cases,)``: cases of one group count as one together.

        Returns
        -------
        SeqCNNRegressor
            Itself.

        Raises
        ------
        NotFittedError
            If there is no model yet.
        ValueError, TypeError
            If X does not keep the contract that was fitted, or y, weights or groups are off.
        """
        check_is_fitted(self)
        target = read_numbers_to_conform(X, y, self._target_names, self.model_.n_outputs, type(self).__name__)
        return self._conformalize(X, target, sample_weight, groups)

    def predict_windows(self, X: Any) -> pd.DataFrame:
        """Return the targets of each window.

        Returns
        -------
        DataFrame
            A line a window: record (position in X), start, end (samples within the record), and a column a target,
            named as in ``y`` if that was a DataFrame or a Series with a name, else target, or target_0, target_1, ...
        """
        records = self._read(X)
        return self._score_windows(records, self._name_targets())

    def _name_targets(self) -> list[Any]:
        if self._target_names is not None:
            names: list[Any] = self._target_names
            return names
        return ["target"] if self._one_target else [f"target_{column}" for column in range(self.model_.n_outputs)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², the mean over the targets.

        Parameters
        ----------
        X, y
            As in :meth:`fit`. Columns of a DataFrame ``y`` are taken by name.
        sample_weight
            ``(n_cases,)``.
        """
        check_is_fitted(self)
        caller = type(self).__name__
        y = columns_in_order(align_to_cases(X, y, caller, "y"), self._target_names, caller, "y")
        sample_weight = align_to_cases(X, sample_weight, caller, "sample_weight")
        return float(super().score(X, y, sample_weight))
