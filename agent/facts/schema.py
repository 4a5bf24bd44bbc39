"""The canonical tables as the warehouse sees them: column types and checks, read off the models."""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin

from agent.facts.tables import MODELS, TABLES, Fact

SQL_TYPES: dict[type, str] = {
    str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", date: "DATE", datetime: "TIMESTAMP",
}  # fmt: skip


@dataclass(frozen=True)
class ColumnRule:
    """What one column of a canonical table may hold."""

    name: str
    type: type
    sql_type: str
    required: bool
    default: Any
    allowed: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    pattern: str | None = None
    min_length: int | None = None


@cache
def column_rules(model: type[Fact]) -> tuple[ColumnRule, ...]:
    """One rule per column of `model`, in the model's order."""
    return tuple(_rule(name, field) for name, field in model.model_fields.items())


def _rule(name: str, field: Any) -> ColumnRule:
    kind = field.annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    limits = {
        key: getattr(part, key)
        for part in field.metadata
        for key in ("ge", "le", "pattern", "min_length")
        if getattr(part, key, None) is not None
    }
    allowed = tuple(member.value for member in kind) if issubclass(kind, StrEnum) else ()
    base = str if allowed else kind
    return ColumnRule(
        name=name,
        type=base,
        sql_type=SQL_TYPES[base],
        required=field.is_required(),
        default=None if field.is_required() else field.default,
        allowed=allowed,
        at_least=limits.get("ge"),
        at_most=limits.get("le"),
        pattern=limits.get("pattern"),
        min_length=limits.get("min_length"),
    )


INTERNAL: dict[str, str] = {
    "source_reads": "source VARCHAR, table_name VARCHAR, read_at TIMESTAMP, rows_read BIGINT, rows_new BIGINT, "
    "rows_changed BIGINT, rows_rejected BIGINT",
    "rejected_rows": "source VARCHAR, table_name VARCHAR, file VARCHAR, line BIGINT, column_name VARCHAR, "
    "value VARCHAR, reason VARCHAR, read_at TIMESTAMP",
    "facts_version": "version BIGINT, mark VARCHAR",
    "ticket_asks": "ticket_id VARCHAR, account_id VARCHAR, opened_on DATE, ticket_class VARCHAR, feature VARCHAR, "
    "product VARCHAR, deadline_on DATE",
    "ticket_readings": "ticket_id VARCHAR, account_id VARCHAR, reading VARCHAR",
    "asks_version": "mark VARCHAR, reader VARCHAR",
    "ticket_answers": "account_id VARCHAR, said VARCHAR, told VARCHAR, engine VARCHAR, alone BOOLEAN, tries INTEGER, "
    "answer VARCHAR",
    "answers_version": "mark VARCHAR, reader VARCHAR",
    "table_order": "table_name VARCHAR, rows BIGINT",
    "identities": "source VARCHAR, record_id VARCHAR, name VARCHAR, own_id VARCHAR, domain VARCHAR, state VARCHAR, "
    "account_id VARCHAR, how VARCHAR, candidates VARCHAR, says VARCHAR",
    "identity_doubts": "account_id VARCHAR, source VARCHAR, record_id VARCHAR, says VARCHAR",
    "landings": "source VARCHAR, pulled BIGINT",
    "account_makers": "account_id VARCHAR, source VARCHAR",
}
"""Our own tables beside the facts, with their columns: reads, rejected rows, the version of the facts, what the
tickets ask for as it was read, what a model said of them, how many rows of a table lie in order, which account each
vendor's record is, what is not settled about that, up to which reading a vendor's rows were taken in, and which sources
gave an account."""
ADDED = ("time_zone",)
"Columns that files of an earlier version do not have; only a text that may be empty can be added."
KEPT_OF_TICKETS = ("ticket_asks", "ticket_readings", "ticket_answers")
"Those of them that speak of an account."


def create_tables(duck: Any) -> None:
    """Make every canonical table and column that is not there yet, with our own tables beside them."""
    for table, rules in too_old(duck).items():
        for rule in rules:
            duck.execute(f'ALTER TABLE {table} ADD COLUMN IF NOT EXISTS "{rule.name}" {rule.sql_type}')
    there = {name for (name,) in duck.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if there >= {*TABLES, *INTERNAL}:
        return
    for model in MODELS:
        columns = ", ".join(f'"{rule.name}" {rule.sql_type}' for rule in column_rules(model))
        duck.execute(f"CREATE TABLE IF NOT EXISTS {model.TABLE} ({columns})")
    for name, columns in INTERNAL.items():
        duck.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")


def too_old(duck: Any) -> dict[str, list[ColumnRule]]:
    """The columns that came after the file was made, by table; all of them texts that may be empty."""
    there: dict[str, set[str]] = {}
    for table, column in duck.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall():
        there.setdefault(table, set()).add(column)
    lacking = {
        table: [
            rule for rule in column_rules(TABLES[table]) if rule.name in ADDED and rule.name not in columns
        ]
        for table, columns in there.items()
        if table in TABLES
    }
    return {table: rules for table, rules in lacking.items() if rules}
