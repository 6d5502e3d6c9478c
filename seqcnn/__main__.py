"""The command line, as ``python -m seqcnn`` and as the command ``seqcnn``."""

from seqcnn.cli import main

if __name__ == "__main__":
    main()
