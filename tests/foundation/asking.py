"""A question with the least ceremony, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import BaseModel

from agent.foundation.llm.client import Client, open_model
from agent.foundation.llm.port import Answer, Line, Meter, NoAnswer, Role, Task, Usage
from agent.foundation.settings import Llm
from tests.foundation.modelserver import Server, completion

KEY = "sk-live-THE-KEY-ITSELF"
TOLD = "THE PROMPT ITSELF"
LINES = [Line(Role.SYSTEM, f"You answer. {TOLD} {{as it is}}"), Line(Role.USER, "Which kind?")]
GOOD = completion('{"kind": "asks", "count": 3, "note": null}')


class Kind(BaseModel):
    """What it is about."""

    kind: str
    count: int
    note: str | None = None


@contextmanager
def a_model(server: Server | str, meter: Meter | None = None, **changes: Any) -> Iterator[Client]:
    """The model of that server, asked without a second attempt."""
    patience = changes.pop("patience", None)
    url = server if isinstance(server, str) else server.url
    model = open_model(Llm(base_url=url, **{"retries": 0, **changes}), meter, patience)
    assert model is not None
    try:
        yield model
    finally:
        model.close()


def ask(model: Client, about: str = "") -> Answer[Kind]:
    """The model's answer."""
    return model.ask(Task.DRAFT, LINES, Kind, about=about)


def refused(model: Client, about: str = "") -> NoAnswer:
    """Why there is no answer."""
    with pytest.raises(NoAnswer) as caught:
        ask(model, about)
    return caught.value


class Book:
    """A meter that writes down what it is told."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.refuses = refuses
        self.set_aside: list[tuple[Task, str, Usage, str]] = []
        self.settled: list[tuple[str, Usage, str]] = []

    def reserve(self, task: Task, model: str, most: Usage, about: str) -> str:
        """A page of the book."""
        if self.refuses:
            raise self.refuses
        self.set_aside.append((task, model, most, about))
        return f"call {len(self.set_aside)}"

    def settle(self, call_id: str, usage: Usage, outcome: str) -> None:
        """What it came to."""
        self.settled.append((call_id, usage, outcome))
