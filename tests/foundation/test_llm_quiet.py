"""No key, prompt or answer in a log, on a screen or with a third party."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from agent.foundation.llm.client import open_model
from agent.foundation.settings import Llm, model_access
from tests.foundation.asking import GOOD, KEY, TOLD, Book, a_model, ask, refused
from tests.foundation.modelserver import Reply, completion, failing, serving, wait_for

ROOT = Path(__file__).resolve().parents[2]
SECRETS = (KEY, TOLD, "asks", "Which kind?", "secret words")


@pytest.fixture
def every_word(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every logger of the process, at its most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2", "langchain", "langsmith", "asyncio"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    return caplog


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(GOOD, id="answered"),
        pytest.param(failing(401), id="bad key"),
        pytest.param(failing(500), id="server error"),
        pytest.param(failing(400), id="bad request"),
        pytest.param(completion(None, refusal="secret words"), id="refusal"),
        pytest.param(completion("secret words", finish="length"), id="cut off"),
        pytest.param(completion("secret words", usage={"prompt_tokens": "secret words"}), id="odd usage"),
        pytest.param(Reply("secret words"), id="no JSON"),
        pytest.param(Reply("secret words", wait=5), id="late"),
    ],
)
def test_nothing_that_was_said_is_logged_or_shown(
    monkeypatch: pytest.MonkeyPatch,
    every_word: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    reply: Reply,
) -> None:
    """At any level, of any library."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(reply) as server, a_model(server, timeout_seconds=2, retries=1) as model:
        if reply is GOOD:
            ask(model)
        else:
            refused(model)
        logged = "\n".join(
            f"{one.name} {one.getMessage()} {one.exc_text} {one.args}" for one in every_word.records
        )
    shown = "".join(capfd.readouterr())
    assert not [secret for secret in SECRETS if secret in logged + shown]


def test_the_key_shows_itself_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither printed nor in a traceback's variables."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    access = model_access(Llm())
    model = open_model(Llm())
    assert KEY not in f"{access} {access!r} {model} {model!r} {Llm()!r}"
    assert KEY.encode() not in pickle.dumps(Llm())


NAMES = {
    "LANGSMITH_TRACING": "true",
    "LANGSMITH_TRACING_V2": "true",
    "LANGCHAIN_TRACING_V2": "true",
    "LANGCHAIN_TRACING": "true",
    "LANGSMITH_API_KEY": "lsv2_x",
    "LANGCHAIN_API_KEY": "lsv2_x",
    "LANGSMITH_GATEWAY_API_KEY": "lsv2_x",
    "OPENAI_LOG": "debug",
    "OPENAI_API_KEY": KEY,
}
URLS = (
    "LANGSMITH_ENDPOINT",
    "LANGCHAIN_ENDPOINT",
    "LANGSMITH_GATEWAY",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)
"Where others may be told to be sent things."
ASKING = """
import sys
from tests.foundation.asking import a_model, ask
with a_model(sys.argv[1], tracing=sys.argv[2] == "on") as model:
    print(ask(model).value.count)
from langchain_core.tracers.langchain import wait_for_all_tracers
wait_for_all_tracers()
"""


def asked_in_a_process(url: str, watcher: str, tracing: str) -> subprocess.CompletedProcess[str]:
    """One question in an environment that names every watcher there is."""
    return subprocess.run(
        [sys.executable, "-c", ASKING, url, tracing],
        env={**os.environ, **NAMES, **dict.fromkeys(URLS, watcher)},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_nobody_watches_unless_switched_on_by_name() -> None:
    """Whatever the environment says, prompts go to the model alone."""
    with serving(GOOD) as server, serving(Reply("{}")) as watcher:
        done = asked_in_a_process(server.url, watcher.url, "off")
        assert (done.stdout, done.stderr) == ("3\n", "")
        assert len(server.requests) == 1
        assert watcher.paths == []


@pytest.mark.slow
def test_tracing_that_is_switched_on_traces() -> None:
    """So that the test above looks where there would be something to see."""
    with serving(GOOD) as server, serving(Reply("{}")) as watcher:
        done = asked_in_a_process(server.url, watcher.url, "on")
        assert done.stdout == "3\n"
        assert wait_for(lambda: watcher.paths)


def test_langchain_s_own_switches_are_not_used() -> None:
    """A cache would answer for the model, and its talkative modes print prompts."""
    from langchain_core import globals as switches
    from langchain_core.caches import InMemoryCache

    cache = InMemoryCache()
    switches.set_llm_cache(cache)
    try:
        with serving(GOOD) as server, a_model(server) as model:
            ask(model)
            ask(model)
        assert len(server.requests) == 2
        assert cache._cache == {}
    finally:
        switches.set_llm_cache(None)


def test_the_talkative_modes_of_langchain_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Even where somebody has switched them on."""
    from langchain_core import globals as switches

    switches.set_debug(True)
    switches.set_verbose(True)
    try:
        with serving(GOOD) as server, a_model(server) as model:
            ask(model)
    finally:
        switches.set_debug(False)
        switches.set_verbose(False)
    assert capfd.readouterr() == ("", "")


def test_the_books_are_told_no_words() -> None:
    """An account's id, figures and a task; nothing that was said."""
    book = Book()
    with serving(GOOD) as server, a_model(server, book) as model:
        ask(model, about="acme")
    written = f"{book.set_aside} {book.settled}"
    assert "acme" in written
    assert not [secret for secret in SECRETS if secret in written]
