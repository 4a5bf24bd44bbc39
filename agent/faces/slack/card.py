"""The card: one draft with everything an approver needs to see, and after the decision who, when and what."""

from __future__ import annotations

from datetime import datetime

from agent.approval.states import DeliveryState, DraftState
from agent.approval.views import DeliveryLine, DraftView
from agent.drafting.violation import Level
from agent.faces.digest_words import adds, offered
from agent.faces.slack.blocks import (
    Ask,
    Block,
    actions,
    bold,
    bullets,
    button,
    context,
    header,
    line,
    moment,
    person,
    picture,
    quote,
    rich,
    words,
)
from agent.faces.slack.escaping import cut, letter, mrkdwn, plain, size, unseen
from agent.faces.slack.evidence import in_words, why_now
from agent.faces.slack.fate import result, standing_of, status
from agent.faces.slack.naming import Action, DeliveryRef, DraftRef, Rendered
from agent.faces.telling import made_by
from agent.signals.display import count, day
from agent.signals.finding import Frozen

__all__ = ["CardView", "call_back", "card", "is_too_long", "letter_parts", "result", "shows", "shows_card"]

NAME = 150
LONGEST_DRAFT = 5_000
"A message longer than this is not shown whole, and so it cannot be approved here."
WAITING = frozenset({DraftState.PENDING, DraftState.DRAFTED})
NOT_LEFT = frozenset({DraftState.PENDING, DraftState.DRAFTED, DraftState.APPROVED})
WARNINGS_SHOWN = 6


class CardView(Frozen):
    """What a card shows: the draft, its chart, and what holds outside it."""

    view: DraftView
    chart_file: str | None = None
    "Slack's id of the chart; None where there is none."
    chart_says: str = ""
    "The chart in words: beside the image for those who cannot see it."
    chart_line: str = ""
    "The chart as a line of letters, for a card without an image."
    age: str = ""
    "How old the facts are: '3 hours old'."
    holds: tuple[str, ...] = ()
    "What speaks against writing now, a sentence each; empty when nothing does."
    stopped: str | None = None
    "Who stopped sending, when and why; None while messages leave."


def card(shown: CardView) -> Rendered:
    """The draft's message for Slack, as it stands: with buttons while it waits, with its fate afterwards."""
    view = shown.view
    name = plain(view.line.account_name, NAME) or plain(view.line.account_id, NAME)
    waits = view.line.state in WAITING
    blocks = [header(name), context(_who(shown))]
    if not waits:
        blocks += rich(*status(view, shown.stopped))
    blocks += _evidence(shown) if waits else []
    blocks += rich(*letter_parts(view))
    blocks += rich(*_judgement(shown)) if waits else []
    blocks += _written(view)
    if waits and shown.stopped:
        blocks += rich(_stopped(shown.stopped))
    blocks += _buttons(view)
    return Rendered(text=_in_short(view), blocks=blocks)


def shows(
    *,
    state: str,
    version: int,
    moved_at: datetime,
    delivery: str = "",
    delivery_state: str = "",
    attempts: int = 0,
    stopped: bool = False,
    chart: bool = False,
) -> str:
    """What a card of these values shows, in short: where it differs, the card is rewritten.

    `delivery`, `delivery_state` and `attempts` are of the draft's newest delivery; `stopped` and `chart`
    count only while they can be seen.
    """
    parts = [state, f"v{version}", f"{moved_at:%Y%m%d%H%M%S%f}"]
    if delivery:
        parts.append(f"{delivery}:{delivery_state}:{attempts}")
    if stopped and state in NOT_LEFT:
        parts.append("stopped")
    if chart and state in WAITING:
        parts.append("chart")
    return " ".join(parts)


def shows_card(shown: CardView) -> str:
    """`shows` of a card's own values."""
    line_, newest = shown.view.line, shown.view.deliveries[-1] if shown.view.deliveries else None
    return shows(
        state=str(line_.state),
        version=line_.version,
        moved_at=line_.moved_at,
        delivery=newest.delivery_id if newest else "",
        delivery_state=str(newest.state) if newest else "",
        attempts=newest.attempts if newest else 0,
        stopped=shown.stopped is not None,
        chart=shown.chart_file is not None,
    )


def letter_parts(view: DraftView) -> list[Block]:
    """The message exactly as the customer will read it, set off by a bar; whole, or not approvable here."""
    to = view.brief.recipient
    name, address = plain(to.contact_name or "", 80), plain(to.contact_email or "no address", 120)
    subject = letter(view.message.subject) or "(no subject)"
    body = letter(view.message.body).strip("\n") or "(no text)"
    to_whom = line(bold("The message"), words(f" to {name}, {address}" if name else f" to {address}"))
    if is_too_long(view):
        goes_on = "The message goes on, and is too long to be shown here in full."
        beginning = body[: LONGEST_DRAFT // 2]
        return [to_whom, quote(bold(cut(subject, 300)), words(f"\n\n{beginning}")), line(bold(goes_on))]
    return [to_whom, quote(bold(subject), words(f"\n\n{body}"))]


def is_too_long(view: DraftView) -> bool:
    """Whether the message cannot be shown whole: nobody may approve here what they could not read."""
    return size(view.message.text) > LONGEST_DRAFT


def _who(shown: CardView) -> str:
    view = shown.view
    plan = plain(view.brief.plan_name or "", 60)
    if plan and not plan.lower().endswith(" plan"):
        plan += " plan"
    facts = f"facts as of {day(view.brief.as_of).display}"
    parts = [plan or "no plan", plain(view.line.account_id, 60), facts, plain(shown.age, 80)]
    return " · ".join(part for part in parts if part)


def _evidence(shown: CardView) -> list[Block]:
    blocks = rich(*why_now(shown.view.brief.findings))
    if shown.chart_file:
        blocks.append(picture(shown.chart_file, shown.chart_says))
    elif shown.chart_line:
        blocks.append(context(shown.chart_line))
    return blocks


def _judgement(shown: CardView) -> list[Block]:
    """Offer, standing and holds, then what the guardrails warn of."""
    view, offer = shown.view, shown.view.brief.offer
    added = adds(offer)
    offer_words = plain(offered(offer), 200) + (f" ({added})" if added else "")
    holds = "; ".join(plain(one, 200) for one in shown.holds[:5]) or "none"
    parts = [
        line(bold("Offer: "), words(offer_words)),
        line(bold("Standing: "), words(standing_of(view.line.points, view.line.composite))),
        line(bold("Holds: "), words(holds)),
    ]
    if told := _warnings(view):
        parts += [line(bold("Look at")), bullets([[words(one)] for one in told])]
    return parts


def _stopped(told: str) -> Block:
    why = plain(told, 300)
    waits = "what you approve waits until that ends."
    return line(bold("Sending is stopped"), words(f" ({why}): {waits}" if why else f": {waits}"))


def _warnings(view: DraftView) -> list[str]:
    current = view.versions[-1]
    told = [
        f"{plain(one.message, 240)} ({in_words(one.rule)}"
        + (", kept on purpose)" if one.rule in current.confirmed else ")")
        for one in current.violations
        if one.level is Level.WARN or one.rule in current.confirmed
    ]
    if hidden := unseen(view.message.text):
        told.insert(0, f"{count(hidden, 'character').display} that nobody can see are not shown here.")
    if is_too_long(view):
        told.insert(0, "Too long to be shown: read it with `outgrown drafts show`, and shorten it there.")
    kept = list(dict.fromkeys(told))
    more = len(kept) - WARNINGS_SHOWN
    return [*kept[:WARNINGS_SHOWN], *([f"and {more} more"] if more > 0 else [])]


def _written(view: DraftView) -> list[Block]:
    """Whose text it is: 'Version 2, edited by @dana, 2 March at 09:02' once somebody has; and how it was worded."""
    current = view.versions[-1]
    draft = f"Draft {view.line.draft_id[:8]}, version {current.number}; {made_by(current.making)}"
    if current.number == 1:
        return [context(plain(draft, 400))]
    by = line(
        bold(f"Version {current.number}"),
        words(", edited by "),
        person(current.author),
        words(", "),
        moment(current.created_at),
    )
    return [*rich(by), context(plain(draft, 400))]


def _buttons(view: DraftView) -> list[Block]:
    line_ = view.line
    value = DraftRef(draft_id=line_.draft_id, version=line_.version).model_dump_json(exclude_defaults=True)
    if line_.state in WAITING:
        approve = button(Action.APPROVE, "Approve & send", value, style="primary")
        others = [
            button(Action.EDIT, "Edit", value),
            button(Action.SKIP, "Skip", value),
            button(Action.SNOOZE, "Snooze", value),
            button(Action.WHY, "Why this account", value),
            *([button(Action.HISTORY, "History", value)] if line_.version > 1 else []),
        ]
        return [actions(*([] if is_too_long(view) else [approve]), *others)]
    waiting = [one for one in view.deliveries if one.state is DeliveryState.QUEUED]
    if line_.state is DraftState.APPROVED and waiting:
        return [actions(call_back(waiting[-1]))]
    return []


def call_back(delivery: DeliveryLine) -> Block:
    """The button that calls an approved message back while it has not left."""
    return button(
        Action.CALL_BACK,
        "Call it back",
        DeliveryRef(delivery_id=delivery.delivery_id).model_dump_json(),
        style="danger",
        ask=Ask(
            title="Call the message back?",
            text="It has not left yet. Nothing is sent, and this draft cannot be approved again.",
            yes="Call it back",
            no="Let it go",
        ),
    )


def _in_short(view: DraftView) -> str:
    """What a notification shows."""
    name = mrkdwn(view.line.account_name, 100) or mrkdwn(view.line.account_id, 100)
    if view.line.state in WAITING:
        return f"{name}: a draft waits for your yes ({mrkdwn(view.line.offer.name, 80)})"
    return f"{name}: {view.line.state}"
