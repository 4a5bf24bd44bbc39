"""The language model behind the port: LangChain on OpenAI's protocol, each call bounded in time and in money."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from threading import Lock
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agent.foundation.errors import OutgrownError
from agent.foundation.llm import background, wire
from agent.foundation.llm.answers import LONGEST_ANSWER, Told, told_by, usage_of_error
from agent.foundation.llm.conversing import Talk, Verdict, prepare, talk_with
from agent.foundation.llm.failures import MALFORMED, Failure, failure_of
from agent.foundation.llm.patience import Breaker, Patience
from agent.foundation.llm.port import (
    Answer,
    Conversation,
    Line,
    Meter,
    NoAnswer,
    Role,
    T,
    Task,
    Tool,
    Usage,
    Why,
)
from agent.foundation.llm.prices import bare, cost_micro, price_of, thinks
from agent.foundation.settings import Llm, ModelAccess, model_access

ANSWERED = "answered"
OUT_OF_PATIENCE = Failure(Why.OUT_OF_PATIENCE, "The run had no more time to wait for the model.")
P = TypeVar("P")
R = TypeVar("R")
NO_KEY = "none"
"Sent where a server of one's own asks for no key."
BYTES_PER_TOKEN = 2
"Fewer than any text of ours has, so that what is set aside is enough."


def open_model(llm: Llm, meter: Meter | None = None, patience_seconds: float | None = None) -> Client | None:
    """The model of the settings with a fresh patience, for one run; None when it is switched off.

    Raises ConfigError for an environment that cannot be meant.
    """
    access = model_access(llm)
    return Client(access, meter, patience_seconds) if access.is_on else None


class Client:
    """A language model; safe to ask from several threads at once."""

    def __init__(self, access: ModelAccess, meter: Meter | None, patience_seconds: float | None) -> None:
        self._access, self._llm, self._meter = access, access.llm, meter
        self._price = price_of(access.llm)
        seconds = access.llm.patience_seconds if patience_seconds is None else patience_seconds
        self._patience = Patience(seconds, access.llm.at_once)
        self._breaker = Breaker()
        self._making = Lock()
        self._chat: Any = None
        self._closing: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        """As outgrown.toml names it."""
        return self._llm.model

    def ask(self, task: Task, lines: Sequence[Line], answer: type[T], *, about: str = "") -> Answer[T]:
        """The model's answer as `answer`; `about` is an account id, for the books alone.

        Raises NoAnswer when there is none, never anything else, and never later than the run's patience allows.
        """

        def prepared() -> dict[str, Any]:
            self._model()
            return _schema(answer)

        return self._within_patience(prepared, lambda schema: self._ask(task, lines, answer, schema, about))

    def converse(
        self, task: Task, lines: Sequence[Line], tools: Sequence[Tool], *, about: str = "", rounds: int = 4
    ) -> Conversation:
        """What the model says after at most `rounds` questions to it, the last of which it must answer without a tool.

        Raises NoAnswer when there is no answer, never anything else, and never later than the run's patience allows.
        """

        def prepared() -> Any:
            prepare()
            return self._model()

        return self._within_patience(prepared, lambda _: self._converse(task, lines, tools, about, rounds))

    def _within_patience(self, prepared: Callable[[], P], work: Callable[[P], R]) -> R:
        """What `work` answers; every other end is a NoAnswer."""
        self._breaker.check()
        failure: NoAnswer
        try:
            # Loading the library is not waiting for the model.
            ready = prepared()
            with self._patience.waiting():
                self._breaker.check()
                done = work(ready)
        except NoAnswer as known:
            failure = known
        except Exception as unforeseen:
            failure = _no_answer(failure_of(unforeseen), Usage())
        else:
            self._breaker.met(None)
            return done
        # Outside the handler, so that no traceback shows what the failure was about.
        self._breaker.met(failure)
        raise failure

    def close(self) -> None:
        """Close the connections; what is garbage closes its own."""
        self._chat = None
        if self._closing is not None:
            self._closing()

    def _ask(
        self, task: Task, lines: Sequence[Line], answer: type[T], schema: dict[str, Any], about: str
    ) -> Answer[T]:
        most = self._most(lines, schema)
        call_id = self._reserve(task, most, about)
        began = time.monotonic()
        told = self._told(lines, schema)
        seconds = time.monotonic() - began
        value, failure = _read(told, answer)
        # What a server does not count, or was still counting when it was given up, has cost what was set aside.
        usage = self._counted(told.usage or most, seconds)
        self._settle(call_id, usage, failure)
        if failure or value is None:
            raise _no_answer(failure or MALFORMED, usage)
        return Answer(value, self.name, usage)

    def _converse(
        self, task: Task, lines: Sequence[Line], tools: Sequence[Tool], about: str, rounds: int
    ) -> Conversation:
        talk = Talk(_Books(self, task, about), rounds, self._cache_key(lines))
        try:
            text, calls = background.run(self._talking(talk, lines, tools), self._patience.left)
        except NoAnswer as known:
            failure = Failure(known.why, str(known))
        except Exception as error:
            failure = self._as_patience_has_it(failure_of(error))
        else:
            if len(text) <= LONGEST_ANSWER:
                return Conversation(text, calls, self.name, talk.usage)
            failure = MALFORMED
        talk.settle_rest(failure)
        raise _no_answer(failure, talk.usage)

    async def _talking(self, talk: Talk, lines: Sequence[Line], tools: Sequence[Tool]) -> Any:
        with self._tracing():
            return await talk_with(self._model(), talk, lines, tools)

    def _as_patience_has_it(self, failure: Failure) -> Failure:
        """The failure, or that the run's time is over where it was that."""
        if failure.why is Why.TIMEOUT and self._patience.left <= 0:
            return OUT_OF_PATIENCE
        return failure

    def _most(self, lines: Sequence[Line], schema: dict[str, Any]) -> Usage:
        """The most that a question may take."""
        size = sum(len(line.text.encode("utf-8", "replace")) + 16 for line in lines) + len(json.dumps(schema))
        return self._most_of(size)

    def _most_of(self, size: int) -> Usage:
        """The most that a question of so many bytes may take."""
        tokens_in = -(-size // BYTES_PER_TOKEN)
        return self._counted(Usage(tokens_in=tokens_in, tokens_out=self._llm.max_output_tokens), 0.0)

    def _counted(self, usage: Usage, seconds: float) -> Usage:
        cost = cost_micro(usage, self._price)
        return replace(usage, calls=1, seconds=round(seconds, 3), cost_micro=cost)

    def _reserve(self, task: Task, most: Usage, about: str) -> str:
        if self._meter is None:
            return ""
        try:
            return self._meter.reserve(task, self.name, most, about)
        except NoAnswer:
            raise
        except OutgrownError as bad:
            says = f"What may still be spent on the model cannot be told: {bad}"
        raise NoAnswer(Why.OUT_OF_BUDGET, says)

    def _settle(self, call_id: str, usage: Usage, failure: Failure | None) -> None:
        if self._meter is not None:
            # An entry that cannot be written leaves what was set aside, which is never too little.
            with suppress(OutgrownError):
                self._meter.settle(call_id, usage, failure.why if failure else ANSWERED)

    def _told(self, lines: Sequence[Line], schema: dict[str, Any]) -> Told:
        """One call, given up when its time or the run's patience is over."""
        left = self._patience.left
        seconds = min(self._llm.timeout_seconds, left)
        try:
            raw = background.run(self._call(lines, schema, seconds), seconds)
        except Exception as error:
            failure = failure_of(error)
            usage = usage_of_error(error, failure)
        else:
            return told_by(raw)
        if failure.why is Why.TIMEOUT and seconds == left:
            failure = OUT_OF_PATIENCE
        return Told("", failure, usage)

    async def _call(self, lines: Sequence[Line], schema: dict[str, Any], seconds: float) -> Any:
        wire.DEADLINE.set(asyncio.get_running_loop().time() + seconds)
        asked = self._model().with_structured_output(
            schema, method=self._llm.structured, strict=True, include_raw=True, **self._cache_key(lines)
        )
        with self._tracing():
            found = await asked.ainvoke(
                [(str(line.role), line.text) for line in lines], config={"callbacks": []}
            )
        return found["raw"]

    def _cache_key(self, lines: Sequence[Line]) -> dict[str, str]:
        """The same for all questions that begin alike, so that they meet the same cache."""
        if not self._llm.cache_key:
            return {}
        hashed = hashlib.sha256(self.name.encode())
        for line in lines:
            if line.role is not Role.SYSTEM:
                break
            hashed.update(f"\0{line.text}".encode("utf-8", "replace"))
        return {"prompt_cache_key": f"outgrown-{hashed.hexdigest()[:24]}"}

    def _tracing(self) -> Any:
        if self._llm.tracing:
            return nullcontext()
        from langsmith import tracing_context

        return tracing_context(enabled=False)

    def _model(self) -> Any:
        """LangChain's model, made at the first question."""
        with self._making:
            if self._chat is None:
                self._chat = self._made()
            return self._chat

    def _made(self) -> Any:
        from langchain.chat_models import init_chat_model

        wire.silence()
        llm, key = self._llm, self._access.key
        http = wire.http_client(llm.timeout_seconds)
        self._closing = weakref.finalize(self, _close, http)
        self._closing.atexit = False
        return init_chat_model(
            bare(llm.model),
            model_provider="openai",
            base_url=self._access.url,
            api_key=key or NO_KEY,
            http_async_client=http,
            timeout=wire.steps(llm.timeout_seconds),
            max_retries=llm.retries,
            max_tokens=llm.max_output_tokens,
            use_responses_api=llm.api == "responses",
            store=False if llm.api == "responses" else None,
            reasoning_effort=llm.effort if llm.effort and thinks(llm.model) else None,
            cache=False,
            verbose=False,
        )


class _Books:
    """What a conversation takes of a client: its time, its price, its meter."""

    def __init__(self, client: Client, task: Task, about: str) -> None:
        self._client, self._task, self._about = client, task, about

    def left(self) -> float:
        return min(self._client._llm.timeout_seconds, self._client._patience.left)

    def reserve(self, size: int) -> tuple[str, Usage]:
        most = self._client._most_of(size)
        return self._client._reserve(self._task, most, self._about), most

    def settle(self, call_id: str, usage: Usage, seconds: float, failure: Failure | None) -> Usage:
        counted = self._client._counted(usage, seconds)
        self._client._settle(call_id, counted, failure)
        return counted

    def verdict(self, message: Any) -> Verdict:
        told = told_by(message)
        return Verdict(told.failure, told.usage)

    def verdict_of_error(self, error: Exception) -> Verdict:
        failure = failure_of(error)
        usage = usage_of_error(error, failure)
        return Verdict(self._client._as_patience_has_it(failure), usage)


def _no_answer(failure: Failure, usage: Usage) -> NoAnswer:
    return NoAnswer(failure.why, failure.says, usage)


def _close(http: Any) -> None:
    background.forget(http.aclose())


def _schema(answer: type[BaseModel]) -> dict[str, Any]:
    """The answer's form, every field required and no other allowed."""
    asked: dict[str, Any] = _strict(answer.model_json_schema())
    return {"title": answer.__name__, "description": asked.pop("description", answer.__name__), **asked}


UNSAID = frozenset({"title", "default", "minLength", "maxLength", "examples", "uniqueItems"})
"What OpenAI's strict schemas do not allow; the answer is held to it all the same, by its own model."
NAMES = frozenset({"properties", "$defs"})
"What holds names of the answer's own."


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    said = {
        key: {name: _strict(one) for name, one in value.items()} if key in NAMES else _strict(value)
        for key, value in schema.items()
        if key not in UNSAID
    }
    if said.get("type") == "object":
        said |= {"required": list(said.get("properties", {})), "additionalProperties": False}
    return said


def _read(told: Told, answer: type[T]) -> tuple[T | None, Failure | None]:
    if told.failure:
        return None, told.failure
    if len(told.text) > LONGEST_ANSWER:
        return None, MALFORMED
    try:
        return answer.model_validate_json(told.text), None
    except (ValidationError, ValueError, RecursionError):
        return None, MALFORMED
