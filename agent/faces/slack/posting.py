"""Hands our messages to Slack once each: what may have arrived unseen is looked for before it is said again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from agent.approval import posts
from agent.approval.posts import Placed
from agent.faces.slack.client import Pace, Slack, SlackTrouble, asked
from agent.faces.slack.naming import Rendered
from agent.foundation.holder import machine_now, this_holder

if TYPE_CHECKING:
    from agent.foundation.store import Store

log = logging.getLogger("outgrown.slack")

LEASE = timedelta(minutes=2)
"By the machine's clock; longer than all of Slack's patience for one message."
UNSURE_PAUSE = 3.0
"Seconds before a message whose answer was lost is looked for: it may still be on its way."
LONGEST_PAUSE = 600.0
PAGES = 50
SLACK_SKEW = timedelta(minutes=10)


class Posting:
    """One process's hand on our messages in Slack."""

    def __init__(
        self,
        store: Store,
        slack: Slack,
        pace: Pace,
        *,
        holder: str = "",
        ended: threading.Event | None = None,
    ) -> None:
        self.store = store
        self.slack = slack
        self.pace = pace
        self.holder = holder or this_holder()
        self.ended = ended or threading.Event()

    def claim(self, post_id: str) -> Placed | None:
        """The message, if it is ours to see to now."""
        return posts.claim(self.store, post_id, now=machine_now(), holder=self.holder, lease=LEASE)

    def put(
        self, post: Placed, rendered: Rendered, *, shows: str = "", thread_ts: str | None = None
    ) -> str | None:
        """Post a claimed message, or find it where it went unseen; answers its name in Slack, None when ended.

        Raises SlackTrouble after leaving it for later.
        """
        try:
            if post.tried_at is not None:
                found = self._find(post, thread_ts)
                if found:
                    # What it shows is not known: it is looked at again like any other.
                    posts.arrived(self.store, post.post_id, holder=self.holder, ts=found, shows="")
                    return found
            if not self.pace.wait(post.channel, self.ended):
                posts.release(self.store, post.post_id, holder=self.holder)
                return None
            if not posts.handing_over(self.store, post.post_id, now=machine_now(), holder=self.holder):
                return None
            said = asked(
                lambda: self.slack.once.chat_postMessage(
                    channel=post.channel,
                    text=rendered.text,
                    blocks=rendered.blocks,
                    thread_ts=thread_ts,
                    metadata=_metadata(post),
                    unfurl_links=False,
                    unfurl_media=False,
                )
            )
        except SlackTrouble as trouble:
            self.put_off(post, trouble)
            raise
        self.pace.said(post.channel)
        ts = str(said["ts"])
        posts.arrived(self.store, post.post_id, holder=self.holder, ts=ts, shows=shows)
        return ts

    def rewrite(self, post: Placed, rendered: Rendered, *, shows: str) -> None:
        """Let a claimed message that is in Slack show something else.

        Raises SlackTrouble.
        """
        ts = post.ts or ""
        try:
            asked(
                lambda: self.slack.safe.chat_update(
                    channel=post.channel,
                    ts=ts,
                    text=rendered.text,
                    blocks=rendered.blocks,
                    metadata=_metadata(post),
                )
            )
        except SlackTrouble as trouble:
            if trouble.code in GONE:
                # Somebody took it out of Slack: there is nothing to rewrite, now or later.
                posts.arrived(
                    self.store,
                    post.post_id,
                    holder=self.holder,
                    ts=ts,
                    shows=f"{posts.SETTLED}{trouble.code}",
                )
                return
            posts.release(self.store, post.post_id, holder=self.holder, error=str(trouble))
            raise
        posts.arrived(self.store, post.post_id, holder=self.holder, ts=ts, shows=shows)

    def take_out(self, post: Placed) -> None:
        """Delete a claimed message, and its chart, from Slack, because its account was forgotten."""
        if post.ts is None and post.tried_at is not None:
            post = post.model_copy(update={"ts": self._find(post, None)})
        try:
            if post.ts is not None:
                asked(lambda: self.slack.safe.chat_delete(channel=post.channel, ts=post.ts or ""))
        except SlackTrouble as trouble:
            if trouble.code not in GONE:
                posts.release(self.store, post.post_id, holder=self.holder, error=str(trouble))
                raise
        try:
            if post.file_id:
                asked(lambda: self.slack.safe.files_delete(file=post.file_id or ""))
        except SlackTrouble as trouble:
            if not trouble.is_sure:
                posts.release(self.store, post.post_id, holder=self.holder, error=str(trouble))
                raise
        posts.drop(self.store, post.post_id)

    def put_off(self, post: Placed, trouble: SlackTrouble) -> None:
        """Leave a claimed message for later, remembering whether it may have arrived."""
        backoff = min(2.0 ** min(post.attempts, 10), LONGEST_PAUSE)
        pause = max(trouble.pause, 0.0 if trouble.pause else backoff if trouble.is_sure else UNSURE_PAUSE)
        if trouble.pause:
            self.pace.pause(post.channel, trouble.pause)
        posts.release(
            self.store,
            post.post_id,
            holder=self.holder,
            not_before=machine_now() + timedelta(seconds=pause),
            error=f"{trouble} {trouble.detail}".strip(),
            is_surely_not_there=trouble.is_sure and post.tried_at is None,
        )

    def _find(self, post: Placed, thread_ts: str | None) -> str | None:
        """The name of the message in Slack, if it is there: known by the metadata it carries."""
        since = (post.tried_at or post.created_at) - SLACK_SKEW
        oldest = f"{since.replace(tzinfo=UTC).timestamp():.6f}"
        asking: dict[str, Any] = {"channel": post.channel, "limit": 200, "include_all_metadata": True}
        cursor = ""
        for _ in range(PAGES):
            more: dict[str, Any] = {"cursor": cursor} if cursor else {}

            def page(more: dict[str, Any] = more) -> Any:
                if thread_ts:
                    return self.slack.safe.conversations_replies(ts=thread_ts, **asking, **more)
                return self.slack.safe.conversations_history(oldest=oldest, **asking, **more)

            said = asked(page)
            for message in said.get("messages") or []:
                if _post_id(message) == post.post_id:
                    return str(message["ts"])
            cursor = str((said.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return None
        return None


GONE = frozenset(
    {"message_not_found", "channel_not_found", "is_archived", "cant_update_message", "edit_window_closed"}
)
"What Slack says of messages that can no longer be changed."


def _metadata(post: Placed) -> dict[str, Any]:
    return {"event_type": post.kind, "event_payload": {"post_id": post.post_id}}


def _post_id(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("post_id") or "")
