"""What a rule of the founder's own must be before the engine and the second computation may take it up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.facts.tables import TABLES
from agent.signals.formula import (
    Aggregate,
    Attribute,
    CeilingOn,
    Const,
    FirstRow,
    Formula,
    Grain,
    IsCore,
    Leaf,
    Level,
    Op,
    Reading,
)
from agent.signals.own.unfit import Unfit, nearest
from agent.signals.own.wording import check_says, slots_of
from agent.signals.rule import Quote, Rule

TEXT, NUMBER, TRUTH = "text", "number", "truth"
FLAGS = {"in_plan": TRUTH, "higher": TRUTH, "other_product": TRUTH}
COLUMNS: dict[str, dict[str, str]] = {
    "events": {
        "kind": TEXT, "feature": TEXT, "team": TEXT, "product": TEXT, "user_id": TEXT, "by_guest": TRUTH, "age": NUMBER,
        "since_start": NUMBER, **FLAGS,
    },
    "members": {
        "user_id": TEXT, "team": TEXT, "present": TRUTH, "member": TRUTH, "guest": TRUTH, "rejoined": TRUTH, "age": NUMBER,
        "left_age": NUMBER, "used_age": NUMBER,
    },
    "tickets": {
        "ticket_id": TEXT, "priority": TEXT, "topic": TEXT, "feature": TEXT, "open": TRUTH, "minutes": NUMBER,
        "sentiment": NUMBER, "age": NUMBER,
    },
    "asks": {
        "ticket_id": TEXT, "ticket_class": TEXT, "feature": TEXT, "product": TEXT, "days_ahead": NUMBER, "age": NUMBER, **FLAGS,
    },
    "measures": {"metric": TEXT, "value": NUMBER, "age": NUMBER, "since_start": NUMBER},
}  # fmt: skip
"Columns a selection may name, by relation: those that the engine and the second computation both have."
ORDERED = {"tickets", "measures"}
"Relations that know which of their rows is the newest."
FIGURES = {"age_days", "seats", "plan_features", "days_to_renewal", "teams", "plan_days"}
"Attributes that the second computation can find again."
CONDITIONS = FIGURES | {"core_utilisation", "cancelling"}
ARITHMETIC, COMPARISON = {"+", "-", "*", "/"}, {">=", ">", "<=", "<"}
NUMBER_OF, VALUE_OF = {"sum", "mean", "min", "newest", "oldest"}, {"newest", "oldest"}
METRIC_LEAVES = (Reading, CeilingOn, Level, FirstRow, IsCore)
OLDEST = 3660
"Days: as far back as a window may reach."


def check_rule(rule: Rule, *, says_key: str = "says") -> None:
    """Raises Unfit for a rule that cannot be evaluated, found again, or read by a customer."""
    for name in ("value", "fires", "account_fires"):
        formula = getattr(rule, name)
        if formula is None and name == "account_fires":
            continue
        if not isinstance(formula, Formula):
            raise Unfit("", f"the rule's {name} is {formula!r}, which is no formula")
    _check_truth(rule.fires, "fires")
    _check_number(rule.value, "value")
    for leaf in (*rule.value.leaves(), *rule.fires.leaves()):
        _check_leaf(leaf, rule.grain, CONDITIONS)
    if rule.account_fires is not None:
        _check_truth(rule.account_fires, "account_fires")
        for leaf in rule.account_fires.leaves():
            if not isinstance(leaf, Attribute):
                raise Unfit("", "the rule's account_fires may rest on attributes of the account only")
            _check_leaf(leaf, Grain.ACCOUNT, CONDITIONS)
    _check_grain(rule)
    _check_quotes(rule)
    _check_scalars(rule)
    check_says(rule.says, slots_of(rule), says_key)


def _check_grain(rule: Rule) -> None:
    leaves = [*rule.value.leaves(), *rule.fires.leaves()]
    if rule.grain is Grain.METRIC:
        return
    if rule.grain is Grain.ACCOUNT:
        if rule.only or rule.at_least_keys != 1:
            raise Unfit("", "the rule speaks of keys (only, at_least_keys) but its grain is the account")
        return
    if not any(isinstance(leaf, Aggregate) for leaf in leaves):
        raise Unfit("", f"the rule looks at each {rule.grain.value} but counts nothing of one")


def _check_quotes(rule: Rule) -> None:
    if not all(isinstance(quote, Quote) for quote in rule.quotes):
        raise Unfit("", "the rule's quotes must be Quote(...) objects")
    names = [quote.figure_id for quote in rule.quotes]
    for name in names:
        if not name.isidentifier() or names.count(name) > 1:
            raise Unfit("", f"the figure '{name}' needs a plain name of its own")
    known = {"metric", "feature", "team", "product", "days", "plan"}
    for quote in rule.quotes:
        for text in (quote.label, *(quote.noun or ())):
            try:
                text.format_map(dict.fromkeys(known, ""))
            except (KeyError, ValueError, IndexError) as bad:
                raise Unfit(
                    "", f"the figure '{quote.figure_id}' has a label with the unknown slot {bad}"
                ) from None
        _check_number(quote.formula, f"figure '{quote.figure_id}'")
        for leaf in quote.formula.leaves():
            _check_leaf(leaf, rule.grain, FIGURES)


def _check_scalars(rule: Rule) -> None:
    for name in ("oldest", "newest", "at_least_keys"):
        value = getattr(rule, name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= OLDEST:
            raise Unfit("", f"the rule's {name} must be a whole number from 0 to {OLDEST:,}, not {value!r}")
    if isinstance(rule.threshold, bool) or not isinstance(rule.threshold, int | float):
        raise Unfit("", f"the rule's threshold must be a number, not {rule.threshold!r}")
    for name in ("says", "unit"):
        if not isinstance(getattr(rule, name), str):
            raise Unfit("", f"the rule's {name} must be a text, not {getattr(rule, name)!r}")
    for name in rule.needs:
        if name not in TABLES:
            raise Unfit(
                "",
                f"the rule needs the table '{name}', which there is not{nearest(name, TABLES)}".rstrip(".?"),
            )


def _check_truth(formula: Formula, where: str) -> None:
    """Raises Unfit unless the formula says yes or no."""
    if isinstance(formula, Op) and formula.sign in ("and", "or"):
        _check_truth(formula.left, where)
        _check_truth(formula.right, where)
    elif isinstance(formula, Op) and formula.sign in COMPARISON:
        _check_number(formula.left, where)
        _check_number(formula.right, where)
    elif not (isinstance(formula, Const) and isinstance(formula.value, bool)):
        raise Unfit(
            "", f"the rule's {where} must be comparisons, such as hits.count() >= 3, joined by & and |"
        )


def _check_number(formula: Formula, where: str) -> None:
    """Raises Unfit unless the formula is a number."""
    if isinstance(formula, Op):
        if formula.sign not in ARITHMETIC:
            raise Unfit("", f"the rule's {where} has '{formula.sign}' where a number is needed")
        _check_number(formula.left, where)
        _check_number(formula.right, where)
    elif isinstance(formula, Const) and (isinstance(formula.value, bool | str)):
        raise Unfit("", f"the rule's {where} has {formula.value!r} where a number is needed")
    elif not isinstance(formula, Const | Leaf):
        raise Unfit("", f"the rule's {where} has {formula!r}, which is no formula")


def _check_leaf(leaf: Leaf, grain: Grain, attributes: set[str]) -> None:
    if isinstance(leaf, Attribute):
        if leaf.name not in attributes:
            raise Unfit(
                "",
                f"there is no attribute '{leaf.name}' here{nearest(leaf.name, sorted(attributes))}".rstrip(
                    "."
                ),
            )
    elif isinstance(leaf, METRIC_LEAVES):
        if grain is not Grain.METRIC:
            raise Unfit(
                "", f"{type(leaf).__name__} looks at one metric, so the rule needs grain=Grain.METRIC"
            )
    elif isinstance(leaf, Aggregate):
        if grain is Grain.METRIC:
            raise Unfit(
                "", f"a rule about metrics cannot count {leaf.relation}; use Reading, Level or CeilingOn"
            )
        _check_aggregate(leaf, grain)


def _check_aggregate(leaf: Aggregate, grain: Grain) -> None:
    columns = COLUMNS.get(leaf.relation)
    if columns is None:
        raise Unfit(
            "", f"a rule cannot select from '{leaf.relation}'{nearest(leaf.relation, COLUMNS)}".rstrip(".?")
        )
    for name in _columns_of(leaf, grain):
        if name not in columns:
            raise Unfit("", f"{leaf.relation} has no column '{name}'{nearest(name, columns)}".rstrip(".?"))
    if leaf.since_start and "since_start" not in columns:
        raise Unfit("", f"{leaf.relation} cannot be counted from the account's start (first)")
    if leaf.how in VALUE_OF and leaf.relation not in ORDERED:
        raise Unfit(
            "", f"{leaf.relation} has no newest or oldest value; {' and '.join(sorted(ORDERED))} have"
        )
    if leaf.how == "days" and leaf.relation == "members":
        raise Unfit("", 'members have no days to count; count the people, with distinct("user_id")')
    if leaf.how in NUMBER_OF and columns[leaf.of] != NUMBER:
        raise Unfit("", f"the {leaf.how} of {leaf.relation}.{leaf.of} is no number")
    if not leaf.since_start and isinstance(leaf.oldest, int) and leaf.oldest < leaf.newest:
        raise Unfit("", f"a window of {leaf.relation} must be 1 day or more")
    for place in (leaf.oldest, leaf.newest):
        if place is not None and (
            isinstance(place, bool) or not isinstance(place, int) or not 0 <= place <= OLDEST
        ):
            raise Unfit(
                "", f"a window of {leaf.relation} must be whole days within {OLDEST:,}, not {place!r}"
            )
    for column, sign, values in leaf.tests:
        for value in values:
            if _type_of(value) != columns[column] or (sign != "=" and columns[column] != NUMBER):
                raise Unfit(
                    "", f"{leaf.relation}.{column} is a {columns[column]}, so {value!r} says nothing about it"
                )
        if not values:
            raise Unfit("", f"{leaf.relation}.{column} is compared with nothing")


def _columns_of(leaf: Aggregate, grain: Grain) -> Iterator[str]:
    if grain is not Grain.ACCOUNT:
        yield grain.value
    if leaf.of:
        yield leaf.of
    yield from (column for column, _, _ in leaf.tests)


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return TRUTH
    return NUMBER if isinstance(value, int | float) else TEXT
