"""How a spotter learns: from clips of words, from its own mistakes, and from a few recordings of a new word."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from seqcnn._checks import check_integer, count_word
from seqcnn.spotting.personal import PersonalKeywords
from seqcnn.spotting.resolving import to_train
from seqcnn.spotting.training_set import SILENCE, UNKNOWN, Clips, read_clips, read_more

_WARM_START_SHARE = 4
"""``fit_more`` takes one epoch for so many of ``fit``."""


class TrainingMixin:
    """``fit``, ``fit_more`` and ``enrol`` of :class:`~seqcnn.spotting.KeywordSpotter`."""

    classifier: Any
    keywords: Any
    look_ahead: int
    random_state: Any
    classifier_: Any
    personal_: PersonalKeywords

    def _check(self) -> None:
        raise NotImplementedError

    def _hearing(self) -> Any:
        raise NotImplementedError

    def fit(self, X: Any, y: Any, groups: Any = None, noise: Any = None) -> Self:
        """Train a copy of the classifier for the job: keywords, other words as "unknown", noise as "silence".

        Other words are thinned, evenly, to as many clips as the keywords have; of silence as many clips are made as a
        keyword has. All clips get one length (the classifier's ``window_length``, else the median length of the
        keywords' clips): a longer one is cut where its energy is, a shorter one stands anywhere in silence.

        Parameters
        ----------
        X
            Clips of words: a list of paths, of (waveform, sample_rate), or of waveforms if the classifier has a
            ``sample_rate``.
        y
            What is said in each.
        groups
            Who says it: with early stopping, speakers are held back whole.
        noise
            Recordings in which nothing is said, in any form of X, to make silence of; None generates it.

        Returns
        -------
        KeywordSpotter
            Itself. A tuned threshold is forgotten: tune it again.

        Raises
        ------
        ValueError, TypeError, FileNotFoundError
            If a parameter or the clips are off.
        """
        caller = type(self).__name__
        self._check()
        estimator = to_train(self.classifier, self.random_state, caller)
        generator = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        clips = read_clips(
            X,
            y,
            groups,
            noise,
            keywords=self.keywords,
            sample_rate=getattr(estimator, "sample_rate", None),
            mono=getattr(estimator, "mono", True),
            length=getattr(estimator, "window_length", None),
            generator=generator,
            caller=caller,
        )
        classifier = clone(estimator).set_params(input="audio", sample_rate=clips.contract.sample_rate)
        _train(classifier, clips)
        for name in ("threshold_", "tuning_", "personal_", "classifier_", "_clips"):
            self.__dict__.pop(name, None)
        self.classifier_, self._clips = classifier, clips
        return self

    def fit_more(self, X: Any, y: Any = None, *, max_epochs: int | None = None) -> Self:
        """Take further clips into the training, such as the hardest negatives that :meth:`mine` found.

        Training goes on from the weights there are, on the clips of :meth:`fit` and these together, so that nothing
        is unlearnt. The tuned threshold is forgotten.

        Parameters
        ----------
        X
            Clips, as :meth:`fit` takes them.
        y
            What is said in each; None says that none of them holds a keyword.
        max_epochs
            None is a quarter of those that :meth:`fit` took.

        Returns
        -------
        KeywordSpotter
            Itself.

        Raises
        ------
        ValueError
            If the spotter did not train its classifier in this process: the clips of ``fit`` are not saved with it.
        """
        caller = f"{type(self).__name__}.fit_more"
        check_integer("max_epochs", max_epochs, minimum=1, or_none=True, caller=caller)
        clips: Clips | None = vars(self).get("_clips")
        if clips is None:
            raise ValueError(
                f"{caller} goes on from fit, with the clips that it was given, which are not saved. Received: a "
                f"spotter that has none. Call fit on all clips, the further ones among them."
            )
        classifier = self.classifier_
        known = set(classifier.classes_.tolist())
        other = UNKNOWN if UNKNOWN in known else SILENCE
        n_epochs = max_epochs or max(1, len(classifier.history_) // _WARM_START_SHARE)
        generator = np.random.default_rng(len(classifier.history_))
        contract = classifier.model_.contract
        waves = read_more(X, contract, clips.length, generator, caller)
        labels = [other] * len(waves) if y is None else [word if word in known else other for word in y]
        if len(labels) != len(waves):
            raise ValueError(
                f"{caller} needs a label for each clip. Received: {count_word(len(waves), 'clip')} and "
                f"{count_word(len(labels), 'label')}. Pass X and y of one length, or y=None where no keyword is said."
            )
        groups = clips.groups
        if groups is not None:
            groups = np.concatenate([groups, np.array([f"more {row}" for row in range(len(waves))], dtype=object)])
        joined = np.concatenate([clips.labels, np.array(labels)])
        more = Clips(clips.waves + waves, joined, groups, clips.contract)
        before = {name: getattr(classifier, name) for name in ("warm_start", "max_epochs")}
        try:
            classifier.set_params(warm_start=True, max_epochs=n_epochs)
            _train(classifier, more)
        finally:
            classifier.set_params(**before)
        self._clips = more
        for name in ("threshold_", "tuning_", "personal_"):
            self.__dict__.pop(name, None)
        return self

    def enrol(self, keyword: Any, recordings: Any, negatives: Any = None) -> Self:
        """Add a word of one's own from 5 to 20 recordings; see :class:`PersonalKeywords`.

        Parameters
        ----------
        keyword
            Its label.
        recordings
            Clips of it.
        negatives
            Recordings without it. None takes the clips of :meth:`fit`, if it was called in this process.

        Returns
        -------
        KeywordSpotter
            Itself. A tuned threshold is kept, but proves nothing about the new word: tune it again.
        """
        caller = f"{type(self).__name__}.enrol"
        hearing = self._hearing()
        personal = (
            hearing if isinstance(hearing, PersonalKeywords) else PersonalKeywords(hearing, look_ahead=self.look_ahead)
        )
        if negatives is None:
            clips: Clips | None = vars(self).get("_clips")
            if clips is None:
                raise ValueError(
                    f"The 'negatives' parameter of {caller} may be left out only after fit in the same process. "
                    f"Received: None. Pass recordings without the word: other speech, and the room."
                )
            negatives = [(wave, clips.contract.sample_rate) for wave in clips.waves]
        self.personal_ = personal.enrol(keyword, recordings, negatives)
        return self


def _train(classifier: Any, clips: Clips) -> None:
    with warnings.catch_warnings():
        # Silence is made on purpose, and the user's own clips were looked at when they were read.
        warnings.filterwarnings("ignore", message=".* in X (is|are) (silent|clipped)")
        classifier.fit(clips.waves, clips.labels, groups=clips.groups)
