"""The ticket classifier by phrase rules: phrases with negative examples, offline and deterministic."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib.resources import files
from itertools import islice
from typing import Any

from agent.signals.tickets.addressing import addresses_a_machine
from agent.signals.tickets.dates import named_days
from agent.signals.tickets.names import Names
from agent.signals.tickets.port import Ask, Catalogue, TicketClass, TicketText
from agent.signals.tickets.reading import QUOTE_AT_MOST, Reading, plain

LIBRARY = "phrases.toml"
NEAR_A_DAY = 90
"Characters between a day and the word that makes it a deadline."
MOST_ASKS_A_CLASS = 5
"Different features, days or products that one ticket may be about, per class."
MOST_PLACES = 25
"Places looked at per class, so that a repetitive text costs no more than a long one."
_LISTS = ("says", "says_with", "hides", "unless")
_A_WORD = re.compile(r"[^\W\d_]+")
FEATURELESS = (
    TicketClass.LEAVING,
    TicketClass.PRICE_COMPLAINT,
    TicketClass.BUDGET,
    TicketClass.FASTER,
    TicketClass.BUG,
)
SELLS_NOTHING = (TicketClass.LEAVING, TicketClass.PRICE_COMPLAINT, TicketClass.BUG, TicketClass.OTHER)
"All that a text which speaks to a machine can be: nobody is offered more because of it."


@dataclass(frozen=True)
class Rule:
    """The compiled phrases of one class; a pattern is None where the library lists none."""

    says: re.Pattern[str] | None
    says_with: re.Pattern[str] | None
    hides: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    by_clause: bool
    "Whether 'but' ends what an exception reaches: 'SSO works, but we need webhooks'."

    def hidden(self, text: str) -> list[tuple[int, int]]:
        """The places of plain `text` that count for nothing."""
        return [hit.span() for hit in self.hides.finditer(text)] if self.hides else []

    def excepts(self, reading: Reading, place: int) -> bool:
        """Whether the sentence at `place`, or the clause for an ask, says that the class does not apply."""
        if self.unless is None:
            return False
        within = reading.clause(place) if self.by_clause else reading.sentence(place)
        return self.unless.search(reading.plain, *within) is not None


@dataclass(frozen=True)
class Library:
    """The phrase library as the classifier uses it."""

    rules: dict[TicketClass, Rule]
    topics: dict[str, TicketClass]
    same_feature: tuple[tuple[str, ...], ...]
    english: frozenset[str]
    other: frozenset[str]


@dataclass(frozen=True)
class Hit:
    """A place in the plain text that counts for a class, and what it is about."""

    start: int
    end: int
    feature: str | None = None
    product: str | None = None
    deadline_on: date | None = None


def read_library() -> dict[str, Any]:
    """The phrase library as data, examples included."""
    return tomllib.loads(files(__package__).joinpath(LIBRARY).read_text(encoding="utf-8"))


@cache
def _library() -> Library:
    data = read_library()
    words = data["words"]
    topics = {name.value.replace("_", " "): name for name in TicketClass}
    topics.update(
        (plain(said), TicketClass(name)) for name, all_said in data["topics"].items() for said in all_said
    )
    rules = {
        TicketClass(name): _rule(part, words)
        for name, part in data.items()
        if name in TicketClass.__members__.values()
    }
    return Library(
        rules=rules,
        topics=topics,
        same_feature=tuple(tuple(group) for group in data["same_feature"]["groups"]),
        english=frozenset(data["language"]["english"]),
        other=frozenset(data["language"]["other"]),
    )


def _rule(part: dict[str, Any], words: dict[str, str]) -> Rule:
    says, says_with, hides, unless = (_compile(part.get(key, ()), words) for key in _LISTS)
    return Rule(says, says_with, hides, unless, part.get("by_clause", False))


def _compile(phrases: Iterable[str], words: dict[str, str]) -> re.Pattern[str] | None:
    """One pattern for any of the phrases, each starting where a word does."""
    filled = []
    for phrase in phrases:
        for _ in range(2):
            for name, group in words.items():
                phrase = phrase.replace("{" + name + "}", group)
        filled.append(phrase)
    return re.compile(r"(?<![^\W_])(?:" + "|".join(filled) + ")") if filled else None


def names_of(catalogue: Catalogue) -> Names:
    """The catalogue's names, with the other words for the same feature."""
    return Names(catalogue, _library().same_feature)


def class_of_topic(topic: str | None) -> TicketClass | None:
    """The class that a ticket's topic column names, however the help desk writes it."""
    return _library().topics.get(plain((topic or "").replace("_", " ").replace("-", " ")))


def takes_back(name: TicketClass, reading: Reading, place: int) -> bool:
    """Whether the words around `place` are one of the class's exceptions: a refusal, a thank-you, a refund."""
    rule = _library().rules.get(name)
    return rule is not None and rule.excepts(reading, place)


def hidden_places(name: TicketClass, reading: Reading) -> list[tuple[int, int]]:
    """Where the plain text holds words that look like the class and are not: 'error budget', 'audit log'."""
    rule = _library().rules.get(name)
    return [] if rule is None else rule.hidden(reading.plain)


def ask_of(
    ticket: TicketText,
    named: str | None,
    name: TicketClass,
    quote: str,
    feature: str | None = None,
    product: str | None = None,
    deadline_on: date | None = None,
) -> Ask:
    """An ask of a ticket; `named` is the feature that the ticket names where the words relied on name none."""
    return Ask(
        ticket_id=ticket.ticket_id,
        account_id=ticket.account_id,
        opened_on=ticket.opened_on,
        ticket_class=name,
        feature=None if name in FEATURELESS else feature or named,
        product=product,
        deadline_on=deadline_on,
        quote=quote,
    )


class PhraseClassifier:
    """The engine that needs no key and no network."""

    def classify(self, tickets: Iterable[TicketText], catalogue: Catalogue) -> list[Ask]:
        """Every class of every ticket, in the order of the tickets; `other` where none applies."""
        return [ask for asks in self.classify_each(tickets, names_of(catalogue)) for ask in asks]

    def classify_each(self, tickets: Iterable[TicketText], names: Names) -> Iterator[list[Ask]]:
        """The classes of each ticket."""
        library = _library()
        return (list(_Look(ticket, names, library).asks()) for ticket in tickets)


class _Look:
    """One ticket being classified."""

    def __init__(self, ticket: TicketText, names: Names, library: Library) -> None:
        self.ticket = ticket
        self.names = names
        self.library = library
        self.reading = Reading(ticket.text or "")
        self.text = self.reading.plain
        self.named = names.feature_named(ticket.feature)

    def asks(self) -> Iterator[Ask]:
        """The classes that apply, in the order of the vocabulary."""
        found = self._by_text() if self._is_english() else {}
        topic = class_of_topic(self.ticket.topic)
        unwilling = any(
            found.get(name) or topic is name for name in (TicketClass.LEAVING, TicketClass.PRICE_COMPLAINT)
        )
        said = False
        for name in TicketClass:
            if name is TicketClass.OTHER or (name is TicketClass.CAPABILITY_REQUEST and unwilling):
                continue
            hits = found.get(name, [])
            if (hits or topic is name) and (name in SELLS_NOTHING or not self._is_steering):
                said = True
                yield from self._about(name, hits)
        if not said:
            yield ask_of(self.ticket, self.named, TicketClass.OTHER, "")

    @cached_property
    def _is_steering(self) -> bool:
        """Whether the words are meant for a machine: then no class that sells is heard in them."""
        return addresses_a_machine(self.ticket.text)

    def _about(self, name: TicketClass, hits: list[Hit]) -> Iterator[Ask]:
        """One ask for each different thing the hits are about; without hits, the topic's."""
        if not hits:
            yield from self._by_topic(name)
            return
        different: dict[tuple[object, ...], Hit] = {}
        for hit in hits:
            different.setdefault((hit.feature, hit.product, hit.deadline_on), hit)
        if any(hit.feature for hit in different.values()):
            different = {about: hit for about, hit in different.items() if hit.feature}
        for hit in list(different.values())[:MOST_ASKS_A_CLASS]:
            quote = self.reading.quote(hit.start, hit.end)
            yield ask_of(self.ticket, self.named, name, quote, hit.feature, hit.product, hit.deadline_on)

    def _by_topic(self, name: TicketClass) -> Iterator[Ask]:
        """The ask of a ticket that its topic alone puts into the class."""
        feature, days = self.named, []
        if name in (TicketClass.CAPABILITY_REQUEST, TicketClass.WORKAROUND) and feature is None:
            feature = next((found for _, _, found in self.names.features(self.text)), None)
        if name is TicketClass.DEADLINE:
            days = [day for _, _, day in named_days(self.text, self.ticket.opened_on)]
        product = None
        if name is TicketClass.USE_CASE:
            product = next((found for _, _, found in self.names.use_cases(self.text)), None)
        yield ask_of(
            self.ticket,
            self.named,
            name,
            (self.ticket.topic or "")[:QUOTE_AT_MOST],
            feature,
            product,
            days[0] if days else None,
        )

    def _is_english(self) -> bool:
        """Whether the phrases, which are English, may be looked for at all."""
        if not self.text:
            return False
        words = set(_A_WORD.findall(self.text, 0, 1_000))
        return len(words & self.library.other) <= len(words & self.library.english)

    def _by_text(self) -> dict[TicketClass, list[Hit]]:
        """The places that count, by class."""
        found: dict[TicketClass, list[Hit]] = {}
        for name, rule in self.library.rules.items():
            match name:
                case TicketClass.CAPABILITY_REQUEST:
                    hits = self._capabilities(rule)
                case TicketClass.DEADLINE:
                    hits = self._deadlines(rule)
                case TicketClass.USE_CASE:
                    hits = self._use_cases(rule)
                case TicketClass.WORKAROUND:
                    hits = [self._with_feature(*place) for place in self._places(rule, rule.says)]
                case _:
                    hits = [Hit(*place) for place in self._places(rule, rule.says)]
            if hits:
                found[name] = hits
        return found

    def _places(self, rule: Rule, says: re.Pattern[str] | None) -> list[tuple[int, int]]:
        """Where the class's phrases stand, hidden places and excepted sentences left out."""
        if says is None:
            return []
        places = [hit.span() for hit in islice(says.finditer(self.text), MOST_PLACES)]
        if not places:
            return []
        if hidden := rule.hidden(self.text):
            places = [(a, b) for a, b in places if not any(a < d and c < b for c, d in hidden)]
        return [(a, b) for a, b in places if not rule.excepts(self.reading, a)]

    def _with_feature(self, start: int, end: int) -> Hit:
        """The place with its feature: the column's, else the first in its sentence, else in the text."""
        if self.named:
            return Hit(start, end, self.named)
        first, last = self.reading.sentence(start)
        for a, b, feature in self.names.features(self.text, first, last):
            return Hit(min(a, start), max(b, end), feature)
        return Hit(start, end, next((feature for _, _, feature in self.names.features(self.text)), None))

    def _capabilities(self, rule: Rule) -> list[Hit]:
        """The features asked for; a phrase that says little needs one in its own sentence."""
        hits = []
        for start, end in self._places(rule, rule.says_with):
            for a, b, feature in islice(
                self.names.features(self.text, *self.reading.clause(start)), MOST_PLACES
            ):
                hits.append(Hit(min(a, start), max(b, end), self.named or feature))
            if self.named and not hits:
                hits.append(Hit(start, end, self.named))
        return hits + [self._with_feature(*place) for place in self._places(rule, rule.says)]

    def _use_cases(self, rule: Rule) -> list[Hit]:
        """The use cases of other products that the text describes."""
        return [
            Hit(start, end, product=product)
            for start, end, product in islice(self.names.use_cases(self.text), MOST_PLACES)
            if not rule.excepts(self.reading, start)
        ]

    def _deadlines(self, rule: Rule) -> list[Hit]:
        """The coming days that stand near a word that makes them a deadline."""
        words = self._places(rule, rule.says)
        if not words:
            return []
        hits = []
        for start, end, day in islice(named_days(self.text, self.ticket.opened_on), MOST_PLACES):
            first, last = self.reading.sentence(start)
            near = [(a, b) for a, b in words if first <= a < last and max(a - end, start - b) <= NEAR_A_DAY]
            if near and day >= self.ticket.opened_on:
                hits.append(Hit(min(start, near[0][0]), max(end, near[0][1]), deadline_on=day))
        return hits
