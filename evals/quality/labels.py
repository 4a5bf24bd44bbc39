"""The founder's decisions as labels of the drafts they were shown, and how far each judge agrees with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from statistics import fmean

from agent.approval.states import DecisionKind, DeliveryState
from agent.approval.views import DraftView, list_drafts, show_draft
from agent.drafting.brief import Brief
from agent.drafting.message import Message
from agent.foundation.llm.port import Model
from agent.foundation.store import Store
from evals.quality.judges import Rubric, grade, rubrics
from evals.quality.kappa import kappa
from evals.quality.result import Agreement, Edits
from evals.quality.scorers import edit_distance

MOST_LABELS = 200
"Drafts a judge is asked about, the newest first: what it costs stays in bounds."


class Label(IntEnum):
    """What the founder made of a draft, in order."""

    BAD = 0
    "Skipped."
    FAIR = 1
    "Changed before it was approved, or while it waits."
    GOOD = 2
    "Approved as it was."


@dataclass(frozen=True)
class Labelled:
    """A draft as the founder was first shown it, with what they made of it."""

    draft_id: str
    message: Message
    brief: Brief
    label: Label
    edited: float
    "How much of the text was changed, 0 to 1."


@dataclass(frozen=True)
class SentDraft:
    """A draft that was sent: as it was written, and as it left."""

    draft_id: str
    writer: str
    written: Message
    sent: Message
    brief: Brief

    @property
    def edited(self) -> float:
        """How much of it was changed, 0 to 1."""
        return edit_distance(self.written.text, self.sent.text)


def labels(store: Store) -> tuple[Labelled, ...]:
    """Every draft the founder decided about, the newest first; the text is the one no person had touched."""
    found = (_labelled(view) for view in _views(store))
    return tuple(one for one in found if one is not None)


def sent_drafts(store: Store) -> tuple[SentDraft, ...]:
    """Every draft that has arrived, the newest first."""
    return tuple(
        SentDraft(
            view.line.draft_id,
            view.versions[0].making.writer,
            _first(view),
            _version(view, line.version),
            view.brief,
        )
        for view in _views(store)
        for line in view.deliveries
        if line.state is DeliveryState.SENT
    )


def edits(drafts: Sequence[SentDraft]) -> Edits:
    """How much of sent drafts was changed, by draft; no word of them is told."""
    changed = {draft.draft_id: draft.edited for draft in drafts}
    return Edits(
        sent=len(changed),
        unchanged=sum(1 for one in changed.values() if one == 0),
        mean=round(fmean(changed.values()), 4) if changed else None,
        by_draft=changed,
    )


def class_of(score: int) -> Label:
    """A judge's score in the founder's terms: 1 and 2 would be skipped, 3 changed, 4 and 5 sent as they are."""
    if score <= 2:
        return Label.BAD
    return Label.FAIR if score == 3 else Label.GOOD


def agreements(
    labelled: Sequence[Labelled],
    model: Model,
    judges: Sequence[Rubric] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Agreement, ...]:
    """Each judge against the labels: Cohen's kappa, weighted by the square of the distance."""
    asked = labelled[:MOST_LABELS]
    found = []
    for rubric in rubrics() if judges is None else judges:
        progress(f"{rubric.title}: {len(asked)} decisions to hold the judge against")
        pairs = [
            (one.label, class_of(graded.score))
            for one in asked
            if (graded := grade(rubric, one.message, one.brief, model)).score is not None
        ]
        rated = kappa([a for a, _ in pairs], [b for _, b in pairs], len(Label), weighted=True)
        found.append(
            Agreement(judge=rubric.name, labels=len(pairs), kappa=rated.value, interval=rated.interval)
        )
    return tuple(found)


def _views(store: Store) -> Iterator[DraftView]:
    lines = sorted(list_drafts(store), key=lambda line: (line.created_at, line.draft_id), reverse=True)
    return (show_draft(store, line.draft_id) for line in lines)


def _labelled(view: DraftView) -> Labelled | None:
    label = _label(view)
    if label is None:
        return None
    first, last = _first(view), view.message
    return Labelled(view.line.draft_id, first, view.brief, label, edit_distance(first.text, last.text))


def _label(view: DraftView) -> Label | None:
    """A skip tells more than an edit before it, and an edit more than the approval after it."""
    kinds = {decision.kind for decision in view.decisions}
    if DecisionKind.SKIPPED in kinds:
        return Label.BAD
    if DecisionKind.EDITED in kinds:
        return Label.FAIR
    return Label.GOOD if DecisionKind.APPROVED in kinds else None


def _first(view: DraftView) -> Message:
    return view.versions[0].message


def _version(view: DraftView, number: int) -> Message:
    return next(one.message for one in view.versions if one.number == number)
