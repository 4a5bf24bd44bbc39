"""One account's assessment: points, composite, play, offer, holds and status, from its findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.foundation.settings import Settings
from agent.scoring import columns
from agent.scoring.assessment import Assessment, Hold, Status
from agent.scoring.composite import composite, parts, read, tier
from agent.scoring.holds import Company, ContactFacts, holds, past_due
from agent.scoring.plays import Choice, Seller, relief
from agent.scoring.points import band, groups
from agent.signals.catalogue import PlanBook
from agent.signals.finding import Finding
from agent.signals.library import Library
from agent.signals.names import clean

Row = dict[str, Any]
ORDER = {Status.READY: 0, Status.HELD: 1, Status.WATCH: 2, Status.STABLE: 3}


@dataclass(frozen=True)
class Assessor:
    """The rule book with a company's settings, catalogue and moment filled in."""

    settings: Settings
    library: Library
    book: PlanBook
    company: Company
    support_known: bool
    contacts: Mapping[str, ContactFacts]

    def assess(self, row: Row, findings: tuple[Finding, ...], mismatches: Iterable[str] = ()) -> Assessment:
        """Everything the rule book says about the account of this profile row."""
        bar = self.settings.scoring
        fired = {finding.trigger for finding in findings}
        by_group = groups(findings, self.library.points)
        points = sum(by_group.values())
        choice = Seller(self.book, self.settings).choose(row, findings, self.company.as_of)
        dimensions = parts(row, fired, past_due=past_due(row), support_known=self.support_known)
        score = composite(dimensions)
        contact = self.contacts.get(row["account_id"], ContactFacts())
        tables = {table for name in fired for table in self.library[name].rule.needs}
        found = holds(row, dimensions["health"], contact, choice.offer, self.company, tables)
        if choice.play is not None and choice.offer is None:
            found = (*found, Hold(hold="nothing_to_offer", says=relief(choice.play)))
        found += tuple(Hold(hold="figure_mismatch", says=sentence) for sentence in list(mismatches)[:1])
        enough = points >= bar.ready_points and len(by_group) >= bar.ready_groups and choice.play is not None
        return Assessment(
            account_id=row["account_id"],
            name=clean(row["name"]),
            as_of=self.company.as_of,
            status=_status(enough=enough, held=bool(found), points=points, watch=bar.watch_points),
            points=points,
            groups=by_group,
            band=band(points, bar),
            composite=score,
            tier=tier(score),
            parts=dimensions,
            missing=tuple(name for name, part in dimensions.items() if part.score is None),
            findings=findings,
            play=choice.play if choice.offer is not None else None,
            matched=choice.matched,
            offer=choice.offer,
            holds=found,
            needs=tuple(self._needs(points, len(by_group), by_group, choice, found)),
            plan_id=row["plan_id"],
            plan_name=clean(row["plan_name"]) if row["plan_name"] else None,
            contact_name=clean(row["contact_name"]) if row["contact_name"] else None,
            contact_email=row["contact_email"],
            language=row["language"],
            segment=row["segment"],
            time_zone=row["time_zone"],
        )

    def _needs(
        self, points: int, count: int, by_group: Mapping[str, int], choice: Choice, found: tuple[Hold, ...]
    ) -> list[str]:
        """What is missing to be ready, the bar first, then the holds; with the one change that would do, if there is one."""
        bar = self.settings.scoring
        needs = []
        short = bar.ready_points - points
        if short > 0:
            looked_for = {entry.group for entry in self.library.entries}
            enough = [
                name
                for name, worth in self.library.points.items()
                if name not in by_group and name in looked_for and worth >= short
            ]
            do = "do" if choice.offer is not None and not found else "reach the bar"
            one = (
                f"; one finding in {_either(enough)} would {do}"
                if enough and count + 1 >= bar.ready_groups
                else ""
            )
            needs.append(f"{short} more point{'s' * (short > 1)} (now {points} of {bar.ready_points}){one}")
        elif count < bar.ready_groups:
            needs.append(f"findings in {bar.ready_groups} groups (now {count})")
        if choice.play is None:
            needs.append("a play: nothing found so far points to something that could be offered")
        needs += [f"{hold.hold} lifted: {hold.says}" for hold in found]
        return needs


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _status(*, enough: bool, held: bool, points: int, watch: int) -> Status:
    if enough:
        return Status.HELD if held else Status.READY
    return Status.WATCH if points >= watch else Status.STABLE


def ranked(assessments: Iterable[Assessment]) -> list[Assessment]:
    """Ready first, by composite, then the revenue the offer adds, then account id; the rest by points."""

    def order(one: Assessment) -> tuple[Any, ...]:
        score = -(one.composite if one.composite is not None else -1.0)
        adds = -(one.offer.adds_monthly_minor if one.offer else 0)
        points = 0 if one.status is Status.READY else -one.points
        return (ORDER[one.status], points, score, adds, one.account_id)

    return sorted(assessments, key=order)


def support_is_known(rows: Iterable[Row]) -> bool:
    """Whether any account has a ticket: only then does silence mean something."""
    return any(read(row, columns.TICKETS_EVER) for row in rows)
