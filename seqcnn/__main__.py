"""The command line: ``python -m seqcnn demo``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments ask for; None takes those of the process."""
    parser = argparse.ArgumentParser(prog="python -m seqcnn", description="1D convolutional networks.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("demo", help="train on series, text and audio that need no download, and print accuracies")
    parser.parse_args(arguments)

    from seqcnn.demo import run_demo  # after parsing, so that --help loads no torch

    run_demo()


if __name__ == "__main__":
    main()
