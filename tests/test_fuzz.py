"""Whatever comes in: either a fit that predicts, or an error whose sentences say what to do. Nothing else.

The default run tries some dozens of cases; the slow ones, and ``python tests/test_fuzz.py N``, thousands.
"""

from __future__ import annotations

import re
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.encoders import FCN
from seqcnn.training import NonFiniteLossError

DOCUMENTED = (ValueError, TypeError, FileNotFoundError, NonFiniteLossError)
WARNINGS = ".*(is longer than|are longer than|are unknown to|axes|constant|audio suffix|has only 1 member|fewer than)"


@st.composite
def numbers(draw: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Series as people have them, and as they should not have them."""
    generator = np.random.default_rng(draw(st.integers(0, 9)))
    values = generator.standard_normal(shape)
    kind = draw(st.sampled_from(["noise"] * 15 + ["constant", "huge", "tiny", "level", "nan", "all nan", "inf"]))
    if kind == "constant":
        values[...] = 3.0
    elif kind in ("huge", "tiny"):
        values *= 1e30 if kind == "huge" else 1e-30
    elif kind == "level":
        values += 1e6
    elif values.size and kind == "nan":
        values.reshape(-1)[:: max(values.size // 7, 1)] = np.nan
    elif values.size and kind == "all nan":
        values[0] = np.nan
    elif values.size and kind == "inf":
        values.reshape(-1)[-1] = np.inf
    kind = draw(st.sampled_from(["<f8"] * 9 + ["<f4", ">f8", "<f2", "<i8", "<i2", "u1", "?", "<c16", "O"]))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return values.astype(kind)


LENGTHS = st.one_of(st.integers(9, 40), st.integers(9, 40), st.integers(0, 10))
WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


ARRAYS = ["2d", "3d", "2d", "3d", "2d", "3d", "1d", "4d", "fortran", "read-only", "masked", "object-array", "tensor"]
FRAMES = ["frame", "frame-of-arrays", "frame-with-numbers", "long-frame", "polars", "list-of-frames"]
LISTS = ["ragged", "ragged-channels", "nested-lists"]
OTHERS = ["texts", "texts", "text-series", "pairs", "strange"]
FORMS = [*ARRAYS, *FRAMES, *LISTS, *OTHERS]


@st.composite
def inputs(draw: Any) -> Any:
    """X in any form, also in forms that are none."""
    n = draw(st.sampled_from([6, 5, 4, 9, 8, 7, 6, 5, 8, 9, 3, 2, 1, 0]))
    channels, length = draw(st.sampled_from([1, 2, 3, 3, 0])), draw(LENGTHS)
    form = draw(st.sampled_from(FORMS))
    if form in ("2d", "nested-lists", "frame", "tensor", "masked", "fortran", "read-only", "polars"):
        block = draw(numbers((n, length)))
        if form == "nested-lists":
            return block.tolist()
        if form == "frame":
            return pd.DataFrame(block)
        if form == "polars":
            polars = pytest.importorskip("polars")
            return polars.DataFrame({f"t{step}": block[:, step].tolist() for step in range(length)}, strict=False)
        if form == "tensor":
            return torch.from_numpy(np.abs(block).astype("<f4"))
        if form == "masked":
            return np.ma.masked_array(block, mask=np.zeros(block.shape, bool))
        if form == "fortran":
            return np.asfortranarray(block)[::-1]
        block.setflags(write=form != "read-only")
        return block
    if form == "3d":
        return draw(numbers((n, channels, length)))
    if form == "1d":
        return draw(numbers((n,)))
    if form == "4d":
        return draw(numbers((n, 1, 1, length)))
    if form == "frame-with-numbers":
        columns = {f"c{channel}": list(draw(numbers((n, length)))) for channel in range(channels)}
        return pd.DataFrame(columns | {"age": draw(numbers((n,))), "size": np.arange(n)})
    if form == "list-of-frames":
        return [
            pd.DataFrame(draw(numbers((draw(LENGTHS), channels))), columns=list("abc"[:channels])) for _ in range(n)
        ]
    if form in ("ragged", "object-array", "frame-of-arrays"):
        rows = [draw(numbers((draw(LENGTHS),))) for _ in range(n)]
        if form == "ragged":
            return rows
        array = np.empty(n, object)
        array[:] = rows
        return array if form == "object-array" else pd.DataFrame({"series": array})
    if form == "ragged-channels":
        return [draw(numbers((channels, draw(LENGTHS)))) for _ in range(n)]
    if form == "long-frame":
        index = pd.MultiIndex.from_product([range(n), range(length)], names=["case", "time"])
        return pd.DataFrame(draw(numbers((n * length, max(channels, 1)))), index=index)
    if form in ("texts", "text-series"):
        texts = draw(st.lists(WORDS, min_size=n, max_size=n))
        return texts if form == "texts" else pd.Series(texts, dtype=draw(st.sampled_from(["object", "string"])))
    if form == "pairs":
        return [(draw(numbers((draw(st.sampled_from([400, 900, 5, 0])),))), 8000) for _ in range(n)]
    return draw(
        st.sampled_from([None, 3, "text", {}, {"a": 1}, set(), object(), [None] * n, [b"x"] * n, ["a", 1, [2.0]]])
    )


@st.composite
def targets(draw: Any, n: int) -> Any:
    """Y for about so many records."""
    n = max(n + draw(st.sampled_from([0] * 40 + [1, -1])), 0)
    generator = np.random.default_rng(draw(st.integers(0, 9)))
    codes = np.arange(n) % draw(st.sampled_from([2, 2, 2, 2, 2, 3, 1]))
    form = draw(
        st.sampled_from(
            ["integers"] * 8
            + ["strings", "booleans", "floats", "series", "category", "numbers", "two columns"]
            + ["none", "nan", "mixed", "objects", "dates", "indicator"]
        )
    )
    match form:
        case "strings":
            return np.array([f"class {code}" for code in codes])
        case "booleans":
            return codes == 1
        case "floats":
            return codes.astype(float)
        case "series":
            return pd.Series(codes, index=np.arange(n) + 5, name="y")
        case "category":
            return pd.Categorical([f"c{code}" for code in codes])
        case "numbers":
            return generator.standard_normal(n) * draw(st.sampled_from([1.0, 1e9, 1e-9]))
        case "two columns":
            return generator.standard_normal((n, 2))
        case "indicator":
            return generator.integers(0, 2, (n, 3))
        case "none":
            return None
        case "nan":
            return np.where(np.arange(n) == 0, np.nan, codes)
        case "mixed":
            return [code if code else "zero" for code in codes.tolist()]
        case "objects":
            return codes.astype(object)
        case "dates":
            return pd.date_range("2020", periods=n)
        case _:
            return codes


GOOD: dict[str, list[Any]] = {
    "encoder": ["lenet", "lite", "minirocket", "hydra", "m3", "zhang-small", "resnet", "tcn", "auto"],
    "input": ["series", "text", "audio"],
    "sample_rate": [8000, 16000],
    "mono": [True, False],
    "max_characters": [1, 20, None],
    "window_length": [1, 4, 8, 16],
    "hop_length": [None, 1, 2],
    "missing": ["interpolate", "mask"],
    "normalize": ["auto", "dataset", "record", None],
    "preset": ["quick", "best"],
    "max_fit_seconds": [None, 0.01],
    "batch_size": ["auto", 1, 3, 1000],
    "learning_rate": ["auto", 1e-3, 1.0],
    "weight_decay": [0.0, 0.1],
    "early_stopping": ["auto", True, False],
    "validation_fraction": [0.1, 0.5, 0.9],
    "n_iter_no_change": [1, 5],
    "precision": ["auto", "float32", "bfloat16", "float64"],
    "n_jobs": [None, 1, 2, -1],
    "random_state": [None, np.random.RandomState(0)],
    "label_smoothing": [0.0, 0.1],
    "class_weight": [None, "balanced", {0: 2.0, 1: 1.0}],
    "sampling": ["balanced"],
    "scoring": ["balanced_accuracy", "neg_log_loss", "neg_mean_absolute_error"],
    "warm_start": [True],
}
BAD: dict[str, list[Any]] = {
    "encoder": ["resnett", 3, None, torch.nn.Linear(3, 2), FCN],
    "input": ["video", 3],
    "sample_rate": [0, -1, 8000.5, "8k"],
    "mono": ["yes"],
    "max_characters": [0, "all"],
    "window_length": [64, 0, -3, 2.5, "4"],
    "hop_length": [100, 0],
    "missing": ["drop", None],
    "normalize": ["batch", 1],
    "preset": ["fast"],
    "max_fit_seconds": [0, -1, "a minute"],
    "max_epochs": [0, "all", 2.5],
    "batch_size": [0, 2.5, -3],
    "learning_rate": [0, -1, float("nan"), float("inf"), "fast"],
    "weight_decay": [-1, None],
    "early_stopping": ["maybe", None],
    "validation_fraction": [0, 1, 1.5],
    "n_iter_no_change": [0, None],
    "device": ["tpu", "cuda:9", 3.5],
    "precision": ["half"],
    "n_jobs": [0, -3, 1.5],
    "random_state": [-1, "seed", 1.5],
    "label_smoothing": [1.0, 2.0, -1],
    "class_weight": [{"a": 1.0}, "even", [1, 2], {0: -1.0, 1: 1.0}],
    "sampling": ["even"],
    "scoring": ["acuracy", 3],
    "warm_start": ["yes"],
    "encoder__width": [0, -4, 2.5, "wide", None],
    "encoder__wdth": [8],
}


@st.composite
def estimators(draw: Any) -> Any:
    """One of the three, with up to three parameters that are not the default, and now and then a wrong one."""
    kind = draw(st.sampled_from([SeqCNNClassifier, SeqCNNClassifier, SeqCNNRegressor, SeqCNNEmbedder]))
    known = set(kind().get_params())

    def some(values: dict[str, list[Any]], most: int) -> dict[str, Any]:
        names = sorted(name for name in values if name in known or "__" in name)
        chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=most))
        return {name: draw(st.sampled_from(values[name])) for name in chosen}

    parameters = {"encoder": "fcn", "n_jobs": 1, "random_state": 0, "device": "cpu"} | some(GOOD, 3)
    parameters["max_epochs"] = draw(st.sampled_from([1, 1, 1, 2]))
    if draw(st.integers(0, 7)) == 0:
        parameters |= some(BAD, 1)
    if isinstance(parameters["encoder"], str) and parameters["encoder"] == "fcn":
        parameters = {"encoder__width": 4} | parameters
    return kind(**parameters)


def try_to_use(estimator: Any, X: Any, y: Any) -> str:
    """Fit and predict; return what came of it, and fail if that is neither use nor a documented error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", WARNINGS, UserWarning)
        try:
            estimator.fit(X, y)
            demand_use(estimator, X)
        except DOCUMENTED as error:
            demand_sentences(error)
            return "error"
    return "fit"


def demand_use(estimator: Any, X: Any) -> None:
    if isinstance(estimator, SeqCNNEmbedder):
        features = estimator.transform(X)
        assert features.ndim == 2
        assert np.isfinite(features).all()
        return
    predicted = estimator.predict(X)
    n = len(predicted)
    if isinstance(estimator, SeqCNNRegressor):
        assert np.isfinite(predicted).all()
        return
    probabilities = estimator.predict_proba(X)
    assert probabilities.shape == (n, len(estimator.classes_))
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    if predicted.ndim == 1:
        np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=1e-5)
        assert set(predicted.tolist()) <= set(estimator.classes_.tolist())


def demand_sentences(error: Exception) -> None:
    """Fail unless the error is in full sentences: what, what was received, what to do."""
    text = str(error)
    message = f"{type(error).__name__}: {text}"
    assert re.search(r"[.!?]$|`\.$", text.strip()), f"no sentence: {message}"
    assert len(text.split()) >= 8, f"hardly a sentence: {message}"
    raised = error.__traceback__
    while raised is not None and raised.tb_next is not None:
        raised = raised.tb_next
    assert raised is not None
    home = raised.tb_frame.f_globals.get("__name__", "")
    assert home.startswith(("seqcnn", "sklearn")), f"raised in {home}: {message}"


CASES = st.tuples(estimators(), inputs(), st.data())


def try_case(case: tuple[Any, Any, Any]) -> str:
    estimator, X, data = case
    n = len(X) if hasattr(X, "__len__") else 4
    if isinstance(X, pd.DataFrame) and X.index.nlevels == 2:
        n = len(X.index.unique(0))
    return try_to_use(estimator, X, data.draw(targets(n)))


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]


@settings(deadline=None, max_examples=80, suppress_health_check=QUIET)
@given(case=CASES)
def test_any_input_is_fitted_or_refused_in_full_sentences(case: tuple[Any, Any, Any]) -> None:
    try_case(case)


@pytest.mark.slow
@settings(deadline=None, max_examples=1500, suppress_health_check=QUIET)
@given(case=CASES)
def test_thousands_of_inputs_are_fitted_or_refused_in_full_sentences(case: tuple[Any, Any, Any]) -> None:
    try_case(case)


if __name__ == "__main__":
    outcomes: dict[str, int] = {}

    @settings(deadline=None, max_examples=int(sys.argv[1]), suppress_health_check=QUIET, database=None)
    @given(case=CASES)
    def run(case: tuple[Any, Any, Any]) -> None:
        outcome = try_case(case)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    run()
    print(outcomes)
