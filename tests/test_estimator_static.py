"""Number columns beside the series, texts and recordings of a DataFrame: they are learnt from, by name, raw to raw."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from core_helpers import series
from estimator_helpers import ESTIMATORS, RATE, SOUNDS, TEXTS, WORDS, assert_same_weights, message_of, outputs_of, quick
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.batches import WindowStore
from seqcnn.datasets import make_shapes_in_noise, write_wav_folder
from seqcnn.inputs import InputContract, Records, read_for_fit, read_for_predict
from seqcnn.static_scaler import StaticScaler
from seqcnn.windows import cut_windows


def patients(n: int, seed: int) -> tuple[pd.DataFrame, Any, Any]:
    """A frame of signals, ages and a flag that says nothing; which signal has the first shape, and who is old."""
    generator = np.random.default_rng(seed)
    signals, shapes = make_shapes_in_noise(n, n_classes=2, length=40, noise=0.1, random_state=seed)
    old = generator.integers(0, 2, n).astype(bool)
    age = np.where(old, generator.integers(60, 90, n), generator.integers(20, 50, n))
    flag = pd.array(generator.random(n) > 0.5, dtype="boolean")
    return pd.DataFrame({"age": age, "signal": list(signals), "flag": flag}), shapes == np.unique(shapes)[0], old


FRAME, SHAPE, OLD = patients(60, 0)
NEW, NEW_SHAPE, NEW_OLD = patients(60, 1)
FAST: dict[str, Any] = {"encoder__width": 24, "learning_rate": 0.02, "batch_size": 15, "max_epochs": 15}


def options(encoder: str) -> dict[str, Any]:
    return FAST if encoder == "fcn" else {"encoder": encoder}


@pytest.mark.parametrize("encoder", ["fcn", "minirocket", "hydra"])
def test_a_label_that_hangs_on_the_number_alone_is_learnt(encoder: str) -> None:
    with_age = quick(**options(encoder)).fit(FRAME, OLD)
    without = quick(**options(encoder)).fit(FRAME[["signal"]], OLD)
    assert with_age.score(NEW, NEW_OLD) > 0.95
    assert without.score(NEW[["signal"]], NEW_OLD) < 0.75


# Four classes are hard for a ridge regression of thousands of features that adds up what it knows of both.
@pytest.mark.parametrize(("encoder", "accuracy"), [("fcn", 0.9), ("hydra", 0.85), ("minirocket", 0.68)])
def test_a_label_that_needs_the_series_and_the_number_is_learnt(encoder: str, accuracy: float) -> None:
    fitted = quick(**options(encoder)).fit(FRAME, 2 * SHAPE + OLD)
    truth = 2 * NEW_SHAPE + NEW_OLD
    assert fitted.score(NEW, truth) > accuracy
    assert quick(**options(encoder)).fit(FRAME[["signal"]], 2 * SHAPE + OLD).score(NEW[["signal"]], truth) < 0.6
    # Neither part is a copy of the other: changed alone, each changes the answer.
    other_age = NEW.assign(age=NEW["age"].to_numpy()[::-1])
    other_signal = NEW.assign(signal=NEW["signal"].tolist()[::-1])
    for other in (other_age, other_signal):
        assert fitted.score(other, truth) < 0.6


@pytest.mark.parametrize("encoder", ["fcn", "minirocket"])
def test_a_target_that_hangs_on_the_number_is_learnt(encoder: str) -> None:
    y = 3.0 * FRAME["age"] - 7.0
    regressor = quick(SeqCNNRegressor, **options(encoder)).fit(FRAME, y)
    assert regressor.score(NEW, 3.0 * NEW["age"] - 7.0) > 0.9


def test_an_embedder_appends_the_numbers_under_their_names() -> None:
    embedder = quick(SeqCNNEmbedder).fit(FRAME)
    assert embedder.transform(NEW).shape == (60, 10)
    frame = embedder.set_output(transform="pandas").transform(NEW)
    assert list(frame.columns) == [*(f"seqcnnembedder{column}" for column in range(8)), "age", "flag"]
    expected = (NEW["age"] - FRAME["age"].mean()) / FRAME["age"].std(ddof=0)
    np.testing.assert_allclose(frame["age"], expected, rtol=1e-5)
    alone = quick(SeqCNNEmbedder).fit(FRAME[["signal"]]).transform(NEW[["signal"]])
    np.testing.assert_allclose(frame.to_numpy()[:, :8], alone, rtol=1e-5)
    assert quick(SeqCNNEmbedder, "minirocket").fit(FRAME).transform(NEW).shape[1] > 1000


def test_columns_are_known_by_name_in_any_order() -> None:
    for kind in ESTIMATORS:
        fitted = quick(kind).fit(FRAME, SHAPE.astype(float))
        expected = outputs_of(fitted, NEW)
        np.testing.assert_array_equal(outputs_of(fitted, NEW[["flag", "signal", "age"]]), expected)
        assert fitted.feature_names_in_.tolist() == ["age", "signal", "flag"]
        assert fitted.n_features_in_ == 3
        contract = fitted.model_.contract
        assert contract.static_columns == ("age", "flag")
        assert InputContract.from_dict(contract.to_dict()) == contract


def test_types_of_numbers_make_no_difference() -> None:
    plain = quick().fit(FRAME.astype({"flag": float, "age": float}), SHAPE).predict_proba(NEW)
    for types in ({"age": "Int64"}, {"age": "Float64"}, {"flag": bool}, {"age": object}, {"age": "int64[pyarrow]"}):
        if "pyarrow" in str(types):
            pytest.importorskip("pyarrow")
        np.testing.assert_array_equal(quick().fit(FRAME.astype(types), SHAPE).predict_proba(NEW.astype(types)), plain)


def test_units_and_levels_of_the_numbers_make_no_difference() -> None:
    plain = quick().fit(FRAME, SHAPE).predict_proba(NEW)
    seconds = [frame.assign(age=1.7e9 + 1e-3 * frame["age"]) for frame in (FRAME, NEW)]
    np.testing.assert_allclose(quick().fit(seconds[0], SHAPE).predict_proba(seconds[1]), plain, atol=1e-3)


def test_text_and_audio_take_numbers_beside_them(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    score = generator.normal(size=24)
    texts = pd.DataFrame({"text": TEXTS, "score": score})
    fitted = quick(encoder="zhang-small", max_epochs=1).fit(texts, score > 0)
    assert fitted.model_.contract.kind == "text"
    assert fitted.predict(texts).shape == (24,)
    pytest.importorskip("soundfile")
    paths = write_wav_folder(tmp_path, SOUNDS, WORDS, sample_rate=RATE)
    for column in (paths, [str(path) for path in paths], [(sound, RATE) for sound in SOUNDS]):
        frame = pd.DataFrame({"sound": pd.Series(column, dtype=object), "score": score[:12]})
        fitted = quick(encoder="m3", max_epochs=1).fit(frame, WORDS)
        assert fitted.model_.contract.kind == "audio"
        assert fitted.model_.contract.static_columns == ("score",)
        assert fitted.predict_proba(frame[["score", "sound"]]).shape == (12, 2)


def test_records_of_unequal_lengths_and_windows_keep_their_numbers() -> None:
    generator = np.random.default_rng(0)
    signals = [generator.normal(size=generator.integers(30, 90)) for _ in range(60)]
    ragged = FRAME.assign(signal=signals)
    classifier = quick(window_length=20, hop_length=10, **FAST).fit(ragged, OLD)
    windows = classifier.predict_windows(ragged)
    answers = windows[True].to_numpy() > 0.5
    assert (answers == OLD[windows["record"]]).mean() > 0.95
    assert len(windows) > 3 * 60
    np.testing.assert_allclose(windows.groupby("record")[True].mean(), classifier.predict_proba(ragged)[:, 1])


def test_a_batch_holds_the_numbers_of_its_windows_records() -> None:
    records = series([10, 6, 8])
    static = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 1e9 + 0.001]])
    records = Records("series", records.values, static=static)
    table = cut_windows(records.lengths, 4, 2)
    batch = WindowStore(records, table).batch(np.arange(len(table))[::-1].copy())
    assert batch.static is not None
    np.testing.assert_array_equal(batch.static.numpy(), static[table.record[::-1]])
    np.testing.assert_array_equal(records.take(np.array([2, 0])).static, static[[2, 0]])


def test_validation_search_and_pickling_work_as_ever() -> None:
    classifier = quick(**FAST).fit(FRAME, OLD, X_val=NEW[["signal", "flag", "age"]], y_val=NEW_OLD)
    assert classifier.history_["validation_score"].max() > 0.9
    held = quick(**FAST, early_stopping=True, validation_fraction=0.25).fit(FRAME, OLD)
    assert held.history_["validation_score"].max() > 0.9
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(NEW), classifier.predict_proba(NEW))
    first = quick().fit(FRAME, OLD)
    assert_same_weights(clone(first).fit(FRAME, OLD), first)
    assert cross_val_score(quick(**FAST), FRAME, OLD, cv=2).mean() > 0.8
    search = GridSearchCV(quick(**FAST), {"encoder__width": [4, 8]}, cv=2).fit(FRAME, OLD)
    assert search.predict(NEW[["signal", "flag", "age"]]).shape == (60,)


def test_statistics_are_those_of_the_training_records_and_their_weights() -> None:
    weights = np.where(np.arange(60) < 40, 1.0, 0.0)
    weights[:10] = 3.0
    static = quick().fit(FRAME, SHAPE, sample_weight=weights).network_.static
    age = FRAME["age"].to_numpy()
    mean = np.average(age, weights=weights)
    assert static.mean[0].item() == pytest.approx(mean)
    assert static.deviation[0].item() == pytest.approx(np.sqrt(np.average((age - mean) ** 2, weights=weights)))
    assert static.mean.dtype == torch.float64


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)), st.integers(1, 3)), min_size=1, max_size=12
    )
)
def test_a_scaler_counts_weights_and_skips_what_is_missing(rows: list[tuple[float, int]]) -> None:
    values, weights = np.array([value for value, _ in rows]), np.array([weight for _, weight in rows], dtype=float)
    scaler = StaticScaler(1)
    scaler.learn(values[:, None], weights)
    repeated = np.repeat(values, weights.astype(int))
    there = repeated[~np.isnan(repeated)]
    scaled = scaler(torch.from_numpy(repeated)[:, None]).numpy()[:, 0]
    assert np.isfinite(scaled).all()
    assert (scaled[np.isnan(repeated)] == 0).all()
    if len(there):
        assert scaler.mean.item() == pytest.approx(there.mean(), abs=1e-6)
        deviation = there.std()
        # What never changes is only centred.
        if deviation > 1e-9 * max(1.0, abs(there.mean())):
            assert scaled[~np.isnan(repeated)].std() == pytest.approx(1.0, rel=1e-6)
        elif len(set(there.tolist())) == 1:
            np.testing.assert_allclose(scaled, 0.0, atol=1e-6)


def test_a_column_that_never_changes_is_only_centred() -> None:
    frame = FRAME.assign(age=45)
    fitted = quick().fit(frame, SHAPE)
    assert fitted.network_.static.deviation[0].item() == 1.0
    assert np.isfinite(fitted.predict_proba(NEW)).all()


@pytest.mark.parametrize("encoder", ["fcn", "minirocket"])
def test_a_number_that_is_missing_is_the_columns_mean_where_that_is_allowed(encoder: str) -> None:
    gaps = FRAME.assign(age=FRAME["age"].astype("Int64"))
    gaps.loc[[2, 5], "age"] = pd.NA
    fitted = quick(missing="interpolate", **options(encoder)).fit(gaps, OLD)
    gone = NEW.assign(age=np.nan)
    mean = NEW.assign(age=gaps["age"].mean())
    np.testing.assert_allclose(fitted.predict_proba(gone), fitted.predict_proba(mean), rtol=1e-6)


def test_a_number_that_is_missing_is_named_where_it_is_not_allowed() -> None:
    gaps = FRAME.assign(age=FRAME["age"].astype("Int64"), weight=1.0)
    gaps.loc[[2, 5], "age"] = pd.NA
    gaps.loc[7, "weight"] = np.inf
    expected = (
        "Input X contains NaN in columns of numbers: 'age' in X[2] and X[5]. Pass missing='interpolate' to "
        "SeqCNNClassifier to take the column's mean there, or fill in or drop these values. Input X contains infinity "
        "in columns of numbers: 'weight' in X[7]. Replace or rescale these values."
    )
    assert message_of(ValueError, quick().fit, gaps, OLD) == expected
    fitted = quick().fit(FRAME.assign(weight=1.0), OLD)
    assert message_of(ValueError, fitted.predict, gaps) == expected
    assert message_of(ValueError, quick(missing="interpolate").fit, FRAME.assign(age=np.nan), OLD) == (
        "A number column of X must hold a number somewhere, so that SeqCNNClassifier can take its mean where there is "
        "none. Received: nothing but NaN in 'age'. Drop these columns."
    )


ENCODE = (
    "Drop these columns, or turn them into numbers first: categories by OneHotEncoder within a ColumnTransformer(..., "
    "remainder='passthrough').set_output(transform='pandas'), times by their differences."
)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (["f", "m"] * 30, "strings"),
        (pd.Categorical(["f", "m"] * 30), "categories"),
        (pd.Categorical([1, 2] * 30), "categories"),
        (pd.date_range("2020", periods=60), "dates or times"),
        ([1 + 2j] * 60, "complex numbers"),
        ([1, "a"] * 30, "values of several kinds"),
        ([{}] * 60, "something else"),
    ],
)
@pytest.mark.parametrize("with_numbers", [True, False])
def test_what_is_no_number_is_to_be_encoded(column: Any, words: str, with_numbers: bool) -> None:
    frame = (FRAME if with_numbers else FRAME[["signal"]]).assign(sex=column)
    assert message_of(TypeError, quick().fit, frame, OLD) == (
        f"Beside arrays in 'signal', SeqCNNClassifier reads columns of numbers only. Received: {words} in 'sex'. "
        f"{ENCODE}"
    )


def test_the_way_that_the_error_names_works() -> None:
    frame = FRAME.assign(sex=np.where(OLD, "f", "m"))
    encode = ColumnTransformer(
        [("sex", OneHotEncoder(sparse_output=False), ["sex"]), ("age", StandardScaler(), ["age"])],
        remainder="passthrough",
    ).set_output(transform="pandas")
    pipeline = make_pipeline(encode, quick(**FAST)).fit(frame, OLD)
    assert pipeline[-1].model_.contract.static_columns == ("sex__sex_f", "sex__sex_m", "age__age", "remainder__flag")
    assert pipeline.score(frame, OLD) > 0.95


def test_several_columns_of_strings_are_one_too_many() -> None:
    frame = pd.DataFrame({"title": TEXTS, "body": TEXTS, "score": np.arange(24.0)})
    assert message_of(ValueError, quick().fit, frame, OLD[:24]) == (
        "Beside columns of numbers, SeqCNNClassifier reads one column of strings. Received: 'title' and 'body'. Join "
        "texts to one column; turn categories into numbers first, by OneHotEncoder within a ColumnTransformer(..., "
        "remainder='passthrough').set_output(transform='pandas'); drop the rest."
    )


def test_a_column_of_labels_left_in_a_table_is_no_text() -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(24, 10))).rename(columns=str)
    labelled = table.assign(label=["up", "down"] * 12)
    start = "The column 'label' of X does not look like texts, which SeqCNNClassifier would read beside 10 columns of "
    assert message_of(ValueError, quick().fit, labelled, OLD[:24]) == (
        f"{start}numbers. Received: 2 distinct strings in 24 rows, such as 'up'. Pass input='text' if these are texts; "
        "else drop the column if it holds the labels, or turn it into numbers by OneHotEncoder if it is a category."
    )
    unparsed = table.assign(label=[f"{number}.5" for number in range(23)] + ["n/a"])
    assert message_of(ValueError, quick().fit, unparsed, OLD[:24]) == (
        f"{start}numbers. Received: strings that are numbers, such as '0.5'. Pass input='text' if these are texts; "
        "else turn them into numbers, pd.to_numeric(X['label'], errors='coerce')."
    )
    said = quick(encoder="zhang-small", max_epochs=1, input="text").fit(labelled, OLD[:24])
    assert said.model_.contract.kind == "text"
    assert len(said.model_.contract.static_columns) == 10


def test_frames_of_numbers_alone_stay_series() -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(24, 40))).rename(columns=str)
    for frame in (table, table.astype(object), table.assign(flag=True), table.astype("Float64")):
        contract = quick().fit(frame, OLD[:24]).model_.contract
        assert contract.static_columns == ()
        assert contract.n_timepoints == frame.shape[1]


def test_columns_that_differ_from_those_fitted_are_named() -> None:
    _, contract = read_for_fit(FRAME, caller="SeqCNNClassifier")
    take = lambda X: message_of(ValueError, read_for_predict, X, contract, caller="SeqCNNClassifier")  # noqa: E731
    columns = "Pass a DataFrame with the columns 'signal', 'age' and 'flag'."
    assert take(FRAME.drop(columns="age").assign(weight=1)) == (
        "X must have the columns that SeqCNNClassifier was fitted on, in any order. Received: 'age' is missing and "
        f"'weight' is new. {columns}"
    )
    assert take(FRAME["signal"].tolist()) == (
        "SeqCNNClassifier was fitted on a DataFrame with the number columns 'age' and 'flag', but X is of type list. "
        f"{columns}"
    )
    assert take(pd.concat([FRAME, FRAME[["age"]]], axis=1)) == (
        "SeqCNNClassifier knows the columns of X by name, and each needs one of its own. Received: 'age' more than "
        "once. Rename these columns."
    )
    assert message_of(TypeError, read_for_predict, FRAME.assign(age="old"), contract, caller="SeqCNNClassifier") == (
        "SeqCNNClassifier was fitted on numbers in these columns of X. Received: strings in 'age'. Pass numbers there."
    )
    _, bare = read_for_fit(FRAME[["signal"]], caller="SeqCNNClassifier")
    assert message_of(ValueError, read_for_predict, FRAME, bare, caller="SeqCNNClassifier") == (
        "SeqCNNClassifier was fitted without number columns, but X has 'age' and 'flag'. Drop them, or fit "
        "SeqCNNClassifier again."
    )


def test_frames_of_polars_are_split_alike() -> None:
    polars = pytest.importorskip("polars")
    from seqcnn.inputs.static import split_for_fit

    frame = polars.DataFrame({"age": [31, None], "text": ["a b c", "d e f"], "flag": [True, False]})
    split = split_for_fit(frame, kind="auto", missing="interpolate", caller="SeqCNNClassifier")
    assert split.static_columns == ("age", "flag")
    assert split.record_columns == ("text",)
    np.testing.assert_array_equal(split.static, [[31.0, 1.0], [np.nan, 0.0]])
    arrays = polars.DataFrame({"signal": [[1.0, 2.0], [3.0]], "sex": ["f", "m"]})
    with pytest.raises(TypeError, match=r"^Beside arrays in 'signal', .* Received: strings in 'sex'\."):
        split_for_fit(arrays, kind="auto", missing="error", caller="SeqCNNClassifier")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_column_of_strings_without_any_string_is_refused(library: str) -> None:
    module = pytest.importorskip(library)
    texts = module.Series([None, None], dtype="string" if library == "pandas" else module.String)
    frame = module.DataFrame({"age": [31.0, 64.0], "note": texts})
    assert message_of(ValueError, read_for_fit, frame, caller="SeqCNNClassifier") == (
        "The column 'note' of X does not look like texts, which SeqCNNClassifier would read beside 1 column of "
        "numbers. Received: nothing but missing values. Pass input='text' if these are texts; else drop the column."
    )


def test_a_column_that_holds_more_than_arrays_is_refused_beside_numbers() -> None:
    signals = pd.Series([np.zeros(3), "gone", np.ones(3)], dtype=object)
    frame = pd.DataFrame({"age": [31, 64, 50], "signal": signals})
    assert message_of(ValueError, read_for_fit, frame, caller="SeqCNNClassifier") == (
        "SeqCNNClassifier reads columns of arrays beside columns of numbers, each of one kind. Received: values of "
        "several kinds in column 'signal'. Drop or repair the records that differ."
    )


def test_a_network_that_reads_numbers_asks_for_them() -> None:
    network = quick().fit(FRAME, OLD).network_
    x = torch.zeros(2, 1, 40)
    assert network(x, static=torch.zeros(2, 2)).shape == (2, 2)
    assert message_of(TypeError, network, x) == (
        "This network also reads numbers beside each record. Received: none. Pass static=, a tensor of shape (batch, "
        "2)."
    )


@pytest.mark.slow
def test_a_network_that_reads_numbers_can_be_exported(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    classifier: SeqCNNClassifier = quick(missing="interpolate", **FAST).fit(FRAME, OLD)
    dynamic = torch.export.Dim.DYNAMIC
    signals = np.stack(NEW["signal"].tolist()).astype(np.float32)[:, None]
    static = NEW[["age", "flag"]].to_numpy(dtype=np.float64)
    static[3, 0] = np.nan
    program = torch.onnx.export(
        classifier.network_.eval(),
        (torch.from_numpy(signals[:4]),),
        kwargs={"static": torch.from_numpy(static[:4])},
        dynamo=True,
        dynamic_shapes={"x": {0: dynamic, 2: dynamic}, "static": {0: dynamic}},
    )
    program.save(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    names = [place.name for place in session.get_inputs()]
    scores = session.run(None, dict(zip(names, (signals, static), strict=True)))[0]
    frame = NEW.assign(age=static[:, 0])
    np.testing.assert_allclose(
        torch.from_numpy(scores).double().softmax(1).numpy(), classifier.predict_proba(frame), atol=1e-5
    )
