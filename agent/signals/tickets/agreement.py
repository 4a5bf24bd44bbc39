"""How far two engines agree on what tickets ask for: per class, and beyond what chance would give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.signals.tickets.port import Ask, TicketClass


@dataclass(frozen=True)
class Agreement:
    """Tickets that both engines put into a class, that one of them does, and that neither does."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def tickets(self) -> int:
        """How many judgements were compared."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def share(self) -> float | None:
        """The share of judgements on which they agree; None where there are none."""
        return (self.both + self.neither) / self.tickets if self.tickets else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa; None where it is not defined: no judgements, or only one possible outcome by chance."""
        if self.share is None:
            return None
        first, second = self.both + self.only_first, self.both + self.only_second
        missed = (self.tickets - first) * (self.tickets - second)
        by_chance = (first * second + missed) / self.tickets**2
        return None if by_chance == 1 else (self.share - by_chance) / (1 - by_chance)

    def __add__(self, other: Agreement) -> Agreement:
        """Both taken together."""
        return Agreement(
            self.both + other.both,
            self.only_first + other.only_first,
            self.only_second + other.only_second,
            self.neither + other.neither,
        )


@dataclass(frozen=True)
class Comparison:
    """Agreement per class, over all of them, and the share of tickets with exactly the same classes."""

    by_class: dict[TicketClass, Agreement]
    overall: Agreement
    same: int
    tickets: int


def agreement(ticket_ids: Iterable[str], first: Iterable[Ask], second: Iterable[Ask]) -> Comparison:
    """How two readings of the same tickets compare; features, products and days are not looked at."""
    ids = list(dict.fromkeys(ticket_ids))
    ones, others = _by_ticket(first), _by_ticket(second)
    by_class = {}
    for name in TicketClass:
        pairs = [(name in ones.get(one, ()), name in others.get(one, ())) for one in ids]
        by_class[name] = Agreement(
            pairs.count((True, True)),
            pairs.count((True, False)),
            pairs.count((False, True)),
            pairs.count((False, False)),
        )
    overall = sum(by_class.values(), Agreement(0, 0, 0, 0))
    same = sum(ones.get(one, set()) == others.get(one, set()) for one in ids)
    return Comparison(by_class, overall, same, len(ids))


def _by_ticket(asks: Iterable[Ask]) -> dict[str, set[TicketClass]]:
    found: dict[str, set[TicketClass]] = {}
    for ask in asks:
        found.setdefault(ask.ticket_id, set()).add(ask.ticket_class)
    return found
