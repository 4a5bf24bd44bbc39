"""The HTTP client under the model: bounded answers, no redirects, nothing of what it carries in any log."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import os
import time
import warnings
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

MOST_BYTES = 1_000_000
"More than any answer needs; what a server sends beyond it is not read."
CONNECTING = 5.0
"Seconds; a server that is there accepts sooner."
SILENT = ("openai", "httpx", "httpx2", "httpcore", "httpcore2", "langchain", "langchain_core", "langchain_openai",
          "langgraph", "langsmith")  # fmt: skip
"Loggers of libraries that see prompts, answers and keys."
BYGONE = ("LANGCHAIN_TRACING", "LANGCHAIN_HANDLER")
"Names of a way of tracing that is no more: LangChain refuses every question while one of them is set."

DEADLINE: ContextVar[float] = ContextVar("DEADLINE")
"When the call under way is given up, by the loop's clock."


def silence() -> None:
    """Have those libraries say nothing, whatever level was asked of logging as a whole."""
    import openai  # noqa: F401 - it turns its own logging on when it is loaded, if the environment says so
    from langchain_core import globals as switches

    switches.set_debug(False)
    switches.set_verbose(False)
    for name in BYGONE:
        os.environ.pop(name, None)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # These quote the answer.
    warnings.filterwarnings("ignore", message="Pydantic serializer warnings", category=UserWarning)
    warnings.filterwarnings("ignore", module=r"langchain_openai\.")


def steps(seconds: float) -> Any:
    """How long each step of a request may take: connecting less than the whole, so that it can be tried again."""
    import openai

    return openai.Timeout(seconds, connect=min(CONNECTING, seconds * 0.8))


def http_client(seconds: float) -> Any:
    """An AsyncClient for the provider's library; `seconds` bounds each step of a request."""
    import openai

    return openai.DefaultAsyncHttpxClient(
        timeout=steps(seconds),
        # A key is for the server it was given for.
        follow_redirects=False,
        # What is not compressed cannot be a bomb.
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_bounded]},
    )


async def _bounded(response: Any) -> None:
    """Bound the answer's length, and the wait that a busy server asks for."""
    response.headers.pop("content-encoding", None)
    response.stream = _bounded_stream(response.stream)
    wait = _retry_after(response.headers)
    if wait is not None and wait > DEADLINE.get(float("inf")) - asyncio.get_running_loop().time():
        # The library waits as long as it is told, up to two minutes; the run would be given up before.
        response.headers["x-should-retry"] = "false"


def _bounded_stream(stream: Any) -> Any:
    """`stream` up to MOST_BYTES, of the class that the library asks for."""
    kind = next(base for base in type(stream).__mro__ if base.__name__ == "AsyncByteStream")

    class Bounded(kind):  # type: ignore[misc, valid-type]
        """The beginning of an answer."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MOST_BYTES
            async for chunk in stream:
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    return

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()


def _retry_after(headers: Any) -> float | None:
    """The seconds a server asks us to wait; None when it asks for none."""
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return float(headers.get(name)) / per_second
        except (TypeError, ValueError):
            continue
    given = email.utils.parsedate_tz(headers.get("retry-after") or "")
    try:
        return email.utils.mktime_tz(given) - time.time() if given else None
    except (ValueError, OverflowError):
        return None
