"""The commands in one application, and how it ends: exit codes, errors in one sentence, closed pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from seqcnn._checks import did_you_mean, join_words
from seqcnn.cli.demo import demo
from seqcnn.cli.evaluate import evaluate
from seqcnn.cli.fit import fit
from seqcnn.cli.info import info
from seqcnn.cli.output import print_error, show_warnings_as_sentences
from seqcnn.cli.predict import predict
from seqcnn.cli.spot import spot

MISTAKE, USAGE, INTERRUPTED, CLOSED_PIPE = 1, 2, 130, 141
"""Exit codes: what was given is off; how it was called is off; and the shell's for Ctrl-C and for a closed pipe."""

# What the library raises for a user's mistake, always in full sentences.
_MISTAKES = (ValueError, TypeError, OSError, ImportError, ArithmeticError, RuntimeError)


class _Commands(TyperGroup):
    """Commands in the order in which they are used, and the nearest name for a mistyped one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            names = list(self.commands)
            ctx.fail(
                f"There is no command {args[0]!r}. {did_you_mean(args[0], names)}The commands are {join_words(names)}."
            )
        return super().resolve_command(ctx, args)


def _ends_quietly(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end in silence where nobody reads on, and in a word at Ctrl-C."""

    @wraps(command)
    def run(**options: Any) -> None:
        try:
            command(**options)
            sys.stdout.flush()
        except BrokenPipeError:
            _close_pipe()
            raise typer.Exit(CLOSED_PIPE) from None
        except KeyboardInterrupt:
            print_error("Interrupted.")
            raise typer.Exit(INTERRUPTED) from None

    return run


def _close_pipe() -> None:
    """Let Python's own flush at exit write into nothing."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # a stream in memory has no number
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123


app = typer.Typer(
    cls=_Commands,
    name="seqcnn",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = {command.__name__: command for command in (fit, predict, evaluate, spot, info, demo)}
for name, command in COMMANDS.items():
    app.command(name)(_ends_quietly(command))


@app.callback()
def _main(
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error came from, for developers (or SEQCNN_TRACEBACK=1).")
    ] = False,
) -> None:
    """1D convolutional networks for time series, text and audio.

    [bold]seqcnn fit train.csv --target label -o model.seqcnn[/bold]   learns,
    [bold]seqcnn predict model.seqcnn new.csv[/bold]   answers,
    [bold]seqcnn evaluate model.seqcnn test.csv --target label[/bold]   says how well.

    Exit codes: 0 all went well, 1 data or model are off, 2 the command was called wrongly, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments ask for and exit; None takes those of the process."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    before = words[: words.index("--")] if "--" in words else words
    wants_traceback = "--traceback" in before or os.environ.get("SEQCNN_TRACEBACK", "0") not in ("", "0")
    # It may stand anywhere, also behind the command.
    words = [word for position, word in enumerate(words) if word != "--traceback" or position >= len(before)]
    try:
        with show_warnings_as_sentences():
            code = app(words, prog_name="seqcnn", standalone_mode=False)
    except Exception as error:
        if wants_traceback and not hasattr(error, "format_message"):
            raise
        sys.exit(_explain(error))
    sys.exit(code if isinstance(code, int) else 0)


def _explain(error: Exception) -> int:
    """Print what went wrong, and return the exit code."""
    if hasattr(error, "format_message"):  # typer's own errors, whose module differs between its versions
        path = getattr(getattr(error, "ctx", None), "command_path", "seqcnn")
        sentence = error.format_message().rstrip()
        if hasattr(error, "option_name") and hasattr(error, "possibilities"):
            close = [f"Did you mean {name}? " for name in sorted(error.possibilities or ())[:1]]
            sentence = f"There is no option {error.option_name}. {''.join(close)}".rstrip()
        elif sentence.startswith("Missing command"):
            sentence = f"A command is missing. The commands are {join_words(COMMANDS)}."
        print_error(f"{sentence if sentence.endswith(('.', '?')) else sentence + '.'} '{path} --help' shows how.")
        return USAGE
    if isinstance(error, _MISTAKES) and str(error):
        print_error(str(error))
    else:
        print_error(
            f"seqcnn failed in a way it should not: {type(error).__name__}: {error}. Run it with --traceback and "
            "report what it prints."
        )
    return MISTAKE
