"""The command that stays: serve."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.faces.common import WorkspaceOption, open_house


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(serve)


def serve(
    once: Annotated[
        bool, typer.Option("--once", help="Do what is due now, send, and end: for those who use cron.")
    ] = False,
    no_slack: Annotated[bool, typer.Option("--no-slack", help="Leave Slack out.")] = False,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDRESS", help="Where to listen; else host in [serve]."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=0, max=65535, help="0 lets the system choose one."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Run Slack, the outbox and the clock's work: sync, draft, digest.

    Everything is kept in the state: stop it when you like, it goes on where it stopped. Several may run against one
    PostgreSQL.
    """
    house = open_house(workspace)
    from agent.faces.serving.serving import Serving

    serving = Serving(house, with_slack=not no_slack, host=host, port=port)
    code = serving.once() if once else serving.run()
    if code:
        raise typer.Exit(code)
