"""What every command shares: its options, the house it calls into, and how it prints."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.foundation.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from agent.wiring import House

_open: list[House] = []
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", help="The workspace folder; else OUTGROWN_WORKSPACE, else the current folder."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Look at another day (YYYY-MM-DD); records nothing."),
]


def open_house(workspace: Path | None) -> House:
    """The house of a workspace."""
    from agent.foundation.settings import open_workspace
    from agent.wiring import House

    house = House(open_workspace(workspace))
    _open.append(house)
    return house


def close_houses() -> None:
    """Close the stores of every house this command opened."""
    while _open:
        _open.pop().close()


def day_of(text: str | None, option: str) -> date | None:
    """An ISO date given on the command line.

    Raises UsageError for anything else.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} is {text!r}, which is not a date; write it like 2026-03-31.") from None


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(type(value))


def console() -> Console:
    """A console for people: tables and colour on a terminal, plain text in a pipe."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 110
    return Console(width=width, highlight=False, soft_wrap=False)


def note(text: str) -> None:
    """A line about progress, on stderr."""
    typer.echo(text, err=True)
