"""Draw the road from X to predictions, ``docs/house.png``: ``python docs/draw_house.py``."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

DATA, NETWORK, FITTED, AROUND = "#cfe3f5", "#f9dcc4", "#eadcf4", "#d9ead3"
ROAD = [
    ("X", "any form", 0.3, 0.8, "#eeeeee"),
    ("inputs", "records,\ncontract", 1.5, 1.2, DATA),
    ("windows", "where each\none lies", 3.1, 1.2, DATA),
    ("batches", "x, lengths", 4.7, 1.2, DATA),
    ("stem", "normalizer,\nembedding", 6.6, 1.2, NETWORK),
    ("encoder", "features\nover time", 8.2, 1.2, NETWORK),
    ("pooling", "features", 9.8, 1.2, NETWORK),
    ("head", "scores", 11.4, 1.0, NETWORK),
    ("aggregate", "windows\nto records", 13.1, 1.3, DATA),
    ("y", "labels,\nvalues", 14.8, 0.9, "#eeeeee"),
]
AROUND_THE_ROAD = [
    ("model", "network and contract: what is saved", 1.5, 4.4, FITTED),
    ("training, or closed form", "AdamW under one cycle; ridge behind fixed kernels", 6.6, 5.8, AROUND),
    ("estimators", "scikit-learn's rules", 13.1, 2.6, FITTED),
]


def draw() -> None:
    """Draw it and write the file."""
    figure, axes = plt.subplots(figsize=(11, 3.1))
    axes.set(xlim=(0, 16), ylim=(0, 4.5), aspect="equal")
    axes.axis("off")

    def box(name: str, below: str, left: float, bottom: float, width: float, height: float, color: str) -> None:
        style = "round,pad=0.05,rounding_size=0.12"
        axes.add_patch(FancyBboxPatch((left, bottom), width, height, boxstyle=style, facecolor=color, edgecolor="#666"))
        middle = left + width / 2
        axes.text(middle, bottom + height - 0.3, name, ha="center", va="center", fontsize=8.6, weight="bold")
        axes.text(middle, bottom + (height - 0.5) / 2, below, ha="center", va="center", fontsize=7.5, linespacing=1.3)

    def arrow(start: tuple[float, float], end: tuple[float, float]) -> None:
        axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color="#444", shrinkA=0))

    for name, below, left, width, color in ROAD:
        box(name, below, left, 2.4, width, 1.2, color)
    for (_, _, left, width, _), (_, _, following, _, _) in pairwise(ROAD):
        arrow((left + width + 0.06, 3.0), (following - 0.04, 3.0))
    frame = "round,pad=0.02,rounding_size=0.1"
    axes.add_patch(
        FancyBboxPatch((6.35, 2.1), 6.3, 1.8, boxstyle=frame, facecolor="none", edgecolor="#b5651d", linestyle="--")
    )
    axes.text(9.5, 4.15, "network: one nn.Module", ha="center", color="#b5651d", fontsize=9.5)
    for name, below, left, width, color in AROUND_THE_ROAD:
        box(name, below, left, 0.4, width, 1.0, color)
    arrow((9.5, 1.48), (9.5, 2.08))
    arrow((6.52, 0.9), (6.0, 0.9))
    arrow((13.02, 0.9), (12.5, 0.9))
    target = Path(__file__).parent / "house.png"
    figure.savefig(target, dpi=110, bbox_inches="tight", metadata={"Software": None})


if __name__ == "__main__":
    draw()
