"""Commands that look: scan and explain."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.faces.common import (
    AsOfOption,
    JsonOption,
    WorkspaceOption,
    console,
    day_of,
    has_width,
    note,
    open_house,
    print_json,
)


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
    """Who is ready, who is held and why, who is on the way."""
    from agent.faces.shapes import scan_shape

    house = open_house(workspace)
    day = day_of(as_of, "--as-of")
    if day is not None and day > house.live_day:
        note(f"{day} is not over yet; the newest day known is {house.live_day}.")
    result = house.scan(day, account)
    if as_json:
        print_json(scan_shape(result))
    else:
        from agent.faces.scanning import show

        show(result, console(), everyone=everyone or account is not None, one_line=not has_width())
    if result.mismatches:
        for sentence in result.mismatches:
            note(f"Error: figure_mismatch: {sentence}.")
        raise typer.Exit(1)


def explain(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")],
    as_of: AsOfOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything about one account, down to the source rows.

    Findings with their figures, every term of every score, holds, and what is missing to be ready.
    """
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
