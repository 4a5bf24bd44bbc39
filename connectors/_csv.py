"""CSV files as spreadsheets and vendors write them: delimiter, header, line numbers, and what is broken."""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from agent.facts.staged import Rejection
from agent.foundation.errors import InputError

DELIMITERS = ",;\t|"
_FIRST = 1_000_000
"How far to look for the end of a header."
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Shape:
    """A CSV file's delimiter, the names of its columns, and how its lines end."""

    path: Path
    delimiter: str
    header: tuple[str, ...]
    blank_lines: int = 0
    "How many stand before the header."
    line_end: str = ""
    "What ends the header: CR, LF, both, or nothing where no line follows it."

    def lines(self, positions: Sequence[int]) -> Mapping[int, int]:
        """The line on which each record starts (record 1 is the first after the header)."""
        wanted, found = set(positions), {}
        for position, line, _ in records(self):
            if position in wanted:
                found[position] = line
                if len(found) == len(wanted):
                    break
        return {position: found.get(position, position + 1) for position in positions}


def shape(path: Path) -> Shape:
    """Delimiter and header of a CSV file.

    Raises InputError when it is empty, is not UTF-8 up to there, or names a column twice.
    """
    with opened(path) as text:
        try:
            start = text.read(_FIRST)
        except UnicodeDecodeError:
            raise not_utf8(path) from None
        except (OSError, EOFError) as bad:
            raise InputError(f"{path.name} cannot be read: {bad}; export it again.") from bad
    if not start.strip():
        raise InputError(f"{path.name} is empty, without even a header line; export it again or remove it.")
    delimiter = _delimiter(start)
    cells, line_end = _header(path, start, delimiter)
    names = tuple(name.strip() for name in cells)
    for name in names:
        if name and names.count(name) > 1:
            raise InputError(f"{path.name} line 1: the column '{name}' appears twice; rename or remove one.")
    blank = next(number for number, line in enumerate(start.splitlines()) if line.strip())
    return Shape(path, delimiter, names, blank, line_end)


def _header(path: Path, start: str, delimiter: str) -> tuple[list[str], str]:
    """The cells of the first line that is not blank, and what ends it; its cells may hold line breaks."""
    lines = list(io.StringIO(start, newline=""))
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        header: list[str] = next((row for row in reader if row), [])
    except csv.Error as bad:
        raise InputError(f"{path.name} line 1: the header cannot be read ({bad}); mend that line.") from bad
    last = lines[reader.line_num - 1]
    return header, last[len(last.rstrip("\r\n")) :]


def _delimiter(start: str) -> str:
    """The delimiter that stands most often in the first line, outside quotes."""
    line = next(line for line in start.splitlines() if line.strip())
    bare = "".join(piece for number, piece in enumerate(line.split('"')) if number % 2 == 0)
    return max(DELIMITERS, key=bare.count)


@contextmanager
def opened(path: Path, newline: str = "") -> Iterator[TextIO]:
    """The file as text, unpacked, without its byte-order mark; its line ends stay as they are."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8-sig", newline=newline) as text:
            yield text
    else:
        with path.open(encoding="utf-8-sig", newline=newline) as text:
            yield text


def records(shape: Shape) -> Iterator[tuple[int, int, list[str]]]:
    """Each whole record as (number, the line it starts on, its cells); ragged ones have number 0."""
    wide = len(shape.header)
    was = csv.field_size_limit(sys.maxsize)
    try:
        # Editors count no line for a CR in a cell of a file whose lines end in LF.
        with opened(shape.path, "\n" if shape.line_end.endswith("\n") else "") as text:
            reader = csv.reader(text, delimiter=shape.delimiter)
            number, before, header_seen = 0, 0, False
            for row in reader:
                line, before = before + 1, reader.line_num
                if not row and (wide > 1 or not header_seen):
                    continue
                if not header_seen:
                    header_seen = True
                elif len(row) == wide or (wide == 1 and not row):
                    number += 1
                    yield number, line, row
                else:
                    yield 0, line, row
    finally:
        csv.field_size_limit(was)


def ragged(shape: Shape) -> tuple[tuple[Rejection, ...], int]:
    """The rows that have more or fewer cells than the header has names, and how many others there are."""
    wide, readable, found = len(shape.header), 0, []
    for number, line, row in records(shape):
        if number:
            readable = number
            continue
        cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
        value, reason = shape.delimiter.join(row)[:200], f"has {cells} where the header has {wide}"
        found.append(Rejection(line=line, column="(row)", value=value, reason=reason))
    return tuple(found), readable


def check_text(path: Path) -> None:
    """Raise InputError naming the line when the file is not UTF-8, mixes line ends, or ends inside quotes."""
    line, quotes, opened_on, usual = 1, 0, 0, b""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        for content in lines:
            try:
                content.decode("utf-8")
            except UnicodeDecodeError:
                raise InputError(
                    f"{path.name} line {line:,} is not UTF-8 text; save the file as UTF-8 and try again."
                ) from None
            for number, piece in enumerate(content.split(b'"')):
                if number:
                    quotes, opened_on = quotes + 1, line
                for end in _LINE_END.findall(piece):
                    # Within quotes a line break is part of a cell, of whatever kind it is.
                    if quotes % 2 == 0:
                        usual = usual or end
                        if end != usual:
                            raise _mixed(path, line, end)
                    line += end.endswith(b"\n") or usual == b"\r"
    if quotes % 2:
        raise InputError(
            f"{path.name} line {opened_on:,}: a quote is opened and never closed; mend that line."
        )


def _mixed(path: Path, line: int, end: bytes) -> InputError:
    if end == b"\r":
        return InputError(
            f"{path.name} line {line:,} has a carriage return (CR) outside quotes; remove it, or put quotes "
            "around its cell."
        )
    return InputError(
        f"{path.name} line {line:,} ends otherwise than the lines before (CRLF or LF); save the file with one "
        "kind of line end."
    )


def not_utf8(path: Path) -> InputError:
    """The error for a file that is not UTF-8, with the line when it can be found."""
    try:
        check_text(path)
    except InputError as bad:
        return bad
    return InputError(f"{path.name} is not UTF-8 text; save the file as UTF-8 and try again.")
