"""What every kind of a founder's own trigger shares: its common settings, and how they are written."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from agent.facts.tables import EventKind, Priority
from agent.foundation.settings import Section
from agent.signals.own.unfit import nearest
from agent.signals.rule import Rule
from agent.signals.triggers.usage import METRIC_TABLES

SEATS = "seats"


def _one_or_many(given: Any) -> Any:
    """A text, or a list of texts, as a tuple."""
    if isinstance(given, str):
        return (given,)
    return tuple(given) if isinstance(given, list) else given


def _named(known: tuple[str, ...]) -> AfterValidator:
    """A check that every name is one of `known`."""

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in known:
                raise ValueError(f"has '{name}', which there is not{nearest(name, known)}".rstrip(".?"))
        return names

    return AfterValidator(check)


Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_one_or_many)]
EventKinds = Annotated[Words, _named(tuple(EventKind))]
Priorities = Annotated[Words, _named(tuple(Priority))]
Days = Annotated[int, Field(ge=1, le=730)]
Noun = Annotated[tuple[Word, Word], BeforeValidator(_one_or_many)]
Share = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]


class Kind(Section, strict=True):
    """What every kind's table may say."""

    kind: str
    group: str
    play: str | None = None
    says: str | None = None
    enabled: bool = True

    def rule(self, name: str, /) -> Rule:
        """The rule of a trigger of that name; Unfit for settings that contradict each other."""
        raise NotImplementedError(name)


def given(**values: tuple[str, ...]) -> dict[str, Any]:
    """The conditions that were set; a single value alone."""
    return {name: one if len(one) > 1 else one[0] for name, one in values.items() if one}


def unsold(play: str | None) -> dict[str, bool]:
    """What keeps a play from offering what the account already has."""
    return {"feature": {"higher": True}, "cross_sell": {"other_product": True}}.get(play or "", {})


def metric_tables(metrics: tuple[str, ...], *, ceilings: bool) -> tuple[str, ...]:
    """The tables that a rule about metrics reads; seats are counted from the members."""
    seats = ("members",) if SEATS in metrics else ()
    limits = ("ceilings", "subscriptions") if ceilings else ()
    if metrics == (SEATS,):
        return ("members", "subscriptions")
    return tuple(name for name in METRIC_TABLES if name not in ("ceilings", "subscriptions")) + limits + seats
