"""Language identification: strings in, names of languages out, and where in a text the language changes.

Run it with ``python examples/language_identification.py``; the eight languages are invented. Some share an alphabet and
use its letters equally often, so counting letters cannot tell them apart, but their order can.
"""

from __future__ import annotations

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_alphabet_text


def main() -> None:
    X, y = make_alphabet_text(400, n_languages=8, random_state=0)
    X_test, y_test = make_alphabet_text(200, n_languages=8, random_state=1)
    print(f"{len(X)} texts in {len(set(y))} languages, such as {X[0][:30]!r} ({y[0]})")

    letters = make_pipeline(CountVectorizer(analyzer="char"), LogisticRegression(max_iter=1000)).fit(X, y)
    print(f"counts of letters: {letters.score(X_test, y_test):.3f}")

    # Windows of characters: a text's probabilities are the mean over its windows, and one text may hold several
    # languages.
    classifier = SeqCNNClassifier(window_length=20, hop_length=5, max_epochs=6, random_state=0).fit(X, y)
    print(f"network of characters: accuracy {classifier.score(X_test, y_test):.3f}")
    pieces = [X_test[row] for row in (0, 1, 2)]
    windows = classifier.predict_windows([" ".join(pieces)])
    windows["language"] = classifier.classes_[windows[classifier.classes_].to_numpy().argmax(axis=1)]
    print(f"one text of {', '.join(y_test[:3])}, of {', '.join(str(len(piece)) for piece in pieces)} characters:")
    changes = windows["language"].ne(windows["language"].shift()).cumsum()
    for _, stretch in windows.groupby(changes):
        center = (stretch["start"] + stretch["end"]) / 2
        language = stretch["language"].iloc[0]
        print(f"  {language:10} about characters {center.iloc[0]:.0f} to {center.iloc[-1]:.0f}")

    # Characters never seen in training are read as unknown ones, with a warning if there are many.
    strange = X_test[0].replace(X_test[0][0], "§")
    print(f"with a strange character for a letter: {classifier.predict([strange])[0]} (truth: {y_test[0]})")


if __name__ == "__main__":
    main()
