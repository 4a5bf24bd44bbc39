"""Commands about sources: connect, identities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
from agent.foundation.errors import UsageError

if TYPE_CHECKING:
    from agent.facts.identities import Identity

SHOWN = 40
"Lines a list shows before it counts the rest."

identities_app = typer.Typer(
    invoke_without_command=True,
    help="List which account each vendor's record is; `identities settle` says it, `identities unsettle` takes it back.",
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(connect)
    app.add_typer(identities_app, name="identities")


def connect(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The connector; without it they are listed.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A setting for its table in outgrown.toml; repeat it."
        ),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", metavar="N", min=0, help="Show so many rows.")] = 10,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set up a connector: keys, settings, a test, the first rows as facts."""
    from agent.faces import connecting

    if name is None:
        if settings:
            raise UsageError("--set needs the name of a connector; `outgrown connect` lists them.")
        lines = connecting.overview(open_house(workspace))
        if as_json:
            print_json({"connectors": lines})
        else:
            connecting.show_overview(lines, console())
        return
    done = connecting.connect(workspace, name, settings or (), rows, ask=not as_json, tell=note)
    if as_json:
        print_json(done.document())
    else:
        connecting.show_tried(done, console())
        say(f"Next: `outgrown sync {name}`.")


@identities_app.callback()
def identities(
    context: typer.Context,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="S", help="Only these: ambiguous, unmatched, matched or ignored."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List which account each vendor's record is, unsettled ones first."""
    if context.invoked_subcommand is not None:
        return
    from agent.facts.identities import State

    known = [one.value for one in State]
    if state is not None and state not in known:
        raise UsageError(f"--state is {state!r}; there are {', '.join(known)}.")
    found = open_house(workspace).identities()
    wanted = [one for one in found if state is None or one.state == state]
    if as_json:
        counts = {name: sum(one.state == name for one in found) for name in known}
        print_json({"counts": counts, "identities": [_document(one) for one in wanted]})
    else:
        _show(found, wanted, all_of_them=state is not None)


def _document(one: Identity) -> dict[str, object]:
    record = one.record
    return {
        "source": record.source, "record_id": record.record_id, "name": record.name, "own_id": record.own_id,
        "domain": record.domain, "state": one.state.value, "account_id": one.account_id,
        "how": one.how.value if one.how else None, "candidates": list(one.candidates), "says": one.says,
    }  # fmt: skip


def _show(found: list[Identity], wanted: list[Identity], *, all_of_them: bool) -> None:
    from rich.table import Table

    from agent.faces.terminal import shown
    from agent.facts.identities import State

    if not found:
        say("No vendor's records have been read; `outgrown connect` lists the connectors.")
        return
    shown_ones = (
        wanted if all_of_them else [one for one in wanted if one.state is not State.MATCHED or one.says]
    )
    table = Table(box=None, pad_edge=False)
    for column in ("source", "record", "name", "state", "account", "why"):
        table.add_column(column, overflow="fold")
    for one in shown_ones[:SHOWN]:
        record = one.record
        account = one.account_id or ", ".join(one.candidates[:3])
        why = one.says or (f"by {one.how.value}" if one.how else "")
        table.add_row(
            record.source,
            shown(record.record_id),
            shown(record.name),
            one.state.value,
            shown(account),
            shown(why),
        )
    if shown_ones:
        console().print(table)
        if len(shown_ones) > SHOWN:
            say(f"… and {len(shown_ones) - SHOWN:,} more; --json lists them all.")
    counts = ", ".join(f"{sum(one.state is state for one in found):,} {state.value}" for state in State)
    say(f"{len(found):,} records: {counts}.")


@identities_app.command("settle")
def settle(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The connector.")],
    record: Annotated[str, typer.Argument(metavar="RECORD", help="The vendor's id of the record.")],
    account: Annotated[str | None, typer.Argument(metavar="[ACCOUNT]", help="The account it is.")] = None,
    own: Annotated[bool, typer.Option("--own", help="It is a customer by itself.")] = False,
    ignore: Annotated[bool, typer.Option("--ignore", help="Leave it and its facts out.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which account a vendor's record is; its facts move there at once."""
    from agent.facts.identities import NO_ACCOUNT, OWN_ACCOUNT

    if (account is not None) + own + ignore != 1:
        raise UsageError("Name one ACCOUNT, or --own, or --ignore.")
    word = OWN_ACCOUNT if own else NO_ACCOUNT if ignore else account or ""
    house = open_house(workspace or given_before(context, "workspace"))
    one = house.settle_identity(source, record, word)
    _answer(one, as_json or bool(given_before(context, "as_json")))


@identities_app.command("unsettle")
def unsettle(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The connector.")],
    record: Annotated[str, typer.Argument(metavar="RECORD", help="The vendor's id of the record.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back what was said about a record."""
    house = open_house(workspace or given_before(context, "workspace"))
    one = house.unsettle_identity(source, record)
    _answer(one, as_json or bool(given_before(context, "as_json")))


def _answer(one: Identity, as_json: bool) -> None:
    record = one.record
    what = f"is account {one.account_id}" if one.account_id else f"is {one.state.value}"
    why = f": {one.says}" if one.says else ""
    answer(as_json, _document(one), f"{record.source} {record.record_id} {what}{why}.")
