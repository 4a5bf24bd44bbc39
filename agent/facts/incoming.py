"""Rows on their way into one canonical table: converted, checked and waiting in a temporary table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from agent.facts.checks import RECORD, Check, checked
from agent.facts.merge import Merged
from agent.facts.schema import column_rules
from agent.facts.staged import Rejection, Staged, TableReport, in_words
from agent.facts.tables import TABLES
from agent.foundation.errors import InputError, TooManyRejected

SHOWN = 5
_REPEATED = -1
"The `_why` of a row that a later row of the same key contradicts."
_COPY = -2
"The `_why` of a row that is a copy of a later one."


class Incoming:
    """The rows of one table from all its files of one sync; `_why` is empty for those that are good."""

    def __init__(self, duck: Any, table: str, parts: Sequence[Staged]) -> None:
        self.duck, self.table, self.parts = duck, table, list(parts)
        self.name = f"incoming_{table}"
        model = TABLES[table]
        rules = column_rules(model)
        self.columns = tuple(rule.name for rule in rules)
        self.optional = frozenset(rule.name for rule in rules if not rule.required)
        self.key = model.KEY
        self.brought: tuple[str, ...] = ()
        self.checks: dict[int, tuple[Check, ...]] = {}
        self.firsts: list[int] = []
        self.winners: dict[tuple[int, int], tuple[int, int]] = {}
        self.rejected: dict[int, list[Rejection]] = {}
        self.bad = 0
        self.seconds = 0.0

    def __enter__(self) -> Self:
        """Read, convert and check every part into the temporary table.

        This happens before the transaction: inside one, DuckDB does not count row ids from 0.
        """
        started = time.perf_counter()
        brought: set[str] = set()
        rows = 0
        try:
            for number in range(len(self.parts)):
                types, self.checks[number] = self._read(number)
                brought |= types
                self.firsts.append(rows)
                rows = self._one(f"SELECT count(*) FROM {self.name}")
        except BaseException:
            self._drop()
            raise
        self.brought = tuple(column for column in self.columns if column in brought)
        self.seconds = time.perf_counter() - started
        return self

    def _read(self, number: int) -> tuple[set[str], tuple[Check, ...]]:
        """Read one part; a second time without what stands in the way, where its source can tell."""
        from duckdb import Error

        part = self.parts[number]
        try:
            described = self.duck.execute(f"DESCRIBE {part.relation}").fetchall()
            types = {str(row[0]): str(row[1]) for row in described}
            made = checked(TABLES[self.table], part.relation, types)
            select = f"SELECT *, CAST({number} AS SMALLINT) AS _part FROM ({made.sql})"
            into = (
                f"CREATE OR REPLACE TEMP TABLE {self.name} AS" if number == 0 else f"INSERT INTO {self.name}"
            )
            self.duck.execute(f"{into} {select}")
        except InputError as bad:
            raise InputError(f"{part.file}: {bad}") from bad
        except Error as bad:
            if part.mend:
                self.parts[number] = part.mend(bad)
                return self._read(number)
            raise InputError(f"{part.file} could not be read for {self.table}: {first_line(bad)}.") from bad
        return set(types), made.checks

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the temporary table."""
        self._drop()

    def _drop(self) -> None:
        self.duck.execute(f"DROP TABLE IF EXISTS {self.name}")

    @property
    def _position(self) -> str:
        """SQL: the record number within its file."""
        if len(self.firsts) == 1:
            return f"coalesce({RECORD}, rowid + 1)"
        starts = " ".join(f"WHEN {part} THEN {first}" for part, first in enumerate(self.firsts))
        return f"coalesce({RECORD}, rowid + 1 - CASE _part {starts} END)"

    def set_repeats_aside(self) -> None:
        """Of rows with one key keep the last; mark its copies, and the rows that it contradicts."""
        key = ", ".join(f'"{column}"' for column in self.key)
        good, distinct = self.duck.execute(
            f"SELECT count(*), count(DISTINCT hash({key})) FROM {self.name} WHERE _why IS NULL"
        ).fetchone()
        if good == distinct:
            return
        row = ", ".join(f'"{column}"' for column in self.columns)
        same = "r IS NOT DISTINCT FROM last_value(r) OVER w"
        self.duck.execute(
            f"CREATE OR REPLACE TEMP TABLE repeats AS "
            f"SELECT id, part, position, {same} AS is_copy, last_value(part) OVER w AS by_part, "
            f"last_value(position) OVER w AS by_position, last_value(id) OVER w AS by_id FROM ("
            f"SELECT rowid AS id, _part AS part, {self._position} AS position, row({row}) AS r, {key} "
            f"FROM {self.name} WHERE _why IS NULL AND hash({key}) IN (SELECT hash({key}) FROM {self.name} "
            f"WHERE _why IS NULL GROUP BY 1 HAVING count(*) > 1)) "
            f"WINDOW w AS (PARTITION BY {key} ORDER BY part, position "
            f"ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
        )
        self.duck.execute("DELETE FROM repeats WHERE id = by_id")
        losers = self.duck.execute(
            "SELECT part, position, by_part, by_position FROM repeats WHERE NOT is_copy"
        ).fetchall()
        self.winners = {(part, at): (by_part, by_at) for part, at, by_part, by_at in losers}
        shown = " || ', ' || ".join(f"coalesce(CAST(\"{column}\" AS VARCHAR), '')" for column in self.key)
        self.duck.execute(
            f"UPDATE {self.name} AS rows SET _raw = left({shown}, 200), "
            f"_why = CASE WHEN is_copy THEN {_COPY} ELSE {_REPEATED} END "
            f"FROM repeats WHERE rows.rowid = repeats.id"
        )
        self.duck.execute("DROP TABLE repeats")

    def refuse_too_many(self, max_rejected: float, always_allowed: int) -> None:
        """Raise TooManyRejected when more than the allowed share of the table's rows is bad."""
        self.bad, stored = self.duck.execute(
            f"SELECT count(*) FILTER (_why IS NOT NULL AND _why <> {_COPY}), count(*) FROM {self.name}"
        ).fetchone()
        unread = sum(len(part.unread) for part in self.parts)
        read = stored + unread
        allowed = max(always_allowed, int(max_rejected * read))
        if self.bad + unread <= allowed:
            return
        part, first = next(
            (part, found) for part in range(len(self.parts)) if (found := self.rejections(part, limit=3))
        )
        shown = in_words(first)
        raise TooManyRejected(
            f"{self.parts[part].file}: {self.bad + unread:,} of {read:,} rows for {self.table} are bad and "
            f"{allowed:,} are allowed, so nothing was changed; {shown}; mend the file, or raise max_rejected."
        )

    def rejections(self, part: int, limit: int | None = None) -> list[Rejection]:
        """The rejected rows of one part in file order, at most `limit`."""
        if part in self.rejected:
            return self.rejected[part][:limit]
        if not self.bad:
            return list(self.parts[part].unread[:limit])
        bad = self.duck.execute(
            f"SELECT {self._position} AS position, _why, _raw FROM {self.name} "
            f"WHERE _part = {part} AND _why IS NOT NULL AND _why <> {_COPY} ORDER BY position"
            + (f" LIMIT {limit}" if limit else "")
        ).fetchall()
        lines = self._lines(part, [position for position, _, _ in bad])
        later = self._later_lines([self.winners[part, at] for at, why, _ in bad if why == _REPEATED])
        found = list(self.parts[part].unread)
        for at, why, raw in bad:
            value = raw or ""
            if why == _REPEATED:
                by, line = self.winners[part, at][0], later[self.winners[part, at]]
                where = f"line {line:,}" if by == part else f"{self.parts[by].file} line {line:,}"
                column = ", ".join(self.key)
                reason = f"is given again at {where} with other values; the later row was taken"
            else:
                check = self.checks[part][why]
                column, reason = check.column, check.says(value)
            found.append(Rejection(line=lines[at], column=column, value=value, reason=reason))
        if self.parts[part].unread:
            found.sort(key=lambda rejection: rejection.line or 0)
        return found[:limit]

    def _later_lines(self, winners: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
        found = {}
        for part in {part for part, _ in winners}:
            lines = self._lines(part, [at for by, at in winners if by == part])
            found.update({(part, at): line for at, line in lines.items()})
        return found

    def _lines(self, part: int, positions: Sequence[int]) -> Mapping[int, int]:
        find = self.parts[part].lines
        return find(positions) if find and positions else {at: at for at in positions}

    def keep_rejections(self, source: str, read_at: datetime) -> None:
        """Write this read's rejected rows in the place of the last read's."""
        self.duck.execute(
            "DELETE FROM rejected_rows WHERE source = ? AND table_name = ?", [source, self.table]
        )
        for number, part in enumerate(self.parts):
            bad = self.rejected[number] = self.rejections(number)
            if bad:
                self.duck.execute(
                    "INSERT INTO rejected_rows SELECT ?, ?, ?, unnest(CAST(? AS BIGINT[])), "
                    "unnest(CAST(? AS VARCHAR[])), unnest(CAST(? AS VARCHAR[])), "
                    "unnest(CAST(? AS VARCHAR[])), "
                    "CAST(? AS TIMESTAMP)",
                    [
                        source, self.table, part.file, [r.line for r in bad], [r.column for r in bad],
                        [r.value for r in bad], [r.reason for r in bad], read_at,
                    ],
                )  # fmt: skip

    def good_by_part(self) -> dict[int, int]:
        """How many good rows each part has."""
        counted = self.duck.execute(f"SELECT _part, count(*) FROM {self.name} WHERE _why IS NULL GROUP BY 1")
        return dict(counted.fetchall())

    def reports(
        self, merged: Mapping[int, Merged], notes: Mapping[int, tuple[str, ...]], seconds: float
    ) -> list[TableReport]:
        """What each part did, in the order given."""
        counted = self.duck.execute(
            f"SELECT _part, count(*), count(*) FILTER (_why IS NULL), count(*) FILTER (_why = {_COPY}) "
            f"FROM {self.name} GROUP BY 1"
        ).fetchall()
        rows = {part: (read, good, copies) for part, read, good, copies in counted}
        made = []
        for number, part in enumerate(self.parts):
            read, good, copies = rows.get(number, (0, 0, 0))
            new, changed = merged.get(number, Merged(0, 0))
            made.append(
                TableReport(
                    table=self.table,
                    file=part.file,
                    read=read + len(part.unread),
                    new=new,
                    changed=changed,
                    unchanged=good - new - changed,
                    rejected=read - good - copies + len(part.unread),
                    duplicates=copies,
                    notes=(*part.notes, *notes.get(number, ()), *(() if read else ("no rows",))),
                    first_rejections=tuple(self.rejections(number, limit=SHOWN)),
                    seconds=round((self.seconds + seconds) / len(self.parts), 3),
                )
            )
        return made

    def _one(self, sql: str) -> int:
        return int(self.duck.execute(sql).fetchone()[0])


def first_line(error: Exception) -> str:
    """What DuckDB says, in one line."""
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
