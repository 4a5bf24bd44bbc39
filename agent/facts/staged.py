"""What a source hands to the door, and what the door answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

Lines = Callable[[Sequence[int]], Mapping[int, int]]
"From record numbers (1 = the first row after the header) to line numbers in the file."


class Rejection(BaseModel):
    """A row that was not taken: where it stands, which cell is at fault, and why."""

    model_config = ConfigDict(frozen=True)

    line: int | None
    column: str
    value: str
    reason: str


def in_words(rejections: Sequence[Rejection]) -> str:
    """Rejections as part of a sentence; a reason that several share is given once."""
    shared: dict[tuple[str, str], list[Rejection]] = {}
    for rejection in rejections:
        shared.setdefault((rejection.column, rejection.reason), []).append(rejection)
    return "; ".join(
        ", ".join(f"line {one.line:,}" if one.line is not None else "a row" for one in same)
        + f": {column} {', '.join(repr(one.value) for one in same)} {reason}"
        for (column, reason), same in shared.items()
    )


class TableReport(BaseModel):
    """What one file did to one canonical table: read = new + changed + unchanged + rejected + duplicates."""

    model_config = ConfigDict(frozen=True)

    table: str
    file: str
    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    duplicates: int = 0
    notes: tuple[str, ...] = ()
    first_rejections: tuple[Rejection, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Staged:
    """A set of rows on its way to one canonical table: columns by canonical name, not yet checked.

    `relation` is a SELECT that the source itself wrote; text in it is quoted, never pasted. It gives rows
    in file order, or carries a column `_record` with their record numbers. Text columns are checked as
    text, others by their type.
    """

    table: str
    file: str
    relation: str
    lines: Lines | None = None
    unread: tuple[Rejection, ...] = ()
    "Rows the source could not even split into columns."
    notes: tuple[str, ...] = ()
    mend: Callable[[Exception], Staged] | None = None
    """Asked when the relation cannot be read: the same without the rows that stand in the way, or an
    InputError that says what does."""
