"""Reader of folders of audio files whose subfolders are the classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from seqcnn._checks import join_words, name_first
from seqcnn._types import AUDIO_SUFFIXES, AnyArray
from seqcnn.datasets._files import check_path


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
    loose = sorted(entry.name for entry in checked.iterdir() if entry.is_file() and _is_audio(entry.name))
    if loose:
        raise ValueError(
            f"read_wav_folder takes the classes from subfolders, but in '{checked}' itself there are audio files: "
            f"{name_first(loose)}. Put each file into a subfolder named like its class."
        )
    # Links to folders are followed where classes stand, and not below, where they could go round in circles.
    classes = sorted(entry for entry in checked.iterdir() if entry.is_dir() and entry.name[0] not in "._")
    found = [(file, folder.name) for folder in classes for file in _audio_files(folder)]
    if not found:
        raise FileNotFoundError(
            f"read_wav_folder finds no audio file in the subfolders of '{checked}'. "
            f"Put files that end in {join_words(AUDIO_SUFFIXES, 'or')} into subfolders named like their classes."
        )
    return [str(file) for file, _ in found], np.array([name for _, name in found])


def _audio_files(folder: Path) -> list[Path]:
    files = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] not in "._"]
        files += [Path(parent, name) for name in names if _is_audio(name)]
    return sorted(files)


def _is_audio(name: str) -> bool:
    return name[0] not in "._" and Path(name).suffix.lower() in AUDIO_SUFFIXES
