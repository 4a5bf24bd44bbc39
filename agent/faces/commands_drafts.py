"""Commands about drafts: draft, drafts, check, approve, edit, skip, snooze, review."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.faces.common import (
    JsonOption,
    WorkspaceOption,
    answer,
    console,
    given_before,
    note,
    open_house,
    print_json,
    say,
)
from agent.foundation.errors import InputError, UsageError

if TYPE_CHECKING:
    from agent.drafting.message import Message, Places
    from agent.drafting.violation import Violation
    from agent.wiring import House

DraftId = Annotated[str, typer.Argument(metavar="ID", help="The draft's id, or the first letters of it.")]
LARGEST_TEXT = 100_000

drafts_app = typer.Typer(
    invoke_without_command=True,
    help="List drafts; `drafts show ID` prints one with its brief.",
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(draft)
    app.add_typer(drafts_app, name="drafts")
    for command in (check, review, approve, edit, skip, snooze):
        app.command()(command)


def draft(
    top: Annotated[
        int | None, typer.Option("--top", min=1, metavar="N", help="Only the first N ready accounts.")
    ] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account.")] = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Let the templates write, also where a model is switched on.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a draft for each ready account and queue it for your yes."""
    house = open_house(workspace)
    written, result = house.draft(top, account, progress=note, by_model=not no_model)
    if as_json:
        print_json({"as_of": result.as_of, "drafts": [one.shape() for one in written]})
    else:
        show_written(written)
    if result.mismatches or any(one.queued is None for one in written):
        for sentence in (*result.mismatches, *[one.problem for one in written if one.problem]):
            note(f"Error: {sentence}")
        raise typer.Exit(1)


def show_written(written: Any) -> None:
    """What was written, one line a draft, and what to do next."""
    from agent.faces.telling import worded
    from agent.faces.terminal import shown

    out = console()
    for one in written:
        if one.queued is None:
            continue
        state = "new" if one.queued.is_new else f"kept: {one.queued.says}"
        out.print(
            f"{one.queued.draft_id[:8]}  {shown(one.assessment.name)}: {shown(one.message.subject)}  ({shown(state)})"
        )
    if told := worded(one.making for one in written if one.queued is not None and one.queued.is_new):
        out.print(told, soft_wrap=True)
    if written:
        out.print("Read and decide with `outgrown review`; nothing is sent without your yes.")
    else:
        out.print(
            "No account is ready, so there is nothing to write; `outgrown digest` shows who is closest."
        )


@drafts_app.callback()
def drafts(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option("--status", metavar="S", help="Only drafts in this state.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List drafts, best first."""
    if context.invoked_subcommand is not None:
        return
    from agent.approval.states import DraftState
    from agent.approval.views import list_drafts
    from agent.faces.choices import one_of

    house = open_house(workspace)
    lines = list_drafts(house.store, one_of(DraftState, status, "--status"))
    if as_json:
        print_json({"drafts": [line.model_dump(mode="json") for line in lines]})
        return
    from agent.faces.terminal import shown

    out = console()
    for line in lines:
        marks = f"  warns: {', '.join(line.warnings)}" if line.warnings else ""
        why = f"  {shown(line.reason)}" if line.reason else ""
        out.print(
            f"{line.draft_id[:8]}  {line.state:<8}  {shown(line.account_name)}: {shown(line.subject)}{why}{marks}"
        )
    if not lines:
        out.print("No drafts; `outgrown draft` writes them for the accounts that are ready.")


@drafts_app.command("show")
def show(
    context: typer.Context,
    draft_id: DraftId,
    preview: Annotated[
        Path | None,
        typer.Option("--preview", metavar="FILE", help="Write its card as Slack would show it, as a page."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """One draft with its brief: every figure, its formula and its source rows."""
    from agent.approval.views import show_draft

    house = open_house(workspace or given_before(context, "workspace"))
    if preview is not None:
        from agent.faces.commands_start import write_page
        from agent.faces.slack.previewing import preview_draft

        write_page(preview, preview_draft(house, draft_id), "--preview")
        note(f"Wrote {preview}")
    view = show_draft(house.store, draft_id)
    if as_json or given_before(context, "as_json"):
        print_json(view.model_dump(mode="json"))
        return
    if preview is not None:
        return
    from agent.faces.reading import show_view

    show_view(view, console())


def read_message(path: Path) -> Message:
    """The message in a file, subject line first; `-` is standard input."""
    return placed_message(path)[0]


def placed_message(path: Path) -> tuple[Message, Places]:
    """The message in a file, and where in the file its characters stand.

    Raises InputError for a file that is not there, not text, or far too long.
    """
    from agent.drafting.message import Message
    from agent.faces.files import read_text

    text = read_text(path, LARGEST_TEXT)
    if not text.strip():
        raise InputError(f"{path} is empty; write the subject on its first line and the body below.")
    return Message.placed(text)


def violation_shape(violation: Violation, places: Places) -> dict[str, object]:
    """A violation as `check --json` answers it: its span counts in the characters of the file."""
    start, end = places.span(violation.start, violation.end)
    shape = violation.model_dump(mode="json", include={"rule", "level", "message"})
    return {**shape, "start": start, "end": end}


def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The text, subject line first; - is standard input.")
    ],
    account: Annotated[str, typer.Option("--account", metavar="ID", help="The account it is meant for.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the guardrails on a text meant for an account.

    The exit code is 1 when one of them blocks it.
    """
    house = open_house(workspace)
    message, places = placed_message(file)
    violations = house.check_text(account, message)
    if as_json:
        print_json([violation_shape(violation, places) for violation in violations])
    else:
        from agent.faces.reading import show_violations

        show_violations(message, violations, console())
    if any(violation.level == "block" for violation in violations):
        raise typer.Exit(1)


def approve(
    draft_id: DraftId,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a draft; everything is looked at again first.

    The message then waits in the outbox for `outgrown send`.
    """
    house = open_house(workspace)
    approved = house.approve(draft_id)
    if as_json:
        print_json(approved.model_dump(mode="json"))
    else:
        say(f"Approved; the message to {approved.address} leaves with `outgrown send`.")


def edit(
    draft_id: DraftId,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The new text, subject line first; - is standard input.")
    ],
    confirm: Annotated[
        list[str] | None,
        typer.Option("--confirm", metavar="RULE", help="Keep the text although this guardrail blocks it."),
    ] = None,
    base: Annotated[
        int | None,
        typer.Option("--base", metavar="N", help="The version you changed; the current one by default."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace a draft's text; the guardrails look at yours, too."""
    house = open_house(workspace)
    edited = house.edit(draft_id, read_message(file), confirm or (), base)
    if as_json:
        print_json(edited.model_dump(mode="json"))
        return
    say(f"Kept as version {edited.version}.")
    for violation in edited.violations:
        say(f"  {violation.level}: {violation.rule}: {violation.message}")


def skip(
    draft_id: DraftId,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why not; kept, so that the rules can learn.")
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide against a draft."""
    house = open_house(workspace)
    if not reason.strip():
        raise UsageError("--reason is empty; say why not in a few words.")
    house.skip(draft_id, reason)
    answer(as_json, {"draft_id": _whole_id(house, draft_id), "state": "skipped"}, "Skipped.")


def snooze(
    draft_id: DraftId,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=90, help="How many days to wait.")
    ] = 7,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a draft off for some days."""
    house = open_house(workspace)
    until: datetime = house.snooze(draft_id, days)
    answer(
        as_json,
        {"draft_id": _whole_id(house, draft_id), "state": "snoozed", "until": until},
        f"Snoozed until {until:%Y-%m-%d}.",
    )


def review(workspace: WorkspaceOption = None) -> None:
    """Decide on each waiting draft, its evidence beside it.

    The choices: approve, edit in $EDITOR, skip with a reason, snooze.
    """
    from agent.faces.reviewing import review_all

    review_all(open_house(workspace), console())


def _whole_id(house: House, given: str) -> str:
    from agent.approval.views import show_draft

    return show_draft(house.store, given).line.draft_id
