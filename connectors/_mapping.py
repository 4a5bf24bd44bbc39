"""What `[connectors.files.map.<table>]` may say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from agent.facts.schema import column_rules
from agent.facts.tables import TABLES
from agent.foundation.errors import ConfigError
from agent.foundation.settings import Section, check_section
from connectors._words import advice

PERIODS: dict[str, tuple[str, str]] = {
    "subscriptions": ("starts_on", "ends_on"),
    "members": ("joined_on", "left_on"),
    "ceilings": ("from_on", "to_on"),
}
"The first and the last date of the tables whose rows hold for a period."


FileName = Annotated[str, Field(pattern=r"^[^\x00-\x1f]+$")]


class Join(Section):
    """Columns looked up in a second file: `on` is ours = theirs, `take` is a new name = theirs."""

    file: FileName
    on: dict[str, str] = Field(min_length=1)
    take: dict[str, str] = Field(min_length=1)
    pick: dict[Literal["first", "last"], str] = Field(default_factory=dict, max_length=1)
    """Of several rows of theirs, the one with the lowest (first) or highest (last) value of a column of
    theirs, as text; without it the last in the file."""


class Unpivot(Section):
    """Wide to long: each of `columns` becomes a row, its name in column `name`, its cell in `value`."""

    columns: tuple[str, ...] = Field(min_length=1)
    name: str = "metric"
    value: str = "value"


class TableMap(Section):
    """How one foreign file becomes rows of one canonical table.

    The steps go in this order: join, unpivot, where; then each canonical column from constants, derive,
    columns, or the file's column of the same name; then values, dates and scale; then group and periods.
    Expressions see the file's own columns as text, those of joins and unpivot included.
    """

    file: FileName
    join: tuple[Join, ...] = ()
    unpivot: Unpivot | None = None
    where: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str | bool | int | float | date] = Field(default_factory=dict)
    derive: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str | bool | int | float]] = Field(default_factory=dict)
    dates: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    scale: dict[str, Annotated[float, Field(ge=1e-6, lt=1e6)]] = Field(default_factory=dict)
    group: dict[str, Literal["sum", "max", "min", "mean", "count"]] = Field(default_factory=dict)
    periods: Literal["join"] | None = None
    count: dict[str, str] = Field(default_factory=dict)
    "What to count for the report: what the rows are, and the expression that is true of them."
    note: str = ""
    "A sentence of yours about this data, shown with the load's report."

    @field_validator("join", mode="before")
    @classmethod
    def one_or_many(cls, value: Any) -> Any:
        """A single [join] is a list of one."""
        return (value,) if isinstance(value, Mapping) else value


def table_maps(document: Mapping[str, Any]) -> list[tuple[str, str, TableMap]]:
    """Every mapping as (canonical table, where it stands in the settings, the mapping).

    Raises ConfigError for an unknown table, key or column, with the nearest known one.
    """
    maps = []
    for table, given in document.items():
        _known_table(table, "map")
        many = given if isinstance(given, list | tuple) else [given]
        for number, one in enumerate(many, start=1):
            place = f"[connectors.files.map.{table}]" + (f" number {number}" if len(many) > 1 else "")
            where = f"outgrown.toml {place}"
            made = check_section(TableMap, one, where)
            _known_columns(table, made, where)
            maps.append((table, where, made))
    return maps


def given_rows(document: Mapping[str, Any]) -> list[tuple[str, str, tuple[dict[str, Any], ...]]]:
    """The rows given in the settings themselves, as (canonical table, where, rows)."""
    found = []
    for table, rows in document.items():
        _known_table(table, "rows")
        where = f"outgrown.toml [connectors.files.rows.{table}]"
        columns = [rule.name for rule in column_rules(TABLES[table])]
        for row in rows:
            for column in row:
                if column not in columns:
                    raise ConfigError(f"{where}: {_no_column(column, table, columns)}")
        found.append((table, where, tuple(rows)))
    return found


def _known_table(table: str, key: str) -> None:
    if table not in TABLES:
        near = advice(table, TABLES, "tables")
        raise ConfigError(
            f"outgrown.toml [connectors.files.{key}.{table}]: there is no canonical table '{table}'; {near}"
        )


def _known_columns(table: str, made: TableMap, where: str) -> None:
    columns = [rule.name for rule in column_rules(TABLES[table])]
    for key in ("columns", "constants", "derive", "values", "dates", "scale", "group"):
        for column in getattr(made, key):
            if column not in columns:
                raise ConfigError(f"{where} {key}: {_no_column(column, table, columns)}")
    for column in made.columns:
        for other in ("constants", "derive"):
            if column in getattr(made, other):
                raise ConfigError(
                    f"{where}: '{column}' is given under columns and under {other}; keep one of them."
                )
    if made.periods and table not in PERIODS:
        raise ConfigError(f"{where}: periods is for {', '.join(PERIODS)}; {table} has no periods.")


def _no_column(column: str, table: str, columns: list[str]) -> str:
    return f"'{column}' is not one of {table}' columns; {advice(column, columns, 'columns')}"
