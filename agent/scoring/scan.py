"""The scan: facts as of a day in, every account's assessment out, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from agent.facts.identity_store import doubts_of
from agent.foundation.settings import Settings
from agent.foundation.warehouse import Warehouse, scalar
from agent.scoring import columns
from agent.scoring.assess import Assessor, ranked, support_is_known
from agent.scoring.assessment import Assessment
from agent.scoring.holds import Company, ContactFacts, SourceAge
from agent.scoring.sources import sources_of
from agent.signals.engine import detect
from agent.signals.findings import Narrator
from agent.signals.library import library_of
from agent.signals.source import Source
from agent.signals.world import read_evidence, read_source


@dataclass(frozen=True)
class Scan:
    """A scan's answer."""

    as_of: date
    accounts: tuple[Assessment, ...]
    mismatches: tuple[str, ...] = ()
    "Figures that came out differently the second time: an error of the run."
    sources: tuple[SourceAge, ...] = ()


def scan(
    warehouse: Warehouse,
    settings: Settings,
    as_of: date,
    moment: datetime,
    contacts: Mapping[str, ContactFacts],
    account_id: str | None = None,
    *,
    show_rows: bool = False,
) -> Scan:
    """Assess every account (or one) as known at the end of `as_of`, looked at from `moment`.

    The figures of accounts at or above the bar are computed a second time from their source rows; `show_rows`
    does that for every account.
    """
    library = library_of(settings)
    source = read_source(warehouse, settings, as_of, account_id)
    detection = detect(source, library, as_of, columns.ALL, account_id)
    sources = sources_of(source.tables["source_reads"], settings)
    narrator = Narrator(
        detection, library, source.book, {name: p.name for name, p in settings.products.items()}
    )
    assessor = Assessor(
        settings=settings,
        library=library,
        book=source.book,
        company=Company(
            as_of, moment, sources, settings.scoring.holdout_share, ambiguous=doubts_of(warehouse)
        ),
        support_known=support_is_known(detection.accounts) or _any_ticket(source, as_of),
        contacts=contacts,
    )
    close = [row["account_id"] for row in detection.accounts if show_rows or _near(assessor, narrator, row)]
    evidence = read_evidence(source, as_of, close)
    assessments = []
    for row in detection.accounts:
        findings = narrator.findings(row, evidence.get(row["account_id"]))
        assessments.append(assessor.assess(row, findings, narrator.mismatches.get(row["account_id"], ())))
    sentences = tuple(
        sentence for account in sorted(narrator.mismatches) for sentence in narrator.mismatches[account]
    )
    return Scan(as_of, tuple(ranked(assessments)), sentences, sources)


def _near(assessor: Assessor, narrator: Narrator, row: dict[str, object]) -> bool:
    fired = {entry.group for entry in narrator.library.entries if narrator.detection.fired(row, entry)}
    return sum(assessor.library.points[group] for group in fired) >= assessor.settings.scoring.ready_points


def _any_ticket(source: Source, as_of: date) -> bool:
    """Whether any account had a ticket by `as_of`, where only one account is looked at."""
    tickets = source.tables["tickets"]
    return bool(scalar(tickets.filter(tickets.opened_at.date() <= as_of).count()))
