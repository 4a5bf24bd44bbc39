"""Nobody waits on a broken model: every call ends when it is to end, and a run waits no longer than it may."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.foundation.llm import background
from agent.foundation.llm.port import NoAnswer, Why
from tests.foundation.asking import GOOD, Book, a_model, ask, refused
from tests.foundation.modelserver import Reply, failing, serving, wait_for

ROOT = Path(__file__).resolve().parents[2]
SLACK = 1.5
"Seconds that a busy machine may add."


@pytest.fixture(autouse=True, scope="module")
def loaded() -> None:
    """Loading the library is not what is timed."""
    with serving(GOOD) as server, a_model(server) as model:
        ask(model)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(GOOD.body, wait=30), id="silence"),
        pytest.param(Reply(GOOD.body, drip=0.02), id="dribbling"),
        pytest.param(failing(429, Retry_After="1.5"), id="asks to wait"),
        pytest.param(failing(500, Retry_After="0.4"), id="fails again and again"),
    ],
)
def test_a_question_is_given_up_in_time(reply: Reply) -> None:
    """Whatever the server does, attempts and their pauses included."""
    book = Book()
    with serving(reply) as server, a_model(server, book, timeout_seconds=0.8, retries=9) as model:
        began = time.monotonic()
        no = refused(model)
        took = time.monotonic() - began
    assert took < 0.8 + SLACK
    assert no.why in (Why.TIMEOUT, Why.RATE_LIMITED, Why.SERVER_ERROR)
    assert len(book.settled) == 1


def test_a_server_that_accepts_and_never_shakes_hands_is_given_up() -> None:
    """The connection is part of the question."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/v1"
        with a_model(url, timeout_seconds=0.5) as model:
            began = time.monotonic()
            assert refused(model).why is Why.TIMEOUT
            assert time.monotonic() - began < 0.5 + SLACK


def test_a_wait_that_the_server_asks_for_is_kept() -> None:
    """Then the second attempt is answered."""
    with serving(failing(429, Retry_After="0.5"), GOOD) as server, a_model(server, retries=2) as model:
        began = time.monotonic()
        assert ask(model).value.count == 3
        assert time.monotonic() - began >= 0.5
    assert len(server.requests) == 2


@pytest.mark.parametrize("asks", ["60", "119.5", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_wait_longer_than_the_run_is_not_begun(asks: str) -> None:
    """The template is written at once instead."""
    with serving(failing(429, Retry_After=asks)) as server, a_model(server, retries=5) as model:
        began = time.monotonic()
        assert refused(model).why is Why.RATE_LIMITED
        assert time.monotonic() - began < SLACK
    assert len(server.requests) == 1


def test_a_failing_server_is_tried_as_often_as_the_settings_say() -> None:
    """And the attempts are one question."""
    book = Book()
    with serving(failing(503), failing(503), GOOD) as server, a_model(server, book, retries=2) as model:
        assert ask(model).usage.calls == 1
    assert len(server.requests) == 3
    assert len(book.settled) == 1


def test_a_run_waits_no_longer_than_its_patience_however_many_ask() -> None:
    """Threads that wait together wait once."""
    with (
        serving(Reply(GOOD.body, wait=30)) as server,
        a_model(server, patience=1.0, timeout_seconds=0.7, at_once=4) as model,
    ):
        began = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            whys = [no.why for no in threads.map(lambda _: refused(model), range(24))]
        took = time.monotonic() - began
    assert took < 1.0 + SLACK
    assert whys.count(Why.TIMEOUT) >= 1
    assert whys.count(Why.OUT_OF_PATIENCE) >= 16


def test_time_between_questions_is_not_waiting() -> None:
    """The patience is for the model, not for the work around it."""
    with serving(GOOD) as server, a_model(server, patience=1.0) as model:
        ask(model)
        time.sleep(1.0)
        assert ask(model).value.count == 3


def test_eight_threads_are_answered_at_once_and_no_more_than_allowed() -> None:
    """Each with its own answer."""
    with serving(Reply(GOOD.body, wait=0.3)) as server, a_model(server, at_once=3) as model:
        threads = ThreadPoolExecutor(8)
        with threads:
            got = list(threads.map(lambda _: ask(model).value.count, range(12)))
    assert got == [3] * 12
    assert 1 < server.most_at_once <= 3


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(failing(401), Why.BAD_KEY, id="bad key"),
        pytest.param(failing(404), Why.UNKNOWN_MODEL, id="unknown model"),
    ],
)
def test_what_will_not_mend_is_asked_three_times(reply: Reply, why: Why) -> None:
    """Then the run is told at once."""
    with serving(reply) as server, a_model(server) as model:
        whys = [refused(model).why for _ in range(3)]
        last = refused(model)
    assert [*whys, last.why] == [why] * 4
    assert "not asked again in this run" in str(last)
    assert len(server.requests) == 3


def test_what_may_mend_is_asked_again() -> None:
    """A busy server is not a wrong one; an answer in between begins the count anew."""
    script = [failing(401), failing(401), GOOD, failing(401), failing(401), failing(500), GOOD]
    with serving(*script) as server, a_model(server) as model:
        for reply in script:
            if reply is GOOD:
                assert ask(model).value.count == 3
            else:
                refused(model)
    assert len(server.requests) == len(script)


def test_a_loop_that_hangs_holds_nobody() -> None:
    """Even work that cannot be interrupted is left behind."""
    free = threading.Event()

    async def stuck() -> None:
        free.wait(10)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        background.run(stuck(), 0.2)
    assert time.monotonic() - began < 0.2 + background.GRACE + SLACK
    free.set()
    with serving(GOOD) as server, a_model(server) as model:
        assert ask(model).value.count == 3


ENDING = """
import sys, threading
from tests.foundation.asking import a_model, ask
sys.path.insert(0, ".")
with a_model(sys.argv[1]) as model:
    threading.Thread(target=lambda: ask(model), daemon=True).start()
    print("asked", flush=True)
    sys.stdin.readline()
print("over", flush=True)
"""


@pytest.mark.slow
def test_a_process_ends_while_a_call_is_under_way() -> None:
    """Without waiting for it, and without a word on the screen."""
    with serving(Reply(GOOD.body, wait=60)) as server:
        running = subprocess.Popen(
            [sys.executable, "-c", ENDING, server.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert wait_for(lambda: server.requests, 60)
        began = time.monotonic()
        out, err = running.communicate("\n", timeout=20)
        assert time.monotonic() - began < 10
    assert (running.returncode, out.split(), err) == (0, ["asked", "over"], "")


@pytest.fixture
def heard() -> Iterator[None]:
    """Control-C is heard, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_an_interrupted_wait_leaves_the_call_on_the_books() -> None:
    """Control-C goes through, and what was set aside stays counted."""
    book, main = Book(), threading.main_thread().ident or 0
    with serving(Reply(GOOD.body, wait=30)) as server, a_model(server, book) as model:
        threading.Thread(
            target=lambda: wait_for(lambda: server.requests, 60) and signal.pthread_kill(main, signal.SIGINT),
            daemon=True,
        ).start()
        with pytest.raises(KeyboardInterrupt):
            ask(model)
    assert len(book.set_aside) == 1
    assert book.settled == []


def test_no_answer_is_the_only_thing_ever_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the library itself breaks."""
    from langchain_openai import ChatOpenAI

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(ChatOpenAI, "with_structured_output", broken)
    with serving(GOOD) as server, a_model(server) as model, pytest.raises(NoAnswer) as caught:
        ask(model)
    assert "secret" not in str(caught.value)


def test_first_questions_that_come_at_once_share_one_loop(monkeypatch):
    """Connections belong to the loop they were made on, so there is one, however many threads begin."""

    async def where():
        return asyncio.get_running_loop()

    for attempt in range(20):
        monkeypatch.setattr(background.os, "getpid", lambda attempt=attempt: -1 - attempt)
        together = threading.Barrier(8)

        def asked(_, together=together):
            together.wait()
            return background.run(where(), 10)

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(asked, range(8)))) == 1
