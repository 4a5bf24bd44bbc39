"""From a mapping to the SELECT that gives canonical columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agent.facts.incoming import first_line
from agent.facts.schema import ColumnRule, column_rules
from agent.facts.tables import TABLES
from agent.foundation.errors import ConfigError
from connectors import _sql
from connectors._expressions import safe_sql
from connectors._mapping import PERIODS, Join, TableMap, Unpivot
from connectors._sources import Source
from connectors._words import advice, nearest
from connectors._words import rows as so_many

RECORD = "_record"


@dataclass(frozen=True)
class Rows:
    """Rows on their way: a SELECT, its columns' SQL names by the names people use, and what happened."""

    sql: str
    names: dict[str, str]
    notes: tuple[str, ...] = ()

    def column(self, name: str, where: str) -> str:
        """The SQL name of a column, or ConfigError with the nearest one."""
        if name not in self.names:
            near = advice(name, self.names, "there are")
            raise ConfigError(f"{where}: there is no column '{name}' in the file; {near}")
        return self.names[name]


def compiled(
    duck: Any, table: str, made: TableMap, where: str, source: Source, open_file: Callable[[str], Source]
) -> Rows:
    """The mapped rows of one file: canonical columns and `_record`.

    Counts what joins miss and what filters and groups take away, for the report.

    Raises ConfigError for a mapping that does not fit the file.
    """
    rows = Rows(
        f"SELECT *, row_number() OVER () AS {RECORD} FROM ({source.relation})",
        {name: f"c{number}" for number, name in enumerate(source.names) if name},
        (made.note,) if made.note else (),
    )
    for number, join in enumerate(made.join):
        rows = _joined(duck, rows, join, number, f"{where} join", open_file)
    if made.unpivot:
        rows = _unpivoted(duck, rows, made.unpivot, f"{where} unpivot")
    if made.where:
        rows = _filtered(duck, rows, made.where, f"{where} where")
    if made.count:
        rows = _counted(duck, rows, made.count, f"{where} count")
    rows = _canonical(duck, table, rows, made, where)
    if made.group:
        rows = _grouped(duck, rows, made)
    if made.periods:
        rows = _continuous(duck, rows, *PERIODS[table])
    return rows


def _joined(
    duck: Any, rows: Rows, join: Join, number: int, where: str, open_file: Callable[[str], Source]
) -> Rows:
    other = open_file(join.file)
    theirs = Rows(other.relation, {name: f"c{n}" for n, name in enumerate(other.names)})
    keys = {rows.column(ours, where): theirs.column(name, where) for ours, name in join.on.items()}
    taken = {name: theirs.column(column, where) for name, column in join.take.items()}
    for name in taken:
        if name in rows.names:
            raise ConfigError(f"{where}: the file already has a column '{name}'; take it under another name.")
    by = ", ".join(f"CAST({key} AS VARCHAR)" for key in keys.values())
    order = "".join(
        f"CAST({theirs.column(name, where)} AS VARCHAR) {'ASC' if which == 'first' else 'DESC'}, "
        for which, name in join.pick.items()
    )
    lookup = (
        f"SELECT * FROM (SELECT *, row_number() OVER () AS n FROM ({theirs.sql})) "
        f"QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY {order}n DESC) = 1"
    )
    on = " AND ".join(
        f"CAST(ours.{mine} AS VARCHAR) = CAST(theirs.{other_key} AS VARCHAR)"
        for mine, other_key in keys.items()
    )
    aliases = {name: f"j{number}_{n}" for n, name in enumerate(taken)}
    new = ", ".join(f"theirs.{taken[name]} AS {alias}" for name, alias in aliases.items())
    joined = f"FROM ({rows.sql}) AS ours LEFT JOIN ({lookup}) AS theirs ON {on}"
    missed = _count(duck, f"SELECT count(*) {joined} WHERE theirs.n IS NULL")
    notes = rows.notes
    if missed:
        notes += (f"{so_many(missed, 'has', 'have')} no row in {join.file}",)
    return Rows(f"SELECT ours.*, {new} {joined}", {**rows.names, **aliases}, notes)


def _unpivoted(duck: Any, rows: Rows, unpivot: Unpivot, where: str) -> Rows:
    wide = [rows.column(name, where) for name in unpivot.columns]
    labels = ", ".join(_sql.literal(name) for name in unpivot.columns)
    cells = ", ".join(f"CAST({column} AS VARCHAR)" for column in wide)
    long = f"SELECT *, unnest([{labels}]) AS u_name, unnest([{cells}]) AS u_value FROM ({rows.sql})"
    empty = _count(duck, f"SELECT count(*) FROM ({long}) WHERE u_value IS NULL")
    notes = rows.notes
    if empty:
        notes += (f"{empty:,} empty cells of {', '.join(unpivot.columns)} give no row",)
    names = {**rows.names, unpivot.name: "u_name", unpivot.value: "u_value"}
    return Rows(f"SELECT * FROM ({long}) WHERE u_value IS NOT NULL", names, notes)


def _filtered(duck: Any, rows: Rows, text: str, where: str) -> Rows:
    condition = _expression(duck, rows, text, where)
    left_out = _count(duck, f"SELECT count(*) FROM ({rows.sql}) WHERE NOT coalesce({condition}, false)")
    notes = rows.notes
    if left_out:
        notes += (f"{so_many(left_out, 'is', 'are')} left out by where = {text!r}",)
    return Rows(f"SELECT * FROM ({rows.sql}) WHERE {condition}", rows.names, notes)


def _counted(duck: Any, rows: Rows, counts: dict[str, str], where: str) -> Rows:
    notes = rows.notes
    for what, text in counts.items():
        condition = _expression(duck, rows, text, f"{where}.{what}")
        number = _count(duck, f"SELECT count(*) FROM ({rows.sql}) WHERE {condition}")
        notes += (f"{so_many(number, 'is', 'are')} {what}",)
    return replace(rows, notes=notes)


def _canonical(duck: Any, table: str, rows: Rows, made: TableMap, where: str) -> Rows:
    rules = {rule.name: rule for rule in column_rules(TABLES[table])}
    cells = {name: cell for name in rules if (cell := _cell(duck, rows, name, made, where)) is not None}
    for key in ("values", "dates", "scale", "group"):
        for name in getattr(made, key):
            if name not in cells:
                raise ConfigError(f"{where} {key}: nothing gives '{name}'; name its column under columns.")
    for name, rule in rules.items():
        if rule.required and name not in cells:
            near = nearest(name, rows.names)
            hint = f" (perhaps from '{near}')" if near else ""
            raise ConfigError(
                f"{where}: nothing gives '{name}', which {table} needs; add it under columns, constants or "
                f"derive{hint}."
            )
    changed = {name: _converted(duck, rules[name], cell, made, where) for name, cell in cells.items()}
    select = ", ".join(f"{cell} AS {_sql.name(name)}" for name, cell in changed.items())
    return Rows(
        f"SELECT {select}, {RECORD} FROM ({rows.sql})", {name: _sql.name(name) for name in cells}, rows.notes
    )


def _cell(duck: Any, rows: Rows, name: str, made: TableMap, where: str) -> str | None:
    if name in made.constants:
        return _sql.literal(made.constants[name])
    if name in made.derive:
        return _expression(duck, rows, made.derive[name], f"{where} derive.{name}")
    if name in made.columns:
        return rows.column(made.columns[name], f"{where} columns.{name}")
    return rows.names.get(name)


def _converted(duck: Any, rule: ColumnRule, cell: str, made: TableMap, where: str) -> str:
    """The cell after values, dates and scale; what they cannot read stays as it is, to be refused."""
    name = rule.name
    text = f"trim(CAST({cell} AS VARCHAR))"
    if name in made.values:
        whens = " ".join(
            f"WHEN {_sql.literal(_spelt(old))} THEN {_sql.literal(new)}"
            for old, new in made.values[name].items()
        )
        cell = text = f"CASE {text} {whens} ELSE {text} END"
    if name in made.dates:
        cell = text = _dated(duck, rule, text, made.dates[name], f"{where} dates.{name}")
    if name in made.scale:
        factor = f"CAST({made.scale[name]!r} AS DECIMAL(12, 6))"
        number = f"CAST(TRY_CAST({text} AS DECIMAL(18, 6)) AS DECIMAL(26, 6)) * {factor}"
        cell = f"coalesce(rtrim(rtrim(CAST({number} AS VARCHAR), '0'), '.'), {text})"
    return cell


def _spelt(value: object) -> str:
    return str(value)


def _dated(duck: Any, rule: ColumnRule, text: str, formats: tuple[str, ...], where: str) -> str:
    zoned = {"%z" in form or "%Z" in form for form in formats}
    if len(zoned) > 1:
        raise ConfigError(f"{where}: either all formats name a zone (%z) or none does.")
    patterns = f"[{', '.join(_sql.literal(form) for form in formats)}]"
    _probe(duck, f"SELECT try_strptime('', {patterns})", where)
    moment = f"try_strptime({text}, {patterns})"
    if zoned == {True}:
        moment = f"({moment} AT TIME ZONE 'UTC')"
    shown = "%Y-%m-%d" if rule.sql_type == "DATE" else "%Y-%m-%dT%H:%M:%S.%f"
    return f"coalesce(strftime({moment}, '{shown}'), {text})"


def _grouped(duck: Any, rows: Rows, made: TableMap) -> Rows:
    by = [sql for name, sql in rows.names.items() if name not in made.group]
    functions = {"sum": "sum", "max": "max", "min": "min", "mean": "avg", "count": "count"}
    totals = []
    for name, how in made.group.items():
        cell = rows.names[name]
        number = f"TRY_CAST({cell} AS DOUBLE)"
        total = f"count({cell})" if how == "count" else f"{functions[how]}({number})"
        # A cell that is no number makes the whole row one, so that it is refused rather than left out.
        wrong = f"max(CAST({cell} AS VARCHAR)) FILTER ({number} IS NULL AND {cell} IS NOT NULL)"
        if how != "count":
            total = f"coalesce({wrong}, regexp_replace(CAST({total} AS VARCHAR), '\\.0$', ''))"
        totals.append(f"{total} AS {_sql.name(name)}")
    columns = ", ".join([*by, *totals, f"min({RECORD}) AS {RECORD}"])
    sql = f"SELECT {columns} FROM ({rows.sql}) GROUP BY {', '.join(by)}"
    before, after = (
        _count(duck, f"SELECT count(*) FROM ({rows.sql})"),
        _count(duck, f"SELECT count(*) FROM ({sql})"),
    )
    how_said = ", ".join(f"{how} of {name}" for name, how in made.group.items())
    note = (f"{so_many(before, 'is', 'are')} grouped into {after:,} ({how_said})",) if before != after else ()
    return replace(rows, sql=sql, notes=rows.notes + note)


def _continuous(duck: Any, rows: Rows, first: str, last: str) -> Rows:
    """Touching or overlapping periods with equal attributes, each run as one row."""
    if first not in rows.names:
        raise ConfigError(f"periods = 'join' needs {first}.")
    others = [sql for name, sql in rows.names.items() if name not in (first, last)]
    start = f"TRY_CAST({_sql.name(first)} AS DATE)"
    given = _sql.name(last) if last in rows.names else "NULL"
    end = f"CASE WHEN {given} IS NULL THEN DATE '9999-12-31' ELSE TRY_CAST({given} AS DATE) END"
    # A row whose dates cannot be read stays alone, so that it is refused with its own line.
    base = (
        f"SELECT *, {start} AS _a, {end} AS _z, "
        f"CASE WHEN {start} IS NULL OR {end} IS NULL THEN {RECORD} ELSE 0 END AS _alone FROM ({rows.sql})"
    )
    group = ", ".join([*others, "_alone"])
    marked = (
        f"SELECT *, CASE WHEN _a <= max(_z) OVER (PARTITION BY {group} ORDER BY _a, _z, {RECORD} "
        f"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 0 ELSE 1 END AS _new FROM ({base})"
    )
    runs = (
        f"SELECT *, sum(_new) OVER (PARTITION BY {group} ORDER BY _a, _z, {RECORD} "
        f"ROWS UNBOUNDED PRECEDING) AS _run FROM ({marked})"
    )
    ends = ""
    if last in rows.names:
        ends = f"arg_max_null({given}, coalesce(_z, DATE '9999-12-31')) AS {given}, "
    sql = (
        f"SELECT {', '.join(others)}, any_value({_sql.name(first)}) FILTER (_new = 1) "
        f"AS {_sql.name(first)}, "
        f"{ends}min({RECORD}) AS {RECORD} FROM ({runs}) GROUP BY {group}, _run"
    )
    before, after = (
        _count(duck, f"SELECT count(*) FROM ({rows.sql})"),
        _count(duck, f"SELECT count(*) FROM ({sql})"),
    )
    note = (f"{before:,} periods are joined into {after:,} continuous ones",) if before != after else ()
    return replace(rows, sql=sql, notes=rows.notes + note)


def _expression(duck: Any, rows: Rows, text: str, where: str) -> str:
    sql = safe_sql(text, rows.names, where)
    _probe(duck, f"SELECT {sql} FROM ({rows.sql})", where)
    return f"({sql})"


def _probe(duck: Any, sql: str, where: str) -> None:
    """Raise ConfigError when DuckDB does not understand `sql`; nothing is read."""
    from duckdb import BinderException, CatalogException, InvalidInputException, ParserException

    try:
        duck.execute(f"DESCRIBE {sql}")
    except (BinderException, CatalogException, ParserException, InvalidInputException) as bad:
        reason = first_line(bad)
        raise ConfigError(f"{where}: {reason}.") from bad


def _count(duck: Any, sql: str) -> int:
    return int(duck.execute(sql).fetchone()[0])
