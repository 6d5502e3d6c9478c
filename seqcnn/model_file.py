"""The bytes of a model file: a safetensors file with one JSON document in its metadata. Its head is read without torch.

A safetensors file is eight bytes that count the head's (little endian), the head in JSON, and the tensors. Nothing in
it is code, and none of it is ever run or imported.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

from seqcnn._checks import did_you_mean

FORMAT = 1
"""Of the JSON document; a file of a higher number is refused."""

_KEY = "seqcnn"
_MOST_HEAD_BYTES = 100_000_000


class ModelFileError(ValueError):
    """A file that is no model, or a broken one, or one that this version cannot read."""


def damaged(path: Path, reason: object) -> ModelFileError:
    """Return the error for a model file that contradicts itself; ``reason`` is the end of a sentence."""
    words = " ".join(str(reason).split()).rstrip(".")
    return ModelFileError(
        f"The model file {path} is damaged, or was changed after it was written: {words}. Save the model again, or "
        "take another copy of the file."
    )


def read_document(path: Path) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Read the JSON document of a model file, and the shapes of its tensors; the tensors stay where they are.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFileError
        If it is no model file, or none that this version reads.
    """
    _check_exists(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        n_bytes = int.from_bytes(file.read(8), "little")
        if size < 8 or n_bytes > min(size - 8, _MOST_HEAD_BYTES):
            raise _foreign(path, size, n_bytes if file.read(1) == b"{" else None)
        raw = file.read(n_bytes)
    return _parse(path, raw, size - 8 - n_bytes)


def _parse(path: Path, raw: bytes, n_held: int) -> tuple[dict[str, Any], dict[str, list[int]]]:
    try:
        head = json.loads(raw)
        metadata = head.pop("__metadata__", None)
        if not isinstance(metadata, dict) or _KEY not in metadata:
            raise ModelFileError(
                f"The file {path} is a safetensors file, but no model that seqcnn saved: it lacks seqcnn's own part. "
                "Pass a file that an estimator's save(path) wrote."
            )
        document = json.loads(metadata[_KEY])
        shapes = {str(name): [int(n) for n in entry["shape"]] for name, entry in head.items()}
        n_promised = max((int(entry["data_offsets"][1]) for entry in head.values()), default=0)
        number = document["format"]
        version = str(document["version"])
    except ModelFileError:
        raise
    except UnicodeDecodeError as error:
        raise _foreign(path, None, None) from error
    except json.JSONDecodeError as error:
        if raw[:1] != b"{":
            raise _foreign(path, None, None) from error
        raise damaged(path, f"its head is no JSON, {error}") from error
    except Exception as error:  # whatever a file of any content may cause
        raise damaged(path, f"its head lacks what a model's has, {type(error).__name__}: {error}") from error
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise damaged(path, f"its format number is {number!r}")
    if number > FORMAT:
        raise ModelFileError(
            f"The model file {path} was written by seqcnn {version} in format {number}; this version reads formats up "
            f"to {FORMAT}. Update seqcnn (pip install -U seqcnn), or save the model with this version."
        )
    if n_promised > n_held:
        raise damaged(
            path, f"it is cut off, its head promises {n_promised:,} bytes of weights and {n_held:,} are there"
        )
    return document, shapes


def _check_exists(path: Path) -> None:
    if path.is_dir():
        raise ModelFileError(f"A model is one file, but {path} is a folder. Pass the path of the file.")
    if path.exists():
        return
    near = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    raise FileNotFoundError(
        f"There is no model file {path}. {did_you_mean(path.name, near)}Pass the path that was given to save(path)."
    )


def _foreign(path: Path, size: int | None, n_bytes: int | None) -> ModelFileError:
    if size == 0:
        return ModelFileError(f"The file {path} is empty, so it holds no model. Save the model again.")
    if n_bytes is not None:
        return damaged(path, f"it is cut off, its head should have {n_bytes:,} bytes")
    return ModelFileError(
        f"The file {path} is no model that seqcnn saved. Received: a file of another kind. Pass a file that an "
        "estimator's save(path) wrote; a pickle opens with joblib or pickle instead, if you trust who made it."
    )


def write_file(path: Path, tensors: dict[str, Any], document: dict[str, Any]) -> None:
    """Write a model file in one step: whoever reads sees the old file or the new one, never a part.

    Raises
    ------
    FileNotFoundError
        If the folder is missing.
    """
    from safetensors.torch import save

    if path.is_dir():
        raise IsADirectoryError(
            f"A model is one file, but {path} is a folder. Pass a file's path, as in {path}/model.seqcnn."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to save the model in. Make the folder first.")
    data = save(tensors, {_KEY: json.dumps(document, allow_nan=False, ensure_ascii=True)})
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_file(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read document and tensors of a model file.

    Raises
    ------
    FileNotFoundError, ModelFileError
        As :func:`read_document`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    document, _ = read_document(path)
    try:
        return document, load(path.read_bytes())
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise damaged(path, f"its weights cannot be read, {error}") from error
