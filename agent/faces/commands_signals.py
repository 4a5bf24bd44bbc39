"""Commands that look: scan and explain."""

from __future__ import annotations

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
    from agent.scoring.scan import Scan


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(scan)
    app.command()(explain)


def scan(
    as_of: AsOfOption = None,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Show stable accounts too.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate every account: who is ready, who is held and why, who is on the way."""
    from agent.faces.shapes import scan_shape

    house = open_house(workspace)
    result = house.scan(day_of(as_of, "--as-of"), account)
    if as_json:
        print_json(scan_shape(result))
    else:
        show_scan(result, everyone=everyone or account is not None)
    if result.mismatches:
        for sentence in result.mismatches:
            note(f"Error: figure_mismatch: {sentence}.")
        raise typer.Exit(1)


def show_scan(result: Scan, *, everyone: bool) -> None:
    """The scan as a table; stable accounts are counted, and listed on demand."""
    from rich.markup import escape
    from rich.table import Table

    from agent.scoring.assessment import Status

    out = console()
    counts = {status: sum(one.status is status for one in result.accounts) for status in Status}
    said = ", ".join(f"{number} {status.value}" for status, number in counts.items())
    out.print(f"As of {result.as_of}: {len(result.accounts):,} accounts, {said}.")
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    for column in ("account", "status", "points", "score", "offer", "because / held by"):
        table.add_column(
            column, justify="right" if column in ("points", "score") else "left", overflow="fold"
        )
    for one in result.accounts:
        if one.status is Status.STABLE and not everyone:
            continue
        why = (
            "; ".join(hold.hold for hold in one.holds)
            if one.holds
            else ", ".join(f.trigger for f in one.findings)
        )
        offer = one.offer.name if one.offer else "·"
        score = "·" if one.composite is None else f"{one.composite:.0f}"
        table.add_row(
            f"{escape(one.name)} ({escape(one.account_id)})",
            one.status.value,
            str(one.points),
            score,
            escape(offer),
            escape(why),
        )
    out.print(table)
    if counts[Status.STABLE] and not everyone:
        out.print(f"{counts[Status.STABLE]:,} stable accounts are not shown; --all shows them.")


def explain(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")],
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything about one account: findings with their source rows, every term of every score, holds, what is missing."""
    from agent.faces.shapes import account_shape

    house = open_house(workspace)
    one = house.assess(account, day_of(as_of, "--as-of"))
    if as_json:
        shape = account_shape(one, rows=True)
        shape["as_of"] = one.as_of.isoformat()
        shape["terms"] = {
            name: {"score": part.score, "weight": part.weight, "terms": [t.model_dump() for t in part.terms]}
            for name, part in one.parts.items()
        }
        print_json(shape)
    else:
        from agent.faces.explaining import show

        show(one, console())
