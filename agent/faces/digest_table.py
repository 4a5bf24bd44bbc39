"""The digest in the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.drafting.wording import clean
from agent.faces import digest_words as words
from agent.faces.digest import DigestView, Entry


def render(view: DigestView) -> Group:
    """The digest as Rich renderables; names are text, never markup."""
    parts: list[RenderableType] = [
        Text.assemble(
            (clean(view.company), "bold"), "  ", clean(view.week), "  ", (words.summary(view), "dim")
        ),
        *(Text(f"! {urgent}", style="bold red") for urgent in words.urgent(view)),
        *(Text(f"  {name}: {command}", style="dim") for name, command in words.settling(view)),
        Text(),
        _top(view) if view.top else Text("Nobody is ready or close this week."),
    ]
    if view.closest:
        parts += [Text("\nClosest to ready", style="bold"), _closest(view)]
    if view.holds:
        parts += [Text("\nHeld back, and why", style="bold"), _holds(view)]
    parts += [Text("\nLast week", style="bold"), _results(view)]
    if budget := words.budget(view):
        parts += [Text("\nBudget", style="bold"), *(Text(line) for line in budget)]
    if view.sources:
        parts += [Text("\nAge of the facts", style="bold"), _sources(view)]
    parts += [Text(f"\n{note}", style="dim") for note in words.notes(view)]
    return Group(*parts)


def _top(view: DigestView) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_lines=True, expand=True, padding=(0, 1))
    table.add_column("#", justify="right", width=1)
    table.add_column("Account", ratio=3, overflow="fold")
    table.add_column("Standing", ratio=2, overflow="fold")
    table.add_column("Why, and what next", ratio=6, overflow="fold")
    for place, entry in enumerate(view.top, start=1):
        table.add_row(str(place), _account(entry), _standing(entry), _why(entry))
    return table


def _account(entry: Entry) -> Text:
    text = Text(words.name(entry), style="bold")
    text.append(f"\n{entry.assessment.account_id}", style="not bold dim")
    spark = words.sparkline(entry)
    if spark:
        text.append(f"\n{spark}", style="not bold")
    return text


def _standing(entry: Entry) -> Text:
    text = Text("ready", style="bold green") if entry.is_ready else Text("close", style="bold yellow")
    text.append(f"\n{words.standing(entry)}", style="not bold default")
    return text


def _why(entry: Entry) -> Text:
    lines = [f"• {reason}" for reason in words.reasons(entry)]
    offer = entry.assessment.offer
    if offer is not None:
        lines.append("→ " + ", ".join(part for part in (words.offered(offer), words.adds(offer)) if part))
    lines += [f"still needed: {need}" for need in words.missing(entry)]
    if entry.draft_id is not None:
        state = f" ({entry.draft_state})" if entry.draft_state else ""
        lines.append(f"draft {entry.draft_id}{state}")
    return Text("\n".join(lines))


def _closest(view: DigestView) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for entry in view.closest:
        table.add_row(Text(words.name(entry)), Text(words.briefly(entry), style="dim"))
    return table


def _holds(view: DigestView) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for held in view.holds[: words.HELD]:
        table.add_row(Text(clean(held.name, 60)), Text(clean(held.says), style="dim"))
    if more := words.more_held(view):
        table.add_row(Text(more))
    return table


def _results(view: DigestView) -> Text:
    counted = ", ".join(f"{number} {what}" for what, number in words.tiles(view))
    return Text("\n".join([counted, *words.outcomes(view)]))


def _sources(view: DigestView) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for source in view.sources:
        stale = Text("too old", style="bold red") if source.is_stale else Text()
        table.add_row(Text(clean(source.source, 60)), Text(words.age(source)), stale)
    return table
