"""An evaluation on the terminal: the summary first, then the figures it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table

from agent.faces.terminal import shown
from evals.quality import summary
from evals.quality.comparison import PARTS, Comparison, Outcome, Row
from evals.quality.drafts import CLEAN, ELSEWHERE, blocks, own_drafts, verdict
from evals.quality.measured import preferred
from evals.quality.measures import LACKING, Unit, percent, score, signed, written
from evals.quality.result import Miss, Rate, Run

if TYPE_CHECKING:
    from rich.console import Console

MOST_CASES = 15
TELLING = (Outcome.WORSE, Outcome.WITHIN, Outcome.BETTER, Outcome.OTHER)


def show(run: Run, out: Console, against: Comparison | None = None) -> None:
    """The verdict, what it rests on, and which drafts to read."""
    out.print(f"[bold]{shown(summary.verdict(run, against))}[/bold]")
    for sentence in summary.findings(run, against):
        if sentence != summary.verdict(run, against):
            out.print(shown(sentence))
    if against is not None:
        _show_comparison(against, out)
    _show_drafts(run, out, {change.case_id for change in against.changes} if against else set())
    _show_checker(run, out)
    _show_judges(run, out)


def _show_comparison(against: Comparison, out: Console) -> None:
    out.print(f"\n[bold]Against the baseline[/bold] of {against.old_made_at:%Y-%m-%d %H:%M}")
    out.print(
        f"{len(against.common)} cases in common, {len(against.only_old)} only before, {len(against.only_new)} only now."
    )
    for note in against.notes:
        out.print(f"[dim]- {shown(note)}[/dim]")
    telling = [row for row in against.rows if row.outcome in TELLING]
    if telling:
        table = _table("measure", "before", "now", "difference (95%)", "")
        for part, rows in groupby(telling, key=lambda row: row.part):
            table.add_row(f"[dim]{PARTS[part]}[/dim]")
            for row in rows:
                table.add_row(*_cells(row))
        out.print(table)
    out.print(f"{len(against.rows) - len(telling)} other measures do not differ beyond their interval.")
    for change in against.changes[:MOST_CASES]:
        out.print(
            f"  {shown(change.case_id, 60)}: {shown(change.was)} before, {shown(change.is_now)} now",
            soft_wrap=True,
        )
    if len(against.changes) > MOST_CASES:
        out.print(f"  … and {len(against.changes) - MOST_CASES} more; --html shows them all with both texts")
    _show_misses(against.newly_missed, "new: ", out)


def _cells(row: Row) -> tuple[str, ...]:
    low, high = row.interval or (None, None)
    mark = row.outcome.value + (", does not count" if row.outcome is Outcome.WORSE and not row.gates else "")
    return (
        f"  {shown(row.title, 60)}",
        written(row.old, row.unit),
        written(row.new, row.unit),
        f"{signed(row.difference, row.unit)} ({signed(low, row.unit)} to {signed(high, row.unit)})",
        f"[bold red]{mark}[/bold red]" if row.fails else mark,
    )


def _show_drafts(run: Run, out: Console, told: set[str]) -> None:
    drafts = list(own_drafts(run).values())
    blocked = [one for one in drafts if blocks(one) and one.case_id not in told]
    if blocked:
        out.print("\n[bold]Blocked drafts[/bold]")
        for one in blocked[:MOST_CASES]:
            out.print(f"  {shown(one.case_id, 60)}: {shown(verdict(one))}", soft_wrap=True)
        if len(blocked) > MOST_CASES:
            out.print(f"  … and {len(blocked) - MOST_CASES} more; --html shows them all")
    names = dict.fromkeys(name for one in drafts for name in one.scores if name not in ELSEWHERE)
    if not names:
        return
    out.print("\n[bold]Scores[/bold]")
    table = _table("score", "mean", "least", "most", "drafts")
    for name in names:
        found, measure = summary.mean_of(drafts, name), score(name)
        if found:
            mean, least, most, of = found
            table.add_row(
                shown(measure.title, 60), *[written(x, measure.unit) for x in (mean, least, most)], f"{of}"
            )
    out.print(table)


def _show_checker(run: Run, out: Console) -> None:
    if run.checker is None:
        return
    out.print(
        f"\n[bold]The checker[/bold], {run.checker.planted} planted faults, {run.checker.clean} clean drafts"
    )
    table = _table("rule", "caught", "", "95%", "false alarms", "")
    for one in run.checker.rules:
        low, high = one.recall.interval
        table.add_row(
            shown(one.rule, 40),
            *_share(one.recall),
            f"{percent(low)} to {percent(high)}" if one.recall.of else LACKING,
            *_share(one.false_alarms),
        )
    out.print(table)
    _show_misses(run.checker.misses, "", out)


def _show_misses(misses: Sequence[Miss], how: str, out: Console) -> None:
    """Planted faults that passed and clean drafts that were blocked, the first of each."""
    for is_clean, what in ((False, "missed"), (True, "false alarm")):
        found: dict[str, dict[str, None]] = {}
        for miss in misses:
            if (miss.kind == CLEAN) is is_clean:
                about = miss.rule if is_clean else f"{miss.rule}, {miss.kind}"
                found.setdefault(miss.draft_id, {})[about] = None
        for draft_id, erred in list(found.items())[:MOST_CASES]:
            out.print(f"  {how}{what}: {shown(draft_id, 60)} ({shown('; '.join(erred), 200)})")
        if len(found) > MOST_CASES:
            out.print(f"  … and {len(found) - MOST_CASES} more; --html shows their texts")


def _show_judges(run: Run, out: Console) -> None:
    if run.preferences:
        out.print("\n[bold]Pairs[/bold], each judged in both orders")
        table = _table("writer", "wins", "ties", "losses", "preferred", "turned with the order")
        for one in run.preferences:
            good, pairs = preferred(one)
            table.add_row(
                shown(f"{one.writer} against {one.against}", 60),
                *[f"{x}" for x in (one.wins, one.ties, one.losses)],
                percent(good / pairs) if pairs else LACKING,
                f"{one.flipped}",
            )
        out.print(table)
    for judged in run.agreements:
        kappa = "too few labels" if judged.kappa is None else f"kappa {written(judged.kappa, Unit.POINTS)}"
        around = f" ({judged.interval[0]:.2f} to {judged.interval[1]:.2f})" if judged.interval else ""
        out.print(
            f"{shown(judged.judge, 60)} against {judged.labels} of the founder's decisions: {kappa}{around}"
        )
    if run.classifier:
        said = ", ".join(
            f"{name.replace('_', ' ')} {LACKING if value is None else f'{value:,}' if isinstance(value, int) else f'{value:.2f}'}"
            for name, value in run.classifier.items()
            if ":" not in name
        )
        out.print(f"The two ticket classifiers: {shown(said)}")


def _share(rate: Rate) -> tuple[str, str]:
    return (percent(rate.share), f"{rate.good} of {rate.of}") if rate.share is not None else (LACKING, "")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=number > 0)
    return table
