"""Data of other libraries: aeon's and sktime's arrays and lists as they are, tslearn's with its axes exchanged.

Run it with ``python examples/other_libraries.py``. None of these libraries is needed: what is shown is the form in
which they keep series, which is also what their readers of data sets return.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from seqcnn import SeqCNNClassifier, from_tslearn
from seqcnn.datasets import make_shapes_in_noise


def main() -> None:
    X, y = make_shapes_in_noise(150, n_channels=2, random_state=0)
    forms = {
        "aeon and sktime, numpy3D (n, channels, time)": X,
        "aeon, np-list of (channels, time)": list(X),
        "tslearn (n, time, channels)": from_tslearn(np.swapaxes(X, 1, 2)),
        "torch tensor (n, channels, time)": torch.from_numpy(X),
        "pandas, a column of arrays": pd.DataFrame({"series": list(X)}),
    }
    answers = {}
    for name, data in forms.items():
        classifier = SeqCNNClassifier("fcn", encoder__width=16, max_epochs=12, random_state=0).fit(data, y)
        answers[name] = classifier.predict_proba(data)
        print(f"{name}: accuracy {classifier.score(data, y):.3f}")
    first, *others = answers.values()
    print(f"all forms give the same probabilities: {all(np.array_equal(first, other) for other in others)}")

    # Unequal lengths: aeon keeps a list, tslearn fills with NaN up to the longest.
    ragged, labels = make_shapes_in_noise(150, n_channels=2, ragged=True, random_state=0)
    padded = np.full((len(ragged), max(series.shape[1] for series in ragged), 2), np.nan)
    for row, series in enumerate(ragged):
        padded[row, : series.shape[1]] = series.T
    back = from_tslearn(padded)
    same = all(np.array_equal(ours, theirs.astype(np.float32)) for ours, theirs in zip(ragged, back, strict=True))
    print(f"unequal lengths come back from tslearn's padding: {same}")
    classifier = SeqCNNClassifier("fcn", encoder__width=16, max_epochs=12, random_state=0).fit(back, labels)
    print(f"tslearn, unequal lengths: accuracy {classifier.score(back, labels):.3f}")

    # The other way: (n, channels, time) to tslearn is the same exchange, and to a flat table a reshape.
    print(f"to tslearn: {np.swapaxes(X, 1, 2).shape}; to a flat table: {X.reshape(len(X), -1).shape}")


if __name__ == "__main__":
    main()
