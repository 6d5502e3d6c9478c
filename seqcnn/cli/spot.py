"""``seqcnn spot``: keywords in recordings of any length, or live from a microphone, as CSV or as lines of JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from seqcnn._checks import count_word
from seqcnn.cli._wording import in_shell_words
from seqcnn.cli.output import open_output, print_error, print_note

_FIELDS = ("source", "start", "end", "keyword", "score")
_FILE_SECONDS, _LIVE_SECONDS = 5.0, 0.1
"""Lengths of blocks: what is only read is read fast, and what is live is answered at once."""


def spot(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file of a classifier of audio.")],
    recordings: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Audio files of any length, and folders of them.")
    ] = None,
    microphone: Annotated[bool, typer.Option("--microphone", help="Listen until Ctrl-C.")] = False,
    device: Annotated[
        str | None, typer.Option(help="Number or name of a microphone; without it, the system's choice.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="The score from which on a keyword fires, between 0 and 1.")
    ] = None,
    keyword: Annotated[
        list[str] | None, typer.Option("--keyword", "-k", help="A class to listen for; may be repeated.")
    ] = None,
    smoothing: Annotated[float | None, typer.Option(help="Seconds over which scores are averaged.")] = None,
    look_ahead: Annotated[
        int | None, typer.Option(help="Samples by which scores may come late, for a network that is not causal.")
    ] = None,
    realtime: Annotated[bool, typer.Option("--realtime", help="Read files as fast as they were spoken.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file instead of standard output; .jsonl is written as JSON."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write a JSON object a line.")] = False,
) -> None:
    """Find keywords in recordings or in what a microphone hears: a line for each, as soon as it is found.

    Times are seconds from the beginning of a recording, or of listening. On a terminal a meter shows the level and the
    scores. Ctrl-C ends listening in the usual way, with exit code 0, and reading files early, with 130. A file that
    cannot be read is told and passed over, and the exit code is 1.

    [dim]seqcnn spot words.seqcnn meeting.wav --threshold 0.8 > found.csv
    seqcnn spot words.seqcnn --microphone --keyword yes --keyword no
    seqcnn spot words.seqcnn meeting.wav --realtime[/dim]
    """
    if microphone == bool(recordings):
        raise typer.BadParameter("Pass files or --microphone, one of the two.")
    if device is not None and not microphone:
        raise typer.BadParameter("--device names a microphone. Pass --microphone, too.")
    if microphone and realtime:
        raise typer.BadParameter("A microphone is always in real time: --realtime is for files. Drop one of the two.")
    from seqcnn.cli.data import find_audio

    sources = [
        name for path in recordings or [] for name in (find_audio(path) if path.is_dir() else [str(path)])
    ]  # before the model, which takes longer
    settings = {"threshold": threshold, "keywords": keyword, "smoothing_seconds": smoothing, "look_ahead": look_ahead}
    spotter = _make_spotter(model, {name: value for name, value in settings.items() if value is not None})
    as_json = as_json or (output is not None and output.suffix in (".json", ".jsonl"))
    with open_output(output) as stream:
        found = _Found(stream, as_json)
        if microphone:
            _listen(spotter, device, found)
        else:
            _read_files(spotter, sources, realtime, found)
    if output is not None:
        print_note(f"{count_word(found.n_lines, 'detection')} in {output}.")


def _make_spotter(model: Path, settings: dict[str, Any]) -> Any:
    from seqcnn.spotting import KeywordSpotter

    spotter = KeywordSpotter.load(model)
    if "keywords" in settings:
        by_name = {str(word): word for word in spotter.keywords_}  # labels may be numbers
        settings["keywords"] = [by_name.get(word, word) for word in settings["keywords"]]
    spotter.set_params(**settings)
    with in_shell_words():
        spotter.listen()  # what is off with model or settings, before anything is read
    return spotter


class _Found:
    """Detections as lines, each written out at once."""

    def __init__(self, stream: TextIO, as_json: bool) -> None:
        self._stream, self._as_json, self.n_lines = stream, as_json, 0
        self._begun = False

    def begin(self) -> None:
        """Write the names of the columns, once, when there is something to listen to."""
        if not self._as_json and not self._begun:
            self._write(",".join(_FIELDS) + "\n")
        self._begun = True

    def add(self, source: str, detection: Any, offset: float) -> str:
        """Write a line, and return the detection in words."""
        start, end, score = detection.start + offset, detection.end + offset, float(detection.score)
        values = (source, round(start, 3), round(end, 3), str(detection.keyword), round(score, 4))
        self.n_lines += 1
        if self._as_json:
            self._write(json.dumps(dict(zip(_FIELDS, values, strict=True)), ensure_ascii=False) + "\n")
        else:
            csv.writer(self._stream, lineterminator="\n").writerow(values)
            self._stream.flush()
        return f"{start:9.2f} s  {detection.keyword}  {score:.2f}"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _read_files(spotter: Any, sources: list[str], realtime: bool, found: _Found) -> None:
    from seqcnn.inputs.audio_blocks import paced, read_blocks

    n_bad = 0
    for source in sources:
        try:
            blocks: Any = read_blocks(
                source, block_seconds=_LIVE_SECONDS if realtime else _FILE_SECONDS, caller="seqcnn spot"
            )
            _follow(spotter, paced(blocks) if realtime else blocks, blocks.sample_rate, source, found)
        except (ValueError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            print_error(str(error))
            n_bad += 1
    if n_bad:
        raise typer.Exit(1)


def _listen(spotter: Any, device: str | None, found: _Found) -> None:
    from seqcnn.inputs.microphone import Microphone

    chosen = int(device) if device is not None and device.isdecimal() else device
    with Microphone(device=chosen, block_seconds=_LIVE_SECONDS) as microphone:
        print_note(f"Listening to {microphone.name} at {microphone.sample_rate} Hz. Ctrl-C ends it.")
        try:
            _follow(spotter, microphone, microphone.sample_rate, "microphone", found)
        except KeyboardInterrupt:
            lost = f" Sound was lost {count_word(microphone.n_overflows, 'time')}." if microphone.n_overflows else ""
            print_note(f"Stopped after {count_word(found.n_lines, 'detection')}.{lost}")


def _follow(spotter: Any, blocks: Iterable[Any], sample_rate: int, source: str, found: _Found) -> None:
    """Push blocks as they come, and tell what is found in them."""
    from seqcnn.cli._meter import Meter

    found.begin()
    listener = spotter.listen(sample_rate)
    n_samples, begin = 0, 0.0
    with Meter(source) as meter:
        for block in _through_stalls(blocks):
            if block is None:  # a gap: what comes next is no continuation
                detections, at = listener.finish(), begin
                begin = n_samples / sample_rate
            else:
                detections, at = listener.push(block), begin
                n_samples += block.shape[1]
                scores = dict(zip(map(str, listener.keywords), listener.scores, strict=True))
                meter.show(block, n_samples / sample_rate, scores)
            for detection in detections:
                meter.tell(found.add(source, detection, at))
        for detection in listener.finish():
            meter.tell(found.add(source, detection, begin))


def _through_stalls(blocks: Iterable[Any]) -> Iterator[Any]:
    """Yield blocks, and None in the place of a stall, which is told."""
    iterator = iter(blocks)
    while True:
        try:
            yield next(iterator)
        except StopIteration:
            return
        except TimeoutError as error:
            print_note(f"Warning: {error}")
            yield None
