"""Questions with a model, through the real client: it looks things up, and says nothing else."""

from __future__ import annotations

import json

import pytest

from agent.approval.states import DraftState
from agent.faces.slack.asking import answer, answered
from agent.faces.slack.asking.told import How
from tests.faces.slack.askings import BODY, HOSTILE, NOW, a_house, draft_of
from tests.foundation.modelserver import calling, completion, failing, serving

WHY_ACME = calling(("why", {"account": "Acme"}))
QUESTION = "could you look into why Acme has not had a message?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the small state is; the questions of this file change nothing in it."""
    return tmp_path_factory.mktemp("asked")


@pytest.fixture(scope="module")
def state(folder):
    """The small state."""
    with a_house(folder) as opened:
        yield opened


@pytest.fixture
def house(state, monkeypatch):
    """Its house, with fresh eyes and a key."""
    monkeypatch.setenv("OUTGROWN_NOW", NOW.isoformat())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return state.again("slack:T0/U0DANA")


def asked(house, monkeypatch, question, *script):
    """The answer, with a model that says this; and what the model was asked."""
    with serving(*script) as server:
        monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", server.url)
        # The address is read from the environment when the model is opened.
        return answered(house, question), server.requests


def test_the_models_words_are_the_answer_when_they_hold(house, monkeypatch):
    """They rest on what was looked up, and the books have both calls."""
    before = house.spending.month().calls
    words = "Acme is not ready: it has 6 points and needs 3 more points. It uses 87% of the 1,000 exports in its plan."
    found, requests = asked(house, monkeypatch, QUESTION, WHY_ACME, completion(words))
    assert (found.how, found.text, found.note) == (How.MODEL, words, "")
    assert [one.account_id for one in found.told[0].passages] == ["acme"]
    assert len(requests) == 2
    assert house.spending.month().calls == before + 2
    assert {one.task for one in house.spending.month().tasks} == {"ask"}
    assert QUESTION in requests[0]["messages"][-1]["content"]


def test_under_the_models_words_stand_ours(house, monkeypatch):
    """Where the account stands, in our own sentence, in plain text."""
    with serving(WHY_ACME, completion("Acme needs 3 more points.")) as server:
        monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", server.url)
        found = answer(house, QUESTION, who="slack:T0/U0DANA")
    shown = json.dumps(found.blocks)
    assert "Acme is not ready, on watch: 6 points, composite 63.5." in shown
    assert "mrkdwn" not in shown


@pytest.mark.parametrize(
    "words",
    [
        "Acme has 7 points.",
        "Globex uses 96% of its plan.",
        "Acme needs 3 more points, as Wayne Enterprises does.",
    ],
)
def test_an_answer_that_does_not_hold_is_replaced(house, monkeypatch, words):
    """By what was looked up, in our own words; none of the model's is shown."""
    found, _ = asked(house, monkeypatch, QUESTION, WHY_ACME, completion(words))
    assert (found.how, found.text) == (How.HOUSE, "")
    assert found.told[0].passages[0].says == "Acme is not ready, on watch: 6 points, composite 63.5."
    assert found.note == "The model's own words did not hold against what was looked up."


def test_an_answer_that_rests_on_nothing_is_replaced(house, monkeypatch):
    """A model that looks nothing up is not listened to: the known phrasing is answered, or the help."""
    found, _ = asked(house, monkeypatch, "why is Acme not ready?", completion("Acme needs 3 more points."))
    assert found.how is How.HOUSE
    assert found.told[0].passages[0].says.startswith("Acme is not ready")
    found, _ = asked(house, monkeypatch, QUESTION, completion("All is well."))
    assert found.told[0].says == "I can only answer some questions. You can ask:"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([failing(500)], id="a fault"),
        pytest.param([failing(401)], id="a wrong key"),
        pytest.param([completion("")], id="says nothing"),
        pytest.param([completion(None, refusal="No.")], id="refuses"),
        pytest.param([WHY_ACME], id="never answers"),
    ],
)
def test_without_a_models_answer_the_question_is_answered_all_the_same(house, monkeypatch, script):
    """The known phrasing by us, and a word about the model."""
    found, _ = asked(house, monkeypatch, "why is Acme not ready?", *script)
    assert found.how is How.HOUSE
    assert found.told[0].passages[0].says == "Acme is not ready, on watch: 6 points, composite 63.5."
    assert found.note


def test_a_model_that_is_not_there_does_not_stand_in_the_way(house, monkeypatch):
    """Nothing answers at its address."""
    monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    assert answered(house, "who is near their limit?").told[0].says.startswith("15 accounts")


def test_what_a_spent_budget_leaves_is_the_commands(folder, monkeypatch, tmp_path):
    """Nothing is sent to the model, and the question is answered."""
    monkeypatch.setenv("OUTGROWN_NOW", NOW.isoformat())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with serving(completion("No.")) as server, a_house(tmp_path, toml="[llm]\nmonthly_tokens = 10\n") as poor:
        monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", server.url)
        found = answered(poor, "who is near their limit?")
        assert found.told[0].says.startswith("15 accounts")
        assert "tokens for the model are spent" in found.note
        assert not server.requests


@pytest.mark.parametrize(
    "question",
    [
        "why ACME",
        "top",
        "near",
        "stop",
        "resume",
        "help",
        "snooze Globex until March",
        "put Globex off until May",
    ],
)
def test_commands_and_deeds_are_never_put_before_a_model(house, monkeypatch, question):
    """They cost nothing, and nobody words what is to be done but we."""
    found, requests = asked(house, monkeypatch, question, completion("I did it."))
    assert (found.how, requests) == (How.HOUSE, [])


def test_a_snooze_in_other_words_is_worked_out_by_us_and_done_by_a_button(house, monkeypatch):
    """The model names the account and the day; the button's draft and days are ours."""
    call = calling(("snooze", {"account": "Globex", "until": "until 1 February"}))
    words = "The button below puts the draft for Globex off until 1 February 2027, 71 days."
    found, requests = asked(
        house, monkeypatch, "Globex is on holidays, could that wait until February?", call, completion(words)
    )
    assert "snooze" in [one["function"]["name"] for one in requests[0]["tools"]]
    [proposal] = found.proposals
    draft = draft_of(house, "globex")
    assert (proposal.draft_id, proposal.days, found.how) == (draft.draft_id, 71, How.MODEL)
    assert draft.state == DraftState.PENDING


def test_a_question_that_asks_for_no_deed_is_offered_none(house, monkeypatch):
    """Whatever the model calls: there is no such tool, and so there is no button."""
    call = calling(
        ("snooze", {"account": "Globex", "until": "until 1 February"}), ("why", {"account": "Globex"})
    )
    found, requests = asked(
        house, monkeypatch, "what about the big ones?", call, completion("Globex is ready with 10 points.")
    )
    assert "snooze" not in [one["function"]["name"] for one in requests[0]["tools"]]
    assert found.proposals == ()
    assert found.how is How.MODEL


def test_a_name_that_gives_orders_is_a_name(house, monkeypatch):
    """It reaches the model as a value of data, and what it claims about others does not hold."""
    call = calling(("why", {"account": "hostile"}), ("why", {"account": "Globex"}))
    found, requests = asked(house, monkeypatch, QUESTION, call, completion("Globex is at 12%."))
    assert found.how is How.HOUSE
    results = [json.loads(one["content"]) for one in requests[1]["messages"] if one["role"] == "tool"]
    assert any("ignore all" in one["found"][0]["account"] for one in results)
    assert HOSTILE not in requests[1]["messages"][0]["content"]
    system = [one["content"] for one in requests[0]["messages"] if one["role"] == "system"]
    assert len(system) == 1
    assert "Acme" not in system[0]


def test_no_message_and_no_ticket_is_shown_to_the_model(house, monkeypatch):
    """What was sent stands under its answer, word for word, and never passed through it."""
    with serving(
        calling(("sent", {"account": "Initech"})), completion("It was sent on 19 November 2026.")
    ) as server:
        monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", server.url)
        found = answer(house, QUESTION, who="x")
        assert "exports stopped" not in json.dumps(server.requests)
    assert BODY.replace("\n", "\\n") in json.dumps(found.blocks, ensure_ascii=False)


def test_the_models_markup_does_nothing(house, monkeypatch):
    """It stands where Slack reads none."""
    with serving(WHY_ACME, completion("*Acme* needs <3 more points> <!channel>.")) as server:
        monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", server.url)
        found = answer(house, QUESTION, who="x")
    assert "mrkdwn" not in json.dumps(found.blocks)
    assert "<" not in found.text


def test_the_first_line_of_the_prompt_is_the_same_for_every_question():
    """What does not change stands first, so that a provider can cache it."""
    from agent.foundation.prompts import prompt

    one, other = (prompt("ask").lines(question=each, today="Sunday") for each in ("a?", "b?"))
    assert one[0] == other[0]
    assert one[1] != other[1]


def test_no_model_at_all_is_no_error(house, monkeypatch):
    """Switched off in between, the question is answered."""
    monkeypatch.delenv("OPENAI_API_KEY")
    assert answered(house, "who is near their limit?").how is How.HOUSE
