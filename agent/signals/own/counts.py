"""Counting: so many in the last days, and what is seen for the first time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.signals.formula import (
    EVENTS,
    MEMBERS,
    TICKETS,
    Aggregate,
    Attribute,
    Const,
    Formula,
    Grain,
    Selection,
)
from agent.signals.own.kind import Days, EventKinds, Kind, Noun, Priorities, Words, given, unsold
from agent.signals.own.unfit import Unfit
from agent.signals.rule import Quote, Rule, Show, window


class Counted(Kind):
    """What is counted: events, tickets, or people who joined."""

    of: Literal["events", "tickets", "members"] = "events"
    event: EventKinds = ()
    feature: Words = ()
    team: Words = ()
    product: Words = ()
    topic: Words = ()
    priority: Priorities = ()
    role: Literal["member", "guest"] = "member"
    different: Literal["users", "days", "features", "teams", "products"] | None = None
    each: Literal["feature", "team", "product"] | None = None
    noun: Noun | None = None

    def grain(self) -> Grain:
        """What a row is about: what `each` says, else the one feature, product or team that is named."""
        if self.of != "events":
            return Grain.ACCOUNT
        if self.each:
            return Grain(self.each)
        wanted = {"feature": Grain.FEATURE, "cross_sell": Grain.PRODUCT}.get(self.play or "")
        if wanted:
            return wanted
        single = [name for name in ("feature", "product", "team") if len(getattr(self, name)) == 1]
        return Grain(single[0]) if single and not self.different else Grain.ACCOUNT

    def selection(self) -> Selection:
        """The rows that count, whenever they were."""
        self._only_for("tickets", "topic", "priority")
        self._only_for("members", "role")
        self._only_for("events", "event", "product", "each")
        if self.different and self.of == "members":
            raise Unfit("different", 'goes with of = "events" or "tickets"; members are counted once each')
        if self.of == "tickets":
            if self.team or self.different not in (None, "days"):
                raise Unfit("different" if self.different else "team", 'goes with of = "events" only')
            return TICKETS.where(**given(topic=self.topic, priority=self.priority, feature=self.feature))
        if self.of == "members":
            if self.feature:
                raise Unfit("feature", 'does not go with of = "members"; take it out')
            there = MEMBERS.where(present=True, rejoined=False, **{self.role: True})
            return there.where(**given(team=self.team))
        if not self.event:
            raise Unfit("event", 'is missing; name the kinds of event to count, such as event = "used"')
        named = given(kind=self.event, feature=self.feature, team=self.team, product=self.product)
        return EVENTS.where(**named, **unsold(self.play))

    def count(self, chosen: Selection) -> Aggregate:
        """The number that is compared: rows, people, or different values."""
        if self.of == "members" or self.different == "users":
            return chosen.distinct("user_id")
        if self.different == "days":
            return chosen.days()
        return chosen.distinct(self.different[:-1]) if self.different else chosen.count()

    def nouns(self) -> tuple[str, str]:
        """Singular and plural of what is counted."""
        if self.noun:
            return self.noun
        if self.of == "members" or self.different == "users":
            return ("person", "people")
        if self.different:
            return (self.different[:-1], self.different)
        return ("ticket", "tickets") if self.of == "tickets" else ("time", "times")

    def did(self, figure_id: str) -> str:
        """'your team used {feature} {count}': what happened, for a sentence without words of its own."""
        shown, grain = f"{{{figure_id}}}", self.grain()
        if self.of == "members":
            return f"{shown} joined"
        if self.of == "tickets":
            return f"you wrote to us on {shown}" if self.different else f"you sent us {shown}"
        thing = f"{{{grain.value}}}" if grain in (Grain.FEATURE, Grain.PRODUCT) else "it"
        who = "the {team} team" if grain is Grain.TEAM else "your team"
        verb = VERBS[self.event[0]] if len(self.event) == 1 else "worked with {}"
        done = verb.format(thing)
        match self.different:
            case "users":
                return f"{shown} {done}"
            case "days":
                return f"{who} {done} on {shown}"
            case "features" | "products":
                return f"{who} {verb.format(shown)}" if "{}" in verb else f"{who} {done}: {shown}"
            case "teams":
                return f"{shown} {done}"
        if self.noun:
            return f"{who} came to {shown}" + (f" with {thing}" if thing != "it" else "")
        return f"{who} {done} {shown}"

    def _only_for(self, of: str, *keys: str) -> None:
        for key in keys:
            if self.of != of and key in self.model_fields_set:
                raise Unfit(key, f'goes with of = "{of}" only; take it out, or say of = "{of}"')


VERBS = {
    "used": "used {}",
    "blocked": "tried to use {}",
    "limit_hit": "ran into a limit",
    "previewed": "looked at {}",
    "viewed": "looked at {}",
    "workaround": "worked around {}",
    "invited": "invited people",
}
"What a team did, by the kind of event."


class CountInWindow(Counted):
    """So many in the last days: events, tickets, or people who joined."""

    days: Days
    at_least: Annotated[int, Field(ge=1)]
    different_days: Annotated[int, Field(ge=1)] = 1

    def rule(self, _name: str, /) -> Rule:
        """At least so many of the chosen rows in the window, spread over enough days."""
        chosen = self.selection().last(self.days)
        count, spread = self.count(chosen), chosen.days()
        if self.different_days > self.days:
            raise Unfit("different_days", f"must be {self.days} or less, the days of the window")
        fires = count >= self.at_least
        if self.different_days > 1:
            if self.of == "members":
                raise Unfit("different_days", 'does not go with of = "members"; take it out')
            fires = fires & (spread >= self.different_days)
        singular, plural = self.nouns()
        days = Quote("count_days", "different days on which that was", spread, noun=("day", "days"))
        spreads = () if self.of == "members" or self.different == "days" else (days,)
        return Rule(
            grain=self.grain(),
            value=count,
            threshold=self.at_least,
            unit=plural,
            fires=fires,
            says=self.says or f"{self.did('count')} in the last {{window}}",
            quotes=(
                Quote("count", f"{plural} counted", count, noun=(singular, plural)),
                *spreads,
                window(self.days),
            ),
            oldest=self.days - 1,
            needs=(self.of,),
        )


class FirstSeen(Kind):
    """A feature, team, product or person that appears for the first time."""

    what: Literal["feature", "team", "product", "user"]
    event: EventKinds = ("used",)
    feature: Words = ()
    team: Words = ()
    product: Words = ()
    days: Days
    at_least: Annotated[int, Field(ge=1)] = 1
    account_days: Annotated[int, Field(ge=0)] = 60

    def rule(self, _name: str, /) -> Rule:
        """At least so many whose first event ever lies in the window, in an account that is no newcomer."""
        named = given(kind=self.event, feature=self.feature, team=self.team, product=self.product)
        chosen = EVENTS.where(**named, **unsold(self.play))
        old_enough = Attribute("age_days") >= max(self.account_days, self.days)
        if self.what == "user":
            return self._people(chosen, old_enough)
        age, uses = chosen.age_of_first(), chosen.last(self.days).count()
        subject = (
            "the {team} team started using it"
            if self.what == "team"
            else f"your team started using {{{self.what}}}"
        )
        many = f"{subject} and others" if self.at_least > 1 else subject
        return Rule(
            grain=Grain(self.what),
            at_least_keys=self.at_least,
            value=age,
            threshold=self.days if self.at_least == 1 else self.at_least,
            unit="days" if self.at_least == 1 else f"{self.what}s",
            fires=(age < self.days) & old_enough,
            says=self.says or f"{many} in the last {{window}}: {{uses}} so far",
            quotes=(
                Quote("uses", f"times of {{{self.what}}}", uses, noun=("time", "times")),
                Quote("first_day", f"the first day of {{{self.what}}}", Const(0) - age, Show.DATE),
                window(self.days),
            ),
            oldest=self.days - 1,
            needs=("events",),
        )  # fmt: skip

    def _people(self, chosen: Selection, old_enough: Formula) -> Rule:
        ever = chosen.distinct("user_id")
        earlier = Selection(chosen.relation, None, self.days, False, chosen.tests).distinct("user_id")
        return Rule(
            value=ever - earlier,
            threshold=self.at_least,
            unit="people",
            fires=(ever - earlier >= self.at_least) & old_enough,
            says=self.says or "{new_people} started working with it in the last {window}",
            quotes=(
                Quote(
                    "new_people", "people seen for the first time", ever - earlier, noun=("person", "people")
                ),
                window(self.days),
            ),
            oldest=self.days - 1,
            needs=("events",),
        )
