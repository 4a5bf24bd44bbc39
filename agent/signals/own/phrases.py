"""Phrases: tickets that hold the founder's own words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.signals.formula import ASKS, Grain
from agent.signals.own.kind import Days, Kind, Word, Words, unsold
from agent.signals.own.unfit import Unfit
from agent.signals.rule import Quote, Rule, window
from agent.signals.tickets.own import words_of

MOST_PHRASES = 200
LONGEST_PHRASE = 100


class PhraseInTicket(Kind):
    """Tickets that hold one of the founder's own phrases."""

    phrases: Annotated[Words, Field(min_length=1, max_length=MOST_PHRASES)]
    not_phrases: Annotated[Words, Field(max_length=MOST_PHRASES)] = ()
    days: Days = 30
    at_least: Annotated[int, Field(ge=1)] = 1
    feature: Word | None = None
    product: Word | None = None
    each: Literal["feature", "product"] | None = None

    def grain(self) -> Grain:
        """What the tickets are about: what `each` says, else what the play needs, else what is named."""
        wanted = {"feature": Grain.FEATURE, "cross_sell": Grain.PRODUCT}.get(self.play or "")
        if self.each or wanted:
            return Grain(self.each) if self.each else wanted or Grain.ACCOUNT
        if self.feature:
            return Grain.FEATURE
        return Grain.PRODUCT if self.product else Grain.ACCOUNT

    def rule(self, name: str, /) -> Rule:
        """At least so many tickets of the class that the phrases make, which has the trigger's name."""
        grain = self.grain()
        if grain is Grain.PRODUCT and not self.product:
            raise Unfit("product", "is missing; name the product that the phrases ask for")
        for key in ("phrases", "not_phrases"):
            for phrase in getattr(self, key):
                if len(phrase) > LONGEST_PHRASE or not words_of(phrase):
                    raise Unfit(
                        key, f"has '{phrase[:40]}', which must be words, {LONGEST_PHRASE} characters at most"
                    )
        chosen = ASKS.last(self.days).where(ticket_class=name, **unsold(self.play))
        asked = chosen.distinct("ticket_id")
        about = f" about {{{grain.value}}}" if grain is not Grain.ACCOUNT else " about this"
        return Rule(
            grain=grain,
            value=asked,
            threshold=self.at_least,
            unit="tickets",
            fires=asked >= self.at_least,
            says=self.says or f"you wrote to us{about} {{tickets}} in the last {{window}}",
            quotes=(
                Quote("tickets", "tickets that say so", asked, noun=("time", "times")),
                window(self.days),
            ),
            oldest=self.days - 1,
            needs=("tickets",),
        )
