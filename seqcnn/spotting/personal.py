"""Words of one's own from a handful of recordings: prototypes on what a trained network has learnt to hear.

J. Snell, K. Swersky, R. Zemel, "Prototypical networks for few-shot learning", 2017 (arXiv 1703.05175): a class is the
mean of the embeddings of its examples. Here the embeddings are whitened by the covariance of sounds that are not the
word, shrunk as O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance matrices" (2004),
and compared by their angle. How near is near enough is told by leaving out each recording in turn.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.covariance import LedoitWolf
from sklearn.utils.validation import check_is_fitted

from seqcnn._checks import count_word, shorten
from seqcnn._types import AnyArray, Float64Array, FloatArray
from seqcnn.augment import place_by_energy
from seqcnn.inputs import read_for_predict
from seqcnn.inputs.records import Records
from seqcnn.model import Model
from seqcnn.network import Network
from seqcnn.streaming import Stream

_PLACES = 4
"""Clips that are made of each recording, the word standing elsewhere in each."""

_ROOM_LEVELS = (0.0, 1e-3, 1e-2)
"""Of what is before and behind a clip, root mean square: a muted microphone, a quiet room, a less quiet one."""

_ENOUGH_RECORDINGS = 5
_LEAST_NEGATIVES = 10
_MOST_NEGATIVES = 1000
"""Windows: more of them cost time and hardly change a covariance."""


@dataclass(frozen=True)
class Prototype:
    """A word: where its embeddings lie, and how scores follow from the nearness to it.

    Attributes
    ----------
    mean, whitening
        Of sounds that are not the word: ``(n_features,)`` and ``(n_features, n_features)``.
    direction
        The unit vector of the word, ``(n_features,)``.
    middle, slope
        The cosine whose score is one half, and the score's steepness there.
    """

    mean: Float64Array
    whitening: Float64Array
    direction: Float64Array
    middle: float
    slope: float

    def score(self, features: Float64Array) -> Float64Array:
        """Return scores from 0 to 1, ``(n,)``, of features ``(n, n_features)``."""
        cosine = _to_unit(features, self.mean, self.whitening) @ self.direction
        return 1 / (1 + np.exp(-np.clip(self.slope * (cosine - self.middle), -60, 60)))


class PersonalKeywords:
    """A fitted estimator's ears for words that it was not trained on.

    It speaks as a classifier does, and so a :class:`KeywordSpotter` listens with it:
    ``KeywordSpotter(PersonalKeywords(classifier).enrol("hey ada", recordings, negatives))``.

    Parameters
    ----------
    estimator
        A fitted :class:`~seqcnn.SeqCNNClassifier` of audio, whose own classes stay, or a
        :class:`~seqcnn.SeqCNNEmbedder`.
    look_ahead : int, default=0
        Samples by which scores may come late, for networks that are not causal.

    Attributes
    ----------
    classes_ : ndarray
        The classifier's, and the words that were enrolled.
    enrolled_ : DataFrame
        A line a word: keyword, n_recordings, missed (recordings that score below one half when they are left out),
        false_accepts (the share of negative windows that score one half or more).

    Examples
    --------
    >>> from seqcnn import SeqCNNClassifier
    >>> from seqcnn.datasets import make_spoken_tones
    >>> X, y = make_spoken_tones(120, n_words=5, random_state=0)
    >>> trained = y != "echo"
    >>> classifier = SeqCNNClassifier("matchboxnet", encoder__causal=True, encoder__width=16, front_end="log-mel",
    ...                               sample_rate=8000, max_epochs=4, random_state=0)
    >>> waves = [wave for wave, known in zip(X, trained) if known]
    >>> personal = PersonalKeywords(classifier.fit(waves, y[trained]))
    >>> recordings = [wave for wave, known in zip(X, trained) if not known][:8]
    >>> personal.enrol("echo", recordings, negatives=waves).classes_.tolist()
    ['alpha', 'bravo', 'charlie', 'delta', 'echo']
    """

    def __init__(self, estimator: Any, *, look_ahead: int = 0) -> None:
        check_is_fitted(estimator)
        model = getattr(estimator, "model_", None)
        if not isinstance(model, Model) or model.contract.kind != "audio":
            kind = model.contract.kind if isinstance(model, Model) else type(estimator).__name__
            raise TypeError(
                f"PersonalKeywords hears with a SeqCNNClassifier or SeqCNNEmbedder that was fitted on audio. Received: "
                f"{kind}. Fit one on recordings, with sample_rate=... if they are bare waveforms."
            )
        self.estimator = estimator
        self._look_ahead = look_ahead
        self.model_ = model
        self.prototypes_: dict[Any, Prototype] = {}
        self.enrolled_ = pd.DataFrame({"keyword": [], "n_recordings": [], "missed": [], "false_accepts": []})

    @property
    def classes_(self) -> AnyArray:
        """The estimator's own classes, if it has any, and the words that were enrolled."""
        own = [] if self.model_.output == "features" else np.asarray(self.estimator.classes_).tolist()
        return np.array([*own, *self.prototypes_], dtype=object)

    def enrol(self, keyword: Any, recordings: Any, negatives: Any) -> Self:
        """Learn a word from recordings of it.

        Parameters
        ----------
        keyword
            Its label; one that was enrolled before is replaced.
        recordings
            From 5 to 20 clips of the word, as :meth:`SeqCNNClassifier.predict` takes them.
        negatives
            Recordings without it: other speech, and the room. A minute says much more than a second.

        Returns
        -------
        PersonalKeywords
            Itself.

        Raises
        ------
        ValueError, TypeError
            If there are fewer than two recordings or too few negatives, they cannot be read, or the estimator has a
            class of that name.

        Warns
        -----
        UserWarning
            If there are fewer than five recordings, or they are not more like each other than like the negatives.
        """
        caller = "PersonalKeywords.enrol"
        if keyword in set(self.classes_.tolist()) - set(self.prototypes_):
            raise ValueError(
                f"The 'keyword' parameter of {caller} must be a new word. Received: {keyword!r}, which the estimator "
                f"was trained on. Pass another name."
            )
        words = self._read(recordings, "recordings", caller)
        others = self._cut(self._read(negatives, "negatives", caller))
        if len(words) < 2 or len(others) < _LEAST_NEGATIVES:
            raise ValueError(
                f"{caller} needs two recordings of the word at least, five to be of use, and negatives of "
                f"{_LEAST_NEGATIVES} windows. Received: {count_word(len(words), 'recording')}, and negatives of "
                f"{count_word(len(others), 'window')} of {self._window / self._rate:.3g} s. Pass more of them."
            )
        if len(words) < _ENOUGH_RECORDINGS:
            warnings.warn(
                f"{keyword!r} was enrolled from {len(words)} recordings; it takes five to twenty to find a word again.",
                UserWarning,
                stacklevel=2,
            )
        generator = np.random.default_rng(0)  # the same recordings make the same word
        if len(others) > _MOST_NEGATIVES:
            others = [others[row] for row in generator.choice(len(others), _MOST_NEGATIVES, replace=False)]
        clips = [place_by_energy(wave, self._window, generator=generator) for wave in words for _ in range(_PLACES)]
        embedded, far = self._embed(clips, generator), self._embed(others, generator)
        prototype, line = _learn(keyword, embedded, far, len(words))
        self.prototypes_ = {**self.prototypes_, keyword: prototype}
        kept = self.enrolled_[[word != keyword for word in self.enrolled_["keyword"]]]
        self.enrolled_ = pd.DataFrame([*kept.to_dict("records"), line])
        return self

    def predict_proba(self, X: Any) -> Float64Array:
        """Return scores of records, ``(n_cases, n_classes)``: the classifier's probabilities, and each word's score.

        The words know nothing of each other: rows do not sum to one.
        """
        records = read_for_predict(X, self.model_.contract, caller=type(self).__name__)
        return self.score_features(self._features.score_records(records, caller=type(self).__name__))

    def stream(self, sample_rate: int | None = None, **settings: Any) -> PersonalStream:
        """Return a stream of scores; parameters are those of :meth:`SeqCNNClassifier.stream`."""
        return PersonalStream(self, Stream(self._features, sample_rate, caller=type(self).__name__, **settings))

    def score_features(self, features: Float64Array) -> Float64Array:
        """Turn features ``(n, n_features)`` into scores ``(n, n_classes)``."""
        columns = [prototype.score(features)[:, None] for prototype in self.prototypes_.values()]
        if self.model_.output != "features":
            network = self.model_.network
            assert isinstance(network, Network)
            head = network.head
            with torch.inference_mode():
                scores = head(torch.from_numpy(features).to(self._place(), self.model_.dtype))
            columns.insert(0, self.model_.finish(scores.double().cpu().numpy()))
        return np.concatenate([np.empty((len(features), 0)), *columns], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return what was enrolled, for a file."""
        words = [[word, vars(prototype)] for word, prototype in self.prototypes_.items()]
        return {"words": words, "enrolled": self.enrolled_}

    def from_dict(self, state: dict[str, Any]) -> Self:
        """Take what :meth:`to_dict` returned; the inverse."""
        self.prototypes_ = {word: Prototype(**values) for word, values in state["words"]}
        self.enrolled_ = state["enrolled"]
        return self

    def _place(self) -> torch.device:
        return next((tensor.device for tensor in self.model_.network.parameters()), torch.device("cpu"))

    @property
    def _features(self) -> Model:
        return replace(self.model_, output="features")

    @property
    def _window(self) -> int:
        length = self.model_.window_length or self.model_.record_length
        assert length is not None
        return int(length)

    @property
    def _rate(self) -> int:
        rate = self.model_.contract.sample_rate
        assert rate is not None  # an audio contract has one
        return rate

    def _read(self, X: Any, name: str, caller: str) -> list[FloatArray]:
        if X is None or not hasattr(X, "__len__") or isinstance(X, str) or len(X) == 0:
            raise ValueError(
                f"The '{name}' parameter of {caller} must be a list of recordings, at least one. Received: "
                f"{shorten(X)}. Pass paths, waveforms, or pairs (waveform, sample_rate)."
            )
        return read_for_predict(X, self.model_.contract, caller=caller).values

    def _cut(self, waves: Sequence[FloatArray]) -> list[FloatArray]:
        """Cut recordings into windows that overlap by half; a shorter one is a window with silence around it."""
        length, windows = self._window, []
        for wave in waves:
            starts = range(0, wave.shape[1] - length + 1, max(1, length // 2))
            windows += [wave[:, start : start + length] for start in starts] or [place_by_energy(wave, length)]
        return windows

    def _embed(self, clips: list[FloatArray], generator: np.random.Generator) -> Float64Array:
        """Return features of clips of one window, several of each, ``(n_clips * n, n_features)``.

        Alone, and as a stream hears them: behind silence or a quiet room, when the window ends with the clip or near
        it. A network hears what was before, and what this does to the features must not look like another word.
        """
        alone = self._features.score_records(Records("audio", list(clips), self._rate), caller="PersonalKeywords")
        stream = Stream(self._features, caller=type(self).__name__, look_ahead=self._look_ahead)
        hop, length = stream.hop_length, self._window
        near = max(1, round(length / 8 / hop))
        heard = []
        for number, clip in enumerate(clips):
            stream.reset()
            level = _ROOM_LEVELS[number % len(_ROOM_LEVELS)]
            room = (level * generator.standard_normal((clip.shape[0], 2 * length + stream.look_ahead))).astype(
                np.float32
            )
            sound = np.concatenate([room[:, :length], clip, room[:, length:]], axis=1)
            rows = stream.push(sound)
            last = 2 * length // hop - 1  # the window that ends with the clip
            heard.append(rows[[last - near, last, last + near]])
        joined = np.concatenate([alone[:, None], np.stack(heard)], axis=1)
        return joined.reshape(-1, alone.shape[1])


class PersonalStream:
    """A stream of features, turned into scores: what :class:`~seqcnn.streaming.Stream` is to a classifier."""

    def __init__(self, personal: PersonalKeywords, features: Stream) -> None:
        self._personal, self._features = personal, features
        self.classes = personal.classes_
        self.sample_rate, self.model_sample_rate = features.sample_rate, features.model_sample_rate
        self.window_length, self.hop_length = features.window_length, features.hop_length
        self.look_ahead, self.n_outputs = features.look_ahead, len(self.classes)

    @property
    def n_scores(self) -> int:
        """Rows that were given since the last reset."""
        return self._features.n_scores

    def push(self, samples: Any) -> Float64Array:
        """Take samples and return the rows of scores that they complete, ``(n_new, n_classes)``."""
        return self._personal.score_features(self._features.push(samples))

    def finish(self) -> Float64Array:
        """End the signal, and return the rows that its end completes; the stream is then reset."""
        return self._personal.score_features(self._features.finish())

    def reset(self) -> None:
        """Begin anew."""
        self._features.reset()


def _learn(
    keyword: Any, embedded: Float64Array, others: Float64Array, n_recordings: int
) -> tuple[Prototype, dict[str, Any]]:
    """Make a prototype; ``embedded`` holds the clips of one recording after those of the other."""
    mean = others.mean(0)
    values, vectors = np.linalg.eigh(LedoitWolf().fit(others).covariance_)
    whitening = vectors / np.sqrt(np.maximum(values, 1e-12 * max(values.max(), 1e-12)))
    units = _to_unit(embedded, mean, whitening)
    by_recording = units.reshape(n_recordings, -1, units.shape[1])
    direction = _norm(units.mean(0, keepdims=True))[0]
    rest = (by_recording.sum(axis=(0, 1)) - by_recording.sum(1)) / (units.shape[0] - by_recording.shape[1])
    left_out = np.einsum("rpf,rf->rp", by_recording, _norm(rest))
    far = _to_unit(others, mean, whitening) @ direction
    # As many deviations from the one as from the other; a deviation of nothing would make it a step.
    near_spread, far_spread = max(left_out.std(), 0.02), max(far.std(), 0.02)
    gap = float(left_out.mean() - far.mean())
    middle = float(far.mean() + gap * far_spread / (near_spread + far_spread))
    slope = max(gap, 1e-3) / (near_spread * far_spread)
    missed = int((left_out.mean(1) < middle).sum())
    fired = float((far >= middle).mean())
    if gap <= 0 or missed > n_recordings / 2:
        warnings.warn(
            f"The recordings of {keyword!r} are not more like each other than like the negatives: of "
            f"{n_recordings:,}, {missed:,} would be missed by a word made of the others. Check that each holds the "
            f"word, or train the network on more words.",
            UserWarning,
            stacklevel=3,
        )
    line = {"keyword": keyword, "n_recordings": n_recordings, "missed": missed, "false_accepts": fired}
    return Prototype(mean, whitening, direction, middle, float(slope)), line


def _to_unit(features: Float64Array, mean: Float64Array, whitening: Float64Array) -> Float64Array:
    return _norm((features - mean) @ whitening)


def _norm(vectors: Float64Array) -> Float64Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Float64Array = vectors / np.maximum(lengths, 1e-12)
    return unit
