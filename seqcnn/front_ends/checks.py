"""What a front end's parameters must be beside each other: in samples, in Hz, and as bands that a spectrum resolves."""

from __future__ import annotations

from itertools import takewhile

from seqcnn._checks import count_word, name_first
from seqcnn.front_ends.mel import MelScale, find_empty_bands, mel_edges

LONGEST_SPECTRUM = 8192
"""Samples of the longest spectrum: tables grow with its square."""


def count_samples(window_seconds: float, hop_seconds: float, sample_rate: float, caller: str) -> tuple[int, int]:
    """Return window and hop in samples, or raise ValueError where they make no frames."""
    window, hop = round(window_seconds * sample_rate), round(hop_seconds * sample_rate)
    if hop < 1:
        raise ValueError(
            f"The 'hop_seconds' parameter of {caller} must be at least {1 / sample_rate:g}, a sample at "
            f"{sample_rate:g} Hz. Received: {hop_seconds:g}. Pass hop_seconds=0.01 or so."
        )
    if hop > window:
        raise ValueError(
            f"The 'hop_seconds' parameter of {caller} must be at most {window_seconds:g}, the window_seconds, or "
            f"samples between frames would be lost. Received: {hop_seconds:g}. Pass hop_seconds={window_seconds:g} or "
            f"less, or a longer window."
        )
    if not 4 <= window <= LONGEST_SPECTRUM:
        raise ValueError(
            f"The 'window_seconds' parameter of {caller} must be from {4 / sample_rate:.3g} to "
            f"{LONGEST_SPECTRUM / sample_rate:.3g}, which is 4 to {LONGEST_SPECTRUM:,} samples at {sample_rate:g} Hz. "
            f"Received: {window_seconds:g}. Pass window_seconds=0.025 or so."
        )
    return window, hop


def check_fft_length(fft_length: int | None, window: int, caller: str) -> None:
    """Raise ValueError if a spectrum would not hold its window."""
    if fft_length is not None and not window <= fft_length <= LONGEST_SPECTRUM:
        raise ValueError(
            f"The 'fft_length' parameter of {caller} must be from {window}, the samples of its window, to "
            f"{LONGEST_SPECTRUM}, or None. Received: {fft_length}. Pass fft_length=None for a spectrum of the window "
            f"as it is."
        )


def check_limits(low_hz: float, high_hz: float | None, sample_rate: float, caller: str) -> tuple[float, float]:
    """Return where bands begin and end in Hz, or raise ValueError if there is nothing between."""
    low, high = float(low_hz), sample_rate / 2 if high_hz is None else float(high_hz)
    if high > sample_rate / 2:
        raise ValueError(
            f"The 'high_hz' parameter of {caller} must be at most {sample_rate / 2:g}, half the sample rate of "
            f"{sample_rate:g} Hz. Received: {high:g}. Pass high_hz={sample_rate / 2:g} or less, or None for all there "
            f"is."
        )
    if low >= high:
        raise ValueError(
            f"The 'low_hz' parameter of {caller} must be less than {high:g}, where the highest band ends. Received: "
            f"{low:g}. Pass low_hz=20 or so."
        )
    return low, high


def check_bands(
    n_bands: int, low: float, high: float, scale: MelScale, fft_length: int, sample_rate: float, caller: str
) -> None:
    """Raise ValueError if bands fall between the bins of the spectrum, and say what resolves them."""

    def find_empty(n_bands: int, fft_length: int) -> list[int]:
        bands: list[int] = find_empty_bands(mel_edges(n_bands, low, high, scale), sample_rate / fft_length).tolist()
        return bands

    most = min(n_bands, fft_length // 2 + 1)
    if most == n_bands and not find_empty(n_bands, fft_length):
        return
    resolved = takewhile(lambda count: not find_empty(count, fft_length), range(1, most))
    fewer = max(resolved, default=0)
    longer = [2**power for power in range(14) if fft_length < 2**power <= LONGEST_SPECTRUM]
    longer = [length for length in longer if n_bands <= length // 2 + 1 and not find_empty(n_bands, length)]
    remedies = [f"n_bands={fewer} or fewer"] if fewer else []
    remedies += [f"fft_length={longer[0]}"] if longer else []
    remedies += ["a longer window"] if not remedies else []
    spacing = sample_rate / fft_length
    unseen = ""
    if most == n_bands:
        bands = [f"{band + 1}" for band in find_empty(n_bands, fft_length)]
        word = "band" if len(bands) == 1 else "bands"
        unseen = f", so that {word} {name_first(bands)} would see none of it"
    raise ValueError(
        f"The 'n_bands' parameter of {caller} asks for more bands than the spectrum resolves: of "
        f"{count_word(fft_length, 'sample')} at {sample_rate:g} Hz it has a value every {spacing:g} Hz{unseen}. "
        f"Received: {n_bands}. Pass {' or '.join(remedies)}."
    )
