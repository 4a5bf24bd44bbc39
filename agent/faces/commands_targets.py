"""Commands about the founder's own tools that are told what happens: targets, targets push, targets retry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from agent.wiring import House

targets_app = typer.Typer(
    invoke_without_command=True,
    help="List the tools that are told what happens; `targets push` tells them, `targets retry` what has failed.",
    rich_markup_mode=None,
)

NONE = 'No target is switched on; add for example [targets.hubspot] with on = ["ready"] to outgrown.toml.'


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(targets_app, name="targets")


@targets_app.callback()
def targets(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the targets, what each is told, and what has not arrived."""
    if context.invoked_subcommand is not None:
        return
    house = open_house(workspace)
    found = _standing(house)
    if as_json:
        print_json(found)
        return
    from agent.faces.terminal import shown

    out = console()
    for one in found["targets"]:
        numbers = (
            ", ".join(f"{number} {state}" for state, number in one["records"].items()) or "nothing told yet"
        )
        lacks = f"  lacks {one['lacks']}" if one["lacks"] else ""
        out.print(f"{one['name']:<11} {', '.join(one['on']):<20} {numbers}{lacks}")
    for line in found["troubled"]:
        out.print(
            f"{line['target']}  {line['our_id']}  {line['state']}  {shown(line['account_id'])}: {shown(line['says'])}"
        )
    if not found["targets"]:
        out.print(NONE)


def _standing(house: House) -> dict[str, Any]:
    told = house.told()
    return {
        "targets": [
            {
                "name": target.name,
                "on": [str(kind) for kind in target.kinds],
                "lacks": target.lacks,
                "records": {
                    str(state): number for state, number in sorted(told.get(target.name, {}).items())
                },
            }
            for target in house.targets
        ],
        "troubled": [line.model_dump(mode="json") for line in house.troubled()],
    }


@targets_app.command("push")
def push(
    context: typer.Context,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="At most so many records for each target."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be told.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the targets what has happened since they were switched on, each thing once."""
    house = open_house(workspace or given_before(context, "workspace"))
    if dry_run:
        _foretell(house, as_json)
        return
    done = house.push(limit)
    if as_json:
        print_json({"records": [one.model_dump(mode="json") for one in done]})
    else:
        for one in done:
            says = f": {one.says}" if one.says else ""
            say(f"{one.target}  {one.our_id}  {one.account_id}: {one.result}{says}")
        for target in house.targets:
            if target.lacks:
                say(f"{target.name} is not set up: {target.lacks} is missing.")
        number = sum(one.result == "done" for one in done)
        say(f"{number} told." if house.targets else NONE)
    if any(one.result != "done" for one in done):
        raise typer.Exit(1)


def _foretell(house: House, as_json: bool) -> None:
    found = house.would_push()
    if as_json:
        records = {name: [one.model_dump(mode="json") for one in some] for name, some in found.items()}
        print_json({"would_tell": records})
        return
    for name, some in found.items():
        for one in some:
            say(f"would tell {name}: {one.title}")
    say(f"{sum(map(len, found.values()))} would be told.")


@targets_app.command("retry")
def retry(
    context: typer.Context,
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="Only this one; else all of them.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have what has failed told again, and what waits for its pause told at once, by the next push."""
    number = open_house(workspace or given_before(context, "workspace")).push_again(target)
    answer(as_json, {"records": number}, f"{number} will be told again; `outgrown targets push` does it now.")
