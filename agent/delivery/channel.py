"""What every channel does: hand one envelope over, and say afterwards whether it did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
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
    """It was certainly not handed over, and may be later; `pause` is how long the other side asked us to wait."""

    def __init__(self, message: str, *, pause: timedelta = timedelta()) -> None:
        super().__init__(message)
        self.pause = pause


class ChannelDown(TemporaryFailure):
    """It was certainly not handed over, and not for its own sake: nothing leaves by this channel until that is mended.

    No attempt is counted, because no message may be given up for what is wrong with the way.
    """

    def __init__(self, message: str, *, pause: timedelta = timedelta(minutes=5)) -> None:
        super().__init__(message, pause=pause)


class PermanentFailure(OutgrownError):
    """It was certainly not handed over, and never will be; `is_address_bad` when the address is at fault."""

    def __init__(self, message: str, *, is_address_bad: bool = False) -> None:
        super().__init__(message)
        self.is_address_bad = is_address_bad


class AnswerLost(OutgrownError):
    """It may have been handed over: the other side had the whole message, and we have no answer we understand.

    `is_repeatable` is False where even a channel that tells repetitions apart must not be asked again.
    """

    def __init__(self, message: str, *, is_repeatable: bool = True) -> None:
        super().__init__(message)
        self.is_repeatable = is_repeatable


Announce = Callable[[], None]
"""What a channel calls right before that which cannot be taken back.

Raises TemporaryFailure when it must not happen: sending was stopped, or the lease is no longer ours.
"""


def unannounced() -> None:
    """For those who hand over without a worker."""


class Channel(Protocol):
    """A way to a customer."""

    name: str
    "What deliveries call it."
    lacks: str = ""
    "What must be set up before it can be used; empty when nothing is missing."
    reaches_customers: bool = True
    "Whether a message arrives without anybody's help, so that hours and ceilings count; a file is handed to the founder."
    patience: timedelta = timedelta(minutes=5)
    "The longest that one handing over may take: until then its worker is believed to be at work."
    announces: bool = False
    "Whether it calls `announce`: a delivery that was interrupted before that was certainly not handed over."
    repeats_within: timedelta | None = None
    "So long after the first attempt the same delivery may be handed over again and still arrives once; None means never."
    asks_within: timedelta | None = None
    "So long after a lost answer it is worth asking again whether the message is there; None means once."

    def deliver(self, envelope: Envelope, announce: Announce = unannounced) -> None:
        """Hand the envelope over.

        Raises TemporaryFailure or PermanentFailure when it certainly was not; any other error, AnswerLost first
        of all, means that nobody knows.
        """

    def was_delivered(self, delivery_id: str) -> bool | None:
        """Whether an interrupted delivery was handed over; None when it cannot be known.

        False only if a worker that wakes up late cannot hand the same delivery over a second time.
        """

    def erase(self, delivery_id: str) -> None:
        """Delete what the channel itself keeps of the delivery."""
