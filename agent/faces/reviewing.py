"""The approval loop in the terminal: evidence beside the text, then one decision a draft."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agent.approval.states import DraftState
from agent.approval.views import list_drafts, show_draft
from agent.drafting.message import Message
from agent.faces.common import note
from agent.faces.files import read_text
from agent.faces.reading import show_view, show_violations
from agent.faces.terminal import shown
from agent.foundation.errors import Blocked, ConfigError, OutgrownError, Stale

if TYPE_CHECKING:
    from rich.console import Console

    from agent.approval.views import DraftView
    from agent.wiring import House

LARGEST_TEXT = 100_000
QUESTION = "[a]pprove, [e]dit, [s]kip, s[n]ooze, [l]ater, [q]uit"


def review_all(house: House, out: Console) -> None:
    """Ask about every pending draft in turn; leaving half-way loses nothing."""
    house.tidy()
    waiting = list_drafts(house.store, DraftState.PENDING)
    if not waiting:
        out.print("Nothing waits for you; `outgrown draft` writes drafts for the accounts that are ready.")
        return
    has_ended = False
    try:
        for number, line in enumerate(waiting, start=1):
            out.rule(f"{number} of {len(waiting)}")
            if not _review(house, line.draft_id, out):
                break
    except typer.Abort:
        # Ctrl-C, or an input that ended: what was decided stays decided.
        has_ended = True
    left = len(list_drafts(house.store, DraftState.PENDING))
    out.print(f"{left} left to decide. Approved messages leave with `outgrown send`.")
    if has_ended:
        note("Stopped before the last decision; run `outgrown review` again to go on.")
        raise typer.Exit(1)


def _review(house: House, draft_id: str, out: Console) -> bool:
    """Ask about one draft until it is decided; False when the person wants to stop."""
    shown_version = 0
    while True:
        view = show_draft(house.store, draft_id)
        if view.line.state != DraftState.PENDING:
            return True
        if view.line.version != shown_version:
            show_view(view, out)
            shown_version = view.line.version
        answer = typer.prompt(QUESTION, default="l").strip().lower()[:1]
        try:
            match answer:
                case "a":
                    approved = house.approve(draft_id, version=view.line.version)
                    out.print(f"Approved: to {shown(approved.address)} with the next `outgrown send`.")
                    return True
                case "e":
                    _edit(house, view, out)
                case "s":
                    house.skip(draft_id, typer.prompt("Why not?"))
                    return True
                case "n":
                    until = house.snooze(draft_id, typer.prompt("For how many days?", default=7, type=int))
                    out.print(f"Snoozed until {until:%Y-%m-%d}.")
                    return True
                case "l":
                    return True
                case "q":
                    return False
                case _:
                    out.print("Answer with one of a, e, s, n, l and q.")
        except Stale as stale:
            out.print(f"[bold]Stale[/bold]: {shown(str(stale))}", soft_wrap=True)
            return True
        except OutgrownError as refused:
            out.print(shown(str(refused)), soft_wrap=True)


def _edit(house: House, view: DraftView, out: Console) -> None:
    """Open the text in $EDITOR until the guardrails take it or the person gives up."""
    text = view.message.text
    while True:
        changed = _in_editor(text)
        if changed.strip() in ("", view.message.text.strip()):
            out.print("Nothing changed.")
            return
        message, text = Message.parse(changed), changed
        violations = house.check_draft(view.line.draft_id, message)
        show_violations(message, violations, out)
        rules = sorted({v.rule for v in violations if v.level == "block" and not v.hard})
        try:
            if not rules or not typer.confirm(
                f"Keep it although {', '.join(rules)} block it?", default=False
            ):
                house.edit(view.line.draft_id, message, (), view.line.version)
            else:
                house.edit(view.line.draft_id, message, rules, view.line.version)
        except Blocked as blocked:
            out.print(shown(str(blocked)), soft_wrap=True)
            if not typer.confirm("Edit it again?", default=True):
                return
        else:
            return


def _in_editor(text: str) -> str:
    """The text as the person's editor leaves it."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise ConfigError(
            "No editor is set; set EDITOR, for example EDITOR=nano, or use `outgrown edit ID FILE`."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.txt"
        path.write_text(text, encoding="utf-8")
        try:
            # The editor is the person's own choice, not anything a customer wrote.
            done = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603
        except (OSError, ValueError) as bad:
            raise ConfigError(f"The editor {editor!r} cannot be started ({bad}); mend EDITOR.") from None
        if done.returncode != 0:
            raise ConfigError(
                f"The editor {editor!r} ended with code {done.returncode}; nothing was changed."
            )
        return read_text(path, LARGEST_TEXT)
