"""Every form of X that a user may have: the same numbers give the same records, and what cannot be read is named."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import seqcnn
from seqcnn.inputs import count_cases, read_for_fit, read_for_predict

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

ME = "SeqCNNClassifier"
TABLE = np.arange(12.0).reshape(4, 3)
CUBE = np.arange(24.0).reshape(2, 3, 4)
ROWS = [row[np.newaxis] for row in TABLE]
RAGGED = [np.array([[1.0, 2.0]]), np.array([[3.0]])]
CHANNELS = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0], [6.0]])]
LISTS = pd.ArrowDtype(pa.list_(pa.float64()))


def read(X: Any, **parameters: Any) -> list[np.ndarray]:
    return read_for_fit(X, caller=ME, **parameters)[0].values


def message_of(error: type[Exception], X: Any, call: Callable[..., Any] = read_for_fit, **parameters: Any) -> str:
    with pytest.raises(error) as caught:
        call(X, caller=ME, **parameters)
    assert type(caught.value) is error
    return str(caught.value)


def assert_same(X: Any, expected: list[np.ndarray], **parameters: Any) -> None:
    values = read(X, **parameters)
    assert count_cases(X, caller=ME) == len(values) == len(expected)
    for value, other in zip(values, expected, strict=True):
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, other)


def objects(items: list[Any]) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


# --- polars


@pytest.mark.parametrize(
    "X",
    [
        pl.DataFrame(TABLE, schema=["a", "b", "c"]),
        pl.DataFrame(TABLE.astype(int), schema=["a", "b", "c"]),
        pl.DataFrame(TABLE, schema=["a", "b", "c"]).cast(pl.Decimal(10, 2)),
        pl.DataFrame({name: objects(list(column)) for name, column in zip("abc", TABLE.T, strict=True)}),
    ],
    ids=["floats", "integers", "decimals", "objects"],
)
def test_a_polars_frame_of_numbers_has_a_row_a_case(X: Any) -> None:
    assert_same(X, ROWS)
    assert read_for_fit(X, caller=ME)[1].n_timepoints == 3


def test_what_is_null_in_polars_is_missing() -> None:
    X = pl.DataFrame({"a": [1, None], "b": [2, 3], "c": [None, None], "d": [True, False]})
    assert_same(X, [np.array([[1, 2, np.nan, 1]]), np.array([[np.nan, 3, np.nan, 0]])], missing="mask")
    assert_same(pl.Series([[1.0, None], [3.0]]), [np.array([[1, np.nan]]), np.array([[3]])], missing="mask")


@pytest.mark.parametrize("wrap", [pl.Series, lambda items: pl.DataFrame({"x": items})], ids=["series", "frame"])
def test_a_polars_column_of_arrays_has_a_cell_a_case(wrap: Callable[..., Any]) -> None:
    assert_same(wrap([[1.0, 2.0], [3.0]]), RAGGED)
    assert_same(wrap([[[1, 2], [3, 4]], [[5], [6]]]), CHANNELS)
    assert_same(wrap(pl.Series("x", TABLE)), ROWS)
    assert_same(wrap(pl.Series("x", CUBE)), list(CUBE))
    assert_same(wrap(pl.Series("x", [TABLE[0], TABLE[1]], dtype=pl.Object)), ROWS[:2])


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["in", "on it"])])
def test_polars_strings_are_text(dtype: Any) -> None:
    for X in (pl.Series(["in", "on it"], dtype=dtype), pl.DataFrame({"text": ["in", "on it"]}, schema={"text": dtype})):
        assert count_cases(X, caller=ME) == 2
        assert read_for_fit(X, caller=ME)[0].kind == "text"
        assert read_for_fit(X, caller=ME)[0].lengths.tolist() == [2, 5]


def test_polars_paths_are_audio(tmp_path: Path) -> None:
    paths = seqcnn.datasets.write_wav_folder(tmp_path, [np.linspace(-0.1, 0.1, 80)] * 2, ["a", "b"], sample_rate=8000)
    for X in (pl.Series(map(str, paths)), pl.DataFrame({"path": [str(path) for path in paths]})):
        records, contract = read_for_fit(X, caller=ME)
        assert (records.kind, records.lengths.tolist(), contract.sample_rate) == ("audio", [80, 80], 8000)


def test_a_lazy_frame_is_to_be_collected() -> None:
    X = pl.DataFrame(TABLE).lazy()
    for call in (count_cases, read_for_fit):
        assert message_of(TypeError, X, call) == (
            "SeqCNNClassifier reads data that are there, but X is a polars LazyFrame, a query that has not been run. "
            "Pass X.collect()."
        )


def test_polars_columns_that_are_no_numbers_are_named() -> None:
    X = pl.DataFrame({"a": [1], "when": ["2020-01-01"]}).with_columns(pl.col("when").str.to_date())
    assert message_of(ValueError, X) == (
        "SeqCNNClassifier reads the columns of a DataFrame as time steps, which must be numbers. Received: column "
        "'when' (Date). Drop these columns, or pass one of them alone, as X[name], if it holds the texts or paths."
    )


@pytest.mark.parametrize(("X", "shown"), [(["a", None], "None"), ([[1.0], None], "None")])
def test_a_missing_polars_record_is_named(X: Any, shown: str) -> None:
    assert f"Every item of X must be a record. Received: X[1] is {shown}." in message_of(ValueError, pl.Series(X))
    assert "Received: 1 empty record, X[1]." in message_of(ValueError, pl.Series([[1.0], []]))


def test_neither_polars_nor_pyarrow_nor_pandas_is_loaded_to_read_arrays() -> None:
    code = (
        "import sys, numpy as np; from seqcnn.inputs import read_for_fit; read_for_fit(np.eye(3), caller='A');"
        "print([m for m in ('polars', 'pyarrow', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_of_columns_count_whichever_library_holds_them() -> None:
    X = pl.DataFrame(np.random.default_rng(0).normal(size=(12, 20)), schema=[f"t{step}" for step in range(20)])
    fitted = seqcnn.SeqCNNClassifier("fcn", max_epochs=1, random_state=0).fit(X, [0, 1] * 6)
    assert fitted.feature_names_in_.tolist() == X.columns
    as_pandas = pd.DataFrame(X.to_numpy(), columns=X.columns)
    np.testing.assert_array_equal(fitted.predict_proba(X), fitted.predict_proba(as_pandas))
    with pytest.raises(ValueError, match=r"^The feature names should match those that were passed during fit"):
        fitted.predict(X.rename({"t0": "zero"}))


# --- frames of pandas


def test_columns_of_arrays_are_channels() -> None:
    series = {"x": [pd.Series([1, 2]), pd.Series([5])], "y": [pd.Series([3, 4]), pd.Series([6])]}
    arrays = {name: [cell.to_numpy() for cell in cells] for name, cells in series.items()}
    lists = {name: [cell.tolist() for cell in cells] for name, cells in series.items()}
    assert_same(pd.DataFrame(series), CHANNELS)
    assert_same(pd.DataFrame(arrays), CHANNELS)
    assert_same(pd.DataFrame(lists), CHANNELS)
    assert_same(pd.DataFrame(lists).astype(LISTS), CHANNELS)
    assert_same(pl.DataFrame(lists), CHANNELS)
    assert_same(pd.DataFrame(series).to_numpy(), CHANNELS)
    assert_same(pd.DataFrame({"x": series["x"]}), [channels[:1] for channels in CHANNELS])


def test_channels_of_unequal_lengths_within_a_record_are_named() -> None:
    X = pd.DataFrame({"x": [np.zeros(2), np.zeros(3)], "y": [np.zeros(2), np.zeros(4)], "z": [np.zeros(2)] * 2})
    assert message_of(ValueError, X) == (
        "The channels of a record must have equally many time steps. Received: X[1] has 3 in 'x', 4 in 'y' and 2 in "
        "'z'. Bring them to one length, with NaN where a value is missing, before passing X to SeqCNNClassifier."
    )
    X = pd.DataFrame({"x": [np.zeros(2), None], "y": [np.zeros((1, 2)), np.zeros(2)]})
    assert message_of(ValueError, X) == (
        "SeqCNNClassifier reads several columns of arrays as channels, one array (time,) in each cell. Received: "
        "column 'x' has nothing in X[1] and column 'y' has shape (1, 2) in X[0]. Drop or repair these records, or pass "
        "one column of (channels, time) arrays."
    )


def test_numbers_beside_arrays_are_told_apart() -> None:
    for X in (
        pd.DataFrame({"age": [1, 2], "x": [np.zeros(2), np.zeros(2)], "weight": [1.0, 2.0]}),
        pl.DataFrame({"age": [1, 2], "x": [[0, 0], [0, 0]], "weight": [1.0, 2.0]}),
    ):
        records, _ = read_for_fit(X, caller="SeqCNNClassifier")
        assert records.static.tolist() == [[1.0, 1.0], [2.0, 2.0]]
        assert [record.shape for record in records.values] == [(1, 2), (1, 2)]


def test_an_object_table_without_columns_is_refused_as_any_other() -> None:
    assert message_of(ValueError, np.empty((3, 0), object)) == message_of(ValueError, np.empty((3, 0)))


@pytest.mark.parametrize("dtype", ["Float64", "double[pyarrow]", "Int64", "int32[pyarrow]", object])
def test_a_table_of_any_numeric_dtype_is_read(dtype: Any) -> None:
    X = pd.DataFrame(TABLE, columns=list("abc")).astype(dtype)
    assert_same(X, ROWS)
    X.iloc[1, 2] = pd.NA
    assert np.isnan(read(X, missing="mask")[1]).tolist() == [[False, False, True]]


@pytest.mark.parametrize("dtype", ["string[pyarrow]", pd.ArrowDtype(pa.string()), "category", "str", object])
def test_strings_of_any_dtype_are_text(dtype: Any) -> None:
    X = pd.Series(["in", "on it"], dtype=dtype)
    assert read_for_fit(X, caller=ME)[0].lengths.tolist() == [2, 5]
    assert read_for_fit(X.to_frame("text"), caller=ME)[0].lengths.tolist() == [2, 5]


def test_lists_that_arrow_stores_are_records() -> None:
    assert_same(pd.Series([[1.0, 2.0], [3.0]], dtype=LISTS), RAGGED)
    assert_same(pd.DataFrame({"x": pd.Series([[1.0, 2.0], [3.0]], dtype=LISTS)}), RAGGED)
    nested = pd.ArrowDtype(pa.list_(pa.list_(pa.int64())))
    assert_same(pd.DataFrame({"x": pd.Series([[[1, 2], [3, 4]], [[5], [6]]], dtype=nested)}), CHANNELS)
    X = pd.DataFrame({"x": pd.Series([[1.0, None], None], dtype=LISTS)})
    assert "Received: X[1] is None." in message_of(ValueError, X)


def test_columns_of_several_levels_are_refused() -> None:
    X = pd.DataFrame({"x": range(4)}, index=pd.MultiIndex.from_product([[0, 1], [0, 1]])).unstack()
    assert message_of(ValueError, X) == (
        "SeqCNNClassifier reads the columns of a DataFrame as time steps, but those of X have 2 levels. Pass "
        "X.to_numpy() if they are the time steps of one channel, or a long frame, whose index is (case, time) and "
        "whose columns are channels: X.stack() makes one if the last level is time."
    )
    assert len(read(X.stack())) == 2


# --- long frames


def long_frame(pairs: list[tuple[Any, Any]], names: str = "x") -> pd.DataFrame:
    values = {name: np.arange(len(pairs)) + 10 * place for place, name in enumerate(names)}
    return pd.DataFrame(values, index=pd.MultiIndex.from_tuples(pairs, names=["case", "time"]))


def test_a_long_frame_has_a_case_an_entry_of_y() -> None:
    X = long_frame([("b", 1), ("a", 0), ("b", 0), ("a", 7), ("b", 3)], "xy")
    assert_same(X, [np.array([[2, 0, 4], [12, 10, 14]]), np.array([[1, 3], [11, 13]])])
    assert read_for_fit(X, caller=ME)[1].n_channels == 2
    assert_same(X.astype("Float64"), read(X))
    assert_same(X["x"], [channels[:1] for channels in read(X)])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("zyxw"), st.integers(-5, 5)), min_size=1, max_size=20, unique=True))
def test_any_order_of_a_long_frames_lines_gives_cases_as_they_appear_and_times_sorted(pairs: list[Any]) -> None:
    lines: dict[str, dict[int, int]] = {}
    for line, (case, time) in enumerate(pairs):
        lines.setdefault(case, {})[time] = line
    expected = [np.array([[steps[time] for time in sorted(steps)]]) for steps in lines.values()]
    X = long_frame(pairs)
    assert_same(X, expected)
    # An index whose levels are in another order than their values, and hold names that no line has.
    codes = [[list("wxyzv").index(case) for case, _ in pairs], [5 - time for _, time in pairs]]
    assert_same(X.set_axis(pd.MultiIndex([list("wxyzv"), range(5, -6, -1)], codes)), expected)


def test_times_of_a_long_frame_may_be_dates() -> None:
    days = pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-05"])
    X = pd.DataFrame({"x": [1, 2, 3]}, index=pd.MultiIndex.from_arrays([[7, 7, 7], days]))
    assert_same(X, [np.array([[2, 1, 3]])])


def test_two_lines_for_one_case_and_time_are_named() -> None:
    X = long_frame([("b", 1), ("b", 0), ("a", 0), ("b", 1), ("a", 0), ("a", 0)])
    assert message_of(ValueError, X) == (
        "A long frame holds one line for each case and time. Received: several lines for ('b', 1) and ('a', 0). Keep "
        "one of each, for example X.groupby(level=[0, 1], sort=False).mean(), before passing X to SeqCNNClassifier."
    )
    assert len(read(X.groupby(level=[0, 1], sort=False).mean())) == 2


def test_what_a_long_frame_lacks_is_named() -> None:
    assert message_of(ValueError, long_frame([("a", 0), ("a", np.nan), (None, 2)])) == (
        "Every line of a long frame must tell its case and its time. Received: no case in line 2. Drop these lines "
        "before passing X to SeqCNNClassifier."
    )
    X = long_frame([("a", 0), ("a", 1)], "xy")
    assert message_of(ValueError, X.assign(y=["u", "v"])) == (
        "SeqCNNClassifier reads the columns of a long frame, whose index is (case, time), as channels, which must be "
        f"numbers. Received: column 'y' ({pd.Series(['u']).dtype}). Drop these columns, or X.reset_index(drop=True) if "
        "each row is a record."
    )
    assert message_of(ValueError, X[[]]) == (
        "SeqCNNClassifier reads the columns of a long frame as channels, but X has none. Pass at least one."
    )
    assert "X is empty: found 0 sample(s)" in message_of(ValueError, X.iloc[:0])


def test_a_long_frame_of_three_levels_is_told_how_to_join_them() -> None:
    index = pd.MultiIndex.from_product([["u", "v"], [0, 1], [0, 1, 2]], names=["site", "day", "hour"])
    X = pd.DataFrame({"x": range(12)}, index=index)
    assert message_of(ValueError, X) == (
        "SeqCNNClassifier reads long frames with two index levels, (case, time), but the index of X has 3: 'site', "
        "'day' and 'hour'. Join those that name the case into one, for example "
        "X.set_axis(pd.MultiIndex.from_tuples([(row[:-1], row[-1]) for row in X.index]))."
    )
    joined = X.set_axis(pd.MultiIndex.from_tuples([(row[:-1], row[-1]) for row in X.index]))
    assert_same(joined, [np.arange(3 * case, 3 * case + 3)[np.newaxis] for case in range(4)])


def test_estimators_take_a_target_a_weight_and_a_group_for_each_case_of_a_long_frame() -> None:
    rng = np.random.default_rng(0)
    lengths = [12, 9, 15, 12, 11, 14]
    pairs = [(f"case {case}", step) for case, length in enumerate(lengths) for step in range(length)]
    X = long_frame(pairs, "xy") * 1.0
    X[:] = rng.normal(size=X.shape)
    arrays = [case.to_numpy().T for _, case in X.groupby(level=0)]
    y, settings_ = [0, 1, 0, 1, 0, 1], {"max_epochs": 2, "random_state": 0, "early_stopping": False}
    more = {"sample_weight": [1, 2, 1, 1, 0, 1], "groups": list("aabbcc")}
    long = seqcnn.SeqCNNClassifier("fcn", **settings_).fit(X, y, **more)
    listed = seqcnn.SeqCNNClassifier("fcn", **settings_).fit(arrays, y, **more)
    np.testing.assert_array_equal(long.predict_proba(X), listed.predict_proba(arrays))
    assert long.n_features_in_ == 2
    assert long.feature_names_in_.tolist() == ["x", "y"]
    assert seqcnn.SeqCNNEmbedder("fcn", random_state=0).fit_transform(X).shape[0] == 6
    regressor = seqcnn.SeqCNNRegressor("fcn", **settings_).fit(X, np.arange(6.0))
    assert regressor.predict(X).shape == (6,)
    with pytest.raises(ValueError, match="Received: 6 in X and 73 in y"):
        long.fit(X, np.zeros(len(X)))


# --- lists of frames


def test_columns_with_names_are_channels_and_numbered_ones_are_time_steps() -> None:
    turned = [record.T for record in CHANNELS]
    days = pd.date_range("2024-01-01", periods=2)
    assert_same([pd.DataFrame(record, columns=["x", "y"]) for record in turned], CHANNELS)
    assert_same([pl.DataFrame(record, schema=["x", "y"], orient="row") for record in turned], CHANNELS)
    assert_same([pd.DataFrame(record, index=days[: len(record)]) for record in turned], CHANNELS)
    assert_same([pd.DataFrame(record) for record in CHANNELS], CHANNELS)
    assert_same([pd.DataFrame(record, columns=days[: record.shape[1]]) for record in CHANNELS], CHANNELS)
    assert_same(pd.Series([pd.DataFrame(record, columns=["x", "y"]) for record in turned]), CHANNELS)
    assert_same([pd.DataFrame(turned[0], columns=["x", "y"]), CHANNELS[1]], CHANNELS)
    assert_same([pd.Series([1, 2]), pl.Series([3])], RAGGED)


def test_frames_that_differ_in_their_columns_are_named() -> None:
    x, y, numbered = pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"y": [1, 2]}), pd.DataFrame([[1, 2]])
    assert message_of(ValueError, [x, x, y]) == (
        "All frames in X must have the same columns in the same order, one a channel. Received: X[0] has ['x'], but "
        "X[2] has ['y']. Select the columns of each before passing X to SeqCNNClassifier."
    )
    assert message_of(ValueError, [x, numbered, numbered]) == (
        "All frames in X must have the same axes. Columns with names are channels, numbered ones are time steps: so "
        "X[0] is (time, channels), but X[1] and X[2] (channels, time). Give all frames in the X of SeqCNNClassifier "
        "columns with names, or none."
    )


def test_records_whose_last_axis_holds_the_channels_are_told_to_be_turned() -> None:
    assert message_of(ValueError, [np.zeros((5, 2)), np.zeros((4, 2))]) == (
        "All records must have the same number of channels: X[0] has 5 (shape (5, 2)), but X[1] has 4 (shape (4, 2)). "
        "Pass (channels, time) arrays of one channel count to SeqCNNClassifier. If the last axis holds the channels, "
        "pass [x.T for x in X]."
    )


# --- tslearn


def test_tslearns_arrays_are_turned_and_their_padding_falls_away() -> None:
    X = np.full((3, 4, 2), np.nan)
    X[0], X[1, :2], X[2, :3, 0] = CUBE[0, :2].T, CUBE[1, :2, :2].T, [1, 2, 3]
    X[1, 0, 1] = np.nan
    whole, short, gaps = seqcnn.from_tslearn(X)
    np.testing.assert_array_equal(whole, CUBE[0, :2])
    np.testing.assert_array_equal(short, [CUBE[1, 0, :2], [np.nan, CUBE[1, 1, 1]]])
    np.testing.assert_array_equal(gaps, [[1, 2, 3], [np.nan] * 3])
    equal = seqcnn.from_tslearn(X[1:, :2])
    assert isinstance(equal, np.ndarray)
    assert equal.shape == (2, 2, 2)
    assert seqcnn.from_tslearn(X[1:2]).shape == (1, 2, 2)
    np.testing.assert_array_equal(seqcnn.from_tslearn(CUBE.astype(int)), CUBE.transpose(0, 2, 1))


def test_nan_where_tslearn_pads_names_what_takes_it_away() -> None:
    X = CUBE.copy()
    X[1, 1:] = np.nan
    advice = (
        " If X is (n_cases, n_timepoints, n_channels) with NaN behind the shorter series, as tslearn has it, pass "
        "seqcnn.from_tslearn(X)."
    )
    assert message_of(ValueError, X).endswith(f"or drop these records.{advice}")
    X[0, 0, 1] = np.nan
    assert message_of(ValueError, X).endswith("or drop these records.")


def test_what_is_no_array_of_tslearn_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        seqcnn.from_tslearn(TABLE)
    assert str(caught.value) == (
        "from_tslearn reads arrays (n_cases, n_timepoints, n_channels), at least 1 of each. Received: shape (4, 3). "
        "Pass what tslearn.utils.to_time_series_dataset gives."
    )
    X = CUBE.copy()
    X[1] = np.nan
    with pytest.raises(ValueError) as caught:
        seqcnn.from_tslearn(X)
    assert str(caught.value) == (
        "Every series must have at least 1 time step. Received: nothing but NaN in X[1]. Drop these series, and their "
        "targets."
    )
    with pytest.raises(ValueError, match="Received: X holds strings, 'a'"):
        seqcnn.from_tslearn([[["a"]]])


# --- arrays and tensors


@pytest.mark.parametrize(
    "X",
    [
        TABLE.astype(">f4"),
        TABLE.astype(">i2"),
        np.asfortranarray(TABLE),
        TABLE[::-1, ::-1][::-1, ::-1],
        np.repeat(TABLE, 2, axis=1)[:, ::2],
        TABLE.astype(np.float16),
        TABLE.astype(np.uint8),
        TABLE.astype(np.longdouble),
        torch.tensor(TABLE).bfloat16(),
        torch.tensor(TABLE.T, requires_grad=True).T,
        np.ma.masked_array(TABLE, mask=False),
        pa.table(dict(zip("abc", TABLE.T, strict=True))),
    ],
    ids=lambda X: f"{type(X).__name__} {getattr(X, 'dtype', '')}",
)
def test_every_layout_of_a_table_gives_contiguous_records(X: Any) -> None:
    assert_same(X, ROWS)
    assert all(value.flags.c_contiguous and value.dtype.isnative for value in read(X))


def test_reversed_time_stays_reversed() -> None:
    assert_same(TABLE[:, ::-1], [row[:, ::-1] for row in ROWS])
    assert_same(CUBE.transpose(0, 2, 1), [record.T for record in CUBE])


def test_a_read_only_array_is_read_and_a_float32_one_not_copied() -> None:
    X = TABLE.astype(np.float32)
    X.flags.writeable = False
    assert all(np.shares_memory(value, X) for value in read(X))


def test_a_memory_mapped_file_is_copied_once_at_most(tmp_path: Path) -> None:
    import tracemalloc

    single, double = np.zeros((200, 2000), np.float32), np.zeros((200, 2000))
    for table, copies in ((single, 0), (double, 1)):
        np.save(tmp_path / "table.npy", table)
        mapped = np.load(tmp_path / "table.npy", mmap_mode="r")
        tracemalloc.start()
        read(mapped)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < copies * single.nbytes + 0.2 * single.nbytes


@pytest.mark.parametrize(
    "X",
    [
        objects([np.array([1, 2]), np.array([3])]),
        objects([[1, 2], [3]]),
        deque([[1, 2], [3]]),
        [torch.tensor([1.0, 2.0]).bfloat16().requires_grad_(), torch.tensor([3.0])],
        torch.nested.nested_tensor([torch.tensor([1.0, 2.0]), torch.tensor([3.0])], layout=torch.jagged),
        pa.array([[1, 2], [3]]),
    ],
    ids=["objects", "object lists", "deque", "tensors", "nested tensor", "arrow"],
)
def test_every_form_of_ragged_records_is_read(X: Any) -> None:
    assert_same(X, RAGGED)


def test_what_is_masked_is_missing() -> None:
    masked = np.ma.masked_array(TABLE.astype(int), mask=TABLE == 4)
    expected = [np.where(row == 4, np.nan, row) for row in ROWS]
    assert_same(masked, expected, missing="mask")
    assert_same(list(masked), expected, missing="mask")
    strings = np.ma.masked_array(["a", "b"], mask=[False, True])
    assert "Received: X[1] is None." in message_of(ValueError, strings)


def test_channels_of_unequal_lengths_in_nested_lists_are_refused() -> None:
    assert message_of(ValueError, [[[1, 2], [3]], [[1], [2]]]) == (
        "SeqCNNClassifier reads every record of a series as an array of numbers, (time,) or (channels, time). "
        "Received: X[0] is a nested list of unequal lengths. Bring these records into one of the two shapes."
    )


def test_what_gives_its_records_once_or_in_no_order_is_refused() -> None:
    once = (
        "SeqCNNClassifier reads X more than once, to count and then to read its records, but X is an iterator "
        "({}), which gives them once. Pass list(X): an array, or a list of records."
    )
    assert message_of(TypeError, (row for row in TABLE)) == once.format("generator")
    assert message_of(TypeError, zip(TABLE, strict=True), count_cases) == once.format("zip")
    for X in ({"b", "a"}, frozenset("ab"), {"a": TABLE[0]}.keys()):
        assert message_of(TypeError, X) == (
            "SeqCNNClassifier needs records in an order, so that each has its target, but X is a "
            f"{type(X).__name__}, which has none. Pass an array, or a list of records."
        )
    assert message_of(TypeError, {"a": 1}).endswith("Pass an array, or a list of records: list(X.values()).")
    assert message_of(TypeError, {"a": 1}.values()).endswith("Pass an array, or a list of records: list(X).")


@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_sparse_tensor_is_refused() -> None:
    for X in (torch.eye(3).to_sparse(), torch.eye(3).to_sparse_csr()):
        assert message_of(TypeError, X) == (
            "SeqCNNClassifier reads dense data, but X is a sparse tensor. A convolution needs every time step: pass "
            "X.to_dense()."
        )


def test_predict_reads_other_forms_than_fit_did() -> None:
    _, contract = read_for_fit(CHANNELS, caller=ME)
    forms = [
        pd.DataFrame({"x": [[1, 2], [5]], "y": [[3, 4], [6]]}),
        pl.DataFrame({"x": [[1, 2], [5]], "y": [[3, 4], [6]]}),
        pd.DataFrame({"x": [1, 2, 5], "y": [3, 4, 6]}, index=pd.MultiIndex.from_tuples([(9, 0), (9, 1), (2, 0)])),
        [pd.DataFrame(record.T, columns=["x", "y"]) for record in CHANNELS],
    ]
    for form in forms:
        records = read_for_predict(form, contract, caller=ME)
        assert all(map(np.array_equal, records.values, CHANNELS))
