"""What the doctor says about Slack, and the manifest its app is made from."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from agent.faces import cli
from agent.faces.commands_slack import manifest_for
from agent.faces.examining_slack import checks
from agent.foundation.errors import UsageError
from agent.foundation.settings import open_workspace
from tests.exports import write_workspace
from tests.slackserver import CHANNEL, SlackServer

SLACK = f"""
[slack]
channel = "{CHANNEL}"
approvers = ["U0DANA"]
"""


@pytest.fixture
def server(monkeypatch):
    """A Slack that the environment names."""
    with SlackServer(message_gap=0) as opened:
        opened.person("U0DANA")
        for name, value in opened.environment.items():
            monkeypatch.setenv(name, value)
        yield opened
    assert opened.refused == []


def told(folder, more=SLACK) -> dict[str, tuple[str, str]]:
    """Each check's state and words, by its name."""
    write_workspace(folder, [])
    path = folder / "outgrown.toml"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    return {one.name: (one.state, one.says) for one in checks(open_workspace(folder))}


def test_green_when_everything_is_there(server, tmp_path):
    """Workspace, socket, channel and approvers, and nothing was posted."""
    said = told(tmp_path)
    assert list(said) == ["slack", "slack socket", "slack channel", "slack approvers"]
    assert {state for state, _ in said.values()} == {"ok"}
    assert server.messages == []


def test_without_a_token_it_is_off(tmp_path, monkeypatch):
    """Which is no mistake, and says how to switch it on."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    [(state, says)] = told(tmp_path).values()
    assert state == "ok"
    assert "outgrown slack manifest" in says


@pytest.mark.parametrize(
    ("spoil", "name", "words"),
    [
        pytest.param(lambda s: s.fail("auth.test", "invalid_auth", 9), "slack", "SLACK_BOT_TOKEN", id="token"),
        pytest.param(lambda s: s.fail("auth.test", "fatal_error", 9), "slack", "reaches", id="down"),
        pytest.param(
            lambda s: s.fail("apps.connections.open", "invalid_auth", 9), "slack socket", "SLACK_APP_TOKEN", id="app token"
        ),
        pytest.param(
            lambda s: s.fail("conversations.history", "not_in_channel", 9), "slack channel", "/invite", id="not invited"
        ),
        pytest.param(
            lambda s: s.fail("conversations.history", "missing_scope", 9), "slack channel", "install", id="scope"
        ),
        pytest.param(lambda s: s.deactivate("U0DANA"), "slack approvers", "active", id="approver"),
    ],
)  # fmt: skip
def test_each_trouble_is_told_with_how_to_mend_it(server, tmp_path, spoil, name, words):
    """In one sentence."""
    spoil(server)
    state, says = told(tmp_path)[name]
    assert state == "fail"
    assert words in says


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("", "channel in [slack]"),
        (SLACK + 'team = "T0OTHER"\n', "team = T0OTHER"),
        (SLACK.replace(CHANNEL, "C0NOWHERE"), "invite the app"),
    ],
)
def test_settings_that_cannot_work_are_told(server, tmp_path, settings, words):
    """What is missing, or does not fit the token."""
    said = told(tmp_path, settings)
    assert any(state == "fail" and words in says for state, says in said.values())


def test_the_manifest_asks_for_little():
    """Socket Mode needs no address; nothing is read but where the app is invited."""
    answer = CliRunner().invoke(cli.app, ["slack", "manifest"])
    made = json.loads(answer.stdout)
    assert made["settings"]["socket_mode_enabled"] is True
    assert set(made["oauth_config"]["scopes"]) == {"bot"}
    assert not {"channels:read", "users:read.email", "chat:write.public"} & set(
        made["oauth_config"]["scopes"]["bot"]
    )


def test_the_manifest_for_http_names_the_address():
    """For events and for buttons."""
    settings = manifest_for("https://outgrown.example.com/")["settings"]
    assert settings["socket_mode_enabled"] is False
    url = "https://outgrown.example.com/slack/events"
    assert settings["event_subscriptions"]["request_url"] == settings["interactivity"]["request_url"] == url


def test_an_address_that_slack_would_not_take_is_refused():
    """Slack speaks https only."""
    with pytest.raises(UsageError, match="https"):
        manifest_for("http://localhost:8484")
