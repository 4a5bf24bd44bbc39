"""What goes out to the founder's own tools: the record both sides share, and the port that every target implements.

What `put` raises says what is known of the record:

OutgrownError
├── TargetBusy    certainly not written: the target asks us to wait
├── TargetDown    certainly not written, and nothing will be until somebody has mended that
├── RecordRefused certainly not written, and never will be as it is
└── AnswerLost    it may have been written: nobody knows
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from agent.foundation.errors import OutgrownError


class OutwardKind(StrEnum):
    """What a record tells."""

    READY = "ready"
    "An account has outgrown its plan."
    SENT = "sent"
    "A prompt has left."
    OUTCOME = "outcome"
    "What came of it."


class OutwardResult(StrEnum):
    """How it ended, as far as a pipeline cares."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class OutwardRecord(BaseModel):
    """One thing a target is told; plain text, which each target escapes as its own fields need."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    our_id: str
    "Letters, digits and dashes: safe in a URL, a header and a field; the same however often it is told."
    kind: OutwardKind
    account_id: str
    account_name: str
    "One line."
    title: str
    "One line, beginning with our own words."
    body: str
    "Paragraphs separated by line feeds, beginning with our own words."
    at: datetime
    "When it happened."
    result: OutwardResult = OutwardResult.OPEN
    amount_minor: int | None = None
    currency: str | None = None
    amount: str | None = None
    "The same in major units, '49.00' or '4900' for a currency without decimals."


@dataclass(frozen=True)
class Outgoing:
    """A record on its way."""

    record: OutwardRecord
    there: Mapping[str, str] = field(default_factory=dict)
    "What the account is called by each vendor, by the vendor's name."
    is_repeat: bool = False
    "Whether an earlier attempt may have been written."


@dataclass(frozen=True)
class Written:
    """It is there."""

    their_id: str
    says: str = ""
    "What to know all the same: 'not linked to company 12, which is gone'."


class TargetBusy(OutgrownError):
    """Certainly not written: the target asks us to wait for `pause`. No attempt is counted."""

    def __init__(self, message: str, *, pause: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(message)
        self.pause = pause


class TargetDown(OutgrownError):
    """Certainly not written, and not for its own sake: nothing goes there until somebody has mended that.

    No attempt is counted, because no record may be given up for what is wrong with the way.
    """

    def __init__(self, message: str, *, pause: timedelta = timedelta(minutes=15)) -> None:
        super().__init__(message)
        self.pause = pause


class RecordRefused(OutgrownError):
    """Certainly not written, and never will be as it is."""


class AnswerLost(OutgrownError):
    """It may have been written: the other side had the whole request, and gave no answer we understand.

    `pause` is how long it asked us to wait.
    """

    def __init__(self, message: str, *, pause: timedelta = timedelta()) -> None:
        super().__init__(message)
        self.pause = pause


Answer = Written | OutgrownError


class Target(Protocol):
    """A tool of the founder's that is told what happens."""

    name: str
    kinds: tuple[OutwardKind, ...] = tuple(OutwardKind)
    "What the founder has switched on."
    backfill: bool = False
    "Whether it is also told what happened before it was switched on."
    lacks: str = ""
    "What must be set up before it can be used; empty when nothing is missing."
    wants: str = ""
    "Whose name for the account it needs: a vendor's."
    at_once: int = 1
    "How many records one request may carry."
    patience: timedelta = timedelta(minutes=2)
    "The longest that one request may take, its own repetitions included."
    settles_in: timedelta = timedelta()
    """So long after an attempt whose answer was lost it can be seen whether the record is there.

    Nothing where a record told twice is one record: then nobody needs to look."""

    def put(self, outgoing: Outgoing) -> Written:
        """Write one record, or write it again.

        Raises TargetBusy, TargetDown, RecordRefused or AnswerLost; any other error leaves open what became of it.
        """

    def put_all(self, batch: Sequence[Outgoing]) -> Iterator[tuple[str, Answer]]:
        """What became of each record, by our id, one after the other; a target that takes many at once says how."""
        for one in batch:
            try:
                yield one.record.our_id, self.put(one)
            except OutgrownError as why:
                yield one.record.our_id, why

    def look(self) -> str:
        """What a question without effect says: that the key works and everything needed is there.

        Raises OutgrownError.
        """

    def close(self) -> None:
        """Give connections back; it may be asked again afterwards."""
