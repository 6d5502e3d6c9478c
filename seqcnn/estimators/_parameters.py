"""Parameters of the encoder and the front end beside those of the estimator: ``encoder__width=64``.

An encoder given by name is not an object that could hold parameters, and neither is a front end. So the estimator holds
them, under their full names, until ``fit`` builds the parts; their defaults stand in the parts' own signatures and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from sklearn.base import BaseEstimator

from seqcnn._checks import did_you_mean, join_words
from seqcnn.encoders import ENCODERS
from seqcnn.front_ends import FRONT_ENDS, front_end_defaults

_DEFAULTS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "encoder": lambda name: ENCODERS[name].defaults if name in ENCODERS else {},
    "front_end": lambda name: front_end_defaults(name) if name in FRONT_ENDS else {},
}
"""The parameters that name a part, and what gives the defaults of the part of a name."""

_ALSO = "encoder__... for the encoder's own, and front_end__... for the front end's."


class PartParametersMixin(BaseEstimator):
    """``get_params`` and ``set_params`` that know ``encoder__...``, in any order and before the encoder is known."""

    def _keep_part_parameters(self, parameters: Mapping[str, Any]) -> None:
        known = self._get_param_names()
        for name, value in parameters.items():
            if not _is_a_parts(name):
                raise TypeError(
                    f"{type(self).__name__} has no parameter {name!r}. {did_you_mean(name, known)}"
                    f"It takes {join_words(known)}, {_ALSO}"
                )
            setattr(self, name, value)

    @property
    def _encoder_parameters(self) -> dict[str, Any]:
        return self._parameters_of("encoder")

    @property
    def _front_end_parameters(self) -> dict[str, Any]:
        return self._parameters_of("front_end")

    def _parameters_of(self, part: str) -> dict[str, Any]:
        prefix = f"{part}__"
        return {name.removeprefix(prefix): value for name, value in vars(self).items() if name.startswith(prefix)}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep
            Also return those of encoder and front end that were not set, with the defaults of a named one.

        Returns
        -------
        dict
            Names and values.
        """
        parameters: dict[str, Any] = super().get_params(deep=False)
        for part, defaults in _DEFAULTS.items():
            named = parameters[part]
            if deep and isinstance(named, str):
                parameters |= {f"{part}__{name}": value for name, value in defaults(named).items()}
            parameters |= {f"{part}__{name}": value for name, value in self._parameters_of(part).items()}
        return parameters

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters by name; ``encoder__...`` too, whichever the encoder is by the time of ``fit``.

        Raises
        ------
        ValueError
            If there is no parameter of a name.
        """
        known = self._get_param_names()
        unknown = [name for name in parameters if name not in known and not _is_a_parts(name)]
        if unknown:
            hints = "".join(did_you_mean(name, known) for name in unknown)
            raise ValueError(
                f"Invalid parameter {join_words(map(repr, unknown))} for estimator {type(self).__name__}. {hints}"
                f"Valid parameters are {join_words(known)}, {_ALSO}"
            )
        for name, value in parameters.items():
            setattr(self, name, value)
        return self


def _is_a_parts(name: str) -> bool:
    return any(name.startswith(f"{part}__") and name != f"{part}__" for part in _DEFAULTS)
