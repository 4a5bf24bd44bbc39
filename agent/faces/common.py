"""What every command shares: its options, the house it calls into, and how it prints."""

from __future__ import annotations

import json
import os
import re
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from agent.faces.terminal import letter_text
from agent.foundation.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from agent.wiring import House

PIPE_WIDTH = 110
OBEYED = re.compile(
    "[\\x7f-\\x9f\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ud800-\\udfff\\ufeff]"
)
"What a terminal obeys, hides, reorders by, or cannot encode."

_open: list[House] = []
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="The workspace folder; else OUTGROWN_WORKSPACE, else the current folder.",
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
    """The house of a workspace.

    Raises ConfigError for whatever is wrong in its settings.
    """
    from agent.foundation.settings import open_workspace
    from agent.wiring import House

    house = House(open_workspace(workspace))
    _open.append(house)
    house.check_sources()
    return house


def given_before(context: typer.Context, option: str) -> Any:
    """An option given before the name of a subcommand: `outgrown drafts --workspace DIR show ID`."""
    return context.parent.params.get(option) if context.parent else None


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
    """One JSON document on stdout; what a terminal could not show, or would obey, is written as \\uXXXX."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(document, ensure_ascii=encoding != "utf8", indent=2, default=_plain)
    _write(sys.stdout, text if text.isascii() and "\x7f" not in text else OBEYED.sub(_as_escape, text))


def _as_escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(type(value))


def console() -> Console:
    """A console for people: tables and colour on a terminal, plain text in a pipe."""
    from rich.console import Console

    return Console(width=None if has_width() else PIPE_WIDTH, highlight=False, soft_wrap=False, emoji=False)


def has_width() -> bool:
    """Whether lines have to fit a width: on a terminal, or where COLUMNS asks for one."""
    return sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()


def say(text: str) -> None:
    """A line of the answer, on stdout."""
    _write(sys.stdout, letter_text(text))


def answer(as_json: bool, document: dict[str, object], sentence: str) -> None:
    """What was done: a document for programs, a sentence for people."""
    if as_json:
        print_json(document)
    else:
        say(sentence)


def note(text: str) -> None:
    """A line about progress or trouble, on stderr."""
    _write(sys.stderr, letter_text(text))


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()
