"""Reader of folders of audio files whose subfolders are the classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from seqcnn._checks import join_words, name_first
from seqcnn._types import AnyArray
from seqcnn.datasets._files import AUDIO_SUFFIXES, check_path


def read_wav_folder(folder: str | os.PathLike[str]) -> tuple[list[str], AnyArray]:
    """Return the audio files below a folder and their classes, the names of its subfolders.

    Files may lie deeper (``yes/speaker1/0.wav`` is a "yes"). Files and folders whose name begins with a dot or an
    underscore, such as ``_background_noise_`` in Google Speech Commands, and files of other kinds are passed over.

    Parameters
    ----------
    folder : str or path-like
        The folder whose subfolders are the classes.

    Returns
    -------
    paths : list of str
        The wav, flac, ogg, mp3, aiff and au files, sorted; n_cases long.
    labels : str array of shape (n_cases,)
        The names of the subfolders.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no audio file in its subfolders.
    NotADirectoryError
        If ``folder`` is a file.
    ValueError
        If audio files lie in the folder itself, where no subfolder gives them a class.

    Examples
    --------
    >>> import tempfile
    >>> from seqcnn.datasets import make_spoken_tones, write_wav_folder
    >>> X, y = make_spoken_tones(4, n_words=2, random_state=0)
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = write_wav_folder(folder.name, X, y, 8000)
    >>> paths, labels = read_wav_folder(folder.name)
    >>> Path(paths[0]).name, labels.tolist()
    ('alpha_unknown_0.wav', ['alpha', 'alpha', 'bravo', 'bravo'])
    >>> folder.cleanup()
    """
    checked = check_path(folder, caller="read_wav_folder", folder=True)
    found, loose = [], []
    for parent, folders, files in os.walk(checked, followlinks=False):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        place = Path(parent).relative_to(checked).parts
        for name in files:
            if name[0] in "._" or Path(name).suffix.lower() not in AUDIO_SUFFIXES:
                continue
            if place:
                found.append((place, name))
            else:
                loose.append(name)
    if loose:
        raise ValueError(
            f"read_wav_folder takes the classes from subfolders, but in '{checked}' itself there are audio files: "
            f"{name_first(sorted(loose))}. Put each file into a subfolder named like its class."
        )
    if not found:
        raise FileNotFoundError(
            f"read_wav_folder finds no audio file in the subfolders of '{checked}'. "
            f"Put files that end in {join_words(AUDIO_SUFFIXES, 'or')} into subfolders named like their classes."
        )
    found.sort()
    return [str(checked.joinpath(*place, name)) for place, name in found], np.array([place[0] for place, _ in found])
