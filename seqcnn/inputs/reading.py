"""The two ways in: read X for fit, which settles a contract, and for predict, which keeps it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from seqcnn._checks import check_boolean, check_choice, check_integer, shorten
from seqcnn._types import AnyArray, IntegerArray, Kind
from seqcnn.inputs.audio import read_audio_for_fit, read_audio_for_predict
from seqcnn.inputs.contract import InputContract
from seqcnn.inputs.detect import (
    FORM_WORDS,
    FORMS_OF_KIND,
    KIND_WORDS,
    Received,
    looks_like_path,
    recognise,
    resolve_kind,
)
from seqcnn.inputs.records import Records
from seqcnn.inputs.series import MISSING, read_series_for_fit, read_series_for_predict
from seqcnn.inputs.static import split_for_fit, split_for_predict
from seqcnn.inputs.text import read_text_for_fit, read_text_for_predict

KINDS = ("auto", "series", "text", "audio")
"""Values of the estimators' ``input`` parameter."""


def read_for_fit(
    X: Any,
    *,
    kind: str = "auto",
    sample_rate: int | None = None,
    mono: bool = True,
    missing: str = "error",
    max_characters: int | None = 1014,
    learn_from: IntegerArray | None = None,
    caller: str,
) -> tuple[Records, InputContract]:
    """Read X for fit, and settle the contract that predict will keep.

    Parameters
    ----------
    X
        Series: ``(n, time)``, ``(n, channels, time)``, or a list of ``(time_i,)`` or ``(channels, time_i)`` arrays.
        Text: a list of strings. Audio: a list of paths, of ``(waveform, sample_rate)`` pairs, or waveforms shaped as
        series are, with ``sample_rate``. Torch tensors are read as well, and Series and DataFrames of pandas and
        polars: a row a record (columns of numbers are time steps, columns of arrays channels), or, with an index (case,
        time), a line a time step, the cases in the order of their first appearance and the times of each sorted. Number
        columns of a frame whose other columns hold the records become ``Records.static``.
    kind
        "series", "text", "audio", or "auto": by what X holds. The estimators call this parameter ``input``.
    sample_rate
        In Hz. Given, audio of another rate is resampled to it; None, all audio must have one rate, which is found.
    mono
        Average the channels of audio.
    missing
        What is done with NaN in series: "error"; "interpolate" fills them linearly, at the edges with the nearest
        value; "mask" leaves them for the network's stem to read as absent.
    max_characters
        Where texts are cut; None reads them whole.
    learn_from
        Positions of the records that the vocabulary is learnt from (those of the training set); None is all.
    caller
        The estimator's class name, for the messages.

    Returns
    -------
    Records
        Arrays may be views of X: do not write into them.
    InputContract
        What :func:`read_for_predict` demands.

    Raises
    ------
    TypeError
        Where X is sparse or holds neither numbers nor strings.
    ValueError
        Where X cannot be read as it is asked for; the message names the records.
    FileNotFoundError
        Where audio files are missing; the message names them.

    Examples
    --------
    >>> records, contract = read_for_fit([[0, 1, 2], [3, 4, 5]], caller="SeqCNNClassifier")
    >>> records.kind, records.values[0].shape, contract.n_timepoints
    ('series', (1, 3), 3)
    >>> records, contract = read_for_fit(["no", "on it"], caller="SeqCNNClassifier")
    >>> records.kind, records.lengths.tolist(), contract.vocabulary.characters
    ('text', [2, 5], 'no it')
    """
    _check_parameters(kind, sample_rate, mono, missing, max_characters, caller)
    split = split_for_fit(X, kind=kind, missing=missing, caller=caller)
    received = recognise(split.records, caller=caller)
    resolved = resolve_kind(received, kind, sample_rate, caller=caller)
    values: list[AnyArray]
    if resolved == "series":
        values, contract = read_series_for_fit(received, missing=missing, caller=caller)
    elif resolved == "text":
        values, contract = read_text_for_fit(
            received, max_characters=max_characters, learn_from=learn_from, caller=caller
        )
    else:
        rate = None if sample_rate is None else int(sample_rate)
        values, contract = read_audio_for_fit(received, sample_rate=rate, mono=mono, caller=caller)
    contract = replace(contract, mono=mono, missing=missing, max_characters=max_characters)
    if split.static is not None:
        contract = replace(
            contract,
            record_columns=split.record_columns,
            static_columns=split.static_columns,
            column_order=tuple(X.columns),
        )
    return Records(resolved, values, contract.sample_rate, split.static), contract


def find_kind(X: Any, *, kind: str = "auto", sample_rate: int | None = None, caller: str) -> Kind:
    """Tell what :func:`read_for_fit` will read X as; parameters and errors as there.

    >>> find_kind(["no", "on it"], caller="SeqCNNClassifier")
    'text'
    """
    _check_parameters(kind, sample_rate, True, "error", None, caller)
    split = split_for_fit(X, kind=kind, missing="mask", caller=caller)
    return resolve_kind(recognise(split.records, caller=caller), kind, sample_rate, caller=caller)


def read_for_predict(X: Any, contract: InputContract, *, sample_rate: int | None = None, caller: str) -> Records:
    """Read X for predict; it must keep the contract.

    Parameters
    ----------
    X
        As in :func:`read_for_fit`.
    contract
        From :func:`read_for_fit`.
    sample_rate
        The estimator's present parameter, in Hz: an error where it was changed after fit.
    caller
        The estimator's class name, for the messages.

    Returns
    -------
    Records
        Arrays may be views of X: do not write into them.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        As in :func:`read_for_fit`, and where X is of another kind, has other channels, another length (after a fit on
        one table) or another rate (without resampling) than what was fitted.

    Examples
    --------
    >>> _, contract = read_for_fit([[0, 1, 2], [3, 4, 5]], caller="SeqCNNClassifier")
    >>> read_for_predict([[6, 7, 8]], contract, caller="SeqCNNClassifier").values
    [array([[6., 7., 8.]], dtype=float32)]
    """
    if sample_rate is not None and sample_rate != contract.sample_rate:
        fitted = KIND_WORDS[contract.kind] if contract.sample_rate is None else f"audio of {contract.sample_rate} Hz"
        raise ValueError(
            f"{caller} was fitted on {fitted}, but its 'sample_rate' parameter is now {sample_rate}. Set it back with "
            f"set_params(sample_rate={contract.sample_rate}), or fit again."
        )
    split = split_for_predict(X, contract, caller=caller)
    received = recognise(split.records, caller=caller)
    _check_kind(received, contract.kind, caller)
    values: list[AnyArray]
    if contract.kind == "series":
        values = list(read_series_for_predict(received, contract, caller=caller))
    elif contract.kind == "text":
        values = list(read_text_for_predict(received, contract, caller=caller))
    else:
        values = list(read_audio_for_predict(received, contract, caller=caller))
    return Records(contract.kind, values, contract.sample_rate, split.static)


def _check_kind(received: Received, kind: Kind, caller: str) -> None:
    if kind == "audio" and received.form == "strings" and not any(map(looks_like_path, received.items)):
        raise ValueError(
            f"{caller} was fitted on audio, but X holds strings that are no audio files, such as "
            f"{shorten(received.items[0])}. Pass paths of audio files, or fit it on text."
        )
    if received.form in FORMS_OF_KIND[kind]:
        return
    raise ValueError(
        f"{caller} was fitted on {KIND_WORDS[kind]}, but X holds {FORM_WORDS[received.form]}. "
        f"Pass the kind of input it was fitted on, or fit it again."
    )


def _check_parameters(
    kind: str, sample_rate: int | None, mono: bool, missing: str, max_characters: int | None, caller: str
) -> None:
    check_choice("input", kind, KINDS, caller=caller)
    check_integer("sample_rate", sample_rate, minimum=1, caller=caller, or_none=True)
    check_boolean("mono", mono, caller=caller)
    check_choice("missing", missing, MISSING, caller=caller)
    check_integer("max_characters", max_characters, minimum=1, caller=caller, or_none=True)
