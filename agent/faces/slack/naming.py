"""What our buttons, dialogues and posts are called, and what they carry back to us."""

from __future__ import annotations

from enum import StrEnum

from agent.signals.finding import Frozen


class Action(StrEnum):
    """The `action_id` of every button and choice of ours; Slack sends it back with a click."""

    APPROVE = "draft_approve"
    EDIT = "draft_edit"
    SKIP = "draft_skip"
    SNOOZE = "draft_snooze"
    WHY = "draft_why"
    HISTORY = "draft_history"
    ARRIVED = "delivery_arrived"
    "A delivery of unknown fate: it arrived."
    SEND_AGAIN = "delivery_send_again"
    "A delivery of unknown fate: it did not arrive, the draft may be approved again."
    CALL_BACK = "delivery_call_back"
    "An approved message that has not left yet is called back."
    STOP = "sending_stop"
    RESUME = "sending_resume"
    ASKED_SNOOZE = "asked_snooze"
    "The button under an answer to 'snooze Globex until March'."


class Dialogue(StrEnum):
    """The `callback_id` of every modal of ours."""

    EDIT = "edit_draft"
    SKIP = "skip_draft"
    SNOOZE = "snooze_draft"
    WHY = "why_draft"
    HISTORY = "history_draft"


class PostKind(StrEnum):
    """What kind of message of ours it is: `Post.kind`, and the `event_type` of its metadata."""

    CARD = "card"
    DIGEST = "digest"
    RESULT = "result"
    "What became of a delivery, in the thread of its card."


class DraftRef(Frozen):
    """What a card's button carries (`value`), and a modal's `private_metadata`: which draft, in which version, where."""

    draft_id: str
    version: int
    channel: str = ""
    ts: str = ""
    "The card the dialogue was opened from; empty on the card's own buttons."
    confirming: bool = False
    "Whether this dialogue already offers to confirm past blocks."


class DeliveryRef(Frozen):
    """What a button about a delivery carries."""

    delivery_id: str


class SnoozeRef(Frozen):
    """What the button under an answer carries."""

    draft_id: str
    days: int


class Rendered(Frozen):
    """A message for Slack: its blocks as Block Kit JSON, and the text for notifications and old clients."""

    text: str
    blocks: list[dict[str, object]]
