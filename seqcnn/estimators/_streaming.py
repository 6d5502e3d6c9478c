"""A fitted estimator on a signal as it comes."""

from __future__ import annotations

from dataclasses import replace

from sklearn.utils.validation import check_is_fitted

from seqcnn.model import Model
from seqcnn.streaming import Stream


class StreamingMixin:
    """Gives the stream of a fitted estimator."""

    model_: Model

    def stream(
        self,
        sample_rate: int | None = None,
        *,
        window_length: int | None = None,
        hop_length: int | None = None,
        look_ahead: int = 0,
    ) -> Stream:
        """Return a stream: samples are pushed as they come, and each hop gives a row of scores.

        The rows are those of the whole signal read at once: probabilities of a classifier, values of a regressor,
        features of an embedder. Causal networks ("tcn", and those that take ``encoder__causal=True``) answer at once;
        others stream with a delay, ``look_ahead``. What needs the whole record (``normalize="record"``, attention,
        squeeze and excitation, fixed kernels, number columns, texts) is refused with the reason.

        Parameters
        ----------
        sample_rate
            Of what will be pushed, in Hz; another rate than the model's is resampled. None is the model's.
        window_length
            In samples of the model's rate: each row is about so many. None is the estimator's ``window_length``, else
            the median length of the training records.
        hop_length
            Samples of the model's rate from one row to the next, a multiple of the network's stride. None is for audio
            the multiple nearest to 20 ms, else the stride.
        look_ahead
            Samples of the model's rate by which rows may come late, for networks that look ahead.

        Returns
        -------
        Stream
            With ``push``, ``finish`` and ``reset``. It works on a copy of the network.

        Raises
        ------
        TypeError, ValueError
            If a parameter is off, or the network cannot stream; the message says why, and what to do.

        Examples
        --------
        >>> from seqcnn import SeqCNNClassifier
        >>> from seqcnn.datasets import make_shapes_in_noise
        >>> X, y = make_shapes_in_noise(60, random_state=0)
        >>> classifier = SeqCNNClassifier("tcn", encoder__depth=3, max_epochs=2, random_state=0).fit(X, y)
        >>> stream = classifier.stream(hop_length=16)
        >>> [stream.push(X[0, start : start + 20]).shape for start in range(0, 60, 20)]
        [(1, 3), (1, 3), (1, 3)]
        """
        check_is_fitted(self)
        model = replace(self.model_, classes=getattr(self, "classes_", None))
        return Stream(
            model,
            sample_rate,
            window_length=window_length,
            hop_length=hop_length,
            look_ahead=look_ahead,
            caller=type(self).__name__,
        )
