"""What the stand-in says, before it is put into one of the two protocols."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from enum import StrEnum

from evals.standin.asked import Request
from evals.standin.counting import LETTERS, tokens
from evals.standin.replies import CutOff, Empty, Filtered, Huge, Json, Refusal, Text, ToolCall


class End(StrEnum):
    """Why an answer ends; the value is the chat protocol's word."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    FILTER = "content_filter"


@dataclass(frozen=True)
class Saying:
    """One answer: words, a refusal, or the call of a tool."""

    words: str = ""
    refusal: str | None = None
    tool: str | None = None
    "The tool called; `words` are its arguments then."
    end: End = End.STOP
    is_empty: bool = False

    @property
    def tokens_out(self) -> int:
        """Tokens of the answer."""
        return tokens(self.words + (self.refusal or "") + (self.tool or ""))


Spoken = Text | Json | ToolCall | Refusal | Filtered | CutOff | Empty | Huge


def saying_of(reply: Spoken, request: Request) -> Saying:
    """What a reply comes to, within the token limit of the request."""
    saying = _whole(reply, request)
    most = request.limit * LETTERS if request.limit else None
    if most is not None and len(saying.words) > most:
        return Saying(saying.words[:most], tool=saying.tool, end=End.LENGTH)
    return saying


def _whole(reply: Spoken, request: Request) -> Saying:
    match reply:
        case Text(text):
            return Saying(text)
        case Json(value):
            return _formed(json.dumps(value, ensure_ascii=False), request)
        case ToolCall(name, arguments):
            words = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
            return Saying(words, tool=name, end=End.TOOL_CALLS)
        case Refusal(says):
            return Saying(refusal=says)
        case Filtered(text):
            return Saying(text, end=End.FILTER)
        case CutOff(text):
            return Saying(text, end=End.LENGTH)
        case Huge(size):
            fields = list((request.schema or {}).get("properties", {}))
            if not fields:
                return Saying("a" * size)
            value = dict.fromkeys(fields, "a") | {fields[0]: "a " * (size // 2)}
            return _formed(json.dumps(value), request)
        case Empty():
            return Saying(is_empty=True)


def _formed(words: str, request: Request) -> Saying:
    if request.must_call:
        # A forced call ends with 'stop': the provider's 'tool_calls' is for calls the model chose.
        return Saying(words, tool=request.must_call, end=End.STOP)
    return Saying(words)


def made_id(kind: str) -> str:
    """An id as the provider makes them."""
    return f"{kind}{secrets.token_hex(12)}"


def pieces(text: str, size: int = 24) -> list[str]:
    """A text in the pieces it is streamed in."""
    return [text[first : first + size] for first in range(0, len(text), size)]
