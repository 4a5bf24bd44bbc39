"""Asking a model about texts: the texts of one account alone share a call, and what comes back is matched by number."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice

from agent.foundation.llm.port import Line, Model, NoAnswer, Task, Why
from agent.foundation.prompts import prompt
from agent.signals.names import clean
from agent.signals.tickets.claims import AllClaims, Claim
from agent.signals.tickets.port import Catalogue
from agent.signals.tickets.shown import Shown, bare

PROMPT = "classify_ticket"
TEXTS_A_CALL = 8
AT_ONCE = 4
"Calls under way at the same time."
MOST_NAMES = 200
"Features, and use cases, that a model is told of."
OVER = frozenset({Why.OUT_OF_BUDGET, Why.OUT_OF_PATIENCE, Why.BAD_KEY, Why.UNKNOWN_MODEL})
"Nothing more will be answered in this run."
DOWN = frozenset({Why.UNREACHABLE, Why.TIMEOUT, Why.RATE_LIMITED, Why.SERVER_ERROR})
"Perhaps nothing more will be: after so many in a row we stop asking."
DOWN_AT_MOST = 3


@dataclass(frozen=True)
class Unit:
    """One text to be read: whose it is, where that is one account; `alone` keeps it apart from every other text."""

    account_id: str
    text: str
    alone: bool = False


@dataclass(frozen=True)
class Told:
    """What came of one call: for each of its units the claims, or None where the answer has nothing usable on it."""

    units: tuple[Unit, ...]
    claims: tuple[tuple[Claim, ...] | None, ...]
    why: Why | None = None
    "Why there was no answer at all."

    @property
    def is_final(self) -> bool:
        """Whether asking the same again would probably bring the same: the model was there and answered badly."""
        return self.why is None or self.why not in OVER | DOWN


def a_key() -> str:
    """The random part of the delimiters of one call."""
    return secrets.token_hex(8)


def lines_for(texts: Sequence[str], catalogue: Catalogue, key: str) -> list[Line]:
    """The prompt for these texts: what never changes first, then the catalogue, then the texts in their blocks."""
    tickets = []
    for number, text in enumerate(texts, 1):
        shown = Shown(text)
        tickets.append({"number": number, "text": shown.text, "is_cut": shown.is_cut})
    products = [
        (_name(product), [_name(phrase) for phrase in islice(phrases, MOST_NAMES)])
        for product, phrases in sorted(catalogue.use_cases.items())
    ]
    return prompt(PROMPT).lines(
        features=[_name(feature) for feature in islice(sorted(set(catalogue.features)), MOST_NAMES)],
        products=products[:MOST_NAMES],
        tickets=tickets,
        key=key,
        numbers=", ".join(str(ticket["number"]) for ticket in tickets),
    )


def _name(name: str) -> str:
    return bare(clean(name))


def calls_for(units: Iterable[Unit]) -> list[tuple[Unit, ...]]:
    """The units put together into calls, in the order of the first of each: never two accounts in one."""
    calls: list[list[Unit]] = []
    open_call: dict[str, list[Unit]] = {}
    for unit in units:
        call = None if unit.alone else open_call.get(unit.account_id)
        if call is None or len(call) == TEXTS_A_CALL:
            call = []
            calls.append(call)
            if not unit.alone:
                open_call[unit.account_id] = call
        call.append(unit)
    return [tuple(call) for call in calls]


def ask(model: Model, catalogue: Catalogue, units: Sequence[Unit], key: Callable[[], str] = a_key) -> Told:
    """What the model says of the units of one call; never raises for what the model does."""
    account_id = units[0].account_id
    try:
        lines = lines_for([unit.text for unit in units], catalogue, key())
        answer = model.ask(Task.CLASSIFY, lines, AllClaims, about=account_id)
    except NoAnswer as none:
        return Told(tuple(units), (None,) * len(units), none.why)
    by_number: dict[int, list[tuple[Claim, ...]]] = {}
    for one in answer.value.tickets:
        by_number.setdefault(one.ticket, []).append(tuple(one.classes))
    said = [by_number.get(number, []) for number in range(1, len(units) + 1)]
    # A ticket told of twice, or not at all, is one that the model says nothing usable of.
    return Told(tuple(units), tuple(one[0] if len(one) == 1 else None for one in said))


def ask_all(
    model: Model,
    catalogue: Catalogue,
    calls: Iterable[tuple[Unit, ...]],
    at_once: int = AT_ONCE,
    key: Callable[[], str] = a_key,
) -> Iterator[Told]:
    """What comes of the calls, as it comes; it ends early when the model has no more to say in this run."""
    waiting = iter(calls)
    down, going_on = 0, True
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="tickets")
    under_way: set[Future[Told]] = set()
    try:
        while True:
            if going_on:
                for call in islice(waiting, at_once - len(under_way)):
                    under_way.add(pool.submit(ask, model, catalogue, call, key))
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                told = future.result()
                down = down + 1 if told.why in DOWN else 0
                going_on = going_on and told.why not in OVER and down < DOWN_AT_MOST
                yield told
    finally:
        pool.shutdown(cancel_futures=True)
