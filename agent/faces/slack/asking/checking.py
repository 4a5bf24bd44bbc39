"""Whether a model's answer says only what was looked up: every figure, of the account it is said of, and every name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from agent.drafting.guardrails.dates import DAYS, MONTHS
from agent.drafting.guardrails.folding import fold
from agent.drafting.guardrails.units import Quantity
from agent.drafting.guardrails.words import WORDS
from agent.faces.slack.asking.grounds import Grounds
from agent.faces.slack.asking.reading import WORD, Read, name_pattern, plain_name
from agent.faces.slack.asking.told import Told

PRONOUN = re.compile(
    r"(?<!\w)(?:it|its|it's|they|their|them|he|she|this|that|this one|that one|the (?:first|last|former|latter))(?!\w)"
)
READY = re.compile(
    r"(?<!\w)(?P<be>is|are|isn't|aren't|it's|now|remains?|stays?|looks?|counts? as)"
    r"(?P<not>(?: [a-z]+){0,2}? (?:not|no longer)|)"
    r"(?: (?:yet|still|quite|currently|already|fully|now|indeed|both|all))*"
    r" (?P<status>ready|held|on hold|stable|on watch|watched)(?!\w)"
)
MEANS = {
    "ready": "ready",
    "held": "held",
    "on hold": "held",
    "stable": "stable",
    "on watch": "watch",
    "watched": "watch",
}
NAMES_OF_TIME = frozenset(
    {*MONTHS, *DAYS, *(month[:3] for month in MONTHS), *(day[:3] for day in DAYS), "sept"}
)
NOTHING = re.compile(
    r"(?<!\w)(?:nothing|never|none|no (?:[a-z]+ )?(?:messages?|drafts?|e?mails?|findings?|holds?|data|prompts?))(?!\w)"
)
TELLING = frozenset(
    {
        *(
            "ready",
            "held",
            "hold",
            "watch",
            "stable",
            "sent",
            "wait",
            "waits",
            "waiting",
            "snoozed",
            "stopped",
        ),
        *("approved", "skipped", "upgraded", "replied", "paid", "cancelled", "expansion"),
    }
)
"Words that say what a number of accounts or drafts has in common: they must be those that were looked up."
RANK = re.compile(
    r"(?<!\w)(?:first|fullest|closest|nearest|highest|most|top|best|biggest|largest|leads?|leading|ahead"
    r"|last|lowest|least|smallest|worst|emptiest|furthest)(?!\w)(?! (?:in |seen|read|\d|week|month|year|day))"
)
"Words that set one account before, or behind, all others."


def faults(
    text: str, told: Sequence[Told], all_names: Mapping[str, str], question: str, today: date
) -> list[str]:
    """What is wrong with a model's answer, a sentence each; empty when it says only what was looked up.

    `all_names` are the names of every account, by id.
    """
    grounds = Grounds(told, {account: all_names.get(account, "") for account in _ids(told)}, today)
    answer = Read(text, grounds.names, today)
    found = [*_figures(answer, grounds), *_days(answer, grounds), *_statuses(answer, grounds)]
    found += [*_comparisons(answer, grounds), *_nothings(answer, grounds), *_ranks(answer, grounds, told)]
    found += _other_accounts(answer, grounds, all_names)
    return [*found, *_strangers(answer, grounds, question)]


def _figures(answer: Read, grounds: Grounds) -> Iterator[str]:
    for said in answer.quantities:
        own, is_here = _about(answer, grounds, said.start)
        known = grounds.knows(own, answer, said)
        if not known and not (is_here and own) and not _speaks_of(answer, said.start):
            # A sentence about no account may say what is true of all.
            known = grounds.knows([""], answer, said) and _is_so_told(answer, grounds, said)
        if not known:
            yield f"'{answer.folded[said.start : said.end]}' was not looked up of that."


def _days(answer: Read, grounds: Grounds) -> Iterator[str]:
    for said in answer.days:
        own, _ = _about(answer, grounds, said.start)
        if not grounds.knows_day([*own, ""], said):
            yield f"'{answer.folded[said.start : said.end]}' is no day that was looked up."


def _statuses(answer: Read, grounds: Grounds) -> Iterator[str]:
    """An account said to be ready, or not, as it is."""
    for match in READY.finditer(answer.lower):
        own, _ = _about(answer, grounds, match.start("status"))
        denied = bool(match["not"]) or match["be"].endswith("n't") or " not " in match.group()
        for account in own:
            status = grounds.status.get(account)
            if status is not None and (status == MEANS[match["status"]]) is denied:
                yield f"'{match.group()}' is not where that account stands."


def _comparisons(answer: Read, grounds: Grounds) -> Iterator[str]:
    for match in WORDS.unmeasured.finditer(answer.lower):
        if not any(match.group() in read.lower for read in grounds.read.values()):
            yield f"'{match.group()}' compares without a figure."


def _nothings(answer: Read, grounds: Grounds) -> Iterator[str]:
    """That there is nothing is a figure too."""
    for match in NOTHING.finditer(answer.lower):
        own, _ = _about(answer, grounds, match.start())
        if not any(NOTHING.search(grounds.read[one].lower) for one in (*own, "") if one in grounds.read):
            yield f"'{match.group()}' was not looked up of that."


def _ranks(answer: Read, grounds: Grounds, told: Sequence[Told]) -> Iterator[str]:
    """The first of all is the one that a list begins with; the last of all, nobody looked up."""
    leaders = {one.passages[0].account_id for one in told if len(one.passages) > 1}
    for match in RANK.finditer(answer.lower):
        own, _ = _about(answer, grounds, match.start())
        if any(
            one not in leaders and match.group() not in grounds.read[one].words
            for one in own
            if one in grounds.read
        ):
            yield f"'{match.group()}' is no place that was looked up."


def _is_so_told(answer: Read, grounds: Grounds, said: Quantity) -> bool:
    """Whether a figure about no account in particular is said of what it was counted of."""
    telling = TELLING & frozenset(WORD.findall(answer.clause(said.start)))
    return telling <= grounds.read[""].words


def _other_accounts(answer: Read, grounds: Grounds, all_names: Mapping[str, str]) -> Iterator[str]:
    """Accounts named that were not looked up."""
    words = answer.words
    looked_up = "\n".join(read.lower for read in grounds.read.values())
    taken = [(one.start, one.end) for one in answer.named]
    for account, full in all_names.items():
        if account in grounds.read:
            continue
        name = plain_name(full)
        first = WORD.search(name)
        if not name or (first and first.group() not in words) or name in looked_up:
            continue
        for match in name_pattern(name).finditer(answer.lower):
            inside = any(a <= match.start() and match.end() <= b for a, b in taken)
            # A name that is an everyday word is a name where it is written as one.
            if not inside and (name not in WORDS.common or answer.folded[match.start()].isupper()):
                yield f"'{full}' was not looked up."
                break


def _strangers(answer: Read, grounds: Grounds, question: str) -> Iterator[str]:
    """Names of nobody: a word with a capital that is neither an everyday word nor among what was looked up."""
    known = frozenset().union(*(read.words for read in grounds.read.values())) | NAMES_OF_TIME | {"i"}
    starts = {_first_letter(answer.lower, a, b) for a, b in answer.sentences}
    asked = frozenset(WORD.findall(fold(question).text.lower()))
    for match in WORD.finditer(answer.folded):
        word = match.group()
        lower = word.lower()
        if not word[0].isupper() or any(one.start <= match.start() < one.end for one in answer.named):
            continue
        bare = lower.removesuffix("'s")
        if {lower, bare} & known or bare.split("-")[0] in known:
            continue
        begins = match.start() in starts
        if begins and ({lower, bare} & (WORDS.common | WORDS.small | WORDS.empty) or lower in asked):
            continue
        yield f"'{word}' is no name that was looked up."


def _about(answer: Read, grounds: Grounds, place: int) -> tuple[list[str], bool]:
    """The account that a place of the answer speaks of, and whether its own sentence names one.

    In its sentence the last one named before it, else the first after it; else the last one named before that
    sentence; else the one account there is.
    """
    start, end = next(((a, b) for a, b in answer.sentences if a <= place < b), (0, len(answer.lower)))
    here = [one for one in answer.named if start <= one.start < end]
    before = [one for one in here if one.end <= place]
    if here:
        return [(before[-1] if before else here[0]).account_id], True
    earlier = [one for one in answer.named if one.end <= start]
    if earlier:
        return [earlier[-1].account_id], False
    return (grounds.accounts if len(grounds.accounts) == 1 else []), False


def _speaks_of(answer: Read, place: int) -> bool:
    """Whether a sentence without a name speaks of an account all the same: 'it is at 80%'."""
    start, end = next(((a, b) for a, b in answer.sentences if a <= place < b), (0, len(answer.lower)))
    return any(one.end <= start for one in answer.named) and bool(PRONOUN.search(answer.lower, start, end))


def _ids(told: Sequence[Told]) -> list[str]:
    return list(dict.fromkeys(one.account_id for each in told for one in each.passages if one.account_id))


def _first_letter(lower: str, start: int, end: int) -> int:
    match = WORD.search(lower, start, end)
    return match.start() if match else start
