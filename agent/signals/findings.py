"""From profile rows to findings: values, words and figures, computed twice where the source rows are at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from agent.signals import display
from agent.signals.catalogue import PlanBook
from agent.signals.describe import days_of, describe
from agent.signals.engine import Detection, Row
from agent.signals.evidence import Evidence, source_rows
from agent.signals.finding import Figure, Finding, SourceRow
from agent.signals.formula import Const, Formula, Grain, Leaf, Op, Reading
from agent.signals.library import Entry, Library
from agent.signals.names import readable
from agent.signals.rule import Quote, Show

ROWS_KEPT = 200
"Source rows copied with a figure; where there are more, the figure says how many."
TOLERANCE = 1e-6


@dataclass
class Narrator:
    """Turns fired rows into findings, in words a customer could read."""

    detection: Detection
    library: Library
    book: PlanBook
    product_names: Mapping[str, str]
    mismatches: dict[str, list[str]] = field(default_factory=dict)
    "Account, then one sentence for each figure that differs when computed again."

    def findings(self, account: Row, evidence: Evidence | None = None) -> tuple[Finding, ...]:
        """Every finding of an account in the rule book's order; with `evidence`, rows are attached and figures checked."""
        return tuple(
            self._finding(account, entry, evidence)
            for entry in self.library.entries
            if self.detection.fired(account, entry)
        )

    def _finding(self, account: Row, entry: Entry, evidence: Evidence | None) -> Finding:
        rule, as_of = entry.rule, self.detection.as_of
        rows = self.detection.rows_of(account, entry) if rule.grain is not Grain.ACCOUNT else [account]
        row = {**account, **rows[0]}
        key = row["key"] if rule.grain is not Grain.ACCOUNT else None
        names = self._names(
            account, entry, key, [str(r["key"]) for r in rows if rule.grain is not Grain.ACCOUNT]
        )
        figures = tuple(
            self._figure(account, row, entry, quote, key, names, evidence) for quote in rule.quotes
        )
        found = row[f"value_{entry.name}"]
        value = float(len(rows)) if rule.at_least_keys > 1 else float(0 if found is None else found)
        return Finding(
            trigger=entry.name,
            group=entry.group,
            key=key,
            value=value,
            threshold=rule.threshold,
            unit=rule.unit,
            first_day=min([as_of - timedelta(days=rule.oldest), *self._days_read(account, entry, key)]),
            last_day=as_of - timedelta(days=rule.newest),
            says=rule.says.format(
                **names, **{figure.figure_id: _spoken(figure.display) for figure in figures}
            ),
            figures=figures,
            about=rule.grain.value if key is not None else None,
            play=entry.play,
            wording=rule.says if entry.own else "",
        )

    def _days_read(self, account: Row, entry: Entry, key: str | None) -> list[date]:
        """The first days of the readings a rule takes: a flow's period begins before its week."""
        metric = self.book.metric(key or "")
        readings = [leaf for leaf in entry.rule.fires.leaves() if isinstance(leaf, Reading)]
        return [days_of(leaf, self.detection.as_of, account["created_on"], metric)[0] for leaf in readings]

    def _names(self, account: Row, entry: Entry, key: str | None, keys: list[str]) -> dict[str, str]:
        metric = self.book.metric(key or "")
        label = metric.label if metric else (key or "")
        names = {
            "plan": readable(account.get("plan_name") or "current"),
            "metric": readable(label),
            "feature": readable(key or ""),
            "team": readable(key or ""),
            "product": readable(self.product_names.get(key or "") or key or ""),
            "days": str(entry.parameters.get("days", "")),
        }
        if entry.rule.at_least_keys > 1:
            names["features"] = _listed([readable(name) for name in sorted(keys)])
        return names

    def _figure(
        self,
        account: Row,
        row: Row,
        entry: Entry,
        quote: Quote,
        key: str | None,
        names: dict[str, str],
        evidence: Evidence | None,
    ) -> Figure:
        as_of, formula = self.detection.as_of, quote.formula
        value = _value(formula, row)
        metric = self.book.metric(key or "") if entry.rule.grain is Grain.METRIC else None
        rows: tuple[SourceRow, ...] = ()
        total = 0
        if evidence is not None:
            again = evidence.compute(formula, entry.rule.grain, key or "")
            rows, total = source_rows(again.rows, ROWS_KEPT)
            if not _same(value, again.value):
                self.mismatches.setdefault(account["account_id"], []).append(
                    f"{entry.name}.{quote.figure_id} of account {account['account_id']} is {value} by the engine "
                    f"and {again.value} by its own source rows"
                )
        first_day, last_day = days_of(formula, as_of, account["created_on"], metric)
        shown, shown_value, unit = _shown(quote, value if value is not None else 0.0, as_of)
        return Figure(
            figure_id=quote.figure_id,
            label=quote.label.format(**names),
            value=shown_value,
            unit=unit.format(**names),
            display=shown.display,
            rounding=shown.rounding,
            formula=describe(formula, as_of, key or "", metric),
            formula_tree=tree(formula) | ({"grain": entry.rule.grain.value, "key": key} if key else {}),
            first_day=first_day,
            last_day=last_day,
            rows=rows,
            rows_total=total,
        )


def _value(formula: Formula, row: Row) -> float | None:
    if isinstance(formula, Const):
        return float(formula.value)
    if isinstance(formula, Leaf):
        found = row.get(formula.column)
        return None if found is None else float(found)
    assert isinstance(formula, Op)  # noqa: S101 - the tree has no other nodes
    left, right = _value(formula.left, row), _value(formula.right, row)
    if left is None or right is None:
        return None
    match formula.sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return round(left / right, 9) if right else None
    raise ValueError(formula.sign)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE * max(1.0, abs(one), abs(other))


def _shown(quote: Quote, value: float, as_of: date) -> tuple[display.Shown, float | date, str]:
    """Display, value and unit of a figure; a DATE counts days from D and is shown as the day."""
    match quote.show:
        case Show.SHARE:
            return display.share(value), value, "share"
        case Show.TIMES:
            return display.times(value), value, "ratio"
        case Show.DAYS:
            return display.days(int(value)), value, "days"
        case Show.DATE:
            day = as_of + timedelta(days=int(value))
            return display.day(day), day, "date"
        case Show.COUNT:
            noun = quote.noun
            shown = display.count(value, *noun) if noun else display.count(value)
            return shown, value, noun[1] if noun else quote.label
    raise ValueError(quote.show)


def _spoken(display: str) -> str:
    """A figure inside a sentence: '1 time' is 'once'."""
    return {"1 time": "once", "2 times": "twice"}.get(display, display)


def _listed(names: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'; three at most are named."""
    named = names[:3]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def tree(formula: Formula) -> dict[str, Any]:
    """The formula as data that JSON can carry."""
    if isinstance(formula, Const):
        return {"const": formula.value}
    if isinstance(formula, Op):
        return {"op": formula.sign, "left": tree(formula.left), "right": tree(formula.right)}
    assert isinstance(formula, Leaf)  # noqa: S101 - the tree has no other nodes
    return {"leaf": type(formula).__name__, **formula.parameters()}
