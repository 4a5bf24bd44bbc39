"""Formulas as Ibis expressions over rows that hold their leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis

from agent.signals.formula import Aggregate, Const, Formula, Leaf, Op, Test
from agent.signals.logic import Among, If, IsKnown, Not, Rounded, Unknown

DECIMALS = 9
"Sums of fractions are rounded here, so that the order of addition cannot move a value across a threshold."
OPERATIONS: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
}


def expression(formula: Formula, row: Any) -> Any:
    """The Ibis expression of a formula over a profile row."""
    match formula:
        case Const(value):
            return ibis.literal(value)
        case Leaf():
            return row[formula.column]
        case Op(sign, one, other):
            left, right = expression(one, row), expression(other, row)
            if sign == "/":
                return (left.cast("float64") / right.cast("float64").nullif(0.0)).round(DECIMALS)
            return OPERATIONS[sign](left, right)
        case Not(one):
            return ~expression(one, row)
        case IsKnown(one):
            return expression(one, row).notnull()
        case Rounded(one, digits):
            return expression(one, row).round(digits)
        case Unknown():
            return ibis.null("float64")
        case Among(one, values):
            return expression(one, row).isin(values) if values else ibis.literal(False)
        case If(condition, one, other):
            # An unknown condition does not hold.
            holds = expression(condition, row).fill_null(False)
            return ibis.ifelse(holds, expression(one, row), expression(other, row))
    raise TypeError(formula)


def leaves_of(formulas: Iterable[Formula]) -> list[Leaf]:
    """The different leaves below `formulas`, in a stable order."""
    found = {leaf.column: leaf for formula in formulas for leaf in formula.leaves()}
    return [found[name] for name in sorted(found)]


def passes(tests: Iterable[Test], t: Any) -> Any:
    """Whether a row of `t` passes the tests; None where there are none."""
    where = None
    for column, sign, values in tests:
        if sign == "=":
            one = t[column].isin(values) if len(values) > 1 else t[column] == values[0]
        else:
            one = OPERATIONS[sign](t[column], values[0])
        where = one if where is None else where & one
    return where


def in_window(leaf: Aggregate, t: Any) -> Any:
    """Whether a row of `t` lies in the leaf's window; None where the window has no bound."""
    if leaf.since_start:
        return t.since_start.between(leaf.oldest or 0, leaf.newest)
    if leaf.oldest is not None:
        return t.age.between(leaf.newest, leaf.oldest)
    return t.age >= leaf.newest if leaf.newest else None


def both(one: Any, other: Any) -> Any:
    """Both conditions, where None is no condition."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
