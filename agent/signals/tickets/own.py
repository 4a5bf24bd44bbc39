"""The founder's own phrases: a ticket class each, of the trigger's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agent.signals.tickets.names import Names
from agent.signals.tickets.phrases import MOST_ASKS_A_CLASS, MOST_PLACES, names_of
from agent.signals.tickets.port import Catalogue, TicketText
from agent.signals.tickets.reading import Reading, plain


@dataclass(frozen=True)
class OwnPhrases:
    """One class: its name, what says it, what takes it back, and what it is about where that is always the same."""

    name: str
    phrases: tuple[str, ...]
    not_phrases: tuple[str, ...] = ()
    feature: str | None = None
    product: str | None = None


def own_ask_rows(
    tickets: Iterable[TicketText], classes: Iterable[OwnPhrases], catalogue: Catalogue
) -> tuple[dict[str, Any], ...]:
    """Rows of the asks relation: for each ticket, the classes whose phrases stand in its text.

    A phrase counts where its words stand as words, in any language, case or spelling of signs; a sentence that holds
    one of `not_phrases` never counts. Never raises for what a text says.
    """
    patterns = [(one, _pattern(one.phrases), _pattern(one.not_phrases)) for one in classes]
    if not patterns:
        return ()
    names = names_of(catalogue)
    rows: list[dict[str, Any]] = []
    for ticket in tickets:
        if not ticket.text:
            continue
        reading = Reading(ticket.text)
        for one, says, unless in patterns:
            if says is None:
                continue
            places = [place for place in _places(reading, says) if not _taken_back(reading, unless, place)]
            if places:
                rows += _rows(ticket, one, _features(ticket, one, reading, places, names))
    return tuple(rows)


def _places(reading: Reading, says: re.Pattern[str]) -> Iterator[int]:
    for number, hit in enumerate(says.finditer(reading.plain)):
        if number == MOST_PLACES:
            return
        yield hit.start()


def _taken_back(reading: Reading, unless: re.Pattern[str] | None, place: int) -> bool:
    return unless is not None and unless.search(reading.plain, *reading.sentence(place)) is not None


def _features(
    ticket: TicketText, one: OwnPhrases, reading: Reading, places: list[int], names: Names
) -> list[str | None]:
    """What the ticket means: the class's own feature, else the column's, else those in the phrases' sentences."""
    given = one.feature or names.feature_named(ticket.feature)
    if given is not None:
        return [given]
    found: dict[str, None] = {}
    for place in places:
        for _, _, feature in names.features(reading.plain, *reading.sentence(place)):
            found.setdefault(feature)
            if len(found) == MOST_ASKS_A_CLASS:
                return list(found)
    return list(found) or [None]


def _rows(ticket: TicketText, one: OwnPhrases, features: list[str | None]) -> list[dict[str, Any]]:
    return [
        {
            "ticket_id": ticket.ticket_id,
            "account_id": ticket.account_id,
            "opened_on": ticket.opened_on,
            "ticket_class": one.name,
            "feature": feature,
            "product": one.product,
            "deadline_on": None,
        }
        for feature in features
    ]


def words_of(phrase: str) -> str:
    """A phrase as tickets are read: lower case, single spaces, plain letters; empty when nothing is left."""
    said = " ".join(plain(phrase).split())
    return said if any(letter.isalnum() for letter in said) else ""


@lru_cache(maxsize=64)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """One pattern for any of the phrases; literal words only, so that no text can make it slow."""
    said = sorted({words_of(phrase) for phrase in phrases} - {""}, key=lambda words: (-len(words), words))
    if not said:
        return None
    # A line end between two words is no reason to miss them.
    literal = "|".join(re.escape(words).replace(r"\ ", r"[ \n]") for words in said)
    return re.compile(rf"(?<![^\W_])(?:{literal})(?![^\W_])")
