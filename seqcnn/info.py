"""What ``python -m seqcnn info`` tells: versions, the processor, what "auto" means here, and how convolutions run."""

from __future__ import annotations

import importlib
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqcnn.estimators._settings import describe_encoders, multiplies_bfloat16, resolve_device
from seqcnn.layers.layout import describe_rules

NEEDED = ("torch", "numpy", "pandas", "scikit-learn", "rich")
OPTIONAL = ("torchaudio", "soundfile", "onnx", "onnxruntime", "matplotlib")
"""Packages of the extras. They are imported, because some are there and do not load beside another's version."""

CAPABILITIES = ("avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16")
"""Instructions that the speed of a network depends on, as torch calls them."""


def collect_info() -> dict[str, Any]:
    """Return what bears on results and speed on this machine.

    Returns
    -------
    dict
        What JSON can hold: "versions", "processor", "devices", "auto" and "convolutions".

    Examples
    --------
    >>> list(collect_info())
    ['versions', 'processor', 'devices', 'auto', 'convolutions']
    """
    device = resolve_device("auto")
    mixed = multiplies_bfloat16(device)
    return {
        "versions": {
            "seqcnn": importlib.import_module("seqcnn").__version__,
            "Python": platform.python_version(),
            **{name: version(name) for name in NEEDED},
            **{name: _state(name) for name in OPTIONAL},
        },
        "processor": describe_processor(),
        "devices": _list_devices(),
        "auto": {
            "device": str(device),
            "training": "float32, multiplying in bfloat16" if mixed else "float32",
            "prediction": "float32",
            **{f"encoder for {kind}": meaning for kind, meaning in describe_encoders().items()},
        },
        "convolutions": dict(describe_rules()),
    }


def describe_processor() -> dict[str, Any]:
    """Return the processor's name, cores and instructions, and the threads torch uses."""
    found = torch.cpu.get_capabilities()
    return {
        "name": found.get("cpu_name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "capabilities": {name: bool(found.get(name)) for name in CAPABILITIES},
    }


def show_info(*, as_json: bool = False) -> None:
    """Print what :func:`collect_info` returns, as tables or as JSON."""
    info = collect_info()
    if as_json:
        print(json.dumps(info, indent=2))
        return
    processor = dict(info["processor"])
    able = [name for name, has in processor.pop("capabilities").items() if has]
    console = Console()
    for title, rows in (
        ("Versions", info["versions"]),
        ("Processor", {**processor, "capabilities": ", ".join(able) or "none that speed networks up"}),
        ("Devices", info["devices"]),
        ('What "auto" means here', info["auto"]),
        ("How convolutions run", info["convolutions"]),
    ):
        table = Table(show_header=False, box=None)
        for name, value in rows.items():
            table.add_row(Text(name), Text(str(value)))  # as it stands: brackets are no markup
        console.print(f"[bold]{title}[/bold]")
        console.print(table)


def _state(name: str) -> str:
    """Return the version of a package that may be absent, or may not load."""
    try:
        installed = version(name)
    except PackageNotFoundError:
        return "not installed"
    try:
        importlib.import_module(name)
    except Exception as error:  # whatever a broken package raises: ImportError, OSError, RuntimeError
        return f"{installed}, does not load: {' '.join(str(error).split())}"
    return installed


def _list_devices() -> dict[str, str]:
    """Return the names that ``device=`` takes here, and what each is."""
    devices = {"cpu": describe_processor()["name"]}
    devices |= {f"cuda:{number}": torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        devices["mps"] = "Apple GPU"
    return devices
