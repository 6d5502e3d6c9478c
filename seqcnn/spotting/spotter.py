"""The keyword spotter: trains, listens, and keeps a promise about false alarms."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from seqcnn._checks import check_integer, check_number, shorten
from seqcnn._types import AnyArray, Float64Array
from seqcnn.spotting.events import RELEASE_SHARE, EventRule
from seqcnn.spotting.listening import DETECTION_COLUMNS, Detection, Listener, ScoreReader
from seqcnn.spotting.measuring import MeasuringMixin
from seqcnn.spotting.personal import PersonalKeywords
from seqcnn.spotting.resolving import read_spotter, resolve_classifier, write_spotter
from seqcnn.spotting.sound import open_sound
from seqcnn.spotting.training import TrainingMixin
from seqcnn.spotting.training_set import UNKNOWN, settle_keywords
from seqcnn.spotting.tuning import TunedThreshold


class KeywordSpotter(TrainingMixin, MeasuringMixin, BaseEstimator):
    """Finds keywords in recordings and streams, each once, and not more often for nothing than was promised.

    A keyword's score is its probability among all classes of the classifier, "unknown" and "silence" among them: how
    likely it is of the keywords, times how likely it is any keyword. Scores come every hop, are averaged over the last
    ``smoothing_seconds``, and fire at the threshold; then the keyword has to fall below ``release`` before it fires
    again, and for ``refractory_seconds`` nothing fires, so that one word is one detection.

    There is one threshold for all keywords: the promise is about all false alarms together, and few have the hours of
    recordings that one for each would take.

    Parameters
    ----------
    classifier : SeqCNNClassifier, PersonalKeywords or path, default=None
        Fitted, or the path of a saved one: the spotter listens with it at once. :meth:`fit` trains a copy; None is then
        a small causal network over PCEN bands, trained in noise. Where spotters are cloned (as
        ``GridSearchCV`` does), wrap a fitted one in scikit-learn's ``FrozenEstimator``.
    keywords : list or None, default=None
        The classes to listen for; None is all but "unknown", "silence" and the like.
    threshold : float, default=0.5
        The smoothed score from which on a keyword fires, until :meth:`tune_threshold` chooses.
    release : float or None, default=None
        The score below which a detection ends; None is three quarters of the threshold.
    smoothing_seconds : float, default=0.1
        Of the moving mean of the scores. It delays a detection by half of it.
    minimum_seconds : float, default=0.0
        How long a score must have been at the threshold.
    refractory_seconds : float, default=1.0
        From one detection to the next that is possible, of any keyword.
    hop_length : int or None, default=None
        Samples of the classifier's rate from score to score; None is about 20 ms.
    look_ahead : int, default=0
        Samples by which scores may come late, for classifiers that are not causal.
    random_state : int, RandomState or None, default=None
        Of :meth:`fit`: which unknown words are kept, where words are placed; and of the network that None stands for.

    Attributes
    ----------
    classifier_ : SeqCNNClassifier
        What :meth:`fit` trained.
    keywords_ : list
        What is listened for, enrolled words among them.
    threshold_ : float
        What is used: what :meth:`tune_threshold` chose, else ``threshold``. ``set_params(threshold=...)`` takes its
        place.
    tuning_ : TunedThreshold
        What :meth:`tune_threshold` found.
    personal_ : PersonalKeywords
        The words that :meth:`enrol` added.

    Examples
    --------
    >>> from seqcnn import SeqCNNClassifier
    >>> from seqcnn.datasets import make_spoken_tones
    >>> X, y = make_spoken_tones(120, n_words=3, random_state=0)
    >>> classifier = SeqCNNClassifier("matchboxnet", encoder__causal=True, encoder__width=16, front_end="log-mel",
    ...                               sample_rate=8000, max_epochs=4, random_state=0)
    >>> spotter = KeywordSpotter(classifier, keywords=["alpha", "bravo"], random_state=0).fit(X, y)
    >>> spotter.classifier_.classes_.tolist()
    ['alpha', 'bravo', 'silence', 'unknown']
    >>> spotter.detect(np.concatenate(X[:3])).columns.tolist()
    ['start', 'end', 'keyword', 'score']
    """

    classifier_: Any
    tuning_: TunedThreshold
    personal_: PersonalKeywords

    def __init__(
        self,
        classifier: Any = None,
        *,
        keywords: Any = None,
        threshold: float = 0.5,
        release: float | None = None,
        smoothing_seconds: float = 0.1,
        minimum_seconds: float = 0.0,
        refractory_seconds: float = 1.0,
        hop_length: int | None = None,
        look_ahead: int = 0,
        random_state: Any = None,
    ) -> None:
        self.classifier = classifier
        self.keywords = keywords
        self.threshold = threshold
        self.release = release
        self.smoothing_seconds = smoothing_seconds
        self.minimum_seconds = minimum_seconds
        self.refractory_seconds = refractory_seconds
        self.hop_length = hop_length
        self.look_ahead = look_ahead
        self.random_state = random_state

    # What it says of clips.

    @property
    def keywords_(self) -> list[Any]:
        """What is listened for."""
        return self._settle(self._hearing())

    @property
    def classes_(self) -> AnyArray:
        """What :meth:`predict` may say: the keywords, and "unknown"."""
        return np.array([*self.keywords_, UNKNOWN], dtype=object)

    @property
    def threshold_(self) -> float:
        """The threshold that is used."""
        return float(vars(self).get("threshold_", self.threshold))

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a ``threshold`` takes the place of a tuned one."""
        super().set_params(**params)
        if "threshold" in params:
            self.__dict__.pop("threshold_", None)
            self.__dict__.pop("tuning_", None)
        return self

    def decision_function(self, X: Any) -> Float64Array:
        """Return the score of each keyword in each clip, ``(n_clips, n_keywords)``, not smoothed.

        Their maximum tells keywords from all else, at any threshold.
        """
        hearing = self._hearing()
        return np.asarray(hearing.predict_proba(X), np.float64)[:, self._columns(hearing)]

    def predict(self, X: Any) -> AnyArray:
        """Return the keyword of each clip, or "unknown" where none scores as high as the threshold, ``(n_clips,)``."""
        scores = self.decision_function(X)
        words = np.array(self.keywords_, dtype=object)[scores.argmax(1)]
        return np.where(scores.max(1) >= self.threshold_, words, UNKNOWN)

    def score(self, X: Any, y: Any) -> float:
        """Return the share of clips whose word is right; words that are no keywords are right as "unknown"."""
        wanted = [word if word in set(self.keywords_) else UNKNOWN for word in y]
        return float(np.mean([said == word for said, word in zip(self.predict(X), wanted, strict=True)]))

    # What it hears.

    def listen(self, sample_rate: int | None = None) -> Listener:
        """Return a listener, which takes samples as they come and tells what fires.

        Parameters
        ----------
        sample_rate
            Of the samples that will be pushed, in Hz; another than the classifier's is resampled. None is the
            classifier's.

        Returns
        -------
        Listener
            ``push(samples)`` returns the new detections; ``reset()`` begins anew.
        """
        self._check()
        hearing = self._hearing()
        reader = self._reader(hearing, sample_rate)
        return Listener(reader, self._rule(self.threshold_, reader.hop_seconds), self._settle(hearing))

    def detect(self, source: Any, *, sample_rate: int | None = None) -> pd.DataFrame:
        """Return what is heard in a recording.

        It is listened to as it would be live, block by block, so that a file of hours takes no more memory than one of
        seconds; half a window of silence follows its end.

        Parameters
        ----------
        source
            A waveform ``(time,)`` or ``(channels, time)``, a pair (waveform, sample_rate), the path of an audio file,
            or an iterable of blocks of samples, such as a microphone.
        sample_rate
            Of a source that does not tell its own, in Hz; None is the classifier's.

        Returns
        -------
        DataFrame
            A line a detection, in order: start, end (seconds; the window of sound that decided, whose end is the moment
            it fired), keyword, score (smoothed, at that moment).

        Raises
        ------
        ValueError, TypeError, FileNotFoundError
            If the source cannot be listened to, or the classifier cannot stream.
        """
        sound = open_sound(source, sample_rate, caller=f"{type(self).__name__}.detect")
        listener = self.listen(sound.sample_rate)
        found: list[Detection] = []
        for block in sound.blocks:
            found += listener.push(block)
        found += listener.finish()
        table = pd.DataFrame(found, columns=list(DETECTION_COLUMNS))
        return table.astype({"start": np.float64, "end": np.float64, "keyword": object, "score": np.float64})

    # Files.

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write classifier, settings, threshold and enrolled words to one model file.

        :meth:`load` reads the spotter, and :func:`seqcnn.load` the classifier alone. The file holds no code.
        """
        hearing = self._hearing()
        personal = hearing if isinstance(hearing, PersonalKeywords) else None
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name != "classifier"}
        if not (parameters["random_state"] is None or isinstance(parameters["random_state"], int)):
            parameters["random_state"] = None
        state = {
            "parameters": parameters | {"keywords": None if self.keywords is None else list(self.keywords)},
            "threshold": vars(self).get("threshold_"),
            "personal": None if personal is None else personal.to_dict(),
        }
        write_spotter(hearing if personal is None else personal.estimator, state, Path(path), type(self).__name__)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a spotter from the file that :meth:`save` wrote; from a classifier's own, one with default settings.

        Raises
        ------
        FileNotFoundError, ValueError
            As :func:`seqcnn.load`.
        """
        classifier, state = read_spotter(Path(path))
        if state.get("personal") is not None:
            look_ahead = state.get("parameters", {}).get("look_ahead", 0)
            classifier = PersonalKeywords(classifier, look_ahead=look_ahead).from_dict(state["personal"])
        spotter = cls(classifier, **state.get("parameters", {}))
        if state.get("threshold") is not None:
            spotter.__dict__["threshold_"] = float(state["threshold"])
        return spotter

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        for name in ("_clips", "_loaded"):  # hundreds of megabytes, and what the path stands for
            state.pop(name, None)
        return state

    def __sklearn_is_fitted__(self) -> bool:
        try:
            self._hearing()
        except Exception:  # whatever there is, it cannot listen
            return False
        return True

    # How it does so.

    def _hearing(self) -> Any:
        """Return what scores: the enrolled words and their classifier, what fit trained, or what was passed."""
        caller = type(self).__name__
        if "personal_" in vars(self):
            return self.personal_
        if "classifier_" in vars(self):
            return self.classifier_
        if not isinstance(self.classifier, str | os.PathLike):
            return resolve_classifier(self.classifier, caller)
        loaded = vars(self).get("_loaded")
        if loaded is None or loaded[0] != self.classifier:
            self._loaded = loaded = (self.classifier, resolve_classifier(self.classifier, caller))
        return loaded[1]

    def _settle(self, hearing: Any) -> list[Any]:
        classes = np.asarray(hearing.classes_).tolist()
        enrolled = list(hearing.prototypes_) if isinstance(hearing, PersonalKeywords) else []
        if self.keywords is None:
            return settle_keywords(None, classes, type(self).__name__)
        trained = [word for word in self.keywords if word not in enrolled] if enrolled else self.keywords
        return [*(settle_keywords(trained, classes, type(self).__name__) if trained else []), *enrolled]

    def _columns(self, hearing: Any) -> list[int]:
        classes = np.asarray(hearing.classes_).tolist()
        return [classes.index(word) for word in self._settle(hearing)]

    def _check(self) -> None:
        caller = type(self).__name__
        check_number("threshold", self.threshold, above=0, maximum=1, caller=caller)
        check_number("release", self.release, above=0, maximum=1, or_none=True, caller=caller)
        for name in ("smoothing_seconds", "minimum_seconds", "refractory_seconds"):
            check_number(name, getattr(self, name), minimum=0, caller=caller)
        check_integer("hop_length", self.hop_length, minimum=1, or_none=True, caller=caller)
        check_integer("look_ahead", self.look_ahead, minimum=0, caller=caller)
        if self.release is not None and self.release > self.threshold_:
            raise ValueError(
                f"The 'release' parameter of {caller} must be at most the threshold, {self.threshold_:g}: a detection "
                f"begins at one and ends below the other. Received: {shorten(self.release)}. Pass less, or None."
            )

    def _rule(self, threshold: float, hop_seconds: float) -> EventRule:
        release = RELEASE_SHARE * threshold if self.release is None else min(float(self.release), threshold)
        rows = {
            "smoothing": round(self.smoothing_seconds / hop_seconds),
            "minimum": math.ceil(self.minimum_seconds / hop_seconds - 1e-9),
            "refractory": round(self.refractory_seconds / hop_seconds),
        }
        return EventRule(threshold, release, **{name: max(1, n_rows) for name, n_rows in rows.items()})

    def _reader(self, hearing: Any, sample_rate: int | None) -> ScoreReader:
        stream = hearing.stream(sample_rate, hop_length=self.hop_length, look_ahead=self.look_ahead)
        hop_seconds = stream.hop_length / stream.model_sample_rate
        return ScoreReader(stream, self._columns(hearing), self._rule(1.0, hop_seconds).smoothing)
