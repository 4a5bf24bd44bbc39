"""What Slack sends us: looked at, kept, acknowledged; and dialogues, which are opened from the state at once."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from agent.approval.clicks import Work
from agent.approval.opportunities import newest_opportunity
from agent.approval.states import EDITABLE
from agent.approval.views import show_draft
from agent.faces.slack.allowed import Actor, Why, actor_of, actor_of_event
from agent.faces.slack.client import SlackTrouble, asked
from agent.faces.slack.keeping import NotKept
from agent.faces.slack.naming import Action, Dialogue, DraftRef
from agent.faces.slack.working import ASK, REFUSED, Dialog, Wish
from agent.foundation import clock
from agent.foundation.errors import OutgrownError

if TYPE_CHECKING:
    from slack_bolt import App

    from agent.faces.slack.desk import Desk

log = logging.getLogger("outgrown.slack")

OPENS = {
    Action.EDIT: Dialogue.EDIT,
    Action.SKIP: Dialogue.SKIP,
    Action.SNOOZE: Dialogue.SNOOZE,
    Action.WHY: Dialogue.WHY,
    Action.HISTORY: Dialogue.HISTORY,
}
"Buttons that open a dialogue and decide nothing."
ANYWHERE = {Action.ASKED_SNOOZE}
"Buttons that also stand in the direct messages between a person and us."
EDIT_PATIENCE = 2.0
"Seconds the guardrails have before the dialogue says that they are still at it."
NOT_KEPT = "That could not be kept just now, so nothing was decided; do it again in a moment."
OLD_BUTTON = "This button is not known here any more; look for a newer card."
NAMED = re.compile(r'"(draft_id|delivery_id)"\s*:\s*"([0-9a-zA-Z_-]{4,80})"')
ANY = re.compile(".*", re.DOTALL)


def register(app: App, desk: Desk) -> None:
    """Listen to everything Slack may send, so that nothing is left unacknowledged."""
    listeners = Listeners(desk)
    app.action(ANY)(listeners.action)
    app.view_submission(ANY)(listeners.submission)
    app.view_closed(ANY)(listeners.ignored)
    app.event(ANY)(listeners.event)
    app.shortcut(ANY)(listeners.ignored)
    app.command(ANY)(listeners.ignored)
    app.options(ANY)(listeners.ignored)


class Listeners:
    """One method for each kind of thing; each acknowledges whatever happens."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def ignored(self, ack: Callable[..., Any]) -> None:
        """What we never asked Slack for."""
        ack()

    # Buttons.

    def action(self, ack: Callable[..., Any], body: dict[str, Any]) -> None:
        """A button was clicked."""
        actor, one = actor_of(body), (body.get("actions") or [{}])[0]
        try:
            self._action(ack, body, actor, one)
        except NotKept:
            # It may be kept yet: to acknowledge it would promise that, to deny it could be wrong.
            log.warning("a click took too long to be kept")
            raise
        except Exception:
            log.exception("a click could not be taken")
            self.desk.tell_later(actor.channel, actor.user, NOT_KEPT)
            ack()

    def _action(
        self, ack: Callable[..., Any], body: dict[str, Any], actor: Actor, one: dict[str, Any]
    ) -> None:
        name, value = str(one.get("action_id") or ""), str(one.get("value") or "")
        container = body.get("container") or {}
        wish = Wish(
            value=value,
            team=actor.team,
            user=actor.user,
            channel=actor.channel,
            ts=str(container.get("message_ts") or ""),
            thread_ts=str(container.get("thread_ts") or (body.get("message") or {}).get("thread_ts") or ""),
            tried=name if name in set(Action) else "",
        )
        why = self.desk.door.refuses(actor, also_private=name in ANYWHERE)
        if why is not None:
            self._keep(ack, body, actor, REFUSED, wish.model_copy(update={"why": why, "value": ""}), value)
        elif name not in set(Action):
            ack()
            if not one.get("url") and one.get("type") == "button":
                self.desk.tell_later(actor.channel, actor.user, OLD_BUTTON)
        elif (opens := OPENS.get(Action(name))) is not None:
            ack()
            self.desk.later(lambda: self._open(opens, str(body.get("trigger_id") or ""), actor, wish))
        else:
            self._keep(ack, body, actor, name, wish, value)

    def _keep(
        self, ack: Callable[..., Any], body: dict[str, Any], actor: Actor, kind: str, wish: Wish, value: str
    ) -> None:
        """Keep it, then acknowledge; what was kept before is only acknowledged."""
        self._is_new(body, actor, kind, wish, value)
        ack()

    def _is_new(self, body: dict[str, Any], actor: Actor, kind: str, wish: Wish, value: str) -> bool:
        """Keep it; False when it was kept before, or could not be, which the person is told."""
        work = Work(
            click_id=_click_id(body),
            at=clock.now(),
            kind=kind,
            who=actor.who,
            draft_id=_draft_named(value),
            document=wish.model_dump_json(exclude_defaults=True),
        )
        try:
            return self.desk.keeper.keep(work)
        except OutgrownError as error:
            log.warning("a click could not be kept: %s", error)
            self.desk.tell_later(actor.channel, actor.user, NOT_KEPT)
            return False

    # Dialogues.

    def _open(self, dialogue: Dialogue, trigger: str, actor: Actor, wish: Wish) -> None:
        """Open a dialogue, from the state alone: Slack waits three seconds for it."""
        try:
            refused = self.desk.door.refuses_by_slack(actor.user)
        except SlackTrouble:
            refused = Why.UNSURE
        if refused is not None:
            draft_id = _draft_named(wish.value)
            self.desk.refuse(refused, actor.who, actor.team, draft_id, wish)
            return
        try:
            ref = DraftRef.model_validate_json(wish.value)
            view = self._view(dialogue, ref.model_copy(update={"channel": actor.channel, "ts": wish.ts}))
        except (OutgrownError, ValidationError) as error:
            said = OLD_BUTTON if isinstance(error, ValidationError) else str(error)
            self.desk.tell(actor.channel, actor.user, said)
            return
        try:
            asked(lambda: self.desk.slack.once.views_open(trigger_id=trigger, view=view))
        except SlackTrouble as trouble:
            # The same envelope twice, or three seconds gone.
            if trouble.code != "exchanged_trigger_id":
                log.warning("a dialogue could not be opened: %s %s", trouble, trouble.detail)
                self.desk.tell(actor.channel, actor.user, "That took too long to open; click again.")

    def _view(self, dialogue: Dialogue, ref: DraftRef) -> dict[str, Any]:
        from agent.faces.slack import modals

        store = self.desk.house.store
        view = show_draft(store, ref.draft_id)
        if dialogue is Dialogue.WHY:
            return modals.why_modal(view, newest_opportunity(store, view.line.account_id))
        if dialogue is Dialogue.HISTORY:
            return modals.history_modal(view)
        if view.line.state not in EDITABLE:
            raise OutgrownError(self.desk.where_it_stands(ref.draft_id))
        # An old card opens the dialogue on what it showed; the newer text is shown when it matters.
        if dialogue is Dialogue.EDIT:
            return modals.edit_modal(view, ref.model_copy(update={"version": view.line.version}))
        return modals.skip_modal(view, ref) if dialogue is Dialogue.SKIP else modals.snooze_modal(view, ref)

    def submission(self, ack: Callable[..., Any], body: dict[str, Any]) -> None:
        """A dialogue was submitted."""
        view = body.get("view") or {}
        actor = actor_of(body)
        try:
            ref = DraftRef.model_validate_json(view.get("private_metadata") or "")
            actor = actor.model_copy(update={"channel": ref.channel})
            self._submission(ack, body, view, actor, ref)
        except NotKept:
            raise
        except Exception:
            log.exception("a dialogue could not be taken")
            self.desk.tell_later(actor.channel, actor.user, NOT_KEPT)
            ack()

    def _submission(
        self, ack: Callable[..., Any], body: dict[str, Any], view: dict[str, Any], actor: Actor, ref: DraftRef
    ) -> None:
        from agent.faces.slack import modals

        name = str(view.get("callback_id") or "")
        wish = Wish(
            value=ref.model_dump_json(),
            team=actor.team,
            user=actor.user,
            channel=actor.channel,
            ts=ref.ts,
            view_id=str(view.get("id") or ""),
            tried=name if name in set(Dialogue) else "",
        )
        why = self.desk.door.refuses(actor)
        if why is not None:
            self._keep(ack, body, actor, REFUSED, wish.model_copy(update={"why": why}), wish.value)
        elif name == Dialogue.SKIP:
            wish = wish.model_copy(update={"reason": modals.skip_form(view)})
            self._keep(ack, body, actor, name, wish, wish.value)
        elif name == Dialogue.SNOOZE:
            errors = modals.snooze_errors(view)
            if errors:
                ack(response_action="errors", errors=errors)
                return
            wish = wish.model_copy(update={"days": modals.snooze_form(view)})
            self._keep(ack, body, actor, name, wish, wish.value)
        elif name == Dialogue.EDIT:
            form = modals.edit_form(view)
            offered = tuple(_offered(view))
            wish = wish.model_copy(
                update={
                    "subject": form.message.subject,
                    "body": form.message.body,
                    "confirm": form.confirm,
                    "offered": offered,
                }
            )
            self._edit(ack, body, actor, wish)
        else:
            ack()

    def _edit(self, ack: Callable[..., Any], body: dict[str, Any], actor: Actor, wish: Wish) -> None:
        """Let the guardrails run; what they say in time is the answer, else the dialogue follows later."""
        click_id = _click_id(body)
        answer = self.desk.doing.expect(click_id)
        if not self._is_new(body, actor, Dialogue.EDIT, wish, wish.value):
            ack()
            return
        found = answer.wait(EDIT_PATIENCE)
        if found is None:
            ack(response_action="update", view=self.desk.checking_view())
        else:
            _answer(ack, found)

    # Questions.

    def event(self, ack: Callable[..., Any], body: dict[str, Any], event: dict[str, Any]) -> None:
        """Somebody wrote to us, or opened our pane."""
        kind = str(event.get("type") or "")
        if kind == "assistant_thread_started":
            thread = event.get("assistant_thread") or {}
            self.desk.later(lambda: self._greet(thread))
        elif _is_question(event):
            self._question(ack, body, event)
            return
        ack()

    def _question(self, ack: Callable[..., Any], body: dict[str, Any], event: dict[str, Any]) -> None:
        actor = actor_of_event(body, event)
        thread = str(event.get("thread_ts") or ("" if actor.is_private else event.get("ts") or ""))
        wish = Wish(
            team=actor.team,
            user=actor.user,
            channel=actor.channel,
            ts=str(event.get("ts") or ""),
            thread_ts=thread,
            question=_without_mention(str(event.get("text") or ""), self.desk.slack),
            tried=ASK,
        )
        why = self.desk.door.refuses(actor, also_private=True)
        if why is None:
            self._keep(ack, body, actor, ASK, wish, "")
        else:
            refused = wish.model_copy(update={"why": why, "question": ""})
            self._keep(ack, body, actor, REFUSED, refused, "")

    def _greet(self, thread: dict[str, Any]) -> None:
        prompts = [{"title": one, "message": one} for one in PROMPTS]
        try:
            asked(
                lambda: self.desk.slack.safe.assistant_threads_setSuggestedPrompts(
                    channel_id=str(thread.get("channel_id") or ""),
                    thread_ts=str(thread.get("thread_ts") or ""),
                    prompts=prompts,
                )
            )
        except SlackTrouble as trouble:
            log.info("no suggestions in the assistant's pane: %s", trouble)


PROMPTS = ("Who is near their limit?", "top", "stop?", "help")
"What the assistant's pane suggests."


def _is_question(event: dict[str, Any]) -> bool:
    """Whether a person wrote it, to us; not a join, an edit, or what we wrote ourselves."""
    is_ours = event.get("type") == "app_mention"
    is_ours = is_ours or (event.get("type") == "message" and event.get("channel_type") == "im")
    return is_ours and not (event.get("subtype") or event.get("bot_id") or event.get("hidden"))


def _click_id(body: dict[str, Any]) -> str:
    """The same for everything Slack sends twice, and never the same for what a person does twice."""
    named = str(body.get("event_id") or body.get("trigger_id") or "")
    one = (body.get("actions") or [{}])[0]
    parts = [
        named or str(one.get("action_ts") or ""),
        str(one.get("action_id") or ""),
        body.get("type") or "",
    ]
    if not parts[0]:
        parts.append(repr(sorted(body)))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


def _draft_named(value: str) -> str | None:
    """The draft that a button's value names, by itself or by its delivery, if it could be one of ours."""
    found = NAMED.search(value)
    if found is None:
        return None
    return found.group(2) if found.group(1) == "draft_id" else found.group(2).rpartition("-")[0] or None


def _offered(view: dict[str, Any]) -> list[str]:
    """The guardrails that a submitted dialogue offered to confirm past."""
    return [
        str(option.get("value") or "")
        for block in view.get("blocks") or []
        if str(block.get("block_id") or "").startswith("confirm")
        for option in (block.get("element") or {}).get("options") or []
    ]


def _without_mention(text: str, slack: Any) -> str:
    """A question without the mention it begins with, and with Slack's escapes undone."""
    own = slack.known.bot_user if slack.known else ""
    said = re.sub(rf"<@{re.escape(own)}(\|[^>]*)?>", " ", text) if own else text
    said = re.sub(r"<(?:[^|>]*\|)?([^>]*)>", r"\1", said)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        said = said.replace(entity, letter)
    return " ".join(said.split())[:2000]


def _answer(ack: Callable[..., Any], dialog: Dialog) -> None:
    if dialog.errors:
        ack(response_action="errors", errors=dialog.errors)
    elif dialog.view is not None:
        ack(response_action="update", view=dialog.view)
    else:
        ack()
