"""From the figures that a case tells to findings, worded and shown by the product's own narrator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import add, ge, gt, le, lt, mul, sub
from typing import Any

from agent.foundation.errors import InputError
from agent.signals.catalogue import PlanBook
from agent.signals.engine import Detection, Row
from agent.signals.finding import Finding
from agent.signals.findings import Narrator
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
    Op,
    Reading,
)
from agent.signals.library import Entry, Library
from agent.signals.own.unfit import nearest
from agent.signals.plan import fires_column, value_column

Figures = Mapping[str, float | date | Sequence[float]]
SIGNS = {"+": add, "-": sub, "*": mul, ">=": ge, ">": gt, "<=": le, "<": lt}
ATTRIBUTES = {"age_days": 400, "plan_days": 400, "cancelling": 0}
"What an account is where its case says nothing: a customer of more than a year on an unchanged plan."
UNTOLD = {"age_of_first": 29, "count": 1, "days": 2, "distinct": 1}
"Aggregates that a rule looks at without quoting them; 29 days are new for a team, and old enough for a month before."


@dataclass(frozen=True)
class Told:
    """A finding as a case tells it."""

    trigger: str
    about: tuple[str, ...]
    figures: Figures


@dataclass(frozen=True)
class Teller:
    """What the findings of one account are worded with."""

    where: str
    "The file that a mistake is in."
    library: Library
    book: PlanBook
    products: Mapping[str, str]

    def findings(
        self, told: Sequence[Told], account_id: str, plan_name: str | None, as_of: date
    ) -> tuple[Finding, ...]:
        """The findings in the rule book's order.

        Raises InputError for a trigger or figure there is not, one that is missing, and a trigger that does not fire.
        """
        account: Row = {
            "account_id": account_id, "plan_name": plan_name, "created_on": as_of - timedelta(days=ATTRIBUTES["age_days"]),
            **{fires_column(entry): False for entry in self.library.entries},
        }  # fmt: skip
        keyed: dict[Grain, dict[str, list[Row]]] = {}
        for one in told:
            entry = self._entry(one)
            if account[fires_column(entry)]:
                raise InputError(f"{self.where}: {one.trigger} is told twice; tell it once.")
            row = self._row(one, entry, as_of)
            account[fires_column(entry)] = True
            if entry.rule.grain is Grain.ACCOUNT:
                account |= row
                continue
            quiet = {fires_column(other): False for other in self.library.entries}
            rows = keyed.setdefault(entry.rule.grain, {}).setdefault(account_id, [])
            rows.extend({**quiet, **row, "key": key} for key in one.about)
        return Narrator(Detection(as_of, [account], keyed), self.library, self.book, self.products).findings(
            account
        )

    def _entry(self, told: Told) -> Entry:
        names = [entry.name for entry in self.library.entries]
        if told.trigger not in names:
            raise InputError(
                f"{self.where}: there is no trigger '{told.trigger}'{nearest(told.trigger, names)}"
            )
        entry = self.library[told.trigger]
        grain = entry.rule.grain
        if grain is Grain.ACCOUNT and told.about:
            raise InputError(f"{self.where}: {told.trigger} is about the whole account; take out 'about'.")
        if grain is not Grain.ACCOUNT and len(told.about) < entry.rule.at_least_keys:
            raise InputError(
                f"{self.where}: {told.trigger} is about {entry.rule.at_least_keys} {grain.value} or more; name them in 'about'."
            )
        return entry

    def _row(self, told: Told, entry: Entry, as_of: date) -> Row:
        """The profile's columns for the finding."""
        place = f"{self.where}: {told.trigger}"
        known = dict(_inputs(entry))
        row = {leaf.column: _default(leaf) for leaf in _leaves(entry)}
        for name, value in told.figures.items():
            if name not in known:
                raise InputError(f"{place} has no figure '{name}'{nearest(name, known)}")
            leaves, values = known[name], value if isinstance(value, Sequence) else [value]
            if len(leaves) != len(values):
                raise InputError(
                    f"{place}.{name} is made of {len(leaves)} numbers; list them in [square brackets]."
                )
            for leaf, number in zip(leaves, values, strict=True):
                row[leaf.column] = (number - as_of).days if isinstance(number, date) else number
        for leaf in _leaves(entry):
            # A ceiling is the same every week unless the case says otherwise.
            if row[leaf.column] is None and isinstance(leaf, CeilingOn):
                row[leaf.column] = row.get(CeilingOn(0).column)
        missing = [name for name, leaves in known.items() if any(row[leaf.column] is None for leaf in leaves)]
        if missing:
            raise InputError(f"{place} lacks the figure '{missing[0]}'; add it to 'figures'.")
        for bound in (entry.rule.fires, entry.rule.account_fires):
            if bound is not None and not worth(bound, row):
                raise InputError(
                    f"{place} does not fire on these figures; mend them, or take the finding out."
                )
        return row | {fires_column(entry): True, value_column(entry): worth(entry.rule.value, row)}


def worth(formula: Formula, row: Mapping[str, Any]) -> Any:
    """The value or truth of a formula over a row of the profile; division rounds as the engine does."""
    if isinstance(formula, Const):
        return formula.value
    if isinstance(formula, Leaf):
        return row[formula.column]
    assert isinstance(formula, Op)  # noqa: S101 - the tree has no other nodes
    left, right = worth(formula.left, row), worth(formula.right, row)
    match formula.sign:
        case "and":
            return bool(left and right)
        case "or":
            return bool(left or right)
        case "/":
            return round(left / right, 9) if right else 0.0
    return SIGNS[formula.sign](left, right)


def _leaves(entry: Entry) -> list[Leaf]:
    rule = entry.rule
    formulas = [rule.value, rule.fires, rule.account_fires, *(quote.formula for quote in rule.quotes)]
    return list(
        dict.fromkeys(leaf for formula in formulas if formula is not None for leaf in formula.leaves())
    )


def _inputs(entry: Entry) -> Iterator[tuple[str, list[Leaf]]]:
    """What a case may tell of a trigger, by name, and the columns it fills: figures, weeks before, attributes."""
    named: set[Leaf] = set()
    for quote in entry.rule.quotes:
        if isinstance(quote.formula, Leaf):
            named.add(quote.formula)
            yield quote.figure_id, [quote.formula]
    for leaf in _leaves(entry):
        if isinstance(leaf, Reading | CeilingOn) and leaf not in named:
            named.add(leaf)
            yield f"{'used' if isinstance(leaf, Reading) else 'ceiling'}_week{leaf.week}", [leaf]
        elif isinstance(leaf, Attribute) and leaf not in named:
            named.add(leaf)
            yield leaf.name, [leaf]
    for quote in entry.rule.quotes:
        loose = [leaf for leaf in quote.formula.leaves() if leaf not in named]
        if loose and len(loose) == len(list(quote.formula.leaves())):
            named.update(loose)
            yield quote.figure_id, loose


def _default(leaf: Leaf) -> float | None:
    quoted = {"plan_features", "seats", "teams", "days_to_renewal", "core_utilisation"}
    match leaf:
        case IsCore():
            return 1
        case FirstRow():
            return 0
        case Attribute(name):
            return None if name in quoted else ATTRIBUTES[name]
        case Aggregate(since_start=True):
            return 0
        case Aggregate(how=how) if how in UNTOLD:
            return UNTOLD[how]
    return None
