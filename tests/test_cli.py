"""The command line in process: what it prints and writes, and how it refuses."""

import json
import sys
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import LANGUAGES, RATE, SERIES, SOUNDS, TEXTS, WORDS, quick
from sklearn.metrics import accuracy_score, confusion_matrix, r2_score

import seqcnn
from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, load
from seqcnn.cli import data, main
from seqcnn.datasets import make_shapes_in_noise, write_wav_folder

X, Y = make_shapes_in_noise(40, n_classes=2, length=40, noise=0.1, random_state=1)
FIRST = np.equal(Y, Y[0])
QUICK = ("--encoder", "fcn", "-p", "encoder__width=8", "--max-epochs", "3", "--seed", "0", "-p", "n_jobs=1")


class Line:
    """The command line in an empty folder."""

    def __init__(self, capsys, monkeypatch, folder):
        self.capsys, self.monkeypatch, self.folder = capsys, monkeypatch, folder

    def __call__(self, *words, stdin=None, code=0):
        """Run it, and return what stands on standard output; everything else must go to standard error."""
        if stdin is not None:
            self.monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, words)))
        printed, self.aside = self.capsys.readouterr()
        assert ended.value.code == code, self.aside
        assert "\x1b" not in printed + self.aside
        assert "Traceback" not in self.aside
        return printed

    def refuses(self, *words, code=1, stdin=None):
        """Run it, and return its one sentence of error."""
        assert self(*words, code=code, stdin=stdin) == ""
        assert self.aside.startswith("Error: ")
        assert self.aside.count("\n") == 1
        return self.aside.removeprefix("Error: ").rstrip("\n")

    def table(self, name="train.csv", values=X, **columns):
        frame = pd.DataFrame(values, columns=[f"t{step}" for step in range(values.shape[1])]).assign(**columns)
        frame.to_csv(self.folder / name, index=False)
        return name


@pytest.fixture
def line(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return Line(capsys, monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def classifier():
    frame = pd.DataFrame(X, columns=[f"t{step}" for step in range(40)])
    return quick(max_epochs=3).fit(frame, Y)


@pytest.fixture
def model(classifier, line):
    classifier.save("model.seqcnn")
    return "model.seqcnn"


def read(text):
    return pd.read_csv(StringIO(text))


def test_fit_writes_the_model_that_the_same_fit_in_python_gives(line, classifier):
    printed = line("fit", line.table(shape=Y), "-o", "model.seqcnn", "--target", "shape", *QUICK)
    loaded = load("model.seqcnn")
    frame = pd.DataFrame(X, columns=loaded.feature_names_in_)
    np.testing.assert_array_equal(loaded.predict_proba(frame), classifier.predict_proba(frame))
    assert loaded.get_params() == classifier.get_params()
    rows = {row[:10].strip(): row[10:].strip() for row in printed.splitlines() if row.strip()}
    assert rows["records"] == "40 (series)"
    assert rows["classes"] == f"2: {classifier.classes_[0]} and {classifier.classes_[1]}"
    assert rows["training"].startswith("3 epochs in ")
    assert line.aside.startswith("Classification, because the target holds 2 different labels.\n")


def test_fit_measures_on_data_of_their_own(line):
    train, test = line.table(shape=Y), line.table("test.csv", X[::2], shape=Y[::2])
    report = json.loads(
        line("fit", train, "-o", "m", "--target", "shape", "--test", test, "--json", *QUICK, "-p", "verbose=0")
    )
    loaded = load("m")
    frame = pd.DataFrame(X[::2], columns=loaded.feature_names_in_)
    assert report["test_score"] == loaded.score(frame, Y[::2])
    assert (report["test_records"], report["records"], report["epochs"]) == (20, 40, 3)
    assert report["classes"] == loaded.classes_.tolist()
    assert report["weights"] == sum(tensor.numel() for tensor in loaded.network_.parameters())
    assert line.aside == ""


def test_fit_holds_back_a_share_of_each_class_that_it_does_not_train_on(line):
    table = line.table(shape=Y)
    report = json.loads(line("fit", table, "-o", "m", "--target", "shape", "--test-size", 0.25, "--json", *QUICK))
    assert (report["records"], report["test_records"]) == (30, 10)
    assert 0 <= report["test_score"] <= 1
    words = ("fit", table, "-o", "other", "--target", "shape", "--test-size", 0.001)
    assert line.refuses(*words, *QUICK, "-q") == (
        "--test-size must leave records to train on and records to measure on. Received: 0.001 of 40 records. Pass "
        "another share, or data of their own with --test."
    )


@pytest.mark.parametrize(
    ("target", "options", "kind", "reason"),
    [
        (np.arange(40) / 7, (), SeqCNNRegressor, "the target holds numbers that are not whole"),
        (np.arange(40) % 3, (), SeqCNNClassifier, "the target holds 3 different whole numbers in 40 records"),
        (np.arange(40), (), SeqCNNRegressor, "the target holds 40 different whole numbers in 40 records"),
        (np.arange(40) % 3, ("--regression",), SeqCNNRegressor, "--regression says so"),
        (np.arange(40) % 20 * 1.0, ("--classification",), SeqCNNClassifier, "--classification says so"),
        (np.arange(40) % 2 == 0, (), SeqCNNClassifier, "the target holds 2 different labels"),
    ],
)
def test_the_target_decides_what_is_learnt_and_the_line_says_why(line, target, options, kind, reason):
    table = line.table(amount=target)
    report = json.loads(line("fit", table, "-o", "m", "--target", "amount", "--json", *options, *QUICK))
    assert type(load("m")) is kind
    assert report["reason"].startswith(reason)
    assert report["task"] == ("regression" if kind is SeqCNNRegressor else "classification")


def test_quiet_prints_nothing(line):
    assert line("fit", line.table(shape=Y), "-o", "m", "--target", "shape", "-q", *QUICK) == ""
    assert line.aside == ""
    assert load("m").verbose == 0


def test_parameters_are_read_as_what_they_look_like(line):
    words = ("encoder__kernel_sizes=(5, 3)", "normalize=none", "early_stopping=FALSE", "learning_rate=1e-3")
    options = [part for word in words for part in ("--param", word)]
    line("fit", line.table(shape=Y), "-o", "m", "--target", "shape", "-q", *QUICK, *options)
    got = load("m").get_params()
    assert [got[word.split("=")[0]] for word in words] == [(5, 3), None, False, 1e-3]


def test_fit_refuses_before_it_reads_or_trains(line, monkeypatch):
    monkeypatch.setattr(seqcnn.datasets, "read_data", lambda *args, **kwargs: pytest.fail("read"))
    (line.folder / "there").write_text("mine")
    assert line.refuses("fit", "x.csv", "-o", "there") == (
        "The file there exists. Pass --force to replace it, or another name to --output."
    )
    assert line.refuses("fit", "x.csv", "-o", line.folder) == (
        f"A model is one file, but {line.folder} is a folder. Pass a file's path to --output."
    )
    assert line.refuses("fit", "x.csv", "-o", "nowhere/m") == (
        "There is no folder nowhere to save the model in. Make the folder first."
    )
    assert "Did you mean 'resnet'?" in line.refuses("fit", "x.csv", "-o", "m", "--encoder", "resnt")
    message = line.refuses("fit", "x.csv", "-o", "m", "-p", "max_epoch=3")
    assert message.startswith("SeqCNNClassifier has no parameter 'max_epoch'. Did you mean 'max_epochs'? ")
    assert line.refuses("fit", "x.csv", "-o", "m", "-p", "width", code=2) == (
        "Invalid value: --param takes NAME=VALUE. Received: 'width'. Write, say, --param encoder__width=32. 'seqcnn "
        "fit --help' shows how."
    )
    assert line.refuses("fit", "x.csv", "-o", "m", "--test", "y", "--test-size", 0.2, code=2) == (
        "Invalid value: Pass --test or --test-size, not both. 'seqcnn fit --help' shows how."
    )
    assert line.refuses("fit", "x.csv", "-o", "m", "--test-size", 2, code=2) == (
        "Invalid value: --test-size must lie between 0 and 1. Received: 2. Pass 0.2, say. 'seqcnn fit --help' "
        "shows how."
    )
    assert (line.folder / "there").read_text() == "mine"


def test_force_replaces_a_model(line):
    (line.folder / "m").write_text("old")
    line("fit", line.table(shape=Y), "-o", "m", "--target", "shape", "-q", "--force", *QUICK)
    assert load("m").classes_.tolist() == sorted(set(Y))


def test_fit_without_a_target_names_the_columns(line):
    table = line.table(values=X[:, :3], shape=np.arange(40))
    assert line.refuses("fit", table, "-o", "m") == (
        "The data in train.csv have no target to learn or to compare with. The columns are 't0', 't1', 't2' and "
        "'shape'. Pass --target and the name of its column."
    )


def test_what_is_wrong_with_the_data_is_one_sentence(line):
    assert "nowhere.csv" in line.refuses("fit", "nowhere.csv", "-o", "m", "--target", "shape")
    assert "Did you mean 'shape'?" in line.refuses("fit", line.table(shape=Y), "-o", "m", "--target", "shap")
    assert not (line.folder / "m").exists()


def test_a_text_model_from_a_table_to_lines_in_a_pipe(line, monkeypatch):
    pd.DataFrame({"text": TEXTS, "language": LANGUAGES}).to_csv("texts.csv", index=False)
    line(
        "fit", "texts.csv", "-o", "m", "--target", "language", "--max-epochs", 1, "--encoder", "fcn", "-q", "--seed", 0
    )
    expected = load("m").predict(TEXTS)
    monkeypatch.setattr(data, "LINES_AT_ONCE", 5)
    answers = read(line("predict", "m", "-", stdin="\n".join(TEXTS) + "\n"))
    assert answers["record"].tolist() == list(range(24))
    assert answers["prediction"].tolist() == expected.tolist()
    assert len(read(line("predict", "m", "-", stdin=f"{TEXTS[0]}\n\n{TEXTS[1]}"))) == 3
    assert line("predict", "m", "-", stdin="") == ""


def test_an_audio_model_from_folders_to_paths_in_a_pipe(line):
    paths = write_wav_folder("words", SOUNDS, WORDS, RATE)
    line("fit", "words", "-o", "m", "-q", *QUICK)
    expected = load("m").predict(sorted(paths)).tolist()
    from_folder = read(line("predict", "m", "words"))
    assert from_folder["path"].tolist() == sorted(paths)
    assert from_folder["prediction"].tolist() == expected
    from_pipe = read(line("predict", "m", "-", stdin="\n\n".join(sorted(paths))))
    pd.testing.assert_frame_equal(from_pipe, from_folder)
    assert read(line("predict", "m", sorted(paths)[3]))["prediction"].tolist() == expected[3:4]
    (line.folder / "empty").mkdir()
    assert line.refuses("predict", "m", "empty") == (
        "There are no audio files in the folder empty. Pass one that holds .wav, .flac, .ogg, .mp3, .aiff, .aif or .au "
        "files."
    )


def test_predict_gives_a_line_a_record(line, model, classifier):
    frame = pd.DataFrame(X, columns=classifier.feature_names_in_)
    answers = read(line("predict", model, line.table(), "--proba"))
    assert list(answers) == ["record", "prediction", *(f"probability_{label}" for label in classifier.classes_)]
    assert answers["prediction"].tolist() == classifier.predict(frame).tolist()
    np.testing.assert_allclose(answers.iloc[:, 2:], classifier.predict_proba(frame), atol=1e-6)


def test_predict_picks_the_columns_that_the_model_knows(line, model):
    plain = line("predict", model, line.table())
    assert line("predict", model, line.table("more.csv", shape=np.arange(40), other=1.5)) == plain
    assert line("predict", model, "more.csv", "--target", "shape") == plain


def test_predict_writes_files_in_both_formats(line, model):
    printed = line("predict", model, line.table(), "--proba")
    assert line("predict", model, "train.csv", "--proba", "-o", "out.csv") == ""
    assert line.aside == "40 lines in out.csv.\n"
    assert (line.folder / "out.csv").read_text() == printed
    lines = line("predict", model, "train.csv", "--proba", "--json")
    line("predict", model, "train.csv", "--proba", "-o", "out.jsonl")
    assert (line.folder / "out.jsonl").read_text() == lines
    objects = [json.loads(text) for text in lines.splitlines()]
    assert [row["prediction"] for row in objects] == read(printed)["prediction"].tolist()
    assert all(sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5) for row in objects)


def test_series_come_through_a_pipe_with_and_without_names(line, model, monkeypatch):
    expected = line(
        "predict", model, line.table(word="text in a column that the model does not know"), "--target", "word"
    )
    named = (line.folder / "train.csv").read_text()
    monkeypatch.setattr(data, "LINES_AT_ONCE", 7)
    assert line("predict", model, "-", stdin=named) == expected
    plain = "\n".join(",".join(map(str, row)) for row in X.tolist())
    assert line("predict", model, "-", stdin=plain) == expected
    assert line("predict", model, "-", stdin=plain.replace(",", "\t") + "\n\n") == expected


def test_series_of_unequal_length_come_through_a_pipe(line):
    records = [series[: 30 + row % 4] for row, series in enumerate(SERIES)]
    estimator = quick(SeqCNNRegressor).fit(records, np.arange(24.0))
    estimator.save("m")
    text = "\n".join(";".join(map(repr, record.tolist())) for record in records)
    answers = read(line("predict", "m", "-", stdin=text))
    assert answers["prediction"].tolist() == pytest.approx(estimator.predict(records).tolist(), rel=1e-6)


def test_columns_named_by_numbers_are_names(line):
    frame = pd.DataFrame(X, columns=[str(step) for step in range(40)])
    quick().fit(frame, Y).save("m")
    answers = read(line("predict", "m", "-", stdin=frame.to_csv(index=False)))
    assert answers["prediction"].tolist() == load("m").predict(frame).tolist()


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (
            ",".join(f"t{step}" for step in range(40)),
            "The input must hold a series a line, numbers with commas between them. Received: the one line "
            "'t0,t1,t2,t3,t4,t5,t6,t7,t8,t9,t10,t1.... This model reads series.",
        ),
        (
            ",".join("1" * 40) + "\n" + ",".join(["x"] * 40),
            "Line 2 of the input must hold numbers with commas between them. Received: 'x'. This model reads series; "
            "give a series a line.",
        ),
        (
            "a,b\n1,2\n",
            "The first line of the input must name the columns that the model was fitted on. Missing: 't0', 't1', "
            "'t10', 't11', 't12' and 35 more. Received: 'a,b'. Add these columns, or give values alone, a series "
            "a line.",
        ),
        (
            ",".join(f"t{step}" for step in range(40)) + "\n1,2\n",
            "Line 2 of the input must have a value for each of the 40 columns. Received: 2 values. Complete the line.",
        ),
    ],
)
def test_lines_that_are_no_series_are_named(line, model, stdin, message):
    assert line.refuses("predict", model, "-", stdin=stdin) == message


def test_an_error_far_down_a_pipe_says_where(line, monkeypatch):
    quick(max_epochs=1).fit([(wave, RATE) for wave in SOUNDS], WORDS).save("m")
    paths = write_wav_folder("words", SOUNDS, WORDS, RATE)
    monkeypatch.setattr(data, "LINES_AT_ONCE", 2)
    printed = line("predict", "m", "-", stdin="\n".join([*paths[:2], "nowhere.wav"]), code=1)
    assert len(printed.splitlines()) == 3
    assert line.aside == (
        "Error: In what follows the first 2 records, called X here: SeqCNNClassifier could not read 1 of 1 audio "
        "files: X[0] (nowhere.wav) does not exist. Repair these files, or drop them (and their targets) from X.\n"
    )


def test_windows_and_other_kinds_of_estimators(line):
    quick(window_length=20).fit(X, Y).save("windowed")
    answers = read(line("predict", "windowed", "-", "--windows", "--proba", stdin=",".join(map(str, X[0].tolist()))))
    table = load("windowed").predict_windows(X[:1])
    pd.testing.assert_frame_equal(answers[["record", "start", "end"]], table[["record", "start", "end"]])
    np.testing.assert_allclose(answers.iloc[:, 4:], table.iloc[:, 3:], atol=1e-6)

    quick(SeqCNNEmbedder).fit(X).save("embedder")
    features = read(line("predict", "embedder", "-", stdin=",".join(map(str, X[0].tolist()))))
    np.testing.assert_allclose(features.iloc[:, 1:], load("embedder").transform(X[:1]), rtol=1e-5)
    assert line.refuses("predict", "embedder", "x", "--windows") == (
        "--windows is for classifiers and regressors, and the model is a SeqCNNEmbedder. Drop --windows."
    )

    quick(SeqCNNRegressor).fit(X, np.arange(80.0).reshape(40, 2)).save("two")
    assert list(read(line("predict", "two", "-", stdin=",".join(map(str, X[0].tolist()))))) == [
        "record",
        "prediction_0",
        "prediction_1",
    ]
    assert line.refuses("predict", "two", "x", "--proba") == (
        "--proba is for classifiers, and the model is a SeqCNNRegressor. Drop --proba."
    )
    assert line.refuses("evaluate", "embedder", "x") == (
        "seqcnn evaluate compares answers with true ones, and the model in embedder is a SeqCNNEmbedder, which gives "
        "features. Use seqcnn predict."
    )


def test_evaluate_gives_the_figures_of_scikit_learn(line, model, classifier):
    table = line.table(shape=Y)
    predicted = classifier.predict(pd.DataFrame(X, columns=classifier.feature_names_in_))
    figures = json.loads(line("evaluate", model, table, "--target", "shape", "--json"))
    assert figures["accuracy"] == accuracy_score(Y, predicted)
    assert figures["confusion_matrix"] == confusion_matrix(Y, predicted).tolist()
    assert figures["labels"] == classifier.classes_.tolist()
    assert json.loads(line("evaluate", model, table, "--target", "shape", "--report", "json")) == figures
    text = line("evaluate", model, table, "--target", "shape", "--plot", "confusion.png")
    assert text.endswith(f"accuracy {figures['accuracy']:.1%} on 40 records\n")
    assert line.aside == "Picture in confusion.png.\n"
    assert (line.folder / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_of_a_regressor(line):
    y = np.arange(40) / 3
    regressor = quick(SeqCNNRegressor).fit(X, y)
    regressor.save("m")
    table = line.table(amount=y)
    # Fitted on an array, asked with a table: the columns are the same.
    figures = json.loads(line("evaluate", "m", table, "--target", "amount", "--json", "--plot", "errors.svg"))
    assert figures["r2"] == pytest.approx(r2_score(y, regressor.predict(X)), rel=1e-5)
    assert (line.folder / "errors.svg").exists()
    assert "mean absolute error" in line("evaluate", "m", table, "--target", "amount")
    words = line.table("words.csv", amount=Y)
    assert line.refuses("evaluate", "m", words, "--target", "amount").endswith(
        "Pass the column with these numbers as the target."
    )


def test_labels_of_another_type_or_unknown_ones(line):
    quick().fit(X, np.where(FIRST, "1", "0")).save("m")
    figures = json.loads(line("evaluate", "m", line.table(shape=np.where(FIRST, 1, 0)), "--target", "shape", "--json"))
    assert figures["labels"] == ["0", "1"]
    new = np.where(FIRST, "1", "new")
    figures = json.loads(line("evaluate", "m", line.table(shape=new), "--target", "shape", "--json"))
    assert figures["labels"] == ["0", "1", "new"]
    assert figures["classes"]["new"]["recall"] == 0
    message = line.refuses("evaluate", "m", line.table(shape=Y), "--target", "shape")
    assert message.startswith("The model knows the classes ")
    assert message.endswith(" Is it the right target?")


def test_a_picture_without_matplotlib_is_refused_in_a_sentence(line, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    printed = line("evaluate", model, line.table(shape=Y), "--target", "shape", "--plot", "c.png", code=1)
    assert "accuracy" in printed
    assert line.aside == (
        "Error: A picture needs matplotlib, which is not installed. Install it with: pip install 'seqcnn[plots]'.\n"
    )


def test_info_says_what_a_file_holds(line, model, classifier):
    found = json.loads(line("info", model, "--json"))
    assert found["estimator"] == "SeqCNNClassifier"
    assert (found["encoder"], found["network"], found["input"]) == ("fcn", "FCN", "series")
    assert (found["n_timepoints"], found["n_channels"], found["epochs"]) == (40, 1, 3)
    assert found["classes"] == classifier.classes_.tolist()
    assert found["weights"] == sum(tensor.numel() for tensor in classifier.network_.parameters())
    assert found["last_train_loss"] == classifier.history_["train_loss"].iloc[-1]
    assert found["saved_by"] == f"seqcnn {seqcnn.__version__}"
    text = line("info", model)
    assert "2 values" in text
    assert "n timepoints" in text


def test_info_of_texts_windows_and_modules_of_ones_own(line):
    quick(window_length=10).fit(TEXTS, LANGUAGES).save("text")
    found = json.loads(line("info", "text", "--json"))
    assert (found["input"], found["window_length"], found["n_channels"]) == ("text", 10, None)
    assert found["characters"] == load("text").model_.contract.vocabulary.size - 2
    from torch import nn

    quick(encoder=nn.Sequential(nn.Conv1d(1, 2, 3))).fit(X, Y).save("own")
    found = json.loads(line("info", "own", "--json"))
    assert (found["encoder"], found["needs_module"]) == ("PlainEncoder", "Sequential")
    assert "holds the weights of an encoder of your own, Sequential" in line.refuses("predict", "own", "x")
    quick(SeqCNNEmbedder).fit(X).save("embedder")
    found = json.loads(line("info", "embedder", "--json"))
    assert (found["epochs"], found["classes"]) == (0, None)


@pytest.mark.parametrize("words", [("info",), ("predict", "x.csv"), ("evaluate", "x.csv")])
def test_what_is_no_model_is_refused_in_a_sentence(line, words):
    (line.folder / "notes.txt").write_text("no model at all")
    message = line.refuses(words[0], "notes.txt", *words[1:])
    assert message.startswith("The file notes.txt is no model that seqcnn saved.")
    assert line.refuses(words[0], "nots.txt", *words[1:]) == (
        "There is no model file nots.txt. Did you mean 'notes.txt'? Pass the path that was given to save(path)."
    )


@pytest.mark.parametrize("variable", [False, True])
def test_developers_may_see_where_an_error_came_from(line, monkeypatch, variable):
    if variable:
        monkeypatch.setenv("SEQCNN_TRACEBACK", "1")
    with pytest.raises(FileNotFoundError):
        main(["info", "nowhere", *([] if variable else ["--traceback"])])


def test_a_mistake_of_our_own_asks_for_a_report(line, monkeypatch):
    monkeypatch.setattr("seqcnn.cli.info.read_document", lambda path: {}["key"])
    assert line.refuses("info", "m") == (
        "seqcnn failed in a way it should not: KeyError: 'key'. Run it with --traceback and report what it prints."
    )


def test_warnings_are_sentences_on_standard_error(line, model, monkeypatch):
    long = "a" * 1100
    quick(max_epochs=1).fit([*TEXTS[:4]], LANGUAGES[:4]).save("m")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        line("predict", "m", "-", stdin=f"{long}\n{long}\n")
    assert line.aside.startswith("Warning: ")
    assert line.aside.count("\n") == 1


@pytest.mark.parametrize("command", ["fit", "predict", "evaluate", "info", "demo"])
def test_every_command_explains_itself(line, command):
    printed = line(command, "--help")
    assert f"Usage: seqcnn {command}" in printed


# ------------------------------------------------------------------------------------- what a new user's tables hold


def test_a_column_that_counts_the_records_is_dropped(line):
    line("fit", line.table(id=range(40), shape=Y), "-o", "m.seqcnn", "--target", "shape", "--drop", "id", *QUICK)
    assert load("m.seqcnn").feature_names_in_.tolist() == [f"t{step}" for step in range(40)]
    pd.DataFrame({"id": range(24), "text": TEXTS, "language": LANGUAGES}).to_csv("texts.csv", index=False)
    assert line.refuses("fit", "texts.csv", "-o", "t.seqcnn", "--target", "language") == (
        "seqcnn cannot read 'texts.csv': beside the target it has 2 columns, and not all of them hold numbers: 'text'. "
        "Name the column to be predicted with --target, leave out others with --drop, and keep either columns of "
        "numbers, one a time step, or one column of texts or of audio files."
    )
    line("fit", "texts.csv", "-o", "t.seqcnn", "--target", "language", "--drop", "id", "--max-epochs", 1)
    answers = line("predict", "t.seqcnn", "texts.csv", "--drop", "id", "--target", "language")
    assert answers.count("\n") == 25


def test_the_reader_speaks_the_words_of_the_shell(line):
    line.table(shape=Y)
    assert line.refuses("fit", "train.csv", "-o", "m.seqcnn", "--target", "shap").startswith(
        "The option --target must be a column of 'train.csv'. Received: 'shap'. Did you mean 'shape'? The columns are"
    )
    (line.folder / "texts.txt").write_text("a\tOne\nb\tTwo\n")
    assert line.refuses("fit", "texts.txt", "-o", "m.seqcnn", "--target", "label") == (
        "The option --target names a column of a table (csv, tsv, parquet, feather, jsonl). Received: --target 'label' "
        "with a '.txt' file, which has its labels in front of the texts. Leave --target out."
    )
    (line.folder / "texts.txt").write_text("One\nTwo\n")
    assert line.refuses("fit", "texts.txt", "-o", "m.seqcnn") == (
        "The data in texts.txt have no target to learn or to compare with. Write a label and a tab in front of each "
        "text."
    )
    assert line.refuses("fit", "nothing.csv", "-o", "m.seqcnn", "--target", "a") == (
        "seqcnn finds no file 'nothing.csv'. Check the spelling, and the working folder."
    )
    holes = X.copy()
    holes[3, 5] = np.nan
    message = line.refuses(
        "fit", line.table(values=holes, shape=Y), "-o", "m.seqcnn", "--target", "shape", "-q", *QUICK
    )
    assert message.endswith(" On the command line that is --param missing=interpolate.")


def test_a_model_finds_its_columns_by_name_among_others(line):
    line("fit", line.table(shape=Y), "-o", "m.seqcnn", "--target", "shape", *QUICK)
    expected = line("predict", "m.seqcnn", line.table("new.csv"))
    # The label is still there, a date, columns in another order.
    frame = pd.read_csv("train.csv").assign(date="2024-01-01")
    frame[frame.columns[::-1]].to_csv("more.csv", index=False)
    assert line("predict", "m.seqcnn", "more.csv") == expected
    same = line("evaluate", "m.seqcnn", "train.csv", "--target", "shape")
    assert line("evaluate", "m.seqcnn", "more.csv", "--target", "shape") == same
    frame.rename(columns={"t3": "T3"}).drop(columns="t7").to_csv("less.csv", index=False)
    assert line.refuses("predict", "m.seqcnn", "less.csv") == (
        "seqcnn cannot read 'less.csv': it lacks columns that the model was fitted on, 't3' (Did you mean 'T3'?) and "
        "'t7'. Add them; others may stand beside them."
    )


def test_numbers_beside_series_and_texts_are_found_in_a_table(line):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"series": list(SERIES), "age": np.arange(24.0)})
    quick().fit(frame, FIRST[:24]).save("series.seqcnn")
    frame.assign(label=FIRST[:24], note="x").to_parquet("series.parquet")
    answers = pd.read_csv(StringIO(line("predict", "series.seqcnn", "series.parquet", "--proba")))
    by_hand = load("series.seqcnn").predict_proba(frame)
    np.testing.assert_allclose(answers.iloc[:, 2:], by_hand, atol=1e-6)
    texts = pd.DataFrame({"text": TEXTS, "stars": np.arange(24.0)})
    quick(encoder="zhang-small", encoder__width=4, max_epochs=1).fit(texts, LANGUAGES).save("texts.seqcnn")
    texts.assign(language=LANGUAGES).to_csv("texts.csv", index=False)
    answers = pd.read_csv(StringIO(line("predict", "texts.seqcnn", "texts.csv")))
    assert answers["prediction"].tolist() == load("texts.seqcnn").predict(texts).tolist()
    assert line.refuses("predict", "texts.seqcnn", "-", stdin="One\n") == (
        "The model reads numbers beside each record, 'stars', and from standard input come records alone. Pass a file "
        "that has these columns."
    )


def test_several_labels_from_the_first_command_to_the_last(line):
    labels = pd.DataFrame({"shape": FIRST, "loud": X.max(1) > np.median(X.max(1))}).astype(int)
    line.table(**labels)
    targets = ("--target", "shape", "--target", "loud")
    result = json.loads(line("fit", "train.csv", "-o", "m.seqcnn", *targets, *QUICK, "--json", "--test-size", 0.25))
    assert result["task"] == "multilabel"
    assert result["classes"] == ["shape", "loud"]
    assert result["reason"] == "the 2 targets hold zeros and ones only: labels, any number a record"
    present = load("m.seqcnn").predict(pd.DataFrame(X, columns=[f"t{step}" for step in range(40)])) > 0
    given = [[name for name, there in zip(labels, row, strict=True) if there] for row in present]
    table = pd.read_csv(StringIO(line("predict", "m.seqcnn", "train.csv", "--proba")), keep_default_na=False)
    assert table.columns.tolist() == ["record", "labels", "probability_shape", "probability_loud"]
    assert table["labels"].tolist() == [";".join(names) for names in given]
    for options in ((), ("--windows",)):
        rows = [json.loads(row) for row in line("predict", "m.seqcnn", "train.csv", "--json", *options).splitlines()]
        assert [row["labels"] for row in rows] == given
    figures = json.loads(line("evaluate", "m.seqcnn", "train.csv", "--json"))
    assert figures["accuracy"] == accuracy_score(labels, present)
    assert list(figures["labels"]) == ["shape", "loud"]
    assert "every label right" in line("evaluate", "m.seqcnn", "train.csv", "--target", "loud", "--target", "shape")
    assert line.refuses("evaluate", "m.seqcnn", "train.csv", "--target", "loud") == (
        "The model gives each record any of the labels 'shape' and 'loud'. Received: a target of shape (40,). Name a "
        "column of zeros and ones for each label, each with a --target of its own."
    )
    line("evaluate", "m.seqcnn", "train.csv", "--plot", "picture.png", code=1)
    assert line.aside == "Error: A confusion matrix is drawn of records that have one label each. Drop --plot.\n"


def test_several_numbers_keep_their_names(line):
    line.table(high=X.max(1), low=X.min(1))
    said = line("fit", "train.csv", "-o", "m.seqcnn", "--target", "high", "--target", "low", *QUICK, "-q")
    assert said == ""
    table = pd.read_csv(StringIO(line("predict", "m.seqcnn", "train.csv")))
    assert table.columns.tolist() == ["record", "prediction_high", "prediction_low"]
    by_name = json.loads(line("evaluate", "m.seqcnn", "train.csv", "--json"))
    other_order = line("evaluate", "m.seqcnn", "train.csv", "--json", "--target", "low", "--target", "high")
    assert json.loads(other_order) == by_name
