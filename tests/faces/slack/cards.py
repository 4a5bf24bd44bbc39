"""Drafts as the state tells of them, in any state, for tests of what Slack shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from agent.approval.audit import Trace
from agent.approval.states import DecisionKind, DeliveryState, DraftState
from agent.approval.views import DecisionView, DeliveryLine, DraftLine, DraftView, VersionView
from agent.drafting.making import PERSON, Making
from agent.drafting.message import Message
from agent.drafting.violation import Level, Violation
from agent.faces.slack.naming import DraftRef, Rendered
from agent.signals.finding import Finding, SourceRow
from tests.builders import AS_OF, BODY, NOW, a_brief, a_figure, a_finding, a_message
from tests.slackserver import ALL_TEXT, Checked, length

DANA = "slack:T0OUTGROWN/U0DANA"
DRAFT = "79e8fd83566e8f2e"
REF = DraftRef(draft_id=DRAFT, version=1)
SHORTER = a_message(BODY.replace(" Shall I switch you over?", " Shall I?").replace("Hi Maya", "Hello Maya"))


def a_row(number: int = 1, **values: Any) -> SourceRow:
    """A row of events."""
    kept = {"kind": "limit_hit", "day": AS_OF, "user_id": f"u{number}", "team": None}
    return SourceRow(table="events", key=f"e{number}", values=kept | values)


def measured() -> tuple[Finding, ...]:
    """Findings whose figures rest on rows."""
    rows = tuple(a_row(number) for number in range(1, 6))
    hits = a_figure(
        "limit_hits", 5, "times", "5 times", "times the export limit was hit", rows=rows, rows_total=5
    )
    share = a_figure(
        "utilisation", 0.87, "share", "87%", "share of the exports in the plan", rows=rows[:1], rows_total=28
    )
    window = a_figure("window", 14, "days", "14 days", "the days looked at")
    return (
        a_finding(figures=(hits, window)),
        a_finding(
            "near_ceiling", "usage_pressure", says="exports stand at 87% of the plan", figures=(share,)
        ),
    )


def a_violation(rule: str = "price_last", where: str = "Growth", **changes: Any) -> Violation:
    """A block about words of the shorter message; about the subject where they stand there."""
    start = max(SHORTER.text.find(where), 0)
    given: dict[str, Any] = {
        "rule": rule,
        "level": Level.BLOCK,
        "message": f"'{where}' is the offer; say it in the last paragraph only.",
        "start": start,
        "end": start + len(where),
    }
    return Violation(**given | changes)


def a_version(number: int, message: Message, author: str = "template", **changes: Any) -> VersionView:
    """One text."""
    given: dict[str, Any] = {
        "number": number,
        "message": message,
        "author": author,
        "violations": (),
        "confirmed": (),
        "created_at": NOW + timedelta(minutes=number),
        "making": Making() if author == "template" else Making(writer=PERSON),
    }
    return VersionView(**given | changes)


def a_delivery(state: DeliveryState = DeliveryState.QUEUED, **changes: Any) -> DeliveryLine:
    """The message on its way by mail."""
    given: dict[str, Any] = {
        "delivery_id": f"{DRAFT}-1",
        "draft_id": DRAFT,
        "version": 1,
        "account_id": "acc_0042",
        "channel": "smtp",
        "address": "maya@fernleaf.example",
        "message_id": f"<{DRAFT}-1@acme.example>",
        "state": state,
        "created_at": NOW + timedelta(minutes=5),
        "sent_at": NOW + timedelta(minutes=6) if state is DeliveryState.SENT else None,
        "attempts": 0 if state is DeliveryState.QUEUED else 1,
        "not_before": None,
        "last_error": None,
    }
    return DeliveryLine(**given | changes)


def a_decision(kind: DecisionKind = DecisionKind.APPROVED, **changes: Any) -> DecisionView:
    """Dana's."""
    given: dict[str, Any] = {"kind": kind, "version": 1, "who": DANA, "at": NOW + timedelta(minutes=5)}
    return DecisionView(**{"reason": None} | given | changes)


def a_view(state: DraftState = DraftState.PENDING, **changes: Any) -> DraftView:
    """A draft for Fernleaf Studio; `line` holds changes of its line, the rest replaces parts."""
    brief = changes.pop("brief", None) or a_brief(findings=measured())
    versions = changes.pop("versions", (a_version(1, a_message()),))
    current = versions[-1]
    line: dict[str, Any] = {
        "draft_id": DRAFT,
        "account_id": brief.recipient.account_id,
        "account_name": brief.recipient.account_name,
        "state": state,
        "version": current.number,
        "subject": current.message.subject,
        "play": brief.play,
        "offer": brief.offer,
        "points": 11,
        "composite": 82.4,
        "warnings": (),
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=14),
        "snoozed_until": None,
        "reason": None,
        "moved_at": NOW + timedelta(minutes=5),
        "moved_by": "template" if state is DraftState.PENDING else DANA,
    }
    given: dict[str, Any] = {
        "line": DraftLine(**line | changes.pop("line", {})),
        "message": current.message,
        "brief": brief,
        "versions": versions,
        "decisions": (),
        "deliveries": (),
        "audit": (
            Trace(at=NOW, who="template", what="drafted", subject=f"draft:{DRAFT}"),
            Trace(at=NOW, who="template", what="pending", subject=f"draft:{DRAFT}"),
        ),
    }
    return DraftView(**given | changes)


def on_its_way(state: DraftState, at: DeliveryState, **changes: Any) -> DraftView:
    """A draft that Dana approved, its delivery in the given state."""
    more = changes.pop("delivery", {})
    decisions = (a_decision(), *changes.pop("decisions", ()))
    return a_view(state, decisions=decisions, deliveries=(a_delivery(at, **more),), **changes)


def every_state() -> dict[str, DraftView]:
    """One draft of each state, and of the states that show in more than one way."""
    s, d = DraftState, DeliveryState
    edited = (a_version(1, a_message()), a_version(2, SHORTER, DANA))
    settled = (a_decision(DecisionKind.SETTLED, reason="arrived"),)
    refused = {"last_error": "the server refused the address (550 5.1.1 no such user)"}
    later = {"not_before": NOW + timedelta(hours=1), "attempts": 1, "last_error": "the server is busy (421)"}
    return {
        "pending": a_view(),
        "edited": a_view(versions=edited),
        "approved": on_its_way(s.APPROVED, d.QUEUED),
        "approved, tried": on_its_way(s.APPROVED, d.QUEUED, delivery=later),
        "sending": on_its_way(s.SENDING, d.SENDING, line={"moved_by": "outgrown"}),
        "sent": on_its_way(s.SENT, d.SENT, line={"moved_by": "outgrown"}),
        "sent, settled": on_its_way(s.SENT, d.SENT, decisions=settled),
        "failed": on_its_way(s.FAILED, d.FAILED, delivery=refused, line={"moved_by": "outgrown"}),
        "unknown": on_its_way(
            s.UNKNOWN, d.UNKNOWN, delivery={"last_error": "the connection ended after DATA"}
        ),
        "called back": on_its_way(s.STALE, d.CANCELLED, line={"reason": "called back"}),
        "skipped": a_view(s.SKIPPED, line={"reason": "Not the right time: they merge in May"}),
        "snoozed": a_view(s.SNOOZED, line={"snoozed_until": NOW + timedelta(days=7)}),
        "stale": a_view(
            s.STALE,
            line={"reason": "the plan has changed from Starter to Growth", "moved_by": "outgrown"},
        ),
        "expired": a_view(s.EXPIRED, line={"reason": "nobody answered in time", "moved_by": "outgrown"}),
    }


def breaches(shown: Rendered | dict[str, Any]) -> list[str]:
    """What Slack would refuse of a message or a modal."""
    if isinstance(shown, Rendered):
        seen = Checked("message", lambda file: True).blocks(shown.blocks)
        if seen.characters > ALL_TEXT:
            seen.say("/blocks", "msg_blocks_too_long")
        if not 0 < len(shown.text) <= 3000:
            seen.say("/text", "the notification is too long")
        return seen.breaches + _overlong(shown.blocks)
    return Checked("modal", lambda file: True).view(shown).breaches + _overlong(shown["blocks"])


def _overlong(blocks: list[dict[str, Any]]) -> list[str]:
    """Rich text blocks with more text than a section may hold: Slack names no limit of theirs, so we keep to that."""
    return [
        f"a rich text block is longer than 3,000 characters: {text[:40]}"
        for one in blocks
        if one["type"] == "rich_text"
        and length(text := "".join(str(leaf["text"]) for leaf in leaves(one) if leaf["type"] == "text"))
        > 3000
    ]


def leaves(shown: Any) -> Iterator[dict[str, Any]]:
    """Everything in blocks that has a type, from the outside in."""
    if isinstance(shown, dict):
        if "type" in shown:
            yield shown
        for inner in shown.values():
            yield from leaves(inner)
    elif isinstance(shown, (list, tuple)):
        for inner in shown:
            yield from leaves(inner)


def said(shown: Rendered | dict[str, Any]) -> str:
    """All that can be read in a message or a modal."""
    blocks = shown.blocks if isinstance(shown, Rendered) else [shown]
    return " ".join(
        str(one.get("text") or one.get("fallback") or one.get("user_id") or one.get("initial_value") or "")
        for one in leaves(blocks)
        if not isinstance(one.get("text"), dict)
    )


def buttons(shown: Rendered) -> list[str]:
    """The buttons' action ids, from left to right."""
    return [str(one["action_id"]) for one in leaves(shown.blocks) if one["type"] == "button"]
