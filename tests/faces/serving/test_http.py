"""The service's web server: what it tells, what it takes, and what it never shows."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time

import pytest

from agent.approval.suppressions import suppression_of
from agent.faces.serving.http import LARGEST_BODY, Server
from agent.faces.serving.serving import Serving
from agent.faces.serving.voice import Voice, hidden
from agent.foundation import clock
from agent.foundation.errors import ConfigError
from tests.approval.made import queued
from tests.faces.serving.running import fetch

PASSWORD = "correct-horse-battery"
BOUNCE = {"RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "Email": "ann@acme.example"}


@pytest.fixture
def said():
    """What the service said."""
    return []


@pytest.fixture
def serving(house, said, monkeypatch):
    """The service with its web server alone, listening."""
    monkeypatch.setenv("POSTMARK_WEBHOOK_PASSWORD", PASSWORD)
    one = Serving(house, with_slack=False, port=0, voice=Voice(said.append))
    one.server = Server(one._application(), "127.0.0.1", 0)
    one.server.start()
    yield one
    assert one.server.stop(5)


def get(serving, path):
    """What it answers."""
    return fetch(f"{serving.server.address}{path}")


def basic(password):
    """The header of HTTP's basic scheme."""
    return f"Basic {base64.b64encode(f'postmark:{password}'.encode()).decode()}"


def test_health_says_what_runs(serving):
    """All is well once everything runs; each part is named."""
    status, text = get(serving, "/healthz")
    assert status == 503
    assert json.loads(text) == {
        "state": "reachable",
        "slack": "off",
        "scheduler": "dead",
        "outbox": "dead",
        "newest_sync_age_seconds": None,
        "ok": False,
    }
    serving.outbox.start()
    serving.scheduler.jobs = ()
    serving.scheduler.start()
    status, text = get(serving, "/healthz")
    assert (status, json.loads(text)["ok"]) == (200, True)
    assert serving.scheduler.stop(5)
    assert serving.outbox.stop(5)


def test_health_says_that_the_state_cannot_be_reached(serving, house, said):
    """503, and neither a password nor a traceback."""
    house.store.close()
    path = house.workspace.private / "state.db"
    path.write_bytes(b"this is no database" * 100)
    for other in path.parent.glob("state.db-*"):
        other.unlink()
    status, text = get(serving, "/healthz")
    assert status == 503
    assert json.loads(text)["state"] == "not reachable"
    status, text = get(serving, "/metrics")
    assert (status, text) == (503, '{"error":"this did not work"}')
    assert len(said) == 1
    assert "not a database" in said[0]


def test_metrics_count_what_is_there(serving, house):
    """Drafts by state, and no customer's name."""
    queued(house.store, "acme")
    queued(house.store, "globex")
    house.stop("a holiday")
    status, text = get(serving, "/metrics")
    assert status == 200
    for line in (
        'outgrown_drafts{state="pending"} 2.0',
        'outgrown_drafts{state="sent"} 0.0',
        'outgrown_deliveries{state="queued"} 0.0',
        "outgrown_clicks_waiting 0.0",
        "outgrown_sending_stopped 1.0",
        "outgrown_slack_connected 0.0",
    ):
        assert line in text.splitlines()
    assert "outgrown_build_info" in text
    assert "acme" not in text.lower()


def test_a_bounce_silences_the_address(serving, house, said):
    """Told twice, it is taken once; without the password it is not taken at all."""
    url, body = f"{serving.server.address}/webhooks/postmark", json.dumps(BOUNCE).encode()
    assert fetch(url, body, Authorization=basic("wrong"))[0] == 401
    with house.store.reading() as session:
        assert suppression_of(session, account_id=None, address="ann@acme.example", now=clock.now()) is None
    for _ in range(2):
        assert fetch(url, body, Authorization=basic(PASSWORD)) == (200, '{"ok":true}')
    with house.store.reading() as session:
        assert suppression_of(session, account_id=None, address="ann@acme.example", now=clock.now())
    assert PASSWORD not in "".join(said)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("/webhooks/postmark", b"{", 400, id="no JSON"),
        pytest.param("/webhooks/postmark", b"[]", 400, id="no object"),
        pytest.param("/webhooks/mailgun", b"{}", 404, id="another provider"),
        pytest.param(
            "/webhooks/postmark", b'{"RecordType": "Open"}', 200, id="an event about something else"
        ),
        pytest.param("/webhooks/resend", b"{}", 401, id="not signed"),
        pytest.param("/healthz", b"{}", 405, id="not to be posted to"),
        pytest.param("/slack/events", b"{}", 404, id="Slack is off"),
        pytest.param("/", b"{}", 404, id="nothing there"),
    ],
)
def test_what_is_not_fit_is_refused(serving, path, body, status):
    """With a status and a word, and nothing of what went on inside."""
    found, text = fetch(f"{serving.server.address}{path}", body, Authorization=basic(PASSWORD))
    assert found == status
    assert len(text) < 60
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(f"Content-Length: {LARGEST_BODY + 1}", id="said so"),
        pytest.param("Transfer-Encoding: chunked", id="did not say"),
    ],
)
def test_a_body_that_is_too_large_is_not_read(serving, told):
    """Refused as soon as that is known."""
    host, port = serving.server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        caller.settimeout(5)
        caller.sendall(f"POST /webhooks/postmark HTTP/1.1\r\nHost: x\r\n{told}\r\n\r\n".encode())
        if "chunked" in told:
            caller.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            for _ in range(LARGEST_BODY // 0x10000):
                caller.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        assert caller.recv(100).startswith(b"HTTP/1.1 413")


def test_a_caller_who_sends_slowly_holds_up_nobody(serving, monkeypatch):
    """The door is open for others meanwhile, and the slow one is turned away."""
    monkeypatch.setattr("agent.faces.serving.http.BODY_SECONDS", 0.5)
    host, port = serving.server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"POST /webhooks/postmark HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        begun = time.monotonic()
        assert get(serving, "/metrics")[0] == 200
        slow.settimeout(5)
        assert slow.recv(100).startswith(b"HTTP/1.1 413")
        assert time.monotonic() - begun < 5


def test_a_taken_port_is_one_sentence(serving, house):
    """Told before anything begins."""
    port = int(serving.server.address.rsplit(":", 1)[1])
    with pytest.raises(ConfigError, match=rf"Port {port} on 127.0.0.1 cannot be listened on .*--port N"):
        Server(serving._application(), "127.0.0.1", port)
    with pytest.raises(ConfigError, match="no address of this machine"):
        Server(serving._application(), "no.such.host.invalid", 0)


def test_no_thread_outlives_the_server(house):
    """Stopped means stopped."""
    before = threading.active_count()
    one = Serving(house, with_slack=False, port=0, voice=Voice(lambda _: None))
    one.server = Server(one._application(), "127.0.0.1", 0)
    one.server.start()
    assert get(one, "/metrics")[0] == 200
    assert one.server.stop(5)
    assert threading.active_count() <= before + 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("refused xoxb-123456-abcdef.", "refused ….", id="a bot's token"),
        pytest.param("xapp-1-A0B-1234567", "…", id="an app's token"),
        pytest.param("postgresql://dana:secret@host/db", "postgresql://…@host/db", id="a password"),
        pytest.param("key re_12345678", "key …", id="a provider's key"),
        pytest.param("two\nlines of a\ttrace", "two lines of a trace", id="one line"),
        pytest.param("pre-release of a re-run", "pre-release of a re-run", id="plain words"),
    ],
)
def test_no_line_shows_a_key(text, shown):
    """Whoever made the sentence."""
    assert hidden(text) == shown


def test_a_trouble_is_told_once_until_it_is_over():
    """Not every second; and that it is over is told too."""
    said = []
    voice = Voice(said.append)
    for text in ("down", "down", "down", "worse"):
        voice.trouble("state", text)
    voice.well("state")
    voice.well("state")
    voice.trouble("state", "down")
    assert said == ["state: down", "state: worse", "state: works again.", "state: down"]
