"""Other customers' names, plans and features, filed by their first word so that a text is read once.

The names differ by one customer from draft to draft; what is filed is kept, and each draft says which hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from agent.drafting.guardrails.folding import fold
from agent.drafting.guardrails.naming import is_common, is_everyday
from agent.drafting.guardrails.words import WORDS
from agent.drafting.violation import Surroundings

MOST_FILED = 4
"Times the names of a draft; with more on file, most are of another company, and the file is begun anew."
FEWEST_FILED = 1_000
SURE_IN_LOWER_CASE = 5
"Letters of a first word that is taken for a name without its capital."


class Other(NamedTuple):
    """A name that the message may not use."""

    raw: str
    "As it was given."
    name: str
    "Folded, in lower case."
    kind: str
    "customer, plan, offer or feature."
    is_common: bool
    "Whether it is of everyday words."
    head: str
    "The first word of a longer name, where it is no everyday word: 'northwind' of Northwind Traders."
    head_in_any_case: bool
    "Whether that word is a name in lower case too."


class _Filed(NamedTuple):
    known: dict[str, frozenset[str]]
    "Every name on file as it was given, by its kind."
    by_first: dict[str, tuple[Other, ...]]


class Others:
    """The names of one draft's surroundings."""

    def __init__(self, around: Surroundings) -> None:
        self._held = {
            "customer": _set_of(around.other_names),
            "plan": _set_of(around.other_plans),
            "offer": _set_of(around.other_offers),
            "feature": _set_of(around.other_features),
        }
        self._filed = _filed(self._held)

    def beginning(self, word: str) -> Iterator[Other]:
        """Every name whose first word is `word`."""
        for other in self._filed.by_first.get(word, ()):
            if other.raw in self._held[other.kind]:
                yield other


@lru_cache(maxsize=8)
def _set_of(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)


_files = [_Filed({}, {})]
"The one file; replaced whole, so that a reader in another thread sees the old one or the new one."


def _filed(held: dict[str, frozenset[str]]) -> _Filed:
    """A file that holds all of `held`: the one there is, with what it lacks added."""
    filed = _files[0]
    lacking = {kind: names - filed.known.get(kind, frozenset()) for kind, names in held.items()}
    if not any(lacking.values()):
        return filed
    if sum(map(len, filed.known.values())) > max(FEWEST_FILED, MOST_FILED * sum(map(len, held.values()))):
        filed, lacking = _Filed({}, {}), held
    added: dict[str, list[Other]] = {}
    for kind, names in lacking.items():
        for raw in names:
            first, other = _read(kind, raw)
            if other is not None:
                added.setdefault(first, []).append(other)
    by_first = dict(filed.by_first)
    for first, others in added.items():
        by_first[first] = (*by_first.get(first, ()), *others)
    known = {kind: names | filed.known.get(kind, frozenset()) for kind, names in lacking.items()}
    _files[0] = grown = _Filed(known, by_first)
    return grown


def _read(kind: str, raw: str) -> tuple[str, Other | None]:
    """The first word of a name, and the name as it is filed; None for one too short to look for."""
    spelled = raw.replace("_", " ") if kind == "feature" else raw
    # Folding without the cache of `plain`: there may be thousands, and each is needed once.
    name = " ".join(fold(spelled).text.lower().split())
    words = re.findall(r"\w+", name)
    if not words or len(name) < 2:
        return "", None
    first = words[0]
    common = is_common(name) or (kind == "plan" and all(word in WORDS.common for word in words))
    common = common or (kind == "customer" and is_everyday(name))
    has_head = kind == "customer" and len(words) > 1 and len(first) > 3 and not is_everyday(first)
    in_any_case = has_head and len(first) >= SURE_IN_LOWER_CASE and first not in WORDS.everyday
    return first, Other(raw, name, kind, common, first if has_head else "", in_any_case)
