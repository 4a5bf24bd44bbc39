"""The weekly digest as a document: who is ready, close and held, last week's results, the budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from agent.approval.spending import MonthSpent
from agent.drafting.message import Message
from agent.scoring.assessment import Assessment, Status
from agent.signals.finding import Frozen

if TYPE_CHECKING:
    from rich.console import Console

TOP = 5
CLOSEST = 3
"How many of those closest to ready are told of, the ones that fill the top five among them."
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


class Won(Frozen):
    """A customer who upgraded or bought."""

    account_id: str
    name: str
    kind: str
    "'upgraded' or 'bought'."
    amount_minor: int | None = None
    currency: str | None = None


class Skipped(Frozen):
    """A draft that somebody decided against."""

    account_id: str
    name: str
    reason: str | None = None


class LastWeek(Frozen):
    """What happened in the seven days before."""

    sent: int = 0
    replied: int = 0
    upgraded: int = 0
    skipped: int = 0
    waiting: int = 0
    "Drafts that wait for a decision now."
    replies: dict[str, int] = Field(default_factory=dict)
    "Replies by kind."
    won: tuple[Won, ...] = ()
    skips: tuple[Skipped, ...] = ()


class Unsettled(Frozen):
    """A message of which nobody knows whether it arrived: it waits for a person's word."""

    delivery_id: str
    draft_id: str
    account_id: str
    name: str
    channel: str
    tried_at: datetime
    "When it was made ready to leave, in UTC."


class Sending(Frozen):
    """Whether messages may leave, and how many more today."""

    is_stopped: bool = False
    stopped_at: datetime | None = None
    stopped_by: str = ""
    reason: str = ""
    ceiling: int | None = None
    "Messages a day at most; None where nothing limits them, as for .eml files."
    today: int = 0
    "How many of them have left today."
    queued: int = 0
    "Approved messages that have not left."


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
    closest: tuple[Entry, ...] = ()
    "Those closest to ready after the top five."
    holds: tuple[Held, ...] = ()
    last_week: LastWeek = LastWeek()
    sources: tuple[SourceAge, ...] = ()
    notes: tuple[str, ...] = ()
    unsettled: tuple[Unsettled, ...] = ()
    sending: Sending | None = None
    "None when another day than today is looked at."
    model: MonthSpent | None = None
    "None where no language model is on, or another day than today is looked at."

    @property
    def ready(self) -> int:
        """How many of the top are ready."""
        return sum(entry.is_ready for entry in self.top)


def top_five(assessments: Iterable[Assessment], number: int = TOP) -> list[Assessment]:
    """The ready accounts in their given order, then those closest to ready."""
    seen = list(assessments)
    ready = [one for one in seen if one.status is Status.READY]
    return (ready + _close(seen))[:number]


def closest_after(assessments: Iterable[Assessment], top: Sequence[Assessment]) -> list[Assessment]:
    """Those closest to ready that are not in the top: CLOSEST of them, less those that are."""
    seen = {one.account_id for one in top}
    room = CLOSEST - sum(one.status is not Status.READY for one in top)
    return [one for one in _close(assessments) if one.account_id not in seen][: max(0, room)]


def _close(assessments: Iterable[Assessment]) -> list[Assessment]:
    """Who is not ready yet, closest first: the fewest points missing, then the higher composite, then the account id.

    An account with a hold, or without a single point, is not close.
    """
    close = [
        one
        for one in assessments
        if one.status not in {Status.READY, Status.HELD} and one.points > 0 and not one.holds
    ]
    return sorted(close, key=lambda one: (-one.points, -(one.composite or 0.0), one.account_id))


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
