"""Conversations with tools through the real client: what the model sees, what it costs, and every way they end."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from pydantic import BaseModel

from agent.foundation.errors import NotFound, StoreError
from agent.foundation.llm.port import Conversation, Line, NoAnswer, Role, Task, Tool, Why
from evals.standin import Standin
from evals.standin.replies import Text, ToolCall
from tests.foundation.asking import Book, a_model
from tests.foundation.modelserver import Reply, calling, completion, failing, serving

LINES = [Line(Role.SYSTEM, "You look things up."), Line(Role.USER, "How full is Acme?")]
SAID = completion("Acme is at 87%.")


class Which(BaseModel):
    """Which account."""

    account: str


def full(asked: Which) -> str:
    """How full it is."""
    if asked.account == "nobody":
        raise NotFound("There is no account 'nobody'.")
    if asked.account == "broken":
        raise RuntimeError("secret words")
    return f"{asked.account} is at 87%."


TOOLS = [Tool("full", "How full an account's plan is.", Which, full)]


def talk(model: Any, **changes: Any) -> Conversation:
    """The conversation."""
    return model.converse(Task.ASK, LINES, TOOLS, **changes)


def refused(model: Any, **changes: Any) -> NoAnswer:
    """Why it ended without an answer."""
    with pytest.raises(NoAnswer) as caught:
        talk(model, **changes)
    return caught.value


def results(request: dict[str, Any]) -> list[str]:
    """What the tools told the model."""
    return [one["content"] for one in request["messages"] if one["role"] == "tool"]


def test_what_a_tool_answers_is_what_the_model_speaks_of():
    """The model is given the tools, its call is run, and its last words come back with what it looked up."""
    with serving(calling(("full", {"account": "Acme"})), SAID) as server, a_model(server) as model:
        found = talk(model)
    assert found.text == "Acme is at 87%."
    assert [tuple(call) for call in found.calls] == [("full", {"account": "Acme"}, "Acme is at 87%.")]
    first, second = server.requests
    [tool] = first["tools"]
    assert tool["function"]["name"] == "full"
    assert list(tool["function"]["parameters"]["properties"]) == ["account"]
    assert [one["role"] for one in first["messages"]] == ["system", "user"]
    assert results(second) == ["Acme is at 87%."]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_both_of_the_providers_interfaces_know_tools(api):
    """The same conversation in either protocol, checked as the provider checks it."""

    def replies(request: Any) -> Any:
        return (
            Text("Acme is at 87%.") if "is at 87" in request.prefix else ToolCall("full", {"account": "Acme"})
        )

    with Standin(replies) as server, a_model(server.base_url, api=api) as model:
        found = talk(model)
    assert (found.text, [call.result for call in found.calls]) == ("Acme is at 87%.", ["Acme is at 87%."])
    assert found.usage.calls == 2


def test_every_call_is_set_aside_and_settled():
    """Two questions, two entries; each with what it took, and the whole with both."""
    book = Book()
    with serving(calling(("full", {"account": "Acme"})), SAID) as server, a_model(server, book) as model:
        found = talk(model, about="acme")
    assert [(task, about) for task, _, _, about in book.set_aside] == [(Task.ASK, "acme")] * 2
    assert [outcome for _, _, outcome in book.settled] == ["answered"] * 2
    assert found.usage.calls == 2
    assert found.usage.tokens_in == 2400
    assert found.usage.cost_micro == sum(usage.cost_micro for _, usage, _ in book.settled) > 0
    for (_, _, most, _), (_, usage, _) in zip(book.set_aside, book.settled, strict=True):
        assert most.tokens_out >= usage.tokens_out
    assert book.set_aside[1][2].tokens_in > book.set_aside[0][2].tokens_in, (
        "what was looked up is paid for too"
    )


@pytest.mark.parametrize(
    ("call", "told"),
    [
        pytest.param(("full", {"account": "nobody"}), "There is no account 'nobody'.", id="not found"),
        pytest.param(("full", {"account": "broken"}), "This could not be looked up.", id="a fault of ours"),
        pytest.param(("full", {"accounts": 3}), "These are not arguments of full.", id="wrong arguments"),
        pytest.param(("empty", {}), "empty is not a valid tool, try one of [full].", id="no such tool"),
    ],
)
def test_what_goes_wrong_in_a_tool_is_told_to_the_model(call, told):
    """It may ask again, or say that it does not know; no error of ours reaches it in its own words."""
    with serving(calling(call), completion("I do not know.")) as server, a_model(server) as model:
        assert talk(model).text == "I do not know."
    [said] = results(server.requests[1])
    assert told in said
    assert "secret" not in said


def test_the_last_round_is_answered_without_a_tool():
    """A model that would go on looking things up is made to speak."""
    script = [calling(("full", {"account": "Acme"}))] * 2 + [SAID]
    with serving(*script) as server, a_model(server) as model:
        assert talk(model, rounds=3).text == "Acme is at 87%."
    assert [one.get("tool_choice") for one in server.requests] == [None, None, "none"]


@pytest.mark.parametrize(
    ("script", "why", "asked"),
    [
        pytest.param([calling(("full", {"account": "Acme"}))], Why.MALFORMED, 3, id="never answers"),
        pytest.param(
            [calling(*[("full", {"account": "Acme"})] * 9)], Why.MALFORMED, 1, id="nine tools at once"
        ),
        pytest.param([calling(("full", "{not json"))], Why.MALFORMED, 1, id="broken arguments"),
        pytest.param([completion("")], Why.MALFORMED, 1, id="says nothing"),
        pytest.param([completion("a" * 70_000)], Why.MALFORMED, 1, id="says too much"),
        pytest.param([completion("Acme is", "length")], Why.TRUNCATED, 1, id="cut off"),
        pytest.param([completion(None, refusal="No.")], Why.REFUSED, 1, id="refuses"),
        pytest.param([failing(500)], Why.SERVER_ERROR, 1, id="a fault of the server"),
        pytest.param([failing(401)], Why.BAD_KEY, 1, id="a wrong key"),
        pytest.param([failing(429)], Why.RATE_LIMITED, 1, id="too many questions"),
        pytest.param([Reply("<html>")], Why.MALFORMED, 1, id="no JSON"),
        pytest.param(
            [calling(("full", {"account": "Acme"})), failing(500)], Why.SERVER_ERROR, 2, id="fails later"
        ),
    ],
)
def test_every_other_end_is_a_reason(script, why, asked):
    """Never another error, and every call that was set aside is settled."""
    book = Book()
    with serving(*script) as server, a_model(server, book) as model:
        failure = refused(model, rounds=3)
    assert failure.why is why
    assert len(server.requests) == asked
    assert len(book.settled) == len(book.set_aside) == asked
    assert failure.usage.calls == asked
    assert "secret" not in f"{failure} {failure.__cause__} {failure.__context__}"


def test_a_server_that_is_not_there_is_a_reason():
    """Nothing answers."""
    with a_model("http://127.0.0.1:9/v1") as model:
        assert refused(model).why is Why.UNREACHABLE


def test_nothing_is_asked_beyond_the_budget():
    """The meter's refusal is the answer, before anything is sent."""
    book = Book(NoAnswer(Why.OUT_OF_BUDGET, "The month's money for the model is spent."))
    with serving(SAID) as server, a_model(server, book) as model:
        assert refused(model).why is Why.OUT_OF_BUDGET
        assert not server.requests
    with serving(SAID) as server, a_model(server, Book(StoreError("locked"))) as model:
        assert refused(model).why is Why.OUT_OF_BUDGET
        assert not server.requests


def test_a_conversation_ends_with_the_patience_of_the_run():
    """One slow answer after another may not add up to more than the run waits, and what was open is paid in full."""
    book, slow = Book(), calling(("full", {"account": "Acme"}))
    slow.wait = 0.4
    began = time.monotonic()
    with serving(slow) as server, a_model(server, book, patience=1.0) as model:
        failure = refused(model, rounds=50)
    assert failure.why is Why.OUT_OF_PATIENCE
    assert time.monotonic() - began < 6
    assert len(book.settled) == len(book.set_aside) >= 2
    assert book.settled[-1][2] == Why.OUT_OF_PATIENCE
    assert book.settled[-1][1].tokens_in == book.set_aside[-1][2].tokens_in


def test_a_tool_that_hangs_does_not_hold_the_answer():
    """The run's patience ends that too."""
    over = threading.Event()
    hangs = Tool("full", "Hangs.", Which, lambda _: str(over.wait(10)))
    with serving(calling(("full", {"account": "Acme"}))) as server, a_model(server, patience=1.0) as model:
        began = time.monotonic()
        with pytest.raises(NoAnswer) as caught:
            model.converse(Task.ASK, LINES, [hangs])
        assert caught.value.why is Why.OUT_OF_PATIENCE
        assert time.monotonic() - began < 4
        over.set()


def test_one_call_that_takes_too_long_is_a_timeout():
    """Per question the settings' seconds hold."""
    late = completion("Acme is at 87%.")
    late.wait = 3
    with serving(late) as server, a_model(server, timeout_seconds=0.3) as model:
        assert refused(model).why is Why.TIMEOUT


def test_a_model_that_cannot_be_used_is_not_asked_for_ever():
    """Questions and conversations count together."""
    with serving(failing(401)) as server, a_model(server) as model:
        for _ in range(5):
            assert refused(model).why is Why.BAD_KEY
    assert len(server.requests) == 3


def test_the_unchanging_part_keeps_its_cache_key():
    """All questions of a kind meet the same cache; a server that knows none is not told."""
    for wanted in (True, False):
        with serving(SAID) as server, a_model(server, cache_key=wanted) as model:
            talk(model)
        assert ("prompt_cache_key" in server.requests[0]) is wanted


def test_many_may_talk_at_once():
    """Each hears its own."""
    with serving(SAID) as server, a_model(server) as model:
        said: list[str] = []
        threads = [threading.Thread(target=lambda: said.append(talk(model).text)) for _ in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(10)
    assert said == ["Acme is at 87%."] * 6
