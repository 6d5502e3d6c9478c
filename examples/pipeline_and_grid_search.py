"""Inside scikit-learn: a Pipeline, a GridSearchCV over encoders and widths, and features for another model.

Run it with ``python examples/pipeline_and_grid_search.py``; it needs no download.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder
from seqcnn.datasets import make_alphabet_text, make_shapes_in_noise


def search_series() -> None:
    """Search for an encoder, its width, and whether differences of the series help."""
    X, y = make_shapes_in_noise(120, random_state=0)
    X_test, y_test = make_shapes_in_noise(100, random_state=1)
    pipeline = Pipeline(
        [
            ("slope", FunctionTransformer(np.diff, kw_args={"axis": 1})),
            ("classify", SeqCNNClassifier(max_epochs=10, random_state=0)),
        ]
    )
    grid = {
        "slope": ["passthrough", pipeline["slope"]],
        "classify__encoder": ["fcn", "resnet"],
        "classify__encoder__width": [8, 16],
    }
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, y)
    columns = ["param_slope", "param_classify__encoder", "param_classify__encoder__width", "mean_test_score"]
    table = pd.DataFrame(search.cv_results_)[columns].sort_values("mean_test_score", ascending=False)
    table.columns = [name.removeprefix("param_").removeprefix("classify__") for name in columns]
    table["slope"] = np.where(table["slope"].astype(str) == "passthrough", "no", "yes")
    print(table.round(3).to_string(index=False))
    print(f"the best on new series: accuracy {search.score(X_test, y_test):.3f}")


def search_text() -> None:
    """Search over strings: scikit-learn splits a list of texts as it splits an array."""
    X, y = make_alphabet_text(160, random_state=0)
    classifier = SeqCNNClassifier("zhang-small", max_epochs=4, random_state=0)
    search = GridSearchCV(classifier, {"encoder__width": [32, 64]}, cv=2, n_jobs=2).fit(X, y)
    print(
        f"text: the best width is {search.best_params_['encoder__width']}, accuracy {search.best_score_:.3f} in folds"
    )


def embed_series() -> None:
    """Use a trained encoder as a transformer, whose features go into a logistic regression."""
    X, y = make_shapes_in_noise(120, random_state=0)
    X_test, y_test = make_shapes_in_noise(100, random_state=1)
    model = make_pipeline(
        SeqCNNEmbedder("fcn", encoder__width=16, max_epochs=10, random_state=0), LogisticRegression()
    ).fit(X, y)
    print(f"features into a logistic regression: accuracy {model.score(X_test, y_test):.3f}")


def main() -> None:
    search_series()
    search_text()
    embed_series()


if __name__ == "__main__":
    main()
