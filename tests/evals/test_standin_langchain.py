"""When LangChain's OpenAI model talks to the stand-in."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel, ConfigDict

from evals.standin import (
    CutOff,
    Empty,
    Html,
    Json,
    NotJson,
    Refusal,
    Standin,
    Status,
    Text,
    ToolCall,
    Wrong,
    in_turn,
)


class Greeting(BaseModel):
    """What is said first."""

    model_config = ConfigDict(extra="forbid")
    hello: str
    name: str


APIS = pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])


def chat(standin: Standin, responses: bool, **more):
    from langchain_openai import ChatOpenAI

    given = {"max_retries": 0, "timeout": 5} | more
    return ChatOpenAI(
        model="gpt-5-mini",
        base_url=standin.base_url,
        api_key="sk-x",
        use_responses_api=responses,
        **given,
    )


@APIS
def test_it_answers_whole_and_streamed_now_and_later(responses):
    """invoke, stream, ainvoke and astream, each with usage."""
    with Standin(in_turn(Text("Fine, thank you, and how are you?"))) as standin:
        model = chat(standin, responses, stream_usage=True)

        async def later():
            whole = await model.ainvoke("How are you?")
            pieces = [chunk async for chunk in model.astream("How are you?")]
            await model.root_async_client.close()
            return whole, pieces

        whole, pieces = model.invoke("How are you?"), list(model.stream("How are you?"))
        late, late_pieces = asyncio.run(later())
    assert whole.text == late.text == "Fine, thank you, and how are you?"
    for chunks in (pieces, late_pieces):
        total = chunks[0]
        for chunk in chunks[1:]:
            total += chunk
        assert total.text == whole.text
        assert total.usage_metadata["output_tokens"] == whole.usage_metadata["output_tokens"] == 9
        assert len(chunks) > 2


@APIS
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_comes_either_way(responses, method):
    """As the content of the answer, or as the arguments of a tool that must be called."""
    with Standin(in_turn(Json({"hello": "Hi", "name": "Ana"}))) as standin:
        asked = chat(standin, responses).with_structured_output(
            Greeting, method=method, strict=True, include_raw=True
        )
        got = asked.invoke("Say hello to Ana.")
        (request,) = standin.requests
    assert got["parsed"] == Greeting(hello="Hi", name="Ana")
    assert got["raw"].usage_metadata["output_tokens"] > 0
    assert request.fields == {"hello", "name"}
    assert request.must_call == ("Greeting" if method == "function_calling" else None)


@APIS
def test_tools_are_called(responses):
    """A call reaches LangChain with its arguments read."""
    with Standin(in_turn(ToolCall("Greeting", {"hello": "Hi", "name": "Ana"}))) as standin:
        (call,) = chat(standin, responses).bind_tools([Greeting]).invoke("Say hello.").tool_calls
    assert (call["name"], call["args"]) == ("Greeting", {"hello": "Hi", "name": "Ana"})


@APIS
def test_cached_tokens_reach_usage_metadata(responses):
    """So that what a draft costs can be told."""
    long = "The unchanging part. " * 400
    with Standin(in_turn(Text("hi"))) as standin:
        model = chat(standin, responses)
        asked = [
            model.invoke([("system", long), ("user", end)], prompt_cache_key="house")
            for end in ("one", "two")
        ]
    cached = [one.usage_metadata["input_token_details"]["cache_read"] for one in asked]
    assert cached[0] == 0
    assert cached[1] >= 1_024
    assert cached[1] <= asked[1].usage_metadata["input_tokens"]


@APIS
def test_a_rate_limit_is_waited_out(responses):
    """By the library itself, when it may retry."""
    with Standin(in_turn(Status(429, retry_after=0.2), Status(500), Text("hi"))) as standin:
        assert chat(standin, responses, max_retries=2).invoke("Hi?").text == "hi"
        first, second, _ = standin.requests
    assert second.at - first.at >= 0.2


@APIS
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Refusal(), id="refusal"),
        pytest.param(CutOff(), id="cut at the limit"),
        pytest.param(CutOff(after=40), id="cut off"),
        pytest.param(Status(401), id="401"),
        pytest.param(Html(), id="a proxy's page"),
        pytest.param(NotJson(), id="not JSON"),
        pytest.param(Empty(), id="empty"),
        pytest.param(Wrong(), id="other types"),
        pytest.param(Text("Hello!"), id="prose"),
        pytest.param(Json({"hello": ["Hi"], "name": 7}), id="other fields"),
    ],
)
def test_nothing_but_the_form_passes_for_an_answer(responses, reply):
    """Structured output raises, or has nothing parsed."""
    with Standin(in_turn(reply)) as standin:
        asked = chat(standin, responses).with_structured_output(
            Greeting, method="json_schema", strict=True, include_raw=True
        )
        # The library has no one class for these: some it raises, some it hands over with nothing parsed.
        try:
            parsed = asked.invoke("Say hello.")["parsed"]
        except Exception:
            parsed = None
    assert parsed is None
