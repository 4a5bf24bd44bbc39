"""What we say into Slack besides cards: a word to one person, an answer, a dialogue's next face."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from agent.faces.slack.blocks import context, modal
from agent.faces.slack.client import Pace, Slack, SlackTrouble, asked
from agent.faces.slack.naming import Dialogue, Rendered
from agent.faces.slack.words import told

if TYPE_CHECKING:
    from agent.faces.slack.working import Dialog, Wish

log = logging.getLogger("outgrown.slack")

ANSWER_TRIES = 3
AFTER_ACKNOWLEDGEMENT = 0.7
"Seconds for a dialogue that was told to wait to show that, before it shows what it waited for."


class Teller:
    """One process's voice."""

    def __init__(self, slack: Slack, pace: Pace, ended: threading.Event) -> None:
        self._slack = slack
        self._pace = pace
        self._ended = ended

    def tell(self, channel: str, user: str, sentence: str) -> None:
        """A word that only one person sees; where it cannot be said, that is written into the log."""
        if not channel or not user:
            return
        text = told(sentence, user)
        try:
            if channel.startswith("D"):
                asked(lambda: self._slack.once.chat_postMessage(channel=channel, text=text))
            else:
                asked(lambda: self._slack.safe.chat_postEphemeral(channel=channel, user=user, text=text))
        except SlackTrouble as trouble:
            log.warning("a word to %s was lost: %s", user, trouble)

    def answer(self, wish: Wish, rendered: Rendered) -> None:
        """An answer where it was asked for; never twice, so that one whose fate is unknown is left at that."""
        for _ in range(ANSWER_TRIES):
            if not self._pace.wait(wish.channel, self._ended):
                return
            try:
                asked(
                    lambda: self._slack.once.chat_postMessage(
                        channel=wish.channel,
                        text=rendered.text,
                        blocks=rendered.blocks,
                        thread_ts=wish.thread_ts or None,
                        unfurl_links=False,
                        unfurl_media=False,
                    )
                )
                self._pace.said(wish.channel)
                return
            except SlackTrouble as trouble:
                if not trouble.pause:
                    log.warning("an answer could not be given: %s %s", trouble, trouble.detail)
                    return
                self._pace.pause(wish.channel, trouble.pause)

    def show(self, view_id: str, dialog: Dialog, says: str) -> None:
        """The next face of a dialogue that was told to wait."""
        view = dialog.view or word_view(says or "Saved.")
        self._ended.wait(AFTER_ACKNOWLEDGEMENT)
        try:
            asked(lambda: self._slack.safe.views_update(view_id=view_id, view=view))
        except SlackTrouble as trouble:
            log.info("a dialogue is gone: %s %s", trouble, trouble.detail)

    def is_looking(self, wish: Wish) -> None:
        """In the assistant's pane: that somebody is at it."""
        if not (wish.thread_ts and wish.channel.startswith("D")):
            return
        try:
            asked(
                lambda: self._slack.once.assistant_threads_setStatus(
                    channel_id=wish.channel, thread_ts=wish.thread_ts, status="is looking…"
                )
            )
        except SlackTrouble as trouble:
            log.debug("no status: %s", trouble)


def word_view(says: str) -> dict[str, Any]:
    """A dialogue that only says something."""
    return modal(Dialogue.EDIT, "Edit the message", [context(says)])
