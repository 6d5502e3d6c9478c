"""From X to answers by what was fitted, and how far these are off on records of the user's own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from seqcnn._types import Float64Array
from seqcnn.conformal import ConformityScores
from seqcnn.estimators._conforming import measure_conformity
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._read_weights import read_groups, read_weights
from seqcnn.estimators._reading import ReadingMixin
from seqcnn.estimators._settings import resolve_threads
from seqcnn.estimators._targets import Target
from seqcnn.inputs.records import Records
from seqcnn.threads import thread_limit


class AnsweringMixin(ReadingMixin):
    """Scores records and windows with the fitted model, by an estimator's number of threads."""

    n_jobs: int | None
    conformity_scores_: ConformityScores

    def _score_records(self, X: Any) -> Float64Array:
        """Return the model's output for each record, ``(n_cases, n_outputs)``."""
        records = self._read(X)
        with thread_limit(resolve_threads(self.n_jobs)):
            return self.model_.score_records(records, caller=type(self).__name__)

    def _score_windows(self, records: Records, columns: list[Any]) -> pd.DataFrame:
        """Return a line a window: record, start, end in samples, and the outputs."""
        with thread_limit(resolve_threads(self.n_jobs)):
            table, outputs = self.model_.score_windows(records, caller=type(self).__name__)
        places = pd.DataFrame({"record": table.record, "start": table.start, "end": table.stop})
        return pd.concat([places, pd.DataFrame(outputs, columns=columns)], axis="columns")

    def _conformalize(self, X: Any, target: Target, sample_weight: Any, groups: Any) -> Self:
        """Keep how far the fitted model is off on records of the user's own."""
        caller = type(self).__name__
        weights, groups = read_weights(X, sample_weight, caller), read_groups(X, groups, caller)
        # A record of weight zero is as good as absent.
        kept = np.flatnonzero(weights > 0)
        examples = Examples(self._read(X), target, weights, groups).take(kept)
        with thread_limit(resolve_threads(self.n_jobs)):
            outputs = self.model_.score_records(examples.records, caller=caller)
        self.conformity_scores_ = measure_conformity(outputs, examples)
        return self
