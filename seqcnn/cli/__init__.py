"""The command line: ``seqcnn fit | predict | evaluate | spot | info | demo``, a file a command.

What is heavy (torch, pandas) is imported inside the commands, so that ``--help`` and a mistyped option answer at once.
"""

from seqcnn.cli.app import main

__all__ = ["main"]
