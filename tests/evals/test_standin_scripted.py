"""When the stand-in answers by its script."""

from __future__ import annotations

import re
from datetime import date

import pytest
from pydantic import BaseModel

from agent.drafting import guardrails
from agent.drafting.model_writer import write_with_model
from agent.foundation.llm.client import open_model
from agent.foundation.llm.port import Line, Role, Task
from agent.foundation.settings import Llm
from agent.signals.tickets.model import ModelClassifier
from agent.signals.tickets.port import Catalogue, TicketClass, TicketText
from evals.quality.cases import load_cases
from evals.quality.judges import grade, prefer, rubrics
from evals.standin import Standin
from evals.standin.scripted import scripted_answer

CASES = load_cases()


@pytest.fixture(scope="module")
def model():
    with Standin(scripted_answer, models=["gpt-5-mini"]) as standin:
        yield open_model(Llm(model="openai:gpt-5-mini", base_url=standin.base_url), None, patience_seconds=60)


def drafted(case, model):
    return write_with_model(
        case.brief, model, lambda message: guardrails.check(message, case.brief, case.around)
    )


def test_drafts_are_good_at_once(model):
    """No repair, no template, nothing that a guardrail blocks: of a case in twenty there may be something to mend."""
    asked = CASES[::3]
    found = [drafted(case, model) for case in asked]
    good = [one for one in found if (one.making.writer, one.making.rounds) == ("model", 0)]
    assert len(good) >= 0.95 * len(asked), [
        (case.case_id, one.making.blocked_by)
        for case, one in zip(asked, found, strict=True)
        if one not in good
    ]
    assert not any(guardrails.blocks(one.violations) for one in good)


def test_drafts_are_the_same_every_time_and_different_for_others(model):
    """By what the brief says, and nothing else."""
    first, second = CASES[0], CASES[8]
    assert drafted(first, model).message == drafted(first, model).message
    assert drafted(first, model).message.body != drafted(second, model).message.body


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("Can we get sso for our contractors?", {TicketClass.CAPABILITY_REQUEST}),
        ("We want to cancel at the end of the month.", {TicketClass.LEAVING}),
        ("The budget was approved yesterday. Please send me a quote.", {TicketClass.BUDGET}),
        ("Hello there.", {TicketClass.OTHER}),
    ],
)
def test_tickets_are_classed_by_keywords(text, classes, model):
    """With a quote that stands in the text."""
    ticket = TicketText(ticket_id="t", account_id="a", opened_on=date(2026, 1, 5), text=text)
    found = ModelClassifier(model).classify([ticket], Catalogue(features=("sso",), use_cases={}))
    assert {ask.ticket_class for ask in found} == classes
    assert all(ask.quote in text for ask in found)


def test_judges_go_by_the_text_and_not_by_its_place(model):
    """A message with the customer's own figures beats an eager one, whichever stands first."""
    case = CASES[0]
    good = drafted(case, model).message
    eager = good.model_copy(update={"body": "Great news! Unlock more today! Upgrade now! Exciting!"})
    for rubric in rubrics():
        scores = [grade(rubric, message, case.brief, model).score for message in (good, eager)]
        assert None not in scores
        assert scores[0] > scores[1], rubric.name
    judged = prefer(good, eager, case.brief, model)
    assert (judged.verdict, judged.flipped) == ("win", False)
    assert prefer(eager, good, case.brief, model).verdict == "loss"
    assert prefer(good, good, case.brief, model).verdict == "tie"


class Unknown(BaseModel):
    """A form of no task."""

    word: str
    numbers: list[int]
    kind: TicketClass
    note: str | None


def test_any_other_form_is_filled(model):
    """With small values of the right types."""
    answer = model.ask(Task.CHECK, [Line(Role.USER, "Are you there?")], Unknown)
    assert answer.value.word
    assert re.fullmatch(r"\w+", answer.value.kind)
