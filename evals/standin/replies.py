"""Everything the stand-in can do when it is asked something."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from evals.standin.asked import Request


@dataclass(frozen=True)
class Text:
    """Says `text`."""

    text: str


@dataclass(frozen=True)
class Json:
    """Answers with a JSON value, in the form that was asked for: as content, or to the tool that must be called."""

    value: Any


@dataclass(frozen=True)
class ToolCall:
    """Calls a tool; arguments given as text are sent as they stand, broken or not."""

    name: str
    arguments: Mapping[str, Any] | str


@dataclass(frozen=True)
class Refusal:
    """Refuses, as the provider's models do: a field of its own, and an ordinary end."""

    says: str = "I'm sorry, but I can't help with that."


@dataclass(frozen=True)
class Filtered:
    """The provider's content filter ends the answer after `text`."""

    text: str = ""


@dataclass(frozen=True)
class CutOff:
    """The answer ends too early: at the token limit, or with the connection closed after `after` bytes of the body."""

    text: str = '{"subject": "A word about'
    after: int | None = None
    "None: a whole response that says it was cut at the limit."


@dataclass(frozen=True)
class Slow:
    """Waits, then does something else."""

    seconds: float
    then: Reply


@dataclass(frozen=True)
class Dribble:
    """A response that keeps coming, so many bytes a second, and never ends."""

    bytes_per_second: int = 20


@dataclass(frozen=True)
class Hang:
    """Takes the request and never answers."""


@dataclass(frozen=True)
class Status:
    """An HTTP error in the provider's error JSON."""

    code: int
    retry_after: float | None = None
    name: str | None = None
    "The error's own code: 'insufficient_quota', 'model_not_found'; the usual one of the status where None."
    says: str | None = None
    param: str | None = None


@dataclass(frozen=True)
class Html:
    """A page of something between us and the provider."""

    code: int = 502
    text: str = (
        "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    )


@dataclass(frozen=True)
class NotJson:
    """Says that it is JSON, and is not."""

    text: str = '{"id": "chatcmpl-1", "choices": [{"message": {"content": "Hi'


@dataclass(frozen=True)
class Empty:
    """A well-formed response without any answer in it."""


@dataclass(frozen=True)
class Huge:
    """An answer of so many bytes; in a form asked for, the text of its first field."""

    size: int = 5_000_000


@dataclass(frozen=True)
class Wrong:
    """JSON of other types than the protocol's."""

    body: Any = field(
        default_factory=lambda: {
            "id": 7,
            "object": [],
            "choices": {"0": "yes"},
            "output": "no",
            "usage": "much",
        }
    )


@dataclass(frozen=True)
class Raw:
    """A response exactly as given: what was recorded."""

    body: bytes
    code: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Reply: TypeAlias = (
    Text
    | Json
    | ToolCall
    | Refusal
    | Filtered
    | CutOff
    | Slow
    | Dribble
    | Hang
    | Status
    | Html
    | NotJson
    | Empty
    | Huge
    | Wrong
    | Raw
)
Answer: TypeAlias = Callable[[Request], Reply]
"Decides what the stand-in does; asked from several threads at once."


def in_turn(*replies: Reply) -> Answer:
    """The replies in the order given, the last one for good."""
    waiting, lock = list(replies), threading.Lock()

    def answer(request: Request) -> Reply:  # noqa: ARG001 - an answer is asked with its request
        with lock:
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return answer
