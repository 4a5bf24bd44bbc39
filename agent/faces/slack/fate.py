"""What became of a draft and of its delivery: who, when, what; on the card, and in its thread."""

from __future__ import annotations

from collections.abc import Iterable

from agent.approval.states import DecisionKind, DeliveryState, DraftState
from agent.approval.views import DecisionView, DeliveryLine, DraftView
from agent.faces.slack.blocks import Ask, Block, actions, bold, button, line, moment, person, rich, words
from agent.faces.slack.escaping import mrkdwn, plain
from agent.faces.slack.naming import Action, DeliveryRef, Rendered
from agent.signals.display import count, day

REASON = 600
WHERE = {
    "eml": "as a file in the outbox folder",
    "smtp": "by mail",
    "resend": "by Resend",
    "postmark": "by Postmark",
}


def status(view: DraftView, stopped: str | None = None) -> list[Block]:
    """The lines of a decided card."""
    draft, newest = view.line, view.deliveries[-1] if view.deliveries else None
    reason = plain(draft.reason or "", REASON)
    because = [words(f": {reason}")] if reason else []
    by = [words(" by "), person(draft.moved_by), words(", "), moment(draft.moved_at)]
    match draft.state:
        case DraftState.APPROVED | DraftState.SENDING:
            return [line(bold("Approved"), *_approval(view)), *_on_its_way(view, newest, stopped)]
        case DraftState.SENT:
            at = newest.sent_at if newest and newest.sent_at else draft.moved_at
            return [
                line(bold("Sent"), words(_to(newest)), words(", "), moment(at), *_settled(view)),
                line(words("Approved"), *_approval(view)),
            ]
        case DraftState.SKIPPED:
            return [line(bold("Skipped"), *by, *because)]
        case DraftState.SNOOZED:
            until = f" until {day(draft.snoozed_until.date()).display}" if draft.snoozed_until else ""
            return [line(bold(f"Snoozed{until}"), *by)]
        case DraftState.STALE:
            return [
                line(bold("Stale: not sent"), *because),
                line(
                    words("Noticed"), *by, words(". A new draft is written when the account is ready again.")
                ),
            ]
        case DraftState.EXPIRED:
            return [line(bold("Expired"), words(", "), moment(draft.moved_at), *because)]
        case DraftState.FAILED:
            error = plain(newest.last_error or "", REASON) if newest else ""
            said = [words(f": {error or reason}")] if error or reason else []
            return [line(bold("Failed: not sent"), *said), line(words("Approved"), *_approval(view))]
        case DraftState.UNKNOWN:
            return [
                line(
                    bold("Unknown whether it arrived"),
                    words(f"{_to(newest)}: nothing is sent again by itself."),
                ),
                line(words("Look into the thread and say what is true.")),
                line(words("Approved"), *_approval(view)),
            ]
        case _:
            return []


def standing_of(points: int, composite: float | None) -> str:
    """'11 points, composite 82'."""
    told = count(points, "point").display
    return told if composite is None else f"{told}, composite {composite:.0f}"


def result(delivery: DeliveryLine, view: DraftView) -> Rendered:
    """What became of a delivery, for the card's thread; of unknown fate with two buttons, until somebody has said."""
    value = DeliveryRef(delivery_id=delivery.delivery_id).model_dump_json()
    error = plain(delivery.last_error or "", REASON)
    said = [words(f": {error}")] if error else []
    name = mrkdwn(view.line.account_name, 100)
    match delivery.state:
        case DeliveryState.SENT:
            at = delivery.sent_at or delivery.created_at
            first = line(bold("Sent"), words(_to(delivery)), words(", "), moment(at), *_settled(view))
            return Rendered(text=f"{name}: sent", blocks=rich(first))
        case DeliveryState.FAILED:
            settled = _settled(view)
            first = line(bold("Not sent"), words(_to(delivery)), *(settled or said))
            return Rendered(text=f"{name}: not sent", blocks=rich(first))
        case DeliveryState.CANCELLED:
            why = plain(view.line.reason or "called back", REASON)
            first = line(bold("Not sent"), words(f"{_to(delivery)}: {why}"))
            return Rendered(text=f"{name}: not sent", blocks=rich(first))
        case DeliveryState.UNKNOWN:
            return Rendered(
                text=f"{name}: nobody knows whether the message arrived",
                blocks=[
                    *rich(
                        line(bold("Nobody knows whether it arrived"), words(_to(delivery)), *said),
                        line(
                            words(
                                "Nothing is sent again by itself. Look into the sent folder of your mailbox or "
                                f"provider for {plain(delivery.message_id, 200)}, then say what is true."
                            )
                        ),
                    ),
                    actions(
                        button(Action.ARRIVED, "It arrived", value, style="primary"),
                        button(
                            Action.SEND_AGAIN,
                            "Send again",
                            value,
                            ask=Ask(
                                title="Send it again?",
                                text="If it did arrive, the customer gets it twice. The draft waits for your "
                                "approval once more; nothing leaves before that.",
                                yes="It did not arrive",
                            ),
                        ),
                    ),
                ],
            )
        case _:
            first = line(bold("On its way"), words(_to(delivery)))
            return Rendered(text=f"{name}: on its way", blocks=rich(first))


def _approval(view: DraftView) -> list[Block]:
    """' (version 2) by @dana, 2 March at 09:00'."""
    last = _last(view.decisions, DecisionKind.APPROVED)
    if last is None:
        return [words(" by "), person(view.line.moved_by), words(", "), moment(view.line.moved_at)]
    return [words(f" (version {last.version}) by "), person(last.who), words(", "), moment(last.at)]


def _settled(view: DraftView) -> list[Block]:
    """What a person said where nobody knew."""
    last = _last(view.decisions, DecisionKind.SETTLED)
    if last is None:
        return []
    said = "it arrived" if last.reason == "arrived" else "it did not arrive"
    return [words(f"; {said}, says "), person(last.who)]


def _on_its_way(view: DraftView, newest: DeliveryLine | None, stopped: str | None) -> list[Block]:
    if view.line.state is DraftState.SENDING:
        return [line(words(f"On its way{_to(newest)}."))]
    parts = [line(words(f"Waits to leave{_to(newest)}."))]
    if newest and newest.not_before:
        parts.append(line(words("Not before "), moment(newest.not_before), words(".")))
    if newest and newest.last_error and newest.attempts:
        tried = count(newest.attempts, "time").display
        parts.append(line(words(f"Tried {tried}: {plain(newest.last_error, REASON)}")))
    if stopped is not None:
        told = plain(stopped, 300)
        parts.append(
            line(bold("Sending is stopped"), words(f" ({told}); it leaves once that ends." if told else "."))
        )
    return parts


def _to(delivery: DeliveryLine | None) -> str:
    if delivery is None:
        return ""
    where = WHERE.get(delivery.channel, f"by {plain(delivery.channel, 40)}")
    return f" to {plain(delivery.address, 120)} {where}"


def _last(decisions: Iterable[DecisionView], kind: DecisionKind) -> DecisionView | None:
    return next((one for one in reversed(tuple(decisions)) if one.kind is kind), None)
