"""What every channel does: hand one envelope over, and say afterwards whether it did."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from agent.foundation.errors import OutgrownError
from agent.signals.finding import Frozen


class Envelope(Frozen):
    """One message with everything a channel needs to hand it over."""

    delivery_id: str
    message_id: str
    "Stable for the delivery, in angle brackets."
    account_id: str
    account_name: str
    to_name: str | None
    to_address: str
    from_name: str
    from_address: str
    company: str
    product: str
    subject: str
    body: str
    at: datetime


class TemporaryFailure(OutgrownError):
    """It was certainly not handed over, and may be later."""


class PermanentFailure(OutgrownError):
    """It was certainly not handed over, and never will be; `is_address_bad` when the address is at fault."""

    def __init__(self, message: str, *, is_address_bad: bool = False) -> None:
        super().__init__(message)
        self.is_address_bad = is_address_bad


class Channel(Protocol):
    """A way to a customer."""

    @property
    def name(self) -> str:
        """What deliveries call it."""

    def deliver(self, envelope: Envelope) -> None:
        """Hand the envelope over.

        Raises TemporaryFailure or PermanentFailure when it certainly was not; any other error means
        that nobody knows.
        """

    def was_delivered(self, delivery_id: str) -> bool | None:
        """Whether an interrupted delivery was handed over; None when it cannot be known.

        False only if a worker that wakes up late cannot hand the same delivery over a second time.
        """

    def erase(self, delivery_id: str) -> None:
        """Delete what the channel itself keeps of the delivery."""
