"""Where an account stands to its ceiling, and the claims that would put it somewhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.phrases import AGAINST, slots
from agent.drafting.unfit import CONDITION

BELOW, AT, PAST = "room", "full", "past"
"Slots of the phrase book that only an account on that side of its ceiling has."
TOLD = {
    BELOW: "below the limit: little room is left, but some is; do not say that it is used up or passed",
    AT: "exactly at the limit: all of it is used; do not say that it is passed, or that room is left",
    PAST: "past the limit: more is used than the plan includes; do not say that room is left",
}
_BOUND = rf"\{{(?:{'|'.join(AGAINST)})(?:\.number)?\}}"
_USED = rf"\{{(?:{'|'.join(AGAINST.values())})(?:\.number)?\}}"
_THE = r"(?:(?:the|your|its|their|of|all|full|limit|ceiling|seats|those) )*"
PASSED = rf"(?:over|past|beyond|above|exceed\w*|pass(?:ed)?|cross(?:ed)?|surpass\w*|outgrown|outgrew) {_THE}{_BOUND}"
NONE_LEFT = r"no (?:more |free )?(?:room|space|seats?)(?: is| are)?(?: left| free)"
ALL = (
    rf"all {_THE}{_BOUND}|(?:reached|hit|used up|filled|maxed out) {_THE}{_BOUND}|{NONE_LEFT}"
    r"|every (?:last )?seat|all (?:of )?(?:the|your) seats|used up|(?:completely|entirely) full"
)
LEFT = r"(?:some|little|a little|a bit of|enough|still) (?:more )?room|(?<!no )room(?: is)? left|close to the (?:limit|ceiling)"
SWAPPED = re.compile(rf"{_BOUND}(?: [a-z]+)?(?: out)? of {_THE}{_USED}", re.IGNORECASE)
FALSE = {
    side: re.compile(rf"(?<!\w)(?:{'|'.join(claims)})", re.IGNORECASE)
    for side, claims in {BELOW: (PASSED, ALL), AT: (PASSED, LEFT), PAST: (LEFT,)}.items()
}


class Claim(NamedTuple):
    """Words that say something untrue of where an account stands."""

    start: int
    end: int
    message: str


def standing(brief: Brief) -> str:
    """BELOW, AT or PAST: how the leading figure lies to its ceiling; empty without one."""
    filled = slots(brief.findings[0], brief.plan_name, brief.sender.product).values
    return next((side for side in (BELOW, AT, PAST) if side in filled), "")


def misplaced(text: str, side: str) -> Iterator[Claim]:
    """Every claim of a text in slots that is false of an account on that side of its ceiling."""
    for match in SWAPPED.finditer(text):
        yield Claim(*match.span(), f"'{match.group()}' is the wrong way round; what is used comes first.")
    for match in FALSE[side].finditer(text) if side else ():
        if not CONDITION.search(text[: match.start()]):
            told = TOLD[side].partition(":")[0]
            yield Claim(*match.span(), f"'{match.group()}' is not so; they are {told}.")
