"""The catalogue, and the shortest way to classify one text, that the ticket tests share."""

from __future__ import annotations

from datetime import date

from agent.signals.tickets.phrases import PhraseClassifier
from agent.signals.tickets.port import Ask, Catalogue, TicketText

WRITTEN_ON = date(2026, 3, 2)  # a Monday
CATALOGUE = Catalogue(
    features=(
        "sso",
        "audit_log",
        "custom_roles",
        "scheduledReports",
        "White-Label",
        "webhooks",
        "api",
        "api_access",
    ),
    use_cases={
        "sign": ("collect signatures", "send contracts for signing"),
        "vault": ("keep records for auditors",),
    },
)


def classify(text: str | None, topic: str | None = None, feature: str | None = None) -> list[Ask]:
    """Everything the phrase rules find in one ticket."""
    ticket = TicketText(
        ticket_id="t1", account_id="a1", opened_on=WRITTEN_ON, topic=topic, feature=feature, text=text
    )
    return PhraseClassifier().classify([ticket], CATALOGUE)


def classes(text: str | None, topic: str | None = None, feature: str | None = None) -> set[str]:
    """The names of the classes that apply."""
    return {ask.ticket_class.value for ask in classify(text, topic, feature)}
