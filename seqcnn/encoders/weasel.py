"""WEASEL: windows spelt as words, and how often each word occurs.

Schaefer and Leser (2023), "WEASEL 2.0: a random dilated dictionary transform for fast, accurate and memory constrained
time series classification", arXiv 2301.10194.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn.encoders.features import FeatureEncoder
from seqcnn.encoders.multirocket import differences

_SHORTEST_WINDOW = 4
_MOST_WINDOWS = 2**13
"""Windows of training records that a dictionary's letters are taken from."""
_ROUNDING = 1e-5
"""Share of what coefficients are, under which a difference may be one of rounding."""
_BLOCK, _BLOCK_ELSEWHERE = 2**20, 2**25
"""Values that are worked on at a time: on a CPU they stay in a cache."""


class _Dictionary(NamedTuple):
    """What windows are spelt, and from what."""

    of_differences: bool
    channel: int
    n_steps: int
    dilation: int

    @property
    def span(self) -> int:
        """Time steps from a window's first to its last."""
        return (self.n_steps - 1) * self.dilation + 1


class Weasel(FeatureEncoder):
    """Spells each window as a word, whose letters say which of its Fourier coefficients are large, and counts words.

    A dictionary has a window of its own, of 4 to ``max_window`` steps, dilated at random up to the length of the
    records, on one channel of the series or of its first difference. Its letters are those among the lowest real
    Fourier coefficients, the mean among them, that differ most between windows. Each letter is whether a coefficient is
    above a threshold: in half of the dictionaries the middle of all windows, in the others half-way between the least
    and the largest. What matters is how often a record does something, and neither where nor how strongly: the view for
    noisy, long and repetitive series.

    NOTE differences from the paper:

    - Windows are not divided by their deviation: amplitudes count.
    - Every dictionary has words of ``word_length`` letters; the paper draws 7 or 8. Views are dealt evenly.
    - All words are kept, and a ridge regression sorts them out; the paper keeps 30,000 by chi-squared tests.
    - There are as many dictionaries whatever the records, and one range of windows.
    - Records may be of unequal length: see :class:`seqcnn.encoders.FeatureEncoder`. One that is shorter than a
      dictionary's window is one window, with zeros behind it.

    Parameters
    ----------
    in_channels
        Channels of the input; a dictionary reads one of them.
    n_features
        Numbers out: dictionaries of ``2 ** word_length`` words, as many as fit in.
    word_length
        Letters of a word.
    max_window
        Steps of the longest window before it is dilated.

    Raises
    ------
    ValueError
        If ``n_features`` is less than one dictionary has, or ``max_window`` less than four steps.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``, counts, dictionary by dictionary.

    Examples
    --------
    >>> encoder = Weasel(1, n_features=1000, word_length=6)
    >>> x = torch.randn(5, 1, 50)
    >>> encoder.prepare(x)
    >>> encoder(x).shape
    torch.Size([5, 960])
    """

    minimum_length = _SHORTEST_WINDOW + 1
    minimum_reason: ClassVar[str] = "a window of their differences"
    taken: ClassVar[str] = "its windows and letters"
    scaling: ClassVar[Literal["deviation", "root"]] = "root"
    windows: Tensor
    waves: Tensor
    levels: Tensor
    thresholds: Tensor

    def __init__(
        self, in_channels: int, *, n_features: int = 25_600, word_length: int = 8, max_window: int = 44
    ) -> None:
        super().__init__()
        self.in_channels, self.word_length, self.max_window = in_channels, word_length, max_window
        if n_features < self.n_words:
            raise ValueError(
                f"The 'n_features' parameter of Weasel must be at least {self.n_words}, the words of one dictionary. "
                f"Received: {n_features}. Pass more, such as 25600, or shorter words."
            )
        if max_window < _SHORTEST_WINDOW:
            raise ValueError(
                f"The 'max_window' parameter of Weasel must be at least {_SHORTEST_WINDOW} steps, those of the "
                f"shortest window. Received: {max_window}. Pass more, such as 44."
            )
        self.n_dictionaries = n_features // self.n_words
        # A row a dictionary: whether it reads differences, channel, steps of a window, dilation. Then, of each letter,
        # the weights of a window's differences to its first step, the weight of that step, and what is large.
        self.register_buffer("windows", torch.zeros(0, 4, dtype=torch.long))
        self.register_buffer("waves", torch.zeros(0, word_length, max_window - 1))
        self.register_buffer("levels", torch.zeros(0, word_length))
        self.register_buffer("thresholds", torch.zeros(0, word_length))
        self._dictionaries: list[_Dictionary] = []

    @property
    def n_words(self) -> int:
        """Of one dictionary."""
        return 1 << self.word_length

    @property
    def n_features(self) -> int:
        """Numbers out."""
        return self.n_dictionaries * self.n_words

    @property
    def is_prepared(self) -> bool:
        """Whether the encoder has its dictionaries."""
        return len(self.windows) > 0

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        views = [(x, lengths), _differences(x, lengths)]
        drawn = [
            self._draw(int(views[number % 2][1].median()), number, generator) for number in range(self.n_dictionaries)
        ]
        learnt = [self._choose_letters(*views[one.of_differences], one, generator) for one in drawn]
        self.windows = torch.tensor(drawn).to(self.windows)
        self.waves, self.levels, self.thresholds = (
            torch.stack(parts).to(buffer)
            for parts, buffer in zip(zip(*learnt, strict=True), (self.waves, self.levels, self.thresholds), strict=True)
        )

    def _draw(self, length: int, number: int, generator: torch.Generator) -> _Dictionary:
        """Draw a window: its steps evenly, its dilation evenly on a logarithmic scale, up to the typical length."""
        shortest, longest = min(_SHORTEST_WINDOW, length), min(self.max_window, length)
        n_steps = int(torch.randint(shortest, longest + 1, (), generator=generator))
        octaves = math.log2(max(1.0, (length - 1) / (n_steps - 1)))
        dilation = int(2 ** (octaves * float(torch.rand((), generator=generator))))
        channel = int(torch.randint(self.in_channels, (), generator=generator))
        return _Dictionary(bool(number % 2), channel, n_steps, dilation)

    def _choose_letters(
        self, view: Tensor, lengths: Tensor, one: _Dictionary, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the waves that differ most between windows, their levels, and thresholds."""
        waves, levels = _fourier(one.n_steps, 2 * self.word_length)
        taps = _draw_windows(_cut(view[:, one.channel], one), lengths, one, generator)
        coefficients = _transform(taps, waves.to(taps), levels.to(taps))
        spread = (coefficients - coefficients.mean(0)).square().mean(0).sqrt()
        # What differs by rounding errors alone is no letter.
        moved = (taps[:, 1:] - taps[:, :1]).square().sum(1).mean().sqrt()
        tells = spread > _ROUNDING * torch.maximum(coefficients.abs().amax(0), moved)
        ranking = torch.where(tells, spread, 0.0).argsort(descending=True)
        kept = ranking[: min(self.word_length, int(tells.sum()))].sort().values
        coefficients = coefficients.T[kept]
        if float(torch.rand((), generator=generator)) < 0.5:
            thresholds = coefficients.median(dim=1).values
        else:
            thresholds = (coefficients.amin(1) + coefficients.amax(1)) / 2
        # A little above, so that rounding does not decide about the window in the middle.
        thresholds = thresholds + _ROUNDING * spread[kept]
        # Where fewer coefficients tell something than a word has letters, the others are never large.
        missing, kept = self.word_length - len(kept), kept.cpu()
        return (
            F.pad(waves[kept], (0, self.waves.shape[2] - one.n_steps + 1, 0, missing)),
            F.pad(levels[kept], (0, missing)),
            F.pad(thresholds.cpu(), (0, missing)),
        )

    def _buffers_changed(self) -> None:
        self._dictionaries = [_Dictionary(bool(row[0]), *row[1:]) for row in self.windows.tolist()]

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        views = [(x, lengths), differences(x, lengths)]
        powers = self._powers(x)
        offsets = (torch.arange(len(x), device=x.device) * self.n_words)[:, None]
        counts = []
        for number, one in enumerate(self._dictionaries):
            view, ends = views[one.of_differences]
            words = self._spell(view[:, one.channel], number, powers).long() + offsets
            if ends is not None:
                places = torch.arange(words.shape[1], device=x.device)
                words = words[places < _count_windows(ends, one)[:, None]]
            counts.append(torch.bincount(words.flatten(), minlength=len(x) * self.n_words).view(len(x), self.n_words))
        return torch.cat(counts, 1).to(x.dtype)

    def _trace(self, x: Tensor) -> Tensor:
        # As a tensor, lest an exporter take the length that it sees for that of every record.
        ends = torch.arange(1, x.shape[2] + 1, device=x.device)[-1:]
        views = (x, F.pad(x.diff(dim=2), (0, 1)))
        # (dictionary, letter, channel, step): waves as kernels, so that those of one dilation are one convolution.
        taps = torch.cat([(self.levels - self.waves.sum(2))[..., None], self.waves], 2)
        reads = F.one_hot(self.windows[:, 1], self.in_channels)[:, None, :, None]
        kernels = (taps[:, :, None] * reads).to(x.dtype)
        groups: dict[tuple[bool, int], list[int]] = defaultdict(list)
        for number, one in enumerate(self._dictionaries):
            groups[one.of_differences, one.dilation].append(number)
        coefficients = []
        for (of_differences, dilation), numbers in groups.items():
            # A window begins at every step, and those that reach beyond the record's end are counted as nothing.
            n_steps = max(self._dictionaries[number].n_steps for number in numbers)
            padded = F.pad(views[of_differences], (0, (n_steps - 1) * dilation))
            coefficients.append(F.conv1d(padded, kernels[numbers, ..., :n_steps].flatten(0, 1), dilation=dilation))
        order = torch.tensor([number for numbers in groups.values() for number in numbers], device=x.device)
        thresholds = self.thresholds[order].to(x.dtype)[:, :, None]
        scores = torch.cat(coefficients, 1)
        letters = scores.view(len(x), *thresholds.shape[:2], -1) > thresholds
        words = (letters.to(x.dtype) * self._powers(x)[:, None]).sum(2)[:, order.argsort()].long()
        # (dictionary, window): which of them lie in the record.
        differs, spans = self.windows[:, :1], (self.windows[:, 2:3] - 1) * self.windows[:, 3:] + 1
        counted = torch.arange(x.shape[2], device=x.device) < (ends - differs - spans + 1).clamp_min(1)
        places = words + self.n_words * torch.arange(self.n_dictionaries, device=x.device)[:, None]
        counts = x.new_zeros(self.n_features).expand(len(x), -1)
        return counts.scatter_add(1, places.flatten(1), counted.to(x.dtype).flatten().expand(len(x), -1))

    def _powers(self, x: Tensor) -> Tensor:
        return 2.0 ** torch.arange(self.word_length, device=x.device, dtype=x.dtype)

    def _spell(self, series: Tensor, number: int, powers: Tensor) -> Tensor:
        """Return the word of each window, ``(batch, windows)``, a whole number."""
        one = self._dictionaries[number]
        waves, levels, thresholds = (
            buffer[number].to(series.dtype) for buffer in (self.waves, self.levels, self.thresholds)
        )
        coefficients = _transform(_cut(series, one), waves[:, : one.n_steps - 1], levels)
        return (coefficients > thresholds).to(series.dtype) @ powers

    def _records_at_once(self, x: Tensor) -> int:
        values = _BLOCK if x.device.type == "cpu" else _BLOCK_ELSEWHERE
        return max(1, values // (x.shape[2] * self.max_window))


def _differences(x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    steps, shorter = differences(x, lengths)
    assert shorter is not None
    return steps, shorter


def _fourier(n_steps: int, most: int) -> tuple[Tensor, Tensor]:
    """Return the lowest real Fourier coefficients as weights of the differences to a window's first step, and of it.

    Waves add up to nothing, so that a flat window gives exactly zero, whatever its level.
    """
    place = torch.arange(n_steps, dtype=torch.float64)
    turns = torch.arange(n_steps // 2 + 1, dtype=torch.float64)[:, None] * place * (2 * math.pi / n_steps)
    # Mean, cosine, sine, cosine, sine ...; the sine of an even window's last frequency is nothing.
    rows = torch.stack([turns.cos(), turns.sin()], 1).flatten(0, 1)[[0, *range(2, n_steps + 1)]][:most]
    rows = rows / rows.norm(dim=1, keepdim=True)
    levels = torch.zeros(len(rows), dtype=torch.float64)
    levels[0] = math.sqrt(n_steps)
    return rows[:, 1:].float(), levels.float()


def _cut(series: Tensor, one: _Dictionary) -> Tensor:
    """Return the windows of ``(batch, time)``, ``(batch, windows, steps)``: a view."""
    series = F.pad(series, (0, max(0, one.span - series.shape[1])))
    return series.unfold(1, one.span, 1)[..., :: one.dilation]


def _count_windows(lengths: Tensor, one: _Dictionary) -> Tensor:
    """Return how many windows records of these lengths have: at least one."""
    return (lengths - one.span + 1).clamp_min(1)


def _draw_windows(taps: Tensor, lengths: Tensor, one: _Dictionary, generator: torch.Generator) -> Tensor:
    """Return all windows, or some of records drawn at random if they are many, ``(windows, steps)``."""
    counts = _count_windows(lengths, one)
    if int(counts.sum()) <= _MOST_WINDOWS:
        return taps[torch.arange(taps.shape[1], device=taps.device) < counts[:, None]]
    rows = torch.randint(len(taps), (_MOST_WINDOWS,), generator=generator)
    # On the processor, for not every device has float64.
    shares = torch.rand(_MOST_WINDOWS, generator=generator, dtype=torch.float64)
    places = (shares * counts.cpu()[rows]).long()
    return taps[rows.to(taps.device), places.to(taps.device)]


def _transform(taps: Tensor, waves: Tensor, levels: Tensor) -> Tensor:
    """Return coefficients of windows ``(..., steps)``, ``(..., letters)``."""
    first = taps[..., :1]
    return torch.addcmul((taps[..., 1:] - first) @ waves.T, first, levels)
