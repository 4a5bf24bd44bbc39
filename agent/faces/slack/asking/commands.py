"""Questions that need no model: what each of the known phrasings asks for."""

from __future__ import annotations

import html
import re
import tomllib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from agent.drafting.guardrails.folding import fold

WORDS = Path(__file__).with_name("words.toml")
LONGEST = 500
"Characters of a question that are read."
MENTION = re.compile(r"<[@!#][^>]*>")
LINK = re.compile(r"<(?:[a-z]+:[^|>]*)\|([^>]*)>|<([a-z]+:[^|>]*)>")
HOLES = {
    "account": r"(?P<account>\S(?:.{0,158}?\S)?)",
    # As much as can be: 'Fit for Life for 2 weeks' is put off for 2 weeks.
    "whole": r"(?P<account>\S(?:.{0,158}\S)?)",
    "until": r"(?P<until>\S.{0,60}?)",
    "number": r"(?P<number>\d{1,3})",
}


class Asks(StrEnum):
    """What can be asked for."""

    HELP = "help"
    WHY = "why"
    NEAR = "near"
    TOP = "top"
    WAITING = "waiting"
    SENT = "sent"
    BUDGET = "budget"
    SNOOZE = "snooze"
    STOP = "stop"
    RESUME = "resume"


ACTING = frozenset({Asks.SNOOZE, Asks.STOP, Asks.RESUME})
"What changes something, and therefore is read by us alone and done by a button."


class Command(NamedTuple):
    """What a question asks for."""

    asks: Asks
    account: str = ""
    until: str = ""
    number: int | None = None
    is_short: bool = False
    "Typed as a command, and therefore answered without a model."


@cache
def words() -> dict[str, Any]:
    """The phrasings and the words of the answers."""
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def said(question: str) -> str:
    """The question as a person meant it: Slack's own marks taken off, on one line, with plain quotes."""
    text = LINK.sub(lambda found: found[1] or found[2] or "", MENTION.sub(" ", question[: 4 * LONGEST]))
    text = " ".join(html.unescape(text).split())[:LONGEST]
    return text.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"').strip()


def command_of(question: str) -> Command | None:
    """What a known phrasing asks for; None for any other."""
    text = said(question)
    # Only the case is folded away for matching: an account is looked up as it was typed.
    bare = text.rstrip("?!. ") or text
    for asks, is_short, pattern in _patterns():
        found = pattern.fullmatch(bare)
        if found:
            given = found.groupdict()
            number = given.get("number")
            account = (given.get("account") or "").strip(" \"'`*_,:")
            return Command(
                asks, account, (given.get("until") or "").strip(), int(number) if number else None, is_short
            )
    return None


def asks_to_act(question: str, doing: str) -> bool:
    """Whether the question itself speaks of doing that: no button comes of anything else a model has read."""
    lower = fold(said(question)).text.lower()
    return any(re.search(rf"(?<!\w){stem}", lower) for stem in words()["doing"][doing])


@cache
def _patterns() -> tuple[tuple[Asks, bool, re.Pattern[str]], ...]:
    """Every phrasing in its order: the short ones first, so that they mean what the help says they mean."""
    made = []
    for is_short in (True, False):
        for table in words()["commands"]:
            for form in table["short" if is_short else "long"]:
                filled = form
                for hole, pattern in HOLES.items():
                    filled = filled.replace(f"{{{hole}}}", pattern)
                made.append((Asks(table["asks"]), is_short, re.compile(filled, re.IGNORECASE)))
    return tuple(made)
