"""scikit-learn's handwritten digits as short sequences of eight channels: real data on any machine."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from seqcnn._checks import check_choice
from seqcnn._types import FloatArray, IntegerArray

N_TEST_CASES = 500
SPLIT_SEED = 0


def load_digit_sequences(split: Literal["train", "test"] | None = "train") -> tuple[FloatArray, IntegerArray]:
    """Return handwritten digits, read from left to right, as sequences of eight channels.

    An image of 8 x 8 pixels becomes a sequence of eight steps: its rows are the channels, its columns the time steps.
    The data comes with scikit-learn; nothing is downloaded.

    Parameters
    ----------
    split : {"train", "test"} or None, default="train"
        A fixed split, the same on every machine, stratified by digit: 1,297 cases to train and 500 to test.
        None gives all 1,797 cases.

    Returns
    -------
    X : float32 array of shape (n_cases, 8, 8)
        The ink of a pixel, from 0 to 16: (case, row, column).
    y : int64 array of shape (n_cases,)
        The digits, 0 to 9.

    Raises
    ------
    ValueError
        If ``split`` is not known.

    Notes
    -----
    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49 (its test part, as `sklearn.datasets.load_digits` has it).

    Examples
    --------
    >>> X, y = load_digit_sequences("train")
    >>> X.shape, X.dtype.name, y[:5]
    ((1297, 8, 8), 'float32', array([0, 1, 2, 3, 4]))
    """
    check_choice("split", split, ("train", "test", None), caller="load_digit_sequences")
    digits = load_digits()
    X, y = digits.images.astype(np.float32), digits.target.astype(np.int64)
    if split is None:
        return X, y
    train, test = train_test_split(np.arange(len(y)), test_size=N_TEST_CASES, stratify=y, random_state=SPLIT_SEED)
    chosen = np.sort(train if split == "train" else test)
    return X[chosen], y[chosen]
