"""Which networks make a committee: those asked for, or what "auto" means for series.

One network is enough where training by gradients alone can do what is asked: in steps, from where it stopped, with
classes drawn evenly, or under a robust loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from seqcnn._checks import join_words, shorten
from seqcnn._types import Kind
from seqcnn.encoders import find_encoder
from seqcnn.estimators._building import is_fixed, slides


@dataclass(frozen=True)
class Member:
    """What is to become a member of a committee.

    Attributes
    ----------
    name
        As ``committee_`` shows it.
    encoder
        A name or a module; of fixed kernels also several, whose features stand side by side.
    n_folds
        Into how many folds the records are dealt, if it is trained: each of so many copies learns without one.
    must_earn
        Whether it is left out where the members in front of it leave nothing that it could show to know.
    """

    name: str
    encoder: str | nn.Module | tuple[str | nn.Module, ...]
    n_folds: int = 5
    must_earn: bool = False

    @property
    def is_fixed(self) -> bool:
        """Whether its head is solved, not trained."""
        return is_fixed(self.encoder)

    @property
    def is_trusted(self) -> bool:
        """Whether it has weight before it has shown anything (:mod:`seqcnn.weighting`)."""
        return slides(self.encoder)

    @property
    def has_copies(self) -> bool:
        """Whether its copies can be one network."""
        return isinstance(self.encoder, str) and "n_copies" in find_encoder(self.encoder, caller="").defaults


_WITHOUT_TRAINING = ("multirocket", "hydra", "minirocket", "weasel", "shapelets", "quant", "fourier")

PRESETS: Mapping[str, tuple[str | tuple[str, ...], ...]] = {
    "quick": ("multirocket", "hydra", "minirocket", "weasel", "fourier"),
    "default": (*_WITHOUT_TRAINING, "h-inception"),
    "best": (
        "multirocket",
        "hydra",
        "minirocket",
        "rocket",
        "weasel",
        "shapelets",
        "quant",
        "fourier",
        "h-inception",
        "lite",
    ),
}
"""The committee that "auto" is for series."""
FOR_NUMBERS = ("lenet",)
"""Who joins it where numbers are predicted and networks are trained: a small network of bounded activations follows the
levels of noisy measurements, whose noise others learn by heart."""

_FOLDS_OF_BEST = 10
"""Twice as many copies of each network, each of which learns nine tenths of the records instead of four fifths."""

LONG, ENOUGH_FOR_LONG = 350, 500
"""Time steps from which on, and windows below which, a short training was found to earn next to no weight on records
that it did not learn (docs/recipe.md): "default" then does without."""


def is_list(encoder: Any) -> bool:
    """Tell whether several encoders are asked for."""
    return isinstance(encoder, list | tuple)


def choose_members(
    parameters: Mapping[str, Any],
    kind: Kind,
    *,
    length: int,
    n_windows: int,
    tiny: bool,
    in_steps: bool,
    predicts_numbers: bool = False,
) -> tuple[Member, ...]:
    """Return the members of the committee that is to be fitted; none where it is one network.

    Parameters
    ----------
    parameters
        The estimator's, valid.
    kind
        What the records are.
    length, n_windows
        Time steps of a window, as a rule, and how many windows there are.
    tiny
        Whether they are tiny series.
    in_steps
        Whether this is a ``partial_fit``.
    predicts_numbers
        Whether the target is numbers.
    """
    encoder = parameters["encoder"]
    n_folds = _FOLDS_OF_BEST if parameters["preset"] == "best" else Member.n_folds
    if is_list(encoder):
        return tuple(replace(member, n_folds=n_folds) for member in name_members(encoder))
    takes_one = tiny or wants_one_network(parameters, in_steps)
    if encoder_is_auto(encoder) and kind == "series" and not takes_one:
        preset = parameters["preset"]
        if preset == "default" and length >= LONG and n_windows < ENOUGH_FOR_LONG:
            return name_members(_WITHOUT_TRAINING)
        joining = FOR_NUMBERS if predicts_numbers and preset != "quick" else ()
        members = name_members((*PRESETS[preset], *joining))
        return tuple(replace(member, n_folds=n_folds, must_earn=not member.is_fixed) for member in members)
    return ()


def encoder_is_auto(encoder: Any) -> bool:
    """Tell whether the encoder is left to us."""
    return isinstance(encoder, str) and encoder == "auto"


def wants_one_network(parameters: Mapping[str, Any], in_steps: bool) -> bool:
    """Tell whether something is asked for that a network trained by gradients alone can do."""
    return (
        in_steps
        or bool(parameters.get("warm_start"))
        or parameters["early_stopping"] is True
        or parameters.get("sampling") is not None
        or parameters.get("loss", "squared_error") != "squared_error"
        or any(name.startswith("encoder__") for name in parameters)
    )


def name_members(encoders: Any) -> tuple[Member, ...]:
    """Give each encoder a name of its own."""
    names = list(map(_name, encoders))
    return tuple(
        Member(name if names.count(name) == 1 else f"{name} {names[:position].count(name) + 1}", encoder)
        for position, (name, encoder) in enumerate(zip(names, encoders, strict=True))
    )


def _name(encoder: Any) -> str:
    if isinstance(encoder, tuple):
        return " + ".join(map(_name, encoder))
    return encoder if isinstance(encoder, str) else type(encoder).__name__


def check_members(
    encoder: list[Any] | tuple[Any, ...], parameters: Mapping[str, Any], *, embeds: bool, caller: str
) -> None:
    """Raise ValueError if a list of encoders, each valid by itself, makes no committee.

    ``embeds`` tells whether features are asked for.
    """
    if embeds:
        raise ValueError(
            f"The 'encoder' parameter of {caller} must be one encoder, for members of a committee are weighed by what "
            f"they predict. Received: {shorten(encoder)}. Name one, and join several embedders by scikit-learn's "
            f"FeatureUnion."
        )
    if not encoder:
        raise ValueError(
            f"The 'encoder' parameter of {caller} must name at least one encoder. Received: an empty list. Pass "
            f"encoder='auto', or a list such as ['hydra', 'lite']."
        )
    trained = [part for several in encoder if isinstance(several, tuple) for part in several if not is_fixed(part)]
    if trained:
        raise ValueError(
            f"A tuple in the 'encoder' parameter of {caller} joins the features of fixed kernels in front of one head. "
            f"Received: {join_words(map(_name, trained))} in a tuple. Let it stand in the list by itself."
        )
    own = [name for name in parameters if name.startswith("encoder__")]
    if own:
        raise ValueError(
            f"The 'encoder' parameter of {caller} is a list, whose encoders have parameters of different names. "
            f"Received: also {join_words(own)}. Build the encoder with these values and put the module into the list, "
            f"or name one encoder."
        )
    autos = [part for part in encoder if encoder_is_auto(part)]
    if autos:
        raise ValueError(
            f"The 'encoder' parameter of {caller} must hold names and modules, or be 'auto' itself. Received: "
            f"{shorten(list(encoder))}. Drop 'auto' from the list, or pass encoder='auto'."
        )
    asked = {
        "warm_start=True": bool(parameters.get("warm_start")),
        "early_stopping=True": parameters["early_stopping"] is True,
        "sampling='balanced'": parameters.get("sampling") == "balanced",
    }
    received = [what for what, is_asked in asked.items() if is_asked]
    if received:
        raise ValueError(
            f"The 'encoder' parameter of {caller} is a list, and a committee is fitted to all records at once, each "
            f"member judged on records that it did not learn. Received: also {join_words(received)}. Leave it out, or "
            f"name one encoder."
        )
