"""How alike drafts to different accounts are once names and figures are taken out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from agent.drafting.brief import Brief
from agent.drafting.guardrails.folding import plain
from agent.drafting.message import Message

SIZE = 4
"Words of a run of words."
NAME, FIGURE = "{name}", "{figure}"
SHORTEST = 3
"Letters a name's first word has at least to stand for the whole name."
WORD = re.compile(r"\{name\}|\{figure\}|[^\W_]+(?:'[^\W_]+)*")
NUMBER = re.compile(r"(?:[€$£¥₹]\s?)?(?<![\w{])\d[\d.,:/]*%?")
MONTH = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b(?= \{figure\})"
    r"|(?<=\{figure\} )(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
)

Gram = tuple[str, ...]


@dataclass(frozen=True)
class Alike:
    """How alike one draft is to those of other accounts, 0 to 1."""

    nearest: str | None
    "The case whose draft comes nearest; None where there is no other account."
    highest: float | None
    mean: float | None


def slotted(text: str, brief: Brief) -> str:
    """The text in lower case, with every name of the brief and every figure as a slot."""
    said = plain(text)
    for name in sorted(_names(brief), key=len, reverse=True):
        said = re.sub(rf"(?<![\w{{]){re.escape(name)}(?!\w)", NAME, said)
    for figure in sorted({plain(one.display) for one in brief.figures}, key=len, reverse=True):
        if re.search(r"\d", figure):
            said = re.sub(rf"(?<![\w{{]){re.escape(figure)}(?!\w)", FIGURE, said)
    said = NUMBER.sub(FIGURE, said)
    return MONTH.sub(FIGURE, said)


def grams(message: Message, brief: Brief) -> frozenset[Gram]:
    """Every run of four words of the body, slots counted as words."""
    words = WORD.findall(slotted(message.body, brief))
    return frozenset(tuple(words[at : at + SIZE]) for at in range(len(words) - SIZE + 1))


def overlap(one: frozenset[Gram], other: frozenset[Gram]) -> float:
    """Jaccard's share of runs that both have, of runs that either has."""
    either = len(one | other)
    return len(one & other) / either if either else 0.0


def alike(drafts: Sequence[tuple[str, Message, Brief]]) -> dict[str, Alike]:
    """For each case, how alike its draft is to the drafts of other accounts."""
    seen = {case: (brief.recipient.account_id, grams(message, brief)) for case, message, brief in drafts}
    found: dict[str, dict[str, float]] = {case: {} for case in seen}
    for one, other in combinations(seen, 2):
        if seen[one][0] != seen[other][0]:
            found[one][other] = found[other][one] = overlap(seen[one][1], seen[other][1])
    return {case: _summed(others) for case, others in found.items()}


def sameness(found: Mapping[str, Alike]) -> float | None:
    """The mean, over the cases, of each one's overlap with its nearest neighbour: 1 when all are one template."""
    highest = [one.highest for one in found.values() if one.highest is not None]
    return round(fmean(highest), 4) if highest else None


def _summed(others: dict[str, float]) -> Alike:
    if not others:
        return Alike(None, None, None)
    nearest = max(others, key=lambda case: (others[case], case))
    return Alike(nearest, round(others[nearest], 4), round(fmean(others.values()), 4))


def _names(brief: Brief) -> set[str]:
    """What the brief calls people, companies, plans and features."""
    to, sender, offer = brief.recipient, brief.sender, brief.offer
    whole = [to.account_name, to.contact_name, sender.name, sender.company, sender.product, offer.name]
    whole += [brief.plan_name, brief.offer_feature, *brief.features, *(one.key for one in brief.findings)]
    names = {plain(one.replace("_", " ")) for one in whole if one} | {plain(one) for one in whole if one}
    people = (plain(one) for one in (to.contact_name, sender.name, to.account_name) if one)
    firsts = {one.split()[0] for one in people if one.split()}
    return {one for one in names if len(one) > 1} | {one for one in firsts if len(one) >= SHORTEST}
