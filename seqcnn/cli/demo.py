"""``seqcnn demo``."""

from __future__ import annotations


def demo() -> None:
    """Train on series, text and audio that need no download, and print accuracies."""
    from seqcnn.demo import run_demo

    run_demo()
