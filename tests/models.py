"""A language model for tests: it gives the replies it was handed, in order, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from agent.foundation.llm.port import Answer, Line, NoAnswer, Task, Usage, Why

T = TypeVar("T", bound=BaseModel)
A_CALL = Usage(calls=1, tokens_in=2000, tokens_cached=1500, tokens_out=200, seconds=0.5, cost_micro=700)
"What every reply of a scripted model comes to."


class Asked(NamedTuple):
    """One question as it reached the model."""

    task: Task
    lines: tuple[Line, ...]
    answer: type[BaseModel]
    about: str

    @property
    def text(self) -> str:
        """Everything that was said, one line after another."""
        return "\n".join(line.text for line in self.lines)


Reply = BaseModel | NoAnswer | Callable[[Asked], BaseModel]


class ScriptedModel:
    """A queue of replies: answers, reasons why there is none, or functions of what was asked.

    With nothing left to say it is unreachable; `forever` is said from then on instead.
    """

    def __init__(
        self, replies: Iterable[Reply] = (), *, forever: Reply | None = None, name: str = "scripted:model"
    ) -> None:
        self.replies = list(replies)
        self.forever = forever
        self.asked: list[Asked] = []
        self._name = name

    @property
    def name(self) -> str:
        """As outgrown.toml would name it."""
        return self._name

    def ask(self, task: Task, lines: Sequence[Line], answer: type[T], *, about: str = "") -> Answer[T]:
        """The next reply of the queue."""
        asked = Asked(task, tuple(lines), answer, about)
        self.asked.append(asked)
        reply = self.replies.pop(0) if self.replies else self.forever
        if reply is None:
            raise no_answer(Why.UNREACHABLE)
        if isinstance(reply, NoAnswer):
            raise reply
        value = reply if isinstance(reply, BaseModel) else reply(asked)
        return Answer(answer.model_validate(value.model_dump()), self._name, A_CALL)


def no_answer(why: Why, usage: Usage = Usage()) -> NoAnswer:  # noqa: B008 - frozen
    """A model that gives no answer, and why."""
    return NoAnswer(why, f"The model gave no answer: {why.value}.", usage)
