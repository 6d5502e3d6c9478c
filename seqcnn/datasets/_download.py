"""Download a data set from its official place: checked, whole or not at all, and errors in full sentences.

A file is loaded into a working folder inside the data set's folder, compared with its checksum, unpacked there and
moved to its place in the end, so that what is in its place is whole, also if several processes download at once. The
working folder is removed whatever happens.

Where no checksum is published, the first download is trusted: its SHA-256 is written to ``checksums.sha256`` in the
data set's folder (``sha256sum -c`` reads it), and a later download of the same file must match it.
"""

from __future__ import annotations

import errno
import logging
import lzma
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqcnn._types import AnyArray
from seqcnn.datasets._locate import CACHE_VARIABLE, DataSet

CHECKSUMS = "checksums.sha256"
"""The file in a data set's folder that holds the SHA-256 of what was downloaded on trust."""

CHUNK = 2**18
"""Bytes that are read and written at a time."""

TIMEOUT = 30
"""Seconds without an answer after which a server counts as not reachable."""


@dataclass(frozen=True)
class Remote:
    """A file on a server.

    Parameters
    ----------
    url : str
        Its address.
    name : str
        The name that it is kept under in ``checksums.sha256``; unique in its data set.
    checksum : str or None
        The published checksum, such as ``"sha256:2c26b46b..."``; None trusts the first download.
    """

    url: str
    name: str
    checksum: str | None = None


class _Bar:
    """A progress bar as pooch wants it; on a terminal only."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self.task = self.progress.add_task(title, total=None)

    @property
    def total(self) -> float | None:
        return self.progress.tasks[0].total

    @total.setter
    def total(self, total: int) -> None:
        self.progress.update(self.task, total=total or None)

    def update(self, count: int) -> None:
        self.progress.advance(self.task, count)

    def reset(self) -> None:
        self.progress.update(self.task, completed=0)

    def close(self) -> None:
        """Do nothing: the bar is closed by the context that it was opened in, also after an error."""


@contextmanager
def downloaded(data_set: DataSet, remotes: Sequence[Remote], folder: Path, *, caller: str) -> Iterator[list[Path]]:
    """Yield downloaded files, in a working folder inside ``folder`` that goes away with the context.

    Parameters
    ----------
    data_set : DataSet
        What is downloaded, for the errors.
    remotes : sequence of Remote
        What is to be downloaded.
    folder : pathlib.Path
        The data set's folder; made where it is missing.
    caller : str
        The public function that the errors are to name.

    Yields
    ------
    list of pathlib.Path
        The files, in the order of ``remotes``. Unpack them next to where they lie, then `put` the results in place.

    Raises
    ------
    ConnectionError
        If the server is not reachable, answers with an error, or breaks off.
    OSError
        If the folder cannot be written to or the disk is full.
    ValueError
        If a checksum differs or an archive cannot be unpacked.
    """
    place = [f"'{remotes[0].url}'"]
    with _full_sentences(data_set, place, folder, caller=caller):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as work:
            known = _read_checksums(folder)
            files = []
            with _Bar_context(data_set.title) as bar:
                for remote in remotes:
                    place[0] = f"'{remote.url}'"
                    files.append(_retrieve(remote, remote.checksum or known.get(remote.name), Path(work), bar))
            new = {
                remote.name: _sha256(file)
                for remote, file in zip(remotes, files, strict=True)
                if remote.checksum is None and remote.name not in known
            }
            yield files
            # Only what could be unpacked is trusted: a provider's "please log in" page is a download, too.
            _write_checksums(folder, new)


@contextmanager
def _Bar_context(title: str) -> Iterator[_Bar]:
    bar = _Bar(title)
    with bar.progress:
        yield bar


def _retrieve(remote: Remote, checksum: str | None, folder: Path, bar: _Bar) -> Path:
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        # A server may send "gzip" for the text files; the size it announces is then not the size that arrives.
        downloader = pooch.HTTPDownloader(
            progressbar=bar, chunk_size=CHUNK, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}
        )
        name = remote.name.replace("/", "_")
        return Path(pooch.retrieve(remote.url, checksum, fname=name, path=folder, downloader=downloader))
    finally:
        logger.setLevel(level)


def _sha256(file: Path) -> str:
    import pooch

    return f"sha256:{pooch.file_hash(str(file))}"


def _read_checksums(folder: Path) -> dict[str, str]:
    file = folder / CHECKSUMS
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    pairs = (line.split("  ", 1) for line in lines if "  " in line)
    return {name: f"sha256:{checksum}" for checksum, name in pairs}


def _write_checksums(folder: Path, new: Mapping[str, str]) -> None:
    if not new:
        return
    checksums = {**_read_checksums(folder), **new}
    lines = [f"{checksum.removeprefix('sha256:')}  {name}\n" for name, checksum in sorted(checksums.items())]
    with written(folder / CHECKSUMS) as file:
        file.write_text("".join(lines), encoding="utf-8")


@contextmanager
def written(target: Path) -> Iterator[Path]:
    """Yield a file to write to; it becomes ``target`` in one step in the end, and goes away after an error."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".download-", suffix=target.suffix)
    os.close(handle)
    try:
        yield Path(name)
        Path(name).chmod(0o644)
        os.replace(name, target)  # noqa: PTH105, the name says that it replaces
    finally:
        Path(name).unlink(missing_ok=True)


def save_arrays(target: Path, **arrays: AnyArray) -> None:
    """Write an npz file in one step."""
    with written(target) as file, file.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def put(unpacked: Path, folder: Path, *, last: str) -> None:
    """Move what was unpacked to its place, ``last`` in the end: where it is, all of it is.

    What is there already stays: another process, or an earlier one that was interrupted here, put it there.
    """
    for entry in sorted(unpacked.iterdir(), key=lambda entry: (entry.name == last, entry.name)):
        try:
            if not (folder / entry.name).exists():
                entry.rename(folder / entry.name)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise


def unpack(archive: Path, folder: Path, choose: Callable[[str], str | None]) -> None:
    """Unpack those files of a zip or tar archive for whose name ``choose`` gives a path below ``folder``."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for name in opened.namelist():
                if not name.endswith("/") and (target := choose(name)):
                    with opened.open(name) as source:
                        _copy(source, folder, target)
        return
    with tarfile.open(archive) as opened_tar:
        for member in opened_tar:
            if member.isfile() and (target := choose(member.name)):
                _copy(opened_tar.extractfile(member), folder, target)


def _copy(source: Any, folder: Path, target: str) -> None:
    file = folder / target
    if not file.resolve().is_relative_to(folder.resolve()):
        raise tarfile.TarError(f"the archive holds a path outside of its folder, {target!r}")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        shutil.copyfileobj(source, stream, CHUNK)


@contextmanager
def _full_sentences(data_set: DataSet, place: list[str], folder: Path, *, caller: str) -> Iterator[None]:
    """Say in full sentences what went wrong in a download, and what to do."""
    import requests

    again = (
        f"Nothing was kept. Call {caller} again, or get the data by hand, as the card datasets/{data_set.card} tells."
    )

    def broken(reason: str) -> str:
        return f"{caller} could not download {place[0]}: {reason}. {again}"

    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"{caller} was interrupted. Nothing was kept. Call it again to download.") from error
    except requests.exceptions.HTTPError as error:
        answer: Any = error.response
        raise ConnectionError(broken(f"the server answered {answer.status_code} ({answer.reason})")) from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise ConnectionError(broken("the connection broke off before the end of the file")) from error
    except requests.exceptions.Timeout as error:
        raise ConnectionError(broken(f"the server did not answer for {TIMEOUT} seconds")) from error
    except requests.exceptions.RequestException as error:
        raise ConnectionError(broken("the server cannot be reached, perhaps for want of a network")) from error
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
        raise ValueError(broken(f"what came is no archive that can be unpacked ({error})")) from error
    except OSError as error:
        if isinstance(error, FileNotFoundError | ConnectionError) and caller in str(error):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = f"there is no space left in '{folder}'"
            advice = "Make room"
        else:
            reason = f"'{folder}' cannot be written to ({error.strerror or error})"
            advice = "Change its permissions"
        raise type(error)(
            error.errno,
            f"{caller} could not store the data set {data_set.title}: {reason}. Nothing was kept. {advice}, pass path= "
            f"with another folder, or set {CACHE_VARIABLE} to one.",
        ) from error
    except ValueError as error:
        if "hash of downloaded file" not in str(error).lower():
            raise
        raise ValueError(
            f"{caller} downloaded {place[0]}, but its checksum is not the expected one: the file is damaged, or it was "
            f"changed at its source. {again} If it was changed, remove its line from '{folder / CHECKSUMS}', where it "
            "has one."
        ) from error
