"""What a model says of a ticket, and how much of it is borne out by the ticket's own words."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import islice

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agent.signals.tickets.addressing import addresses_a_machine
from agent.signals.tickets.dates import named_days
from agent.signals.tickets.names import Names, stems
from agent.signals.tickets.phrases import (
    MOST_ASKS_A_CLASS,
    MOST_PLACES,
    ask_of,
    class_of_topic,
    hidden_places,
    takes_back,
)
from agent.signals.tickets.port import Ask, Catalogue, TicketClass, TicketText
from agent.signals.tickets.reading import QUOTE_AT_MOST, Reading, plain
from agent.signals.tickets.shown import Shown

LIBRARY = "cues.toml"
SILENCING = (TicketClass.LEAVING, TicketClass.PRICE_COMPLAINT)
"Classes that keep us from writing: what either engine hears counts."
CUELESS = (*SILENCING, TicketClass.BUG)
"Classes that sell nothing: the quote alone bears them out."
MOST_CLAIMS = 25
"Claims looked at per ticket."
_CONTENT = 4
"Letters from which a word of a use case tells anything, and on which it is compared."
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]")


class Strict(BaseModel):
    """A part of the answer in the form that providers can hold a model to: every field there, and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Claim(Strict):
    """One class that a model says applies, and the words it says so for."""

    ticket_class: TicketClass
    feature: str | None
    product: str | None
    quote: str


class TicketClaims(Strict):
    """What a model says of the ticket of that number."""

    ticket: int
    classes: list[Claim]


class AllClaims(Strict):
    """A model's whole answer."""

    tickets: list[TicketClaims]


_CLAIMS = TypeAdapter(tuple[Claim, ...])


def as_text(claims: Iterable[Claim]) -> str:
    """Claims as they are kept: in plain letters, whatever half characters a model may write."""
    return json.dumps([claim.model_dump() for claim in claims])


def from_text(text: str | None) -> tuple[Claim, ...] | None:
    """Kept claims; None where there are none or they are of another form."""
    try:
        return None if text is None else _CLAIMS.validate_json(text)
    except ValidationError:
        return None


def weighed(
    ticket: TicketText,
    claims: Sequence[Claim] | None,
    by_rules: list[Ask],
    names: Names,
    catalogue: Catalogue,
) -> list[Ask]:
    """The ticket's classes where both engines read it: what a model claims counts only where the text bears it out.

    A quote that does not stand in the text voids the whole answer, as do an answer without a class and a text meant for
    a machine: then the phrase rules have the word. They have it too for a class claimed in vain, and for the topic's.
    The classes that keep us silent count whichever engine hears them.
    """
    if not claims or addresses_a_machine(ticket.text):
        return by_rules
    weighing = _Weighing(ticket, names, catalogue)
    borne_out = weighing.asks(claims[:MOST_CLAIMS])
    if borne_out is None:
        return by_rules
    left_to_rules = {*SILENCING, *weighing.in_vain, class_of_topic(ticket.topic)}
    found: list[Ask] = []
    for name in TicketClass:
        ours = [ask for ask in by_rules if ask.ticket_class is name and name in left_to_rules]
        found += _different(borne_out.get(name, []) or ours)
    if any(ask.ticket_class in SILENCING for ask in found):
        found = [ask for ask in found if ask.ticket_class is not TicketClass.CAPABILITY_REQUEST]
    found = [ask for ask in found if ask.ticket_class is not TicketClass.OTHER]
    return found or [ask_of(weighing.ticket, weighing.named, TicketClass.OTHER, "")]


def _different(asks: list[Ask]) -> list[Ask]:
    """One ask for each different thing; where any names a feature, those that do."""
    kept: dict[tuple[object, ...], Ask] = {}
    for ask in asks:
        kept.setdefault((ask.feature, ask.product, ask.deadline_on), ask)
    with_feature = [ask for ask in kept.values() if ask.feature]
    return (with_feature or list(kept.values()))[:MOST_ASKS_A_CLASS]


class _Weighing:
    """One ticket whose claims are weighed."""

    def __init__(self, ticket: TicketText, names: Names, catalogue: Catalogue) -> None:
        self.ticket = ticket
        self.names = names
        self.catalogue = catalogue
        self.shown = Shown(ticket.text or "")
        self.reading = Reading(ticket.text or "")
        self.named = names.feature_named(ticket.feature)
        self.in_vain: set[TicketClass] = set()
        "Classes claimed with words that do not bear them out."

    def asks(self, claims: Iterable[Claim]) -> dict[TicketClass, list[Ask]] | None:
        """The claims that are borne out, by class; None where a quote does not stand in the text."""
        found: dict[TicketClass, list[Ask]] = {}
        for claim in claims:
            place = self.shown.find(claim.quote)
            if place is None or len(claim.quote) > QUOTE_AT_MOST:
                if claim.ticket_class is TicketClass.OTHER and not claim.quote.strip():
                    continue
                return None
            if claim.ticket_class is TicketClass.OTHER:
                continue
            if asks := list(self._about(claim, place)):
                found.setdefault(claim.ticket_class, []).extend(asks)
            else:
                self.in_vain.add(claim.ticket_class)
        return found

    def _about(self, claim: Claim, place: tuple[int, int]) -> Iterator[Ask]:
        """The asks that one claim makes; none where its words do not bear it out."""
        name = claim.ticket_class
        start, end = (self.reading.place_of(one) for one in place)
        said = self.reading.plain[start:end]
        quote = self.reading.original[slice(*place)][:QUOTE_AT_MOST]
        if name in SILENCING:
            yield ask_of(self.ticket, self.named, name, quote)
            return
        if not _is_more_than_a_word(said):
            return
        if name in CUELESS:
            if not takes_back(name, self.reading, start):
                yield ask_of(self.ticket, self.named, name, quote)
            return
        if name is TicketClass.USE_CASE:
            if product := self._product(claim.product, start, end):
                yield ask_of(self.ticket, self.named, name, quote, product=product)
            return
        cues = self._cues(name, start, end)
        if not cues:
            return
        if name is TicketClass.DEADLINE:
            for day in self._days(cues):
                yield ask_of(self.ticket, self.named, name, quote, deadline_on=day)
            return
        feature = self._feature(claim.feature, cues[0])
        # Without a feature that the text names there is nothing a plan could have.
        if feature or name is not TicketClass.CAPABILITY_REQUEST:
            yield ask_of(self.ticket, self.named, name, quote, feature)

    def _cues(self, name: TicketClass, start: int, end: int) -> list[int]:
        """Where the words hold something that speaks for the class, does not only look like it, and is not taken back."""
        hidden = hidden_places(name, self.reading)
        return [
            cue.start()
            for cue in islice(_cues_of(name).finditer(self.reading.plain, start, end), MOST_PLACES)
            if not any(first < cue.end() and cue.start() < last for first, last in hidden)
            and not takes_back(name, self.reading, cue.start())
        ]

    def _feature(self, claimed: str | None, place: int) -> str | None:
        """The column's feature, else the one claimed if the text names it, else the first in the quote's sentence."""
        if self.named:
            return self.named
        text, known = self.reading.plain, self.names.known(claimed)
        if known is not None and any(known == one for _, _, one in self.names.features(text)):
            return known
        return next((one for _, _, one in self.names.features(text, *self.reading.sentence(place))), None)

    def _days(self, cues: Iterable[int]) -> list[date]:
        """The coming days in the sentences of the cues, as we read them."""
        sentences = dict.fromkeys(self.reading.sentence(cue) for cue in cues)
        written_on = self.ticket.opened_on
        return [
            day
            for first, last in sentences
            for _, _, day in islice(named_days(self.reading.plain[first:last], written_on), MOST_PLACES)
            if day >= written_on
        ]

    def _product(self, claimed: str | None, start: int, end: int) -> str | None:
        """The product claimed, as the catalogue writes it, if the words hold enough of those of one of its use cases."""
        wanted = plain(claimed or "")
        known = next((one for one in self.catalogue.use_cases if plain(one) == wanted), None)
        if known is None or any(
            takes_back(TicketClass.USE_CASE, self.reading, one) for one in (start, end - 1)
        ):
            return None
        said = self.reading.plain[start:end]
        heard = {word[:_CONTENT] for word in stems(said)}
        for phrase in self.catalogue.use_cases[known]:
            words = {word[:_CONTENT] for word in stems(phrase) if len(word) >= _CONTENT} - _common()
            # Two words, and half of them: one alone stands in many a text.
            if words and len(words & heard) >= max(min(2, len(words)), (len(words) + 1) // 2):
                return known
        return None


def _is_more_than_a_word(said: str) -> bool:
    letters = said.strip(' \n"’().,!?')
    return " " in letters or "\n" in letters or (len(letters) >= 4 and bool(_NO_SPACES.search(letters)))


@cache
def _cues_of(name: TicketClass) -> re.Pattern[str]:
    """What the words relied on must hold one of, for that class to count."""
    says = "|".join(Reading(one).plain for one in _data()[name.value]["says"])
    return re.compile(r"(?<![^\W_])(?:" + says + ")")


@cache
def _common() -> frozenset[str]:
    return frozenset(word[:_CONTENT] for word in _data()["use_case"]["common"])


def _data() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath(LIBRARY).read_text(encoding="utf-8"))
