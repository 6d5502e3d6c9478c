"""Parameters of the encoder beside those of the estimator: ``encoder__width=64``.

An encoder given by name is not an object that could hold parameters. So the estimator holds them, under their full
names, until ``fit`` builds the encoder; their defaults stand in the encoder's own signature and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from sklearn.base import BaseEstimator

from seqcnn._checks import did_you_mean, join_words
from seqcnn.encoders import ENCODERS

PREFIX = "encoder__"


class EncoderParametersMixin(BaseEstimator):
    """``get_params`` and ``set_params`` that know ``encoder__...``, in any order and before the encoder is known."""

    def _keep_encoder_parameters(self, parameters: Mapping[str, Any]) -> None:
        known = self._get_param_names()
        for name, value in parameters.items():
            if not _is_the_encoders(name):
                raise TypeError(
                    f"{type(self).__name__} has no parameter {name!r}. {did_you_mean(name, known)}"
                    f"It takes {join_words(known)}, and {PREFIX}... for the encoder's own."
                )
            setattr(self, name, value)

    @property
    def _encoder_parameters(self) -> dict[str, Any]:
        return {name.removeprefix(PREFIX): value for name, value in vars(self).items() if name.startswith(PREFIX)}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep
            Also return those of the encoder that were not set, with the defaults of a named encoder.

        Returns
        -------
        dict
            Names and values.
        """
        parameters: dict[str, Any] = super().get_params(deep=False)
        encoder = parameters["encoder"]
        if deep and isinstance(encoder, str) and encoder in ENCODERS:
            parameters |= {PREFIX + name: value for name, value in ENCODERS[encoder].defaults.items()}
        return parameters | {PREFIX + name: value for name, value in self._encoder_parameters.items()}

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters by name; ``encoder__...`` too, whichever the encoder is by the time of ``fit``.

        Raises
        ------
        ValueError
            If there is no parameter of a name.
        """
        known = self._get_param_names()
        unknown = [name for name in parameters if name not in known and not _is_the_encoders(name)]
        if unknown:
            hints = "".join(did_you_mean(name, known) for name in unknown)
            raise ValueError(
                f"Invalid parameter {join_words(map(repr, unknown))} for estimator {type(self).__name__}. {hints}"
                f"Valid parameters are {join_words(known)}, and {PREFIX}... for the encoder's own."
            )
        for name, value in parameters.items():
            setattr(self, name, value)
        return self


def _is_the_encoders(name: str) -> bool:
    return name.startswith(PREFIX) and name != PREFIX
