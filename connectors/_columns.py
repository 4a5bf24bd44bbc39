"""Landed rows as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from connectors._rows import Dated, columns_of

if TYPE_CHECKING:
    import pyarrow as pa

MANY = 20_000
"Rows that go into one Arrow table."
OURS = ("pulled", "place", "stream")
"What is kept with every landed row: in which reading it came, as the how-manieth row of it, and by which stream."


def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of a landed table."""
    import pyarrow as pa

    types = {
        "VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(),
        "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
    }  # fmt: skip
    return pa.schema([(name, types[kind]) for name, kind in columns_of(table).items()])


def arrow_of(table: str, rows: Sequence[Dated]) -> pa.Table:
    """Rows as they are landed."""
    import pyarrow as pa

    schema = arrow_schema(table)
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for row in rows:
        for name in columns:
            value = row.changed_at if name == "changed_at" else getattr(row.fact, name, None)
            columns[name].append(_plain(value))
    return pa.table(columns, schema=schema)


def marked(rows: pa.Table, number: int, place: int, stream: str) -> pa.Table:
    """The rows with what is kept of where they came from; the first one is the `place`th of its reading."""
    import pyarrow as pa

    count = rows.num_rows
    rows = rows.append_column("pulled", pa.array([number] * count, pa.int64()))
    rows = rows.append_column("place", pa.array(range(place, place + count), pa.int64()))
    return rows.append_column("stream", pa.array([stream] * count, pa.string()))


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
