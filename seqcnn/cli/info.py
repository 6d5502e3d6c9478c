"""``seqcnn info``: this machine, or what a model file holds; the latter without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from seqcnn._checks import count_word, name_first
from seqcnn.cli.output import print_json, print_rows
from seqcnn.json_values import decode
from seqcnn.model_file import damaged, read_document


def info(
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="A model file; without one, this machine is described.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what a model file holds, or what this machine has: versions, the processor, what "auto" means here.

    [dim]seqcnn info
    seqcnn info model.seqcnn --json[/dim]
    """
    if model is None:
        from seqcnn.info import show_info

        show_info(as_json=as_json)
        return
    found = describe_file(model)
    if as_json:
        print_json(found)
        return
    print_rows(
        str(model), {name.replace("_", " "): _in_words(value) for name, value in found.items() if value is not None}
    )


def describe_file(path: Path) -> dict[str, Any]:
    """Return what a model file holds, as JSON can hold it.

    Raises
    ------
    FileNotFoundError, ModelFileError
        If there is no such file, or it is no model.
    """
    document, _ = read_document(path)
    try:
        model, parameters, learnt = document["model"], document["parameters"], document["learnt"]
        contract = {name: decode(value) for name, value in model["contract"].items()}
        vocabulary = contract.pop("vocabulary")
        # A committee is described by its first member, and all are counted.
        members = model["network"]["arguments"].get("members", {}).get("$module", {}).get("list", [])
        network = members[0] if members else model["network"]
        encoder = network["arguments"]["encoder"]["$module"]
        own = encoder.get("arguments", {}).get("module", encoder)
        own = own.get("$module", own) if isinstance(own, dict) else {}
        history = decode_history(learnt)
        classes = decode(learnt["classes_"]).tolist() if "classes_" in learnt else None
        given = parameters["encoder"]
        # What "encoder" and "auto" meant is the class; a user's own module has no name here.
        return {
            "estimator": document["estimator"],
            "saved_by": f"seqcnn {document['version']}",
            "encoder": given if isinstance(given, str | list) else encoder.get("class", own.get("foreign")),
            "network": f"Committee of {len(members)}" if members else encoder.get("class"),
            "needs_module": own.get("foreign"),
            "weights": document["weights"],
            "precision": model["dtype"],
            "input": contract["kind"],
            "n_channels": contract["n_channels"] if contract["kind"] != "text" else None,
            "n_timepoints": contract["n_timepoints"],
            "sample_rate": contract["sample_rate"],
            "characters": None if vocabulary is None else len(vocabulary),
            "window_length": decode(model["window_length"]),
            "hop_length": decode(model["hop_length"]),
            "classes": None if classes is None else [_plain(label) for label in classes],
            **history,
            "parameters_left_out": document["left_out"] or None,
            "file_bytes": path.stat().st_size,
        }
    except Exception as error:  # whatever a file of any content may cause
        raise damaged(path, f"its document lacks what a model's has, {type(error).__name__}: {error}") from error


def decode_history(learnt: dict[str, Any]) -> dict[str, Any]:
    """Return the number of epochs and the last line of the history, read without pandas."""
    frame = learnt["history_"]["$frame"]
    if not frame["rows"]:
        return {"epochs": 0}
    columns = {decode(name): column for name, column in frame["columns"]}
    last = {name: decode(columns[name])[-1].item() for name in sorted(columns) if name.endswith(("loss", "score"))}
    # Copies of a network are judged when all are trained, not epoch by epoch.
    return {"epochs": frame["rows"], **{f"last_{name}": value for name, value in last.items() if value == value}}


def _plain(label: Any) -> Any:
    return label if isinstance(label, bool | int | float | str) else str(label)


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return f"{count_word(len(value), 'value')}: {name_first([str(item) for item in value], 12)}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
