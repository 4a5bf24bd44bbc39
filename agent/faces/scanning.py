"""The scan on the terminal: one line an account in a pipe, two where the line would not fit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from agent.faces.terminal import NAME, plain
from agent.scoring.assessment import Status

if TYPE_CHECKING:
    from rich.console import Console

    from agent.scoring.assessment import Assessment
    from agent.scoring.scan import Scan

HEADER = ("status", "points", "score", "account", "offer", "because / held by")
NUMBERS = {1, 2}
BETWEEN = "  "


def show(result: Scan, out: Console, *, everyone: bool, one_line: bool) -> None:
    """The scan as a table; stable accounts are counted, and listed on demand."""
    counts = Counter(one.status for one in result.accounts)
    said = ", ".join(f"{counts[status]:,} {status.value}" for status in Status)
    accounts = f"{len(result.accounts):,} account{'s' * (len(result.accounts) != 1)}"
    out.print(f"As of {result.as_of}: {accounts}, {said}.")
    if not result.accounts:
        out.print("No account existed on that day; `outgrown sync` reads your exports.")
    seen = [one for one in result.accounts if everyone or one.status is not Status.STABLE]
    if seen:
        _print([HEADER, *[_row(one) for one in seen]], out, one_line=one_line)
    hidden = len(result.accounts) - len(seen)
    if hidden:
        is_one = hidden == 1
        out.print(
            f"{hidden:,} stable account{'' if is_one else 's'} {'is' if is_one else 'are'} not shown; "
            f"--all shows {'it' if is_one else 'them'}."
        )
    for part, number in sorted(Counter(part for one in seen for part in one.missing).items()):
        out.print(
            f"No data on {part} for {number:,} of these; the other parts of the score share its weight."
        )


def _row(one: Assessment) -> tuple[str, ...]:
    fired = ", ".join(finding.trigger for finding in one.findings)
    held = ", ".join(hold.hold for hold in one.holds)
    if one.status is Status.HELD:
        why = held
    else:
        why = f"{fired}; held by {held}" if held and fired else fired or (held and f"held by {held}")
    return (
        one.status.value,
        str(one.points),
        "·" if one.composite is None else f"{one.composite:.0f}",
        f"{plain(one.name, NAME)} ({plain(one.account_id, NAME)})",
        plain(one.offer.name, NAME) if one.offer else "·",
        why or "·",
    )


def _print(rows: list[tuple[str, ...]], out: Console, *, one_line: bool) -> None:
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(HEADER))]
    if one_line or sum(widths) + len(BETWEEN) * (len(HEADER) - 1) <= out.width:
        for row in rows:
            cells = [_cell(text, widths[column], column) for column, text in enumerate(row)]
            out.print(Text(BETWEEN.join(cells).rstrip()), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for column, title in enumerate((*HEADER[:3], f"{HEADER[3]} → offer, {HEADER[5]}")):
        table.add_column(title, justify="right" if column in NUMBERS else "left", overflow="fold")
    for row in rows[1:]:
        offer = "" if row[4] == "·" else f" → {row[4]}"
        table.add_row(*row[:3], Text.assemble(f"{row[3]}{offer}\n", (row[5], "dim")))
    out.print(table)


def _cell(text: str, width: int, column: int) -> str:
    return " " * (width - cell_len(text)) + text if column in NUMBERS else set_cell_size(text, width)
