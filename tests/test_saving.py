"""An estimator that is saved and loaded is the same estimator; a file that is off is refused in a sentence."""

import contextlib
import json
import pickle
import struct
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from estimator_helpers import (
    ESTIMATORS,
    FIRST,
    LABELS,
    LANGUAGES,
    RATE,
    SERIES,
    SOUNDS,
    TEXTS,
    WORDS,
    assert_same_weights,
    message_of,
    outputs_of,
    quick,
    with_warnings,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from scipy import sparse
from sklearn.exceptions import NotFittedError
from torch import nn

import seqcnn
from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, load
from seqcnn.datasets import write_wav_folder
from seqcnn.encoders import ENCODERS, FCN, Hydra, SequenceEncoder
from seqcnn.json_values import NotWritableError, decode, encode
from seqcnn.model_file import read_document

LONG = np.random.default_rng(0).normal(size=(8, 3, 300)).astype(np.float32)
DATA = {
    "series": (LONG, list("ab") * 4),
    "text": (TEXTS, LANGUAGES),
    "audio": ([(wave, RATE) for wave in SOUNDS], WORDS),
}


def saved(estimator, tmp_path, **options):
    """What comes back from a file; the estimator must be left as it was."""
    before = set(vars(estimator))
    estimator.save(tmp_path / "model.seqcnn")
    assert set(vars(estimator)) == before
    return load(tmp_path / "model.seqcnn", **options)


def assert_same(loaded, estimator, X):
    assert type(loaded) is type(estimator)
    np.testing.assert_array_equal(outputs_of(loaded, X), outputs_of(estimator, X))
    assert_same_weights(loaded, estimator)
    assert loaded.model_.contract == estimator.model_.contract
    assert vars(loaded).keys() == vars(estimator).keys() - {"_progress"}
    pd.testing.assert_frame_equal(loaded.history_, estimator.history_)


def rewrite(path, change):
    """Write a model file again with another document, its checks being those of a stranger's file."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8 : 8 + size])
    document = json.loads(head["__metadata__"]["seqcnn"])
    document = change(document) or document
    head["__metadata__"]["seqcnn"] = json.dumps(document)
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + size :])


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(SERIES, LABELS)


@pytest.fixture
def file(fitted, tmp_path):
    fitted.save(tmp_path / "model.seqcnn")
    return tmp_path / "model.seqcnn"


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_predicts_the_same_bits_after_loading(name, tmp_path):
    entry = ENCODERS[name]
    X, y = DATA[entry.kind]
    narrow = {"encoder__width": 4} if "width" in entry.defaults else {}
    classifier = quick(encoder=name, max_epochs=1, **narrow).fit(X, y)
    loaded = saved(classifier, tmp_path)
    assert_same(loaded, classifier, X)
    assert loaded.get_params() == classifier.get_params()
    assert sorted(str(loaded.network_).splitlines()) == sorted(str(classifier.network_).splitlines())


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_all_three_estimators_on_series_of_unequal_length_in_windows(kind, tmp_path):
    records = [series[: 30 + row % 5] for row, series in enumerate(SERIES)]
    estimator = quick(kind, window_length=np.int64(20), hop_length=7, normalize="record").fit(records, FIRST * 2.0)
    loaded = saved(estimator, tmp_path)
    assert_same(loaded, estimator, records)
    assert loaded.get_params() == estimator.get_params()
    if kind is not SeqCNNEmbedder:
        pd.testing.assert_frame_equal(loaded.predict_windows(records), estimator.predict_windows(records))
    else:
        assert loaded.get_feature_names_out().tolist() == estimator.get_feature_names_out().tolist()


@pytest.mark.parametrize("encoder", ["fcn", "minirocket", "hydra"])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_a_regressor_keeps_its_units_in_double_precision(encoder, n_targets, tmp_path):
    y = 1e6 + np.arange(24.0 * n_targets).reshape(24, n_targets) / 3
    regressor = quick(SeqCNNRegressor, encoder).fit(SERIES, y if n_targets > 1 else y[:, 0])
    loaded = saved(regressor, tmp_path)
    assert_same(loaded, regressor, SERIES)
    assert loaded.network_.head.scale.dtype == torch.float64
    assert loaded.predict(SERIES).shape == ((24,) if n_targets == 1 else (24, 2))


def test_an_embedder_without_targets(tmp_path):
    embedder = quick(SeqCNNEmbedder, "minirocket").fit(SERIES)
    assert_same(saved(embedder, tmp_path), embedder, SERIES)


def test_tiny_series_stay_in_double_precision(tmp_path):
    classifier = SeqCNNClassifier(max_epochs=3, random_state=0).fit(SERIES[:, :12], LABELS)
    loaded = saved(classifier, tmp_path)
    assert {tensor.dtype for tensor in loaded.network_.parameters()} == {torch.float64}
    assert_same(loaded, classifier, SERIES[:, :12])


def test_audio_files_and_their_rate_are_still_demanded(tmp_path):
    paths = write_wav_folder(tmp_path / "wavs", SOUNDS, WORDS, RATE)
    classifier = quick(encoder="sincnet", encoder__width=4).fit(paths, WORDS)
    loaded = saved(classifier, tmp_path)
    assert_same(loaded, classifier, paths)
    with pytest.raises(ValueError, match="Hz"):
        loaded.predict([(SOUNDS[0], 16000)])


def test_column_names_are_still_demanded(tmp_path):
    frame = pd.DataFrame(SERIES, columns=[f"step {step}" for step in range(SERIES.shape[1])])
    classifier = quick().fit(frame, LABELS)
    loaded = saved(classifier, tmp_path)
    assert loaded.feature_names_in_.tolist() == list(frame.columns)
    assert loaded.n_features_in_ == 40
    assert_same(loaded, classifier, frame)
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame.rename(columns={"step 3": "step three"}))


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes"],
        [3, -7],
        [True, False],
        [0.0, 2.0**53],
        np.array([1, 2], dtype=np.uint8),
        np.array([1, -2], dtype=np.float32),
        np.array(["ä", "\N{SNOWMAN} \x00b"], dtype=object),
        np.array(["2020-01-01", "2021-02-03"], dtype="datetime64[D]"),
        pd.Series(["low", "high"], dtype="string"),
        pd.Categorical(["low", "high"]),
    ],
    ids=repr,
)
def test_labels_come_back_as_they_were(labels, tmp_path):
    y = np.asarray(labels)[FIRST.astype(int)]
    classifier = quick().fit(SERIES, y)
    loaded = saved(classifier, tmp_path)
    assert loaded.classes_.dtype == classifier.classes_.dtype
    assert loaded.classes_.tolist() == classifier.classes_.tolist()
    assert list(map(type, loaded.classes_)) == list(map(type, classifier.classes_))
    np.testing.assert_array_equal(loaded.predict(SERIES), classifier.predict(SERIES))


@pytest.mark.parametrize("encoder", ["fcn", "minirocket", "hydra"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_labels_of_which_a_record_has_any_number_come_back_as_they_were(encoder, form, tmp_path):
    y = (np.random.default_rng(0).random((24, 3)) > 0.5).astype(np.int8)
    y = y if form is not pd.DataFrame else pd.DataFrame(y, columns=["hum", "bump", "step"])
    classifier = quick(encoder=encoder).fit(SERIES, form(y))
    loaded = saved(classifier, tmp_path)
    assert_same(loaded, classifier, SERIES)
    before, after = classifier.predict(SERIES), loaded.predict(SERIES)
    assert type(before) is type(after)
    assert before.dtype == after.dtype == np.int8
    assert loaded.classes_.tolist() == classifier.classes_.tolist()
    assert loaded.score(SERIES, form(y)) == classifier.score(SERIES, form(y))


@pytest.mark.parametrize("encoder", ["fcn", "minirocket", "hydra"])
def test_numbers_beside_the_records_are_scaled_and_demanded_as_before(encoder, tmp_path):
    frame = pd.DataFrame({"age": np.arange(24.0), "signal": list(SERIES), "smoker": FIRST})
    classifier = quick(encoder=encoder).fit(frame, LABELS)
    loaded = saved(classifier, tmp_path)
    assert_same(loaded, classifier, frame)
    # By name, in any order; and they still count.
    np.testing.assert_array_equal(
        loaded.predict_proba(frame[["smoker", "signal", "age"]]), classifier.predict_proba(frame)
    )
    moved = frame.assign(age=frame["age"] + 50)
    assert not np.array_equal(loaded.predict_proba(moved), loaded.predict_proba(frame))
    message = message_of(ValueError, loaded.predict, frame.drop(columns="age"))
    assert "age" in message


def test_labels_that_json_cannot_hold_are_refused(tmp_path):
    classifier = quick().fit(SERIES, LABELS)
    classifier.classes_ = np.array([pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01")], dtype=object)
    assert message_of(ValueError, classifier.save, tmp_path / "model") == (
        "The labels of y cannot be written to a model file, which holds texts, numbers, booleans and dates of numpy. "
        "Received: Timestamp('2020-01-01 00:00:00'), of type Timestamp. Fit SeqCNNClassifier on such values, or save "
        "it with joblib."
    )
    assert list(tmp_path.iterdir()) == []


def test_class_weights_keep_the_types_of_their_labels(tmp_path):
    classifier = quick(class_weight={1: 2.0, 0: 0.5}, encoder__kernel_sizes=(5, 3)).fit(SERIES, FIRST.astype(int))
    assert saved(classifier, tmp_path).get_params() == classifier.get_params()


def test_parameters_that_json_cannot_hold_are_left_out_with_a_warning(tmp_path):
    path = tmp_path / "model"
    classifier = quick(random_state=np.random.RandomState(3)).fit(SERIES, LABELS)
    _, warnings = with_warnings(classifier.save, path)
    assert warnings == [
        "random_state of SeqCNNClassifier cannot be written to a model file, because JSON has no word for such an "
        f"object. What is loaded from {path} has the default instead, and predicts the same."
    ]
    assert read_document(path)[0]["left_out"] == ["random_state"]
    loaded = load(path)
    assert loaded.random_state is None
    assert_same(loaded, classifier, SERIES)


class Own(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.convolution = nn.Conv1d(1, width, 5, padding=2)

    def forward(self, x):
        return self.convolution(x).relu()


class OwnSequence(SequenceEncoder):
    def __init__(self, in_channels):
        super().__init__()
        self.in_channels, self.out_channels, self.stride, self.receptive_field = in_channels, 3, 1, 1
        self.convolution = nn.Conv1d(in_channels, 3, 1, bias=False)

    def encode(self, x, mask):
        return self.convolution(x)


@pytest.mark.parametrize("make", [Own, lambda: OwnSequence(1)], ids=["module", "sequence encoder"])
def test_a_module_of_ones_own_is_brought_along(make, tmp_path):
    classifier = quick(encoder=make()).fit(SERIES, LABELS)
    fresh = make()
    before = [tensor.clone() for tensor in fresh.parameters()]
    loaded = saved(classifier, tmp_path, encoder=fresh)
    assert_same(loaded, classifier, SERIES)
    assert loaded.encoder is fresh
    assert all(map(torch.equal, before, fresh.parameters()))
    path, name = tmp_path / "model.seqcnn", type(fresh).__name__
    start = f"The model file {path} holds the weights of an encoder of your own, {name}, but no file holds its code. "
    end = f" Pass load(path, encoder=...) a {name} built as it was; it gets the saved weights."
    assert message_of(seqcnn.model_file.ModelFileError, load, path) == start + "Received: no module." + end
    received = message_of(seqcnn.model_file.ModelFileError, load, path, encoder=nn.ReLU())
    assert received == start + "Received: a ReLU." + end


def test_a_module_of_another_shape_is_refused(tmp_path):
    quick(encoder=Own()).fit(SERIES, LABELS).save(tmp_path / "model")
    message = message_of(seqcnn.model_file.ModelFileError, load, tmp_path / "model", encoder=Own(width=5))
    assert "size mismatch for encoder.module.convolution.weight" in message


def test_a_module_for_a_model_that_has_none_is_refused(file):
    assert message_of(seqcnn.model_file.ModelFileError, load, file, encoder=Own()) == (
        f"The 'encoder' parameter of load is for models of a user's own module, and {file} holds none: seqcnn builds "
        "its encoder itself. Received: Own. Drop encoder."
    )
    assert message_of(TypeError, load, file, encoder="fcn") == (
        "The 'encoder' parameter of load must be a torch.nn.Module, or None. Received: 'fcn'. Pass a module like the "
        "one that was fitted."
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: FCN(1, width=4, kernel_sizes=[5, 3]),
        lambda: quick(SeqCNNEmbedder).fit(SERIES).encoder_,
        lambda: quick(SeqCNNEmbedder, "hydra").fit(SERIES).encoder_,
        lambda: quick(SeqCNNEmbedder, precision="float64").fit(SERIES).encoder_,
        lambda: Hydra(1, n_groups=4),
    ],
    ids=["new", "fitted", "fixed", "double", "unprepared"],
)
def test_an_encoder_of_ours_is_rebuilt_with_the_weights_it_was_given_with(make, tmp_path):
    given = make()
    classifier = quick(encoder=given).fit(SERIES, LABELS)
    loaded = saved(classifier, tmp_path)
    assert_same(loaded, classifier, SERIES)
    assert type(loaded.encoder) is type(given)
    kept = loaded.encoder.state_dict()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in given.state_dict().items())
    # So that a further fit is the same fit.
    np.testing.assert_array_equal(loaded.fit(SERIES, LABELS).predict_proba(SERIES), classifier.predict_proba(SERIES))


def test_a_fitted_encoder_around_a_users_module_needs_the_module(tmp_path):
    given = quick(SeqCNNEmbedder, Own()).fit(SERIES).encoder_
    classifier = quick(encoder=given).fit(SERIES, LABELS)
    assert_same(saved(classifier, tmp_path, encoder=Own()), classifier, SERIES)


def test_what_was_loaded_can_be_saved_copied_and_fitted_again(fitted, file, tmp_path):
    loaded = load(file)
    again = saved(loaded, tmp_path)
    assert_same(again, fitted, SERIES)
    assert_same(pickle.loads(pickle.dumps(again)), fitted, SERIES)
    assert_same_weights(again.fit(SERIES, LABELS), fitted)


def test_the_same_estimator_gives_the_same_bytes(fitted, file, tmp_path):
    fitted.save(str(tmp_path / "other suffix.bin"))
    assert (tmp_path / "other suffix.bin").read_bytes() == file.read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]


def test_loading_leaves_the_global_generator_as_it_was(file):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load(file)
    assert torch.equal(before, torch.get_rng_state())


def test_the_head_of_a_file_is_read_without_torch(file):
    code = (
        "import sys; from pathlib import Path; from seqcnn.model_file import read_document; "
        f"print(read_document(Path({str(file)!r}))[0]['estimator'], 'torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "SeqCNNClassifier False False\n"


def test_an_unfitted_estimator_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        quick().save(tmp_path / "model")


def test_a_subclass_of_ones_own_is_not_saved(tmp_path):
    class Mine(SeqCNNClassifier):
        pass

    mine = quick(Mine).fit(SERIES, LABELS)
    assert message_of(TypeError, mine.save, tmp_path / "model") == (
        "A model file holds estimators of seqcnn's own classes. Received: Mine, a class made from one of them. Save it "
        "with joblib instead."
    )


def test_places_that_cannot_be_written_to_are_refused(fitted, tmp_path):
    assert message_of(IsADirectoryError, fitted.save, tmp_path) == (
        f"A model is one file, but {tmp_path} is a folder. Pass a file's path, as in {tmp_path}/model.seqcnn."
    )
    assert message_of(FileNotFoundError, fitted.save, tmp_path / "nowhere" / "model") == (
        f"There is no folder {tmp_path / 'nowhere'} to save the model in. Make the folder first."
    )


def test_a_failure_while_writing_leaves_the_old_file(fitted, file, tmp_path, monkeypatch):
    before = file.read_bytes()
    monkeypatch.setattr("os.fsync", lambda number: (_ for _ in ()).throw(OSError("disk full")))
    assert message_of(OSError, fitted.save, file) == "disk full"
    assert [path.name for path in tmp_path.iterdir()] == ["model.seqcnn"]
    assert file.read_bytes() == before


def refusal(path):
    return message_of(seqcnn.model_file.ModelFileError, load, path)


def test_a_missing_file_is_named_with_the_nearest(file):
    assert message_of(FileNotFoundError, load, file.with_name("modle.seqcnn")) == (
        f"There is no model file {file.with_name('modle.seqcnn')}. Did you mean 'model.seqcnn'? Pass the path that was "
        "given to save(path)."
    )
    assert refusal(file.parent) == f"A model is one file, but {file.parent} is a folder. Pass the path of the file."


def test_files_of_another_kind_are_refused(fitted, tmp_path):
    path = tmp_path / "model"
    foreign = (
        f"The file {path} is no model that seqcnn saved. Received: a file of another kind. Pass a file that an "
        "estimator's save(path) wrote; a pickle opens with joblib or pickle instead, if you trust who made it."
    )
    for content in (
        pickle.dumps(fitted),
        b"a text that is no model\n" * 10,
        bytes(range(256)),
        b"PK\x03\x04" + bytes(64),
    ):
        path.write_bytes(content)
        assert refusal(path) == foreign
    path.write_bytes(b"")
    assert refusal(path) == f"The file {path} is empty, so it holds no model. Save the model again."
    save_file({"weight": torch.zeros(2)}, path, {"format": "pt"})
    assert refusal(path) == (
        f"The file {path} is a safetensors file, but no model that seqcnn saved: it lacks seqcnn's own part. Pass a "
        "file that an estimator's save(path) wrote."
    )


def test_a_file_of_a_newer_version_is_refused(file):
    rewrite(file, lambda document: document | {"format": 7, "version": "9.1"})
    assert refusal(file) == (
        f"The model file {file} was written by seqcnn 9.1 in format 7; this version reads formats up to 1. Update "
        "seqcnn (pip install -U seqcnn), or save the model with this version."
    )


def test_a_file_that_is_cut_off_is_refused_wherever_it_is_cut(file):
    whole = file.read_bytes()
    for share in (0.001, 0.01, 0.1, 0.5, 0.999):
        file.write_bytes(whole[: int(len(whole) * share)])
        assert "is damaged" in refusal(file) or "is no model" in refusal(file)
    file.write_bytes(whole[:-4])
    n_bytes = len(whole) - 8 - struct.unpack("<Q", whole[:8])[0]
    assert refusal(file) == (
        f"The model file {file} is damaged, or was changed after it was written: it is cut off, its head promises "
        f"{n_bytes:,} bytes of weights and {n_bytes - 4:,} are there. Save the model again, or take another copy of "
        "the file."
    )


def encoder_of(document):
    return document["model"]["network"]["arguments"]["encoder"]["$module"]


def change(*keys, to):
    """Return a function that changes one entry of a document."""

    def apply(document):
        place = document
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (change("estimator", to="os.system"), "seqcnn has no estimator 'os.system'"),
        (change("format", to="one"), "its format number is 'one'"),
        (
            lambda document: encoder_of(document).update({"class": "ResNte"}),
            "seqcnn has no module 'ResNte'. Did you mean 'ResNet'? A newer version may have written it",
        ),
        (lambda document: encoder_of(document).update({"class": "system", "module": "os"}), "seqcnn has no module"),
        (lambda document: encoder_of(document)["arguments"].update(width=10**6), "the network asks for"),
        (lambda document: encoder_of(document)["arguments"].update(width=16), "Error(s) in loading state_dict"),
        (
            lambda document: encoder_of(document)["arguments"].update(kernel_sizes=[1] * 10**5, width=1),
            "the network has more layers than the file's",
        ),
        (lambda document: encoder_of(document)["arguments"].update(evil=1), "TypeError"),
        (lambda document: document["model"].update(network=None), "TypeError"),
        (lambda document: document["model"].update(evil=1), "TypeError"),
        (lambda document: document.pop("model"), "KeyError, 'model'"),
        (change("model", "output", to="features"), "a SeqCNNClassifier has no model of features"),
        (change("model", "output", to="words"), "there is no output 'words'"),
        (change("model", "window_length", to=-3), "window_length is -3"),
        (change("model", "contract", "kind", to="video"), "there is no kind of input 'video'"),
        (change("model", "contract", "kind", to="text"), "its vocabulary does not fit its kind, text"),
        (change("model", "contract", "n_channels", to=3), "its contract names 3 channels or characters, its network"),
        (change("model", "contract", "n_channels", to="1"), "n_channels is '1'"),
        (change("model", "dtype", to="object"), "KeyError"),
        (change("parameters", "evil", to=1), "TypeError, SeqCNNClassifier has no parameter 'evil'"),
        (change("learnt", "predict", to=1), "SeqCNNClassifier learns no predict"),
        (change("learnt", "__class__", to=1), "SeqCNNClassifier learns no __class__"),
        (change("learnt", "classes_", to={"$array": {"dtype": "<i8", "shape": [3], "values": [1, 2, 3]}}), "outputs"),
        (change("learnt", "classes_", to={"$array": {"dtype": "O", "shape": [1], "values": [1]}}), "an array of type"),
        (
            change("learnt", "classes_", to={"$array": {"dtype": "<U900000000", "shape": [1], "values": ["a"]}}),
            "'<U9000",
        ),
        (change("learnt", "classes_", to={"$pickle": "gASVAA=="}), "there is no value of type '$pickle'"),
    ],
)
def test_a_document_that_was_tampered_with_is_refused_in_a_sentence(file, spoil, reason):
    rewrite(file, lambda document: spoil(document) and None)
    message = refusal(file)
    assert message.startswith(f"The model file {file} is damaged, or was changed after it was written: ")
    assert message.endswith(". Save the model again, or take another copy of the file.")
    assert reason in message


PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.floats(width=32).map(np.float32)
)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        PLAIN,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(st.one_of(st.text(), st.integers(), st.booleans()), inner, max_size=3),
        ),
        max_leaves=8,
    )
)
def test_values_come_back_with_their_types(value):
    back = decode(json.loads(json.dumps(encode(value), allow_nan=False)))
    assert repr(back) == repr(value)


@pytest.mark.parametrize("value", [print, object(), 1j, np.array([1j]), {1, 2}, [lambda: 1]])
def test_values_that_only_a_pickle_holds_are_refused(value):
    with pytest.raises(NotWritableError):
        encode(value)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_file_with_bytes_changed_loads_or_is_refused(fuzzed, data):
    """Whatever bytes a file has, opening it ends in an estimator or in ModelFileError."""
    whole, path = fuzzed
    content = bytearray(whole)
    size = 8 + struct.unpack("<Q", whole[:8])[0]
    for place in data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(seqcnn.model_file.ModelFileError):
        assert isinstance(load(path), SeqCNNClassifier)


@pytest.fixture(scope="module")
def fuzzed(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzzed") / "model"
    fitted.save(path)
    return path.read_bytes(), path
