"""Which account a person means by what they typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from agent.drafting.guardrails.folding import plain
from agent.faces.slack.asking.standings import Standing

WORD = re.compile(r"[^\W_]+")
ALIKE = 0.8
"How alike two names must be for one to be a slip of the other."
SHORTEST = 4
"Letters from which a slip can be told from another name."


def accounts_meant(given: str, all_accounts: Sequence[Standing]) -> list[Standing]:
    """The accounts that `given` may mean: those of that very id or name, else of those words, else nearly that name."""
    wanted = plain(given)
    words = WORD.findall(wanted)
    if not words:
        return [one for one in all_accounts if wanted and wanted in (plain(one.account_id), plain(one.name))]
    # What is written exactly so is meant, whatever else it might begin.
    exact = [one for one in all_accounts if one.account_id == given.strip()]
    exact = exact or [one for one in all_accounts if wanted in (plain(one.account_id), plain(one.name))]
    if exact:
        return exact
    bare = "".join(words)
    names = {one.account_id: WORD.findall(plain(one.name)) for one in all_accounts}
    same = [one for one in all_accounts if bare in ("".join(names[one.account_id]), _bare(one.account_id))]
    if same:
        return same
    begun = [one for one in all_accounts if _begins(words, names[one.account_id])]
    if begun:
        return begun
    if len(bare) < SHORTEST:
        return []
    close = {one.account_id: _likeness(bare, one, names[one.account_id]) for one in all_accounts}
    best = max(close.values(), default=0.0)
    return [one for one in all_accounts if best >= ALIKE and close[one.account_id] >= best - 0.02]


def _bare(text: str) -> str:
    return "".join(WORD.findall(plain(text)))


def _begins(words: Sequence[str], name: Sequence[str]) -> bool:
    """Whether every word typed is, or the last one begins, a word of the name."""
    *whole, last = words
    return all(word in name for word in whole) and any(word.startswith(last) for word in name)


def _likeness(bare: str, one: Standing, name: Sequence[str]) -> float:
    candidates = {"".join(name), _bare(one.account_id), *(word for word in name[:1] if len(word) >= SHORTEST)}
    return max((_ratio(bare, candidate) for candidate in candidates), default=0.0)


def _ratio(one: str, other: str) -> float:
    if not other or abs(len(one) - len(other)) > max(2, len(one) // 4):
        return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
