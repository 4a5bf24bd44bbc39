"""HTTP mode: only what Slack signed, and only once."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.parse

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from agent.faces.slack.http import PATH, routes
from agent.faces.slack.naming import Action
from tests.faces.slack.desks import DANA, Office, buttons
from tests.slackserver import CHANNEL, TEAM


@pytest.fixture
def door(office):
    """The desk's route, in HTTP mode."""
    path = office.folder / "outgrown.toml"
    text = path.read_text(encoding="utf-8").replace("[slack]", '[slack]\nmode = "http"')
    path.write_text(text, encoding="utf-8")
    desk = office.open(connects=False)
    with TestClient(Starlette(routes=routes(desk))) as client:
        yield client


def pressed(office: Office, action: str = Action.APPROVE) -> str:
    """The body of a click on the first card."""
    card = office.card()
    button = next(
        e for b in card.blocks if b["type"] == "actions" for e in b["elements"] if e["action_id"] == action
    )
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": DANA, "team_id": TEAM},
        "trigger_id": "1.2.abc",
        "channel": {"id": CHANNEL},
        "container": {"type": "message", "message_ts": card.ts, "channel_id": CHANNEL},
        "actions": [{"type": "button", "action_id": action, "value": button["value"], "action_ts": "1.1"}],
    }
    return urllib.parse.urlencode({"payload": json.dumps(payload)})


def signed(office: Office, body: str, at: float | None = None) -> dict[str, str]:
    """What Slack sends with it."""
    moment = str(int(time.time() if at is None else at))
    base = f"v0:{moment}:{body}".encode()
    digest = hmac.new(office.slack.signing_secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": moment,
        "x-slack-signature": f"v0={digest}",
    }


def test_a_signed_click_is_done(office, door):
    """As over the socket."""
    body = pressed(office)
    assert door.post(PATH, content=body, headers=signed(office, body)).status_code == 200
    card = office.card()
    assert office.sent(card)
    office.slack.wait_for(lambda: not buttons(card))


def test_the_same_request_again_is_acknowledged_and_not_done_again(office, door):
    """Somebody recorded it and plays it within the window."""
    body = pressed(office)
    headers = signed(office, body)
    for _ in range(3):
        assert door.post(PATH, content=body, headers=headers).status_code == 200
    office.sent(office.card())
    assert len(office.clicks()) == 1
    assert office.slack.ephemerals == []


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda o, b: {}, id="not signed"),
        pytest.param(lambda o, b: signed(o, b + "x"), id="signed for another body"),
        pytest.param(lambda o, b: signed(o, b, time.time() - 301), id="five minutes old"),
        pytest.param(lambda o, b: signed(o, b, time.time() + 301), id="of the future"),
    ],
)
def test_anything_else_is_turned_away(office, door, spoil):
    """Nothing is kept of it."""
    body = pressed(office)
    assert door.post(PATH, content=body, headers=spoil(office, body)).status_code == 401
    assert office.clicks() == []


def test_slacks_question_whether_we_are_there_is_answered(office, door):
    """When the address is entered in the app's settings."""
    body = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"})
    headers = signed(office, body) | {"content-type": "application/json"}
    answer = door.post(PATH, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


def test_what_is_too_large_is_turned_away_unread(door):
    """Before a signature is computed over it."""
    assert door.post(PATH, content=b"x" * 1_100_000).status_code == 413
