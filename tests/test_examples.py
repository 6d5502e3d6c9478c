"""Examples, notebooks and the demonstration run as a user runs them, without a warning, and print what they promise."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import seqcnn.__main__
from seqcnn.datasets import make_spoken_tones

ROOT = Path(__file__).parent.parent


def run_python(*arguments):
    """Run Python with every warning an error, and return what it printed."""
    # One thread: those of torch wait for each other actively, which takes many times as long on cores that are shared.
    environment = {"OMP_NUM_THREADS": "1"} | os.environ
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def accuracies(printed):
    """Return what stands behind each word "accuracy", as shares."""
    found = re.findall(r"accuracy +([\d.]+)(%?)", printed)
    return [float(number) / (100 if percent else 1) for number, percent in found]


def test_every_example_is_tested_and_short():
    paths = sorted((ROOT / "examples").glob("*.py"))
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert len(paths) >= 11
    assert {path.stem for path in paths} <= tests
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 80 for path in paths)


def figure_behind(words, printed):
    """Return the first number behind these words."""
    return float(re.search(rf"{re.escape(words)}\D*?(-?\d+\.?\d*)", printed)[1])


@pytest.mark.slow
def test_committee():
    printed = run_python("examples/committee.py")
    quick, own = accuracies(printed)
    assert quick > 0.7
    assert own > 0.75
    assert figure_behind("on average hold", printed) > 0.8
    assert figure_behind("R2", printed) > 0.5
    assert figure_behind("wide hold", printed) > 0.75


@pytest.mark.slow
def test_quickstart():
    printed = run_python("examples/quickstart.py")
    assert len(accuracies(printed)) == 3
    assert min(accuracies(printed)) > 0.8
    assert "the same probabilities: True" in printed


@pytest.mark.slow
def test_pipeline_and_grid_search():
    printed = run_python("examples/pipeline_and_grid_search.py")
    assert len(re.findall(r"^ *(?:no|yes) +(?:fcn|resnet) +\d+ +[\d.]+$", printed, re.MULTILINE)) == 8
    series, text, features = accuracies(printed)
    assert min(series, features) > 0.8
    assert text > 0.5


@pytest.mark.slow
def test_keywords_from_folder():
    printed = run_python("examples/keywords_from_folder.py")
    assert "160 files of 4 words by 8 speakers" in printed
    assert accuracies(printed)[0] > 0.8
    assert len(re.findall(r"^ *\d+\.\d+ +\d+\.\d+ +\w+( +\d\.\d+){4}$", printed, re.MULTILINE)) > 4


@pytest.mark.slow
def test_multilabel():
    printed = run_python("examples/multilabel.py")
    assert accuracies(printed)[0] > 0.7
    assert figure_behind("from 0.2 on:", printed) <= figure_behind("from 0.5 on:", printed)
    assert "the same labels after saving and loading: True" in printed


@pytest.mark.slow
def test_regression_remaining_life():
    printed = run_python("examples/regression_remaining_life.py")
    guess, network = (figure_behind(words, printed) for words in ("for all: wrong by", "network: wrong by"))
    assert network < guess / 2
    assert figure_behind("with 0 to 25 hours left: wrong by", printed) < network
    assert figure_behind("R²", printed) > 0.8


@pytest.mark.slow
def test_activity_with_groups():
    printed = run_python("examples/activity_with_groups.py")
    shared, strangers, never_seen = accuracies(printed)
    assert shared > strangers > 0.5
    assert never_seen > 0.5
    assert "480 windows of 4 s from 12 people" in printed


@pytest.mark.slow
def test_unequal_lengths():
    printed = run_python("examples/unequal_lengths.py")
    assert min(accuracies(printed)) > 0.9
    assert float(re.search(r"differ by (\S+) at most", printed)[1]) < 1e-5
    assert "must be at most 20, the shortest record in X (X[1])." in printed


@pytest.mark.slow
def test_multivariate():
    printed = run_python("examples/multivariate.py")
    assert accuracies(printed)[0] > 0.9
    assert figure_behind("a linear model of all numbers:", printed) < 0.65
    lost = {name: float(figure) for name, figure in re.findall(r"^  (\w+) +([+-][\d.]+)$", printed, re.MULTILINE)}
    assert set(sorted(lost, key=lost.get)[-2:]) == {"current", "speed"}
    assert len(lost) == 6


@pytest.mark.slow
def test_language_identification():
    printed = run_python("examples/language_identification.py")
    assert accuracies(printed)[0] > 0.9 > figure_behind("counts of letters:", printed)
    assert len(re.findall(r"^  \w+ +about characters \d+ to \d+$", printed, re.MULTILINE)) >= 3


@pytest.mark.slow
def test_own_encoder():
    printed = run_python("examples/own_encoder.py")
    assert min(accuracies(printed)) > 0.8
    assert figure_behind("from the trained one", printed) > figure_behind("from an untrained encoder", printed)


@pytest.mark.slow
def test_optuna_search():
    pytest.importorskip("optuna")
    printed = run_python("examples/optuna_search.py")
    scores = [float(score) for score in re.findall(r"^  ([\d.]+)  encoder=", printed, re.MULTILINE)]
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)
    assert accuracies(printed)[0] > 0.8


@pytest.mark.slow
def test_other_libraries():
    printed = run_python("examples/other_libraries.py")
    assert len(accuracies(printed)) == 6
    assert min(accuracies(printed)) > 0.8
    assert "all forms give the same probabilities: True" in printed
    assert "unequal lengths come back from tslearn's padding: True" in printed


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What the example of training prints, and the file that it saves."""
    saved = tmp_path_factory.mktemp("spotter") / "words.seqcnn"
    return run_python("examples/train_keyword_spotter.py", "--output", str(saved), "--per-hour", "65"), saved


@pytest.mark.slow
def test_train_keyword_spotter(trained):
    printed, saved = trained
    assert "proven: True" in printed
    missed, spoken = map(int, re.search(r"missed: (\d+) of (\d+) words", printed).groups())
    assert missed < spoken / 2
    assert figure_behind("for nothing:", printed) <= 100 * figure_behind("times in", printed)
    assert saved.exists()


@pytest.mark.slow
def test_spot_in_recording(tmp_path):
    printed = run_python("examples/spot_in_recording.py", "--picture", str(tmp_path / "scores.png"))
    said = [(word, float(start)) for word, start in re.findall(r"said: (\w+) +from +([\d.]+) s", printed)]
    found = re.findall(r"^ *([\d.]+) +([\d.]+) +(\w+) +[\d.]+$", printed, re.MULTILINE)
    keywords = [(word, start) for word, start in said if word != "charlie"]
    right = [
        (word, start)
        for word, start in keywords
        if any(heard == word and start < float(end) < start + 1.5 for _, end, heard in found)
    ]
    assert len(said) == 9
    assert len(right) >= len(keywords) - 2
    assert len(found) <= len(keywords) + 3
    assert (tmp_path / "scores.png").stat().st_size > 10_000


@pytest.mark.slow
def test_live_microphone(trained, tmp_path):
    waves, words = make_spoken_tones(8, n_words=2, random_state=3)
    pause = np.random.default_rng(0).normal(scale=0.005, size=8000)
    file = tmp_path / "talk.wav"
    soundfile.write(file, np.concatenate([piece for wave in waves for piece in (pause, wave)]), 8000)
    _, model = trained
    printed = run_python("examples/live_microphone.py", "--model", str(model), "--file", str(file), "--speed", "20")
    found = re.findall(r"^ +[\d.]+ s  (\w+)  \(score [\d.]+\)$", printed, re.MULTILINE)
    assert set(found) == set(words.tolist())
    assert figure_behind("heard", printed) > 10


@pytest.mark.slow
def test_pictures_of_the_documentation(tmp_path):
    run_python("benchmarks/pictures.py", str(tmp_path))
    there = {path.name for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert {path.name for path in tmp_path.glob("*.png")} == there
    assert there


NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def kinds_of(outputs):
    """Return the kinds of outputs, as they came."""
    return [kind for output in outputs for kind in output.get("data", {output["output_type"]: None})]


def outputs_of(cells):
    """Return what each code cell gave: the kinds of its outputs, and its printed text."""
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    return [
        (
            # What is printed in one go may arrive in several pieces where the machine is busy.
            [kind for kind, _ in itertools.groupby(kinds_of(cell["outputs"]))],
            "".join("".join(output.get("text", "")) for output in cell["outputs"]),
        )
        for cell in code
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_small_and_executed(path):
    assert [path.stem for path in NOTEBOOKS] == ["audio", "series"]
    assert path.stat().st_size < 300_000
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    counts = [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert sum("image/png" in kinds for kinds, _ in outputs_of(cells)) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_from_top_to_bottom(path, tmp_path):
    done = tmp_path / "done.ipynb"
    # In a process of its own: what runs notebooks has warnings of its own, which would be errors here.
    code = (
        "import sys, nbclient, nbformat; notebook = nbformat.read(sys.argv[1], 4); "
        "nbclient.NotebookClient(notebook, timeout=300, resources={'metadata': {'path': sys.argv[3]}}).execute(); "
        "nbformat.write(notebook, sys.argv[2])"
    )
    environment = {"OMP_NUM_THREADS": "1"} | os.environ
    command = [sys.executable, "-c", code, path, done, ROOT]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr
    stored, fresh = (outputs_of(json.loads(file.read_text(encoding="utf-8"))["cells"]) for file in (path, done))
    # The figures may differ from machine to machine, their kind may not; nothing is written to stderr.
    assert [kinds for kinds, _ in fresh] == [kinds for kinds, _ in stored]
    assert "stderr" not in done.read_text(encoding="utf-8")
    assert [re.sub(r"[\d.]+", "", text) for _, text in fresh] == [re.sub(r"[\d.]+", "", text) for _, text in stored]


def test_keywords_from_an_empty_folder_tells_what_is_missing(tmp_path):
    command = [sys.executable, ROOT / "examples" / "keywords_from_folder.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path} must hold folders of wav files, one a word; no */*.wav is there.\n"


@pytest.mark.slow
def test_demo():
    printed = run_python("-m", "seqcnn", "demo")
    assert len(accuracies(printed)) == 3
    assert min(accuracies(printed)) > 0.8


def test_the_command_line_asks_for_a_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        seqcnn.__main__.main([])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        "Error: A command is missing. The commands are fit, predict, evaluate, spot, info and demo. 'seqcnn --help' "
        "shows how.\n"
    )
