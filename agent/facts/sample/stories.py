"""The sample customers worth a story, with what the rule book should conclude about each."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

LIBRARY = "stories.toml"


class Told(BaseModel):
    """A part of a story; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Happening(Told):
    """Events of one kind, on the days given (0 is the sample's day); all within `hour` where it is set."""

    kind: Literal["blocked", "limit_hit", "previewed", "viewed", "workaround", "invited"]
    days_ago: tuple[int, ...]
    feature: str = ""
    product: str = ""
    hour: int | None = None


class Letter(Told):
    """A ticket; `{+25}` in its text stands for the day 25 days later."""

    days_ago: int
    text: str
    topic: str
    feature: str = ""
    priority: str = "normal"
    open: bool = False
    minutes: int
    sentiment: float


class Change(Told):
    """The plan before this one, and how long ago it was left."""

    from_plan: str
    days_ago: int


class Life(Told):
    """What a customer has and does; `exports`, `storage` and `api` are utilisation 26 weeks ago and now."""

    plan: str
    age: int
    "Days since sign-up."
    members: int
    "People who were there all along; `joined` come on top."
    seats: int | None = None
    exports: tuple[float, float]
    storage: tuple[float, float] = (0.3, 0.4)
    api: tuple[float, float] = (0.2, 0.25)
    api_spike: float | None = None
    term: Literal["month", "year"] = "month"
    renews_in: int | None = None
    cancel_in: int | None = None
    status: Literal["active", "trialing"] = "active"
    currency: str = "EUR"
    discount: int | None = None
    changed: Change | None = None
    joined: tuple[int, ...] = ()
    guests: tuple[int, ...] = ()
    rejoined: int = 0
    "How many of the members left 20 days ago and came back 6 days ago."
    headcount: tuple[int, int] | None = None
    health: int | None = None
    nps: int | None = None
    overdue_for: int | None = None
    contact: str | None = None
    is_test: bool = False
    events: tuple[Happening, ...] = ()
    tickets: tuple[Letter, ...] = ()


class Story(Told):
    """One customer: what happened, and what follows from it on the sample's day."""

    id: str
    name: str
    says: str
    status: Literal["ready", "held", "watch", "stable"]
    play: str = ""
    offer: str = ""
    "The plan offered, or for other offers their kind; empty where there is none."
    holds: tuple[str, ...] = ()
    fires: tuple[str, ...] = ()
    "Every trigger that fires."
    life: Life


class Ordinary(Told):
    """What the customers without a story are made of."""

    names: tuple[str, ...]
    contacts: tuple[str, ...]
    teams: tuple[str, ...]
    tickets: tuple[str, ...]


@cache
def _library() -> dict[str, Any]:
    return read_data(LIBRARY)


def read_data(name: str) -> dict[str, Any]:
    """A data file of this package."""
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def read_stories() -> tuple[Story, ...]:
    """Every story, the parts it shares with others filled in."""
    data = _library()
    stories = []
    for told in data["stories"]:
        base = data["bases"].get(told.get("base"), {})
        own = {key: value for key, value in told.items() if key != "base"}
        stories.append(
            Story.model_validate({**base, **own, "life": {**base.get("life", {}), **told["life"]}})
        )
    return tuple(stories)


def read_ordinary() -> Ordinary:
    """The names and words of the others."""
    return Ordinary.model_validate(_library()["ordinary"])
