"""Commands about the rules: triggers."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.faces.common import JsonOption, WorkspaceOption, console, has_width, note, open_house, print_json


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(triggers)


def triggers(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show this one in full.", show_default=False)
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every trigger, built-in and your own: its settings, the data it needs, whom it fired for.

    Those that are switched off are listed too. The count is of accounts, on the last complete day; nothing is recorded.

    --json answers {as_of, groups: {group: points}, problem, triggers: [{name, own, kind, where, enabled, summary, group,
    points, play, parameters: {name: {value, default}}, needs: [{table, rows}], metrics: [{metric, known, rows, ceilings}],
    fired}]}; rows and fired are null where nothing could be counted, and problem says why. With NAME the one trigger also
    has says, fires (the condition in words), figures: [{id, label, formula}] and first_day.
    """
    from agent.faces.listing import list_shape, show_all, show_one

    house = open_house(workspace)
    found = house.triggers(name)
    if as_json:
        print_json(list_shape(found, full=name is not None))
    elif name is not None:
        show_one(found, console())
    else:
        show_all(found, console(), one_line=not has_width())
    if found.problem:
        note(f"Whom the triggers fired for is not known: {found.problem}")
