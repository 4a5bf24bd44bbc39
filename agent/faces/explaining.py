"""One account explained on the terminal: every figure, every term, every hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.faces.reading import show_rows
from agent.faces.terminal import shown
from agent.scoring.composite import WEIGHTS

if TYPE_CHECKING:
    from rich.console import Console

    from agent.scoring.assessment import Assessment
    from agent.signals.finding import Figure

ROWS_SHOWN = 5


def show(one: Assessment, out: Console) -> None:
    """Print the account's assessment from the verdict down to the source rows."""
    out.print(
        f"[bold]{shown(one.name)}[/bold] ({shown(one.account_id)}) as of {one.as_of}: [bold]{one.status.value}[/bold]"
    )
    plan = shown(one.plan_name) if one.plan_name else "no plan in force"
    out.print(f"Plan: {plan}. Play: {one.play or 'none'}. Offer: {_offer(one)}.\n")
    out.print(f"[bold]Points {one.points}[/bold] ({one.band.value})")
    for group, points in one.groups.items():
        names = ", ".join(f.trigger for f in one.findings if f.group == group)
        out.print(f"  {points:+d}  {group}: {names}")
    _scores(one, out)
    if one.findings:
        out.print("\n[bold]Findings[/bold]")
    for finding in one.findings:
        key = f" ({shown(finding.key)})" if finding.key else ""
        out.print(
            f"  {finding.trigger}{key}, {finding.first_day} to {finding.last_day}: {shown(finding.says)}",
            soft_wrap=True,
        )
        for figure in finding.figures:
            _figure(figure, out)
    out.print("\n[bold]Holds[/bold]" if one.holds else "\nNo holds.")
    for hold in one.holds:
        out.print(f"  {hold.hold}: {shown(hold.says)}", soft_wrap=True)
    if one.needs:
        out.print("\n[bold]To be ready it needs[/bold]")
        for need in one.needs:
            out.print(f"  {shown(need)}", soft_wrap=True)


def _scores(one: Assessment, out: Console) -> None:
    score = "unknown" if one.composite is None else f"{one.composite:.1f}".removesuffix(".0")
    out.print(f"\n[bold]Composite {score}[/bold] ({one.tier.value if one.tier else 'no data'})")
    for name, part in one.parts.items():
        if part.score is None:
            out.print(f"  {name}: no data, its weight of {WEIGHTS[name]:.0%} is shared by the others")
            continue
        out.print(f"  {name}: {part.score:.3g} of 10, weight {part.weight:.0%}")
        for term in part.terms:
            out.print(f"    {term.amount:+g}  {shown(term.says)}")


def _offer(one: Assessment) -> str:
    from agent.signals.display import money

    if one.offer is None:
        return "none"
    price = money(one.offer.price_minor, one.offer.currency).display
    return f"{shown(one.offer.name)} at {price} {'' if one.offer.per == 'once' else 'per '}{one.offer.per}"


def _figure(figure: Figure, out: Console) -> None:
    out.print(
        f"    {figure.figure_id} = {shown(figure.display)}  [dim]{shown(figure.formula)}[/dim]",
        soft_wrap=True,
    )
    show_rows(figure, out, ROWS_SHOWN)
