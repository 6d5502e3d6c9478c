"""openWakeWord's way to words of one's own: a linear classifier on its speech embedding, in its environment.

Runs in the environment that ``keywords.py`` makes for it: reads a JSON line of paths and labels from standard input and
writes one of results. Its two networks (mel spectrogram, Google's speech embedding) are no part of its package; it
downloads them from its releases, and where that fails the reason is the result.
"""

import json
import sys
import time

import numpy as np

SECONDS, RATE = 2, 16_000


def read(paths):
    """Return clips as openWakeWord wants them: 16-bit, of one length, the word at the end as its training has it."""
    import soundfile

    clips = np.zeros((len(paths), SECONDS * RATE), np.int16)
    for row, path in enumerate(paths):
        wave, rate = soundfile.read(path, dtype="int16")
        assert rate == RATE, f"{path} has {rate} Hz"
        clips[row, -len(wave) :] = wave[-SECONDS * RATE :]
    return clips


def main():
    """Answer one question."""
    question = json.loads(sys.stdin.readline())
    try:
        import openwakeword.utils
        from sklearn.linear_model import LogisticRegression

        openwakeword.utils.download_models(["hey_jarvis_v0.1"])
        features = openwakeword.utils.AudioFeatures(inference_framework="onnx", ncpu=2)
    except Exception as error:  # whatever keeps it from working is what there is to report
        print(json.dumps({"failed": f"{type(error).__name__}: {str(error)[:160]}"}))
        return
    started = time.perf_counter()
    train, test = (features.embed_clips(read(question[part])) for part in ("X_train", "X_test"))
    model = LogisticRegression(max_iter=1000).fit(train.reshape(len(train), -1), question["y_train"])
    seconds = time.perf_counter() - started
    accuracy = float(model.score(test.reshape(len(test), -1), question["y_test"]))
    print(json.dumps({"accuracy": accuracy, "fit_seconds": round(seconds, 1), "parameters": int(model.coef_.size)}))


main()
