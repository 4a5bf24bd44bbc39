"""A backtest on the terminal: the verdict first, then the figures it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.table import Table

from agent.faces.terminal import shown
from agent.learning.backtest.result import Backtest, Change, Horizon, Signal, WhatIf
from agent.learning.backtest.verdict import factor as times
from agent.learning.backtest.verdict import interval, percent

if TYPE_CHECKING:
    from rich.console import Console

FEW = "*"
MOST_CHANGES = 15


def show(found: Backtest, out: Console) -> None:
    """The verdict, the bar, the curve, plays and triggers, and what has to be known to read them."""
    out.print(f"[bold]{shown(found.verdict)}[/bold]")
    for sentence in found.findings:
        out.print(shown(sentence))
    out.print(f"\n{shown(looked_at(found))}")
    anyway = ", ".join(f"{percent(one.base_rate)} within {one.days} days" for one in found.bar.horizons)
    out.print(f"Of all paying account-days an expansion follows {anyway}: the base of every lift.")
    out.print("\n[bold]The bar[/bold]")
    signals = [found.bar, found.uncapped, found.undated.capped, found.undated.uncapped]
    spoke = [one for one in signals if one.alerts]
    out.print(
        _table(spoke, "bar") if spoke else "It never spoke, with or without the cap and the undated holds."
    )
    out.print("\n[bold]Other bars[/bold], one prompt in 30 days, groups and holds unchanged")
    out.print(_curve(found))
    plays = [one for one in found.plays if one.alerts]
    if plays:
        out.print("\n[bold]Plays[/bold], whatever the points")
        out.print(_table(plays, "play"))
    fired = [one for one in found.triggers if one.alerts]
    if fired:
        out.print("\n[bold]Triggers[/bold], best lift within 60 days first")
        out.print(_table(fired, "trigger"))
    silent = [one.name for one in found.triggers if not one.alerts]
    if silent:
        out.print(f"Never fired: {', '.join(silent)}.")
    if found.held:
        held = ", ".join(f"{one.hold} {one.account_days:,}" for one in found.held)
        out.print(f"Account-days at the bar that a hold covers: {held}.")
    out.print(
        f"\n{FEW} few accounts or expansions: read the interval. p: chance of as much in shuffled histories "
        "(corrected for how many were tried); ! more than chance."
    )
    for note in found.notes:
        out.print(f"[dim]- {shown(note)}[/dim]")


def looked_at(found: Backtest) -> str:
    """What was looked at, in one sentence."""
    kinds = ", ".join(
        f"{number:,} {kind.replace('_', ' ')}" for kind, number in found.expansions_by_kind.items()
    )
    return (
        f"{found.dates:,} dates from {found.first} to {found.last}, every {found.every} days; "
        f"{found.accounts:,} accounts, {found.account_days:,} paying account-days, {found.expansions:,} expansions"
        f"{f' ({kinds})' if kinds else ''}; history known from {found.history_first} to {found.history_last}."
    )


def _table(signals: Iterable[Signal], title: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(title, no_wrap=True)
    for column in ("alerts", "a week", "days", "hits", "share", "lift (95%)", "recall", "lead", "p"):
        table.add_column(column, justify="right", no_wrap=True)
    for signal in signals:
        for number, one in enumerate(signal.horizons):
            table.add_row(*_cells(signal, one, is_first=number == 0))
    return table


def _cells(signal: Signal, one: Horizon, *, is_first: bool) -> tuple[str, ...]:
    lead = signal.lead.median
    ahead = (shown(signal.name), f"{signal.alerts:,}", f"{signal.per_week:.1f}") if is_first else ("", "", "")
    return (
        *ahead,
        f"{one.days}",
        f"{one.hits:,} of {one.judged:,}",
        f"{percent(one.precision)}{FEW * (one.is_few and one.judged > 0)}" if one.judged else "·",
        f"{times(one.lift)} ({interval(one.lift_range)})" if one.lift is not None else "·",
        percent(one.recall) if one.recall is not None else "·",
        (f"{lead:.0f} d" if lead is not None else "·") if is_first else "",
        p_value(one) or "·",
    )


def p_value(one: Horizon) -> str:
    """'0.031', marked with ! where the lift is more than chance; empty without one."""
    if one.p_adjusted is None:
        return ""
    text = "<0.001" if one.p_adjusted < 0.001 else f"{one.p_adjusted:.3f}"
    return f"{text}{'!' * one.is_beyond_chance}"


def _curve(found: Backtest) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("points", "prompts", "a week", "share in 30", "60", "90 days", "lift in 60 (95%)"):
        table.add_column(column, justify="right")
    for point in found.curve:
        one = point.signal
        table.add_row(
            f"{'> ' if point.is_current else ''}{point.points}",
            f"{one.alerts:,}",
            f"{one.per_week:.1f}",
            *[f"{percent(h.precision)}{FEW * h.is_few}" if h.judged else "·" for h in one.horizons],
            f"{times(one.at(60).lift)} ({interval(one.at(60).lift_range)})"
            if one.at(60).lift is not None
            else "·",
        )
    return table


def show_whatif(found: WhatIf, out: Console) -> None:
    """What would change today, then what would have been."""
    out.print(f"[bold]{shown(found.verdict)}[/bold]")
    out.print(
        f"As of {found.as_of}: {found.ready_before} ready as it is, {found.ready_after} with {shown(', '.join(found.settings))}."
    )
    for title, changes in (
        ("Become ready", found.becomes_ready),
        ("Stop being ready", found.stops_being_ready),
        ("Change otherwise", found.changes_otherwise),
    ):
        if changes:
            out.print(f"\n[bold]{title}[/bold]")
            _show_changes(changes, out)
    out.print(f"\n[bold]Over the past[/bold], {shown(looked_at(found.after))}")
    before = found.before.bar.model_copy(update={"name": "as it is"})
    after = found.after.bar.model_copy(update={"name": "as it would be"})
    out.print(_table([before, after], "bar"))
    out.print("[dim]Nothing was changed or recorded.[/dim]")


def _show_changes(changes: tuple[Change, ...], out: Console) -> None:
    for one in changes[:MOST_CHANGES]:
        moved = (
            one.status_after
            if one.status_before == one.status_after
            else f"{one.status_before} to {one.status_after}"
        )
        out.print(
            f"  {shown(one.account_id)} {shown(one.name, 60)} ({moved}): {shown(one.says)}", soft_wrap=True
        )
    if len(changes) > MOST_CHANGES:
        out.print(f"  … and {len(changes) - MOST_CHANGES:,} more; --json lists them all")
