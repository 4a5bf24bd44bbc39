"""The brief: the only figures and names a message may use."""

from __future__ import annotations

import hashlib
from datetime import date

from agent.scoring.assessment import Offer
from agent.signals.finding import Figure, Finding, Frozen


class Sender(Frozen):
    """Who signs the message."""

    name: str
    email: str
    company: str
    product: str


class Recipient(Frozen):
    """Who the message is to."""

    account_id: str
    account_name: str
    contact_name: str | None
    contact_email: str | None
    language: str | None = None
    time_zone: str | None = None
    "Where they are, for the hours of sending; None when nobody knows."


class Watch(Frozen):
    """What tells the customer that the time has come, should it not be now."""

    figure_id: str
    "The figure to keep an eye on."
    sentence: str
    "A clause a customer could act on: 'when exports pass 90% of the 1,000 in your plan two weeks running'."
    figure_ids: tuple[str, ...] = ()
    "Every figure the sentence quotes."


class Brief(Frozen):
    """Everything a message rests on; immutable, stored whole with the draft."""

    as_of: date
    sender: Sender
    recipient: Recipient
    plan_id: str | None
    plan_name: str | None
    "The plan they have; it may be named anywhere."
    play: str
    groups: tuple[str, ...]
    "Trigger groups that scored, for the contact cap."
    problem: str
    "The problem the upgrade removes, one sentence without offer, price or selling."
    findings: tuple[Finding, ...]
    "The findings the message may speak of, the play's own first."
    figures: tuple[Figure, ...]
    "The claim ledger: every figure that may be quoted, offer figures (offer_price, offer_ceiling, ...) included."
    offer: Offer
    watch: Watch
    offer_feature: str | None = None
    "The feature the offer brings, as a customer reads it."
    features: tuple[str, ...] = ()
    "Names of features and metrics the message may name."
    allowed_links: tuple[str, ...] = ()

    @property
    def brief_id(self) -> str:
        """A hash of the content: equal briefs have equal ids."""
        # Briefs from before time zones were known keep their ids.
        unsaid = {"recipient": {"time_zone"}} if self.recipient.time_zone is None else None
        return hashlib.sha256(self.model_dump_json(exclude=unsaid).encode()).hexdigest()[:16]

    def figure(self, figure_id: str) -> Figure:
        """The figure of that id; KeyError when the brief has none."""
        for figure in self.figures:
            if figure.figure_id == figure_id:
                return figure
        raise KeyError(figure_id)
