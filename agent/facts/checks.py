"""Checks of a whole column at once: SQL made from the canonical models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.facts.schema import ColumnRule, column_rules
from agent.facts.tables import Fact
from agent.foundation.errors import InputError

RECORD = "_record"
VALUE_LENGTH = 200
"How much of a rejected value is kept."

_EMPTY = "is empty, and every row needs it"
_ISO_TIME = r"\s*\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?\s*"
_OFFSET = r".*[T ]\d\d:.*[+-]\d\d(:?\d\d)?\s*"
_WHOLE = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
)  # fmt: skip
_FLOATS = ("DOUBLE", "FLOAT", "REAL")


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a row: the cell it is found in, when, and what to say."""

    column: str
    bad: str
    reason: str
    if_empty: str = ""
    "What to say instead when the cell is empty."

    def says(self, value: str) -> str:
        """The reason, for a cell that holds `value`."""
        return self.if_empty if self.if_empty and not value.strip() else self.reason


ROW_CHECKS: dict[str, tuple[Check, ...]] = {
    "ceilings": (
        Check(
            "plan_id",
            "(plan_id IS NULL) = (account_id IS NULL)",
            "must be given, or account_id, and not both",
        ),
        Check("to_on", "to_on < from_on", "lies before from_on"),
    ),
    "metrics": (
        Check("per", "kind = 'flow' AND per IS NULL", "is empty; a flow needs day, week or month"),
        Check("per", "kind = 'gauge' AND per IS NOT NULL", "is for flows only; leave it empty for a gauge"),
    ),
    "subscriptions": (Check("ends_on", "ends_on < starts_on", "lies before starts_on"),),
    "members": (Check("left_on", "left_on < joined_on", "lies before joined_on"),),
    "tickets": (Check("closed_at", "closed_at < opened_at", "lies before opened_at"),),
}


@dataclass(frozen=True)
class Checked:
    """A checked SELECT: canonical columns, `_why` (index into `checks`, empty for a good row) and `_raw`."""

    sql: str
    checks: tuple[Check, ...]


def checked(model: type[Fact], relation: str, types: Mapping[str, str]) -> Checked:
    """The SELECT that converts and checks `relation`, whose columns have the SQL `types`.

    Raises InputError for a missing required column and for nested values.
    """
    rules = column_rules(model)
    present = [rule for rule in rules if rule.name in types]
    for rule in rules:
        if rule.required and rule.name not in types:
            raise InputError(f"column '{rule.name}' of {model.TABLE} is missing; add it.")
    cells = [f"{_cell(rule, types[rule.name])} AS r_{rule.name}" for rule in present]
    typed = [f"{_typed(rule, types[rule.name])} AS {_q(rule.name)}" for rule in present]
    absent = [
        f"CAST({_literal(rule.default)} AS {rule.sql_type}) AS {_q(rule.name)}"
        for rule in rules
        if rule not in present
    ]
    checks = [check for rule in present for check in _checks(rule, types[rule.name], model.TABLE)]
    checks += ROW_CHECKS.get(model.TABLE, ())
    whens = " ".join(f"WHEN {check.bad} THEN {number}" for number, check in enumerate(checks))
    names = {rule.name for rule in present}
    cell_of = " ".join(
        f"WHEN {number} THEN CAST(r_{check.column} AS VARCHAR)"
        for number, check in enumerate(checks)
        if check.column in names
    )
    record = RECORD if RECORD in types else f"CAST(NULL AS BIGINT) AS {RECORD}"
    columns = ", ".join(
        f"coalesce({_q(rule.name)}, {_literal(rule.default)}) AS {_q(rule.name)}"
        if rule in present and rule.default is not None
        else _q(rule.name)
        for rule in rules
    )
    sql = (
        f"SELECT {columns}, {RECORD}, _why, "
        f"CASE WHEN _why IS NULL THEN NULL ELSE left(CASE _why {cell_of} END, {VALUE_LENGTH}) END AS _raw "
        f"FROM (SELECT *, CAST(CASE {whens} END AS SMALLINT) AS _why "
        f"FROM (SELECT *, {', '.join(typed + absent)} "
        f"FROM (SELECT {', '.join(cells)}, {record} FROM ({relation}))))"
    )
    return Checked(sql, tuple(checks))


def _cell(rule: ColumnRule, source: str) -> str:
    """The source column, cleaned as far as it costs nothing: text loses its outer blanks."""
    name = _q(rule.name)
    if source.endswith("]") or source.startswith(("STRUCT", "MAP", "UNION", "BLOB", "BIT")):
        raise InputError(
            f"column '{rule.name}' holds nested or binary values ({source[:40]}); give one plain value a row."
        )
    if rule.sql_type == "VARCHAR" and source == "VARCHAR":
        # Trimming every cell costs more than the rest of the load, so only what needs it is trimmed.
        trimmed = f"nullif(trim({name}, e' \\t\\r\\n'), '')"
        return f"CASE WHEN {name} < '!' OR right({name}, 1) <= ' ' THEN {trimmed} ELSE {name} END"
    if rule.sql_type == "VARCHAR" and source in _FLOATS:
        whole = f"TRY_CAST(CASE WHEN {name} = trunc({name}) THEN {name} END AS BIGINT)"
        return f"coalesce(CAST({whole} AS VARCHAR), CAST({name} AS VARCHAR))"
    return name if _kept(rule, source) else f"CAST({name} AS VARCHAR)"


def _kept(rule: ColumnRule, source: str) -> bool:
    """Whether a source column of this type is converted by its type rather than as text."""
    if rule.sql_type in ("BIGINT", "DOUBLE"):
        return source in _WHOLE or source in _FLOATS or source.startswith("DECIMAL")
    if rule.sql_type in ("DATE", "TIMESTAMP"):
        return source == "DATE" or source.startswith("TIMESTAMP")
    return source == rule.sql_type


def _typed(rule: ColumnRule, source: str) -> str:
    cell = f"r_{rule.name}"
    if rule.sql_type == "VARCHAR":
        return cell
    if _kept(rule, source):
        return _by_type(rule.sql_type, cell, source)
    return _by_text(rule, cell)


def _by_type(wanted: str, cell: str, source: str) -> str:
    if source == wanted:
        return cell
    if wanted == "BIGINT":
        return f"TRY_CAST(CASE WHEN {cell} = trunc({cell}) THEN {cell} END AS BIGINT)"
    if source == "TIMESTAMP WITH TIME ZONE":
        cell = f"({cell} AT TIME ZONE 'UTC')"
    return f"TRY_CAST({cell} AS {wanted})"


def _by_text(rule: ColumnRule, cell: str) -> str:
    """Strict reading of text, outer blanks aside: the casts ignore them, so the patterns let them through."""
    if rule.sql_type == "DATE":
        return (
            f"CASE WHEN length({cell}) = 10 AND {cell} LIKE '____-__-__' THEN TRY_CAST({cell} AS DATE) "
            f"WHEN length({cell}) > 10 AND regexp_full_match({cell}, '\\s*\\d{{4}}-\\d\\d-\\d\\d\\s*') "
            f"THEN TRY_CAST({cell} AS DATE) END"
        )
    if rule.sql_type == "TIMESTAMP":
        return (
            f"CASE WHEN NOT regexp_full_match({cell}, '{_ISO_TIME}') THEN NULL "
            f"WHEN regexp_full_match({cell}, '{_OFFSET}') "
            f"THEN TRY_CAST({cell} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' ELSE TRY_CAST({cell} AS TIMESTAMP) END"
        )
    if rule.sql_type == "BIGINT":
        whole = f"WHEN regexp_full_match({cell}, '\\s*[+-]?[0-9]+\\s*') THEN TRY_CAST({cell} AS BIGINT)"
        if not rule.name.endswith("_minor"):
            point = f"regexp_full_match({cell}, '\\s*[+-]?[0-9]+\\.0+\\s*')"
            whole += f" WHEN {point} THEN TRY_CAST(split_part({cell}, '.', 1) AS BIGINT)"
        return f"CASE {whole} END"
    if rule.sql_type == "BOOLEAN":
        return (
            f"CASE WHEN lower(trim({cell})) IN ('true', '1', 'yes') THEN true "
            f"WHEN lower(trim({cell})) IN ('false', '0', 'no') THEN false END"
        )
    return f"TRY_CAST({cell} AS DOUBLE)"


def _checks(rule: ColumnRule, source: str, table: str) -> list[Check]:
    name, cell = _q(rule.name), f"r_{rule.name}"
    found = []
    as_text = not _kept(rule, source)
    wrong = _EMPTY if rule.sql_type == "VARCHAR" else _not_a(rule, table)
    if rule.required:
        found.append(Check(rule.name, f"{name} IS NULL", wrong, _EMPTY))
    elif rule.sql_type != "VARCHAR":
        given = f"regexp_matches({cell}, '\\S')" if as_text else f"{cell} IS NOT NULL"
        found.append(Check(rule.name, f"{name} IS NULL AND {given}", wrong))
    if rule.sql_type == "DOUBLE" or (rule.sql_type in ("DATE", "TIMESTAMP") and not as_text):
        found.append(Check(rule.name, f"NOT isfinite({name})", "is not a finite value"))
    if rule.at_least is not None:
        found.append(Check(rule.name, f"{name} < {rule.at_least:g}", f"is below {rule.at_least:g}"))
    if rule.at_most is not None:
        found.append(Check(rule.name, f"{name} > {rule.at_most:g}", f"is above {rule.at_most:g}"))
    if rule.allowed:
        members = ", ".join(f"'{member}'" for member in rule.allowed)
        found.append(
            Check(
                rule.name,
                f"{name} NOT IN ({members})",
                f"is not one of {', '.join(rule.allowed)}; translate it under values in "
                f"[connectors.files.map.{table}]",
            )
        )
    if rule.pattern is not None:
        is_currency = rule.name == "currency"
        what = "is not a currency code like EUR" if is_currency else f"does not match {rule.pattern}"
        found.append(Check(rule.name, f"NOT regexp_matches({name}, {_literal(rule.pattern)})", what))
    return found


def _not_a(rule: ColumnRule, table: str) -> str:
    dates = f"name its format under dates in [connectors.files.map.{table}]"
    if rule.sql_type == "DATE":
        return f"is not a date like 2026-03-02; {dates}"
    if rule.sql_type == "TIMESTAMP":
        return f"is not a time like 2026-03-02T09:00:00Z; {dates}"
    if rule.name.endswith("_minor"):
        return (
            "is not a whole number of cents (minor units); if these are whole units, set "
            f"scale = {{ {rule.name} = 100 }} in [connectors.files.map.{table}]"
        )
    return {
        "BIGINT": "is not a whole number",
        "DOUBLE": "is not a number (a decimal point, no thousands marks)",
        "BOOLEAN": "is not true or false",
    }[rule.sql_type]


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + str(value).replace("'", "''") + "'"


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
