"""A request to the stand-in, read as the provider reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Api(StrEnum):
    """The two ways of asking; the value is the path under the base URL."""

    CHAT = "/chat/completions"
    RESPONSES = "/responses"


class Said(NamedTuple):
    """One message of a request."""

    role: str
    text: str


@dataclass(frozen=True)
class Request:
    """One request to a model, whichever way it was asked."""

    api: Api
    model: str
    said: tuple[Said, ...]
    schema: Mapping[str, Any] | None
    "The JSON schema of the form asked for, be it of the response or of the one tool that must be called."
    schema_name: str | None
    tools: tuple[str, ...]
    must_call: str | None
    "The tool that must be called; None where the model may choose."
    stream: bool
    limit: int | None
    "Most tokens of the answer."
    cache_key: str
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    "Names in lower case."
    at: float = 0.0
    "Seconds on the monotonic clock."

    @property
    def text(self) -> str:
        """All messages, one after the other."""
        return "\n\n".join(said.text for said in self.said)

    @property
    def fields(self) -> frozenset[str]:
        """Names of the fields asked for; empty for plain text."""
        return frozenset((self.schema or {}).get("properties", {}))

    @property
    def prefix(self) -> str:
        """What the provider's cache goes by: tools and form, then the messages in their order."""
        form = json.dumps([self.body.get("tools"), self.schema], sort_keys=True)
        return form + "".join(f"\0{said.role}\0{said.text}" for said in self.said)

    @property
    def content_hash(self) -> str:
        """Equal for requests that ask the same of the same model."""
        asked = {name: value for name, value in self.body.items() if name not in NOT_ASKED}
        text = json.dumps([self.api.value, asked], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


NOT_ASKED = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "store", "user"})
"Fields that have no part in the answer."


def read_request(api: Api, body: Mapping[str, Any], headers: Mapping[str, str], at: float) -> Request:
    """The request in a body."""
    if api is Api.CHAT:
        said = [Said(str(one.get("role")), _words(one.get("content"))) for one in body.get("messages", [])]
        form = body.get("response_format") or {}
        named = form.get("json_schema") or {}
        tools = {tool["function"]["name"]: tool["function"] for tool in body.get("tools") or []}
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
    else:
        said = [Said("system", str(body["instructions"]))] if body.get("instructions") else []
        said += _items(body.get("input") or "")
        form = (body.get("text") or {}).get("format") or {}
        named = form if form.get("type") == "json_schema" else {}
        tools = {tool["name"]: tool for tool in body.get("tools") or [] if tool.get("type") == "function"}
        limit = body.get("max_output_tokens")
    must_call = _must_call(body.get("tool_choice"), list(tools))
    schema, name = named.get("schema"), named.get("name")
    if schema is None and must_call in tools:
        schema, name = tools[must_call].get("parameters"), must_call
    return Request(
        api=api,
        model=str(body.get("model", "")),
        said=tuple(said),
        schema=schema,
        schema_name=name,
        tools=tuple(tools),
        must_call=must_call,
        stream=bool(body.get("stream")),
        limit=limit,
        cache_key=str(body.get("prompt_cache_key") or ""),
        body=body,
        headers=headers,
        at=at,
    )


def _items(given: str | Sequence[Mapping[str, Any]]) -> list[Said]:
    if isinstance(given, str):
        return [Said("user", given)]
    return [
        Said(str(one.get("role") or one.get("type")), _words(one.get("content") or one.get("output")))
        for one in given
    ]


def _words(content: Any) -> str:
    """The text of a message's content: a string, or parts of which some are text."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or part.get("refusal") or "") for part in content)
    return content if isinstance(content, str) else ""


def _must_call(choice: Any, tools: Sequence[str]) -> str | None:
    if isinstance(choice, Mapping):
        return str(choice.get("name") or (choice.get("function") or {}).get("name"))
    return tools[0] if choice in ("required", "any") and tools else None
