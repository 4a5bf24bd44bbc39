"""The approval loop in the terminal: evidence beside the text, then one decision a draft."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from agent.approval.states import DraftState
from agent.approval.views import list_drafts, show_draft
from agent.drafting.message import Message
from agent.faces.reading import show_view, show_violations
from agent.foundation.errors import Blocked, ConfigError, MoveRefused, OutgrownError, Stale

if TYPE_CHECKING:
    from rich.console import Console

    from agent.approval.views import DraftView
    from agent.wiring import House

QUESTION = "[a]pprove, [e]dit, [s]kip, s[n]ooze, [l]ater, [q]uit"


def review_all(house: House, out: Console) -> None:
    """Ask about every pending draft in turn; leaving half-way loses nothing."""
    house.tidy()
    waiting = list_drafts(house.store, DraftState.PENDING)
    if not waiting:
        out.print("Nothing waits for you; `outgrown draft` writes drafts for the accounts that are ready.")
        return
    for number, line in enumerate(waiting, start=1):
        out.rule(f"{number} of {len(waiting)}")
        if not _review(house, line.draft_id, out):
            break
    left = len(list_drafts(house.store, DraftState.PENDING))
    out.print(f"{left} left to decide. Approved messages leave with `outgrown send`.")


def _review(house: House, draft_id: str, out: Console) -> bool:
    """Ask about one draft until it is decided; False when the person wants to stop."""
    while True:
        view = show_draft(house.store, draft_id)
        if view.line.state != DraftState.PENDING:
            return True
        show_view(view, out)
        answer = typer.prompt(QUESTION, default="l").strip().lower()[:1]
        try:
            match answer:
                case "a":
                    approved = house.approve(draft_id, version=view.line.version)
                    out.print(f"Approved: to {escape(approved.address)} with the next `outgrown send`.")
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
        except Stale as stale:
            out.print(f"[bold]Stale[/bold]: {escape(str(stale))}", soft_wrap=True)
            return True
        except (MoveRefused, OutgrownError) as refused:
            out.print(escape(str(refused)), soft_wrap=True)


def _edit(house: House, view: DraftView, out: Console) -> None:
    """Open the text in $EDITOR until the guardrails take it or the person gives up."""
    text = view.message.text
    while True:
        changed = _in_editor(text)
        if changed is None or changed == view.message.text:
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
            out.print(escape(str(blocked)), soft_wrap=True)
            if not typer.confirm("Edit it again?", default=True):
                return
        else:
            return


def _in_editor(text: str) -> str | None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise ConfigError(
            "No editor is set; set EDITOR, for example EDITOR=nano, or use `outgrown edit ID FILE`."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.txt"
        path.write_text(text, encoding="utf-8")
        # The editor is the person's own choice, not anything a customer wrote.
        done = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603
        return path.read_text(encoding="utf-8") if done.returncode == 0 else None
