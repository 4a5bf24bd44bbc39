"""A conversation with tools: LangChain's agent, each of its calls to the model set aside and settled in the books."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple, Protocol

from agent.foundation.errors import OutgrownError
from agent.foundation.llm import wire
from agent.foundation.llm.failures import MALFORMED, Failure
from agent.foundation.llm.port import Line, NoAnswer, Role, Tool, ToolCall, Usage, Why

MOST_CALLS = 8
"Tools that one answer of the model may use at a time."
LONGEST_RESULT = 12_000
"Characters of a tool's answer that the model is shown."
STEPS = 6
"More than the steps that LangChain's agent takes in one round."
TOO_MANY = Failure(Why.MALFORMED, "The model kept looking things up instead of answering.")
BROKEN = "This could not be looked up."


class Verdict(NamedTuple):
    """What one call to the model came to."""

    failure: Failure | None
    usage: Usage | None
    "None when nobody counted."


class Books(Protocol):
    """What a conversation needs of the client: its limits, its price, its meter."""

    def left(self) -> float:
        """Seconds that the next call may take."""
        ...

    def reserve(self, size: int) -> tuple[str, Usage]:
        """Set aside what a call of `size` bytes may take; answers its id, and how much that is."""
        ...

    def settle(self, call_id: str, usage: Usage, seconds: float, failure: Failure | None) -> Usage:
        """Put what the call came to in the place of what was set aside; answers it with its price."""
        ...

    def verdict(self, message: Any) -> Verdict:
        """What a message of the model came to."""
        ...

    def verdict_of_error(self, error: Exception) -> Verdict:
        """What a call that failed came to."""
        ...


@dataclass
class Talk:
    """One conversation under way."""

    books: Books
    rounds: int
    key: dict[str, str]
    usage: Usage = field(default_factory=Usage)
    asked: int = 0
    open: dict[str, Usage] = field(default_factory=dict)
    "Calls that are set aside and not settled yet."
    lock: Lock = field(default_factory=Lock)

    def reserve(self, size: int) -> str:
        """Set one call aside."""
        call_id, most = self.books.reserve(size)
        with self.lock:
            self.open[call_id] = most
        return call_id

    def settle(self, call_id: str, told: Verdict, seconds: float) -> None:
        """Settle one call, once."""
        with self.lock:
            most = self.open.pop(call_id, None)
        if most is None:
            return
        usage = self.books.settle(call_id, told.usage or most, seconds, told.failure)
        with self.lock:
            self.usage += usage

    def settle_rest(self, failure: Failure) -> None:
        """Settle what was given up in the middle, at what was set aside for it."""
        for call_id in list(self.open):
            self.settle(call_id, Verdict(failure, None), 0.0)


def prepare() -> None:
    """Load the library, which is not waiting for the model."""
    from langchain.agents import create_agent  # noqa: F401

    wire.silence()


async def talk_with(
    model: Any, talk: Talk, lines: Sequence[Line], tools: Sequence[Tool]
) -> tuple[str, tuple[ToolCall, ...]]:
    """What the model says in the end, and the tools it used."""
    from langchain.agents import create_agent
    from langchain.agents.middleware.model_call_limit import (
        ModelCallLimitExceededError,
        ModelCallLimitMiddleware,
    )
    from langgraph.errors import GraphRecursionError

    agent: Any = create_agent(
        model,
        [_tool_of(tool) for tool in tools],
        system_prompt="\n\n".join(line.text for line in lines if line.role is Role.SYSTEM) or None,
        middleware=[ModelCallLimitMiddleware(run_limit=talk.rounds, exit_behavior="error"), _bounded(talk)],
    )
    said = [(str(line.role), line.text) for line in lines if line.role is not Role.SYSTEM]
    try:
        state = await agent.ainvoke(
            {"messages": said}, config={"callbacks": [], "recursion_limit": STEPS * talk.rounds + STEPS}
        )
    except (ModelCallLimitExceededError, GraphRecursionError):
        # Outside the handler, so that no traceback shows what was said.
        state = None
    if state is None:
        raise NoAnswer(TOO_MANY.why, TOO_MANY.says)
    return _read(state["messages"])


def _bounded(talk: Talk) -> Any:
    """The middleware that keeps every call to the model within its time and the month's budget."""
    from langchain.agents.middleware import AgentMiddleware

    class Bounded(AgentMiddleware):
        """Sets aside, asks, settles."""

        async def awrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
            talk.asked += 1
            changes: dict[str, Any] = {"model_settings": {**request.model_settings, **talk.key}}
            if talk.asked >= talk.rounds and request.tools:
                changes["tool_choice"] = "none"
            request = request.override(**changes)
            call_id = await asyncio.to_thread(talk.reserve, _size(request))
            began = time.monotonic()
            response, told = await _asked(talk, request, handler)
            await asyncio.to_thread(talk.settle, call_id, told, time.monotonic() - began)
            if told.failure or response is None:
                failure = told.failure or MALFORMED
                raise NoAnswer(failure.why, failure.says)
            return response

    return Bounded()


async def _asked(talk: Talk, request: Any, handler: Callable[[Any], Any]) -> tuple[Any, Verdict]:
    """One call, given up when its time is over."""
    seconds = talk.books.left()
    wire.DEADLINE.set(asyncio.get_running_loop().time() + seconds)
    try:
        async with asyncio.timeout(seconds):
            response = await handler(request)
    except Exception as error:
        return None, talk.books.verdict_of_error(error)
    message = response.result[0]
    told = talk.books.verdict(message)
    if told.failure is None and len(message.tool_calls) > MOST_CALLS:
        told = told._replace(failure=TOO_MANY)
    return response, told


def _size(request: Any) -> int:
    """Bytes of what the model is shown, its tools included."""
    messages = [request.system_message, *request.messages] if request.system_message else request.messages
    said = sum(
        len(str(one.content).encode("utf-8", "replace"))
        + len(json.dumps(getattr(one, "tool_calls", None) or ""))
        + 32
        for one in messages
    )
    shown = sum(
        len(one.description) + len(json.dumps(one.tool_call_schema.model_json_schema())) + 64
        for one in request.tools
    )
    return said + shown


def _tool_of(tool: Tool) -> Any:
    """The tool as LangChain takes it."""
    from langchain_core.tools import StructuredTool

    def run(**given: Any) -> str:
        try:
            said = tool.run(tool.arguments(**given))
        except OutgrownError as known:
            said = str(known)
        except Exception:
            # The model is not told how; an answer without the figure is an answer all the same.
            said = BROKEN
        return said if len(said) <= LONGEST_RESULT else f"{said[:LONGEST_RESULT]} (cut)"

    return StructuredTool.from_function(
        run,
        name=tool.name,
        description=tool.says,
        args_schema=tool.arguments,
        handle_validation_error=f"These are not arguments of {tool.name}.",
    )


def _read(messages: Sequence[Any]) -> tuple[str, tuple[ToolCall, ...]]:
    """The last words, and every use of a tool with its result, in the order in which they were asked for."""
    results = {one.tool_call_id: str(one.text) for one in messages if one.type == "tool"}
    calls = tuple(
        ToolCall(str(call["name"]), dict(call["args"]), results[call["id"]])
        for one in messages
        if one.type == "ai"
        for call in one.tool_calls
        if call["id"] in results
    )
    last = messages[-1]
    text = str(last.text).strip() if last.type == "ai" and not last.tool_calls else ""
    if not text:
        raise NoAnswer(MALFORMED.why, MALFORMED.says)
    return text, calls
