"""Readers of a user's own files: what is written comes back, and what is wrong is named by its line."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import (
    make_spoken_tones,
    read_arff,
    read_data,
    read_table,
    read_text,
    read_ts,
    read_tsv,
    read_wav_folder,
    write_wav_folder,
)


def whole(message: str) -> str:
    """Match the whole message, not a part of it."""
    return rf"^{re.escape(message)}\Z"


def write(folder, name, content):
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


# ------------------------------------------------------------------------------------------------------------ ts files


def to_ts(X, y=None, *, header=()):
    """Write cases of shape (channels, time_i) as the format says."""
    lines = ["# a comment", "@problemName test", *header]
    if y is not None and isinstance(y[0], str):
        lines.append(f"@classLabel true {' '.join(sorted(set(y)))}")
    elif y is not None:
        lines.append("@targetLabel true")
    else:
        lines.append("@classLabel false")
    lines.append("@data")
    for number, case in enumerate(X):
        channels = [",".join("?" if np.isnan(v) else repr(float(v)) for v in channel) for channel in case]
        lines.append(":".join(channels + ([] if y is None else [str(y[number])])))
    return "\n".join(lines) + "\n"


values = st.floats(width=32, allow_infinity=False, allow_nan=True)


@st.composite
def cases(draw):
    n_cases, n_channels = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    equal = draw(st.booleans())
    length = draw(st.integers(1, 6))
    X = []
    for _ in range(n_cases):
        n = length if equal else draw(st.integers(1, 6))
        X.append(np.array(draw(st.lists(values, min_size=n * n_channels, max_size=n * n_channels)), dtype=np.float32))
        X[-1] = X[-1].reshape(n_channels, n)
    kind = draw(st.sampled_from(["labels", "targets", "none"]))
    finite = st.floats(allow_nan=False, allow_infinity=False)
    y = None
    if kind == "labels":
        y = draw(st.lists(st.sampled_from(["a", "b-c", "Wörter"]), min_size=n_cases, max_size=n_cases))
    elif kind == "targets":
        y = draw(st.lists(finite, min_size=n_cases, max_size=n_cases))
    return X, y


@given(cases())
@settings(max_examples=150, deadline=None)
def test_what_is_written_as_ts_comes_back(tmp_path_factory, data):
    X, y = data
    file = write(tmp_path_factory.mktemp("ts"), "case.ts", to_ts(X, y))
    received, targets = read_ts(file)
    assert isinstance(received, list) == (len({case.shape[1] for case in X}) > 1)
    for case, expected in zip(received, X, strict=True):
        assert case.dtype == np.float32
        np.testing.assert_array_equal(np.atleast_2d(case), expected)
        assert case.ndim == (1 if expected.shape[0] == 1 else 2)
    assert targets is None if y is None else targets.tolist() == y


def test_whole_numbers_as_labels_become_numbers(tmp_path):
    file = write(tmp_path, "a.ts", "@classLabel true -1 1\n@data\n1,2:-1\n3,4:1\n")
    assert read_ts(file)[1].tolist() == [-1, 1]
    assert read_ts(file)[1].dtype == np.int64


def test_words_that_change_nothing_and_numbers_in_another_spelling_are_passed_over(tmp_path):
    file = write(tmp_path, "a.ts", "@frequency daily\n@author\n@classLabel true 1 2\n@data\n1,2:1.0\n3,4:2\n")
    assert read_ts(file)[1].tolist() == [1, 2]


def test_header_words_may_be_written_in_any_case_and_comments_in_any_encoding(tmp_path):
    file = tmp_path / "a.ts"
    file.write_bytes(
        "#Gr\u00fc\u00dfe\n@TIMESTAMPS FALSE\n@ClassLabel True x y\n@Data\n1,2:x\n\n3,4:y\n".encode("latin-1")
    )
    assert read_ts(file)[1].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "@timeStamps true\n@data\n(0,1):a\n",
            "its header says '@timeStamps true', and values with time stamps are not supported. Resample the series to "
            "equal steps and write the values alone, with '@timeStamps false'.",
        ),
        ("", "it has no line '@data'. Put one in front of the first case."),
        ("@classLabel true a\n@data\n", "no case follows '@data'. Get the file again, or write cases."),
        (
            "1,2,3\n",
            "line 1 stands in front of '@data' and does not begin with '@'. Received: '1,2,3\\n'. Put a line "
            "'@data' in "
            "front of the first case.",
        ),
        (
            "@clasLabel true a\n",
            "line 1 begins with '@clasLabel', which the format does not know. Did you mean '@classlabel'? Correct the "
            "line or take it out.",
        ),
        (
            "@classLabel yes\n",
            "line 1 must say 'true' or 'false' behind '@classlabel'. Received: 'yes'. Correct the line.",
        ),
        (
            "@classLabel true a b\n@data\n1,2:a\n1,zwei:b\n",
            "line 4 has in channel 0 a value that is no number. Received: 'zwei'. Write a missing value as '?', and "
            "separate values by commas and channels by colons.",
        ),
        (
            "@data\n1,,2\n",
            "line 2 has in channel 0 a value that is no number. Received: ''. Write a missing value as '?', and "
            "separate values by commas and channels by colons.",
        ),
        (
            "@classLabel true left right\n@data\n1,2:rihgt\n",
            "line 3 has the label 'rihgt', which the header does not name. Did you mean 'right'? Add it to the line "
            "'@classLabel'.",
        ),
        (
            "@classLabel true a\n@data\n1,2\n",
            "line 3 has no colon, but a label or target must stand behind the last one. Write ':label' at the end of "
            "the line.",
        ),
        (
            "@targetLabel true\n@data\n1:2\n1:hot\n1:?\n",
            "the header says '@targetLabel true', but the target is no number in line 4 and line 5. Write a number "
            "behind the last colon, or '@classLabel true' with the labels in the header.",
        ),
        (
            "@data\n1:2\n1:2:3\n1\n",
            "all cases must have the channels of the first (line 2), 2, but line 3 has 3 channels and line 4 has 1 "
            "channel. Write a colon behind every channel.",
        ),
        (
            "@data\n1,2:3\n",
            "the channels of line 2 have unequal lengths (2 and 1). Resample the channels of a case to one length.",
        ),
    ],
)
def test_what_is_wrong_in_a_ts_file_is_named_by_its_line(tmp_path, content, reason):
    file = write(tmp_path, "bad.ts", content)
    with pytest.raises(ValueError, match=whole(f"read_ts cannot read '{file}': {reason}")):
        read_ts(file)


def test_a_large_ts_file_is_read_in_a_few_seconds(tmp_path):
    line = ":".join([",".join(f"{v:.6f}" for v in np.random.RandomState(0).normal(size=200))] * 5)
    file = write(tmp_path, "large.ts", "@classLabel true 1 2\n@data\n" + f"{line}:1\n{line}:2\n" * 600)
    started = time.perf_counter()
    X, _ = read_ts(file)
    assert X.shape == (1200, 5, 200)
    # About 11 MB; 50 MB take 0.6 s on one core, and a slow machine may be ten times slower.
    assert time.perf_counter() - started < 5


# ---------------------------------------------------------------------------------------------------------- arff files


def test_a_univariate_arff_file_is_read(tmp_path):
    content = (
        "% comment\n@RELATION gun\n@attribute att1 numeric\n@attribute 'att 2' real\n@attribute target {1,2}\n\n"
        "@DATA\n1.5,?,1\n2.5,3.5,2\n"
    )
    X, y = read_arff(write(tmp_path, "a.arff", content))
    np.testing.assert_array_equal(X, np.array([[1.5, np.nan], [2.5, 3.5]], dtype=np.float32))
    assert y.tolist() == [1, 2]


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_relational_arff_file_is_read(tmp_path, quote):
    content = (
        "@relation m\n@attribute bag relational\n@attribute t1 numeric\n@attribute t2 numeric\n@end bag\n"
        f"@attribute class {{walk,'run fast'}}\n@data\n{quote}1,2\\n3,4{quote},walk\n{quote}5\\n?{quote},run fast\n"
    )
    X, y = read_arff(write(tmp_path, "a.arff", content))
    assert [case.shape for case in X] == [(2, 2), (2, 1)]
    assert X[0].tolist() == [[1, 2], [3, 4]]
    assert np.isnan(X[1][1, 0])
    assert y.tolist() == ["walk", "run fast"]


def test_a_numeric_last_attribute_is_a_target_only_by_name(tmp_path):
    header = "@relation r\n@attribute a numeric\n@attribute {} numeric\n@data\n1,2.5\n"
    X, y = read_arff(write(tmp_path, "a.arff", header.format("target")))
    assert (X.tolist(), y.tolist()) == ([[1]], [2.5])
    X, y = read_arff(write(tmp_path, "b.arff", header.format("b")))
    assert (X.tolist(), y) == ([[1, 2.5]], None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("@relation r\n", "it has no line '@data'. Put one in front of the first case."),
        ("@data\n1\n", "no line '@attribute' precedes '@data'. Add the header."),
        (
            "@atribute a numeric\n",
            "line 1 of the header is no '@attribute name type'. Received: '@atribute a numeric'. Correct the line.",
        ),
        ("@attribute a numeric\n@data\n", "no case follows '@data'. Get the file again, or write cases."),
        (
            "@attribute a numeric\n@attribute class {x}\n@data\n1,x\n1,2,x\n",
            "line 5 has 3 values, but the header has 2 attributes. Correct the line: values are separated by commas, a "
            "relational value stands in quotes.",
        ),
        (
            "@attribute a numeric\n@attribute class {x}\n@data\none,x\n",
            "line 4 has a value that is no number (could not convert string to float: 'one'). Write a missing value as "
            "'?'.",
        ),
        (
            "@attribute r relational\n@attribute a numeric\n@end r\n@attribute class {x}\n@data\n'1,2\\n3',x\n",
            "the channels of line 6 have unequal lengths, or there is none. Write the channels with as many values "
            "each, '?' for a missing one.",
        ),
        (
            "@attribute r relational\n@attribute a numeric\n@end r\n@attribute class {x}\n@data\n'1\\n3',x\n'1',x\n",
            "all cases must have the channels of the first (line 6), 2, but line 7 has 1. Separate the channels of a "
            "case by \\n.",
        ),
    ],
)
def test_what_is_wrong_in_an_arff_file_is_named_by_its_line(tmp_path, content, reason):
    file = write(tmp_path, "bad.arff", content)
    with pytest.raises(ValueError, match=whole(f"read_arff cannot read '{file}': {reason}")):
        read_arff(file)


# ---------------------------------------------------------------------------------------------------- the archive's tsv


def test_padding_at_the_end_of_a_tsv_series_is_taken_away(tmp_path):
    X, y = read_tsv(write(tmp_path, "a.tsv", "1\t0.5\tNaN\t2\n-1\t1.5\t2.5\tNaN\n"))
    np.testing.assert_array_equal(X[0], np.array([0.5, np.nan, 2], dtype=np.float32))
    assert X[1].tolist() == [1.5, 2.5]
    assert y.tolist() == [1, -1]


def test_labels_of_a_tsv_file_may_be_words(tmp_path):
    X, y = read_tsv(write(tmp_path, "a.tsv", "left\t1\t2\nNA\t3\t4\n"))
    assert X.shape == (2, 2)
    assert y.tolist() == ["left", "NA"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("1\t2\t3\n1\t2\tx\n", "line 2 has a value that is no number. Received: 'x'. Read tables with a header with "),
        ("1\n2\n", "its lines have one value, but a label and at least one more must stand there, separated by tabs. "),
        ("1\t2\n1\t2\t3\n", "line 2 has 3 fields where the lines before have 2. Correct the file, or get it again."),
        ("\t2\n1\t2\n", "there is no label in line 1. Add the label in front."),
        ("", "it is empty. Correct the file, or get it again."),
    ],
)
def test_what_is_wrong_in_a_tsv_file_is_named_by_its_line(tmp_path, content, reason):
    file = write(tmp_path, "bad.tsv", content)
    with pytest.raises(ValueError, match="^" + re.escape(f"read_tsv cannot read '{file}': {reason}")):
        read_tsv(file)


# -------------------------------------------------------------------------------------------------------------- tables


def save_table(frame, folder, suffix):
    file = folder / f"table{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(file)
    elif suffix == ".feather":
        frame.to_feather(file)
    elif suffix.startswith(".jsonl"):
        frame.to_json(file, orient="records", lines=True)
    else:
        frame.to_csv(file, index=False, sep="\t" if suffix.startswith(".tsv") else ",")
    return file


SUFFIXES = [".csv", ".csv.gz", ".csv.xz", ".csv.zip", ".tsv", ".tsv.bz2", ".parquet", ".feather", ".jsonl", ".jsonl.gz"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_wide_table_of_numbers_is_read_from_every_format(tmp_path, suffix):
    frame = pd.DataFrame({"t0": [0.5, 1.5], "kind": ["wren", "robin"], "t1": [2.5, np.nan]})
    X, y = read_data(save_table(frame, tmp_path, suffix), target="kind")
    assert list(X.columns) == ["t0", "t1"]
    np.testing.assert_array_equal(X.to_numpy(), [[0.5, 2.5], [1.5, np.nan]])
    assert y.tolist() == ["wren", "robin"]
    assert y.dtype.kind == "U"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_column_of_texts_is_read_from_every_format(tmp_path, suffix):
    texts = ["A, b\nc", "NA", 'say "ä"']
    X, y = read_data(save_table(pd.DataFrame({"text": texts, "stars": [1, 2, 5]}), tmp_path, suffix), target="stars")
    assert texts == X
    assert y.tolist() == [1, 2, 5]
    assert y.dtype.kind == "i"


def test_without_a_target_all_columns_are_records(tmp_path):
    file = write(tmp_path, "a.csv", "t0,t1\n1,2\n3,4\n")
    X, y = read_data(file)
    assert X.shape == (2, 2)
    assert y is None
    file = write(tmp_path, "b.csv", "text\nHello\nnull\n")
    assert read_data(file) == (["Hello", "null"], None)


def test_audio_paths_are_taken_from_the_folder_of_the_table(tmp_path):
    (tmp_path / "lists").mkdir()
    absolute = tmp_path / "elsewhere" / "c.FLAC"
    file = write(tmp_path / "lists", "a.csv", f"file,word\nx/a.wav,yes\n../b.mp3,no\n{absolute},no\n")
    X, y = read_data(file, target="word")
    assert [str(tmp_path / "lists" / "x" / "a.wav"), str(tmp_path / "lists" / ".." / "b.mp3"), str(absolute)] == X
    assert y.tolist() == ["yes", "no", "no"]


def test_columns_of_arrays_are_left_to_the_estimators(tmp_path):
    frame = pd.DataFrame({"series": [[1.0, 2.0], [3.0]], "y": [0, 1]})
    for suffix in (".parquet", ".jsonl"):
        X, y = read_table(save_table(frame, tmp_path, suffix), "y")
        assert [list(series) for series in X["series"]] == [[1, 2], [3]]
        assert y.tolist() == [0, 1]


def test_the_numbers_of_rows_that_pandas_writes_are_no_record(tmp_path):
    frame = pd.DataFrame({"t0": [5, 6], "t1": [7, 8]})
    frame.to_csv(tmp_path / "a.csv")
    assert list(read_data(tmp_path / "a.csv")[0].columns) == ["t0", "t1"]
    frame.set_axis([0, 7]).to_csv(tmp_path / "b.csv")
    assert list(read_data(tmp_path / "b.csv")[0].columns) == ["Unnamed: 0", "t0", "t1"]


def test_targets_keep_their_kind(tmp_path):
    frame = pd.DataFrame(
        {
            "t0": [1.5, 2.5],
            "nullable": pd.array([1, 2], dtype="Int64"),
            "category": pd.Categorical(["b", "a"]),
            "truth": [True, False],
            "number": [0.5, 1.5],
        }
    )
    for target, kind in (("nullable", "i"), ("category", "U"), ("truth", "b"), ("number", "f")):
        y = read_table(save_table(frame[["t0", target]], tmp_path, ".parquet"), target)[1]
        assert y.dtype.kind == kind
        assert y.tolist() == frame[target].tolist()
    frame["when"] = pd.to_datetime(["2020-01-01", "2020-01-02"])
    file = save_table(frame[["when", "number"]], tmp_path, ".parquet")
    with pytest.raises(
        ValueError, match=r"the column 'when' holds neither numbers nor strings nor arrays \(datetime64"
    ):
        read_table(file, "number")


def test_a_column_can_be_named_where_there_are_several(tmp_path):
    file = write(tmp_path, "a.csv", "id,title,file,a,b\n1,One,x.wav,0.5,1\n2,Two,y.wav,1.5,0\n")
    X, y = read_table(file, ["a", "b"], text="title")
    assert X == ["One", "Two"]
    assert y.tolist() == [[0.5, 1], [1.5, 0]]
    X, y = read_table(file, "b", audio="file")
    assert [str(tmp_path / "x.wav"), str(tmp_path / "y.wav")] == X
    message = (
        f"read_data cannot read '{file}': beside the target it has 4 columns, and not all of them hold "
        "numbers: 'title' "
        "and 'file'. Name the column to be predicted with target=, leave out others with drop=, and keep either "
        "columns of numbers, one a time step, or one column of texts or of audio files."
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_data(file, target="b")


def test_columns_that_say_nothing_are_dropped(tmp_path):
    file = write(tmp_path, "a.csv", "id,date,text,label\n1,2024-01-01,One,a\n2,2024-01-02,Two,b\n")
    for read in (read_data, read_table):
        X, y = read(file, target="label", drop=["id", "date"])
        assert X == ["One", "Two"]
        assert y.tolist() == ["a", "b"]
    message = (
        f"The 'drop' parameter of read_data must be a column of '{file}'. Received: 'ID'. Did you mean 'id'? The "
        "columns are 'id', 'date', 'text' and 'label'."
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_data(file, target="label", drop="ID")
    message = (
        "The 'drop' parameter of read_data must be the name of a column, a list of names or None. Received: 3. Pass a "
        "string, or several in a list."
    )
    with pytest.raises(TypeError, match=whole(message)):
        read_data(file, target="label", drop=3)
    texts = write(tmp_path, "a.txt", "a\tOne\n")
    message = (
        "The 'drop' parameter of read_data names a column of a table (csv, tsv, parquet, feather, jsonl). Received: "
        "drop='id' with a '.txt' file, which has its labels in front of the texts. Leave drop out."
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_data(texts, drop="id")


def test_several_targets_are_read_as_columns(tmp_path):
    file = write(tmp_path, "a.csv", "t0,t1,high,low\n1,2,0,1\n3,4,1,1\n")
    X, y = read_data(file, target=["high", "low"])
    assert X.columns.tolist() == ["t0", "t1"]
    assert y.tolist() == [[0, 1], [1, 1]]


def test_arrays_and_numbers_of_a_table_stay_beside_each_other(tmp_path):
    pytest.importorskip("pyarrow")
    file = tmp_path / "a.parquet"
    frame = pd.DataFrame({"series": [np.arange(3.0), np.arange(4.0)], "age": [30, 40], "label": ["a", "b"]})
    frame.to_parquet(file)
    X, _ = read_data(file, target="label")
    assert X.columns.tolist() == ["series", "age"]
    assert [len(series) for series in X["series"]] == [3, 4]


@pytest.mark.parametrize(
    "content", ["t0;t1;label\n1,5;2;a\n0,25;-1;b\n", "t0;t1;label\n1.5;2;a\n0.25;-1;b\n"], ids=["comma", "point"]
)
def test_spreadsheets_that_separate_by_semicolons_are_read(content, tmp_path):
    X, y = read_data(write(tmp_path, "a.csv", content), target="label")
    assert X.to_numpy().tolist() == [[1.5, 2], [0.25, -1]]
    assert y.tolist() == ["a", "b"]


def test_an_unknown_target_is_answered_with_the_columns(tmp_path):
    file = write(tmp_path, "a.csv", "t0,label\n1,a\n")
    message = (
        f"The 'target' parameter of read_data must be a column of '{file}'. Received: 'lable'. Did you mean "
        "'label'? The "
        "columns are 't0' and 'label'."
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_data(file, target="lable")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 fields where the lines before have 2. Correct the file, or get it again."),
        ("", "it is empty. Correct the file, or get it again."),
        ("a,b\n", "it has no row. Write a row a case."),
        (
            "a,y\n1,2,3\n4,5,6\n",
            "its lines have more fields than its header has names. Correct the file, or get it again.",
        ),
        (
            "a,b,y\n1,2,x\n3,four,x\n5,6,x\n",
            "there is a value that is no number in a column of numbers: 'four' in column 'b', row 1. Correct it, or "
            "leave a missing value empty (rows count from 0 behind the header).",
        ),
        (
            "a|y\n1|2\n",
            "its columns seem to be separated by '|' ('a|y'). Separate them by commas (csv) or tabs (tsv).",
        ),
        (
            "0.5,1.5\n2.5,3.5\n",
            "its first line holds numbers instead of names of columns ('0.5, 1.5'). Write the names of the "
            "columns into "
            "the first line.",
        ),
        (
            "b,y\n1,x\n2,\n3,\n",
            "there is no target in row 1 and row 2 (rows count from 0 behind the header). Fill it in, or take the rows "
            "out.",
        ),
        (
            "b,y\nGood,x\n,y\n",
            "the column 'b' is empty in row 1 (rows count from 0 behind the header). Fill it in, or take the rows out.",
        ),
        ("y\nx\n", "there is no column beside the target. Add the columns to learn from."),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path, content, reason):
    file = write(tmp_path, "bad.csv", content)
    with pytest.raises(ValueError, match=whole(f"read_data cannot read '{file}': {reason}")):
        read_data(file, target="y")


def test_a_table_of_another_format_or_encoding_is_reported(tmp_path):
    file = tmp_path / "bad.parquet"
    file.write_bytes(b"no parquet")
    with pytest.raises(
        ValueError, match=r"^read_data cannot read '.*bad\.parquet': it is damaged or of another format"
    ):
        read_data(file)
    file = tmp_path / "bad.csv"
    file.write_bytes("text\nGr\u00fc\u00dfe\n".encode("latin-1"))
    message = f"read_data cannot read '{file}': it is not in UTF-8 (byte 7 is 0xfc). Save the file again in UTF-8."
    with pytest.raises(ValueError, match=whole(message)):
        read_data(file)
    file = write(tmp_path, "bad.jsonl", json.dumps({"a": 1}) + "\n{nonsense\n")
    message = (
        f"read_data cannot read '{file}': line 2 is no JSON object, such as "
        '{"text": "Hello", "label": "a"}. Write an object a line.'
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_data(file)


def test_without_pyarrow_the_error_says_what_to_install(tmp_path, monkeypatch):
    def missing(*_):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", missing)
    file = write(tmp_path, "a.parquet", "")
    message = f"read_table needs the package pyarrow for '{file}'. Install it with: pip install 'seqcnn[tables]'."
    with pytest.raises(ImportError, match=whole(message)):
        read_table(file)


# --------------------------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("content", "X", "y"),
    [
        ("One\n\n  Two words\r\n", ["One", "  Two words"], None),
        ("pos\tGood\tfilm\nneg\tBad\n", ["Good\tfilm", "Bad"], ["pos", "neg"]),
        ("__label__pos Good film\n__label__neg Bad\n", ["Good film", "Bad"], ["pos", "neg"]),
        ("\ufeffGrüße\n", ["Grüße"], None),
    ],
)
def test_texts_are_read_with_and_without_labels(tmp_path, content, X, y):
    texts, labels = read_text(write(tmp_path, "a.txt", content))
    assert texts == X
    assert labels is None if y is None else labels.tolist() == y


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("\n \n", "it has no text. Write a text a line."),
        (
            "a\tx\n\nno tab\n",
            "other lines have a label and a tab in front of the text, but not line 3. Add the label, or write the tabs "
            "of texts without labels as spaces.",
        ),
        ("__label__a x\nplain\n", "other lines begin with '__label__', but not line 2. Add the label."),
        ("__label__a __label__b x\n", "there are several labels in line 1. Keep one label a line."),
        (
            "a\tx\nb\t\n",
            "a label or its text is empty in line 2. Complete the lines or take them out.",
        ),
    ],
)
def test_what_is_wrong_in_a_text_file_is_named_by_its_line(tmp_path, content, reason):
    file = write(tmp_path, "bad.txt", content)
    with pytest.raises(ValueError, match=whole(f"read_text cannot read '{file}': {reason}")):
        read_text(file)


def test_texts_in_another_encoding_are_refused(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"fine\nGr\xfc\xdfe\n")
    message = f"read_text cannot read '{file}': it is not in UTF-8: line 2. Save the file again in UTF-8."
    with pytest.raises(ValueError, match=whole(message)):
        read_text(file)


# ------------------------------------------------------------------------------------------------------- audio folders


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_subfolders_are_classes_and_what_is_hidden_is_passed_over(tmp_path):
    names = ["yes/b.wav", "yes/deep/er/a.FLAC", "no/c.mp3", "no/notes.txt", ".git/x.wav", "no/._c.wav"]
    touch(tmp_path, *names, "_background_noise_/tap.wav", "README.md", "empty/.keep")
    paths, labels = read_wav_folder(tmp_path)
    assert [path.removeprefix(f"{tmp_path}/") for path in paths] == ["no/c.mp3", "yes/b.wav", "yes/deep/er/a.FLAC"]
    assert labels.tolist() == ["no", "yes", "yes"]


def test_classes_may_be_links_to_folders(tmp_path):
    touch(tmp_path / "elsewhere", "a.wav")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "yes").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "circle").symlink_to(tmp_path / "elsewhere")
    assert read_wav_folder(tmp_path / "data")[1].tolist() == ["yes"]


def test_a_folder_that_tells_no_classes_is_refused(tmp_path):
    message = (
        f"read_wav_folder finds no audio file in the subfolders of '{tmp_path}'. Put files that end in .wav, .flac, "
        ".ogg, .mp3, .aiff, .aif or .au into subfolders named like their classes."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        read_wav_folder(tmp_path)
    touch(tmp_path, "b.wav", "a.wav", "yes/c.wav")
    message = (
        f"read_wav_folder takes the classes from subfolders, but in '{tmp_path}' itself there are audio "
        "files: a.wav and "
        "b.wav. Put each file into a subfolder named like its class."
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_wav_folder(tmp_path)
    message = f"read_wav_folder reads folders, but '{tmp_path / 'a.wav'}' is a file. Pass the folder that holds it."
    with pytest.raises(NotADirectoryError, match=whole(message)):
        read_wav_folder(tmp_path / "a.wav")


# ------------------------------------------------------------------------------------------------- the one for them all


def compress(file, suffix):
    content = file.read_bytes()
    target = file.with_name(file.name + suffix)
    if suffix == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(file.name, content)
    else:
        target.write_bytes({".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}[suffix](content))
    return target


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".bz2", ".zip"])
def test_every_format_is_told_by_its_suffix(tmp_path, suffix):
    contents = {
        "a.ts": "@classLabel true 1 2\n@data\n1,2:1\n3,4:2\n",
        "a.arff": "@relation r\n@attribute a numeric\n@attribute b numeric\n@attribute c {1,2}\n@data\n1,2,1\n3,4,2\n",
        "a.tsv": "1\t1\t2\n2\t3\t4\n",
    }
    for name, content in contents.items():
        file = write(tmp_path, name, content)
        X, y = read_data(compress(file, suffix) if suffix else file)
        assert X.tolist() == [[1, 2], [3, 4]], name
        assert y.tolist() == [1, 2], name
    file = write(tmp_path, "a.txt", "a\tOne\nb\tTwo\n")
    X, y = read_data(str(compress(file, suffix) if suffix else file))
    assert (X, y.tolist()) == (["One", "Two"], ["a", "b"])


def test_a_tsv_file_with_names_of_columns_is_a_table(tmp_path):
    X, y = read_data(write(tmp_path, "a.tsv", "kind\t0\t1\t2\nx\t7\t8\t9\n"), target="kind")
    assert (X.shape, y.tolist()) == ((1, 3), ["x"])
    X, y = read_data(write(tmp_path, "b.tsv", "0\t1\t2\n7\t8\t9\n"))
    assert (X.shape, y) == ((1, 3), None)
    X, y = read_data(write(tmp_path, "c.tsv", "left\t7\t8.5\nright\t7\t9\n"))
    assert (X.tolist(), y.tolist()) == ([[7, 8.5], [7, 9]], ["left", "right"])


def test_a_folder_is_read_and_learnt_from(tmp_path):
    X, words = make_spoken_tones(40, n_words=2, random_state=0)
    write_wav_folder(tmp_path, X, words, 8000)
    paths, labels = read_data(tmp_path)
    assert len(paths) == len(labels) == 40
    classifier = SeqCNNClassifier("m3", encoder__width=8, max_epochs=1, n_jobs=1, random_state=0).fit(paths, labels)
    assert set(classifier.classes_) == {"alpha", "bravo"}


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("a.ts", "a '.ts' file, which holds its labels or targets in a place of their own"),
        ("a.arff", "an '.arff' file, whose last attribute is the label or target"),
        ("a.txt", "a '.txt' file, which has its labels in front of the texts"),
        ("", "a folder of audio files, whose subfolders are the classes"),
    ],
)
def test_a_target_for_what_is_no_table_is_refused(tmp_path, name, received):
    path = write(tmp_path, name, "") if name else tmp_path
    message = (
        "The 'target' parameter of read_data names a column of a table (csv, tsv, parquet, feather, jsonl). "
        f"Received: target='label' with {received}. Leave target out."
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_data(path, target="label")


def test_paths_and_formats_that_are_not_known_are_reported(tmp_path):
    message = f"read_data finds no file '{tmp_path / 'none.csv'}'. Check the spelling, and the working folder."
    with pytest.raises(FileNotFoundError, match=whole(message)):
        read_data(tmp_path / "none.csv")
    file = write(tmp_path, "a.docx", "")
    message = (
        "read_data reads folders of audio files and files that end in .ts, .arff, .csv, .tsv, .parquet, .feather, "
        f".jsonl or .txt, also compressed. Received: '{file}'. Rename the file, or convert it."
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_data(file)
    message = (
        "The 'path' parameter of read_data must be a string or a pathlib.Path. Received: 3. Pass the path of a file."
    )
    with pytest.raises(TypeError, match=whole(message)):
        read_data(3)
    message = f"read_text reads files, but '{tmp_path}' is a folder. Pass a file in it."
    with pytest.raises(IsADirectoryError, match=whole(message)):
        read_text(tmp_path)


def test_damaged_compression_is_reported(tmp_path):
    file = compress(write(tmp_path, "a.txt", "One\n" * 1000), ".gz")
    file.write_bytes(file.read_bytes()[:-10])
    message = f"read_text cannot read '{file}': its compression is damaged. Get the file again."
    with pytest.raises(ValueError, match=whole(message)):
        read_data(file)
    for suffix in (".zip", ".xz"):
        file = write(tmp_path, f"a.csv{suffix}", "not compressed")
        message = f"read_data cannot read '{file}': its compression is damaged. Get the file again."
        with pytest.raises(ValueError, match=whole(message)):
            read_data(file)
    with zipfile.ZipFile(tmp_path / "b.ts.zip", "w") as archive:
        archive.writestr("a.ts", "")
        archive.writestr("b.ts", "")
    message = (
        f"'{tmp_path / 'b.ts.zip'}' must hold one file to be read as one, but it holds 2. Unpack it and pass "
        "one of its "
        "files."
    )
    with pytest.raises(ValueError, match=whole(message)):
        read_data(tmp_path / "b.ts.zip")
