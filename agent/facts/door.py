"""The one door through which rows enter the warehouse."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.facts.identity_store import keep_makers
from agent.facts.incoming import Incoming
from agent.facts.merge import merge
from agent.facts.oddities import oddities
from agent.facts.schema import column_rules, create_tables
from agent.facts.staged import Staged, TableReport
from agent.facts.tables import Fact
from agent.facts.version import raise_version
from agent.foundation import clock

if TYPE_CHECKING:
    from agent.foundation.warehouse import Warehouse

ORDER = (
    "accounts", "plans", "metrics", "ceilings", "plan_features", "subscriptions", "members", "measures",
    "events", "tickets", "invoices",
)  # fmt: skip
"Parents first, so that a row's account, plan and metric are there when it is looked for."
ALWAYS_ALLOWED = 10
"Bad rows of a table that never fail a load."


def load(
    warehouse: Warehouse,
    source: str,
    staged: Sequence[Staged],
    *,
    read_at: datetime,
    max_rejected: float,
    always_allowed: int = ALWAYS_ALLOWED,
    first: Callable[[Any], int] = lambda _: 0,
) -> list[TableReport]:
    """Check the staged rows, keep the bad ones aside and merge the good ones on their keys: all or nothing.

    `first` is done in the same transaction before the rows are merged, and answers how many rows it changed.

    `max_rejected` is the share of bad rows per table above which nothing is changed, but `always_allowed`
    bad rows never fail a load.

    Raises TooManyRejected, and InputError for a relation without a column the table needs.
    """
    duck = warehouse.duck
    with ExitStack() as waiting:
        tables = [
            waiting.enter_context(Incoming(duck, table, parts))
            for table in ORDER
            if (parts := [part for part in staged if part.table == table])
        ]
        for incoming in tables:
            incoming.set_repeats_aside()
            incoming.refuse_too_many(max_rejected, always_allowed)
        with transaction(duck):
            create_tables(duck)
            withdrawn = first(duck)
            reports = [report for incoming in tables for report in _enter(duck, source, incoming, read_at)]
            if withdrawn or any(report.new or report.changed for report in reports):
                raise_version(duck)
            return reports


def nothing_new(
    warehouse: Warehouse, source: str, tables: Iterable[str], read_at: datetime
) -> list[TableReport]:
    """Keep that a source was read and had nothing for these tables that the facts do not have: one transaction."""
    duck, names = warehouse.duck, list(tables)
    with transaction(duck):
        create_tables(duck)
        duck.execute("DELETE FROM rejected_rows WHERE source = ?", [source])
        duck.executemany(
            "INSERT INTO source_reads VALUES (?, ?, ?, 0, 0, 0, 0)",
            [(source, table, read_at) for table in names],
        )
    return [TableReport(table=table, file=source) for table in names]


def _enter(duck: Any, source: str, incoming: Incoming, read_at: datetime) -> list[TableReport]:
    """Merge one table's checked rows, inside the transaction."""
    started = time.perf_counter()
    incoming.keep_rejections(source, read_at)
    merged = merge(duck, incoming)
    if incoming.table == "accounts":
        keep_makers(duck, source, incoming.name)
    notes = oddities(duck, incoming)
    reports = incoming.reports(merged, notes, time.perf_counter() - started)
    duck.executemany(
        "INSERT INTO source_reads VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(source, r.table, read_at, r.read, r.new, r.changed, r.rejected) for r in reports],
    )
    return reports


@contextmanager
def transaction(duck: Any) -> Iterator[None]:
    """One transaction: kept when the block ends, undone when it raises."""
    duck.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        duck.execute("ROLLBACK")
        raise
    duck.execute("COMMIT")


def add_facts(
    warehouse: Warehouse, facts: Iterable[Fact], source: str = "tests", read_at: datetime | None = None
) -> list[TableReport]:
    """Load facts that are already models; of several with one key the last is taken.

    `read_at` (default: the clock) is when the source was read.

    Raises TooManyRejected for a single fact the door refuses, such as a ceiling of no plan and no account.
    """
    by_table: dict[str, dict[Any, Fact]] = {}
    for fact in facts:
        key = tuple(getattr(fact, column) for column in fact.KEY)
        by_table.setdefault(fact.TABLE, {})[key] = fact
    duck = warehouse.duck
    names: list[str] = []
    staged: list[Staged] = []
    try:
        for table, rows in by_table.items():
            name = f"arriving_{table}"
            duck.register(name, _arrow(list(rows.values())))
            names.append(name)
            staged.append(Staged(table, source, f"SELECT * FROM {name}"))
        moment = read_at or clock.now()
        return load(warehouse, source, staged, read_at=moment, max_rejected=0.0, always_allowed=0)
    finally:
        for name in names:
            duck.unregister(name)


def _arrow(rows: Sequence[Fact]) -> Any:
    import pyarrow as pa

    types = {
        str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), date: pa.date32(),
        datetime: pa.timestamp("us"),
    }  # fmt: skip
    rules = column_rules(type(rows[0]))
    columns = {rule.name: [_plain(getattr(row, rule.name)) for row in rows] for rule in rules}
    schema = pa.schema([(rule.name, types[rule.type]) for rule in rules])
    return pa.table(columns, schema=schema)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
