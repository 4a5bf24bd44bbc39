"""The model an evaluation asks: the one the settings name, or the stand-in where there is no key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import NamedTuple

from pydantic import SecretStr

from agent.foundation.errors import UsageError
from agent.foundation.llm.client import Client, open_model
from agent.foundation.llm.port import Meter, Model
from agent.foundation.llm.prices import price_of
from agent.foundation.settings import Llm, ModelAccess

STANDIN = "standin"
PATIENCE = 3_600.0
"Seconds an evaluation waits for the model in all: nobody's day hangs on it."


class Asked(NamedTuple):
    """The model of one evaluation."""

    model: Model
    is_standin: bool


@contextmanager
def asked(llm: Llm, meter: Meter | None = None, *, standin: bool = False) -> Iterator[Asked]:
    """The settings' model, or the stand-in where it is asked for or where the settings' model is off."""
    with ExitStack() as stack:
        own = None if standin else open_model(llm, meter, PATIENCE)
        if own is not None:
            stack.callback(own.close)
            yield Asked(own, False)
            return
        yield Asked(stack.enter_context(_stood_in(llm)), True)


@cache
def model_named(name: str) -> Model:
    """The model called that, kept until the process ends: 'standin', or as outgrown.toml names models.

    Raises UsageError when there is no key for it.
    """
    stack = ExitStack()
    threading.Thread(target=_close_at_the_end, args=(stack,), name="outgrown-eval-end").start()
    if name == STANDIN:
        return stack.enter_context(_stood_in(Llm()))
    found = open_model(Llm(model=name), None, PATIENCE)
    if found is None:
        raise UsageError(f"There is no key for {name}; set OPENAI_API_KEY, or name the model '{STANDIN}'.")
    stack.callback(found.close)
    return found


def _close_at_the_end(stack: ExitStack) -> None:
    """Close what was opened when the main thread is done; atexit would come after the stand-in's own threads."""
    threading.main_thread().join()
    stack.close()


@contextmanager
def _stood_in(llm: Llm) -> Iterator[Model]:
    """The product's client on a stand-in of its own; its tokens are priced as the settings' model's would be."""
    from evals.standin import Standin
    from evals.standin.scripted import scripted_answer

    with Standin(scripted_answer) as server:
        price = price_of(llm)
        name = f"openai:{STANDIN}"
        settings = Llm(model=name, base_url=server.base_url, prices={name: price} if price else {})
        client = Client(ModelAccess(settings, SecretStr(STANDIN), server.base_url), None, PATIENCE)
        try:
            yield client
        finally:
            client.close()
