"""The books of the language model: what a month may take, and what it took."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select, text, update
from sqlmodel import Session, col

from agent.approval.tables import ModelCall
from agent.foundation.llm.port import NoAnswer, Task, Usage, Why
from agent.foundation.llm.prices import cost_micro, micro, price_of, prices
from agent.foundation.sections import Llm
from agent.foundation.store import Store, changed
from agent.signals.finding import Frozen

WARN_AT = 0.8
"Share of a limit from which the doctor warns."
ONE_PROMPT = 4000
"Tokens that a usual question sets aside for what it is told."
_BOOKS_LOCK = 0x6F757462


@dataclass(frozen=True)
class Limits:
    """What a calendar month (UTC) may take."""

    tokens: int
    cost_micro: int
    "Millionths of the currency."
    currency: str
    one_call: Usage
    "What a usual question sets aside: when there is no room for it, the month is at its limit."


def limits_of(llm: Llm) -> Limits:
    """The limits that outgrown.toml sets."""
    one = Usage(calls=1, tokens_in=ONE_PROMPT, tokens_out=llm.max_output_tokens)
    return Limits(
        tokens=llm.monthly_tokens,
        cost_micro=micro(llm.monthly_cost),
        currency=prices().currency,
        one_call=replace(one, cost_micro=cost_micro(one, price_of(llm))),
    )


class TaskSpent(Frozen):
    """What one kind of question took in a month."""

    task: str
    calls: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    seconds: float
    cost_micro: int


class MonthSpent(Frozen):
    """What a calendar month took, of what it may take; calls under way count with what is set aside for them."""

    since: date
    until: date
    "The first day of the next month, when everything may be spent again."
    tasks: tuple[TaskSpent, ...]
    tokens_limit: int
    cost_limit_micro: int
    currency: str
    is_at_limit: bool
    "Whether there is no room for one more question of the usual size."

    @property
    def calls(self) -> int:
        """Questions in all."""
        return sum(one.calls for one in self.tasks)

    @property
    def tokens(self) -> int:
        """Tokens in both directions."""
        return sum(one.tokens_in + one.tokens_out for one in self.tasks)

    @property
    def cost_micro(self) -> int:
        """Money in millionths of the currency."""
        return sum(one.cost_micro for one in self.tasks)

    @property
    def cost_minor(self) -> int:
        """Money in hundredths of the currency, rounded up, so that nothing that was spent looks free."""
        return -(-self.cost_micro // 10_000)

    @property
    def share(self) -> float:
        """How much of the nearer limit is spent."""
        pairs = ((self.tokens, self.tokens_limit), (self.cost_micro, self.cost_limit_micro))
        return max(spent / limit if limit else float(bool(spent)) for spent, limit in pairs)


class Spending:
    """The meter on the state: no two processes can together set aside more than the month allows."""

    def __init__(self, store: Store, limits: Limits, clock: Callable[[], datetime]) -> None:
        self._store, self._limits, self._clock = store, limits, clock

    def reserve(self, task: Task, model: str, most: Usage, about: str) -> str:
        """Set `most` aside for one call and answer the call's id; a killed process leaves it counted.

        Raises NoAnswer (out_of_budget) when the month's budget does not allow it.
        """
        now, call_id = self._clock(), uuid.uuid4().hex
        with self._store.writing() as session:
            if not self._store.is_sqlite:
                # SQLite's writers queue anyway; here nobody may add up while another writes.
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _BOOKS_LOCK})
            tokens, cost = _spent(session, now, self._limits.currency)
            refused = _over(self._limits, tokens, cost, most)
            if not refused:
                session.add(_row(call_id, now, task, model, most, about, self._limits.currency))
        if refused:
            raise NoAnswer(Why.OUT_OF_BUDGET, f"{refused} Templates write until {_day(_next_month(now))}.")
        return call_id

    def settle(self, call_id: str, usage: Usage, outcome: str) -> None:
        """Put what a call came to in the place of what was set aside; `outcome` is 'answered' or a Why."""
        with self._store.writing() as session:
            changed(
                session,
                update(ModelCall)
                .where(col(ModelCall.call_id) == call_id, col(ModelCall.reserved))
                .values(
                    reserved=False,
                    tokens_in=usage.tokens_in,
                    tokens_cached=usage.tokens_cached,
                    tokens_out=usage.tokens_out,
                    seconds=usage.seconds,
                    cost_micro=usage.cost_micro,
                    outcome=outcome,
                ),
            )

    def month(self) -> MonthSpent:
        """What this month took so far."""
        return month(self._store, self._limits, self._clock())


def month(store: Store, limits: Limits, now: datetime) -> MonthSpent:
    """What the month of `now` took so far, by task."""
    c = ModelCall
    sums = [
        func.sum(col(one)) for one in (c.tokens_in, c.tokens_cached, c.tokens_out, c.seconds, c.cost_micro)
    ]
    asked = select(col(c.task), func.count(), *sums).where(*_counted(now, limits.currency))
    with store.reading() as session:
        rows = session.execute(asked.group_by(col(c.task)).order_by(col(c.task))).all()
    tasks = tuple(
        TaskSpent(
            task=task,
            calls=int(calls),
            tokens_in=int(into),
            tokens_cached=int(cached),
            tokens_out=int(out),
            seconds=round(float(seconds), 3),
            cost_micro=int(cost),
        )
        for task, calls, into, cached, out, seconds, cost in rows
    )
    tokens, cost = sum(one.tokens_in + one.tokens_out for one in tasks), sum(one.cost_micro for one in tasks)
    return MonthSpent(
        since=_month(now).date(),
        until=_next_month(now).date(),
        tasks=tasks,
        tokens_limit=limits.tokens,
        cost_limit_micro=limits.cost_micro,
        currency=limits.currency,
        is_at_limit=bool(_over(limits, tokens, cost, limits.one_call)),
    )


def _spent(session: Session, now: datetime, currency: str) -> tuple[int, int]:
    """Tokens and money of the month."""
    c = ModelCall
    sums = (func.sum(col(c.tokens_in) + col(c.tokens_out)), func.sum(col(c.cost_micro)))
    tokens, cost = session.execute(select(*sums).where(*_counted(now, currency))).one()
    return int(tokens or 0), int(cost or 0)


def _over(limits: Limits, tokens: int, cost: int, most: Usage) -> str:
    """Which limit does not allow it, as a sentence; empty when both do."""
    if tokens + most.tokens_in + most.tokens_out > limits.tokens:
        return f"The month's {limits.tokens:,} tokens for the model are spent."
    if most.cost_micro and cost + most.cost_micro > limits.cost_micro:
        return "The month's money for the model is spent."
    return ""


def _row(
    call_id: str, now: datetime, task: Task, model: str, most: Usage, about: str, currency: str
) -> ModelCall:
    return ModelCall(
        call_id=call_id,
        at=now,
        task=str(task),
        model=model,
        about=about or None,
        reserved=True,
        tokens_in=most.tokens_in,
        tokens_out=most.tokens_out,
        cost_micro=most.cost_micro,
        currency=currency,
    )


def _counted(now: datetime, currency: str) -> list[ColumnElement[bool]]:
    """The calls of the month; amounts of different currencies are never added."""
    c = ModelCall
    return [col(c.at) >= _month(now), col(c.at) < _next_month(now), col(c.currency) == currency]


def _month(now: datetime) -> datetime:
    return datetime(now.year, now.month, 1)  # noqa: DTZ001 - times of the state are UTC without a mark


def _next_month(now: datetime) -> datetime:
    return datetime(now.year + now.month // 12, now.month % 12 + 1, 1)  # noqa: DTZ001


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B}"
