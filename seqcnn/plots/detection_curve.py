"""Misses against false accepts an hour: what a spotter costs at every threshold."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from seqcnn._checks import join_words, shorten
from seqcnn.plots._canvas import COLOURS, import_pyplot, make_panel, tidy

_COLUMNS = ("false_accepts_per_hour", "miss_rate")

_LINEAR_UP_TO = 0.1
"""False accepts an hour below which the axis is linear, so that none at all has a place on it."""


class DetectionCurveDisplay:
    """The share of words that are missed against false accepts an hour, over all thresholds.

    At each rate the curve has the fewest misses that a threshold with no more false accepts has. The spotter's own
    threshold is a point, with its exact limits as bars.

    Parameters
    ----------
    curve : DataFrame
        A line a threshold: false_accepts_per_hour and miss_rate.
    point : tuple of two floats or None, default=None
        False accepts an hour and miss rate at the threshold that is used.
    limits : tuple of two pairs or None, default=None
        The lower and upper limit of both.
    area : float or None, default=None
        For the legend.
    name : str or None, default=None
        What the curve is called in the legend.

    Attributes
    ----------
    figure_ : matplotlib Figure
        What holds the picture.
    ax_ : matplotlib Axes
        The panel.
    line_ : matplotlib Line2D
        The curve.

    Examples
    --------
    >>> curve = pd.DataFrame({"false_accepts_per_hour": [0.0, 0.5, 3.0], "miss_rate": [0.4, 0.2, 0.05]})
    >>> display = DetectionCurveDisplay(curve, point=(0.5, 0.2)).plot()
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('false accepts an hour', 'words missed (%)')
    """

    def __init__(
        self,
        curve: pd.DataFrame,
        *,
        point: tuple[float, float] | None = None,
        limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
        area: float | None = None,
        name: str | None = None,
    ) -> None:
        self.curve = curve
        self.point = point
        self.limits = limits
        self.area = area
        self.name = name

    @classmethod
    def from_report(cls, report: Any, *, name: str | None = None, ax: Any = None) -> Self:
        """Draw what :meth:`KeywordSpotter.evaluate` found.

        Parameters
        ----------
        report
            A ``SpottingReport``.
        name
            What the curve is called in the legend.
        ax
            None for a figure of its own; or a panel, such as another display's ``ax_``, to draw several curves in one.

        Returns
        -------
        DetectionCurveDisplay
            The picture with its data.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If it is no report.
        """
        import_pyplot(cls.__name__)
        if not isinstance(getattr(report, "curve", None), pd.DataFrame) or not hasattr(report, "miss_interval"):
            raise TypeError(
                f"{cls.__name__}.from_report draws what KeywordSpotter.evaluate returns. Received: {shorten(report)}. "
                "Pass such a report."
            )
        display = cls(
            report.curve,
            point=(report.false_accepts_per_hour, report.miss_rate),
            limits=(report.false_accept_interval, report.miss_interval),
            area=report.area,
            name=name,
        )
        return display.plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax
            As in :meth:`from_report`.

        Returns
        -------
        DetectionCurveDisplay
            Itself.

        Raises
        ------
        ValueError
            If the curve lacks a column, or is empty.
        """
        caller = type(self).__name__
        missing = [column for column in _COLUMNS if column not in self.curve]
        if missing or not len(self.curve):
            received = f"one without {join_words(missing)}" if missing else "an empty one"
            raise ValueError(
                f"{caller} draws a DataFrame with the columns {join_words(_COLUMNS)}, a line a threshold. Received: "
                f"{received}. Pass the curve of a report."
            )
        self.figure_, self.ax_ = make_panel(ax, size=(5.0, 3.6), caller=caller)
        panel = self.ax_
        ordered = self.curve.sort_values(list(_COLUMNS))
        rates = ordered["false_accepts_per_hour"].to_numpy(np.float64)
        misses = np.minimum.accumulate(ordered["miss_rate"].to_numpy(np.float64))
        colour = COLOURS[sum(line.get_label() == "curve" for line in panel.lines) % len(COLOURS)]
        (self.line_,) = panel.step(rates, 100 * misses, where="post", color=colour, linewidth=1.5, label="curve")
        if self.point is not None:
            self._draw_point(panel, colour)
        if panel.get_xscale() != "symlog":
            panel.set_xscale("symlog", linthresh=_LINEAR_UP_TO)
        panel.set_xlim(left=0)
        panel.set_ylim(bottom=0)
        panel.set_xlabel("false accepts an hour")
        panel.set_ylabel("words missed (%)")
        panel.grid(alpha=0.3)
        tidy(panel)
        self._name_curve(panel)
        return self

    def _draw_point(self, panel: Any, colour: str) -> None:
        assert self.point is not None
        rate, missed = self.point[0], 100 * self.point[1]
        bars = {}
        if self.limits is not None:
            (rate_low, rate_high), (missed_low, missed_high) = self.limits
            bars["xerr"] = [[max(0.0, rate - rate_low)], [max(0.0, rate_high - rate)]]
            bars["yerr"] = [[max(0.0, missed - 100 * missed_low)], [max(0.0, 100 * missed_high - missed)]]
        panel.errorbar([rate], [missed], fmt="o", markersize=5, color=colour, elinewidth=1, capsize=2, **bars)

    def _name_curve(self, panel: Any) -> None:
        area = None if self.area is None else f"mean of misses {self.area:.1%}"
        words = ": ".join(part for part in (self.name, area) if part)
        if not words:
            return
        # Displays that share a panel share its legend.
        legend = panel.get_legend()
        names = [*([] if legend is None else [text.get_text() for text in legend.get_texts()]), words]
        lines = [line for line in panel.lines if line.get_label() == "curve"]
        panel.legend(lines[-len(names) :], names, frameon=False)
