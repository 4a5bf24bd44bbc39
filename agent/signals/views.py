"""The canonical tables as they stand in the user's own warehouse: views there, read in place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import reduce
from typing import Any

from agent.facts.schema import INTERNAL, ColumnRule, column_rules, too_old
from agent.facts.tables import MODELS, TABLES, Fact
from agent.foundation.errors import ConfigError, StoreError
from agent.foundation.settings import WarehouseSetting
from agent.foundation.warehouse import Warehouse

READS = "source_reads"
SOURCE = "warehouse"
"The source of every fact read in place."
IBIS_TYPES: dict[type, str] = {
    str: "string", int: "int64", float: "float64", bool: "boolean", date: "date", datetime: "timestamp",
}  # fmt: skip
TRUE_WORDS = ("true", "t", "yes", "y", "1")
PULSES = {"events": "at", "measures": "day", "tickets": "opened_at"}
"Tables that grow while there are customers, and the column that says how far they have come."
DAILY = ("events", "measures")
"Those of them that grow every day, so that each speaks for itself."


def in_place(warehouse: Warehouse, setting: WarehouseSetting, now: datetime) -> Warehouse:
    """The user's warehouse, its tables seen as the canonical ones; see `canonical_views`."""
    views = canonical_views(warehouse.con, setting.tables, setting.views_in, now)
    return Warehouse(warehouse.con, warehouse.memo, views)


def canonical_views(con: Any, names: Mapping[str, str], place: str, now: datetime) -> dict[str, Any]:
    """Every canonical table as an Ibis expression over the user's, with `source_reads`.

    `names` says what a table is called there, where not by its own name; `place` is where they are. A table that
    is not there has no rows, an optional column that is not there is empty. `now` caps how far a pulse can be.

    Raises ConfigError for a named table that is not there, and for a missing column that is required.
    """
    for name in names:
        if name not in (*TABLES, READS):
            raise ConfigError(
                f"outgrown.toml: warehouse.tables.{name}: there is no such table; known: {', '.join(TABLES)}."
            )
    found = {name: _found(con, names.get(name), name, place) for name in (*TABLES, READS)}
    if found["accounts"] is None:
        where = place or "the place where the connection begins"
        raise StoreError(
            f"The warehouse has no table or view 'accounts' in {where}; make one, or name yours in [warehouse.tables]."
        )
    views = {
        model.TABLE: _empty(model, found["accounts"])
        if found[model.TABLE] is None
        else _canonical(model, found[model.TABLE])
        for model in MODELS
    }
    views[READS] = _reads(found, views, now)
    return views


def with_every_column(warehouse: Warehouse) -> Warehouse:
    """Our own file for reading: a column that it is too old to have is empty, until it is next written to."""
    lacking = too_old(warehouse.duck)
    if not lacking:
        return warehouse
    tables = {name: warehouse.table(name) for name in (*TABLES, *INTERNAL) if warehouse.has(name)}
    for name, rules in lacking.items():
        tables[name] = tables[name].mutate(**{rule.name: _absent(rule) for rule in rules})
    return Warehouse(warehouse.con, warehouse.memo, tables)


def _found(con: Any, given: str | None, name: str, place: str) -> Any | None:
    """The user's table, or None where they have none of that name."""
    from ibis.common.exceptions import TableNotFound

    *places, own = (given or name).split(".")
    places = places or [part for part in place.split(".") if part]
    database = None if not places else places[0] if len(places) == 1 else tuple(places[-2:])
    # Snowflake writes names that nobody quoted in capitals.
    for spelt in dict.fromkeys((own, own.upper())) if con.name == "snowflake" else (own,):
        try:
            return con.table(spelt, database=database)
        except TableNotFound:
            continue
    if given is not None:
        raise ConfigError(
            f"outgrown.toml: warehouse.tables.{name}: the warehouse has no table or view '{given}'; mend it."
        )
    return None


def _canonical(model: type[Fact], table: Any) -> Any:
    """The user's table with the canonical columns and types, and no others."""
    by_name = {column.lower(): column for column in table.columns} | {
        column: column for column in table.columns
    }
    rules = column_rules(model)
    missing = [rule.name for rule in rules if rule.required and rule.name not in by_name]
    if missing:
        raise ConfigError(
            f"The warehouse's {model.TABLE} has no column {' and no '.join(missing)}; add it to the view."
        )
    return table.select(
        **{
            rule.name: _column(table[by_name[rule.name]], rule) if rule.name in by_name else _absent(rule)
            for rule in rules
        }
    )


def _column(column: Any, rule: ColumnRule) -> Any:
    """A column in its canonical type; an empty one has its default."""
    import ibis

    wanted = IBIS_TYPES[rule.type]
    kind = column.type()
    if wanted == "boolean" and not kind.is_boolean():
        column = column.lower().isin(TRUE_WORDS) if kind.is_string() else column.cast("int64") != 0
    elif wanted == "date" and kind.is_timestamp():
        # The session's zone is UTC, so a moment with a zone becomes UTC's, and then its day.
        column = (column if kind.timezone is None else column.cast("timestamp")).date()
    # Ibis takes two types for different where only their precision is, or whether they may be null.
    if column.type() != ibis.dtype(wanted):
        column = column.cast(wanted)
    return column if rule.default is None else column.fill_null(rule.default)


def _absent(rule: ColumnRule) -> Any:
    import ibis

    kind = IBIS_TYPES[rule.type]
    return ibis.null(kind).cast(kind) if rule.default is None else ibis.literal(rule.default, type=kind)


def _empty(model: type[Fact], anything: Any) -> Any:
    """A canonical table without rows; `anything` is a table of the same warehouse."""
    import ibis

    nothing = anything.filter(ibis.literal(False))
    kinds = {rule.name: IBIS_TYPES[rule.type] for rule in column_rules(model)}
    return nothing.select(**{name: ibis.null(kind).cast(kind) for name, kind in kinds.items()})


def _reads(found: Mapping[str, Any], views: Mapping[str, Any], now: datetime) -> Any:
    """When each table was last loaded: what `source_reads` there says, else the newest moment of what grows.

    Events and measures speak for themselves, and with the tickets for the other tables: a warehouse that has taken
    in none of these for days has most likely taken in nothing. Empty where nothing says it.
    """
    import ibis

    own = found[READS]
    if own is not None:
        columns = {column.lower(): own[column] for column in own.columns}
        if "table_name" not in columns or "read_at" not in columns:
            raise ConfigError(
                "The warehouse's source_reads needs the columns table_name and read_at; add them to the view."
            )
        return own.select(
            source=ibis.literal(SOURCE),
            table_name=columns["table_name"].cast("string"),
            read_at=columns["read_at"].cast("timestamp"),
        )
    own_pulse = {
        name: _newest(views[name], column, now) for name, column in PULSES.items() if found[name] is not None
    }
    if own_pulse:
        every = _united([t.select("read_at") for t in own_pulse.values()])
        shared = every.aggregate(read_at=every.read_at.max())
    else:
        shared = views["accounts"].aggregate(read_at=ibis.null("timestamp").cast("timestamp").max())
    return _united(
        [
            (own_pulse[name] if name in DAILY and name in own_pulse else shared).select(
                source=ibis.literal(SOURCE), table_name=ibis.literal(name), read_at="read_at"
            )
            for name in TABLES
            if found[name] is not None
        ]
    )


def _newest(table: Any, column: str, now: datetime) -> Any:
    """How far a table has come: its newest moment that is not later than now, one row."""
    import ibis

    t = table.select(moment=table[column])
    if column != "day":
        return t.filter(t.moment <= ibis.literal(now)).aggregate(read_at=t.moment.max())
    # A day's measures are complete when it ends.
    t = t.filter(t.moment <= ibis.literal(now.date()))
    day = t.aggregate(day=t.moment.max())
    end = (day.day + ibis.interval(days=1)).cast("timestamp")
    return day.select(read_at=ibis.ifelse(end > ibis.literal(now), ibis.literal(now), end))


def _united(tables: list[Any]) -> Any:
    return reduce(lambda one, other: one.union(other), tables)
