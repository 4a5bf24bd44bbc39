"""Texts as a model is shown them by the evaluation: escaped, capped, and never more than data."""

from __future__ import annotations

import unicodedata

from agent.drafting.brief import Brief

MOST = 6_000
"Characters of a text that a model is shown."
DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn"}


def escaped(text: str, most: int = MOST) -> str:
    """The text without signs that could end the block it stands in, or that nobody sees."""
    seen = "".join(c for c in text[:most] if c == "\n" or unicodedata.category(c) not in DROPPED)
    return seen.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def facts_of(brief: Brief) -> str:
    """What a brief knows, one fact a line, as a customer would read it; escaped."""
    to, sender, offer = brief.recipient, brief.sender, brief.offer
    figures = {figure.display: f"{figure.label}: {figure.display}" for figure in brief.figures}
    lines = [
        f"Customer: {to.account_name}",
        f"Written to: {to.contact_name or 'no name known'}",
        f"Written by: {sender.name} of {sender.company}, about {sender.product}",
        f"Their plan: {brief.plan_name or 'none'}",
        f"Their problem: {brief.problem}",
        *(f"Seen: {finding.says}" for finding in brief.findings),
        *(f"Figure: {said}" for said in figures.values()),
        f"To offer: {offer.name}; {offer.benefit}",
        f"A sign that the time has come: {brief.watch.sentence}",
    ]
    return escaped("\n".join(" ".join(line.split()) for line in lines))
