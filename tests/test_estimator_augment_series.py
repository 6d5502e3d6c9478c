"""The parameter ``augment`` of classifier and regressor for series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estimator_helpers import FIRST, LABELS, SERIES, assert_same_weights, message_of, quick
from sklearn.base import clone

from seqcnn import SeqCNNRegressor, load
from seqcnn.augment import SeriesAugmentation

MIXED = SeriesAugmentation(warp=0.2, amplitude=0.1, noise=0.1, mask=0.2, mixing="cutmix", mixing_share=1.0)
RAGGED = [series[: 40 - position % 7] for position, series in enumerate(SERIES)]
HEIGHTS = np.asarray(SERIES).max(1)


def losses_of(estimator: Any) -> list[float]:
    losses: list[float] = estimator.history_["train_loss"].tolist()
    return losses


@pytest.mark.parametrize("augment", ["series", MIXED, replace(MIXED, mixing="mixup"), SeriesAugmentation(crop=0.3)])
@pytest.mark.parametrize("X", [SERIES, RAGGED], ids=["equal", "ragged"])
def test_training_sees_other_records_and_the_same_ones_with_the_same_seed(augment: Any, X: Any) -> None:
    first, again = (quick(augment=augment).fit(X, LABELS) for _ in range(2))
    assert_same_weights(first, again)
    assert losses_of(first) == losses_of(again)
    assert losses_of(first) != losses_of(quick().fit(X, LABELS))


def test_word_and_value_mean_the_same() -> None:
    word, value = (quick(augment=augment).fit(SERIES, LABELS) for augment in ("series", SeriesAugmentation()))
    assert_same_weights(word, value)


def test_prediction_never_sees_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = quick(augment=MIXED).fit(SERIES, LABELS)

    def refuse(*args: Any) -> None:
        raise AssertionError("a batch was changed")

    monkeypatch.setattr("seqcnn.augment.series.SeriesAugmenter.__call__", refuse)
    fitted.predict_proba(SERIES)
    fitted.predict_windows(SERIES)
    with pytest.raises(AssertionError, match="a batch was changed"):
        fitted.fit(SERIES, LABELS)


def test_missing_values_windows_and_several_labels_go_with_it() -> None:
    gaps = np.array(SERIES, copy=True)
    gaps[:, 5] = np.nan
    sets = np.stack([FIRST, ~FIRST], 1).astype(int)
    fitted = quick(augment=MIXED, missing="mask", window_length=20).fit(gaps, sets)
    assert np.isfinite(losses_of(fitted)).all()


def test_numbers_are_learnt_from_warped_series() -> None:
    fitted = quick(SeqCNNRegressor, augment="series").fit(SERIES, HEIGHTS)
    assert losses_of(fitted) != losses_of(quick(SeqCNNRegressor).fit(SERIES, HEIGHTS))


def test_the_trained_members_of_a_committee_see_changed_records_and_the_solved_ones_do_not() -> None:
    plain, changed = (
        quick(encoder=["minirocket", "lite"], augment=augment, max_epochs=1).fit(SERIES, LABELS)
        for augment in (None, MIXED)
    )
    losses = [fitted.history_.groupby("member")["train_loss"].mean() for fitted in (plain, changed)]
    assert losses[0]["minirocket"] == losses[1]["minirocket"]
    assert losses[0]["lite"] != losses[1]["lite"]


@pytest.mark.parametrize("parameters", [{"encoder": ["minirocket", "hydra"]}, {"encoder": "auto", "preset": "quick"}])
def test_a_committee_of_fixed_kernels_alone_is_refused(parameters: dict[str, Any]) -> None:
    assert message_of(ValueError, quick(augment="series", **parameters).fit, SERIES, LABELS) == (
        "The 'augment' parameter of SeqCNNClassifier must be None beside an encoder of fixed kernels, whose head is "
        "solved from all records at once, with no epochs to change them in. Received: 'series'. Pass augment=None, or "
        "another encoder, such as 'lite'."
    )


def test_mixtures_of_numbers_are_refused() -> None:
    assert message_of(ValueError, quick(SeqCNNRegressor, augment=MIXED).fit, SERIES, HEIGHTS) == (
        "The 'augment' parameter of SeqCNNRegressor must have mixing=None with numbers as targets: the number for two "
        "series at once is not the mean of theirs. Received: mixing='cutmix'. Pass SeriesAugmentation(mixing=None)."
    )


def test_a_file_and_a_clone_keep_what_was_done(tmp_path: Path) -> None:
    fitted = quick(augment=MIXED).fit(SERIES, LABELS)
    assert clone(fitted).augment == MIXED
    fitted.save(tmp_path / "model.seqcnn")
    assert load(tmp_path / "model.seqcnn").augment == MIXED
