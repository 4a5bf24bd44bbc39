"""Words for people: the nearest known name, and rows with the right verb."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def plain(name: str) -> str:
    """The name as a canonical one would be spelt."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The known name that is spelt most like `name`, case and blanks aside, or None."""
    by_plain = {plain(one): one for one in known}
    near = get_close_matches(plain(name), by_plain, n=1, cutoff=cutoff)
    return by_plain[near[0]] if near else None


def advice(name: str, known: Iterable[str], what: str) -> str:
    """The end of a sentence about a name that is not known: the nearest one, or all of them."""
    names = list(known)
    near = nearest(name, names)
    return f"did you mean '{near}'?" if near else f"{what}: {', '.join(names)}."


def rows(number: int, one: str, many: str) -> str:
    """`3 rows are`, `1 row is`."""
    return f"1 row {one}" if number == 1 else f"{number:,} rows {many}"
