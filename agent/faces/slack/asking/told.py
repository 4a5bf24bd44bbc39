"""What an answer is made of: sentences of ours, each with the account it is about, and what could be done."""

from __future__ import annotations

import json
from enum import StrEnum

from agent.signals.finding import Frozen


class Passage(Frozen):
    """What is told of one account; or of none, where `account_id` is empty."""

    account_id: str = ""
    name: str = ""
    says: str
    lines: tuple[str, ...] = ()
    "What it rests on, a sentence each."
    quote: str = ""
    "A message of ours, word for word; never shown to the model."
    status: str = ""
    "Where the account stands: 'ready', 'held', 'watch', 'stable'."

    @property
    def text(self) -> str:
        """Everything that may be quoted of it."""
        return "\n".join((self.says, *self.lines))


class Doing(StrEnum):
    """What an answer may offer to do, by a button and never by itself."""

    SNOOZE = "snooze"
    STOP = "stop"
    RESUME = "resume"


class Proposal(Frozen):
    """One thing that a button would do."""

    doing: Doing
    says: str
    "What would happen, as a sentence."
    draft_id: str = ""
    days: int = 0


class Told(Frozen):
    """One thing looked up, in our own words."""

    says: str
    "About no account in particular: how many there are, as of when."
    passages: tuple[Passage, ...] = ()
    more: int = 0
    "How many there are beyond those told."
    proposal: Proposal | None = None

    def for_model(self) -> str:
        """The same as data: names stand where only names can stand, and no message is among it."""
        accounts = [
            {"account": one.name, "id": one.account_id, "says": one.says, "details": list(one.lines)}
            if one.account_id
            else {"says": one.says, "details": list(one.lines)}
            for one in self.passages
        ]
        document: dict[str, object] = {"says": self.says, "found": accounts}
        if self.more:
            document["not_shown"] = self.more
        if self.proposal:
            document["offered_by_a_button"] = self.proposal.says
        return json.dumps(document, ensure_ascii=False)


class How(StrEnum):
    """Who worded an answer."""

    MODEL = "model"
    HOUSE = "house"


class Answered(Frozen):
    """A whole answer."""

    how: How
    text: str = ""
    "The model's words; empty where the answer is `told` alone."
    told: tuple[Told, ...]
    "What was looked up; where a model speaks, its words rest on this and on nothing else."
    note: str = ""
    "Why the model's words are not here, where it was asked."

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """What could be done, each once."""
        return tuple(dict.fromkeys(one.proposal for one in self.told if one.proposal is not None))
