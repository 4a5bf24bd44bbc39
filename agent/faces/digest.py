"""The weekly digest as a document: the top five, holds worth knowing about, last week's results."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from agent.drafting.message import Message
from agent.scoring.assessment import Assessment, Status
from agent.signals.finding import Frozen

if TYPE_CHECKING:
    from rich.console import Console

TOP = 5
UNTOLD = {"test_account", "holdout"}
"Holds that stay out of the digest: nobody needs the one, and knowing the other would spoil the comparison."


class ChartPoint(Frozen):
    """One week of a metric: its value, and the ceiling in force on the week's last day."""

    week_ending: date
    value: float | None
    "None where nothing was measured that week."
    ceiling: float | None = None
    "None where there is no limit."


class Chart(Frozen):
    """A metric against its ceiling, oldest week first."""

    label: str
    "What is measured, for a person: 'Exports'."
    unit: str = ""
    "The plural noun of what is counted: 'exports', 'GB'."
    points: tuple[ChartPoint, ...]


class Entry(Frozen):
    """One of the top five."""

    assessment: Assessment
    chart: Chart | None = None
    draft_id: str | None = None
    preview: Message | None = None
    "The message as it stands in the queue."
    draft_state: str | None = None
    "Where the draft stands: 'pending', 'approved', …"

    @property
    def is_ready(self) -> bool:
        """Whether a message may go out; else the entry is one of those closest to it."""
        return self.assessment.status is Status.READY


class Held(Frozen):
    """An account that would be ready were it not for a hold."""

    account_id: str
    name: str
    hold: str
    says: str
    "The hold's sentence; of several holds the first."


class LastWeek(Frozen):
    """What happened in the seven days before."""

    sent: int = 0
    replied: int = 0
    upgraded: int = 0
    skipped: int = 0
    waiting: int = 0
    "Drafts that wait for a decision now."


class SourceAge(Frozen):
    """How old the facts of one source are."""

    source: str
    age_hours: float | None
    "None when it was never read."
    is_stale: bool = False
    "Older than the source's limit."


class DigestView(Frozen):
    """Everything the digest shows, on whatever face."""

    company: str
    as_of: date
    week: str
    "The week's label: 'Week to 2 March 2026'."
    top: tuple[Entry, ...]
    ready_in_all: int = 0
    "How many accounts are ready, the top five among them."
    holds: tuple[Held, ...] = ()
    last_week: LastWeek = LastWeek()
    sources: tuple[SourceAge, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ready(self) -> int:
        """How many of the top are ready."""
        return sum(entry.is_ready for entry in self.top)


def top_five(assessments: Iterable[Assessment], number: int = TOP) -> list[Assessment]:
    """The ready accounts in their given order, then those closest to ready.

    Closest: the fewest points missing, then the higher composite, then the account id. An account with a
    hold, or without a single point, is not close.
    """
    seen = list(assessments)
    ready = [one for one in seen if one.status is Status.READY]
    close = [
        one
        for one in seen
        if one.status not in {Status.READY, Status.HELD} and one.points > 0 and not one.holds
    ]
    close.sort(key=lambda one: (-one.points, -(one.composite or 0.0), one.account_id))
    return (ready + close)[:number]


def worth_knowing(assessments: Iterable[Assessment]) -> list[Held]:
    """Accounts that would be ready but are held, each with its first hold that may be told."""
    held = []
    for one in assessments:
        told = [hold for hold in one.holds if hold.hold not in UNTOLD]
        if one.status is Status.HELD and len(told) == len(one.holds) and told:
            first = told[0]
            held.append(Held(account_id=one.account_id, name=one.name, hold=first.hold, says=first.says))
    return held


def as_html(view: DigestView) -> str:
    """The digest as one self-contained HTML file."""
    from agent.faces.digest_html import html

    return html(view)


def as_table(view: DigestView, console: Console) -> None:
    """Print the digest in the terminal."""
    from agent.faces.digest_table import render

    console.print(render(view))


def as_json(view: DigestView) -> str:
    """The digest as one JSON document."""
    return view.model_dump_json(indent=2)
