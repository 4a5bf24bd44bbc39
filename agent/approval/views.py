"""Drafts as a person reads them: the list, and one with all it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from agent.approval.audit import Trace, trail
from agent.approval.life import brief_of, find_draft, version_of
from agent.approval.states import DecisionKind, DeliveryState, DraftState
from agent.approval.tables import Decision, Delivery, Draft, DraftVersion
from agent.drafting.brief import Brief
from agent.drafting.making import PERSON, TEMPLATE, Making
from agent.drafting.message import Message
from agent.drafting.violation import Violation
from agent.foundation.store import Store
from agent.scoring.assessment import Offer
from agent.signals.finding import Frozen


class DraftLine(Frozen):
    """A draft in a list."""

    draft_id: str
    account_id: str
    account_name: str
    state: DraftState
    version: int
    subject: str
    play: str
    offer: Offer
    points: int
    composite: float | None
    warnings: tuple[str, ...]
    "Rules that the text breaks, for the approver to see."
    created_at: datetime
    expires_at: datetime
    snoozed_until: datetime | None
    reason: str | None
    moved_at: datetime
    moved_by: str


class VersionView(Frozen):
    """One text of a draft."""

    number: int
    message: Message
    author: str
    violations: tuple[Violation, ...]
    confirmed: tuple[str, ...]
    created_at: datetime
    making: Making


class DecisionView(Frozen):
    """What a person decided."""

    kind: DecisionKind
    version: int
    who: str
    at: datetime
    reason: str | None


class DeliveryLine(Frozen):
    """A delivery in a list."""

    delivery_id: str
    draft_id: str
    version: int
    account_id: str
    channel: str
    address: str
    message_id: str
    state: DeliveryState
    created_at: datetime
    sent_at: datetime | None
    attempts: int
    not_before: datetime | None
    last_error: str | None
    waits: str | None = None
    "What keeps it from leaving or from being settled, where something does."


class DraftView(Frozen):
    """A draft with everything it rests on."""

    line: DraftLine
    message: Message
    brief: Brief
    versions: tuple[VersionView, ...]
    decisions: tuple[DecisionView, ...]
    deliveries: tuple[DeliveryLine, ...]
    audit: tuple[Trace, ...]


def list_drafts(store: Store, state: DraftState | None = None) -> tuple[DraftLine, ...]:
    """Drafts, best first: by composite, then by the revenue the offer adds, then by account id."""
    with store.reading() as session:
        wanted = select(Draft)
        if state is not None:
            wanted = wanted.where(col(Draft.state) == str(state))
        drafts = session.exec(wanted).all()
        lines = [_line(draft, version_of(session, draft), brief_of(session, draft)) for draft in drafts]
        rank = {draft.draft_id: _rank(draft) for draft in drafts}
    return tuple(sorted(lines, key=lambda line: rank[line.draft_id]))


def show_draft(store: Store, draft_id: str) -> DraftView:
    """One draft with its brief, versions, decisions, deliveries and trail.

    Raises NotFound.
    """
    with store.reading() as session:
        draft = find_draft(session, draft_id)
        brief = brief_of(session, draft)
        versions = session.exec(
            select(DraftVersion)
            .where(col(DraftVersion.draft_id) == draft.draft_id)
            .order_by(col(DraftVersion.number))
        ).all()
        decisions = session.exec(
            select(Decision)
            .where(col(Decision.draft_id) == draft.draft_id)
            .order_by(col(Decision.decision_id))
        ).all()
        deliveries = session.exec(
            select(Delivery)
            .where(col(Delivery.draft_id) == draft.draft_id)
            .order_by(col(Delivery.created_at), col(Delivery.delivery_id))
        ).all()
        subjects = [f"draft:{draft.draft_id}", *(f"delivery:{one.delivery_id}" for one in deliveries)]
        current = versions[draft.version - 1]
        return DraftView(
            line=_line(draft, current, brief),
            message=Message(subject=current.subject, body=current.body),
            brief=brief,
            versions=tuple(_version_view(one) for one in versions),
            decisions=tuple(
                DecisionView(
                    kind=DecisionKind(one.kind),
                    version=one.version,
                    who=one.who,
                    at=one.at,
                    reason=one.reason,
                )
                for one in decisions
            ),
            deliveries=delivery_lines(deliveries),
            audit=trail(session, *subjects),
        )


def delivery_lines(deliveries: Sequence[Delivery]) -> tuple[DeliveryLine, ...]:
    """Deliveries as a person reads them."""
    return tuple(DeliveryLine(**one.model_dump(include=set(DeliveryLine.model_fields))) for one in deliveries)


def _rank(draft: Draft) -> tuple[float, int, str, str]:
    composite = -1.0 if draft.composite is None else draft.composite
    return (-composite, -draft.adds_monthly_minor, draft.account_id, draft.draft_id)


def _version_view(row: DraftVersion) -> VersionView:
    return VersionView(
        number=row.number,
        message=Message(subject=row.subject, body=row.body),
        author=row.author,
        violations=tuple(Violation.model_validate(one) for one in row.violations),
        confirmed=tuple(row.confirmed),
        created_at=row.created_at,
        making=making_of(row),
    )


def making_of(row: DraftVersion) -> Making:
    """How a text came to be; of texts from before that was kept, its author tells who wrote it."""
    if row.making is not None:
        return Making.model_validate(row.making)
    return Making(writer=TEMPLATE if row.author == TEMPLATE else PERSON)


def _line(draft: Draft, version: DraftVersion, brief: Brief) -> DraftLine:
    return DraftLine(
        draft_id=draft.draft_id,
        account_id=draft.account_id,
        account_name=brief.recipient.account_name,
        state=DraftState(draft.state),
        version=draft.version,
        subject=version.subject,
        play=brief.play,
        offer=brief.offer,
        points=draft.points,
        composite=draft.composite,
        warnings=tuple(sorted({one["rule"] for one in version.violations})),
        created_at=draft.created_at,
        expires_at=draft.expires_at,
        snoozed_until=draft.snoozed_until,
        reason=draft.reason,
        moved_at=draft.moved_at,
        moved_by=draft.moved_by,
    )
