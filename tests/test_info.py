"""``seqcnn info`` and the command line, as a user runs them."""

import importlib
import json
import os
import platform
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

import seqcnn
from seqcnn import info
from seqcnn.estimators._settings import multiplies_bfloat16, resolve_device
from seqcnn.layers.layout import describe_rules

ROOT = Path(__file__).parent.parent
PACKAGES = ["torch", "numpy", "pandas", "scikit-learn", "rich"]


def run(*arguments):
    """Run ``python -m seqcnn`` with every warning an error."""
    command = [sys.executable, "-W", "error", "-m", "seqcnn", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_info_prints_tables_that_name_versions_the_processor_and_what_auto_means():
    done = run("info")
    assert (done.returncode, done.stderr) == (0, "")
    for name in PACKAGES:
        assert f"{name} " in done.stdout
        assert version(name) in done.stdout
    for title in ("Versions", "Processor", "Devices", 'What "auto" means here', "How convolutions run"):
        assert title in done.stdout


def test_info_as_json_holds_the_same():
    done = run("info", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["versions"]["seqcnn"] == seqcnn.__version__
    assert found["versions"]["Python"] == platform.python_version()
    assert {name: found["versions"][name] for name in PACKAGES} == {name: version(name) for name in PACKAGES}
    assert found["processor"]["cores"] == os.cpu_count()
    assert found["processor"]["threads"] == 1
    assert found["processor"]["capabilities"].keys() == set(info.CAPABILITIES)
    assert found["auto"]["device"] == str(resolve_device("auto"))
    assert found["auto"]["device"].split(":")[0] in {name.split(":")[0] for name in found["devices"]}
    assert found["convolutions"] == dict(describe_rules())


@pytest.mark.parametrize(("multiplies", "training"), [(True, "float32, multiplying in bfloat16"), (False, "float32")])
def test_what_auto_means_follows_what_the_processor_can_do(monkeypatch, multiplies, training):
    monkeypatch.setattr(info, "multiplies_bfloat16", lambda device: multiplies)
    device = str(resolve_device("auto"))
    auto = info.collect_info()["auto"]
    assert {name: auto[name] for name in ("device", "training", "prediction")} == {
        "device": device,
        "training": training,
        "prediction": "float32",
    }


def test_what_auto_means_names_the_encoder_of_each_kind():
    auto = info.collect_info()["auto"]
    assert auto["encoder for series"] == "a committee; where one network is asked for, inception"
    assert auto["encoder for text"] == "zhang-small"
    assert "m11" in auto["encoder for audio"]


def test_what_training_in_bfloat16_hangs_on_is_among_the_capabilities():
    able = info.describe_processor()["capabilities"]
    assert (able["avx512_bf16"] or able["amx_bf16"]) == multiplies_bfloat16(torch.device("cpu"))


def test_the_convolution_rules_are_shown_as_the_layers_describe_them(monkeypatch, capsys):
    monkeypatch.setattr(info, "describe_rules", lambda: [("long kernels", "one way"), ("the [rest]", "another [way]")])
    info.show_info()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[-2:] == [["long", "kernels", "one", "way"], ["the", "[rest]", "another", "[way]"]]


def test_a_package_that_is_absent_or_does_not_load_is_named_as_such(monkeypatch):
    def refuse(name):
        raise OSError("built for\nanother torch")

    monkeypatch.setattr(info, "OPTIONAL", ("no-such-package", "pytest"))
    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", lambda name: real(name) if name == "seqcnn" else refuse(name))
    versions = info.collect_info()["versions"]
    assert versions["no-such-package"] == "not installed"
    assert versions["pytest"] == f"{pytest.__version__}, does not load: built for another torch"


@pytest.mark.parametrize(("command", "hint"), [("inof", "Did you mean 'info'? "), ("xyz", "")])
def test_an_unknown_command_is_refused_with_the_nearest_one(command, hint):
    done = run(command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: There is no command {command!r}. {hint}The commands are fit, predict, evaluate, spot, info and "
        "demo. 'seqcnn --help' shows how.\n"
    )


def test_an_unknown_option_is_refused():
    done = run("info", "--jsno")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: There is no option --jsno. Did you mean --json? 'seqcnn info --help' shows how.\n"


def test_help_names_the_commands_and_loads_no_torch():
    code = "import sys, seqcnn.__main__ as line\ntry: line.main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "demo" in done.stdout
    assert "info" in done.stdout


def test_the_command_seqcnn_is_the_same_as_python_m_seqcnn():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, function = scripts["seqcnn"].split(":")
    assert getattr(importlib.import_module(module), function) is importlib.import_module("seqcnn.__main__").main
