"""The texts that a person wrote and stood by: what the writer learns the founder's voice from."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select

from agent.approval.life import message_of
from agent.approval.states import DecisionKind
from agent.approval.tables import BriefRow, Decision, Draft, DraftVersion
from agent.approval.views import making_of
from agent.drafting.brief import Brief
from agent.drafting.making import PERSON
from agent.drafting.message import Message
from agent.foundation.store import Store


class ApprovedEdit(NamedTuple):
    """A text of a person's own, approved, with the brief it is about."""

    draft_id: str
    message: Message
    brief: Brief
    at: datetime
    "When it was approved."


def approved_edits(store: Store, limit: int) -> list[ApprovedEdit]:
    """The newest texts that a person wrote and approved, newest first.

    A text that somebody confirmed past a guardrail is left out: it is an exception, not an example.
    """
    found: list[ApprovedEdit] = []
    with store.reading() as session:
        rows = session.exec(
            select(Decision, DraftVersion, BriefRow)
            .where(
                col(Decision.kind) == str(DecisionKind.APPROVED),
                col(DraftVersion.draft_id) == col(Decision.draft_id),
                col(DraftVersion.number) == col(Decision.version),
                col(Draft.draft_id) == col(Decision.draft_id),
                col(BriefRow.brief_id) == col(Draft.brief_id),
                col(DraftVersion.number) > 1,
            )
            .order_by(col(Decision.at).desc(), col(Decision.decision_id).desc())
        )
        seen: set[str] = set()
        for decision, version, brief in rows:
            if len(found) >= limit:
                break
            if version.confirmed or making_of(version).writer != PERSON or version.draft_id in seen:
                continue
            seen.add(version.draft_id)
            document = Brief.model_validate_json(brief.document)
            found.append(ApprovedEdit(version.draft_id, message_of(version), document, decision.at))
    return found
