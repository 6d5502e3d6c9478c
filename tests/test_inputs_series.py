"""Series: every form of the same numbers gives the same records, and what is wrong with numbers is named."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seqcnn.inputs import InputContract, read_for_fit, read_for_predict

ME = "SeqCNNClassifier"
TABLE = np.arange(12.0).reshape(4, 3)
CUBE = np.arange(24.0).reshape(2, 3, 4)


class OnlyArray:
    """What scikit-learn's checks call not an array: it has ``__array__`` and nothing else."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.data


def read(X: Any, **parameters: Any) -> list[np.ndarray]:
    return read_for_fit(X, caller=ME, **parameters)[0].values


def contract_of(X: Any, **parameters: Any) -> InputContract:
    return read_for_fit(X, caller=ME, **parameters)[1]


def message_of(error: type[Exception], call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is error
    return str(caught.value)


def predict_message(X: Any, contract: InputContract) -> str:
    return message_of(ValueError, read_for_predict, X, contract, caller=ME)


def assert_same(values: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(values) == len(expected)
    for value, other in zip(values, expected, strict=True):
        assert value.dtype == np.float32
        assert value.dtype.isnative
        np.testing.assert_array_equal(value, other)


tables = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(-1e6, 1e6, width=32)
)


@settings(deadline=None, max_examples=40)
@given(tables)
def test_all_forms_of_one_table_give_the_same_records(table: np.ndarray) -> None:
    original = table.copy()
    expected = [row[np.newaxis] for row in table]
    forms = [
        table,
        table.astype(np.float64),
        table.astype(">f8"),
        np.asfortranarray(table),
        table.astype(object),
        table.tolist(),
        tuple(map(tuple, table.tolist())),
        torch.from_numpy(table.copy()),
        torch.from_numpy(table.copy()).requires_grad_(),
        pd.DataFrame(table),
        pd.DataFrame(table).astype("Float64"),
        pd.DataFrame(table).astype(object),
        OnlyArray(table),
        np.ma.masked_array(table),
    ]
    for form in forms:
        records, contract = read_for_fit(form, caller=ME)
        assert_same(records.values, expected)
        assert contract.n_timepoints == table.shape[1]
        assert contract.n_channels == 1
    for form in (list(table), [torch.from_numpy(row.copy()) for row in table], [pd.Series(row) for row in table]):
        records, contract = read_for_fit(form, caller=ME)
        assert_same(records.values, expected)
        assert contract.n_timepoints is None
    np.testing.assert_array_equal(table, original)


@pytest.mark.parametrize(
    "X", [CUBE, CUBE.tolist(), list(CUBE), torch.tensor(CUBE), torch.tensor(CUBE).bfloat16(), CUBE.astype(int)]
)
def test_all_forms_of_one_cube_give_the_same_records(X: Any) -> None:
    records, contract = read_for_fit(X, caller=ME)
    assert_same(records.values, list(CUBE))
    assert (contract.n_channels, contract.n_timepoints) == (3, None)


def test_records_of_different_lengths_are_read() -> None:
    assert_same(read([[1, 2], [3]]), [np.array([[1, 2]]), np.array([[3]])])
    ragged = [CUBE[0], CUBE[1, :, :2]]
    assert_same(read(ragged), ragged)
    cells = np.empty(2, dtype=object)
    cells[:] = ragged
    assert_same(read(cells), ragged)
    assert_same(read(pd.Series(ragged)), ragged)
    assert_same(read(pd.DataFrame({"series": ragged})), ragged)


def test_other_numbers_are_read() -> None:
    assert_same(read([[True, False]]), [np.array([[1, 0]])])
    assert_same(read([[Decimal("1.5"), 2]]), [np.array([[1.5, 2]])])
    assert_same(read(pd.DataFrame({"a": [True, False], "b": [0.5, 2]})), [np.array([[1, 0.5]]), np.array([[0, 2]])])


def test_float32_is_passed_as_a_view_and_never_written_to(tmp_path: Path) -> None:
    table = TABLE.astype(np.float32)
    assert all(np.shares_memory(value, table) for value in read(table))
    np.save(tmp_path / "table.npy", table)
    mapped = np.load(tmp_path / "table.npy", mmap_mode="r")
    assert_same(read(mapped), [row[np.newaxis] for row in table])
    table[0, 1] = np.nan
    assert read(table, missing="interpolate")[0].tolist() == [[0, 1, 2]]
    assert np.isnan(table[0, 1])


def test_one_row_of_numbers_is_refused() -> None:
    expected = (
        "Expected 2D array, got 1D array instead: X has shape (3,). SeqCNNClassifier reads (n_records, n_timepoints). "
        "Reshape your data: X.reshape(1, -1) is one record of 3 time steps, X.reshape(-1, 1) is 3 records of 1 time "
        "step."
    )
    for X in (TABLE[0], [1, 2, 3], pd.Series([1, 2, 3]), range(3), TABLE[0].astype(object), [1.0, None, 2.0]):
        assert message_of(ValueError, read, X) == expected
        assert predict_message(X, contract_of(TABLE)) == expected


def test_too_many_dimensions_are_refused() -> None:
    assert message_of(ValueError, read, np.zeros((2, 1, 3, 4))) == (
        "SeqCNNClassifier reads (n_records, n_timepoints) or (n_records, n_channels, n_timepoints). Received: an array "
        "of 4 dimensions, shape (2, 1, 3, 4). Reshape X to three dimensions."
    )
    assert message_of(ValueError, read, [np.zeros((1, 2, 3)), np.zeros(3)]) == (
        "SeqCNNClassifier reads a list of (time,) or (channels, time) arrays. Received: X[0] has shape (1, 2, 3). "
        "Bring these records into one of the two shapes."
    )


def test_empty_records_are_refused() -> None:
    assert message_of(ValueError, read, np.empty((12, 0))) == (
        "Found array with 0 feature(s) (shape=(12, 0)) while a minimum of 1 is required. "
        "Pass records of at least one time step to SeqCNNClassifier."
    )
    assert message_of(ValueError, read, [[1], [], [2], []]) == (
        "Every record must have at least 1 time step. Received: 2 empty records, X[1] and X[3]. "
        "Drop what is empty before passing X to SeqCNNClassifier."
    )


def test_complex_numbers_are_refused() -> None:
    assert message_of(ValueError, read, TABLE + 1j) == (
        "Complex data not supported: X holds complex numbers. SeqCNNClassifier reads real numbers. Pass the real and "
        "the imaginary part as two channels, np.stack([X.real, X.imag], axis=1)."
    )
    assert "X[1] holds complex numbers." in message_of(ValueError, read, [TABLE[0], TABLE[0] + 1j])
    assert "Complex data not supported" in message_of(ValueError, read, (TABLE + 1j).astype(object))


def test_what_is_no_number_is_refused() -> None:
    holds_a_dict = TABLE.astype(object)
    holds_a_dict[2, 1] = {"foo": "bar"}
    assert message_of(TypeError, read, holds_a_dict) == (
        "The X argument must be made of strings or of numbers. Received: X[2] holds a dict, {'foo': 'bar'}. "
        "Pass numbers to SeqCNNClassifier, with NaN where a value is missing."
    )
    assert message_of(TypeError, read, np.array([["2020-01-01"]], dtype="M8[D]")) == (
        "The X argument must be made of strings or of numbers. Received: X holds values of dtype datetime64[D]. "
        "Pass numbers to SeqCNNClassifier, with NaN where a value is missing."
    )
    assert message_of(ValueError, read, [[1, 2], [1, "b"], [[1, 2], [3]]]) == (
        "SeqCNNClassifier reads every record of a series as an array of numbers, (time,) or (channels, time). "
        "Received: X[1] holds strings, '1' and X[2] is a nested list of unequal lengths. "
        "Bring these records into one of the two shapes."
    )
    assert "X[0] holds a string, '1.5'." in message_of(ValueError, read, np.array([["1.5", 2]], dtype=object))


def test_records_of_different_shapes_are_named() -> None:
    assert message_of(ValueError, read, [np.zeros(3), np.zeros(4), np.zeros((2, 3))]) == (
        "X mixes 1-D arrays (time,) and 2-D arrays (channels, time): X[0] has shape (3,), but X[2] has shape (2, 3). "
        "Pass arrays of one of the two forms to SeqCNNClassifier."
    )
    assert message_of(ValueError, read, [np.zeros((2, 3)), *[np.zeros((3, 3))] * 7]) == (
        "All records must have the same number of channels: X[0] has 2 (shape (2, 3)), but X[1] has 3 (shape (3, 3)), "
        "X[2] has 3 (shape (3, 3)), X[3] has 3 (shape (3, 3)), X[4] has 3 (shape (3, 3)), X[5] has 3 (shape (3, 3)) "
        "and 2 more. Pass (channels, time) arrays of one channel count to SeqCNNClassifier."
    )


def test_frames_that_are_no_table_of_numbers_are_refused() -> None:
    dates = pd.date_range("2020", periods=1)
    assert message_of(ValueError, read, pd.DataFrame({"a": [1], "b": dates, "c": pd.Categorical([1])})) == (
        "SeqCNNClassifier reads the columns of a DataFrame as time steps, which must be numbers. Received: column "
        f"'b' ({dates.dtype}) and 'c' (category). Drop these columns, or pass one of them alone, as "
        "X[name], if it holds the texts or paths."
    )


NAN_ADVICE = (
    "Pass missing='interpolate' to SeqCNNClassifier to fill them from their neighbours, missing='mask' to let the "
    "network see what is missing, or drop these records."
)


def test_nan_is_named_by_record_and_channel() -> None:
    X = CUBE.copy()
    X[0, 1, :2] = np.nan
    X[1, [0, 2], 3] = np.nan
    expected = f"Input X contains NaN: X[0] has 2 (channel 1) and X[1] has 2 (channels 0 and 2). {NAN_ADVICE}"
    assert message_of(ValueError, read, X) == expected
    assert message_of(ValueError, read, list(X)) == expected
    assert predict_message(X, contract_of(CUBE)) == expected


@pytest.mark.parametrize(
    "X",
    [
        [[1.0, None], [2.0, 3.0]],
        np.array([[1, None], [2, 3]], dtype=object),
        pd.DataFrame({"a": [1, 2], "b": [None, 3]}, dtype="Int64"),
        np.ma.masked_array([[1, 9], [2, 3]], mask=[[False, True], [False, False]]),
    ],
    ids=lambda X: type(X).__name__,
)
def test_every_way_of_being_missing_is_nan(X: Any) -> None:
    assert message_of(ValueError, read, X) == f"Input X contains NaN: X[0] has 1 (channel 0). {NAN_ADVICE}"
    assert_same(read(X, missing="interpolate"), [np.array([[1, 1]]), np.array([[2, 3]])])


def test_infinity_and_what_float32_cannot_hold_are_named() -> None:
    X = TABLE.copy()
    X[1, 1], X[3, 0] = -np.inf, 1e300
    infinite = (
        "Input X contains infinity or a value too large for dtype('float32'): X[1] has 1 (channel 0) and X[3] has 1 "
        "(channel 0). Replace or rescale these values."
    )
    assert message_of(ValueError, read, X) == infinite
    assert message_of(ValueError, read, X, missing="interpolate") == infinite
    X[0, 0] = np.nan
    both = f"Input X contains NaN: X[0] has 1 (channel 0). {NAN_ADVICE} {infinite}"
    assert message_of(ValueError, read, X) == both


def test_missing_values_are_interpolated() -> None:
    nan = np.nan
    assert read([[nan, 1, nan, nan, 4, nan]], missing="interpolate")[0].tolist() == [[1, 1, 2, 3, 4, 4]]
    contract = contract_of(np.zeros((2, 2, 3)), missing="interpolate")
    record = [[[0, nan, 2], [5, 6, nan]]]
    assert read_for_predict(record, contract, caller=ME).values[0].tolist() == [[0, 1, 2], [5, 6, 6]]


def test_a_channel_without_values_cannot_be_interpolated() -> None:
    X = CUBE.copy()
    X[1, 2] = np.nan
    X[0, 0, 0] = np.nan
    assert message_of(ValueError, read, X, missing="interpolate") == (
        "A channel without any value cannot be interpolated. Received: only NaN in channel 2 of X[1]. Pass "
        "missing='mask' to SeqCNNClassifier, or drop these records, or fill these channels with a constant."
    )


def test_predict_demands_the_columns_of_the_fitted_table() -> None:
    contract = contract_of(np.zeros((5, 4)))
    advice = (
        "It was fitted on one table of 4 time steps. Pass records of that length, or fit it on a list of arrays, "
        "(time,) each, if lengths may vary."
    )
    same = f"X has 3 features, but SeqCNNClassifier is expecting 4 features as input. {advice}"
    assert predict_message(TABLE, contract) == same
    assert predict_message(list(TABLE), contract) == same
    assert predict_message([np.zeros(4), np.zeros(5)], contract) == (
        f"X[1] has 5 features, but SeqCNNClassifier is expecting 4 features as input. {advice}"
    )


def test_predict_takes_any_length_after_a_fit_on_a_list() -> None:
    contract = contract_of(list(TABLE))
    assert read_for_predict(np.zeros((1, 9)), contract, caller=ME).lengths.tolist() == [9]


def test_predict_demands_the_fitted_channels() -> None:
    contract = contract_of(CUBE)
    fitted = "SeqCNNClassifier was fitted on records of 3 channels, but X has"
    assert predict_message(CUBE.transpose(0, 2, 1), contract) == (
        f"{fitted} 4 channels (X has shape (2, 4, 3)). "
        "The last axis has the fitted number of channels: pass X.transpose(0, 2, 1)."
    )
    assert predict_message([x.T for x in CUBE], contract) == (
        f"{fitted} 4 channels (X[0] has shape (4, 3)). "
        "The last axis has the fitted number of channels: pass [x.T for x in X]."
    )
    assert predict_message(CUBE[:, :2], contract) == (
        f"{fitted} 2 channels (X has shape (2, 2, 4)). Pass records of 3 channels, or fit SeqCNNClassifier again."
    )
    assert predict_message(CUBE[0], contract) == (
        f"{fitted} 1 channel (X has shape (3, 4)). If X is one record of 3 channels, pass X[np.newaxis]."
    )


def test_axes_that_look_swapped_warn_at_fit() -> None:
    swapped = np.zeros((3, 500, 2))
    with pytest.warns(UserWarning, match="look swapped") as caught:
        read(swapped)
    assert str(caught[0].message) == (
        "X has shape (3, 500, 2), which is read as 500 channels of 2 time steps. The axes look swapped: channels come "
        "before time. Pass X.transpose(0, 2, 1) if the last axis holds the channels, or seqcnn.from_tslearn(X) if it "
        "comes from tslearn."
    )
    with pytest.warns(UserWarning, match="look swapped") as caught:
        read(list(swapped))
    assert str(caught[0].message) == (
        "X[0] has shape (500, 2), which is read as 500 channels of 2 time steps. The axes look swapped: channels come "
        "before time. Pass [x.T for x in X] if the last axis holds the channels."
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(np.zeros((3, 64, 2)))
        read(np.zeros((3, 100, 25)))
