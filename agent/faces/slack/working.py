"""Does what a click asked for: one call into the house, and a word to the person where it could not be done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import Field
from sqlmodel import col, select

from agent.approval.revalidation import unconfirmed
from agent.approval.states import EDITABLE, DecisionKind
from agent.approval.tables import Decision, Delivery
from agent.approval.views import show_draft
from agent.drafting.message import Message
from agent.faces.slack.naming import Action, DeliveryRef, Dialogue, DraftRef, Rendered, SnoozeRef
from agent.foundation.errors import Blocked, MoveRefused, NotFound, OutgrownError, StoreBusy
from agent.signals.finding import Frozen

if TYPE_CHECKING:
    from agent.approval.clicks import Work
    from agent.wiring import House

log = logging.getLogger("outgrown.slack")

ASK, REFUSED = "ask", "refused"
"Kinds of work besides those of naming.Action and naming.Dialogue."
STOPPED_IN_SLACK = "stopped in Slack"


class Wish(Frozen):
    """What a click carries from the moment it is kept to the moment it is done."""

    value: str = ""
    "What the button carried, or the dialogue's private_metadata."
    team: str = ""
    user: str = ""
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    view_id: str = ""
    subject: str = ""
    body: str = ""
    confirm: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    "Guardrails that the dialogue offered to confirm past."
    reason: str = ""
    days: int = 0
    question: str = ""
    why: str = ""
    "Why it was refused."
    tried: str = ""


class Dialog(Frozen):
    """What an edit's dialogue shows next: errors at its fields, another view, or nothing, and it closes.

    `view` says the same as `errors` where it is too late for those.
    """

    errors: dict[str, str] = Field(default_factory=dict)
    view: dict[str, Any] | None = None


class Done(Frozen):
    """What became of a click."""

    says: str = ""
    "A word to the person alone."
    is_approved: bool = False
    "Whether a message now waits in the outbox."
    answer: Rendered | None = None
    dialog: Dialog | None = None


def work(house: House, one: Work) -> Done:
    """Do it, as the person who asked for it.

    Raises StoreBusy when it can be done a little later.
    """
    wish = Wish.model_validate_json(one.document or "{}")
    try:
        return WORK[one.kind](house, one, wish)
    except StoreBusy:
        raise
    except (MoveRefused, NotFound, Blocked) as refused:
        return Done(says=str(refused))
    except OutgrownError as bad:
        return Done(says=f"That was not done: {bad}")


def _approve(house: House, one: Work, wish: Wish) -> Done:
    ref = DraftRef.model_validate_json(wish.value)
    try:
        house.approve(ref.draft_id, version=ref.version)
    except MoveRefused:
        if not _did(house, one, ref, DecisionKind.APPROVED):
            raise
    return Done(is_approved=True)


def _edit(house: House, one: Work, wish: Wish) -> Done:
    ref = DraftRef.model_validate_json(wish.value)
    message = Message(subject=wish.subject, body=wish.body)
    try:
        house.edit(ref.draft_id, message, wish.confirm, ref.version)
    except Blocked as blocked:
        return Done(says=str(blocked), dialog=_blocked(house, wish, ref, message))
    except MoveRefused as refused:
        from agent.faces.slack.modals import edit_modal

        view = show_draft(house.store, ref.draft_id)
        newest = view.versions[-1]
        if one.attempts > 1 and newest.author == one.who and newest.message == message:
            return Done(dialog=Dialog())
        if view.line.state not in EDITABLE or view.line.version == ref.version:
            return Done(says=str(refused), dialog=Dialog())
        return Done(
            says=f"Not saved: the draft is at version {newest.number} by now.",
            dialog=Dialog(view=edit_modal(view, ref, message=message, newer=newest)),
        )
    return Done(dialog=Dialog())


def _blocked(house: House, wish: Wish, ref: DraftRef, message: Message) -> Dialog:
    """Errors at their fields; and where a person may confirm past some that were not offered yet, the choice."""
    from agent.faces.slack.modals import edit_errors, edit_modal

    violations = house.check_draft(ref.draft_id, message)
    standing = unconfirmed(violations, wish.confirm)
    view = edit_modal(show_draft(house.store, ref.draft_id), ref, message=message, violations=violations)
    if any(not one.hard and one.rule not in wish.offered for one in standing):
        return Dialog(view=view)
    return Dialog(errors=edit_errors(violations, message, wish.confirm), view=view)


def _skip(house: House, one: Work, wish: Wish) -> Done:
    ref = DraftRef.model_validate_json(wish.value)
    try:
        house.skip(ref.draft_id, wish.reason)
    except MoveRefused:
        if not _did(house, one, ref, DecisionKind.SKIPPED):
            raise
    return Done()


def _snooze(house: House, one: Work, wish: Wish) -> Done:
    ref = DraftRef.model_validate_json(wish.value)
    return _put_off(house, one, ref, wish.days)


def _asked_snooze(house: House, one: Work, wish: Wish) -> Done:
    asked = SnoozeRef.model_validate_json(wish.value)
    ref = DraftRef(draft_id=asked.draft_id, version=0)
    done = _put_off(house, one, ref, asked.days)
    return done.model_copy(update={"says": done.says or f"Snoozed for {asked.days} days."})


def _put_off(house: House, one: Work, ref: DraftRef, days: int) -> Done:
    try:
        house.snooze(ref.draft_id, days)
    except MoveRefused:
        if not _did(house, one, ref, DecisionKind.SNOOZED):
            raise
    return Done()


def _settle(*, arrived: bool) -> Callable[[House, Work, Wish], Done]:
    def settle(house: House, one: Work, wish: Wish) -> Done:
        ref = DeliveryRef.model_validate_json(wish.value)
        try:
            house.settle(ref.delivery_id, arrived=arrived)
        except MoveRefused:
            draft_id = _draft_of(house, ref.delivery_id)
            if not draft_id or not _did(
                house, one, DraftRef(draft_id=draft_id, version=0), DecisionKind.SETTLED
            ):
                raise
        return Done()

    return settle


def _call_back(house: House, _: Work, wish: Wish) -> Done:
    house.call_back(_delivery_named(house, wish.value))
    return Done()


def _stop(house: House, _: Work, __: Wish) -> Done:
    stopped = house.stop(STOPPED_IN_SLACK)
    under_way = len(stopped.under_way)
    if not under_way:
        return Done(says="Sending is stopped: nothing leaves until somebody resumes it.")
    return Done(
        says=f"Sending is stopped; {under_way} message(s) had already been handed over when you stopped it."
    )


def _resume(house: House, _: Work, __: Wish) -> Done:
    house.resume()
    return Done(says="Sending is on again.", is_approved=True)


def _ask(house: House, one: Work, wish: Wish) -> Done:
    from agent.faces.slack.asking import answer

    return Done(answer=answer(house, wish.question, who=one.who))


def _delivery_named(house: House, value: str) -> str:
    """The delivery a button means: it names it, or names the draft whose newest delivery it is."""
    if '"delivery_id"' in value:
        return DeliveryRef.model_validate_json(value).delivery_id
    view = show_draft(house.store, DraftRef.model_validate_json(value).draft_id)
    if not view.deliveries:
        raise NotFound("No message of this draft is on its way.")
    return view.deliveries[-1].delivery_id


def _draft_of(house: House, delivery_id: str) -> str | None:
    with house.store.reading() as session:
        found = session.get(Delivery, delivery_id)
        return found.draft_id if found else None


def _did(house: House, one: Work, ref: DraftRef, kind: DecisionKind) -> bool:
    """Whether this very click was done before its process ended without saying so."""
    if one.attempts < 2:
        return False
    with house.store.reading() as session:
        last = session.exec(
            select(Decision)
            .where(
                col(Decision.draft_id) == ref.draft_id,
                col(Decision.kind) == str(kind),
                col(Decision.who) == one.who,
                col(Decision.at) >= one.at,
            )
            .limit(1)
        ).first()
    return last is not None


WORK: dict[str, Callable[[House, Work, Wish], Done]] = {
    Action.APPROVE: _approve,
    Dialogue.EDIT: _edit,
    Dialogue.SKIP: _skip,
    Dialogue.SNOOZE: _snooze,
    Action.ASKED_SNOOZE: _asked_snooze,
    Action.ARRIVED: _settle(arrived=True),
    Action.SEND_AGAIN: _settle(arrived=False),
    Action.CALL_BACK: _call_back,
    Action.STOP: _stop,
    Action.RESUME: _resume,
    ASK: _ask,
}
"What a kept click sets off, by its kind; a refusal sets off nothing."
