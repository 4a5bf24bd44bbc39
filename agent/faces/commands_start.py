"""Commands that set up and show: init, doctor, demo, digest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.faces.common import (
    AsOfOption,
    JsonOption,
    WorkspaceOption,
    console,
    day_of,
    note,
    open_house,
    print_json,
)

if TYPE_CHECKING:
    from agent.faces.digest import DigestView


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (demo, init, doctor, digest):
        app.command()(command)


def demo(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Where to make it; ./outgrown-demo by default.")
    ] = None,
) -> None:
    """Make a workspace with a sample company, then sync, scan, draft and digest: no keys, no network."""
    from agent.faces.demonstrating import run_demo

    run_demo(workspace or Path("outgrown-demo"), console())


def init(workspace: WorkspaceOption = None) -> None:
    """Write a commented outgrown.toml and .env here."""
    from agent.faces.starting import write_workspace
    from agent.foundation.settings import find_workspace

    folder = find_workspace(workspace)
    for path in write_workspace(folder):
        typer.echo(f"Wrote {path}")
    typer.echo(
        "Next: put your exports into the exports folder, then run `outgrown sync` and `outgrown scan`."
    )


def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check configuration, stores, sources and channel; says what is wrong and how to mend it."""
    from agent.faces.examining import examine

    checks = examine(workspace)
    if as_json:
        print_json({"checks": [check.model_dump() for check in checks]})
    else:
        marks = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
        for check in checks:
            typer.echo(f"{marks[check.state]}  {check.name}: {check.says}")
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(1)


def digest(
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one self-contained HTML file.")
    ] = None,
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The weekly top five: who is ready, who is close, who is held and why, and last week's results."""
    from agent.faces.digesting import digest_view

    view = digest_view(open_house(workspace), day_of(as_of, "--as-of"))
    show_digest(view, html, as_json=as_json)


def show_digest(view: DigestView, html: Path | None, *, as_json: bool) -> None:
    """Print the digest, or write it as a page."""
    from agent.faces.digest import as_html, as_table

    if html is not None:
        html.write_text(as_html(view), encoding="utf-8")
        note(f"Wrote {html}")
    if as_json:
        typer.echo(view.model_dump_json(indent=2))
    elif html is None:
        as_table(view, console())
