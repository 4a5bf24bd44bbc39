"""What is wrong with a trigger of the founder's own, before anybody knows where it was written."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class Unfit(ValueError):
    """One setting that cannot stand: `key` names it, `says` ends the sentence about it."""

    def __init__(self, key: str, says: str) -> None:
        super().__init__(f"setting '{key}' {says}" if key else says)
        self.key = key
        self.says = says


def nearest(name: str, known: Iterable[str], *, most: int = 40) -> str:
    """The end of a sentence about an unknown name."""
    names = list(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(names[:most])}{' …' if len(names) > most else ''}."
