"""Commands about facts: sync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from agent.faces.common import JsonOption, WorkspaceOption, console, day_of, note, open_house, print_json, say
from agent.foundation.errors import SourceFailed

if TYPE_CHECKING:
    from agent.facts.staged import TableReport
    from connectors._landing import Landed


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(sync)


def sync(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Sources to pull; all by default.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Only rows dated from this day on.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read your sources; says what was new, changed and rejected."""
    house = open_house(workspace)
    done = house.sync(names or (), day_of(since, "--since"), progress=note)
    if as_json:
        print_json(
            {
                "tables": [report.model_dump(mode="json") for report in done.tables],
                "sources": [_source(one) for one in done.sources],
                "unsettled": dict(done.unsettled),
            }
        )
    else:
        show_reports(done.tables)
        _show_unsettled(done.unsettled)
    if done.failed:
        failed = " ".join(done.failed.values())
        raise SourceFailed(f"{failed} Its facts stay as they were; the other sources are in.")


def _source(one: Landed) -> dict[str, object]:
    rate = round(one.rows / one.seconds) if one.seconds else 0
    return {
        "source": one.vendor, "ok": not one.failed, "says": one.failed, "rows": one.rows, "rejected": len(one.rejected),
        "seconds": round(one.seconds, 3), "rows_per_second": rate, "requests": one.requests, "resumed": one.resumed,
    }  # fmt: skip


def _show_unsettled(unsettled: Mapping[str, int]) -> None:
    ambiguous, unmatched = unsettled.get("ambiguous", 0), unsettled.get("unmatched", 0)
    if ambiguous:
        say(
            f"{ambiguous:,} records could be several accounts, which are held; `outgrown identities` says which."
        )
    if unmatched:
        say(f"{unmatched:,} records belong to no account we know; `outgrown identities` lists them.")


def show_reports(reports: Sequence[TableReport]) -> None:
    """What a sync did, as a table, with the first rejected rows and the notes below it."""
    from rich.table import Table

    from agent.faces.terminal import shown
    from agent.facts.staged import in_words

    table = Table(title=None, box=None, pad_edge=False)
    table.add_column("table")
    for column in ("read", "new", "changed", "unchanged", "duplicates", "rejected"):
        table.add_column(column, justify="right")
    for report in reports:
        numbers = (
            report.read,
            report.new,
            report.changed,
            report.unchanged,
            report.duplicates,
            report.rejected,
        )
        table.add_row(shown(report.table), *[f"{number:,}" if number else "·" for number in numbers])
    out = console()
    out.print(table)
    for report in reports:
        for rejection in report.first_rejections:
            out.print(f"  rejected {shown(report.file)} {shown(in_words([rejection]))}", soft_wrap=True)
        more = report.rejected - len(report.first_rejections)
        if report.first_rejections and more > 0:
            out.print(f"  … and {more:,} more in {shown(report.file)}")
        for text in report.notes:
            out.print(f"  note: {shown(report.table)}: {shown(text)}", soft_wrap=True)
