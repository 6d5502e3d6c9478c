"""What X may be: counting it, telling its kind, refusing what is no input, and the contract that is kept."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from seqcnn.inputs import InputContract, Vocabulary, count_cases, read_for_fit, read_for_predict

ME = "SeqCNNClassifier"
TABLE = np.arange(12.0).reshape(4, 3)


def message_of(error: type[Exception], call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(error) as caught:
        call(*args, caller=ME, **kwargs)
    assert type(caught.value) is error
    return str(caught.value)


def test_inputs_load_neither_torch_nor_scikit_learn_nor_audio_libraries() -> None:
    code = (
        "import sys, numpy as np; from seqcnn.inputs import read_for_fit; read_for_fit(np.eye(3), caller='A');"
        "print([m for m in ('torch', 'sklearn', 'soundfile', 'torchaudio') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "X",
    [
        TABLE,
        TABLE.tolist(),
        tuple(TABLE),
        pd.DataFrame(TABLE),
        torch.tensor(TABLE),
        np.zeros((4, 2, 3)),
        ["a", "b", "c", "d"],
        pd.Series(["a", "b", "c", "d"]),
        np.array([np.zeros(2), np.zeros(3), np.zeros(4), np.zeros(5)], dtype=object),
        TABLE[:, 0],
    ],
    ids=lambda X: type(X).__name__,
)
def test_cases_are_counted_before_anything_is_read(X: Any) -> None:
    assert count_cases(X, caller=ME) == 4


def test_what_is_no_container_of_records_is_refused() -> None:
    assert message_of(ValueError, count_cases, "abc") == "Received one string; pass a list of strings. X is 'abc'."
    assert (
        message_of(ValueError, count_cases, Path("a.wav")) == "Received one path; pass a list of paths. X is 'a.wav'."
    )
    scalar = (
        "Expected 2D array, got scalar array instead: X is one number, {}. SeqCNNClassifier reads "
        "(n_records, n_timepoints). Reshape your data, or pass a list of series."
    )
    assert message_of(ValueError, count_cases, 3) == scalar.format("3")
    assert message_of(ValueError, count_cases, np.array(3)) == scalar.format("array(3)")
    assert message_of(TypeError, count_cases, {"a": 1}) == (
        "SeqCNNClassifier reads X as an array, a DataFrame, or a list with one item a record; the X argument must be "
        "made of strings or of numbers. Received: dict, {'a': 1}. Pass an array, or a list of records: "
        "list(X.values())."
    )
    assert "Pass an array, or a list of records." in message_of(TypeError, count_cases, None)


@pytest.mark.parametrize("read", [count_cases, read_for_fit])
def test_an_empty_X_is_refused(read: Callable[..., Any]) -> None:
    assert message_of(ValueError, read, np.empty((0, 3))) == (
        "X is empty: found 0 sample(s) (shape=(0, 3)) while a minimum of 1 is required by SeqCNNClassifier. "
        "Pass at least one record."
    )
    assert "0 sample(s) (shape=(0,))" in message_of(ValueError, read, [])


@pytest.mark.parametrize("read", [count_cases, read_for_fit])
@pytest.mark.parametrize("container", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_X_is_refused(read: Callable[..., Any], container: Any) -> None:
    assert message_of(TypeError, read, container(TABLE)) == (
        f"SeqCNNClassifier reads dense data, but X is a sparse {container.__name__}. A convolution needs every time "
        "step: pass X.toarray()."
    )


def test_the_kind_is_told_from_what_X_holds() -> None:
    assert read_for_fit(TABLE, caller=ME)[0].kind == "series"
    assert read_for_fit(TABLE, sample_rate=8000, caller=ME)[0].kind == "audio"
    assert read_for_fit(["a.wav", "text"], caller=ME)[0].kind == "text"
    assert read_for_fit([(np.linspace(-0.1, 0.1, 4), 8000)], caller=ME)[0].kind == "audio"
    assert read_for_fit([(1.0, 8000)], caller=ME)[0].kind == "series"  # two numbers are a series of two steps


def test_strings_that_look_like_paths_of_no_files_are_text_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"^All strings in X end in an audio suffix") as caught:
        records, _ = read_for_fit(["one.wav", "TWO.MP3"], caller=ME)
    assert records.kind == "text"
    assert str(caught[0].message) == (
        "All strings in X end in an audio suffix, as 'one.wav' does, but none of them exists as a file, so they are "
        "read as text. Pass input='audio' if they are paths (is the working folder the right one?), or input='text' if "
        "they are texts."
    )
    assert read_for_fit(["one.wav", "TWO.MP3"], kind="text", caller=ME)[0].kind == "text"
    too_long_for_a_path = ["x" * 5000 + ".wav", "\0.wav"]
    with pytest.warns(UserWarning, match=r"^All strings in X end in an audio suffix"):
        assert read_for_fit(too_long_for_a_path, max_characters=None, caller=ME)[0].kind == "text"


def test_an_explicit_kind_must_fit_what_X_holds() -> None:
    assert message_of(ValueError, read_for_fit, ["a"], kind="series") == (
        "The 'input' parameter of SeqCNNClassifier is 'series', which reads numbers, but X holds strings. "
        "Pass input='auto', or an X that fits."
    )
    assert message_of(ValueError, read_for_fit, TABLE, kind="text") == (
        "The 'input' parameter of SeqCNNClassifier is 'text', which reads strings, but X holds numbers. "
        "Pass input='auto', or an X that fits."
    )
    assert "which reads strings, but X holds paths." in message_of(
        ValueError, read_for_fit, [Path("a.txt")], kind="text"
    )


def test_parameters_are_checked() -> None:
    assert message_of(ValueError, read_for_fit, TABLE, kind="audoi") == (
        "The 'input' parameter of SeqCNNClassifier must be 'auto', 'series', 'text' or 'audio'. Received: 'audoi'. "
        "Did you mean 'audio'? Pass one of the values named."
    )
    assert message_of(ValueError, read_for_fit, TABLE, missing="masked") == (
        "The 'missing' parameter of SeqCNNClassifier must be 'error', 'interpolate' or 'mask'. Received: 'masked'. "
        "Did you mean 'mask'? Pass one of the values named."
    )
    assert "'sample_rate'" in message_of(TypeError, read_for_fit, TABLE, sample_rate=8000.0)
    assert "'mono'" in message_of(TypeError, read_for_fit, TABLE, mono=1)
    assert "'max_characters'" in message_of(ValueError, read_for_fit, ["a"], max_characters=0)
    assert message_of(ValueError, read_for_fit, ["a"], sample_rate=8000) == (
        "The 'sample_rate' parameter of SeqCNNClassifier is 8000, but X is read as text (strings), which has none. "
        "Drop sample_rate, or pass input='audio' if X is audio."
    )


def test_items_of_several_kinds_are_named() -> None:
    assert message_of(ValueError, read_for_fit, ["a", "b", 1, np.zeros(3)]) == (
        "All items of X must be of one kind, but X[0] is a string, X[2] is a number and X[3] is an array. "
        "Pass strings only, or arrays of numbers only, to SeqCNNClassifier."
    )
    assert message_of(ValueError, read_for_fit, (np.zeros(3), 8000)) == (
        "All items of X must be of one kind, but X[0] is an array and X[1] is a number. "
        "If X is one (waveform, sample_rate) pair, pass a list of it, [X], to SeqCNNClassifier."
    )
    assert message_of(TypeError, read_for_fit, ["a", b"b", {"c": 1}]) == (
        "The X argument must be made of strings or of numbers. Received: X[1] is of type bytes, b'b' and X[2] is of "
        "type dict, {'c': 1}. Pass arrays, strings, paths or (waveform, sample_rate) pairs to SeqCNNClassifier, one a "
        "record."
    )


@pytest.mark.parametrize(
    ("X", "shown"),
    [(["a", None], "None"), (["a", float("nan")], "nan"), (pd.Series(["a", pd.NA], dtype="string"), "<NA>")],
)
def test_a_missing_string_is_named(X: Any, shown: str) -> None:
    assert message_of(ValueError, read_for_fit, X) == (
        f"Every item of X must be a record. Received: X[1] is {shown}. Drop these records (and their targets) before "
        "passing X to SeqCNNClassifier, or replace them by an empty string."
    )


def test_a_missing_array_is_named() -> None:
    assert message_of(ValueError, read_for_fit, [np.zeros(3), None]) == (
        "Every item of X must be a record. Received: X[1] is None. Drop these records (and their targets) before "
        "passing X to SeqCNNClassifier."
    )


def test_predict_demands_the_fitted_kind() -> None:
    _, numbers = read_for_fit(TABLE, caller=ME)
    _, strings = read_for_fit(["a"], caller=ME)
    assert message_of(ValueError, read_for_predict, ["a"], contract=numbers) == (
        "SeqCNNClassifier was fitted on series (numbers), but X holds strings. "
        "Pass the kind of input it was fitted on, or fit it again."
    )
    assert message_of(ValueError, read_for_predict, TABLE, contract=strings) == (
        "SeqCNNClassifier was fitted on text (strings), but X holds numbers. "
        "Pass the kind of input it was fitted on, or fit it again."
    )
    assert message_of(ValueError, read_for_predict, TABLE, contract=numbers, sample_rate=8000) == (
        "SeqCNNClassifier was fitted on series (numbers), but its 'sample_rate' parameter is now 8000. "
        "Set it back with set_params(sample_rate=None), or fit again."
    )


@pytest.mark.parametrize(
    "contract",
    [
        InputContract(kind="series", n_channels=3, n_timepoints=20, missing="interpolate"),
        InputContract(kind="text", max_characters=None, vocabulary=Vocabulary("aé\N{GRINNING FACE}\ud800")),
        InputContract(kind="audio", n_channels=2, sample_rate=8000, resample=True, mono=False),
    ],
    ids=lambda contract: contract.kind,
)
def test_a_contract_survives_pickle_and_json(contract: InputContract) -> None:
    assert pickle.loads(pickle.dumps(contract)) == contract
    assert InputContract.from_dict(json.loads(json.dumps(contract.to_dict()))) == contract


def test_fit_keeps_all_parameters_in_the_contract() -> None:
    _, contract = read_for_fit(TABLE, missing="interpolate", mono=False, max_characters=None, caller=ME)
    assert contract == InputContract(
        kind="series", n_channels=1, n_timepoints=3, mono=False, missing="interpolate", max_characters=None
    )


def test_records_are_taken_by_position() -> None:
    records, _ = read_for_fit([[1.0], [2.0, 3.0], [4.0]], caller=ME)
    taken = records.take(np.array([1, 0]))
    assert len(taken) == 2
    assert taken.lengths.tolist() == [2, 1]
    assert taken.kind == "series"
