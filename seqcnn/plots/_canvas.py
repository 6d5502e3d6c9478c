"""What the pictures share: matplotlib when it is needed, panels below each other, colours, and names that fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqcnn._checks import count_word

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
"""Seven colours that colour-blind readers tell apart (M. Okabe, K. Ito, "Color Universal Design", 2008).

Theirs in another order, without the yellow, which is too light for a line on white.
"""

GREY = "#8C8C8C"


def import_pyplot(caller: str) -> Any:
    """Return ``matplotlib.pyplot``, or raise ImportError with the way to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which cannot be imported here ({error}). Install it with "
            'pip install "seqcnn[plots]".'
        ) from error
    return pyplot


def refuse_indicators(y: Any, caller: str, call: str) -> None:
    """Raise ValueError if y is an indicator matrix; ``call`` draws one of its labels."""
    shape = getattr(y, "shape", None) or np.shape(y)
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"{caller} draws records that have one label each. Received: an indicator matrix of {shape[1]} labels. "
            f"Draw one label at a time: {call}."
        )


def make_panel(ax: Any, *, size: tuple[float, float], caller: str) -> tuple[Any, Any]:
    """Return the figure and its only panel: the one that was given, or that of a new figure of ``size`` in inches."""
    pyplot = import_pyplot(caller)
    if ax is not None:
        return ax.figure, ax
    figure, panel = pyplot.subplots(figsize=size, layout="constrained")
    return figure, panel


def make_panels(
    ax: Any, heights: Sequence[float], *, width: float, caller: str, unit: float = 1.0
) -> tuple[Any, list[Any]]:
    """Return a figure and panels below each other.

    Parameters
    ----------
    ax
        None for a figure of its own; one panel, whose place is divided; or as many panels as are needed.
    heights
        Of the panels, in inches where the figure is new.
    width
        Of a new figure, in inches.
    caller
        For the messages.
    unit
        Inches for titles and labels, added to the height of a new figure.

    Raises
    ------
    ValueError
        If ``ax`` is neither of the three.
    """
    pyplot = import_pyplot(caller)
    if ax is None:
        figure = pyplot.figure(figsize=(width, sum(heights) + unit), layout="constrained")
        grid = figure.add_gridspec(len(heights), 1, height_ratios=list(heights))
    elif hasattr(ax, "get_subplotspec") and ax.get_subplotspec() is not None:
        figure = ax.figure
        ax.set_axis_off()
        grid = ax.get_subplotspec().subgridspec(len(heights), 1, height_ratios=list(heights))
    else:
        panels = [] if hasattr(ax, "get_subplotspec") else list(ax)
        if len(panels) != len(heights):
            received = f"{count_word(len(panels), 'panel')}" if panels else "a panel that is no subplot"
            raise ValueError(
                f"The 'ax' parameter of {caller} must be None, a subplot, whose place is divided, or "
                f"{count_word(len(heights), 'panel')}. Received: {received}. Pass what pyplot.subplots(nrows="
                f"{len(heights)}) gives, or leave ax out."
            )
        return panels[0].figure, panels
    return figure, [figure.add_subplot(grid[row]) for row in range(len(heights))]


def plain(value: Any, limit: int = 28) -> str:
    r"""Write a class name as it is: not too long, and a dollar sign is not mathematics.

    >>> print(plain("US$ or $"), plain("a name that is too long", 10))
    US\$ or \$ a name th…
    """
    text = " ".join(str(value).split())
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text.replace("$", r"\$")


def add_legend(ax: Any, handles: Sequence[Any], names: Sequence[str], **settings: Any) -> Any:
    """Add a legend; matplotlib itself would pass over names such as "_silence_", which begin with an underscore."""
    legend = ax.legend(handles, ["name"] * len(names), frameon=False, **settings)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
    return legend


def tidy(ax: Any) -> None:
    """Leave away the frame above and to the right."""
    ax.spines[["top", "right"]].set_visible(False)


def underlying(estimator: Any, attribute: str) -> Any:
    """Return the estimator that has an attribute: itself, a search's best one, or the last step of a pipeline."""
    while not hasattr(estimator, attribute):
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif getattr(estimator, "steps", None):
            estimator = estimator.steps[-1][1]
        else:
            break
    return estimator
