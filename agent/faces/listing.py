"""The trigger library as people and programs read it: the list, and one trigger in full."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from agent.faces.terminal import NAME, plain, shown

if TYPE_CHECKING:
    from rich.console import Console

    from agent.signals.library import Entry
    from agent.wiring.rules import TriggerLine, TriggerList

HEADER = ("trigger", "group", "points", "fired", "settings", "data")
NUMBERS = {2, 3}
BETWEEN = "  "
SUMMARY = 120


def list_shape(found: TriggerList, *, full: bool) -> dict[str, Any]:
    """The answer of `triggers --json`."""
    return {
        "as_of": found.as_of.isoformat(),
        "groups": found.groups,
        "problem": found.problem or None,
        "triggers": [_shape(line) | (_full_shape(line, found) if full else {}) for line in found.triggers],
    }


def _shape(line: TriggerLine) -> dict[str, Any]:
    entry = line.entry
    return {
        "name": entry.name,
        "own": entry.own,
        "kind": entry.kind,
        "where": entry.where or None,
        "enabled": line.is_on,
        "summary": entry.summary,
        "group": entry.group,
        "points": line.points,
        "play": entry.play,
        "parameters": {
            name: {"value": _plain(value), "default": _plain(entry.defaults.get(name))}
            for name, value in entry.parameters.items()
        },
        "needs": [{"table": table, "rows": rows} for table, rows in line.tables.items()],
        "metrics": [
            {"metric": one.metric, "known": one.is_known, "rows": one.rows, "ceilings": one.ceilings}
            for one in line.metrics
        ],
        "fired": line.fired,
    }


def _full_shape(line: TriggerLine, found: TriggerList) -> dict[str, Any]:
    rule = line.entry.rule
    return {
        "says": rule.says,
        "fires": _condition(line.entry, found),
        "figures": [
            {"id": quote.figure_id, "label": quote.label, "formula": _words(quote.formula, line.entry, found)}
            for quote in rule.quotes
        ],
        "first_day": (found.as_of - timedelta(days=rule.oldest)).isoformat(),
    }


def show_all(found: TriggerList, out: Console, *, one_line: bool) -> None:
    """Print the list: a line a trigger in a pipe, two where the line would not fit."""
    own = sum(line.entry.own for line in found.triggers)
    off = sum(not line.is_on for line in found.triggers)
    out.print(
        f"{len(found.triggers)} triggers, {own} of them your own, {off} switched off; "
        f"accounts each fired for as of {found.as_of}.",
        soft_wrap=True,
    )
    rows = [_row(line) for line in found.triggers]
    widths = [max(cell_len(row[column]) for row in (HEADER, *rows)) for column in range(len(HEADER))]
    if one_line or sum(widths) + len(BETWEEN) * (len(HEADER) - 1) <= out.width:
        for row in (HEADER, *rows):
            cells = [_cell(text, widths[column], column) for column, text in enumerate(row)]
            out.print(Text(BETWEEN.join(cells).rstrip()), soft_wrap=True)
    else:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
        for column, title in enumerate((*HEADER[:4], f"{HEADER[4]}, {HEADER[5]}")):
            table.add_column(title, justify="right" if column in NUMBERS else "left", overflow="fold")
        for row in rows:
            table.add_row(*row[:4], Text.assemble(f"{row[4]}\n", (row[5], "dim")))
        out.print(table)
    out.print("`outgrown triggers NAME` shows one in full.")


def _row(line: TriggerLine) -> tuple[str, ...]:
    entry = line.entry
    marks = f"{' (yours)' if entry.own else ''}{'' if line.is_on else ' (off)'}"
    fired = "·" if line.fired is None else f"{line.fired:,}"
    settings = ", ".join(_setting(entry, name) for name in entry.parameters if name != "says")
    return (
        f"{entry.name}{marks}", plain(entry.group, NAME), str(line.points), fired, plain(settings, SUMMARY) or "·", _data(line),
    )  # fmt: skip


def _setting(entry: Entry, name: str) -> str:
    value, default = entry.parameters[name], entry.defaults.get(name)
    said = f"{name} {_brief(value)}"
    return f"{said} (default {_brief(default)})" if default is not None and default != value else said


def _data(line: TriggerLine) -> str:
    """'events 1,204, tickets none': the tables it needs with their rows, then what its metrics lack."""
    said = [
        f"{table} {'?' if rows is None else f'{rows:,}' if rows else 'none'}"
        for table, rows in line.tables.items()
    ]
    for one in line.metrics:
        if not one.is_known:
            said.append(f"no metric {plain(one.metric, NAME)}")
        elif one.ceilings == 0:
            said.append(f"no ceiling for {plain(one.metric, NAME)}")
        elif one.rows == 0:
            said.append(f"no values of {plain(one.metric, NAME)}")
    return ", ".join(said)


def show_one(found: TriggerList, out: Console) -> None:
    """Print one trigger: its rule in words, its figures, its data, and how to change it."""
    [line] = found.triggers
    entry, rule = line.entry, line.entry.rule
    off = "" if line.is_on else ", switched off"
    whose = f"yours, {entry.kind} in {shown(entry.where)}" if entry.own else "built-in"
    out.print(f"[bold]{entry.name}[/bold] ({whose}{off}): {shown(entry.summary)}", soft_wrap=True)
    worth = f"{line.points} point{'s' * (line.points != 1)}"
    play = f"; play {entry.play}" if entry.play else ""
    out.print(f"Group {shown(entry.group)}, {worth}, given once for the whole group{play}.")
    fired = "not counted" if line.fired is None else f"{line.fired:,} account{'s' * (line.fired != 1)}"
    first = found.as_of - timedelta(days=rule.oldest)
    out.print(f"As of {found.as_of}: fired for {fired}; looks back to {first}.")
    out.print(f"Data: {_data(line)}", soft_wrap=True)
    out.print("\n[bold]Fires when[/bold]")
    out.print(f"  {shown(_condition(entry, found), 4_000)}", soft_wrap=True)
    out.print("[bold]Says[/bold]")
    out.print(f"  {shown(rule.says)}", soft_wrap=True)
    out.print("[bold]Figures[/bold]")
    for quote in rule.quotes:
        out.print(
            f"  {quote.figure_id}: {shown(quote.label)}  [dim]{shown(_words(quote.formula, entry, found))}[/dim]",
            soft_wrap=True,
        )
    out.print("[bold]Settings[/bold]")
    for name in entry.parameters:
        out.print(f"  {shown(_setting(entry, name))}", soft_wrap=True)
    out.print("\nTo change it, in outgrown.toml:")
    for text in _example(entry):
        out.print(f"  {shown(text)}", soft_wrap=True)


def _example(entry: Entry) -> list[str]:
    """Lines of TOML that would change the trigger."""
    common = {"kind": entry.kind} if entry.own and entry.kind != "python" else {}
    if common and entry.play:
        common["play"] = entry.play
    table = {**common, "group": entry.group, **entry.parameters}
    if not common:
        table.pop("group")
    lines = [f"[triggers.{entry.name}]", *[f"{name} = {_toml(value)}" for name, value in table.items()]]
    return [*lines, "enabled = false   # switches it off"]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if not isinstance(value, str):
        return str(value)
    escaped = plain(value, 200).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _condition(entry: Entry, found: TriggerList) -> str:
    rule = entry.rule
    said = _words(rule.fires, entry, found)
    if rule.account_fires is not None:
        said += f", and ({_words(rule.account_fires, entry, found)})"
    if rule.only:
        said += f", for {' or '.join(rule.only)}"
    return (
        f"{said}, for {rule.at_least_keys} different {rule.grain.value}s" if rule.at_least_keys > 1 else said
    )


def _words(formula: Any, entry: Entry, found: TriggerList) -> str:
    from agent.signals.describe import describe
    from agent.signals.formula import Grain

    key = "" if entry.rule.grain is Grain.ACCOUNT else f"the {entry.rule.grain.value}"
    return describe(formula, found.as_of, key)


def _brief(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " or ".join(str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _cell(text: str, width: int, column: int) -> str:
    return " " * (width - cell_len(text)) + text if column in NUMBERS else set_cell_size(text, width)
