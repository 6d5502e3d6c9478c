"""A model as tensors and JSON, and back: no pickle, and nothing in a file is run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import fields
from numbers import Integral
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from seqcnn._types import Kind
from seqcnn.committee import Committee
from seqcnn.heads import Head
from seqcnn.inputs import InputContract
from seqcnn.json_values import decode, encode
from seqcnn.model import Model, Output
from seqcnn.network import Network
from seqcnn.rebuilding import describe, rebuild
from seqcnn.stems import FrontEndStem

_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_SPARE_BYTES = 2**26


class MissingModuleError(ValueError):
    """A network holds a module of the user's own, and loading was not given one."""


def describe_model(model: Model) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what JSON holds of a model, and its tensors on the CPU."""
    simple = {
        field.name: encode(getattr(model, field.name))
        for field in fields(model)
        if field.name not in ("network", "contract")
    }
    document = {
        "network": describe(model.network),
        "dtype": str(model.dtype).removeprefix("torch."),
        "contract": {name: encode(value) for name, value in model.contract.to_dict().items()},
        **simple,
    }
    return document, take_tensors(model.network)


def take_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return a module's state dict, each tensor with memory of its own on the CPU."""
    return {
        name: tensor.detach().cpu().contiguous().clone(memory_format=torch.contiguous_format)
        for name, tensor in module.state_dict().items()
    }


def rebuild_model(document: Mapping[str, Any], tensors: Mapping[str, Tensor], own: nn.Module | None) -> Model:
    """Build the model that :func:`describe_model` described.

    Parameters
    ----------
    document, tensors
        From :func:`describe_model`.
    own
        Takes the place of the user's own module; it is copied.

    Raises
    ------
    MissingModuleError
        If there is a module of the user's own, and ``own`` is None, or the other way round.
    Exception
        Whatever a document or tensors cause that do not fit each other; a caller that reads files words it.
    """
    network = rebuild_module(document["network"], tensors, own, document["dtype"])
    if not isinstance(network, Network | Committee):
        raise ValueError(f"a {type(network).__name__} is no whole network")
    network.eval()
    contract = InputContract.from_dict({name: decode(value) for name, value in document["contract"].items()})
    _check_contract(contract, network, document)
    simple = {name: decode(value) for name, value in document.items() if name not in ("network", "dtype", "contract")}
    model = Model(network=network, contract=contract, **simple)
    _check_model(model)
    return model


def rebuild_module(
    description: Mapping[str, Any], tensors: Mapping[str, Tensor], own: nn.Module | None, dtype: str | None = None
) -> nn.Module:
    """Build a described module with these weights, on the CPU, in the given precision or that of its first weights.

    It is built without memory first, so that sizes which the weights do not have cost nothing.
    """
    if dtype is None:
        floating = (tensor.dtype for tensor in tensors.values() if tensor.is_floating_point())
        dtype = str(next(floating, torch.float32)).removeprefix("torch.")
    wanted = list_foreign(description)
    if bool(wanted) != (own is not None):
        raise MissingModuleError(wanted[0] if wanted else "")

    def stand_in(name: str) -> nn.Module:
        assert own is not None
        if type(own).__name__ != name:
            raise MissingModuleError(name)
        return deepcopy(own)

    if own is None:
        with torch.device("meta"), _no_more_parameters_than(len(tensors)):
            draft = rebuild(description, stand_in)
        held = sum(tensor.nbytes for tensor in tensors.values())
        asked = sum(tensor.nbytes for tensor in (*draft.parameters(), *draft.buffers()))
        if asked > 2 * held + _SPARE_BYTES:
            raise ValueError(f"the network asks for {asked:,} bytes and the file holds {held:,}")
        draft.load_state_dict(dict(tensors), strict=True, assign=True)
    with torch.random.fork_rng([]):  # building draws weights, which are replaced
        module = rebuild(description, stand_in).to(_DTYPES[dtype])
    module.load_state_dict(dict(tensors), strict=True)
    return module


def list_foreign(description: Any) -> list[str]:
    """Return the names of the user's own modules in a description."""
    if isinstance(description, list):
        return [name for value in description for name in list_foreign(value)]
    if not isinstance(description, dict):
        return []
    if "foreign" in description:
        return [str(description["foreign"])]
    return [name for value in description.values() for name in list_foreign(value)]


@contextmanager
def _no_more_parameters_than(limit: int) -> Iterator[None]:
    """Raise ValueError where a module is built of more parameters than there are tensors: a depth of millions."""
    me, count = threading.get_ident(), 0

    def refuse(module: nn.Module, name: str, parameter: Any) -> None:
        nonlocal count
        if threading.get_ident() == me and parameter is not None:
            count += 1
            if count > limit + 1000:
                raise ValueError(f"the network has more layers than the file's {limit:,} tensors can fill")

    handle = register_module_parameter_registration_hook(refuse)
    try:
        yield
    finally:
        handle.remove()


def _check_contract(contract: InputContract, network: Network | Committee, document: Mapping[str, Any]) -> None:
    if contract.kind not in get_args(Kind):
        raise ValueError(f"there is no kind of input {contract.kind!r}")
    for name in ("n_channels", "n_timepoints", "sample_rate", "max_characters"):
        value = getattr(contract, name)
        if not (value is None and name != "n_channels") and (not isinstance(value, Integral) or value < 1):
            raise ValueError(f"{name} is {value!r}")
    if contract.vocabulary is not None and not isinstance(contract.vocabulary.characters, str):
        raise ValueError("its vocabulary is no text")
    if (contract.kind == "text") != (contract.vocabulary is not None):
        raise ValueError(f"its vocabulary does not fit its kind, {contract.kind}")
    described = document["network"]
    if isinstance(network, Committee):
        for member, part in zip(network, described["arguments"]["members"]["$module"]["list"], strict=True):
            if not isinstance(member, Network):
                raise ValueError(f"a {type(member).__name__} is no member of a committee")
            _check_network(contract, member, part)
    else:
        _check_network(contract, network, described)


def _check_network(contract: InputContract, network: Network, described: Mapping[str, Any]) -> None:
    stem = described["arguments"]["stem"]["$module"]["arguments"]
    if contract.vocabulary is None:
        rows, has = contract.n_channels, stem["n_channels"]
    else:
        rows, has = contract.vocabulary.size, stem["n_codes"]
    if isinstance(network.head, Head) and network.head.in_features != network.n_features:
        raise ValueError(f"its head reads {network.head.in_features} features, its encoder gives {network.n_features}")
    if isinstance(network.stem, FrontEndStem) and network.stem.front_end.sample_rate != contract.sample_rate:
        raise ValueError(
            f"its contract says {contract.sample_rate} Hz, its front end is for {network.stem.front_end.sample_rate:g}"
        )
    if rows != has:
        raise ValueError(f"its contract names {rows} channels or characters, its network reads {has}")


def _check_model(model: Model) -> None:
    if model.output not in get_args(Output):
        raise ValueError(f"there is no output {model.output!r}")
    for name in ("window_length", "hop_length", "record_length"):
        value = getattr(model, name)
        if value is not None and (not isinstance(value, Integral) or value < 1):
            raise ValueError(f"{name} is {value!r}")
