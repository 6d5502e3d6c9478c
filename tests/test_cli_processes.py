"""The command line as a process of its own: pipes, Ctrl-C, exit codes, what is loaded."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from estimator_helpers import LABELS, LANGUAGES, SERIES, TEXTS, quick

import seqcnn
from seqcnn import load
from seqcnn.model_file import read_document

COMMAND = [sys.executable, "-W", "error", "-W", "default::UserWarning", "-m", "seqcnn"]
ROOT = Path(seqcnn.__file__).parent.parent
ENVIRONMENT = {"OMP_NUM_THREADS": "1"} | os.environ | {"PYTHONPATH": str(ROOT)}


def run(command, folder, **options):
    """Run a command line of the shell in a folder, ``seqcnn`` being this one."""
    command = command.replace("seqcnn ", " ".join(COMMAND) + " ")
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, **options
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command line")
    quick().fit(TEXTS, LANGUAGES).save(folder / "model")
    (folder / "texts.txt").write_text("\n".join(TEXTS * 400) + "\n", encoding="utf-8")
    pd.DataFrame(SERIES).assign(shape=LABELS).to_csv(folder / "train.csv", index=False)
    return folder


def test_texts_go_through_a_pipe_whose_reader_leaves_early(folder):
    done = run("cat texts.txt | seqcnn predict model - | head -n 3; echo ${PIPESTATUS[@]}", folder)
    head, *answers, codes = done.stdout.splitlines()
    assert head == "record,prediction"
    assert [line.split(",")[1] for line in answers] == load(folder / "model").predict(TEXTS[:2]).tolist()
    assert codes.split()[1:] == ["141", "0"]
    assert done.stderr == ""


@pytest.mark.slow
def test_what_is_no_text_is_refused_in_a_sentence(folder):
    done = run(r"printf 'abc\n\xff\xfe\n' | seqcnn predict model -", folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: The input must be text in UTF-8. Received: the byte 0xff. Convert it first, for example with iconv.\n"
    )


@pytest.mark.slow
def test_there_are_no_colours_in_files_and_some_on_a_terminal(folder):
    assert "\x1b" not in run("seqcnn info model; seqcnn info nowhere; seqcnn --help", folder, timeout=60).stdout
    assert "\x1b[31m" in run("FORCE_COLOR=1 seqcnn info nowhere", folder).stderr


def test_what_a_model_file_holds_is_told_without_torch(folder):
    code = (
        "import sys, seqcnn.__main__ as line\n"
        "try: line.main(['info', 'model'])\n"
        "finally: assert {'torch', 'pandas', 'sklearn'}.isdisjoint(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "SeqCNNClassifier" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_keeps_what_was_learnt(folder):
    words = ("fit", "train.csv", "-o", "stopped", "--target", "shape", "--encoder", "fcn", "--max-epochs", "1000000")
    process = subprocess.Popen(
        [*COMMAND, *words, "--param", "verbose=2"],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "epoch 3/" in line:
                break
        process.send_signal(signal.SIGINT)
        printed, aside = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in aside
    assert "Warning: Training of SeqCNNClassifier was interrupted after " in aside
    assert "Interrupted: what was learnt until then is in stopped." in aside
    assert "accuracy" not in printed
    assert load(folder / "stopped").predict(pd.DataFrame(SERIES, columns=list(map(str, range(40))))).shape == (24,)
    assert read_document(folder / "stopped")[0]["learnt"]["history_"]["$frame"]["rows"] >= 3


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_while_waiting_for_input_ends_in_a_word(folder):
    process = subprocess.Popen(
        [*COMMAND, "predict", "model", "-"],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(4)
        process.send_signal(signal.SIGINT)
        printed, aside = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, printed, aside) == (130, "", "Error: Interrupted.\n")
