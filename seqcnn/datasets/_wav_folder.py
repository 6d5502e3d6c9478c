"""Write waveforms as a folder of wav files, one folder a word, as Google Speech Commands has it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seqcnn._checks import check_integer, shorten
from seqcnn._types import AnyArray


def write_wav_folder(
    folder: str | os.PathLike[str],
    X: Sequence[AnyArray],
    y: Sequence[str] | AnyArray,
    sample_rate: int,
    groups: Sequence[str] | AnyArray | None = None,
) -> list[str]:
    """Write waveforms to ``folder/word/word_speaker_index.wav`` and return the paths.

    Needs the package soundfile. Folders are made where they are missing; files of the same name are overwritten.

    Parameters
    ----------
    folder : str or path-like
        Where the folders of the words are put.
    X : sequence of arrays of shape (time_i,)
        The waveforms, all values from -1 to 1; written with 16 bits.
    y : sequence of str, n_cases long
        The words. What is not a string is written as ``str`` does.
    sample_rate : int
        Samples a second (Hz).
    groups : sequence of str or None, default=None
        The speakers, n_cases long. None writes "unknown".

    Returns
    -------
    list of str
        The paths of the files, in the order of ``X``. The index counts from 0 for each word and speaker.

    Raises
    ------
    ImportError
        If soundfile is not installed.
    TypeError
        If ``sample_rate`` is not an integer.
    ValueError
        If lengths differ, a waveform is not one-dimensional, or a word or speaker cannot be part of a file's name.

    Examples
    --------
    >>> import tempfile
    >>> from seqcnn.datasets import make_spoken_tones
    >>> X, y, speakers = make_spoken_tones(2, n_words=2, random_state=0, return_groups=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_wav_folder(folder, X, y, 8000, speakers)
    >>> sorted(Path(path).name for path in paths)
    ['alpha_speaker1_0.wav', 'bravo_speaker1_0.wav']
    """
    check_integer("sample_rate", sample_rate, minimum=1, caller="write_wav_folder")
    words = [str(word) for word in y]
    speakers = ["unknown"] * len(X) if groups is None else [str(speaker) for speaker in groups]
    for name, listed in (("y", words), ("groups", speakers)):
        if len(listed) != len(X):
            raise ValueError(
                f"The '{name}' parameter of write_wav_folder must be as long as X, {len(X)}. "
                f"Received: {len(listed)} values. Pass one value for each waveform."
            )
    waveforms = [np.asarray(waveform) for waveform in X]
    for number, waveform in enumerate(waveforms):
        if waveform.ndim != 1:
            raise ValueError(
                f"The 'X' parameter of write_wav_folder must hold waveforms of shape (time,). "
                f"Received: shape {waveform.shape} at position {number}. Pass one channel."
            )
    for part in sorted({*words, *speakers}):
        if not part or part.startswith(".") or set(part) & set('/\\:*?"<>|\0'):
            raise ValueError(
                "The words and speakers of write_wav_folder must be usable in a file's name. "
                f"Received: {shorten(part)}. Pass names of letters and digits."
            )
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise ImportError(
            "write_wav_folder needs the package soundfile, which cannot be imported. "
            "Install it with: pip install 'seqcnn[audio]'."
        ) from error
    paths, counts = [], Counter[tuple[str, str]]()
    for waveform, word, speaker in zip(waveforms, words, speakers, strict=True):
        file = Path(folder) / word / f"{word}_{speaker}_{counts[word, speaker]}.wav"
        counts[word, speaker] += 1
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(str(file), waveform, int(sample_rate), subtype="PCM_16")
        paths.append(str(file))
    return paths
