"""The closed lists of words.toml and common.txt, read once and compiled once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from agent.drafting.guardrails.phrasing import Phrases, spaced


def any_of(patterns: Iterable[str], *, whole: bool = True) -> re.Pattern[str]:
    """One pattern for all of `patterns`, the longest first, at word ends; a space stands for any space."""
    ordered = sorted(patterns, key=len, reverse=True)
    inner = spaced(ordered)
    return re.compile(rf"(?<!\w)(?:{inner})(?!\w)" if whole else rf"(?:{inner})")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word without its endings: exports, exported and exporting are one."""
    word = word.lower().removesuffix("'s")
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "xes", "ches", "shes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    if word.endswith("ing") and len(word) > 5:
        word = word[:-3]
    elif word.endswith("ed") and len(word) > 4:
        word = word[:-2]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sle":
        word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


class _Words:
    """Every list by its name; patterns compiled."""

    def __init__(self) -> None:
        here = files(__package__ or "agent.drafting.guardrails")
        lists: dict[str, Any] = {}
        for section in tomllib.loads((here / "words.toml").read_text(encoding="utf-8")).values():
            lists.update(section)
        self.common = frozenset((here / "common.txt").read_text(encoding="utf-8").split())
        self.capitals = frozenset(lists["capitals"])
        self.neutral_greetings = frozenset(lists["neutral_greetings"])
        self.everyday = frozenset(lists["everyday"])
        self.ours = frozenset(lists["ours"])
        self.greeting_words = tuple(lists["greeting_words"])
        self.titles = frozenset(lists["titles"])
        self.closings = frozenset(lists["closings"])
        self.roles = frozenset(lists["roles"])
        self.trouble = frozenset(lists["trouble"])
        self.generic = frozenset(map(stem, lists["generic"]))
        self.countable = frozenset(map(stem, lists["countable"]))
        self.alike = tuple(frozenset(map(stem, group)) for group in lists["alike"])
        self.domains = tuple(lists["domains"]) + tuple(lists["country_domains"])
        self.small = frozenset(lists["small"])
        self.empty = frozenset(lists["empty"])
        self.in_order = frozenset(lists["in_order"])
        self.ones, self.tens = tuple(lists["ones"]), tuple(lists["tens"])
        self.ordinals, self.tens_ordinals = tuple(lists["ordinals"]), tuple(lists["tens_ordinals"])
        self.currency_signs: dict[str, str] = lists["currency_signs"]
        self.currency_local: dict[str, list[str]] = lists["currency_local"]
        names: dict[str, list[str]] = lists["currency_names"]
        self.currency_words = {word: code for code, words in names.items() for word in words}
        self.sides = {
            side: tuple(lists[side]) for side in ("below", "about", "above", "under", "at_least", "at_most")
        }
        self.idioms = Phrases(lists["idioms"])
        self.holidays = any_of(lists["holidays"])
        self.selling = Phrases(lists["selling"])
        self.second_offers = Phrases(lists["second_offers"])
        self.second_asks = Phrases(lists["second_asks"])
        self.not_yet = any_of(lists["not_yet"], whole=False)
        self.waiting = Phrases(lists["waiting"])
        self.welcome = Phrases(lists["welcome"])
        self.pleasantries = Phrases(lists["pleasantries"])
        self.unmeasured = Phrases(lists["unmeasured"])
        self.foreign = frozenset(lists["foreign"])
        self.pressure = Phrases(lists["pressure"])
        self.discounts = Phrases(lists["discounts"])
        self.unhurried = Phrases(lists["unhurried"])
        self.free_idioms = Phrases(lists["free_idioms"])
        self.guarantees = Phrases(lists["guarantees"])
        self.venturing = Phrases(lists["venturing"])
        self.promises = Phrases(lists["promises"])
        self.internals = Phrases(lists["internals"])
        self.trigger_names = Phrases(lists["trigger_names"])
        self.jargon = Phrases(lists["jargon"])
        self.instructions = Phrases(lists["instructions"])
        self.ticket_orders = any_of(lists["ticket_orders"])
        self.placeholders = any_of(lists["placeholders"])


WORDS = _Words()
