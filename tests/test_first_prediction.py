"""From import to the first prediction of a wav: what it loads, and what it does not."""

import json
import subprocess
import sys

import pytest
from estimator_helpers import RATE, SOUNDS, WORDS, quick

from seqcnn.datasets import write_wav_folder

CODE = """
import sys
sys.modules["rich"] = None  # scikit-learn 1.9 loads it by itself, and does without it where it is not there
import json, seqcnn
answer = seqcnn.load(sys.argv[1]).predict([sys.argv[2]]).tolist()
print(json.dumps([answer, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    files = [str(path) for path in write_wav_folder(folder / "words", SOUNDS, WORDS, RATE)]
    classifier = quick().fit(files, WORDS)
    classifier.save(folder / "model")
    return str(folder / "model"), files[0], classifier.predict(files[:1]).tolist()


def test_the_first_prediction_loads_no_more_than_it_uses(saved):
    model, file, expected = saved
    command = [sys.executable, "-c", CODE, model, file]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer, loaded = json.loads(done.stdout)
    assert answer == expected
    unused = {"torchaudio", "matplotlib", "typer", "pooch", "requests", "onnx", "onnxruntime", "polars", "IPython"}
    assert unused.isdisjoint(loaded)
