"""Modules that know how they were built, so that a file can say it in JSON and no pickle is needed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from seqcnn._checks import did_you_mean
from seqcnn.json_values import decode, encode


class Rebuildable(nn.Module):
    """A module that remembers the arguments of its constructor.

    Only the library's own classes are rebuilt: a file names a class, and the name is looked up among them, never
    imported.
    """

    _known: ClassVar[dict[str, type[Rebuildable]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith("seqcnn."):
            Rebuildable._known[cls.__name__] = cls

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember the arguments, whatever the class does with them."""
        self = super().__new__(cls)
        try:
            bound = inspect.signature(cls).bind(*args, **kwargs)
        except TypeError:  # a copy, which gets its arguments with all else, or a mistake, which __init__ will name
            return self
        bound.apply_defaults()
        # Past nn.Module's own __setattr__, which is not ready before __init__. Parts are found by their names later.
        held = {
            name: None if isinstance(value, nn.Module | Tensor) else value for name, value in bound.arguments.items()
        }
        self.__dict__["_built_from"] = held
        return self


def is_ours(module: nn.Module) -> bool:
    """Tell whether a module can be rebuilt from its description."""
    return isinstance(module, nn.Identity) or Rebuildable._known.get(type(module).__name__) is type(module)


def describe(module: nn.Module, within: str = "") -> dict[str, Any]:
    """Return what JSON can hold of how a module is built; a user's own module is named only.

    An argument that is a module or a tensor is described by the attribute of its name, as it is now; so is a list of
    modules, if it is held as an ``nn.ModuleList``. ``within`` names the argument that the module itself is: a user's
    own stands for an encoder only.

    Raises
    ------
    ValueError
        If an argument is something that JSON cannot hold.

    Examples
    --------
    >>> from seqcnn.stems import CharacterEmbedding
    >>> describe(CharacterEmbedding(30))
    {'class': 'CharacterEmbedding', 'arguments': {'n_codes': 30, 'width': 32, 'unknown_share': 0.1}}
    """
    name = type(module).__name__
    if isinstance(module, nn.ModuleList):
        return {"list": [describe(part, within) for part in module]}
    if not is_ours(module):
        assert within in ("encoder", "module") or not within, f"{name} must be a Rebuildable to be saved"
        return {"foreign": name}
    arguments: dict[str, Any] = {}
    for argument, value in module.__dict__.get("_built_from", {}).items():
        part = getattr(module, argument, None) if value is None else None
        if isinstance(part, nn.Module):
            arguments[argument] = {"$module": describe(part, argument)}
        elif isinstance(part, Tensor):
            arguments[argument] = {"$tensor": [list(part.shape), str(part.dtype).removeprefix("torch.")]}
        else:
            arguments[argument] = encode(value)
    return {"class": name, "arguments": arguments}


def rebuild(description: Mapping[str, Any], stand_in: Callable[[str], nn.Module]) -> nn.Module:
    """Build the module that :func:`describe` gave this description of, with fresh weights.

    Parameters
    ----------
    description
        Of the module.
    stand_in
        Gives a module for a user's class of this name.

    Raises
    ------
    ValueError
        If there is no class of a name. Arguments that make no module raise whatever the class raises.
    """
    if "foreign" in description:
        return stand_in(description["foreign"])
    if "list" in description:
        return nn.ModuleList(rebuild(part, stand_in) for part in description["list"])
    name = description["class"]
    if name == "Identity":
        return nn.Identity()
    if name not in Rebuildable._known:
        raise ValueError(
            f"seqcnn has no module {name!r}. {did_you_mean(name, Rebuildable._known)}"
            "A newer version may have written it"
        )
    arguments: dict[str, Any] = {}
    for argument, value in description["arguments"].items():
        if isinstance(value, dict) and "$module" in value:
            arguments[argument] = rebuild(value["$module"], stand_in)
        elif isinstance(value, dict) and "$tensor" in value:
            shape, dtype = value["$tensor"]
            arguments[argument] = torch.zeros(shape, dtype=_DTYPES[dtype])
        else:
            arguments[argument] = decode(value)
    return Rebuildable._known[name](**arguments)


_DTYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64, "bool": torch.bool}
