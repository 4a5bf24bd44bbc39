"""Stripe's events: what happened to an object, how it stood before, and in which order it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise, permutations
from typing import Any

from pydantic import Field, model_validator

from connectors._shapes import Moment
from connectors._stripe_prices import Itself

MOST_ORDERED = 6
"Events of one thing in one second; more than anybody has seen are left in the order of their ids."


class Happening(Itself):
    """An event: an object as it stood right after a change, and what of it was different before."""

    id: str
    type: str
    created: Moment
    object: dict[str, Any]
    previous: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def of_data(cls, value: Any) -> Any:
        """`data.object` and `data.previous_attributes`."""
        if not isinstance(value, dict):
            return value
        data = value.get("data") or {}
        return value | {"object": data.get("object"), "previous": data.get("previous_attributes") or {}}

    @property
    def subject(self) -> str:
        """The id of what it happened to."""
        return str(self.object.get("id", ""))

    @property
    def before(self) -> dict[str, Any]:
        """The object as it stood before."""
        return _over(self.object, self.previous)


def _over(now: dict[str, Any], previous: dict[str, Any]) -> dict[str, Any]:
    found = dict(now)
    for name, value in previous.items():
        there = found.get(name)
        found[name] = _over(there, value) if isinstance(value, dict) and isinstance(there, dict) else value
    return found


def in_order(happenings: Iterable[Happening]) -> list[Happening]:
    """Events as they came about, each once.

    Stripe dates events to the second and promises no order. Within one second they are put so that as many as can be
    find what the one before has left; what the seconds before and after say counts as well.
    """
    things: dict[str, dict[datetime, list[Happening]]] = {}
    for one in {one.id: one for one in happenings}.values():
        things.setdefault(one.subject, {}).setdefault(one.created, []).append(one)
    found = [one for seconds in things.values() for one in _in_seconds(sorted(seconds.items()))]
    return sorted(found, key=lambda one: (one.created, one.subject))


def _in_seconds(seconds: list[tuple[datetime, list[Happening]]]) -> Iterator[Happening]:
    stood: dict[str, Any] | None = None
    for place, (_, group) in enumerate(seconds):
        group.sort(key=lambda one: (_rank(one), one.id))
        if 1 < len(group) <= MOST_ORDERED:
            after = [one.before for one in seconds[place + 1][1]] if place + 1 < len(seconds) else []
            group = list(max(permutations(group), key=partial(_fit, stood=stood, after=after)))
        stood = group[-1].object
        yield from group


def _fit(
    order: tuple[Happening, ...], stood: dict[str, Any] | None, after: list[dict[str, Any]]
) -> tuple[int, int]:
    """How well an order of events fits: what is made comes first, what is deleted last; then links that hold."""
    left = [stood, *(one.object for one in order)]
    links = sum(before == one.before for before, one in zip(left, order, strict=False))
    ranks = [_rank(one) for one in order]
    return -sum(a > b for a, b in pairwise(ranks)), links + (left[-1] in after)


def _rank(one: Happening) -> int:
    kind = one.type.rsplit(".", 1)[-1]
    return 0 if kind == "created" else 2 if kind == "deleted" else 1
