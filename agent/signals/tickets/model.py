"""The ticket classifier by a language model: engine two, whose answers count only where the text bears them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agent.foundation.llm.port import Model
from agent.signals.tickets.addressing import addresses_a_machine
from agent.signals.tickets.asking import AT_ONCE, Unit, a_key, ask_all, calls_for
from agent.signals.tickets.claims import Claim, weighed
from agent.signals.tickets.phrases import PhraseClassifier, names_of
from agent.signals.tickets.port import Ask, Catalogue, TicketText
from agent.signals.tickets.shown import Shown

Claims = tuple[Claim, ...]


class ModelClassifier:
    """The engine that asks a model; what the model does not answer usably, the phrase rules do."""

    def __init__(self, model: Model, *, at_once: int = AT_ONCE, key: Callable[[], str] = a_key) -> None:
        self._model = model
        self._at_once = at_once
        self._key = key

    def classify(self, tickets: Iterable[TicketText], catalogue: Catalogue) -> list[Ask]:
        """Every class of every ticket, in the order of the tickets; each text is read once an account.

        Never raises for what a text or the model says.
        """
        tickets = list(tickets)
        read: dict[Unit, Claims] = {}
        units = dict.fromkeys(
            Unit(one.account_id, one.text) for one in tickets if one.text and is_for_a_model(one.text)
        )
        for told in ask_all(self._model, catalogue, calls_for(units), self._at_once, self._key):
            for unit, claims in zip(told.units, told.claims, strict=True):
                if claims is not None:
                    read[unit] = claims
        return classify_with(
            [(one, read.get(Unit(one.account_id, one.text or ""))) for one in tickets], catalogue
        )


def is_for_a_model(text: str) -> bool:
    """Whether a model is shown a text at all: it has visible words, and they speak to a person."""
    return bool(Shown(text).text) and not addresses_a_machine(text)


def classify_with(tickets: Iterable[tuple[TicketText, Claims | None]], catalogue: Catalogue) -> list[Ask]:
    """Every class of every ticket by both engines, given what a model said of it, if it did."""
    pairs, names = list(tickets), names_of(catalogue)
    by_rules = PhraseClassifier().classify_each((ticket for ticket, _ in pairs), names)
    return [
        ask
        for (ticket, claims), asks in zip(pairs, by_rules, strict=True)
        for ask in weighed(ticket, claims, asks, names, catalogue)
    ]
