"""Asking a model: what is sent, what is made of every kind of answer."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Field

from agent.foundation.errors import StoreError
from agent.foundation.llm.client import open_model
from agent.foundation.llm.port import NoAnswer, Task, Usage, Why
from agent.foundation.settings import Llm
from tests.foundation.asking import GOOD, KEY, LINES, TOLD, Book, Kind, a_model, ask, refused
from tests.foundation.modelserver import Reply, completion, failing, serving

ANSWER = '{"kind": "asks", "count": 3, "note": null}'
COUNTED = Usage(calls=1, tokens_in=1200, tokens_cached=1024, tokens_out=80)
FREE = Usage(calls=1)


def responses(text: str = ANSWER, status: str = "completed", **changes: Any) -> Reply:
    """An answer of OpenAI's other interface."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1767225600,
        "status": status,
        "model": "gpt-5-mini",
        "output": [
            {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": content}
        ],
        "usage": {
            "input_tokens": 1200,
            "output_tokens": 80,
            "total_tokens": 1280,
            "input_tokens_details": {"cached_tokens": 1024},
            "output_tokens_details": {"reasoning_tokens": 40},
        },
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
    }
    return Reply(json.dumps({**body, **changes}))


def tool_call(arguments: str) -> Reply:
    """An answer as a call of a function."""
    call = {"id": "c", "type": "function", "function": {"name": "Kind", "arguments": arguments}}
    return completion(None, finish="tool_calls", tool_calls=[call])


def test_an_answer_comes_in_the_form_asked_for_with_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens as the server counts them, cached ones among them, and their price in millionths of a dollar."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    book = Book()
    with serving(GOOD) as server, a_model(server, book) as model:
        got = ask(model, about="acme")
    assert got.value == Kind(kind="asks", count=3)
    assert got.model == model.name == "openai:gpt-5-mini"
    assert (got.usage.tokens_in, got.usage.tokens_cached, got.usage.tokens_out) == (1200, 1024, 80)
    assert (
        got.usage.cost_micro == 230
    )  # 176 at 0.25, 1024 at 0.025 and 80 at 2.00, in millionths, rounded up.
    assert 0 < got.usage.seconds < 30
    assert book.settled == [("call 1", got.usage, "answered")]
    task, name, most, about = book.set_aside[0]
    assert (task, name, about) == (Task.DRAFT, "openai:gpt-5-mini", "acme")
    assert most.tokens_out == 4000
    assert most.cost_micro > got.usage.cost_micro


def test_the_question_is_sent_with_its_form_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strict form, a bounded answer, the same cache key for all questions that begin alike."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(GOOD) as server, a_model(server) as model:
        ask(model)
        model.ask(Task.DRAFT, [LINES[0], LINES[1]._replace(text="another")], Kind)
        model.ask(Task.DRAFT, [LINES[0]._replace(text="other rules"), LINES[1]], Kind)
    sent, alike, other = server.requests
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert sent["messages"] == [{"role": str(line.role), "content": line.text} for line in LINES]
    assert (sent["model"], sent["max_completion_tokens"], sent["reasoning_effort"]) == (
        "gpt-5-mini",
        4000,
        "low",
    )
    form = sent["response_format"]["json_schema"]
    assert (form["name"], form["strict"]) == ("Kind", True)
    assert form["schema"]["required"] == ["kind", "count", "note"]
    assert form["schema"]["additionalProperties"] is False
    assert "default" not in json.dumps(form)
    assert sent["prompt_cache_key"] == alike["prompt_cache_key"] != other["prompt_cache_key"]


class Part(BaseModel):
    """One of several."""

    title: str = Field(max_length=20)


class Parts(BaseModel):
    """Several."""

    parts: list[Part]
    first: Part


def test_a_nested_form_is_strict_all_the_way_down() -> None:
    """And what strict forms do not allow is not sent, though the answer is still held to it."""
    with serving(completion('{"parts": [{"title": "a"}], "first": {"title": "b"}}')) as server:
        with a_model(server) as model:
            assert model.ask(Task.DRAFT, LINES, Parts).value.first.title == "b"
        form = server.requests[0]["response_format"]["json_schema"]["schema"]
        parts = [one for one in _objects(form) if one["properties"].keys() == {"title"}]
        assert parts
        assert all(one["additionalProperties"] is False and one["required"] == ["title"] for one in parts)
        assert "maxLength" not in json.dumps(form)
        server.script = [completion('{"parts": [], "first": {"title": "' + "b" * 21 + '"}}')]
        with a_model(server) as model, pytest.raises(NoAnswer, match="form"):
            model.ask(Task.DRAFT, LINES, Parts)


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for one in schema.values():
            yield from _objects(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from _objects(one)


@pytest.mark.parametrize(
    ("changes", "key", "absent"),
    [
        pytest.param({"model": "openai:gpt-4.1-mini"}, "model", "reasoning_effort", id="does not think"),
        pytest.param({"model": "llama3.1:8b"}, "model", "reasoning_effort", id="another's"),
        pytest.param({"effort": ""}, "model", "reasoning_effort", id="left to the model"),
        pytest.param({"cache_key": False}, "model", "prompt_cache_key", id="no cache key"),
    ],
)
def test_a_server_is_not_told_what_it_may_refuse(changes: dict[str, Any], key: str, absent: str) -> None:
    """Some servers refuse what they do not know."""
    with serving(GOOD) as server, a_model(server, **changes) as model:
        ask(model)
    assert key in server.requests[0]
    assert absent not in server.requests[0]


@pytest.mark.parametrize(
    ("changes", "reply", "path"),
    [
        ({"api": "responses"}, responses(), "/v1/responses"),
        ({"structured": "function_calling"}, tool_call(ANSWER), "/v1/chat/completions"),
    ],
    ids=["responses", "function calling"],
)
def test_the_other_ways_of_asking_answer_the_same(changes: dict[str, Any], reply: Reply, path: str) -> None:
    """For models and servers that want it so."""
    with serving(reply) as server, a_model(server, **changes) as model:
        got = ask(model)
    assert server.paths == [path]
    assert got.value == Kind(kind="asks", count=3)
    assert (got.usage.tokens_in, got.usage.tokens_cached, got.usage.tokens_out) == (1200, 1024, 80)


UNKNOWN = "the whole of what was set aside"
BAD: list[Any] = [
    pytest.param(completion('{"kind": "as', finish="length"), Why.TRUNCATED, COUNTED, id="length"),
    pytest.param(completion('{"kind": "as'), Why.MALFORMED, COUNTED, id="cut JSON"),
    pytest.param(completion(ANSWER + " and so on"), Why.MALFORMED, COUNTED, id="words after it"),
    pytest.param(completion(f"```json\n{ANSWER}\n```"), Why.MALFORMED, COUNTED, id="in a fence"),
    pytest.param(completion('{"kind": 4, "count": "many"}'), Why.MALFORMED, COUNTED, id="wrong types"),
    pytest.param(completion('{"count": 4}'), Why.MALFORMED, COUNTED, id="missing field"),
    pytest.param(completion("[" * 20_000), Why.MALFORMED, COUNTED, id="deep nesting"),
    pytest.param(completion('{"kind":"' + "x" * 70_000 + '","count":1}'), Why.MALFORMED, COUNTED, id="long"),
    pytest.param(completion(""), Why.MALFORMED, COUNTED, id="empty"),
    pytest.param(completion(None), Why.MALFORMED, COUNTED, id="null"),
    pytest.param(completion(None, refusal="secret words"), Why.REFUSED, COUNTED, id="refusal"),
    pytest.param(completion(None, finish="content_filter"), Why.REFUSED, COUNTED, id="content filter"),
    pytest.param(Reply('{"choices": []}'), Why.MALFORMED, UNKNOWN, id="no choices"),
    pytest.param(Reply('{"choices": null}'), Why.MALFORMED, UNKNOWN, id="null choices"),
    pytest.param(Reply('{"choices": "x"}'), Why.MALFORMED, UNKNOWN, id="choices of another type"),
    pytest.param(Reply("{}"), Why.MALFORMED, UNKNOWN, id="empty object"),
    pytest.param(Reply("[]"), Why.MALFORMED, UNKNOWN, id="list"),
    pytest.param(Reply("null"), Why.MALFORMED, UNKNOWN, id="nothing"),
    pytest.param(Reply(""), Why.MALFORMED, UNKNOWN, id="no body"),
    pytest.param(Reply(b"\xff\xfe\x00"), Why.MALFORMED, UNKNOWN, id="no text"),
    pytest.param(Reply("<html>no</html>"), Why.MALFORMED, UNKNOWN, id="HTML"),
    pytest.param(
        Reply("<html>no</html>", headers={"Content-Type": "text/html"}),
        Why.MALFORMED,
        UNKNOWN,
        id="HTML page",
    ),
    pytest.param(
        Reply(b"\x1f\x8b" * 50, headers={"Content-Encoding": "gzip"}), Why.MALFORMED, UNKNOWN, id="packed"
    ),
    pytest.param(Reply('{"choices": "' + "x" * 3_000_000 + '"}'), Why.MALFORMED, UNKNOWN, id="huge"),
    pytest.param(Reply(GOOD.body, cut=60), Why.SERVER_ERROR, UNKNOWN, id="breaks off"),
    pytest.param(completion(ANSWER, usage={"prompt_tokens": "x"}), Why.MALFORMED, UNKNOWN, id="odd usage"),
    pytest.param(failing(401), Why.BAD_KEY, FREE, id="401"),
    pytest.param(failing(403), Why.BAD_KEY, FREE, id="403"),
    pytest.param(failing(404, "model_not_found"), Why.UNKNOWN_MODEL, FREE, id="404"),
    pytest.param(failing(400, "model_not_found"), Why.UNKNOWN_MODEL, FREE, id="unknown model as 400"),
    pytest.param(failing(400, "content_filter"), Why.REFUSED, FREE, id="filtered question"),
    pytest.param(failing(400, "context_length_exceeded"), Why.MALFORMED, FREE, id="too long"),
    pytest.param(failing(422), Why.MALFORMED, FREE, id="422"),
    pytest.param(failing(429), Why.RATE_LIMITED, FREE, id="429"),
    pytest.param(failing(429, "insufficient_quota"), Why.RATE_LIMITED, FREE, id="no credit"),
    pytest.param(failing(500), Why.SERVER_ERROR, FREE, id="500"),
    pytest.param(failing(503), Why.SERVER_ERROR, FREE, id="503"),
    pytest.param(Reply("<h1>Bad gateway</h1>", 502), Why.SERVER_ERROR, FREE, id="502 page"),
    pytest.param(failing(302, Location="http://127.0.0.1:9/"), Why.UNREACHABLE, FREE, id="redirect"),
]


@pytest.mark.parametrize(("reply", "why", "took"), BAD)
def test_an_answer_that_cannot_be_used_says_why_and_what_it_took(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], reply: Reply, why: Why, took: Any
) -> None:
    """One sentence without a key, a prompt or the answer; unknown cost is what was set aside, never nothing."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    book = Book()
    with serving(reply) as server, a_model(server, book) as model:
        no = refused(model)
    assert no.why is why
    assert len(server.requests) == 1
    assert book.settled == [("call 1", no.usage, str(why))]
    expected = book.set_aside[0][2] if took is UNKNOWN else took
    for part in ("calls", "tokens_in", "tokens_cached", "tokens_out"):
        assert getattr(no.usage, part) == getattr(expected, part), part
    said = str(no)
    assert said.endswith((".", "[llm]."))
    assert said.count(". ") == 0
    for secret in (KEY, TOLD, "secret words", "<h", "Traceback"):
        assert secret not in said
    assert capfd.readouterr() == ("", "")
    assert no.__cause__ is None
    assert no.__context__ is None


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(
            responses('{"kind": "a', "incomplete", incomplete_details={"reason": "max_output_tokens"}),
            Why.TRUNCATED,
            id="length",
        ),
        pytest.param(responses("", "failed", output=[], usage=None), Why.MALFORMED, id="failed"),
        pytest.param(
            responses(
                output=[
                    {
                        "type": "message",
                        "id": "m",
                        "role": "assistant",
                        "status": "completed",
                        "content": [{"type": "refusal", "refusal": "no"}],
                    }
                ]
            ),
            Why.REFUSED,
            id="refusal",
        ),
    ],
)
def test_the_other_interface_fails_in_the_same_words(reply: Reply, why: Why) -> None:
    """Whichever is spoken."""
    with serving(reply) as server, a_model(server, api="responses") as model:
        assert refused(model).why is why


def test_cut_off_arguments_of_a_function_are_no_answer() -> None:
    """Half an object is none."""
    with (
        serving(tool_call('{"kind": "asks", "cou')) as server,
        a_model(server, structured="function_calling") as model,
    ):
        assert refused(model).why is Why.MALFORMED


def test_a_server_that_does_not_count_costs_what_was_set_aside() -> None:
    """Its answer is used, and no month is cheaper for it."""
    book = Book()
    with serving(completion(ANSWER, usage=None)) as server, a_model(server, book) as model:
        got = ask(model)
    assert (got.usage.tokens_in, got.usage.tokens_out) == (book.set_aside[0][2].tokens_in, 4000)


def test_a_server_that_counts_nonsense_is_not_believed_whole() -> None:
    """Below nothing is nothing, and one call cannot claim more than a bounded amount."""
    odd = {
        "prompt_tokens": 10**18,
        "completion_tokens": -5,
        "prompt_tokens_details": {"cached_tokens": 10**19},
    }
    with serving(completion(ANSWER, usage=odd)) as server, a_model(server) as model:
        got = ask(model)
    assert (got.usage.tokens_in, got.usage.tokens_cached, got.usage.tokens_out) == (10**7, 10**7, 0)


@pytest.fixture
def plain_port() -> Iterator[int]:
    """A port where something listens that does not speak TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def answer() -> None:
            while not over.is_set():
                try:
                    with listening.accept()[0] as one:
                        one.recv(100)
                        one.sendall(b"SSH-2.0-x\r\n")
                except OSError:
                    return

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9/v1", "nothing answers there"),
        ("http://no-such-host.invalid/v1", "no server of that name"),
        ("http://[::1]:9/v1", "nothing answers there"),
        ("http://127.0.0.1:99999/v1", "cannot be used"),
    ],
)
def test_a_server_that_cannot_be_reached_is_said_to_be_so(url: str, says: str) -> None:
    """With where to look."""
    with a_model(url) as model:
        no = refused(model)
    assert no.why in (Why.UNREACHABLE, Why.MALFORMED)
    assert says in str(no) or "base_url" in str(no)
    assert no.usage.tokens_in == no.usage.cost_micro == 0 or no.why is Why.MALFORMED


def test_encryption_that_does_not_hold_is_said_to_be_so(plain_port: int) -> None:
    """What answers there does not speak TLS."""
    assert issubclass(ssl.SSLError, OSError)
    with a_model(f"https://127.0.0.1:{plain_port}/v1") as model:
        no = refused(model)
    assert no.why is Why.UNREACHABLE
    assert "encryption" in str(no)


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (NoAnswer(Why.OUT_OF_BUDGET, "The month's money is spent."), "money is spent"),
        (StoreError("The state is in use."), "cannot be told: The state is in use."),
    ],
)
def test_without_leave_to_spend_nothing_is_asked(refusal: Exception, says: str) -> None:
    """Neither over the budget, nor when the books cannot be opened."""
    with serving(GOOD) as server, a_model(server, Book(refusal)) as model:
        no = refused(model)
    assert no.why is Why.OUT_OF_BUDGET
    assert says in str(no)
    assert server.requests == []


@pytest.mark.parametrize(
    ("llm", "environment", "is_on"),
    [
        ({}, {}, False),
        ({}, {"OPENAI_API_KEY": KEY}, True),
        ({}, {"OUTGROWN_LLM_KEY": KEY}, True),
        ({}, {"OPENAI_API_KEY": "  "}, False),
        ({"model": ""}, {"OPENAI_API_KEY": KEY}, False),
        ({"base_url": "http://localhost:1/v1"}, {}, True),
        ({"model": "", "base_url": "http://localhost:1/v1"}, {}, False),
        ({}, {"OUTGROWN_LLM_BASE_URL": "http://localhost:1/v1"}, True),
    ],
)
def test_a_model_is_on_when_it_is_named_and_can_be_reached(
    monkeypatch: pytest.MonkeyPatch, llm: dict[str, Any], environment: dict[str, str], is_on: bool
) -> None:
    """A key, or a server of one's own."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (open_model(Llm(**llm)) is not None) is is_on
