"""The two ticket classifiers against tickets that a person classed, and against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from agent.foundation.errors import InputError
from agent.foundation.llm.port import Model
from agent.signals.tickets.phrases import PhraseClassifier
from agent.signals.tickets.port import Catalogue, Classifier, TicketClass, TicketText
from evals.quality.kappa import Kappa, kappa

FILE = Path(__file__).with_name("tickets.yaml")
PHRASES, MODEL = "phrases", "model"
CLASSES = tuple(TicketClass)

Classes = frozenset[TicketClass]
Table = dict[str, float | int | None]


@dataclass(frozen=True)
class Classed:
    """A ticket with the classes a person gave it."""

    ticket: TicketText
    gold: Classes


@dataclass(frozen=True)
class Tickets:
    """The classed tickets, and the names they may mean."""

    tickets: tuple[Classed, ...]
    catalogue: Catalogue


@cache
def classed_tickets() -> Tickets:
    """The tickets of tickets.yaml.

    Raises InputError for a class there is not, none at all, or `other` beside another.
    """
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    day: date = document["opened_on"]
    tickets = tuple(_classed(number, one, day) for number, one in enumerate(document["tickets"], start=1))
    use_cases = {product: tuple(said) for product, said in document["use_cases"].items()}
    return Tickets(tickets, Catalogue(features=tuple(document["features"]), use_cases=use_cases))


def _classed(number: int, given: Mapping[str, Any], day: date) -> Classed:
    try:
        gold = frozenset(map(TicketClass, given["gold"]))
    except ValueError as bad:
        raise InputError(f"{FILE.name}, ticket {number}: {bad}; mend its gold classes.") from bad
    if not gold or (TicketClass.OTHER in gold and len(gold) > 1):
        raise InputError(f"{FILE.name}, ticket {number}: give it one class or more, or 'other' alone.")
    ticket = TicketText(ticket_id=f"t{number:03}", account_id="classed", opened_on=day, text=given["text"])
    return Classed(ticket, gold)


def said_by(classifier: Classifier, given: Tickets) -> list[Classes]:
    """The classes a classifier gives each ticket, in their order."""
    found: dict[str, set[TicketClass]] = {one.ticket.ticket_id: set() for one in given.tickets}
    for ask in classifier.classify([one.ticket for one in given.tickets], given.catalogue):
        found[ask.ticket_id].add(ask.ticket_class)
    return [frozenset(one) or frozenset({TicketClass.OTHER}) for one in found.values()]


def against_gold(engine: str, said: Sequence[Classes], gold: Sequence[Classes]) -> Table:
    """Precision and recall of an engine, over all classes but `other`, then by class."""
    table: Table = {}
    real = [one for one in CLASSES if one is not TicketClass.OTHER]
    table |= _rates(f"{engine} precision", f"{engine} recall", real, said, gold)
    for one in CLASSES:
        table |= _rates(f"{engine} precision: {one}", f"{engine} recall: {one}", [one], said, gold)
    return table


def _rates(
    precision: str,
    recall: str,
    classes: Sequence[TicketClass],
    said: Sequence[Classes],
    gold: Sequence[Classes],
) -> Table:
    counted = frozenset(classes)
    right = sum(len(a & b & counted) for a, b in zip(said, gold, strict=True))
    told = sum(len(one & counted) for one in said)
    meant = sum(len(one & counted) for one in gold)
    return {
        precision: round(right / told, 4) if told else None,
        recall: round(right / meant, 4) if meant else None,
    }


def between(one: Sequence[Classes], other: Sequence[Classes]) -> Table:
    """How far two engines agree: tickets with the very same classes, and kappa over all and by class."""
    table: Table = {"agreeing": sum(1 for a, b in zip(one, other, strict=True) if a == b)}
    decisions = [
        (int(name in a), int(name in b)) for a, b in zip(one, other, strict=True) for name in CLASSES
    ]
    table["kappa"] = _kappa(decisions).value
    if interval := _kappa(decisions).interval:
        table["kappa low"], table["kappa high"] = interval
    for name in CLASSES:
        pairs = [(int(name in a), int(name in b)) for a, b in zip(one, other, strict=True)]
        table[f"kappa: {name}"] = _kappa(pairs).value
    return table


def _kappa(pairs: Sequence[tuple[int, int]]) -> Kappa:
    return kappa([a for a, _ in pairs], [b for _, b in pairs], classes=2)


def classifier_table(model: Model | None, progress: Callable[[str], None] = lambda _: None) -> Table:
    """The classifier section of an evaluation; the phrase rules alone without a model."""
    given = classed_tickets()
    gold = [one.gold for one in given.tickets]
    phrases = said_by(PhraseClassifier(), given)
    table: Table = {"tickets": len(gold)} | against_gold(PHRASES, phrases, gold)
    if model is None:
        return table
    progress(f"{len(gold)} tickets to the model's classifier")
    from agent.signals.tickets.model import ModelClassifier

    asked = said_by(ModelClassifier(model), given)
    return table | against_gold(MODEL, asked, gold) | between(phrases, asked)
