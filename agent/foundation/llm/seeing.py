"""The doctor's look at a model, which costs nothing: the list of models that the server offers."""

from __future__ import annotations

from typing import Any

from agent.foundation.llm import background, wire
from agent.foundation.llm.client import NO_KEY
from agent.foundation.llm.failures import failure_of
from agent.foundation.llm.port import NoAnswer
from agent.foundation.settings import ModelAccess

SECONDS = 5.0


def offered_models(access: ModelAccess, seconds: float = SECONDS) -> frozenset[str]:
    """The names of the models that the server offers to this key.

    Raises NoAnswer.
    """
    import openai  # noqa: F401 - so that the seconds are the server's

    wire.silence()
    try:
        listed = background.run(_listed(access, seconds), seconds)
        return frozenset(name for one in listed if isinstance(name := getattr(one, "id", None), str))
    except Exception as error:
        failure = failure_of(error)
    raise NoAnswer(failure.why, failure.says)


async def _listed(access: ModelAccess, seconds: float) -> list[Any]:
    import openai

    key = access.key.get_secret_value() if access.key else NO_KEY
    async with wire.http_client(seconds) as http:
        client = openai.AsyncOpenAI(api_key=key, base_url=access.url, http_client=http, max_retries=0)
        page = await client.models.list()
        return list(page.data)
