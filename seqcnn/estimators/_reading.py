"""How an estimator reads X: anew, which settles what later X must be like, or as what was fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from seqcnn._types import AnyArray, IntegerArray
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._targets import Target
from seqcnn.inputs import InputContract, count_cases, read_for_fit, read_for_predict
from seqcnn.inputs.records import Records
from seqcnn.inputs.static import in_fitted_order
from seqcnn.model import Model


class ReadingMixin:
    """Reads X by an estimator's parameters, and sets ``n_features_in_`` and ``feature_names_in_``."""

    input: str
    sample_rate: int | None
    mono: bool
    missing: str
    max_characters: int | None
    model_: Model
    feature_names_in_: AnyArray

    def _read_anew(self, X: Any, training: IntegerArray) -> tuple[Records, InputContract]:
        """Read X, and settle what later X must be like."""
        records, contract = read_for_fit(
            X,
            kind=self.input,
            sample_rate=self.sample_rate,
            mono=self.mono,
            missing=self.missing,
            max_characters=self.max_characters,
            learn_from=training,
            caller=type(self).__name__,
        )
        self._remember_columns(X, contract, reset=True)
        return records, contract

    def _read(self, X: Any) -> Records:
        """Read X as what was fitted."""
        check_is_fitted(self)
        caller = type(self).__name__
        count_cases(X, caller=caller)
        self._remember_columns(X, self.model_.contract, reset=False)
        return read_for_predict(X, self.model_.contract, sample_rate=self.sample_rate, caller=caller)

    def _read_on(self, X: Any, in_steps: bool) -> Records:
        """Read X as what was fitted, for a training that goes on."""
        caller = type(self).__name__
        try:
            count_cases(X, caller=caller)
            self._remember_columns(X, self.model_.contract, reset=False)
            return read_for_predict(X, self.model_.contract, sample_rate=self.sample_rate, caller=caller)
        except (ValueError, TypeError) as error:
            if in_steps:
                raise
            raise type(error)(
                f"{error} With warm_start=True, fit goes on from the weights that were fitted; set_params("
                f"warm_start=False) starts anew."
            ) from error

    def _read_validation(self, X_val: Any, target: Target, contract: InputContract) -> Examples:
        try:
            self._remember_columns(X_val, contract, reset=False)
            records = read_for_predict(X_val, contract, caller=type(self).__name__)
        except (ValueError, TypeError, FileNotFoundError) as error:
            raise type(error)(f"X_val, which is called X here, does not fit. {error}") from error
        return Examples(records, target, np.ones(len(records)))

    def _remember_columns(self, X: Any, contract: InputContract, *, reset: bool) -> None:
        if reset and "feature_names_in_" in vars(self):
            del self.feature_names_in_
        if not reset:
            X = in_fitted_order(X, contract)
        # Sets or compares feature_names_in_; the number of features is the contract's business.
        validate_data(self, X, reset=reset, skip_check_array=True, ensure_2d=False)
        if reset:
            self.n_features_in_ = contract.n_channels if contract.n_timepoints is None else contract.n_timepoints
            self.n_features_in_ += len(contract.static_columns)
