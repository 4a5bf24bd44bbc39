"""A draft, a message and its violations as a person reads them on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.text import Text

from agent.faces.telling import made_by
from agent.faces.terminal import letter_text, plain, shown

if TYPE_CHECKING:
    from rich.console import Console

    from agent.approval.views import DraftView
    from agent.drafting.brief import Brief
    from agent.drafting.message import Message
    from agent.drafting.violation import Violation
    from agent.signals.finding import Figure

ROWS_SHOWN = 3


def show_view(view: DraftView, out: Console) -> None:
    """A draft from its evidence to its history."""
    line, brief = view.line, view.brief
    out.print(
        f"[bold]{shown(line.account_name)}[/bold] ({shown(line.account_id)})  draft {line.draft_id}  "
        f"version {line.version}  [bold]{line.state}[/bold]"
    )
    if line.reason:
        out.print(f"Reason: {shown(line.reason)}", soft_wrap=True)
    show_evidence(brief, out)
    show_message(view.message, out)
    current = view.versions[-1]
    out.print(f"[dim]{shown(made_by(current.making))}[/dim]", soft_wrap=True)
    show_violations(view.message, current.violations, out)
    if len(view.versions) > 1:
        out.print("[bold]Versions[/bold]")
        for version in view.versions:
            out.print(f"  {version.number} by {shown(version.author)} at {version.created_at:%Y-%m-%d %H:%M}")
    for decision in view.decisions:
        why = f": {shown(decision.reason)}" if decision.reason else ""
        out.print(f"{decision.at:%Y-%m-%d %H:%M}  {decision.kind} by {shown(decision.who)}{why}")
    for delivery in view.deliveries:
        out.print(f"Delivery {delivery.delivery_id} to {shown(delivery.address)}: {delivery.state}")


def show_evidence(brief: Brief, out: Console) -> None:
    """Why this account: every finding with its figures, each with its formula and source rows."""
    out.print(f"\n[bold]Why, as of {brief.as_of}[/bold] (play: {brief.play})")
    for finding in brief.findings:
        out.print(f"  {finding.trigger}: {shown(finding.says)}", soft_wrap=True)
    out.print("[bold]Figures it may quote[/bold]")
    for figure in brief.figures:
        out.print(
            f"  {shown(figure.display):<14} {shown(figure.label)}  [dim]{shown(figure.formula)}[/dim]",
            soft_wrap=True,
        )
        show_rows(figure, out)
    to = brief.recipient
    out.print(f"[bold]To[/bold] {shown(to.contact_name or '')} <{shown(to.contact_email or 'no address')}>\n")


def show_rows(figure: Figure, out: Console, number: int = ROWS_SHOWN) -> None:
    """The first `number` source rows of a figure, and how many more there are."""
    for row in figure.rows[:number]:
        values = ", ".join(f"{name} {value}" for name, value in row.values.items() if value is not None)
        out.print(f"      [dim]{row.table}: {shown(values)}[/dim]", soft_wrap=True)
    more = figure.rows_total - min(len(figure.rows), number)
    if more > 0:
        out.print(f"      [dim]… and {more} more rows[/dim]")


def show_message(message: Message, out: Console) -> None:
    """The message exactly as the customer will read it."""
    out.print(
        Panel(
            Text(letter_text(message.body)),
            title=Text(plain(message.subject)),
            title_align="left",
            width=min(88, out.width),
        )
    )


def show_violations(message: Message, violations: Sequence[Violation], out: Console) -> None:
    """What the guardrails say, with the words they mean."""
    if not violations:
        out.print("Guardrails: all passed.")
    for one in violations:
        words = message.text[one.start : one.end].strip()
        quoted = f" «{shown(words)}»" if 0 < len(words) <= 80 else ""
        out.print(f"  [bold]{one.level}[/bold] {one.rule}{quoted}: {shown(one.message)}", soft_wrap=True)
