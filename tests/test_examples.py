"""The examples and the demonstration run as a user runs them, without a warning, and print what they promise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import seqcnn.__main__

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
    assert [path.stem for path in paths] == ["keywords_from_folder", "pipeline_and_grid_search", "quickstart"]
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 80 for path in paths)


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
        "Error: A command is missing. The commands are fit, predict, evaluate, info and demo. 'seqcnn --help' shows "
        "how.\n"
    )
