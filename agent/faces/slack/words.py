"""What we tell one person about what they did: in their language of names and hours, harmless in Slack."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from agent.faces.slack.escaping import mrkdwn

WHO = re.compile(r"slack:[A-Z0-9?]+/([A-Z0-9]{2,40})")
WHEN = re.compile(r"\b(\d{4}-\d\d-\d\d) (\d\d:\d\d)\b")
LONGEST = 1500


def told(sentence: str, reader: str = "") -> str:
    """One of our sentences as Slack's markup: people by their names, moments in the reader's time zone.

    Everything else in it is shown as it is: it may quote a customer.
    """
    text, place, parts = " ".join(sentence.split())[:LONGEST], 0, []
    found = sorted([*WHO.finditer(text), *WHEN.finditer(text)], key=lambda one: one.start())
    for one in found:
        parts += [_harmless(text[place : one.start()]), _shown(one, reader)]
        place = one.end()
    return "".join([*parts, _harmless(text[place:])])


def _harmless(text: str) -> str:
    """Escaped, with the spaces around it, which an escape may trim."""
    if not text.strip():
        return text
    before = text[: len(text) - len(text.lstrip())]
    after = text[len(text.rstrip()) :]
    return f"{before}{mrkdwn(text.strip(), LONGEST)}{after}"


def _shown(one: re.Match[str], reader: str) -> str:
    if one.re is WHO:
        return "you" if one.group(1) == reader else f"<@{one.group(1)}>"
    moment = datetime.fromisoformat(f"{one.group(1)}T{one.group(2)}").replace(tzinfo=UTC)
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{one.group(0)} UTC>"
