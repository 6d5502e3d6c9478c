"""What an estimator knows of its errors on records that it did not learn, for intervals and sets.

Where they come from: records held back in ``fit``, or left out in turn behind a head in closed form; or records of the
user's own, which ``conformalize`` reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqcnn._checks import join_words, name_first
from seqcnn._types import AnyArray, Float64Array
from seqcnn.conformal import ConformityScores
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._read_targets import columns_in_order, find_positions, read_numbers, read_one_label_a_record
from seqcnn.estimators._targets import ClassTarget, NumericTarget
from seqcnn.model import Model


def find_conformity(
    model: Model, left_out: Float64Array | None, examples: Examples, validation: Examples | None, caller: str
) -> ConformityScores | None:
    """Return the scores of records that a trained model did not learn, or None where there are none.

    Parameters
    ----------
    model
        Trained.
    left_out
        Answers for the training records by models that did not learn them, ``(n_records, n_outputs)``, NaN for those
        that all have learnt; None where there are none.
    examples
        The training records.
    validation
        What was held back, or None.
    caller
        The estimator's name, for the messages.
    """
    if model.output not in ("probabilities", "values"):
        return None
    if left_out is not None:
        # Where all records are one group, nothing could be left out.
        known = np.flatnonzero(np.isfinite(left_out).all(1))
        left_out, examples = left_out[known], examples.take(known)
        groups = np.arange(len(left_out)) if examples.groups is None else examples.groups
        return measure_conformity(left_out, examples) if (groups != groups[:1]).any() else None
    if validation is None:
        return None
    return measure_conformity(model.score_records(validation.records, caller=caller), validation)


def measure_conformity(outputs: Float64Array, examples: Examples) -> ConformityScores:
    """Return the scores of answers ``(n_records, n_outputs)`` for these records.

    The user's weights count, and those of classes do not: these change what is learnt, not what comes.
    """
    target, of_record = examples.target, (examples.sample_weight, examples.groups)
    if isinstance(target, ClassTarget):
        return ConformityScores.of_classes(target.positions, outputs, *of_record)
    assert isinstance(target, NumericTarget)
    return ConformityScores.of_values(target.values, outputs, *of_record)


def demand_conformity(estimator: Any, method: str) -> ConformityScores:
    """Return a fitted estimator's scores; raise ValueError where it has none."""
    known: ConformityScores | None = vars(estimator).get("conformity_scores_")
    if known is None:
        raise ValueError(
            f"{type(estimator).__name__}.{method} needs errors on records that were not learnt. Received: a model that "
            f"kept none, because fit held no records back. Call conformalize(X, y) with records that fit has not "
            f"seen; or fit with early_stopping=True, which holds some back, or with an encoder of fixed kernels, such "
            f"as 'multirocket', which leaves each record out in turn."
        )
    return known


def refuse_indicators(form: object, method: str, caller: str) -> None:
    """Raise ValueError behind a fit on an indicator matrix."""
    if form is not None:
        raise ValueError(
            f"{caller}.{method} is for records that have one label each: it tells which labels may be the one. "
            f"Received: a model that was fitted on an indicator matrix, where every label is a question of its own. "
            f"Use predict_proba, or fit a classifier for each label."
        )


def read_labels_to_conform(X: Any, y: Any, classes: AnyArray, caller: str) -> ClassTarget:
    """Read labels that must be among those fitted."""
    positions, unknown = find_positions(read_one_label_a_record(X, y, caller, ("X", "y")), classes)
    if unknown:
        raise ValueError(
            f"The y of {caller}.conformalize must hold classes that were fitted only, "
            f"{join_words(map(repr, classes.tolist()))}. Received: {name_first(unknown)}. Drop these records, or fit "
            f"with records of these classes."
        )
    return ClassTarget(classes, positions)


def read_numbers_to_conform(X: Any, y: Any, names: list[Any] | None, n_targets: int, caller: str) -> NumericTarget:
    """Read as many targets as were fitted; the columns of a DataFrame by name."""
    target, _ = read_numbers(X, columns_in_order(y, names, caller, "y"), caller)
    if target.values.shape[1] != n_targets:
        raise ValueError(
            f"The y of {caller}.conformalize must hold as many targets as fit had, {n_targets}. Received: "
            f"{target.values.shape[1]}. Pass the same columns."
        )
    return target
