"""Readers find, read and refuse as their docstrings say; generators are seeded and carry what is to be learnt."""

from __future__ import annotations

import ast
import hashlib
import lzma
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import seqcnn.datasets
from seqcnn.datasets import (
    list_tser,
    list_ucr,
    list_uea,
    load_ag_news,
    load_banking77,
    load_cmapss,
    load_digit_sequences,
    load_fsdd,
    load_hapt,
    load_languages,
    load_names,
    load_speech_commands,
    load_speech_commands_mini,
    load_tser,
    load_ucr,
    load_uea,
    make_alphabet_text,
    make_shapes_in_noise,
    make_spoken_tones,
    read_ts,
    write_wav_folder,
)
from seqcnn.datasets._ag_news import REMOTES as NEWS_FILES
from seqcnn.datasets._alphabets import ALPHABETS, LANGUAGES
from seqcnn.datasets._banking77 import REMOTES as BANKING
from seqcnn.datasets._download import Remote
from seqcnn.datasets._locate import DataSet
from seqcnn.datasets._shapes import SHAPES
from seqcnn.datasets._tones import WORDS

CARDS = Path(__file__).parents[1] / "datasets"


def whole(message: str) -> str:
    """Match the whole message, not a part of it."""
    return rf"^{re.escape(message)}\Z"


@pytest.fixture(autouse=True)
def _no_data_by_chance(request, monkeypatch, tmp_path):
    """Only tests that are marked so may see the data of this machine, and none its cache."""
    monkeypatch.setenv("SEQCNN_CACHE", str(tmp_path / "cache"))
    if request.node.get_closest_marker("real_data") is None:
        monkeypatch.delenv("SEQCNN_DATA", raising=False)
    elif not os.environ.get("SEQCNN_DATA"):
        pytest.skip("This test needs the real data sets; set SEQCNN_DATA to the folder that holds them.")


# --------------------------------------------------------------------------------------------- where data is looked for


def save_archive(folder, name, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "X_train": np.arange(12, dtype=np.float32).reshape(3, 4),
        "y_train": np.array([1, 2, 1], dtype=np.int16),
        "X_test": np.arange(8, dtype=np.float32).reshape(2, 4) + 100,
        "y_test": np.array([2, 1], dtype=np.int16),
    } | changes
    np.savez(folder / f"{name}.npz", **{key: value for key, value in arrays.items() if value is not None})
    return folder


def test_an_explicit_path_is_taken_before_the_environment(tmp_path, monkeypatch):
    save_archive(tmp_path / "mine", "Mine")
    save_archive(tmp_path / "root" / "ucr", "FromTheRoot")
    monkeypatch.setenv("SEQCNN_DATA", str(tmp_path / "root"))
    assert list_ucr() == ["FromTheRoot"]
    assert list_ucr(tmp_path / "mine") == ["Mine"]
    assert list_ucr(str(tmp_path / "mine")) == ["Mine"]


def test_without_path_and_environment_the_cache_is_looked_in_and_the_error_says_what_to_do(tmp_path):
    message = (
        f"load_ucr finds no folder '{tmp_path / 'cache' / 'ucr'}' (in the cache) for the data set UCR archive. Call "
        "fetch_ucr to download it, set SEQCNN_DATA to the folder that holds 'ucr', or pass path= with the data set's "
        "own folder. The card datasets/ucr.md tells how to get the data."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        load_ucr("GunPoint")
    save_archive(tmp_path / "cache" / "ucr", "GunPoint")
    assert load_ucr("GunPoint")[0].shape == (3, 4)


def test_a_set_that_is_not_in_the_folder_of_the_environment_is_taken_from_the_cache(tmp_path, monkeypatch):
    save_archive(tmp_path / "root" / "ucr", "FromTheRoot")
    save_archive(tmp_path / "cache" / "ucr", "FromTheCache")
    monkeypatch.setenv("SEQCNN_DATA", str(tmp_path / "root"))
    assert list_ucr() == ["FromTheCache", "FromTheRoot"]
    assert load_ucr("FromTheCache")[0].shape == load_ucr("FromTheRoot")[0].shape == (3, 4)
    assert list_ucr(tmp_path / "root" / "ucr") == ["FromTheRoot"]


def test_a_folder_that_is_not_there_is_named(tmp_path, monkeypatch):
    message = (
        f"load_ag_news finds no folder '{tmp_path / 'text' / 'ag_news'}' (under $SEQCNN_DATA) or "
        f"'{tmp_path / 'cache' / 'text' / 'ag_news'}' (in the cache) for the data set AG News. Call fetch_ag_news to "
        "download it, set SEQCNN_DATA to the folder that holds 'text/ag_news', or pass path= with the data set's own "
        "folder. The card datasets/ag_news.md tells how to get the data."
    )
    monkeypatch.setenv("SEQCNN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=whole(message)):
        load_ag_news()
    message = (
        f"load_fsdd finds no folder '{tmp_path / 'none'}' (the 'path' parameter) for the data set Free Spoken Digit "
        "Dataset. Call fetch_fsdd to download it, set SEQCNN_DATA to the folder that holds 'fsdd', or pass path= with "
        "the data set's own folder. The card datasets/fsdd.md tells how to get the data."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        load_fsdd(path=tmp_path / "none")


def test_a_path_of_another_type_is_refused():
    message = (
        "The 'path' parameter of list_uea must be a string, a pathlib.Path or None. Received: 3. "
        "Pass the folder of the data set."
    )
    with pytest.raises(TypeError, match=whole(message)):
        list_uea(3)


@pytest.mark.parametrize(
    ("reader", "choices", "arguments"),
    [
        (load_ucr, "'train' or 'test'", ("GunPoint",)),
        (load_uea, "'train' or 'test'", ("BasicMotions",)),
        (load_fsdd, "'train' or 'test'", ()),
        (load_ag_news, "'train' or 'test'", ()),
        (load_tser, "'train' or 'test'", ("Covid3Month",)),
        (load_hapt, "'train' or 'test'", ()),
        (load_cmapss, "'train' or 'test'", ()),
        (load_banking77, "'train' or 'test'", ()),
        (load_names, "'train' or 'test'", ()),
        (load_languages, "'train' or 'test'", ()),
        (load_speech_commands, "'train', 'validation' or 'test'", ()),
        (load_speech_commands_mini, "'train', 'validation' or 'test'", ()),
        (load_digit_sequences, "'train', 'test' or None", ()),
    ],
)
def test_every_reader_refuses_an_unknown_split_before_it_looks_for_data(reader, choices, arguments):
    message = (
        f"The 'split' parameter of {reader.__name__} must be {choices}. Received: 'tset'. Did you mean 'test'? "
        "Pass one of the values named."
    )
    with pytest.raises(ValueError, match=whole(message)):
        reader(*arguments, "tset")


# ------------------------------------------------------------------------------------------------- UCR and UEA archives


def test_series_of_equal_length_are_one_array(tmp_path):
    save_archive(tmp_path, "Even")
    X, y = load_ucr("Even", "test", path=tmp_path)
    assert X.shape == (2, 4)
    assert X.dtype == np.float32
    assert X[0, 0] == 100
    assert y.dtype == np.int64
    assert y.tolist() == [2, 1]


def test_padding_at_the_end_is_taken_away_and_missing_values_inside_stay(tmp_path):
    nan = np.nan
    train = np.array([[1, nan, 3, nan], [nan, 2, nan, nan], [nan, nan, nan, nan]])
    save_archive(tmp_path, "Ragged", X_train=train)
    X, _ = load_ucr("Ragged", "train", path=tmp_path)
    assert isinstance(X, list)
    assert all(series.dtype == np.float32 for series in X)
    np.testing.assert_array_equal(X[0], [1, nan, 3])
    np.testing.assert_array_equal(X[1], [nan, 2])
    assert X[2].shape == (4,), "a series without any value is missing, not of length zero"


def test_both_splits_have_one_form_even_if_only_the_other_is_padded(tmp_path):
    save_archive(tmp_path, "Ragged", X_test=np.array([[1, 2, 3, np.nan], [1, 2, 3, 4]]))
    X, _ = load_ucr("Ragged", "train", path=tmp_path)
    assert [series.shape for series in X] == [(4,)] * 3
    assert isinstance(X, list)


def test_a_last_value_that_is_known_to_be_missing_is_not_taken_for_padding(tmp_path):
    test = np.array([[1, 2, 3, np.nan], [1, 2, 3, 4]])
    save_archive(tmp_path, "MelbournePedestrian", X_test=test)
    X, _ = load_ucr("MelbournePedestrian", "test", path=tmp_path)
    np.testing.assert_array_equal(X, test.astype(np.float32))


def test_series_of_several_channels_end_where_the_last_channel_ends(tmp_path):
    train = np.ones((3, 2, 4))
    train[0, :, 3] = np.nan
    train[1, 0, 1:] = np.nan
    save_archive(tmp_path, "Ragged", X_train=train, y_train=np.array(["a", "b", "a"]), X_test=np.ones((2, 2, 4)))
    X, y = load_uea("Ragged", "train", path=tmp_path)
    assert [series.shape for series in X] == [(2, 3), (2, 4), (2, 4)]
    assert np.isnan(X[1][0, 1:]).all()
    assert y.tolist() == ["a", "b", "a"]


def test_several_channels_of_equal_length_are_one_array(tmp_path):
    save_archive(tmp_path, "Even", X_train=np.zeros((3, 2, 5)), X_test=np.zeros((2, 2, 5)))
    X, y = load_uea("Even", "test", path=tmp_path)
    assert X.shape == (2, 2, 5)
    assert X.dtype == np.float32
    assert y.tolist() == [2, 1]
    assert list_uea(tmp_path) == ["Even"]


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), n_channels=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_what_is_padded_comes_back_as_it_was(tmp_path_factory, lengths, n_channels):
    folder = tmp_path_factory.mktemp("uea")
    records = [np.random.RandomState(n).normal(size=(n_channels, n)).astype(np.float32) for n in lengths]
    padded = np.full((len(lengths), n_channels, 10), np.nan, dtype=np.float32)
    for row, record in zip(padded, records, strict=True):
        row[:, : record.shape[1]] = record
    labels = np.zeros(len(lengths), dtype=np.int64)
    save_archive(folder, "Ragged", X_train=padded, y_train=labels, X_test=padded, y_test=labels)
    X, _ = load_uea("Ragged", path=folder)
    for received, record in zip(X, records, strict=True):
        np.testing.assert_array_equal(received, record)


def test_a_misspelt_name_is_answered_with_the_name_that_was_meant(tmp_path):
    save_archive(tmp_path, "GunPoint")
    save_archive(tmp_path, "Coffee")
    message = (
        f"The 'name' parameter of load_ucr must be one of the 2 data sets in '{tmp_path}'. Received: 'gunpoint'. "
        "Did you mean 'GunPoint'? Call list_ucr to see the names."
    )
    with pytest.raises(ValueError, match=whole(message)):
        load_ucr("gunpoint", path=tmp_path)
    message = (
        f"The 'name' parameter of load_uea must be one of the 2 data sets in '{tmp_path}'. Received: '../Coffee2000'. "
        "Call list_uea to see the names."
    )
    with pytest.raises(ValueError, match=whole(message.replace("2000", "/../x/y/z"))):
        load_uea("../Coffee/../x/y/z", path=tmp_path)


def test_a_folder_without_data_sets_is_reported(tmp_path):
    message = (
        f"list_ucr finds no npz file in '{tmp_path}'. "
        "Call fetch_ucr to download it. "
        "The card datasets/ucr.md tells what belongs there and how to get it."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        list_ucr(tmp_path)


@pytest.mark.parametrize("damage", ["text", "cut", "flipped", "empty", "incomplete", "pickle"])
def test_a_damaged_archive_is_reported(tmp_path, damage):
    save_archive(tmp_path, "Bad", y_test=None if damage == "incomplete" else np.array([2, 1]))
    file = tmp_path / "Bad.npz"
    content = file.read_bytes()
    if damage == "flipped":
        position = content.index(b"NUMPY") + 140
        file.write_bytes(content[:position] + b"\xff" + content[position + 1 :])
    elif damage == "pickle":
        save_archive(tmp_path, "Bad", y_test=np.array([None, "a"], dtype=object))
    elif damage != "incomplete":
        file.write_bytes({"text": b"not an archive", "cut": content[: len(content) // 2], "empty": b""}[damage])
    message = (
        f"load_ucr cannot read '{file}': it is no npz file with the arrays X_train, y_train, X_test and y_test. "
        "Get the file again, as the card datasets/ucr.md tells."
    )
    with pytest.raises(ValueError, match=whole(message)):
        load_ucr("Bad", path=tmp_path)


def test_arrays_of_the_wrong_shape_are_reported(tmp_path):
    save_archive(tmp_path, "Bad", y_test=np.array([1]))
    message = (
        f"load_ucr cannot read '{tmp_path / 'Bad.npz'}': X_test must be numbers in 2 dimensions with one label in "
        "y_test for each case, but their shapes are (2, 4) and (1,). Get the file again, "
        "as the card datasets/ucr.md tells."
    )
    with pytest.raises(ValueError, match=whole(message)):
        load_ucr("Bad", path=tmp_path)
    with pytest.raises(ValueError, match=r"X_train must be numbers in 3 dimensions"):
        load_uea("Bad", path=tmp_path)


# ----------------------------------------------------------------------------------------------------- audio in folders


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names_of(paths):
    return ["/".join(Path(path).parts[-2:]) for path in paths]


def test_spoken_digits_are_split_by_index_and_sorted_by_number(tmp_path):
    recordings = [
        "0_theo_12.wav",
        "0_theo_5.wav",
        "9_ann_49.wav",
        "0_theo_4.wav",
        "3_ann_0.wav",
        "README.wav",
        "1_a_7.txt",
    ]
    touch(tmp_path / "recordings", *recordings)
    X, y, speakers = load_fsdd("train", path=tmp_path, return_groups=True)
    assert names_of(X) == ["recordings/0_theo_5.wav", "recordings/0_theo_12.wav", "recordings/9_ann_49.wav"]
    assert all(isinstance(path, str) for path in X)
    assert y.tolist() == [0, 0, 9]
    assert speakers.tolist() == ["theo", "theo", "ann"]
    X, y = load_fsdd("test", path=tmp_path)
    assert names_of(X) == ["recordings/0_theo_4.wav", "recordings/3_ann_0.wav"]
    assert y.tolist() == [0, 3]


def test_a_split_without_recordings_is_reported(tmp_path):
    touch(tmp_path / "recordings", "0_theo_12.wav")
    message = (
        f"load_fsdd finds no recording of the split 'test' named DIGIT_SPEAKER_INDEX.wav in "
        f"'{tmp_path / 'recordings'}'. Call fetch_fsdd to download it. "
        "The card datasets/fsdd.md tells what belongs there and how to get it."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        load_fsdd("test", path=tmp_path)


def test_return_groups_must_be_true_or_false(tmp_path):
    message = (
        "The 'return_groups' parameter of load_fsdd must be True or False. Received: 'yes'. "
        "Pass return_groups=True or return_groups=False."
    )
    with pytest.raises(TypeError, match=whole(message)):
        load_fsdd(path=tmp_path, return_groups="yes")


@pytest.fixture
def folder_a_split(tmp_path):
    return touch(
        tmp_path,
        "train/left/bb_nohash_1.flac",
        "train/left/aa_nohash_0.flac",
        "train/right/aa_nohash_0.wav",
        "train/right/notes.txt",
        "train/right/._aa_nohash_0.txt",
        "validation/left/cc_nohash_0.flac",
    )


@pytest.fixture
def official_release(tmp_path):
    touch(
        tmp_path,
        *(f"{word}/{speaker}_nohash_0.wav" for word in ("left", "right") for speaker in ("aa", "bb", "cc")),
        "_background_noise_/running_tap.wav",
    )
    (tmp_path / "validation_list.txt").write_text("left/bb_nohash_0.wav\nright/bb_nohash_0.wav\nup/bb_nohash_0.wav\n")
    (tmp_path / "testing_list.txt").write_text("left/cc_nohash_0.wav\nright/cc_nohash_0.wav\n")
    return tmp_path


def test_speech_commands_are_read_from_one_folder_a_split(folder_a_split):
    X, y, speakers = load_speech_commands("train", path=folder_a_split, return_groups=True)
    assert names_of(X) == ["left/aa_nohash_0.flac", "left/bb_nohash_1.flac", "right/aa_nohash_0.wav"]
    assert y.tolist() == ["left", "left", "right"]
    assert speakers.tolist() == ["aa", "bb", "aa"]
    X, y = load_speech_commands("validation", path=folder_a_split)
    assert y.tolist() == ["left"]


@pytest.mark.parametrize("reader", [load_speech_commands, load_speech_commands_mini])
@pytest.mark.parametrize(("split", "speaker"), [("train", "aa"), ("validation", "bb"), ("test", "cc")])
def test_the_official_lists_split_by_speaker(official_release, reader, split, speaker):
    X, y, speakers = reader(split, path=official_release, return_groups=True)
    assert names_of(X) == [f"left/{speaker}_nohash_0.wav", f"right/{speaker}_nohash_0.wav"]
    assert y.tolist() == ["left", "right"]
    assert speakers.tolist() == [speaker, speaker]


def test_words_select_in_sorted_order_and_once(official_release):
    _, y = load_speech_commands("train", words=["right", "left", "right"], path=official_release)
    assert y.tolist() == ["left", "right"]
    _, y = load_speech_commands_mini("train", words=("right",), path=official_release)
    assert y.tolist() == ["right"]


def test_unknown_words_are_answered_with_the_words_there_are(official_release):
    message = (
        f"The 'words' parameter of load_speech_commands must hold words that have a folder in '{official_release}'. "
        "Received: 'lefft' and 'up'. Did you mean 'left'? The words there are left and right."
    )
    with pytest.raises(ValueError, match=whole(message)):
        load_speech_commands("train", words=["up", "lefft", "right"], path=official_release)
    message = (
        f"The 'words' parameter of load_speech_commands must hold words that have a folder in '{official_release}'. "
        "Received: no word. The words there are left and right."
    )
    with pytest.raises(ValueError, match=whole(message)):
        load_speech_commands("train", words=[], path=official_release)


@pytest.mark.parametrize("words", ["left", 3, ["left", 3]])
def test_words_must_be_a_list_of_strings(official_release, words):
    message = (
        "The 'words' parameter of load_speech_commands_mini must be a list of strings or None. "
        f"Received: {words!r}. Pass words=['left', 'right'], for example."
    )
    with pytest.raises(TypeError, match=whole(message)):
        load_speech_commands_mini("train", words=words, path=official_release)


def test_parts_of_speech_commands_that_are_not_there_are_reported(folder_a_split):
    message = (
        f"load_speech_commands finds no folder 'test' in '{folder_a_split}'. "
        "Call fetch_speech_commands to download it. "
        "The card datasets/speech_commands.md tells what belongs there and how to get it."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        load_speech_commands("test", path=folder_a_split)


def test_a_release_without_its_lists_is_reported(official_release):
    (official_release / "testing_list.txt").unlink()
    message = (
        f"load_speech_commands_mini finds no file 'testing_list.txt' in '{official_release}'. "
        "The card datasets/speech_commands.md tells what belongs there and how to get it."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        load_speech_commands_mini("train", path=official_release)


def test_a_selection_without_recordings_is_reported(official_release):
    (official_release / "validation_list.txt").write_text("")
    message = (
        "load_speech_commands finds no recording of the split 'validation' named WORD/SPEAKER_nohash_INDEX.wav in "
        f"'{official_release}'. Call fetch_speech_commands to download it. "
        "The card datasets/speech_commands.md tells what belongs there and how to get it."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        load_speech_commands("validation", path=official_release)


# -------------------------------------------------------------------------------------------------------------- AG News

NEWS = '"1","Talks, again","A second\\team met for  #36;10; \\""fine\\"" &lt;b&gt;"\n2,Match,Été\n'


@pytest.fixture
def news(tmp_path):
    (tmp_path / "classes.txt").write_text("World\nSports\n", encoding="utf-8")
    (tmp_path / "test.csv").write_text(NEWS, encoding="utf-8")
    return tmp_path


def test_news_is_title_and_description_with_backslashes_as_spaces(news):
    X, y = load_ag_news("test", path=news)
    assert X == ['Talks, again A second team met for  #36;10;  "fine " &lt;b&gt;', "Match Été"]
    assert y.tolist() == ["World", "Sports"]


def test_the_whole_training_split_is_taken_before_a_part_of_it(news):
    with lzma.open(news / "train_subset.csv.xz", "wt", encoding="utf-8") as stream:
        stream.write("2,a,part\n")
    assert load_ag_news("train", path=news)[0] == ["a part"]
    (news / "train.csv").write_text("2,the,whole\n")
    assert load_ag_news("train", path=news)[0] == ["the whole"]


@pytest.mark.parametrize("missing", ["classes.txt", "test.csv"])
def test_a_missing_news_file_is_named(news, missing):
    (news / missing).unlink()
    message = (
        f"load_ag_news finds no file '{missing}' in '{news}'. "
        "Call fetch_ag_news to download it. "
        "The card datasets/ag_news.md tells what belongs there and how to get it."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        load_ag_news("test", path=news)


@pytest.mark.parametrize("row", ["3,no,such label", "World,a,name", "1,two columns", ""])
def test_a_row_that_is_no_news_is_named_by_its_line(news, row):
    (news / "test.csv").write_text(f"1,good,row\n{row}\n")
    message = (
        f"load_ag_news cannot read '{news / 'test.csv'}': line 2 is not a label from 1 to 2, a title and a "
        "description, separated by commas. Get the file again, as the card datasets/ag_news.md tells."
    )
    with pytest.raises(ValueError, match=whole(message)):
        load_ag_news("test", path=news)


@pytest.mark.parametrize("content", [b"1,\xff,latin", b""])
def test_a_damaged_news_file_is_reported(news, content):
    (news / "test.csv").write_bytes(content)
    reason = "it is no csv file in UTF-8, or its xz compression is damaged" if content else "it is empty"
    message = (
        f"load_ag_news cannot read '{news / 'test.csv'}': {reason}. "
        "Get the file again, as the card datasets/ag_news.md tells."
    )
    with pytest.raises(ValueError, match=whole(message)):
        load_ag_news("test", path=news)


def test_damaged_compression_is_reported(news):
    whole_file = lzma.compress(b"1,a,text\n" * 50)
    for content in (whole_file[:-20], b"no xz at all"):
        (news / "train.csv.xz").write_bytes(content)
        message = (
            f"load_ag_news cannot read '{news / 'train.csv.xz'}': it is no csv file in UTF-8, or its xz compression is "
            "damaged. Get the file again, as the card datasets/ag_news.md tells."
        )
        with pytest.raises(ValueError, match=whole(message)):
            load_ag_news("train", path=news)


# ------------------------------------------------------------------------------------------------ digits and generators


def test_digits_are_split_once_for_all_and_stratified():
    X, y = load_digit_sequences("train")
    X_test, y_test = load_digit_sequences("test")
    X_all, y_all = load_digit_sequences(None)
    assert X.shape == (1297, 8, 8)
    assert X_test.shape == (500, 8, 8)
    assert X.dtype == np.float32
    assert y.dtype == np.int64
    together = {image.tobytes() for image in X} | {image.tobytes() for image in X_test}
    assert together == {image.tobytes() for image in X_all}
    assert np.bincount(y_test).tolist() == [50, 51, 49, 51, 50, 51, 50, 50, 48, 50]
    assert (np.bincount(y) + np.bincount(y_test) == np.bincount(y_all)).all()


def test_the_columns_of_a_digit_are_its_time():
    X, y = load_digit_sequences(None)
    one = X[y == 1].mean(axis=0)
    assert one.max(axis=0).argmax() in (3, 4), "a one is a stroke in the middle columns"
    assert one[:, 0].max() < 1
    assert one[0].max() > 5, "and reaches from the first row to the last"
    assert one[7].max() > 5


@given(
    n_cases=st.integers(1, 20),
    n_classes=st.integers(2, len(SHAPES)),
    length=st.integers(16, 60),
    n_channels=st.integers(1, 3),
    ragged=st.booleans(),
    random_state=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_shapes_have_the_form_that_was_asked_for(n_cases, n_classes, length, n_channels, ragged, random_state):
    parameters = {"n_classes": n_classes, "length": length, "n_channels": n_channels, "ragged": ragged}
    X, y = make_shapes_in_noise(n_cases, **parameters, random_state=random_state)
    again, y_again = make_shapes_in_noise(n_cases, **parameters, random_state=random_state)
    assert isinstance(X, list) == ragged
    for series, same in zip(X, again, strict=True):
        assert series.dtype == np.float32
        assert series.ndim == (1 if n_channels == 1 else 2)
        assert n_channels == 1 or series.shape[0] == n_channels
        assert length / 2 <= series.shape[-1] <= length
        assert ragged or series.shape[-1] == length
        assert np.isfinite(series).all()
        np.testing.assert_array_equal(series, same)
    assert y.tolist() == y_again.tolist()
    counts = [int((y == name).sum()) for name in list(SHAPES)[:n_classes]]
    assert sum(counts) == n_cases
    assert max(counts) - min(counts) <= 1


def test_without_noise_a_series_is_its_shape_and_nothing_else():
    X, y = make_shapes_in_noise(60, n_classes=6, noise=0.0, random_state=0)
    for series, name in zip(X, y, strict=True):
        assert np.count_nonzero(series) <= 32
        assert 0.7 <= series.max() <= 1.2
        assert (series.min() < -0.5) == (name == "sine_burst")
    starts = [int(np.flatnonzero(series)[0]) for series in X]
    assert max(starts) - min(starts) > 60, "the shapes are anywhere"


def test_shapes_can_be_told_by_their_spectrum():
    def spectrum(X):
        return np.abs(np.fft.rfft(X))

    X, y = make_shapes_in_noise(300, random_state=0)
    X_test, y_test = make_shapes_in_noise(150, random_state=1)
    model = KNeighborsClassifier(5).fit(spectrum(X), y)
    assert model.score(spectrum(X_test), y_test) > 0.7, "chance is 0.33"


@given(
    n_cases=st.integers(1, 6),
    n_words=st.integers(2, len(WORDS)),
    sample_rate=st.sampled_from([6000, 8000, 16000]),
    seconds=st.floats(0.1, 0.6),
    n_speakers=st.integers(1, 30),
    random_state=st.integers(0, 2**32 - 1),
)
@settings(max_examples=25, deadline=None)
def test_spoken_tones_are_waveforms(n_cases, n_words, sample_rate, seconds, n_speakers, random_state):
    parameters = {"n_words": n_words, "sample_rate": sample_rate, "seconds": seconds, "n_speakers": n_speakers}
    X, y, speakers = make_spoken_tones(n_cases, **parameters, random_state=random_state, return_groups=True)
    again, y_again = make_spoken_tones(n_cases, **parameters, random_state=random_state)
    for waveform, same in zip(X, again, strict=True):
        assert waveform.dtype == np.float32
        assert waveform.ndim == 1
        assert 0.8 * seconds * sample_rate - 1 <= len(waveform) <= 1.2 * seconds * sample_rate + 1
        assert 0.1 < np.abs(waveform).max() <= 1.0
        np.testing.assert_array_equal(waveform, same)
    assert y.tolist() == y_again.tolist()
    assert set(y.tolist()) <= set(list(WORDS)[:n_words])
    assert set(speakers.tolist()) <= {f"speaker{number + 1}" for number in range(n_speakers)}


def test_every_speaker_says_every_word():
    _, words, speakers = make_spoken_tones(48, random_state=0, return_groups=True)
    counts = Counter(zip(words.tolist(), speakers.tolist(), strict=True))
    assert len(counts) == 24
    assert set(counts.values()) == {2}


def bands_over_time(X):
    """Return the logarithm of the energy in 20 bands, in six parts of what is spoken."""
    features = []
    for waveform in X:
        energy = np.cumsum(waveform**2)
        start, end = np.searchsorted(energy / energy[-1], [0.01, 0.99])
        parts = np.array_split(waveform[start:end], 6)
        spectra = np.array([np.abs(np.fft.rfft(part, 1600))[:800] for part in parts])
        features.append(np.log(spectra.reshape(6, 20, 40).sum(axis=-1) + 1e-3).ravel())
    return np.array(features)


def test_words_can_be_told_from_speakers_that_were_not_heard():
    X, y, speakers = make_spoken_tones(200, random_state=0, return_groups=True)
    features, heard = bands_over_time(X), np.isin(speakers, ["speaker1", "speaker2", "speaker3", "speaker4"])
    model = LogisticRegression(max_iter=2000).fit(features[heard], y[heard])
    assert model.score(features[~heard], y[~heard]) > 0.7, "chance is 0.25"


def test_waveforms_are_written_one_folder_a_word_and_read_back(tmp_path):
    soundfile = pytest.importorskip("soundfile", reason="Writing wav files needs the package soundfile.")
    X, y, speakers = make_spoken_tones(12, n_words=2, n_speakers=2, random_state=0, return_groups=True)
    paths = write_wav_folder(tmp_path / "new" / "words", X, y, 8000, speakers)
    assert all(isinstance(path, str) for path in paths)
    assert len(set(paths)) == 12
    expected = {f"{w}/{w}_{s}_{i}.wav" for w in ("alpha", "bravo") for s in ("speaker1", "speaker2") for i in range(3)}
    assert set(names_of(paths)) == expected
    for path, waveform, word in zip(paths, X, y, strict=True):
        read, sample_rate = soundfile.read(path, dtype="float32")
        assert sample_rate == 8000
        assert Path(path).parent.name == word
        np.testing.assert_allclose(read, waveform, atol=1 / 32768)
    assert names_of(write_wav_folder(tmp_path, X[:1], ["one"], 8000)) == ["one/one_unknown_0.wav"]


def test_waveforms_that_cannot_be_written_are_refused_before_any_file_is(tmp_path):
    X, y = make_spoken_tones(2, n_words=2, random_state=0)
    message = (
        "The 'groups' parameter of write_wav_folder must be as long as X, 2. Received: 1 values. "
        "Pass one value for each waveform."
    )
    with pytest.raises(ValueError, match=whole(message)):
        write_wav_folder(tmp_path, X, y, 8000, ["ann"])
    message = (
        "The 'X' parameter of write_wav_folder must hold waveforms of shape (time,). "
        "Received: shape (1, 5) at position 1. Pass one channel."
    )
    with pytest.raises(ValueError, match=whole(message)):
        write_wav_folder(tmp_path, [X[0], np.zeros((1, 5))], y, 8000)
    message = (
        "The words and speakers of write_wav_folder must be usable in a file's name. Received: '../up'. "
        "Pass names of letters and digits."
    )
    with pytest.raises(ValueError, match=whole(message)):
        write_wav_folder(tmp_path, X, ["left", "../up"], 8000)
    message = (
        "The 'sample_rate' parameter of write_wav_folder must be an integer of at least 1. Received: 8000.5. "
        "Pass sample_rate=1 or more."
    )
    with pytest.raises(TypeError, match=whole(message)):
        write_wav_folder(tmp_path, X, y, 8000.5)
    assert list(tmp_path.iterdir()) == []


def test_without_soundfile_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    message = (
        "write_wav_folder needs the package soundfile, which cannot be imported. "
        "Install it with: pip install 'seqcnn[audio]'."
    )
    with pytest.raises(ImportError, match=whole(message)):
        write_wav_folder(tmp_path, [np.zeros(10)], ["left"], 8000)


@given(
    n_cases=st.integers(1, 20),
    n_languages=st.integers(2, len(LANGUAGES)),
    length=st.tuples(st.integers(1, 30), st.integers(0, 30)).map(lambda pair: (pair[0], sum(pair))),
    random_state=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_texts_have_their_length_and_the_letters_of_their_alphabet(n_cases, n_languages, length, random_state):
    X, y = make_alphabet_text(n_cases, n_languages=n_languages, length=length, random_state=random_state)
    X_again, y_again = make_alphabet_text(n_cases, n_languages=n_languages, length=length, random_state=random_state)
    assert X_again == X
    assert y.tolist() == y_again.tolist()
    for text, language in zip(X, y, strict=True):
        assert length[0] <= len(text) <= length[1]
        assert text == text.strip()
        assert "  " not in text
        assert set(text) <= {" ", *"".join(ALPHABETS[LANGUAGES[language]])}


def test_letters_do_not_tell_two_languages_of_one_alphabet_but_pairs_of_letters_do():
    X, y = make_alphabet_text(300, n_languages=2, random_state=0)
    X_test, y_test = make_alphabet_text(300, n_languages=2, random_state=1)
    scores = {}
    for size in (1, 2):
        counts = CountVectorizer(analyzer="char", ngram_range=(size, size))
        scores[size] = make_pipeline(counts, LogisticRegression(max_iter=1000)).fit(X, y).score(X_test, y_test)
    assert scores[1] < 0.65
    assert scores[2] > 0.95


@pytest.mark.parametrize("make", [make_shapes_in_noise, make_spoken_tones, make_alphabet_text])
def test_generators_take_every_kind_of_seed_and_leave_the_global_one_alone(make):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 (the global generator is what is watched)
    X, _ = make(5, random_state=3)
    same, _ = make(5, random_state=np.random.RandomState(3))
    other, _ = make(5, random_state=4)
    assert all(np.array_equal(one, two) for one, two in zip(X, same, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(X, other, strict=True))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    assert len(make(5)[0]) == 5


@pytest.mark.parametrize(
    ("make", "parameters", "message"),
    [
        (
            make_shapes_in_noise,
            {"n_classes": 7},
            "The 'n_classes' parameter of make_shapes_in_noise must be 2, 3, 4, 5 or 6. Received: 7. "
            "Pass one of the values named.",
        ),
        (
            make_shapes_in_noise,
            {"length": 10},
            "The 'length' parameter of make_shapes_in_noise must be an integer of at least 16. Received: 10. "
            "Pass length=16 or more.",
        ),
        (
            make_shapes_in_noise,
            {"noise": -1},
            "The 'noise' parameter of make_shapes_in_noise must be a number at least 0. Received: -1. "
            "Pass a value in that range.",
        ),
        (
            make_spoken_tones,
            {"sample_rate": 4000},
            "The 'sample_rate' parameter of make_spoken_tones must be an integer of at least 6000. Received: 4000. "
            "Pass sample_rate=6000 or more.",
        ),
        (
            make_spoken_tones,
            {"n_words": 9},
            "The 'n_words' parameter of make_spoken_tones must be 2, 3, 4, 5, 6, 7 or 8. Received: 9. "
            "Pass one of the values named.",
        ),
        (
            make_alphabet_text,
            {"n_languages": 1},
            "The 'n_languages' parameter of make_alphabet_text must be an integer of at least 2. Received: 1. "
            "Pass n_languages=2 or more.",
        ),
        (
            make_alphabet_text,
            {"length": (9, 3)},
            "The 'length' parameter of make_alphabet_text must be two integers, the fewest and the most characters, "
            "with 1 <= fewest <= most. Received: (9, 3). Pass length=(20, 80), for example.",
        ),
        (
            make_alphabet_text,
            {"length": 20},
            "The 'length' parameter of make_alphabet_text must be two integers, the fewest and the most characters, "
            "with 1 <= fewest <= most. Received: 20. Pass length=(20, 80), for example.",
        ),
    ],
)
def test_generators_refuse_what_they_cannot_make(make, parameters, message):
    with pytest.raises((TypeError, ValueError), match=whole(message)):
        make(4, **parameters)


# ---------------------------------------------------------------------------------------------------- package and cards


def test_the_data_sets_need_no_torch():
    code = "import sys, seqcnn.datasets; sys.exit('torch' in sys.modules or 'soundfile' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_on_a_card_and_every_card_in_the_table():
    cards = {card.name: card.read_text(encoding="utf-8") for card in CARDS.glob("*.md")}
    table = cards.pop("README.md")
    for name in seqcnn.datasets.__all__:
        assert any(re.search(rf"\b{name}\b", text) for text in cards.values()), f"no card speaks of {name}"
    for card in cards:
        assert f"({card})" in table
    assert not (CARDS / "__init__.py").exists(), "the folder of cards must not shadow a package named datasets"


@pytest.mark.parametrize(
    ("loader", "file", "reason"),
    [
        (
            load_hapt,
            "hapt_windows.npz",
            "it is no npz file with the arrays X, y and subject of both splits, and classes",
        ),
        (load_cmapss, "cmapss_fd001.npz", "it is no npz file with the arrays train, test and test_rul"),
        (load_banking77, "train.csv", "line 1 is not a text and a category, separated by a comma"),
        (load_languages, "sentences.tsv.xz", "it is no xz file of texts in UTF-8"),
    ],
)
def test_a_damaged_or_missing_file_of_the_other_sets_is_reported(tmp_path, loader, file, reason):
    card = {load_hapt: "hapt", load_cmapss: "cmapss", load_banking77: "banking77", load_languages: "languages"}[loader]
    message = (
        f"{loader.__name__} finds no file '{file}' in '{tmp_path}'. Call fetch_{card} to download it. The card "
        f"datasets/{card}.md tells what belongs there and how to get it."
    )
    with pytest.raises(FileNotFoundError, match=whole(message)):
        loader(path=tmp_path)
    (tmp_path / file).write_text("not this\n")
    message = (
        f"{loader.__name__} cannot read '{tmp_path / file}': {reason}. Get the file again, as the card "
        f"datasets/{card}.md tells."
    )
    with pytest.raises(ValueError, match=whole(message)):
        loader(path=tmp_path)


def test_every_loader_has_a_card_of_its_own_and_every_card_a_loader():
    table = (CARDS / "README.md").read_text(encoding="utf-8")
    rows = {
        card: set(re.findall(r"`(\w+)`", row))
        for card, row in re.findall(r"^\| \[(\w+\.md)\]\(\w+\.md\) \|(.*)$", table, flags=re.MULTILINE)
    }
    assert rows.keys() == {card.name for card in CARDS.glob("*.md")} - {"README.md"}
    loaders = {name for name in seqcnn.datasets.__all__ if name.startswith(("load_", "fetch_", "list_"))}
    assert loaders == {name for names in rows.values() for name in names if name.startswith(("load", "fetch", "list"))}
    assert sum(map(len, rows.values())) == len(set().union(*rows.values())), "a name stands in one row only"
    for card, names in rows.items():
        text = (CARDS / card).read_text(encoding="utf-8")
        assert all(re.search(rf"\b{name}\b", text) for name in names)
        assert names, f"{card} names no function"


def test_every_data_set_that_can_be_downloaded_can_be_loaded_and_its_card_tells_the_checksum():
    for name in seqcnn.datasets.__all__:
        if name.startswith("fetch_"):
            assert name.replace("fetch_", "load_") in seqcnn.datasets.__all__
    for module in [module for name, module in sys.modules.items() if name.startswith("seqcnn.datasets._")]:
        for value in vars(module).values():
            for remote in value if isinstance(value, tuple) else (value,):
                if isinstance(remote, Remote) and remote.checksum:
                    digest = remote.checksum.partition(":")[2]
                    assert any(digest in card.read_text(encoding="utf-8") for card in CARDS.glob("*.md")), remote.name
            if isinstance(value, DataSet):
                card = (CARDS / value.card).read_text(encoding="utf-8")
                assert value.fetch in card
                for part in ("What", "Licence", "Size and split", "Citation", "Checksum"):
                    assert f"**{part}.**" in card, f"{value.card} does not tell the {part}"
                for part in ("Files", "How to get it", "How to load it"):
                    assert f"\n## {part}\n" in card, f"{value.card} has no section '{part}'"


@pytest.mark.parametrize("card", sorted(CARDS.glob("*.md")), ids=lambda card: card.name)
def test_code_on_the_cards_imports_what_is_there(card):
    for block in re.findall(r"```python\n(.*?)```", card.read_text(encoding="utf-8"), flags=re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module == "seqcnn.datasets":
                assert {alias.name for alias in node.names} <= set(seqcnn.datasets.__all__)


def test_the_code_of_the_ucr_card_turns_the_release_into_what_the_reader_reads(tmp_path, monkeypatch):
    source = tmp_path / "UCRArchive_2018" / "Tiny"
    source.mkdir(parents=True)
    (source / "Tiny_TRAIN.tsv").write_text("1\t0.5\t1.5\tNaN\n2\t0.5\t1.5\t2.5\n")
    (source / "Tiny_TEST.tsv").write_text("2\t0.5\tNaN\tNaN\n1\t0.5\t1.5\t2.5\n")
    monkeypatch.chdir(tmp_path)
    convert = re.findall(r"```python\n(.*?)```", (CARDS / "ucr.md").read_text(encoding="utf-8"), flags=re.DOTALL)[0]
    exec(compile(convert, "ucr.md", "exec"), {})
    X, y = load_ucr("Tiny", "test", path="ucr")
    assert [series.tolist() for series in X] == [[0.5], [0.5, 1.5, 2.5]]
    assert y.tolist() == [2, 1]


def test_the_code_of_the_uea_card_turns_the_release_into_what_the_reader_reads(tmp_path, monkeypatch):
    for name in ("BasicMotions", "JapaneseVowels"):
        (tmp_path / "Multivariate_ts" / name).mkdir(parents=True)
        for part, cases in (("TRAIN", "1,2:3,4:a\n5,6:7,8:b"), ("TEST", "1,2,3:4,5,6:b")):
            file = tmp_path / "Multivariate_ts" / name / f"{name}_{part}.ts"
            file.write_text(f"@classLabel true a b\n@data\n{cases}\n")
    monkeypatch.chdir(tmp_path)
    convert = re.findall(r"```python\n(.*?)```", (CARDS / "uea.md").read_text(encoding="utf-8"), flags=re.DOTALL)[0]
    exec(compile(convert, "uea.md", "exec"), {})
    X, y = load_uea("BasicMotions", "train", path="uea")
    assert [series.tolist() for series in X] == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert y.tolist() == ["a", "b"]


# ------------------------------------------------------------------------------------------------------------ real data


@pytest.mark.real_data
def test_the_real_people_engines_and_targets_are_read():
    for split, n_windows, n_people in (("train", 7767, 21), ("test", 3162, 9)):
        X, y, people = load_hapt(split, return_groups=True)
        assert X.shape == (n_windows, 6, 128)
        assert len(set(people.tolist())) == n_people
        assert len(set(y.tolist())) == 12
    X, y, engines = load_cmapss("train", return_groups=True)
    assert X.shape == (20631 - 100 * 29, 24, 30)
    assert (y.min(), y.max(), len(set(engines.tolist()))) == (0, 125, 100)
    X, y = load_cmapss("test", window_length=31, maximum_life=1000)
    assert X.shape == (100, 24, 31)
    assert (y.min(), y.max()) == (7, 145)
    assert list_tser() == ["CardanoSentiment", "Covid3Month"]
    X, y = load_tser("CardanoSentiment", "test")
    assert X.shape == (33, 2, 24)
    assert y.dtype == np.float64


@pytest.mark.real_data
def test_the_real_questions_names_and_languages_are_read():
    assert [len(load_banking77(split)[0]) for split in ("train", "test")] == [10003, 3080]
    assert len(set(load_banking77()[1].tolist())) == 77
    assert [len(load_names(split)[0]) for split in ("train", "test")] == [16050, 4000]
    for texts, count in (("sentences", 74141), ("word-pairs", 74613), ("single-words", 74036)):
        parts = [load_languages(split, texts=texts) for split in ("train", "test")]
        assert sum(len(X) for X, _ in parts) == count
        assert all(len(set(y.tolist())) == 75 for _, y in parts)


@pytest.mark.real_data
@pytest.mark.parametrize(("folder", "remotes"), [("banking77", BANKING), ("ag_news", NEWS_FILES)])
def test_the_published_checksums_are_those_of_the_files_here(folder, remotes):
    remote = next(remote for remote in remotes if remote.name == "test.csv")
    algorithm, _, digest = remote.checksum.partition(":")
    content = (Path(os.environ["SEQCNN_DATA"]) / "text" / folder / "test.csv").read_bytes()
    assert hashlib.new(algorithm, content).hexdigest() == digest


@pytest.mark.real_data
def test_real_series_come_back_from_a_ts_file(tmp_path):
    X, y = load_uea("JapaneseVowels", "test")
    lines = [
        ":".join([",".join(map(repr, map(float, c))) for c in case] + [str(label)])
        for case, label in zip(X, y, strict=True)
    ]
    file = tmp_path / "a.ts"
    file.write_text(f"@classLabel true {' '.join(sorted({str(label) for label in y}))}\n@data\n" + "\n".join(lines))
    received, labels = read_ts(file)
    assert labels.tolist() == [int(float(label)) for label in y]
    for series, expected in zip(received, X, strict=True):
        np.testing.assert_array_equal(series, expected)


@pytest.mark.real_data
def test_the_real_archives_are_read():
    X, y = load_ucr("GunPoint", "test")
    assert X.shape == (150, 150)
    assert set(y.tolist()) == {1, 2}
    X, _ = load_ucr("PLAID", "train")
    assert isinstance(X, list)
    assert (min(map(len, X)), max(map(len, X))) == (100, 1344)
    assert not any(np.isnan(series).any() for series in X)
    X, _ = load_ucr("MelbournePedestrian", "test")
    assert X.shape == (2439, 24)
    assert np.isnan(X).any()
    X, y = load_uea("JapaneseVowels", "test")
    assert {series.shape[0] for series in X} == {12}
    assert len(X) == len(y) == 370
    X, y = load_uea("BasicMotions")
    assert X.shape == (40, 6, 100)
    assert "Standing" in y


@pytest.mark.real_data
def test_a_real_data_set_is_learnt_by_the_nearest_neighbour_as_published():
    X, y = load_ucr("GunPoint", "train")
    X_test, y_test = load_ucr("GunPoint", "test")
    assert KNeighborsClassifier(1).fit(X, y).score(X_test, y_test) == pytest.approx(0.9133, abs=1e-3)


@pytest.mark.real_data
def test_the_real_recordings_are_found():
    X, y, speakers = load_fsdd("train", return_groups=True)
    assert len(X) == 2700
    assert np.bincount(y).tolist() == [270] * 10
    assert len(set(speakers)) == 6
    assert len(load_fsdd("test")[0]) == 300
    X, y, heard = load_speech_commands("train", return_groups=True)
    assert all(Path(path).is_file() for path in X[:20])
    assert len(set(y)) == 9
    _, _, unheard = load_speech_commands("validation", return_groups=True)
    assert not set(heard) & set(unheard)
    assert [len(load_speech_commands_mini(split)[0]) for split in ("train", "validation", "test")] == [205, 44, 51]


@pytest.mark.real_data
def test_the_real_news_are_read():
    X, y = load_ag_news("test")
    assert X[0].startswith("Fears for T N pension after talks Unions representing workers")
    assert {name: int((y == name).sum()) for name in set(y.tolist())} == dict.fromkeys(
        ("World", "Sports", "Business", "Sci/Tech"), 1900
    )
    assert not any("\\" in text for text in X)
