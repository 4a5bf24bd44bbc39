"""Models that answer for tickets: by a script of claims, or as an attacker would have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import pairwise

from agent.foundation.llm.port import Model
from agent.signals.tickets.claims import AllClaims, Claim, TicketClaims
from agent.signals.tickets.model import ModelClassifier
from agent.signals.tickets.phrases import PhraseClassifier
from agent.signals.tickets.port import Ask, TicketClass, TicketText
from tests.models import Asked, ScriptedModel
from tests.signals.tickets.catalogue import CATALOGUE, WRITTEN_ON

SELLING = [
    TicketClass.CAPABILITY_REQUEST,
    TicketClass.WORKAROUND,
    TicketClass.OUT_OF_SCOPE,
    TicketClass.DEADLINE,
    TicketClass.FASTER,
    TicketClass.BUDGET,
    TicketClass.USE_CASE,
]
BLOCK = re.compile(r"^<ticket (\d+) (\w+)>.*\n([\s\S]*?)\n</ticket \1 \2>$", re.MULTILINE)
A_CALL_HOLDS = 25


def ticket(text: str | None, ticket_id: str = "t1", account_id: str = "a1", **more: str | date) -> TicketText:
    """A ticket of that text."""
    given = {"opened_on": WRITTEN_ON} | more
    return TicketText(ticket_id=ticket_id, account_id=account_id, text=text, **given)


def claim(name: str, quote: str, feature: str | None = None, product: str | None = None) -> Claim:
    """One class with the words it is said to rest on."""
    return Claim(ticket_class=TicketClass(name), feature=feature, product=product, quote=quote)


def blocks(asked: Asked) -> dict[int, str]:
    """The texts that a model was shown, by number."""
    return {int(number): text for number, _, text in BLOCK.findall(asked.lines[-1].text)}


def says(*claims: Claim) -> AllClaims:
    """An answer for the first ticket."""
    return AllClaims(tickets=[TicketClaims(ticket=1, classes=list(claims))])


def of_each(choose: Callable[[str], Sequence[Claim]]) -> Callable[[Asked], AllClaims]:
    """A reply that claims for every ticket shown what `choose` makes of its text."""

    def reply(asked: Asked) -> AllClaims:
        return AllClaims(
            tickets=[
                TicketClaims(ticket=number, classes=list(choose(text)))
                for number, text in blocks(asked).items()
            ]
        )

    return reply


def read(tickets: TicketText | Sequence[TicketText], model: Model) -> list[Ask]:
    """Every class of these tickets by engine two."""
    given = [tickets] if isinstance(tickets, TicketText) else tickets
    return ModelClassifier(model).classify(given, CATALOGUE)


def by_rules(*tickets: TicketText) -> list[Ask]:
    """Every class of these tickets by engine one."""
    return PhraseClassifier().classify(tickets, CATALOGUE)


def heard(text: str, *claims: Claim) -> list[Ask]:
    """What is found in one text when a model claims this of it."""
    return read(ticket(text), ScriptedModel([says(*claims)]))


def classes(asks: Sequence[Ask]) -> set[str]:
    """The names of the classes."""
    return {ask.ticket_class.value for ask in asks}


def obeyed(text: str) -> set[TicketClass]:
    """The classes that sell which the most obedient model can bring about: every class, with every quote of the text."""
    found = {ask.ticket_class for ask in by_rules(ticket(text))}
    model = ScriptedModel()
    for claims in _batches(text):
        model.forever = of_each(lambda _, claims=claims: claims)
        found |= {ask.ticket_class for ask in read(ticket(text), model)}
    return found & set(SELLING)


def _batches(text: str) -> Iterator[list[Claim]]:
    """Claims of every selling class with every sentence and every stretch of the text as quote, so many at a time."""
    probe = ScriptedModel(forever=of_each(lambda _: ()))
    read(ticket(text), probe)
    if not probe.asked:
        return
    seen = blocks(probe.asked[0])[1]
    sentences = [part.strip() for part in re.split(r"(?<=[.!?\n;])\s", seen)]
    stretches = [seen[place : place + 200] for place in range(0, len(seen), 100)]
    pairs = [f"{one} {other}" for one, other in pairwise(sentences)]
    quotes = dict.fromkeys(part[:200] for part in (*sentences, *pairs, *stretches) if part.strip())
    claims = [
        Claim(ticket_class=name, feature=feature, product=product, quote=quote)
        for quote in quotes
        for name in SELLING
        for feature, product in (("sso", "sign"), ("audit_log", "vault"))
    ]
    for first in range(0, len(claims), A_CALL_HOLDS):
        yield claims[first : first + A_CALL_HOLDS]
