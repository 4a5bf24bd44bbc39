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
    say,
)
from agent.foundation.errors import InputError, UsageError

if TYPE_CHECKING:
    from agent.faces.digest import DigestView


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (demo, init, doctor, digest):
        app.command()(command)


def demo(
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", metavar="DIR", help="Where to make it; ./outgrown-demo by default."),
    ] = None,
) -> None:
    """Run the main job on a sample company: no keys, no network."""
    from agent.faces.demonstrating import run_demo

    run_demo(workspace or Path("outgrown-demo"), console())


def init(workspace: WorkspaceOption = None) -> None:
    """Write a commented outgrown.toml and .env here."""
    from agent.faces.starting import write_workspace
    from agent.foundation.settings import FILE, find_workspace

    folder = find_workspace(workspace)
    for path in write_workspace(folder):
        say(f"Wrote {path}")
    say(
        f"Next: see that {folder / FILE} names your company and who signs, put your exports into "
        f"{folder / 'exports'}, then run `outgrown sync` and `outgrown scan` there."
    )


def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Say what is wrong with a workspace, and how to mend it."""
    from agent.faces.examining import examine

    checks = examine(workspace)
    if as_json:
        print_json({"checks": [check.model_dump() for check in checks]})
    else:
        marks = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
        for check in checks:
            say(f"{marks[check.state]}  {check.name}: {check.says}")
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(1)


def digest(
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one self-contained HTML file.")
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option("--preview", metavar="FILE", help="Write an HTML file of how it would look in Slack."),
    ] = None,
    post: Annotated[bool, typer.Option("--post", help="Post it to Slack, once a week.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="With --post: also when this week's is there already.")
    ] = False,
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The weekly top five, who is close and who is held, last week's results, the budget."""
    from agent.faces.digesting import digest_view

    day = day_of(as_of, "--as-of")
    if again and not post:
        raise UsageError("--again belongs to --post; add it, or leave both out.")
    house = open_house(workspace)
    if post:
        if day is not None or html is not None or preview is not None:
            raise UsageError("--post posts this week's digest; leave out --as-of, --html and --preview.")
        from agent.faces.digest_posting import post_by_hand

        post_by_hand(house, again=again, as_json=as_json)
        return
    view = digest_view(house, day)
    if preview is not None:
        from agent.faces.slack.digest_preview import preview_digest

        write_page(preview, preview_digest(view), "--preview")
        note(f"Wrote {preview}")
        if html is None and not as_json:
            return
    show_digest(view, html, as_json=as_json)


def show_digest(view: DigestView, html: Path | None, *, as_json: bool) -> None:
    """Print the digest, or write it as a page."""
    from agent.faces.digest import as_html, as_table

    if html is not None:
        write_page(html, as_html(view))
        note(f"Wrote {html}")
    if as_json:
        print_json(view.model_dump(mode="json"))
    elif html is None:
        as_table(view, console())


def write_page(path: Path, page: str, option: str = "--html") -> None:
    """Write the page that `option` asked for.

    Raises InputError when the file cannot be written.
    """
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as bad:
        raise InputError(
            f"{path} cannot be written ({bad.strerror}); name another file with {option}."
        ) from None
