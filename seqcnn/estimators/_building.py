"""Building the network of one fit: stem, encoder, pooling and head for the records at hand."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, cast

import torch
from sklearn.base import BaseEstimator
from torch import nn

from seqcnn._checks import shorten
from seqcnn.encoders import FeatureEncoder, Joined, PlainEncoder, SequenceEncoder, build_encoder, find_encoder
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._front_end import make_front_end
from seqcnn.estimators._settings import Settings
from seqcnn.front_ends import FrontEnd
from seqcnn.heads import CopiesHead, Emphasis, LinearHead
from seqcnn.inputs import InputContract
from seqcnn.layers.pooling import BinPool1d
from seqcnn.network import Network
from seqcnn.static_scaler import StaticScaler
from seqcnn.stems import CharacterEmbedding, FrontEndStem, Normalize, Normalizer, PassThrough, Stem, are_alike

_FAINT_INDICATOR = 2.0**-5
"""What an indicator of missing="mask" says in front of fixed kernels, 1 elsewhere.

These kernels add up channels that were drawn by lot, and nothing can unlearn a sum of a series and an indicator as tall
as its deviation. A faint one leaves the sum to the series, and kernels that read indicators alone tell as much as
before, for the head scales what they answer. A power of two, lest sums of it round.
"""


def check_encoder(encoder: Any, parameters: Mapping[str, Any], *, caller: str) -> None:
    """Raise TypeError or ValueError unless ``encoder`` is a known name or a module, before anything is read."""
    if isinstance(encoder, str):
        if encoder != "auto":
            find_encoder(encoder, caller=caller)
        return
    if isinstance(encoder, BaseEstimator):
        raise TypeError(
            f"The 'encoder' parameter of {caller} must be a name or a torch.nn.Module. Received: the estimator "
            f"{type(encoder).__name__}, whose weights scikit-learn's clone would silently drop in a search or a "
            f"cross-validation. Pass its encoder_ instead."
        )
    if not isinstance(encoder, nn.Module):
        raise TypeError(
            f"The 'encoder' parameter of {caller} must be a name or a torch.nn.Module. Received: "
            f"{shorten(encoder)}. list_encoders() shows the names."
        )
    if parameters:
        raise ValueError(
            f"The 'encoder' parameter of {caller} is a module, which is built already. Received: also "
            f"{', '.join(f'encoder__{name}' for name in parameters)}. Build the module with these values, or name "
            f"an encoder."
        )


def is_fixed(encoder: Any) -> bool:
    """Tell whether an encoder, valid, is one of fixed kernels: its head is solved in closed form."""
    if isinstance(encoder, tuple):
        return all(map(is_fixed, encoder))
    if isinstance(encoder, str):
        return encoder != "auto" and find_encoder(encoder, caller="").is_fixed
    return isinstance(encoder, FeatureEncoder)


def slides(encoder: Any) -> bool:
    """Tell whether an encoder, valid, is one of fixed kernels that slide over a record."""
    if isinstance(encoder, tuple | Joined):
        return all(map(slides, encoder.parts if isinstance(encoder, Joined) else encoder))
    kind = find_encoder(encoder, caller="").build if isinstance(encoder, str) and is_fixed(encoder) else type(encoder)
    return isinstance(kind, type) and issubclass(kind, FeatureEncoder) and kind.slides


def build_network(
    settings: Settings,
    contract: InputContract,
    examples: Examples,
    *,
    normalize: str | None,
    window_length: int | None,
    encoder_parameters: Mapping[str, Any],
    front_end: Any,
    front_end_parameters: Mapping[str, Any],
    caller: str,
) -> Network:
    """Build a network, its stem's statistics and its head's units learnt from the training records.

    Parameters
    ----------
    settings
        Settled.
    contract, examples
        What was read. Their target gives the head; without one the network ends in features. So does, for now, one
        whose encoder has fixed kernels: how many features there are, it may know only when it is prepared.
    normalize, window_length
        The estimator's parameters.
    encoder_parameters
        Its ``encoder__...``, without the prefix.
    front_end, front_end_parameters
        The estimator's parameter, and its ``front_end__...``, without the prefix.
    caller
        Its name, for the messages.
    """
    records, target, weights = examples.records, examples.target, examples.weights
    indicator = _FAINT_INDICATOR if is_fixed(settings.encoder) else 1.0
    bands = make_front_end(
        settings.front_end, front_end, front_end_parameters, settings.encoder, contract, caller=caller
    )
    mode = _settle_normalize(normalize, settings, contract, examples, window_length, caller=caller)
    stem: Stem
    if contract.vocabulary is not None:
        stem = CharacterEmbedding(contract.vocabulary.size)
    elif bands is not None:
        stem = FrontEndStem(contract.n_channels, bands, mode)
        stem.learn(records.values, weights)
    elif mode is None:
        stem = PassThrough(contract.n_channels, mask_missing=contract.masks_missing, indicator=indicator)
    else:
        stem = Normalizer(
            contract.n_channels,
            mode,
            mask_missing=contract.masks_missing,
            indicator=indicator,
            n_steps=int(records.lengths.max()) if mode == "step" else 1,
        )
        stem.learn(records.values, weights)
    shortest = -(-int(records.lengths.min() if window_length is None else window_length) // stem.stride)
    defaults = find_encoder(settings.encoder, caller=caller).defaults if isinstance(settings.encoder, str) else {}
    if "sample_rate" in defaults and contract.sample_rate is not None and bands is None:
        # Filters in Hz need to know what a sample is.
        encoder_parameters = {"sample_rate": contract.sample_rate, **encoder_parameters}
    encoder = _build_encoder(settings, encoder_parameters, contract, bands, stem.out_channels, shortest, caller)
    static = None
    if records.static is not None:
        static = StaticScaler(records.static.shape[1])
        static.learn(records.static, weights)
    pooling = None if isinstance(encoder, FeatureEncoder) else BinPool1d(encoder.pooling, settings.n_bins)
    network = Network(stem, encoder, pooling, nn.Identity(), static)
    if target is not None and not isinstance(encoder, FeatureEncoder):
        head = target.head(network.n_features, encoder.dropout, weights)
        n_copies = getattr(encoder, "n_copies", 1)
        if n_copies > 1:
            assert target.output != "features"
            n_shared = network.n_features - network.n_pooled_features
            head = CopiesHead.spread(head, network.n_features, n_copies, target.output, n_shared)
        if static is not None:
            _emphasise(head, network.n_pooled_features, network.n_pooled_features // n_copies)
        network.head = head
    return network.to(settings.device, settings.dtype)


def _settle_normalize(
    normalize: Any,
    settings: Settings,
    contract: InputContract,
    examples: Examples,
    window_length: int | None,
    *,
    caller: str,
) -> Normalize | None:
    """Return how a stem normalizes, or raise ValueError where records have no steps that could be compared."""
    has_steps = contract.kind == "series" and window_length is None
    if normalize == "step" and not has_steps:
        received = f"{contract.kind} as X" if window_length is None else f"window_length={window_length}"
        raise ValueError(
            f"The 'normalize' parameter of {caller} may be 'step' for whole series only, whose steps stand for the "
            f"same in every record. Received: {received}. Pass normalize='dataset'."
        )
    if normalize != "auto":
        return cast("Normalize | None", normalize)
    may_shift = settings.may_shift_steps and not is_fixed(settings.encoder) and not contract.masks_missing
    values, weights = examples.records.values, examples.weights
    return "step" if has_steps and may_shift and are_alike(values, weights) else "dataset"


def _emphasise(head: LinearHead, n_pooled: int, n_own: int) -> None:
    """Let the numbers behind the pooled features keep pace with these in training.

    Pooled features are many, and change little from record to record. The factor was chosen among 1, 2 and 4 times the
    root of their number, on generated series whose labels hang on one number, on the shape or on both, beside none to
    30 columns of noise. The numbers start without a say, or so large a factor would make the start a noisy one.
    ``n_own`` is how many of the pooled features one copy of a network reads.
    """
    head.scaler = Emphasis(n_pooled, 4.0 * n_pooled**0.5)
    with torch.no_grad():
        head.dense.weight[:, n_own:] = 0.0


def _build_encoder(
    settings: Settings,
    parameters: Mapping[str, Any],
    contract: InputContract,
    front_end: FrontEnd | None,
    in_channels: int,
    n_timepoints: int,
    caller: str,
) -> SequenceEncoder | FeatureEncoder:
    if isinstance(settings.encoder, tuple):
        parts = [
            _build_encoder(
                replace(settings, encoder=part, encoder_parameters=own),
                parameters,
                contract,
                front_end,
                in_channels,
                n_timepoints,
                caller,
            )
            for part, own in zip(settings.encoder, settings.part_parameters, strict=True)
        ]
        return Joined(nn.ModuleList(parts))
    if isinstance(settings.encoder, str):
        return build_encoder(
            settings.encoder, in_channels, {**settings.encoder_parameters, **parameters}, caller=caller
        )
    encoder = deepcopy(settings.encoder)
    if not isinstance(encoder, SequenceEncoder | FeatureEncoder):
        return PlainEncoder(encoder, in_channels, n_timepoints)
    if encoder.in_channels != in_channels:
        twice = f", {contract.n_channels} and as many indicators of missing='mask'" if contract.masks_missing else ""
        whence, bands = "X gives", ""
        if front_end is not None:
            whence = f"the front end {type(front_end).__name__} gives"
        elif contract.kind == "audio":
            bands = " If it reads bands, pass front_end='log-mel', or the front_end_ it was trained behind."
        raise ValueError(
            f"The 'encoder' parameter of {caller} reads {encoder.in_channels} channels, but {whence} {in_channels}"
            f"{twice}. Received: {type(encoder).__name__}. Build it with in_channels={in_channels}.{bands}"
        )
    return encoder
