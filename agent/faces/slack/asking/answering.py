"""Answering a question: by command, by a model that looks things up, or by us where it does not answer or errs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from agent.faces.slack.asking.commands import ACTING, Asks, Command, asks_to_act, command_of, said
from agent.faces.slack.asking.lookups import SHOWN, Lookups
from agent.faces.slack.asking.proposing import resuming, snoozing, stopping
from agent.faces.slack.asking.told import Answered, Doing, How, Told
from agent.foundation import clock
from agent.foundation.llm.port import Conversation, Converser, NoAnswer, Task, Tool, Why

if TYPE_CHECKING:
    from agent.faces.slack.naming import Rendered
    from agent.wiring import House

ROUNDS = 4
"Questions to the model for one of a person's."
MOST_SHOWN = 25
"Accounts that may be asked for at once."
LOG = logging.getLogger(__name__)


class Nothing(BaseModel):
    """No arguments."""

    model_config = ConfigDict(extra="forbid")


class OfAccount(BaseModel):
    """One account."""

    model_config = ConfigDict(extra="forbid")
    account: str = Field(
        min_length=1, max_length=200, description="The account's name or id, as the question has it."
    )


class OfMany(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")
    number: int = Field(SHOWN, ge=1, le=MOST_SHOWN, description="How many accounts to list.")


class Snoozing(BaseModel):
    """A draft to put off."""

    model_config = ConfigDict(extra="forbid")
    account: str = Field(
        min_length=1, max_length=200, description="The account's name or id, as the question has it."
    )
    until: str = Field(
        max_length=60, description="In the question's own words: 'until March', 'for 2 weeks'."
    )


def answer(house: House, question: str, *, who: str) -> Rendered:
    """The answer to a question as a message for Slack; it changes nothing, what it offers to do is a button."""
    from agent.faces.slack.asking.rendering import rendered

    found = answered(house, question)
    LOG.info("A question of %s was answered by the %s.", who, found.how)
    return rendered(found)


def answered(house: House, question: str) -> Answered:
    """The answer to a question; commands and what would change something are never put before a model."""
    looks = Lookups(house)
    command = command_of(question)
    if command is not None and (command.is_short or command.asks in ACTING):
        return Answered(how=How.HOUSE, told=(_obeyed(looks, house, command),))
    if not said(question):
        return Answered(how=How.HOUSE, told=(looks.help(),))
    told: list[Told] = []
    note = ""
    if house.workspace.model.is_on:
        told, conversation, note = _asked(looks, house, question)
        if conversation is not None:
            return Answered(how=How.MODEL, text=conversation.text, told=tuple(told))
    if command is not None:
        told = [_obeyed(looks, house, command)]
    return Answered(how=How.HOUSE, told=tuple(told) or (looks.unknown(),), note=note)


def _obeyed(looks: Lookups, house: House, command: Command) -> Told:
    """What a command answers."""
    number = min(max(command.number or 0, 0), MOST_SHOWN)
    answers: dict[Asks, Callable[[], Told]] = {
        Asks.HELP: looks.help,
        Asks.WHY: lambda: looks.why(command.account),
        Asks.NEAR: lambda: looks.near(number or SHOWN),
        Asks.TOP: lambda: looks.top(number) if number else looks.top(),
        Asks.WAITING: looks.waiting,
        Asks.SENT: lambda: looks.sent(command.account),
        Asks.BUDGET: looks.budget,
        Asks.SNOOZE: lambda: snoozing(looks, house.store, command.account, command.until, clock.now()),
        Asks.STOP: lambda: stopping(looks, house.store),
        Asks.RESUME: lambda: resuming(looks, house.store),
    }
    return answers[command.asks]()


def _asked(looks: Lookups, house: House, question: str) -> tuple[list[Told], Conversation | None, str]:
    """What a model had looked up, its answer where that holds, and why it does not where it does not."""
    from agent.faces.slack.asking.checking import faults
    from agent.foundation.prompts import prompt

    told: list[Told] = []
    today = looks.local(clock.now()).date()
    lines = prompt("ask").lines(question=said(question), today=f"{today:%A}, {today.day} {today:%B %Y}")
    try:
        with _model(house) as model:
            found = model.converse(Task.ASK, lines, _tools(looks, house, question, told), rounds=ROUNDS)
    except NoAnswer as none:
        return _once(told), None, str(none)
    told = _once(told)
    if not told:
        return [], None, "The model answered without looking anything up."
    names = {one.account_id: one.name for one in looks.standings.all}
    wrong = faults(found.text, told, names, said(question), today)
    if wrong:
        LOG.info("A model's answer was replaced: %d things it said were not looked up.", len(wrong))
        return told, None, "The model's own words did not hold against what was looked up."
    return told, found, ""


@contextmanager
def _model(house: House) -> Iterator[Converser]:
    from agent.foundation.llm.client import open_model

    model = open_model(house.settings.llm, house.spending)
    if model is None:
        raise NoAnswer(Why.UNREACHABLE, "No language model is switched on.")
    with closing(model):
        yield model


def _once(told: list[Told]) -> list[Told]:
    """Each thing that was looked up, once."""
    return list(dict.fromkeys(told))


def _tools(looks: Lookups, house: House, question: str, told: list[Told]) -> list[Tool]:
    """What the model may look up; each result is kept, for the answer must rest on it."""

    def tool(name: str, says: str, arguments: type[BaseModel], run: Callable[[Any], Told]) -> Tool:
        def kept(given: Any) -> str:
            found = run(given)
            told.append(found)
            return found.for_model()

        return Tool(name, says, arguments, kept)

    tools = [
        tool("why", "Where one account stands: ready or not, points, what was found with its figures, what holds it "
             "back, what is missing, its draft.", OfAccount, lambda given: looks.why(given.account)),
        tool("near_limit", "The accounts that use most of what their plan includes, fullest first.", OfMany,
             lambda given: looks.near(given.number)),
        tool("top", "The accounts that are ready for a message, best first, then those closest to it.", OfMany,
             lambda given: looks.top(given.number)),
        tool("sent", "When what was sent to one account, and what became of it. The texts are shown below your "
             "answer by themselves.", OfAccount, lambda given: looks.sent(given.account)),
        tool("waiting", "The drafts that wait for a person's yes.", Nothing, lambda _: looks.waiting()),
        tool("budget", "What the language model took this month, of what it may take.", Nothing,
             lambda _: looks.budget()),
    ]  # fmt: skip
    if asks_to_act(question, Doing.SNOOZE):
        tools.append(
            tool("snooze", "Works out what putting an account's draft off would do. It does nothing by itself: a "
                 "button under your answer does.", Snoozing,
                 lambda given: snoozing(looks, house.store, given.account, given.until, clock.now()))
        )  # fmt: skip
    return tools
