"""One event loop on a thread of its own, for calls that are given up at a set moment whatever they are doing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from threading import Lock, Thread
from typing import Any, TypeVar

T = TypeVar("T")

GRACE = 0.5
"Seconds after which the loop itself is taken to hang."


_MAKING = Lock()


class _Unjoined(ThreadPoolExecutor):
    """A thread for each job that no process waits for: looking up a name can hang for longer than a person does."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Start the job at once."""
        future: Future[T] = Future()
        Thread(target=_do, args=(future, fn, args, kwargs), daemon=True, name="outgrown-model-job").start()
        return future


def _do(future: Future[T], fn: Callable[..., T], args: Any, kwargs: Any) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        found = fn(*args, **kwargs)
    except BaseException as bad:
        future.set_exception(bad)
    else:
        future.set_result(found)


def _loop(process: int) -> asyncio.AbstractEventLoop:
    """The loop of this process; a child has none of its parent's threads and needs its own."""
    # The first questions of a run come at once, and connections belong to the loop they were made on.
    with _MAKING:
        return _made(process)


@cache
def _made(process: int) -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Unjoined(max_workers=1))
    Thread(target=loop.run_forever, daemon=True, name=f"outgrown-model-{process}").start()
    return loop


def run(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """The result of `work`, on the loop.

    Raises TimeoutError after `seconds`, whatever `work` is doing, and whatever `work` raises.
    """
    future = asyncio.run_coroutine_threadsafe(_within(work, seconds), _loop(os.getpid()))
    try:
        return future.result(seconds + GRACE)
    except BaseException:
        future.cancel()
        raise


def forget(work: Coroutine[Any, Any, None]) -> None:
    """Have `work` done when there is time; nobody waits for it."""

    async def quietly() -> None:
        with suppress(Exception):
            await work

    asyncio.run_coroutine_threadsafe(quietly(), _loop(os.getpid()))


async def _within(work: Coroutine[Any, Any, T], seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await work
