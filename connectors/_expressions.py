"""Expressions of a map: one value out of one row's cells, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agent.foundation.errors import ConfigError
from connectors import _sql
from connectors._words import advice

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

OPERATORS = frozenset(
    {
        "Add", "And", "Between", "Boolean", "Case", "Cast", "Column", "DataType", "DataTypeParam", "DPipe",
        "Div", "EQ", "Escape", "GT", "GTE", "ILike", "Identifier", "If", "In", "IntDiv", "Interval", "Is",
        "LT", "LTE", "Like", "Literal", "Mod", "Mul", "NEQ", "Neg", "Not", "Null", "NullSafeEQ",
        "NullSafeNEQ", "Or", "Paren", "Sub", "TryCast", "Var",
    }
)  # fmt: skip
FUNCTIONS = frozenset(
    {
        "Abs", "Ceil", "Coalesce", "Concat", "ConcatWs", "Contains", "DateDiff", "DateFromParts", "DateTrunc",
        "EndsWith", "Extract", "Floor", "Greatest", "LastDay", "Least", "Left", "Length", "Lower", "MD5",
        "Nullif", "RegexpExtract", "RegexpLike", "RegexpReplace", "Replace", "Right", "Round", "SplitPart",
        "StartsWith", "StrPosition", "StrToTime", "Substring", "TimeToStr", "TimeToUnix", "Trim", "Trunc",
        "Upper",
    }
)  # fmt: skip
BY_NAME = frozenset({"try_strptime", "trunc", "ends_with", "contains"})
TYPES = frozenset(
    {
        "BIGINT", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "INT", "TEXT", "TIMESTAMP", "TIMESTAMPTZ",
        "VARCHAR",
    }
)  # fmt: skip


def safe_sql(text: str, columns: Mapping[str, str], where: str) -> str:
    """`text` as DuckDB SQL over `columns` (name in the file → SQL name), written anew from what was allowed.

    Raises ConfigError, which begins with `where`, for anything but columns, plain values, operators and the
    functions listed here.
    """
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        trees = parse(text, dialect="duckdb")
    except SqlglotError as bad:
        reason = str(bad).splitlines()[0].split(". Line")[0]
        raise ConfigError(f"{where}: {text!r} is not an expression: {reason}.") from bad
    if len(trees) != 1 or trees[0] is None:
        raise ConfigError(f"{where}: {text!r} must be one expression; found {len(trees)} statements.")
    tree: Expr = trees[0]
    for node in tree.walk():
        _refuse(node, where)
    for column in list(tree.find_all(exp.Column)):
        sql_name = _known(column, columns, where)
        column.replace(exp.column(sql_name, quoted=True))
    if isinstance(tree, exp.Column):
        return _sql.name(_known(tree, columns, where)) if tree.name in columns else tree.sql(dialect="duckdb")
    return str(tree.sql(dialect="duckdb", comments=False))


def _refuse(node: Expr, where: str) -> None:
    """Raise ConfigError when this node is not allowed."""
    kind = type(node).__name__
    if kind == "Anonymous":
        allowed = node.name.lower() in BY_NAME
        shown = f"the function {node.name.lower()}"
    elif kind == "DataType":
        allowed = str(node.this.value) in TYPES and "nested" not in {k for k, v in node.args.items() if v}
        shown = f"the type {node.sql(dialect='duckdb')}"
    else:
        allowed = kind in OPERATORS or kind in FUNCTIONS
        shown = f"{node.sql(dialect='duckdb')[:60]!r}"
    if not allowed:
        raise ConfigError(
            f"{where}: {shown} is not allowed; use the row's columns, plain values and scalar functions "
            "such as lower, replace, split_part, round, coalesce, try_cast, CASE."
        )


def _known(column: Expr, columns: Mapping[str, str], where: str) -> str:
    if column.args.get("table") is not None:
        raise ConfigError(f"{where}: {column.sql(dialect='duckdb')!r} is not allowed; name the column alone.")
    if column.name not in columns:
        near = advice(column.name, columns, "there are")
        raise ConfigError(f"{where}: there is no column {column.name!r} in the file; {near}")
    return columns[column.name]
