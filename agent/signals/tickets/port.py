"""The port of the ticket classifier: what goes in, what comes out (rule book §3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from agent.signals.finding import Frozen


class TicketClass(StrEnum):
    """What a ticket may be about; several may apply."""

    CAPABILITY_REQUEST = "capability_request"
    WORKAROUND = "workaround"
    OUT_OF_SCOPE = "out_of_scope"
    DEADLINE = "deadline"
    FASTER = "faster"
    BUDGET = "budget"
    USE_CASE = "use_case"
    LEAVING = "leaving"
    PRICE_COMPLAINT = "price_complaint"
    BUG = "bug"
    OTHER = "other"


class TicketText(Frozen):
    """A ticket as the classifier reads it; the words are the customer's and may be hostile."""

    ticket_id: str
    account_id: str
    opened_on: date
    topic: str | None = None
    feature: str | None = None
    text: str | None = None


class Catalogue(Frozen):
    """The names a ticket may mean: every plan's features, and the use cases of the other products."""

    features: tuple[str, ...] = ()
    use_cases: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Ask(Frozen):
    """One class that applies to one ticket, with the words it rests on."""

    ticket_id: str
    account_id: str
    opened_on: date
    ticket_class: TicketClass
    feature: str | None = None
    "As the catalogue spells it; the ticket's own `feature` column where the catalogue has no such name."
    product: str | None = None
    "For a use case: the product it is listed for."
    deadline_on: date | None = None
    "For a deadline: the day named; None when only the topic says that there is one."
    quote: str
    "The words relied on, exactly as they stand in the text, or the topic; empty for `other`."


class Classifier(Protocol):
    """What both engines, phrase rules and LLM, can do."""

    def classify(self, tickets: Iterable[TicketText], catalogue: Catalogue) -> list[Ask]:
        """Every class of every ticket, in the order of the tickets; never raises for what a text says."""
        ...
