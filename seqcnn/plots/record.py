"""One record with what an estimator says about it, window by window."""

from __future__ import annotations

import unicodedata
import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from seqcnn._checks import check_number, shorten
from seqcnn._types import Kind
from seqcnn.inputs import read_for_predict
from seqcnn.plots._canvas import COLOURS, GREY, add_legend, import_pyplot, make_panels, plain, tidy, underlying
from seqcnn.plots._record_panels import draw_heat, draw_text, draw_wave, text_rows

_PANELS = 6
"""Records of more channels are drawn as one coloured panel."""


class RecordDisplay:
    """A record above and the scores of its windows below, over the same time.

    Behind the record lies the colour of the best label of the nearest window; where no score reaches ``threshold``,
    none. Of more than seven labels, those that are best most often have a colour, and one grey line is the highest of
    the others. Characters stand from left to right in every script.

    Parameters
    ----------
    record : ndarray of shape (n_channels, n_timepoints) or str
        The numbers, or the characters.
    windows : DataFrame
        A line a window, in order: start, end (in samples or characters), and a column a score, as ``predict_windows``
        gives them for one record.
    kind : {"series", "text", "audio"}, default="series"
        What the record is.
    sample_rate : int or None, default=None
        In Hz; with it, time is in seconds.
    probabilities : bool, default=True
        Whether the scores are probabilities, of which the highest tells the label. Otherwise they are numbers.
    threshold : float or None, default=None
        Drawn as a line; a label counts from this score on.
    channel_names : list of str or None, default=None
        None numbers them.
    estimator_name : str or None, default=None
        The title begins with it.

    Attributes
    ----------
    stretches : DataFrame
        Where which label is the best: start, end (samples or characters), label (None below the threshold) and score,
        the highest within. Neighbours of one label are one stretch. Empty where scores are no probabilities.
    figure_ : matplotlib Figure
        What holds the picture.
    axes_ : ndarray of Axes
        The panels of the record, and that of the scores.
    ax_ : matplotlib Axes
        The panel of the scores.

    Examples
    --------
    >>> from seqcnn import SeqCNNClassifier
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, y = make_shapes_in_noise(60, random_state=0)
    >>> classifier = SeqCNNClassifier("fcn", window_length=32, max_epochs=3, random_state=0).fit(X, y)
    >>> display = RecordDisplay.from_estimator(classifier, X[0], threshold=0.5)
    >>> [ax.get_ylabel() for ax in display.axes_], display.ax_.get_xlabel()
    (['value', 'probability'], 'time step')
    """

    def __init__(
        self,
        record: Any,
        windows: pd.DataFrame,
        *,
        kind: Kind = "series",
        sample_rate: int | None = None,
        probabilities: bool = True,
        threshold: float | None = None,
        channel_names: Any = None,
        estimator_name: str | None = None,
    ) -> None:
        check_number("threshold", threshold, caller=type(self).__name__, or_none=True)
        self.record = record
        self.windows = windows
        self.kind = kind
        self.sample_rate = sample_rate
        self.probabilities = probabilities
        self.threshold = threshold
        self.channel_names = channel_names
        self.estimator_name = estimator_name
        self._scores = windows.drop(columns=["record", "start", "end"], errors="ignore")
        self.stretches = self._find_stretches()

    @classmethod
    def from_estimator(cls, estimator: Any, record: Any, *, threshold: float | None = None, ax: Any = None) -> Self:
        """Draw what a fitted classifier or regressor says about one record.

        Parameters
        ----------
        estimator
            Fitted; with ``window_length``, scores are over time, without it there is one a label. A search stands for
            its best estimator. Not a pipeline: pass its last step and the record as the steps before give it.
        record
            One record of the kind that was fitted: an array ``(n_timepoints,)`` or ``(n_channels, n_timepoints)``, a
            string, a path, a ``(waveform, sample_rate)`` pair, or one row of a DataFrame.
        threshold
            Drawn as a line; a label counts from this score on.
        ax
            None for a figure of its own; a subplot, whose place is divided; or as many panels as are needed.

        Returns
        -------
        RecordDisplay
            The picture with its data.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If the estimator does not score windows.
        ValueError
            If ``record`` is several records, or not of the kind that was fitted.
        """
        import_pyplot(cls.__name__)
        if not hasattr(estimator, "steps"):
            estimator = underlying(estimator, "predict_windows")
        if not hasattr(estimator, "predict_windows"):
            raise TypeError(
                f"{cls.__name__} needs a fitted SeqCNNClassifier or SeqCNNRegressor, which have predict_windows. "
                f"Received: {shorten(estimator)}. Pass such an estimator; of a pipeline the last step, pipeline[-1], "
                "and the record as pipeline[:-1] transforms it."
            )
        check_is_fitted(estimator)
        X = _as_cases(record, estimator, cls.__name__)
        windows = estimator.predict_windows(X)
        contract = estimator.model_.contract
        if contract.kind == "text":
            values: Any = unicodedata.normalize("NFC", X[0])[: contract.max_characters]
        else:
            with warnings.catch_warnings():
                # What there is to say about X, predict_windows has said.
                warnings.simplefilter("ignore")
                values = read_for_predict(X, contract, caller=type(estimator).__name__).values[0]
        display = cls(
            values,
            windows.drop(columns="record"),
            kind=contract.kind,
            sample_rate=contract.sample_rate,
            probabilities=is_classifier(estimator),
            threshold=threshold,
            estimator_name=type(estimator).__name__,
        )
        return display.plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax
            As in :meth:`from_estimator`.

        Returns
        -------
        RecordDisplay
            Itself.
        """
        is_text = isinstance(self.record, str)
        n_channels = 1 if is_text else len(self.record)
        own = n_channels if n_channels <= _PANELS else 1
        height = 0.26 * text_rows(self.record) if is_text else 1.5 if n_channels == 1 else 0.9
        heights = [height] * own if own == n_channels else [2.0]
        self.figure_, panels = make_panels(ax, [*heights, 1.8], width=7.5, caller=type(self).__name__)
        self.axes_, self.ax_ = np.array(panels), panels[-1]
        colours = self._colours()
        self._draw_record(panels[:-1], colours)
        if len(self.windows) == 1 and self.probabilities:
            self._draw_bars(colours)
        else:
            self._draw_scores(colours)
            for panel in panels[:-1]:
                if not is_text:
                    panel.sharex(self.ax_)
                    panel.tick_params(labelbottom=False)
            self.ax_.set_xlim(0, self._length / self._rate)
        for panel in panels:
            tidy(panel)
        if not is_text:
            self.figure_.align_ylabels(panels)
        panels[0].set_title(self._title(), fontsize="medium")
        return self

    @property
    def _rate(self) -> float:
        return float(self.sample_rate or 1)

    @property
    def _length(self) -> int:
        """Samples or characters of the record."""
        return max(len(self.record), 1) if isinstance(self.record, str) else int(self.record.shape[-1])

    def _find_stretches(self) -> pd.DataFrame:
        """Join neighbouring windows of one best label; the border between windows is midway between their centers."""
        columns = ["start", "end", "label", "score"]
        if not self.probabilities:
            return pd.DataFrame(columns=columns)
        centers = (self.windows["start"] + self.windows["end"]).to_numpy() / 2
        borders = np.concatenate([[0.0], (centers[1:] + centers[:-1]) / 2, [float(self._length)]])
        scores = self._scores.to_numpy()
        rows: list[list[Any]] = []
        for position, best in enumerate(scores.argmax(axis=1)):
            score = float(scores[position, best])
            found = self.threshold is None or score >= self.threshold
            label = self._scores.columns[best] if found else None
            if rows and (rows[-1][2] is label if label is None else rows[-1][2] == label):
                rows[-1][1], rows[-1][3] = borders[position + 1], max(rows[-1][3], score)
            else:
                rows.append([borders[position], borders[position + 1], label, score])
        # As objects, so that labels stay what they are beside None.
        table = pd.DataFrame({name: [row[number] for row in rows] for number, name in enumerate(columns)}, dtype=object)
        return table.astype({"start": float, "end": float, "score": float})

    def _colours(self) -> dict[int, str]:
        """Give colours to columns of the scores: all in order, or those that are best most often."""
        n_columns = self._scores.shape[1]
        if n_columns <= len(COLOURS):
            shown = np.arange(n_columns)
        else:
            scores = self._scores.to_numpy()
            wins = np.bincount(scores.argmax(axis=1), minlength=n_columns)
            shown = np.sort(np.lexsort((-scores.max(axis=0), -wins))[: len(COLOURS) - 1])
        return dict(zip(shown.tolist(), COLOURS, strict=False))

    def _draw_record(self, panels: list[Any], colours: dict[int, str]) -> None:
        by_label = {self._scores.columns[column]: colour for column, colour in colours.items()}
        found = self.stretches.dropna(subset="label")
        shades = [by_label.get(label, GREY) for label in found["label"]]
        spans = list(zip(found["start"].tolist(), found["end"].tolist(), shades, strict=True))
        if isinstance(self.record, str):
            draw_text(panels[0], self.record, spans)
            return
        spans = [(start / self._rate, end / self._rate, colour) for start, end, colour in spans]
        names = self._channel_names()
        if len(panels) < len(self.record):
            draw_heat(panels[0], self.record, self._rate, spans)
            panels[0].set_ylabel("channel")
            return
        for panel, channel, name in zip(panels, self.record, names, strict=True):
            draw_wave(panel, channel, self._rate, spans)
            panel.set_ylabel(name)

    def _channel_names(self) -> list[str]:
        if self.channel_names is not None:
            return [plain(name) for name in self.channel_names]
        if len(self.record) == 1:
            return ["amplitude" if self.kind == "audio" else "value"]
        return [f"channel {number}" for number in range(len(self.record))]

    def _draw_scores(self, colours: dict[int, str]) -> None:
        time = ((self.windows["start"] + self.windows["end"]) / 2 / self._rate).to_numpy()
        marks = {"marker": "o", "markersize": 3} if len(time) <= 60 else {}
        scores = self._scores.to_numpy()
        others = [column for column in range(scores.shape[1]) if column not in colours]
        handles, names = [], []
        for column, colour in colours.items():
            handles += self.ax_.plot(time, scores[:, column], color=colour, linewidth=1.5, **marks)
            names.append(plain(self._scores.columns[column]))
        if others:
            highest = scores[:, others].max(axis=1)
            handles += self.ax_.plot(time, highest, color=GREY, linewidth=1.0, linestyle="--")
            names.append(f"highest of {len(others)} others")
        if self.threshold is not None:
            handles.append(self.ax_.axhline(self.threshold, color="black", linestyle=":", linewidth=1.2))
            names.append(f"threshold {self.threshold:g}")
        self._label_axis(self.ax_)
        if self.probabilities:
            self.ax_.set(ylim=(-0.03, 1.03), ylabel="probability")
        else:
            self.ax_.set_ylabel(names[0] if len(colours) == 1 else "prediction")
        if len(handles) > 1:
            # Beside the panel: inside, it would hide what it explains.
            add_legend(
                self.ax_, handles, names, loc="upper left", bbox_to_anchor=(1.0, 1.05), fontsize="small",
                handlelength=1.5,
            )  # fmt: skip

    def _label_axis(self, panel: Any) -> None:
        if self.sample_rate is not None:
            panel.set_xlabel("time (s)")
        else:
            panel.set_xlabel("character" if self.kind == "text" else "time step")

    def _draw_bars(self, colours: dict[int, str]) -> None:
        """Draw the scores of the only window as bars, best first."""
        scores = self._scores.to_numpy()[0]
        order = sorted(colours, key=lambda column: -scores[column])
        names = [plain(self._scores.columns[column]) for column in order]
        values, shades = [scores[column] for column in order], [colours[column] for column in order]
        others = np.delete(scores, list(colours))
        if len(others):
            names, values, shades = [*names, f"{len(others)} others"], [*values, others.sum()], [*shades, GREY]
        bars = self.ax_.barh(names, values, color=shades, height=0.7)
        self.ax_.bar_label(bars, fmt="%.2f", padding=3, fontsize="small")
        self.ax_.invert_yaxis()
        self.ax_.set(xlim=(0, 1.08), xlabel="probability")
        if self.threshold is not None:
            self.ax_.axvline(self.threshold, color="black", linestyle=":", linewidth=1.2)
        if not isinstance(self.record, str):
            self._label_axis(self.axes_[-2])
            for panel in self.axes_[:-1]:
                panel.set_xlim(0, self._length / self._rate)

    def _title(self) -> str:
        means = self._scores.mean(axis=0)
        if self.probabilities:
            said = f"{plain(means.idxmax())} ({means.max():.2f})"
        else:
            said = ", ".join(f"{value:.4g}" for value in means)
        return f"{self.estimator_name}: {said}" if self.estimator_name else said


def _as_cases(record: Any, estimator: Any, caller: str) -> Any:
    """Return X that holds the one record."""
    wanted = f"The 'record' parameter of {caller} must be one record, such as X[0]."
    if isinstance(record, pd.DataFrame):
        if len(record) != 1:
            raise ValueError(f"{wanted} Received: a DataFrame of {len(record)} rows. Pass X.iloc[[0]].")
        return record if estimator.model_.contract.kind != "text" else [str(record.iloc[0, 0])]
    if isinstance(record, pd.Series) and hasattr(estimator, "feature_names_in_"):
        return record.to_frame().T.infer_objects()
    if isinstance(record, np.ndarray) and (record.ndim > 2 or (record.ndim and record.dtype.kind in "OUST")):
        raise ValueError(f"{wanted} Received: an array of shape {record.shape}. Pass one of its records.")
    if isinstance(record, list) and record and (isinstance(record[0], str) or np.ndim(record[0]) > 1):
        raise ValueError(f"{wanted} Received: a list of {len(record)}. Pass one of its items.")
    return [record]
