"""What was looked up, made ready to be compared with: by account, and what is of none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from agent.drafting.guardrails.dates import Day
from agent.drafting.guardrails.units import Kind, Quantity, Side
from agent.drafting.guardrails.words import WORDS, stem
from agent.faces.slack.asking.reading import WORD, Read, plain_name
from agent.faces.slack.asking.told import Passage, Told

SHORTEST_ALIAS = 4
EARLIER = re.compile(
    r"(?<!\w)(?:earlier|before|ago|previous(?:ly)?|was|were|had|from|against|last week|then)(?!\w)"
)
SHORT_OF = re.compile(r"(?<!\w)(?:short|missing|lacks?|lacking|needs?|needed|away|still|required)(?!\w)")
MORE = stem("more")
IGNORED = frozenset(map(stem, ("more", "last", "now", "different", "other", "further", "total")))


class Grounds:
    """What was looked up, ready to be compared with: by account, and what is of none."""

    def __init__(self, told: Sequence[Told], names: Mapping[str, str], today: date) -> None:
        self.status: dict[str, str] = {}
        of: dict[str, list[str]] = {"": [one.says for one in told]}
        for passage in (each for one in told for each in one.passages):
            of.setdefault(passage.account_id, []).append(passage.text)
            if passage.status:
                self.status[passage.account_id] = passage.status
        of[""] += [one.proposal.says for one in told if one.proposal and not one.passages]
        self.names = _aliases(told, names)
        "Every way to name an account that was looked up."
        self.read = {account: Read("\n".join(texts), self.names, today) for account, texts in of.items()}

    @property
    def accounts(self) -> list[str]:
        """The accounts that were looked up."""
        return [one for one in self.read if one]

    def knows(self, accounts: Iterable[str], answer: Read, said: Quantity) -> bool:
        """Whether one of these accounts has that figure, said of the same thing."""
        return any(
            _is(answer, said, read, known)
            for read in (self.read[account] for account in accounts if account in self.read)
            for known in read.quantities
        )

    def knows_day(self, accounts: Iterable[str], said: Day) -> bool:
        """Whether that day or period is named of one of these accounts, or of none."""
        return any(
            set(said.meant) & set(known.meant)
            for account in accounts
            if account in self.read
            for known in self.read[account].days
        )


def _is(answer: Read, said: Quantity, read: Read, known: Quantity) -> bool:
    """Whether what is said is what was looked up: the same amount of the same thing, then or now, on the same side."""
    if said.kind is not known.kind and {said.kind, known.kind} != {Kind.COUNT, Kind.TIMES}:
        return False
    if said.kind is Kind.MONEY and (said.unit != known.unit or set(said.per) - set(known.per)):
        return False
    if said.side is not Side.EXACT and said.side is not known.side:
        return False
    if not any(abs(a - b) < 1e-9 * max(1.0, abs(b)) for a in said.values for b in known.values):
        return False
    if said.kind is Kind.DURATION:
        return answer.is_last(said) is read.is_last(known)
    if answer.is_whole(said) is not read.is_whole(known):
        return False
    clause = read.clause(known.start)
    if EARLIER.search(clause) and not EARLIER.search(answer.clause(said.start)):
        return False
    if MORE in known.nouns and MORE not in said.nouns and not SHORT_OF.search(answer.clause(said.start)):
        return False
    if MORE in said.nouns and MORE not in known.nouns:
        return False
    ours = _counted(said)
    return not ours or bool(ours & (_counted(known) or _stems(clause)))


def _counted(one: Quantity) -> frozenset[str]:
    """What is counted, where the words say it."""
    if one.kind not in (Kind.COUNT, Kind.TIMES):
        return frozenset()
    return frozenset(noun for noun in one.nouns if noun not in IGNORED)


def _stems(clause: str) -> frozenset[str]:
    return frozenset(stem(word) for word in WORD.findall(clause))


def _aliases(told: Sequence[Told], names: Mapping[str, str]) -> dict[str, str]:
    """Every way to name the accounts that were looked up, each with its account."""
    made: dict[str, str] = {}
    passages: list[Passage] = [one for each in told for one in each.passages if one.account_id]
    for passage in passages:
        for full in (passage.name, names.get(passage.account_id, ""), passage.account_id):
            if plain := plain_name(full):
                made.setdefault(plain, passage.account_id)
    first: dict[str, set[str]] = {}
    for name, account in made.items():
        word = WORD.match(name)
        if word and len(word.group()) >= SHORTEST_ALIAS and word.group() not in WORDS.common:
            first.setdefault(word.group(), set()).add(account)
    made |= {word: next(iter(own)) for word, own in first.items() if len(own) == 1 and word not in made}
    return made
