"""When the provider's own client talks to the stand-in."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, ConfigDict

from evals.standin import (
    CutOff,
    Dribble,
    Empty,
    Filtered,
    Hang,
    Html,
    Huge,
    Json,
    NotJson,
    Refusal,
    Slow,
    Standin,
    Status,
    Text,
    ToolCall,
    Wrong,
    in_turn,
)

MODEL = "gpt-5-mini"
ASKS = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How are you?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
    },
}
FLAT_TOOL = {
    "type": "function",
    "name": "look_up",
    "parameters": TOOL["function"]["parameters"],
    "strict": False,
}


class Greeting(BaseModel):
    model_config = ConfigDict(extra="forbid")
    hello: str
    name: str


def client(standin: Standin, **more) -> OpenAI:
    return OpenAI(base_url=standin.base_url, api_key="sk-secret-key-1234", **({"max_retries": 0} | more))


def chat(standin: Standin, **more):
    return client(standin).chat.completions.create(model=MODEL, messages=ASKS, **more)


def respond(standin: Standin, **more):
    return client(standin).responses.create(model=MODEL, input=ASKS, **more)


def test_it_starts_at_once_on_loopback_alone():
    """Within a tenth of a second, and nowhere but on this machine."""
    begun = time.perf_counter()
    with Standin(in_turn(Text("hi"))) as standin:
        assert time.perf_counter() - begun < 0.1
        assert standin.base_url.startswith("http://127.0.0.1:")
        assert client(standin).models.list().data[0].id == MODEL
        assert client(standin).models.retrieve(MODEL).id == MODEL


def test_a_completion_says_what_was_scripted_and_what_it_took():
    """Text, end and usage come as the provider sends them, and the request is kept parsed."""
    with Standin(in_turn(Text("Fine, thank you."))) as standin:
        got = chat(standin, n=2)
        assert [choice.message.content for choice in got.choices] == ["Fine, thank you."] * 2
        assert got.choices[0].finish_reason == "stop"
        assert got.usage.completion_tokens == 4
        assert got.usage.prompt_tokens_details.cached_tokens == 0
        assert got.usage.completion_tokens_details.reasoning_tokens == 0
        (request,) = standin.requests
        assert request.said == (("system", "Be brief."), ("user", "How are you?"))


@pytest.mark.parametrize("with_usage", [True, False])
def test_a_streamed_completion_comes_in_pieces(with_usage):
    """Usage comes in a last chunk without choices, and only where it was asked for."""
    options = {"stream_options": {"include_usage": True}} if with_usage else {}
    with Standin(in_turn(Text("A sentence that is longer than one piece of a stream."))) as standin:
        chunks = list(chat(standin, stream=True, **options))
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert len(said) > 3
    assert "".join(said) == "A sentence that is longer than one piece of a stream."
    assert [chunk.usage is not None for chunk in chunks].count(True) == int(with_usage)
    assert (chunks[-1].choices == []) is with_usage


def test_a_response_says_what_was_scripted_and_what_it_took():
    """Text, status and usage come as the provider sends them."""
    with Standin(in_turn(Text("Fine, thank you."))) as standin:
        got = respond(standin, instructions="Be kind.")
        assert (got.output_text, got.status) == ("Fine, thank you.", "completed")
        assert (got.usage.output_tokens, got.usage.input_tokens_details.cached_tokens) == (4, 0)
        assert standin.requests[0].said[0] == ("system", "Be kind.")


@pytest.mark.parametrize(
    ("reply", "last", "middle"),
    [
        pytest.param(Text("Fine."), "response.completed", "response.output_text", id="text"),
        pytest.param(Refusal(), "response.completed", "response.refusal", id="refusal"),
        pytest.param(CutOff("Fi"), "response.incomplete", "response.output_text", id="cut"),
        pytest.param(
            ToolCall("look_up", {"id": "7"}),
            "response.completed",
            "response.function_call_arguments",
            id="tool",
        ),
    ],
)
def test_a_streamed_response_comes_in_the_providers_order(reply, last, middle):
    """Created, in progress, the item and its parts, and the whole at the end; numbered from nought."""
    with Standin(in_turn(reply)) as standin:
        events = list(respond(standin, stream=True, tools=[FLAT_TOOL]))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    names = list(dict.fromkeys(event.type for event in events))
    part = ["response.content_part.added"], ["response.content_part.done"]
    if isinstance(reply, ToolCall):
        part = [], []
    assert names == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        *part[0],
        f"{middle}.delta",
        f"{middle}.done",
        *part[1],
        "response.output_item.done",
        last,
    ]


def test_a_form_asked_for_is_answered_in_it():
    """The client's own parsing takes the JSON of both protocols."""
    with Standin(in_turn(Json({"hello": "Hi", "name": "Ana"}))) as standin:
        asked = client(standin)
        one = asked.chat.completions.parse(model=MODEL, messages=ASKS, response_format=Greeting)
        other = asked.responses.parse(model=MODEL, input=ASKS, text_format=Greeting)
        assert one.choices[0].message.parsed == other.output_parsed == Greeting(hello="Hi", name="Ana")
        assert [request.fields for request in standin.requests] == [{"hello", "name"}] * 2


@pytest.mark.parametrize("choice", ["auto", {"type": "function", "function": {"name": "look_up"}}])
def test_a_tool_is_called_in_a_completion(choice):
    """A call the model chose ends with tool_calls, one it was made to make with stop."""
    with Standin(
        in_turn(ToolCall("look_up", {"id": "7"}) if choice == "auto" else Json({"id": "7"}))
    ) as standin:
        got = chat(standin, tools=[TOOL], tool_choice=choice).choices[0]
        streamed = list(chat(standin, tools=[TOOL], tool_choice=choice, stream=True))
    (call,) = got.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("look_up", {"id": "7"})
    assert got.finish_reason == ("tool_calls" if choice == "auto" else "stop")
    calls = [one for chunk in streamed for one in chunk.choices[0].delta.tool_calls or ()]
    assert calls[0].function.name == "look_up"
    assert json.loads("".join(one.function.arguments for one in calls)) == {"id": "7"}


def test_a_tool_is_called_in_a_response():
    """As an item of its own."""
    with Standin(in_turn(ToolCall("look_up", {"id": "7"}))) as standin:
        (item,) = respond(standin, tools=[FLAT_TOOL]).output
    assert (item.type, item.name, json.loads(item.arguments)) == ("function_call", "look_up", {"id": "7"})


@pytest.mark.parametrize(
    ("reply", "finish", "incomplete"),
    [
        pytest.param(CutOff("Fi"), "length", "max_output_tokens", id="length"),
        pytest.param(Filtered("Fi"), "content_filter", "content_filter", id="filter"),
    ],
)
def test_an_answer_cut_short_says_so(reply, finish, incomplete):
    """In each protocol's own words; the client's parsing raises for it."""
    with Standin(in_turn(reply)) as standin:
        assert chat(standin).choices[0].finish_reason == finish
        got = respond(standin)
        assert (got.status, got.incomplete_details.reason) == ("incomplete", incomplete)
        with pytest.raises((openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError)):
            client(standin).chat.completions.parse(model=MODEL, messages=ASKS, response_format=Greeting)


def test_a_limit_of_tokens_is_kept():
    """An answer longer than the request allows is cut at the limit, as the provider cuts it."""
    with Standin(in_turn(Text("word " * 100))) as standin:
        got = chat(standin, max_completion_tokens=20)
    assert (got.choices[0].finish_reason, got.usage.completion_tokens) == ("length", 20)


def test_a_refusal_has_a_field_of_its_own():
    """Not the text, in either protocol."""
    with Standin(in_turn(Refusal("No."))) as standin:
        message = chat(standin).choices[0].message
        assert (message.content, message.refusal) == (None, "No.")
        (part,) = respond(standin).output[0].content
        assert (part.type, part.refusal) == ("refusal", "No.")


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        pytest.param(Status(401), openai.AuthenticationError, "invalid_api_key", id="401"),
        pytest.param(Status(404), openai.NotFoundError, "model_not_found", id="404"),
        pytest.param(Status(429), openai.RateLimitError, "rate_limit_exceeded", id="429"),
        pytest.param(
            Status(429, name="insufficient_quota"), openai.RateLimitError, "insufficient_quota", id="quota"
        ),
        pytest.param(Status(500), openai.InternalServerError, None, id="500"),
        pytest.param(Status(503), openai.InternalServerError, None, id="503"),
    ],
)
@pytest.mark.parametrize("ask", [chat, respond])
def test_errors_are_the_providers(ask, status, error, code):
    """Status, kind and code; a key is never repeated whole."""
    with Standin(in_turn(status)) as standin, pytest.raises(error) as raised:
        ask(standin)
    assert raised.value.code == code
    assert "sk-secret-key-1234" not in str(raised.value)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"model": "gpt-9"}, "model_not_found", id="unknown model"),
        pytest.param({"max_tokens": 9}, "unsupported_parameter", id="older name of the limit"),
        pytest.param({"temperature": 0.3}, "unsupported_value", id="temperature of a thinking model"),
        pytest.param({"messages": []}, "missing_required_parameter", id="nothing asked"),
        pytest.param(
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "greeting",
                        "strict": True,
                        "schema": {"type": "object", "properties": {"hello": {"type": "string"}}},
                    },
                }
            },
            "invalid_json_schema",
            id="schema that is not strict",
        ),
    ],
)
def test_what_the_provider_would_not_take_is_refused(more, code):
    """Before any answer is scripted: no test passes with a request that fails in earnest."""
    with (
        Standin(in_turn(Text("hi")), models=[MODEL]) as standin,
        pytest.raises(openai.APIStatusError) as raised,
    ):
        client(standin).chat.completions.create(**({"model": MODEL, "messages": ASKS} | more))
    assert raised.value.code == code


def test_a_wrong_key_is_refused():
    """Where the stand-in was given the right one."""
    with Standin(in_turn(Text("hi")), key="sk-other") as standin, pytest.raises(openai.AuthenticationError):
        chat(standin)


def test_retry_after_is_waited_for():
    """The client comes back when it was told to, and not before."""
    with Standin(in_turn(Status(429, retry_after=0.3), Text("hi"))) as standin:
        got = client(standin, max_retries=2).chat.completions.create(model=MODEL, messages=ASKS)
        first, second = standin.requests
        assert got.choices[0].message.content == "hi"
        assert 0.3 <= second.at - first.at < 2


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(Html(), openai.InternalServerError, id="a proxy's page"),
        pytest.param(CutOff(after=30), openai.APIConnectionError, id="cut off"),
        pytest.param(CutOff(after=0), openai.APIConnectionError, id="cut off at once"),
        pytest.param(Hang(), openai.APITimeoutError, id="no answer"),
        pytest.param(Slow(30, Text("hi")), openai.APITimeoutError, id="late"),
        pytest.param(NotJson(), (openai.APIError, json.JSONDecodeError), id="not JSON"),
    ],
)
@pytest.mark.parametrize("ask", [chat, respond])
def test_broken_wires_reach_the_client_as_errors(ask, reply, error):
    """Each in the client's own kind of error."""
    with Standin(in_turn(reply)) as standin, pytest.raises(error):
        ask(standin, timeout=0.3)


def test_a_stream_can_break_in_the_middle():
    """After some pieces have come."""
    with (
        Standin(in_turn(CutOff("word " * 50, after=900))) as standin,
        pytest.raises(openai.APIConnectionError),
    ):
        list(chat(standin, stream=True))


def test_a_dribble_outlasts_any_time_allowed_between_two_bytes():
    """Which is why a limit is needed on the whole, not on the pause."""
    with Standin(in_turn(Dribble(50))) as standin:
        done = threading.Event()

        def ask() -> None:
            with pytest.raises(openai.APIError):
                client(standin, timeout=0.3).chat.completions.create(model=MODEL, messages=ASKS)
            done.set()

        asking = threading.Thread(target=ask)
        asking.start()
        assert not done.wait(1.0)
    asking.join(5)
    assert done.is_set()


@pytest.mark.parametrize("reply", [Empty(), Wrong()])
def test_answers_without_an_answer_pass_the_client(reply):
    """The client believes what it gets; whoever uses it must not."""
    with Standin(in_turn(reply)) as standin:
        got = chat(standin)
    assert not got.choices or not isinstance(got.choices, list)


def test_a_huge_answer_has_the_form_asked_for():
    """Only its first field is too long."""
    with Standin(in_turn(Huge(1_000_000))) as standin:
        got = client(standin).chat.completions.parse(model=MODEL, messages=ASKS, response_format=Greeting)
    assert len(got.choices[0].message.parsed.hello) == 1_000_000


def test_the_same_beginning_counts_as_cached():
    """From 1,024 tokens on, in steps of 128, for the same model and cache key, and never the first time."""
    long = "The unchanging part. " * 400

    def cached(standin, end, key="a", model=MODEL):
        asks = [{"role": "system", "content": long}, {"role": "user", "content": end}]
        got = client(standin).chat.completions.create(model=model, messages=asks, prompt_cache_key=key)
        return got.usage.prompt_tokens_details.cached_tokens

    with Standin(in_turn(Text("hi"))) as standin:
        assert cached(standin, "one") == 0
        again = cached(standin, "two")
        assert again >= 1_024
        assert again % 128 == 0
        assert len(long) / 4 - 256 < again <= len(long) / 4 + 8
        assert cached(standin, "two", key="b") == cached(standin, "two", model="gpt-5") == 0
    with Standin(in_turn(Text("hi"))) as standin:
        chat(standin)
        assert chat(standin).usage.prompt_tokens_details.cached_tokens == 0


def test_many_ask_at_once():
    """Every one gets its own answer and every request is kept."""
    with Standin(lambda request: Text(request.said[-1].text)) as standin:

        async def ask() -> list[str]:
            async with AsyncOpenAI(base_url=standin.base_url, api_key="sk-x", max_retries=0) as asked:
                texts = [f"number {nth}" for nth in range(40)]
                asks = (
                    asked.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
                    for text in texts
                )
                return [got.choices[0].message.content for got in await asyncio.gather(*asks)]

        assert asyncio.run(ask()) == [f"number {nth}" for nth in range(40)]
        assert len(standin.requests) == 40


def test_a_script_that_fails_is_heard_of():
    """A mistake in a script does not pass for a model that is down."""

    def broken(request):
        raise KeyError("subject")

    standin = Standin(broken)
    with pytest.raises(KeyError, match="subject"), standin, pytest.raises(openai.InternalServerError):
        chat(standin)
