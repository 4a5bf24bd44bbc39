"""Texts that speak to a machine rather than to a person: no model is shown them, and they sell nothing."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from agent.signals.tickets.reading import Reading

LIBRARY = "addressing.toml"
_LEET = str.maketrans("01345789@$!|", "oieastbgasil")
_MIXED = re.compile(r"(?<![a-z0-9@$!|])[0-9@$!|]*+[a-z][a-z0-9@$!|]*+")


def addresses_a_machine(text: str | None) -> bool:
    """Whether a text reads as if it were meant for a model: orders, roles, our own class names, code, or disguises.

    Such a text is read by the phrase rules alone, and only for what keeps us silent: a false alarm costs an offer.
    """
    if not text:
        return False
    said = Reading(text).plain
    anywhere, at_a_word = _patterns()
    if anywhere.search(said):
        return True
    return any(at_a_word.search(one) for one in (said, _unmixed(said), said[::-1]))


def _unmixed(said: str) -> str:
    """The text with letters for the digits and signs inside words: '1gn0re' is 'ignore'."""
    return _MIXED.sub(lambda word: word[0].translate(_LEET), said)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What counts anywhere in a text, and what counts where a word starts."""
    data = tomllib.loads(files(__package__).joinpath(LIBRARY).read_text(encoding="utf-8"))
    # Texts are read in plain letters: there an accent is gone, and a Cyrillic letter is another.
    says = {name: "|".join(Reading(phrase).plain for phrase in part["says"]) for name, part in data.items()}
    anywhere = says.pop("anywhere")
    return re.compile(anywhere), re.compile(r"(?<![^\W_])(?:" + "|".join(says.values()) + ")")
