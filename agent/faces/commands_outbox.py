"""Commands about what leaves and what comes back: send, stop, resume, outbox, reply, outcome, forget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.faces.common import (
    JsonOption,
    WorkspaceOption,
    answer,
    console,
    given_before,
    open_house,
    print_json,
    say,
)
from agent.foundation.errors import UsageError

if TYPE_CHECKING:
    from agent.delivery.sender import Sent
    from agent.wiring import House

LARGEST_REPLY = 1_000_000
AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")]

outbox_app = typer.Typer(
    invoke_without_command=True,
    help="List deliveries; `outbox settle ID` for an unknown one, `outbox cancel ID` for one that still waits.",
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(send)
    app.add_typer(outbox_app, name="outbox")
    for command in (stop, resume, reply, outcome, forget):
        app.command()(command)


def send(
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Hand over at most so many.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deliver what is approved, each message once."""
    house = open_house(workspace)
    if dry_run:
        _foretell(house, limit, as_json)
        return
    done = house.send(limit)
    if as_json:
        print_json({"deliveries": [one.model_dump(mode="json") for one in done]})
    else:
        for one in done:
            say(f"{one.delivery_id}  {one.account_id}: {one.result}{': ' + one.says if one.says else ''}")
        say(_summary(house, done))
    if any(one.result in ("failed", "unknown") for one in done):
        raise typer.Exit(1)


def _summary(house: House, done: Sequence[Sent]) -> str:
    stopped = house.stopped
    if stopped:
        return f"Sending is stopped by {stopped.who}; `outgrown resume` lets messages leave again."
    if done:
        return f"{sum(one.result == 'sent' for one in done)} sent."
    waiting = sum(line.state == "queued" for line in house.outbox())
    if waiting:
        return (
            f"Nothing leaves now; {waiting} wait{'s' * (waiting == 1)}, and `outgrown outbox` says for what."
        )
    return "Nothing is approved and waiting; `outgrown review` decides."


def _foretell(house: House, limit: int | None, as_json: bool) -> None:
    """What would be sent, and what waits for what."""
    seen = house.would_send(limit)
    going = [one.line for one in seen if one.fate == "send"]
    others = [one for one in seen if one.fate != "send"]
    if as_json:
        document = {
            "would_send": [line.model_dump(mode="json") for line in going],
            "would_not": [
                {"fate": one.fate, "why": one.why, **one.line.model_dump(mode="json")} for one in others
            ],
        }
        print_json(document)
        return
    for line in going:
        say(f"would send {line.delivery_id} to {line.address} by {line.channel}")
    for one in others:
        does = "would be cancelled" if one.fate == "cancel" else "would wait"
        say(f"{does}: {one.line.delivery_id} to {one.line.address} by {one.line.channel}: {one.why}")
    say(f"{len(going)} would be sent.")


def stop(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever meets the switch.")
    ] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let no message leave from now on, in any process of this workspace."""
    done = open_house(workspace).stop(reason)
    under_way = len(done.under_way)
    late = (
        f"; {under_way} {'was' if under_way == 1 else 'were'} already being handed over" if under_way else ""
    )
    answer(
        as_json,
        done.model_dump(mode="json"),
        f"Sending is stopped by {done.who}{late}. `outgrown resume` lets messages leave again.",
    )


def resume(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Let messages leave again."""
    resumed = open_house(workspace).resume()
    said = "Messages leave again." if resumed else "Nothing was stopped; messages leave."
    answer(as_json, {"resumed": resumed}, said)


@outbox_app.callback()
def outbox(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option("--status", metavar="S", help="Only deliveries in this state.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List deliveries, newest first."""
    if context.invoked_subcommand is not None:
        return
    from agent.approval.states import DeliveryState
    from agent.faces.choices import one_of

    lines = open_house(workspace).outbox(one_of(DeliveryState, status, "--status"))
    if as_json:
        print_json({"deliveries": [line.model_dump(mode="json") for line in lines]})
        return
    from agent.faces.terminal import shown

    out = console()
    for line in lines:
        when = f"{line.sent_at or line.created_at:%Y-%m-%d %H:%M}"
        why = (
            f"waits: {line.waits}" if line.waits and line.state == "queued" else line.waits or line.last_error
        )
        error = f"  {shown(why)}" if why else ""
        out.print(
            f"{line.delivery_id}  {line.state:<9}  {when}  {shown(line.account_id)} <{shown(line.address)}>{error}"
        )
    if not lines:
        out.print("The outbox is empty.")


@outbox_app.command("settle")
def settle(
    context: typer.Context,
    delivery_id: Annotated[
        str, typer.Argument(metavar="ID", help="The delivery's id, as `outgrown outbox` lists it.")
    ],
    arrived: Annotated[
        bool, typer.Option("--arrived/--not-arrived", help="Whether the message reached the customer.")
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what became of a delivery of unknown fate.

    It is never sent again on its own.
    """
    open_house(workspace or given_before(context, "workspace")).settle(delivery_id, arrived=arrived)
    said = "Recorded as sent." if arrived else "Recorded as not sent; the draft waits for approval again."
    answer(as_json, {"delivery_id": delivery_id, "arrived": arrived}, said)


@outbox_app.command("cancel")
def cancel(
    context: typer.Context,
    delivery_id: Annotated[
        str, typer.Argument(metavar="ID", help="The delivery's id, as `outgrown outbox` lists it.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call back an approved message that has not left."""
    open_house(workspace or given_before(context, "workspace")).call_back(delivery_id, reason)
    answer(as_json, {"delivery_id": delivery_id, "cancelled": True}, "Called back; it does not leave.")


def reply(
    account: AccountId,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="interested, not_yet, no, stop, question, or close to end the conversation.",
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="The text that came back; - is standard input."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record an answer that came back.

    `stop` silences the account for good; a question holds it until you close the conversation.
    """
    from agent.faces.choices import one_of
    from agent.faces.files import read_text
    from agent.learning.replies import ReplyKind

    house = open_house(workspace)
    if kind == "close":
        house.must_be_known(account)
        closed = house.close_conversation(account)
        said = f"{closed} conversation{'s' * (closed != 1)} closed."
        answer(as_json, {"account_id": account, "closed": closed}, said)
        return
    chosen = one_of(ReplyKind, kind, "--kind")
    assert chosen is not None  # noqa: S101 - the option is required
    text = read_text(file, LARGEST_REPLY) if file else ""
    house.reply(account, chosen, text)
    stopped = chosen is ReplyKind.STOP
    said = "Recorded; this account will not be written to again." if stopped else "Recorded."
    answer(as_json, {"account_id": account, "kind": chosen.value}, said)


def outcome(
    account: AccountId,
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="upgraded, bought, declined, no_answer or churned.")
    ],
    amount_minor: Annotated[
        int | None,
        typer.Option("--amount-minor", metavar="N", min=0, help="What it adds a month, in minor units."),
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="Currency of the amount, such as EUR.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record how it ended."""
    from agent.faces.choices import one_of
    from agent.foundation.settings import CURRENCY
    from agent.learning.outcomes import OutcomeKind

    chosen = one_of(OutcomeKind, kind, "--kind")
    assert chosen is not None  # noqa: S101 - the option is required
    if currency is not None and not CURRENCY.fullmatch(currency):
        raise UsageError(f"--currency is {currency!r}; give three capital letters, such as EUR.")
    open_house(workspace).outcome(account, chosen, amount_minor, currency)
    answer(as_json, {"account_id": account, "kind": chosen.value}, "Recorded.")


def forget(
    account: AccountId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a customer's data everywhere, keeping the silence."""
    house = open_house(workspace)
    house.must_be_known(account)
    if not yes:
        typer.confirm(f"Erase all data of account {account}? This cannot be undone", abort=True)
    elsewhere = house.where_else(account)
    rows, files = house.forget(account)
    said = f"Erased {rows} rows and {files} files; the account stays suppressed."
    if house.read_in_place:
        said += " Your warehouse is only read, so its rows are still there: erase them there."
    if elsewhere:
        said += f" Erase it there as well, or the next sync brings it back: {', '.join(elsewhere)}."
    answer(as_json, {"account_id": account, "rows": rows, "files": files, "elsewhere": elsewhere}, said)
