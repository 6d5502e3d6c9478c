"""Readers of Google Speech Commands: one-second recordings of single words at 16,000 Hz.

Two layouts are read, of the whole set and of any part of it: the official release (``WORD/FILE`` with the files
``validation_list.txt`` and ``testing_list.txt``), and one folder a split (``train/WORD/FILE``,
``validation/WORD/FILE``).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from seqcnn._checks import check_boolean, check_choice, did_you_mean, join_words, shorten
from seqcnn._types import AnyArray
from seqcnn.datasets._download import Remote, downloaded, put, unpack
from seqcnn.datasets._locate import (
    DataSet,
    PathArgument,
    candidate_folders,
    find_data_folder,
    folder_that_holds,
    missing_data,
)

SPEECH_COMMANDS = DataSet("Google Speech Commands", "speech_commands", "speech_commands.md", "fetch_speech_commands")
SPEECH_COMMANDS_MINI = DataSet("Google Speech Commands, 30 words x 10", "speech_commands_mini30", "speech_commands.md")

REMOTE = Remote(
    "http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
    "speech_commands_v0.01.tar.gz",
    "sha256:743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
)

OFFICIAL_LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
SPEAKER_MARK = "_nohash_"
"""What stands between the speaker and the index in a file's name."""

Split = Literal["train", "validation", "test"]
SPLITS = ("train", "validation", "test")


@overload
def load_speech_commands(
    split: Split = ...,
    *,
    words: Iterable[str] | None = ...,
    path: PathArgument = ...,
    return_groups: Literal[False] = ...,
) -> tuple[list[str], AnyArray]: ...
@overload
def load_speech_commands(
    split: Split = ..., *, words: Iterable[str] | None = ..., path: PathArgument = ..., return_groups: Literal[True]
) -> tuple[list[str], AnyArray, AnyArray]: ...
def load_speech_commands(
    split: Split = "train",
    *,
    words: Iterable[str] | None = None,
    path: PathArgument = None,
    return_groups: bool = False,
) -> tuple[Any, ...]:
    """Return the file paths, words and speakers of Google Speech Commands.

    Parameters
    ----------
    split : {"train", "validation", "test"}, default="train"
        The official split; no speaker is in two of them. "test" is there where the folder holds it.
    words : iterable of str or None, default=None
        The words to take. None takes all.
    path : str or path-like or None, default=None
        The folder that holds ``train/WORD`` and ``validation/WORD``, or the official release: ``WORD`` beside
        ``validation_list.txt`` and ``testing_list.txt``. None takes ``$SEQCNN_DATA/speech_commands``, then the
        cache.
    return_groups : bool, default=False
        Whether to return the speakers too, for splits by speaker.

    Returns
    -------
    X : list of str
        The paths of the wav or flac files (16,000 Hz, one channel, at most one second), sorted by word and name.
    y : str array of shape (n_cases,)
        The words.
    groups : str array of shape (n_cases,)
        The speakers: what stands before ``_nohash_`` in the file's name. Only if ``return_groups`` is True.

    Raises
    ------
    FileNotFoundError
        If the folder is not found or holds no recording of the split.
    TypeError
        If ``words`` is not a list of strings, or ``return_groups`` not True or False.
    ValueError
        If ``split`` or a word is not known.

    Notes
    -----
    Source: P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209.

    Examples
    --------
    >>> X, y = load_speech_commands("validation", words=["left", "right"])  # doctest: +SKIP
    >>> len(X), y.tolist()[0]  # doctest: +SKIP
    (150, 'left')
    """
    return _load(SPEECH_COMMANDS, split, words, path, return_groups, caller="load_speech_commands")


def fetch_speech_commands(
    split: Split = "train",
    *,
    words: Iterable[str] | None = None,
    path: PathArgument = None,
    return_groups: bool = False,
) -> tuple[Any, ...]:
    """Return what `load_speech_commands` returns, of the whole release; download it (1.4 GB) where it is not here.

    Parameters
    ----------
    split : {"train", "validation", "test"}, default="train"
        The official split.
    words : iterable of str or None, default=None
        The words to take. None takes all 30.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/speech_commands``, then in the cache, and
        downloads to the cache. A folder without ``testing_list.txt``, which may be a part of the release, does not
        count.
    return_groups : bool, default=False
        Whether to return the speakers too.

    Returns
    -------
    X, y, groups
        As `load_speech_commands` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    TypeError
        If ``words`` is not a list of strings, or ``return_groups`` not True or False.
    ValueError
        If ``split`` or a word is not known, or the file that came has another checksum.

    Notes
    -----
    Source: http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz, checked by its SHA-256.

    Examples
    --------
    >>> X, y = fetch_speech_commands("test", words=["left", "right"])  # doctest: +SKIP
    >>> sorted(set(y))  # doctest: +SKIP
    ['left', 'right']
    """
    caller = "fetch_speech_commands"
    check_choice("split", split, SPLITS, caller=caller)
    check_boolean("return_groups", return_groups, caller=caller)
    folders = [place for place, _ in candidate_folders(SPEECH_COMMANDS, path, caller=caller)]
    folder = folder_that_holds(folders, [OFFICIAL_LISTS["test"]])
    if folder is None:
        folder = folders[-1]
        with downloaded(SPEECH_COMMANDS, [REMOTE], folder, caller=caller) as (archive,):
            unpacked = archive.parent / "unpacked"
            unpack(archive, unpacked, _choose)
            put(unpacked, folder, last=OFFICIAL_LISTS["test"])
    return _load(SPEECH_COMMANDS, split, words, folder, return_groups, caller=caller)


def _choose(name: str) -> str | None:
    """Return where a file of the release belongs: words and lists, without background noise and notes."""
    parts = [part for part in name.split("/") if part != "."]
    if parts[-1] in OFFICIAL_LISTS.values():
        return parts[-1]
    return "/".join(parts[-2:]) if SPEAKER_MARK in parts[-1] and len(parts) > 1 else None


@overload
def load_speech_commands_mini(
    split: Split = ...,
    *,
    words: Iterable[str] | None = ...,
    path: PathArgument = ...,
    return_groups: Literal[False] = ...,
) -> tuple[list[str], AnyArray]: ...
@overload
def load_speech_commands_mini(
    split: Split = ..., *, words: Iterable[str] | None = ..., path: PathArgument = ..., return_groups: Literal[True]
) -> tuple[list[str], AnyArray, AnyArray]: ...
def load_speech_commands_mini(
    split: Split = "train",
    *,
    words: Iterable[str] | None = None,
    path: PathArgument = None,
    return_groups: bool = False,
) -> tuple[Any, ...]:
    """Return the file paths, words and speakers of 30 words x 10 recordings of Google Speech Commands.

    Parameters
    ----------
    split : {"train", "validation", "test"}, default="train"
        The official split, from ``validation_list.txt`` and ``testing_list.txt``: 205, 44 and 51 recordings.
    words : iterable of str or None, default=None
        The words to take. None takes all.
    path : str or path-like or None, default=None
        The folder that holds ``WORD/FILE`` and the two lists. None takes ``$SEQCNN_DATA/speech_commands_mini30``.
    return_groups : bool, default=False
        Whether to return the speakers too.

    Returns
    -------
    X : list of str
        The paths of the wav files (16,000 Hz, one channel, at most one second), sorted by word and name.
    y : str array of shape (n_cases,)
        The words.
    groups : str array of shape (n_cases,)
        The speakers. Only if ``return_groups`` is True.

    Raises
    ------
    FileNotFoundError
        If the folder is not found or holds no recording of the split.
    TypeError
        If ``words`` is not a list of strings, or ``return_groups`` not True or False.
    ValueError
        If ``split`` or a word is not known.

    Notes
    -----
    Source: as `load_speech_commands`.

    Examples
    --------
    >>> X, y = load_speech_commands_mini("test")  # doctest: +SKIP
    >>> len(X)  # doctest: +SKIP
    51
    """
    return _load(SPEECH_COMMANDS_MINI, split, words, path, return_groups, caller="load_speech_commands_mini")


def _load(
    data_set: DataSet, split: str, words: Iterable[str] | None, path: PathArgument, return_groups: bool, *, caller: str
) -> tuple[Any, ...]:
    check_choice("split", split, SPLITS, caller=caller)
    check_boolean("return_groups", return_groups, caller=caller)
    folder = find_data_folder(data_set, path, holds=[*SPLITS, *OFFICIAL_LISTS.values()], caller=caller)
    one_folder_a_split = any((folder / name).is_dir() for name in SPLITS)
    if one_folder_a_split:
        folder = folder / split
        if not folder.is_dir():
            raise missing_data(data_set, f"folder '{split}'", folder.parent, caller=caller)
    chosen = _choose_words(words, folder, caller=caller)
    files = [file for word in chosen for file in _recordings(folder / word)]
    if not one_folder_a_split:
        listed = {name: _read_list(data_set, folder, name, caller=caller) for name in OFFICIAL_LISTS}
        held_out = listed["validation"] | listed["test"]
        files = [
            file
            for file in files
            if (name := f"{file.parent.name}/{file.name}") in listed.get(split, ())
            or (split == "train" and name not in held_out)
        ]
    if not files:
        what = f"recording of the split {split!r} named WORD/SPEAKER{SPEAKER_MARK}INDEX.wav"
        raise missing_data(data_set, what, folder, caller=caller)
    X, y = [str(file) for file in files], np.array([file.parent.name for file in files])
    if not return_groups:
        return X, y
    return X, y, np.array([file.name.partition(SPEAKER_MARK)[0] for file in files])


def _choose_words(words: Iterable[str] | None, folder: Path, *, caller: str) -> list[str]:
    available = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] not in "._")
    if words is None:
        return available
    listed = None if isinstance(words, str) or not isinstance(words, Iterable) else list(words)
    if listed is None or not all(isinstance(word, str) for word in listed):
        raise TypeError(
            f"The 'words' parameter of {caller} must be a list of strings or None. "
            f"Received: {shorten(words)}. Pass words=['left', 'right'], for example."
        )
    unknown = sorted(set(listed) - set(available))
    if unknown or not listed:
        hint = did_you_mean(unknown[0], available) if unknown else ""
        raise ValueError(
            f"The 'words' parameter of {caller} must hold words that have a folder in '{folder}'. "
            f"Received: {join_words(map(repr, unknown)) or 'no word'}. {hint}"
            f"The words there are {join_words(available) or 'none'}."
        )
    return sorted(set(listed))


def _recordings(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in {".wav", ".flac"} and SPEAKER_MARK in file.name)


def _read_list(data_set: DataSet, folder: Path, split: str, *, caller: str) -> set[str]:
    file = folder / OFFICIAL_LISTS[split]
    if not file.is_file():
        raise missing_data(data_set, f"file '{file.name}'", folder, caller=caller)
    return set(file.read_text(encoding="utf-8").split())
