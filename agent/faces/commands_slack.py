"""Commands about Slack: the manifest its app is made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.faces.common import say
from agent.foundation.errors import UsageError

slack_app = typer.Typer(
    no_args_is_help=True,
    help="Setting up the Slack app.",
    rich_markup_mode=None,
)
MANIFEST = Path(__file__).with_name("slack") / "manifest.json"
EVENTS = "/slack/events"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(slack_app, name="slack")


@slack_app.callback()
def slack() -> None:
    """Setting up the Slack app."""


@slack_app.command()
def manifest(
    http: Annotated[
        str | None,
        typer.Option(
            "--http",
            metavar="URL",
            help="For HTTP mode: the public https address at which `outgrown serve` is reached.",
        ),
    ] = None,
) -> None:
    """Print the manifest to create the Slack app from."""
    say(json.dumps(manifest_for(http), indent=2))


def manifest_for(http: str | None) -> dict[str, Any]:
    """The app's manifest: for Socket Mode, or for HTTP mode behind a public address.

    Raises UsageError for an address that Slack would not take.
    """
    made: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    if http is None:
        return made
    if not http.startswith("https://") or any(letter.isspace() for letter in http):
        raise UsageError(
            f"--http is {http!r}; give the public address, such as https://outgrown.example.com."
        )
    url = http.rstrip("/")
    url = url if url.endswith(EVENTS) else url + EVENTS
    settings = made["settings"]
    settings["socket_mode_enabled"] = False
    settings["event_subscriptions"]["request_url"] = url
    settings["interactivity"]["request_url"] = url
    return made
