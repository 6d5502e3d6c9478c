"""Text: characters become codes, what is rare or unseen is unknown, and what is cut is told."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.inputs import Vocabulary, read_for_fit, read_for_predict

ME = "SeqCNNClassifier"

any_text = st.text(alphabet=st.characters())  # lone surrogates among them


def codes_of(X: Any, **parameters: Any) -> list[list[int]]:
    records, _ = read_for_fit(X, kind="text", caller=ME, **parameters)
    assert records.kind == "text"
    assert all(value.dtype == np.int32 and value.ndim == 1 for value in records.values)
    return [value.tolist() for value in records.values]


@pytest.mark.parametrize(
    "X",
    [
        ["ab", "b"],
        ("ab", "b"),
        np.array(["ab", "b"]),
        np.array(["ab", "b"], dtype=object),
        [np.str_("ab"), np.str_("b")],
        pd.Series(["ab", "b"]),
        pd.Series(["ab", "b"], dtype="string"),
        pd.Series(["ab", "b"], index=[7, 3], dtype=object),
        pd.DataFrame({"text": ["ab", "b"]}),
    ],
    ids=lambda X: type(X).__name__,
)
def test_all_forms_of_the_same_strings_give_the_same_codes(X: Any) -> None:
    assert codes_of(X) == [[3, 2], [2]]


@settings(deadline=None)
@given(st.lists(any_text, min_size=1, max_size=49))
def test_decoding_gives_the_encoded_text_back(texts: list[str]) -> None:
    records, contract = read_for_fit(texts, kind="text", caller=ME)
    assert contract.vocabulary is not None
    for text, codes in zip(texts, records.values, strict=True):
        normal = unicodedata.normalize("NFC", text)
        if normal:
            assert contract.vocabulary.decode(codes) == normal
        else:
            assert codes.tolist() == [1]


@settings(deadline=None)
@given(st.lists(st.text(alphabet="aéüñ\u0301\u0308가ㄱe"), min_size=1, max_size=5))
def test_composed_and_decomposed_letters_have_one_code(texts: list[str]) -> None:
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    decomposed = [unicodedata.normalize("NFD", text) for text in texts]
    assert codes_of(composed) == codes_of(decomposed) == codes_of(texts)


def test_characters_are_ordered_by_frequency_then_code_point() -> None:
    vocabulary = Vocabulary.learn(["bca", "cc", "\N{GRINNING FACE}b"])
    assert vocabulary.characters == "cba\N{GRINNING FACE}"
    assert vocabulary.size == 6
    assert [code.tolist() for code in vocabulary.encode(["cb\N{GRINNING FACE}", "x\U0010ffff"])] == [[2, 3, 5], [1, 1]]


def test_an_empty_vocabulary_knows_nothing() -> None:
    assert codes_of(["", ""]) == [[1], [1]]
    assert [code.tolist() for code in Vocabulary("").encode(["ab", ""])] == [[1, 1], [1]]


def test_from_50_records_on_what_only_one_of_them_holds_is_unknown() -> None:
    few = ["ab"] * 48 + ["zz"]
    assert Vocabulary.learn(few).characters == "abz"
    assert Vocabulary.learn([*few, "ab"]).characters == "ab"
    assert Vocabulary.learn([*few, "z"]).characters == "abz"


def test_at_most_4000_characters_are_learnt() -> None:
    texts = ["".join(map(chr, range(0x4E00, 0x4E00 + 5000))), chr(0x4E00 + 4999)]
    vocabulary = Vocabulary.learn(texts)
    assert vocabulary.size == 4002
    assert vocabulary.characters[0] == chr(0x4E00 + 4999)
    assert vocabulary.characters[-1] == chr(0x4E00 + 3998)


def test_the_vocabulary_is_learnt_from_the_training_records_only() -> None:
    records, contract = read_for_fit(["ab", "cd", "ba"], learn_from=np.array([0, 2]), caller=ME)
    assert contract.vocabulary == Vocabulary("ab")
    assert [value.tolist() for value in records.values] == [[2, 3], [1, 1], [3, 2]]


def test_many_texts_are_encoded_as_few_are() -> None:
    texts = ["ab" * (row % 3) for row in range(20_001)]  # more than two chunks, with empty ones among them
    codes = codes_of(texts)
    assert codes[:3] == [[1], [2, 3], [2, 3, 2, 3]]
    assert codes[19_998:] == codes[:3]


def test_long_texts_are_cut_with_one_warning() -> None:
    with pytest.warns(UserWarning, match="cut") as caught:
        codes = codes_of(["a" * 1500, "b" * 2044, "c"])
    assert [len(code) for code in codes] == [1014, 1014, 1]
    assert [str(warning.message) for warning in caught] == [
        "2 of 3 texts are longer than 1014 characters and were cut; the longest has 2,044. Pass max_characters=2044 to "
        "SeqCNNClassifier to read them whole, or set window_length to read them in windows."
    ]


def test_the_fitted_limit_holds_at_predict() -> None:
    _, contract = read_for_fit(["abc", "a"], max_characters=3, caller=ME)
    with pytest.warns(UserWarning, match="cut") as caught:
        records = read_for_predict(["abca", "b"], contract, caller=ME)
    assert records.lengths.tolist() == [3, 1]
    assert str(caught[0].message) == (
        "1 of 2 texts is longer than 3 characters and was cut; the longest has 4. Pass max_characters=4 to "
        "SeqCNNClassifier to read it whole, or set window_length to read it in windows."
    )


def test_without_a_limit_texts_are_read_whole() -> None:
    assert len(codes_of(["a" * 5000], max_characters=None)[0]) == 5000


def test_unknown_characters_at_predict_are_silent_up_to_half() -> None:
    _, contract = read_for_fit(["ab"], caller=ME)
    records = read_for_predict(["abxy", "", ""], contract, caller=ME)
    assert [value.tolist() for value in records.values] == [[2, 3, 1, 1], [1], [1]]


def test_more_unknown_than_known_characters_at_predict_warn_once() -> None:
    _, contract = read_for_fit(["ab"], caller=ME)
    with pytest.warns(UserWarning, match="unknown") as caught:
        read_for_predict(["axy", "xyz", ""], contract, caller=ME)
    assert [str(warning.message) for warning in caught] == [
        "5 of the 6 characters in X are unknown to SeqCNNClassifier, because the texts it was fitted on do not hold "
        "them (or hardly). Its predictions say little here: fit it on texts in this script."
    ]


def test_strings_in_two_dimensions_are_refused() -> None:
    with pytest.raises(ValueError) as caught:
        read_for_fit(np.array([["a"], ["b"]]), caller=ME)
    assert str(caught.value) == (
        "SeqCNNClassifier reads texts as a list of strings, one a record. Received: strings in an array of shape (2, "
        "1). Pass one column, X[:, 0], or join the columns to one text a record."
    )
