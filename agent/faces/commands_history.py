"""Commands that look back: backtest and whatif."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.faces.common import JsonOption, WorkspaceOption, console, day_of, note, open_house, print_json
from agent.foundation.errors import UsageError

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First as-of date (YYYY-MM-DD).")
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="DATE", help="Last as-of date, included where the steps meet it."),
]
EveryOption = Annotated[
    str, typer.Option("--every", metavar="STEP", help="Days or weeks between dates: 1d, 7d, 2w.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(backtest)
    app.command()(whatif)


def backtest(
    first: FromOption = None,
    last: ToOption = None,
    every: EveryOption = "7d",
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the report as one self-contained HTML file."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The ready bar replayed over your own history: would it have been right?

    Every rule is looked at as of each date, with what was known on that day. Then comes what really happened: how
    often an upgrade, more seats or an add-on followed within 30, 60 and 90 days, against how often one follows
    anyway. Without --from and --to, all known history. Changes nothing.
    """
    from agent.learning.backtest.dates import step_of

    step, days = step_of(every), (day_of(first, "--from"), day_of(last, "--to"))
    house = open_house(workspace)
    found = house.backtest(*days, step, progress=note)
    if html is not None:
        from agent.faces.backtest_html import html as page
        from agent.faces.commands_start import write_page

        write_page(html, page(found, house.settings.company.name))
        note(f"Wrote {html}")
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        from agent.faces.backtesting import show

        show(found, console())


def whatif(
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of outgrown.toml, such as triggers.plan_limit_pressure.at_least=0.7; may be repeated.",
        ),
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    every: EveryOption = "7d",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What other settings would do, without changing anything.

    Who would become ready today, who would stop, and how the bar would have done over the past, before and after.
    Without --from and --to, the newest 26 weeks that 90 days have passed since.
    """
    from agent.faces.changing import changed
    from agent.learning.backtest.dates import step_of

    if not changes:
        raise UsageError("Say what to change: --set triggers.plan_limit_pressure.at_least=0.7, for one.")
    step, days = step_of(every), (day_of(first, "--from"), day_of(last, "--to"))
    house = open_house(workspace)
    found = house.whatif(changed(house.settings, changes), tuple(changes), *days, step, progress=note)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        from agent.faces.backtesting import show_whatif

        show_whatif(found, console())
