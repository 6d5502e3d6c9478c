"""Files of tables to DataFrames: csv, tsv, parquet, feather and lines of JSON, and what is wrong with them."""

from __future__ import annotations

import json
import lzma
import re
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqcnn._checks import shorten
from seqcnn.datasets._files import bad_file, open_text

if TYPE_CHECKING:
    import pandas


def read_frame(path: Path, suffix: str, *, caller: str, header: bool = True) -> pandas.DataFrame:
    """Read a file of the format that ``suffix`` names; without a header the columns are numbers, the first strings."""
    import pandas

    if suffix == ".jsonl":
        return _read_json_lines(path, caller=caller)
    mark, decimal = ("\t" if suffix == ".tsv" else ","), "."
    if header and suffix == ".csv":
        mark, decimal = _find_marks(path, caller=caller)
    try:
        if suffix in (".parquet", ".feather"):
            return (pandas.read_parquet if suffix == ".parquet" else pandas.read_feather)(path)
        with warnings.catch_warnings():
            # pandas only warns of rows that are longer than the header, and cuts them.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            frame = _read_csv(path, mark, decimal, header)
    except ImportError as error:
        raise ImportError(
            f"{caller} needs the package pyarrow for '{path}'. Install it with: pip install 'seqcnn[tables]'."
        ) from error
    except UnicodeDecodeError as error:
        reason = f"it is not in UTF-8 (byte {error.start} is {error.object[error.start]:#04x})"
        raise bad_file(path, reason, "Save the file again in UTF-8.", caller=caller) from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise bad_file(path, "its compression is damaged", "Get the file again.", caller=caller) from error
    except (ValueError, OSError, pandas.errors.ParserWarning) as error:
        raise bad_file(path, _reason(error), "Correct the file, or get it again.", caller=caller) from error
    names = list(frame.columns)
    if header and len(names) == 1 and (separator := next((one for one in "\t|" if one in names[0]), None)):
        reason = f"its columns seem to be separated by {separator!r} ({shorten(names[0], 40)})"
        raise bad_file(path, reason, "Separate them by commas (csv) or tabs (tsv).", caller=caller)
    if header and _looks_like_values(names):
        raise bad_file(
            path,
            f"its first line holds numbers instead of names of columns ({shorten(', '.join(names), 30)})",
            "Write the names of the columns into the first line.",
            caller=caller,
        )
    return frame


def _find_marks(path: Path, *, caller: str) -> tuple[str, str]:
    """Return what stands between a csv file's values and in its numbers: spreadsheets of many countries use ; and ,."""
    with open_text(path, caller=caller) as stream:
        head, *lines = [stream.readline() for _ in range(100)]
    if ";" not in head or "," in head or '"' in head:
        return ",", "."
    return ";", "," if any(re.search(r"\d,\d", line) for line in lines) else "."


def _read_json_lines(path: Path, *, caller: str) -> pandas.DataFrame:
    import pandas

    rows = []
    with open_text(path, caller=caller) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                reason = f'line {number} is no JSON object, such as {{"text": "Hello", "label": "a"}}'
                raise bad_file(path, reason, "Write an object a line.", caller=caller)
            rows.append(row)
    return pandas.DataFrame.from_records(rows)


def _read_csv(path: Path, separator: str, decimal: str, header: bool) -> pandas.DataFrame:
    import pandas

    def read(**changes: Any) -> pandas.DataFrame:
        frame: pandas.DataFrame = pandas.read_csv(
            path,
            sep=separator,
            header="infer" if header else None,
            encoding="utf-8-sig",
            index_col=False,
            skipinitialspace=True,
            low_memory=False,
            decimal=decimal,
            **changes,
        )
        return frame

    frame = read(dtype=None if header else {0: str})
    # Words such as "NA", "null" and "None" are missing values among numbers, but texts and labels among words.
    words = [name for name in frame.columns if frame[name].isna().any() and holds_strings(frame[name])]
    if words:
        frame[words] = read(dtype=str, keep_default_na=False, na_values=[""], usecols=words)[words]
    # What DataFrame.to_csv writes in front unless it is told not to: the numbers of the rows.
    first = frame.columns[0]
    if first == "Unnamed: 0" and frame.shape[1] > 1 and frame[first].tolist() == list(range(len(frame))):
        return frame.drop(columns=[first])
    return frame


def _reason(error: Exception) -> str:
    text = str(error)
    if match := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", text):
        return f"line {match[2]} has {match[3]} fields where the lines before have {match[1]}"
    if "Length of header" in text:
        return "its lines have more fields than its header has names"
    if "No columns to parse" in text:
        return "it is empty"
    if match := re.search(r"starting at row (\d+)", text):
        return f"a quote is opened in line {int(match[1]) + 1} and not closed"
    return f"it is damaged or of another format ({text.splitlines()[0].rstrip('.') if text else 'no reason given'})"


def _looks_like_values(names: list[str]) -> bool:
    """Tell whether a header is a row of values: all of it numbers, and not all whole, as positions are."""
    return bool(names) and all(is_number(name) for name in names) and not all(_is_whole(name) for name in names)


def is_number(value: Any) -> bool:
    """Tell whether a value, or what is written, is a number."""
    try:
        float(value)
    except (ValueError, TypeError):
        return False
    return True


def _is_whole(value: str) -> bool:
    return value.strip().isdigit()


def holds_strings(column: pandas.Series[Any]) -> bool:
    """Tell whether the values of a column that are there are strings."""
    import pandas

    if isinstance(column.dtype, pandas.CategoricalDtype):
        return holds_strings(column.cat.categories.to_series())
    return bool(pandas.api.types.infer_dtype(column, skipna=True) == "string")
