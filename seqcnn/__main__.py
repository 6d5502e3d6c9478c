"""The command line: ``python -m seqcnn demo`` and ``python -m seqcnn info``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from seqcnn._checks import did_you_mean, join_words


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments ask for; None takes those of the process."""
    parser = argparse.ArgumentParser(prog="seqcnn", description="1D convolutional networks.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("demo", help="train on series, text and audio that need no download, and print accuracies")
    info = commands.add_parser("info", help="print versions, the processor, and what 'auto' means on this machine")
    info.add_argument("--json", action="store_true", help="print it as JSON")

    arguments = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in arguments if not word.startswith("-")), None)
    if command is not None and command not in commands.choices:
        parser.error(
            f"There is no command {command!r}. {did_you_mean(command, commands.choices)}"
            f"The commands are {join_words(commands.choices)}."
        )
    options = parser.parse_args(arguments)

    # Imported after parsing, so that --help loads no torch.
    if options.command == "info":
        from seqcnn.info import show_info

        show_info(as_json=options.json)
    else:
        from seqcnn.demo import run_demo

        run_demo()


if __name__ == "__main__":
    main()
