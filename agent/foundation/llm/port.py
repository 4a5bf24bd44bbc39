"""What the house asks of a language model, and what it gets: an answer in a given form, or a reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel

from agent.foundation.errors import OutgrownError

T = TypeVar("T", bound=BaseModel)


class Role(StrEnum):
    """Who says a line."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Line(NamedTuple):
    """One message of a prompt."""

    role: Role
    text: str


class Task(StrEnum):
    """What a model is asked for; what it costs is counted by task."""

    DRAFT = "draft"
    REPAIR = "repair"
    CLASSIFY = "classify"
    JUDGE = "judge"
    ASK = "ask"
    "A founder's question about their accounts."
    CHECK = "check"
    "The doctor's question whether the model answers at all."


class Why(StrEnum):
    """Why there is no answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BAD_KEY = "bad_key"
    UNKNOWN_MODEL = "unknown_model"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    OUT_OF_BUDGET = "out_of_budget"
    OUT_OF_PATIENCE = "out_of_patience"
    "The run has waited for the model as long as it may."


@dataclass(frozen=True)
class Usage:
    """What calls came to: tokens as the provider counts them, wall seconds, and money."""

    calls: int = 0
    tokens_in: int = 0
    "Cached ones included."
    tokens_cached: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost_micro: int = 0
    "Millionths of the currency of the price table; 0 for a model without a price."

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_cached + other.tokens_cached,
            self.tokens_out + other.tokens_out,
            self.seconds + other.seconds,
            self.cost_micro + other.cost_micro,
        )


class NoAnswer(OutgrownError):
    """The model gave no answer that can be used; `usage` is what was spent on trying."""

    def __init__(self, why: Why, says: str, usage: Usage | None = None) -> None:
        super().__init__(says)
        self.why = why
        self.usage = usage or Usage()


@dataclass(frozen=True)
class Answer(Generic[T]):
    """A model's answer in the form asked for."""

    value: T
    model: str
    usage: Usage = field(default_factory=Usage)


class Model(Protocol):
    """A language model; safe to ask from several threads at once."""

    @property
    def name(self) -> str:
        """As outgrown.toml names it: 'openai:gpt-5-mini'."""
        ...

    def ask(self, task: Task, lines: Sequence[Line], answer: type[T], *, about: str = "") -> Answer[T]:
        """The model's answer as `answer`; `about` is an account id, for the books alone.

        Raises NoAnswer when there is none, never anything else, and never later than the run's patience allows.
        """
        ...


class Tool(NamedTuple):
    """Something the model may have looked up while it answers."""

    name: str
    says: str
    "What it answers, for the model."
    arguments: type[BaseModel]
    run: Callable[[Any], str]
    "Takes the arguments and answers in words; what it raises as an OutgrownError is told to the model."


class ToolCall(NamedTuple):
    """One use of a tool, as the model asked for it."""

    name: str
    arguments: dict[str, Any]
    result: str


@dataclass(frozen=True)
class Conversation:
    """What the model says in the end, and what it had looked up for it."""

    text: str
    calls: tuple[ToolCall, ...]
    model: str
    usage: Usage = field(default_factory=Usage)


class Converser(Protocol):
    """A language model that may use tools."""

    @property
    def name(self) -> str:
        """As outgrown.toml names it."""
        ...

    def converse(
        self, task: Task, lines: Sequence[Line], tools: Sequence[Tool], *, about: str = "", rounds: int = 4
    ) -> Conversation:
        """What the model says after at most `rounds` questions to it, the last of which it must answer without a tool.

        Raises NoAnswer when there is no answer, never anything else, and never later than the run's patience allows.
        """
        ...


class Meter(Protocol):
    """The books: what may still be spent this month, and what was."""

    def reserve(self, task: Task, model: str, most: Usage, about: str) -> str:
        """Set `most` aside for one call and answer the call's id.

        Raises NoAnswer (out_of_budget) when the month's budget does not allow it.
        """
        ...

    def settle(self, call_id: str, usage: Usage, outcome: str) -> None:
        """Put what a call came to in the place of what was set aside; `outcome` is 'answered' or a Why."""
        ...
