"""Closed vocabularies on the command line: an unknown word is answered with the nearest known one."""

from __future__ import annotations

from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from agent.foundation.errors import UsageError

E = TypeVar("E", bound=StrEnum)


def one_of(kind: type[E], word: str | None, option: str) -> E | None:
    """The member of `kind` that `word` names; None for no word.

    Raises UsageError with the known words.
    """
    if word is None:
        return None
    known = [member.value for member in kind]
    if word in known:
        return kind(word)
    near = get_close_matches(word, known, n=1)
    advice = f"did you mean '{near[0]}'?" if near else f"it is one of {', '.join(known)}."
    raise UsageError(f"{option} is '{word}', which is not known; {advice}")
