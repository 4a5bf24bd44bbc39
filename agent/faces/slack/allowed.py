"""Who may: the workspace, the channel and the person of everything that is done in Slack."""

from __future__ import annotations

import re
import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.approval.audit import record
from agent.faces.slack.client import SlackTrouble, asked
from agent.signals.finding import Frozen

if TYPE_CHECKING:
    from datetime import datetime

    from agent.faces.slack.client import Slack
    from agent.foundation.store import Store

GOOD_FOR = 180.0
"Seconds for which Slack's word that somebody is active counts."
ID = re.compile(r"[A-Z0-9]{2,40}")
"What an id of Slack's looks like; anything else is not repeated in the trail."


class Why(StrEnum):
    """Why something was refused; what the trail says."""

    FOREIGN_TEAM = "another workspace"
    FOREIGN_PERSON = "a person of another workspace"
    WRONG_CHANNEL = "another channel"
    NO_APPROVERS = "nobody is an approver"
    NO_APPROVER = "not an approver"
    DEACTIVATED = "deactivated"
    IS_BOT = "not a person"
    UNSURE = "Slack could not say who it was"


SAYS = {
    Why.FOREIGN_TEAM: "This works only inside the workspace it belongs to.",
    Why.FOREIGN_PERSON: "Only people of this workspace may do that.",
    Why.WRONG_CHANNEL: "This works only in the channel that was chosen for it.",
    Why.NO_APPROVERS: "Nobody may decide here yet: put user ids into approvers in [slack] of outgrown.toml.",
    Why.NO_APPROVER: "Only approvers may do that; your user id is not among approvers in [slack] of outgrown.toml.",
    Why.DEACTIVATED: "Your account in this workspace is deactivated, so nothing was decided.",
    Why.IS_BOT: "Only people may do that.",
    Why.UNSURE: "Slack could not confirm who you are, so nothing was decided; try again in a while.",
}


class Actor(Frozen):
    """Who did something, and where."""

    team: str
    user: str
    home: str = ""
    "The workspace the person belongs to, where Slack says it."
    enterprise: str = ""
    channel: str = ""
    is_private: bool = False
    "Whether the channel is the direct messages between that person and us."

    @property
    def who(self) -> str:
        """As the state and the trail name them."""
        return f"slack:{_shown(self.team)}/{_shown(self.user)}"


def _shown(given: str) -> str:
    return given if ID.fullmatch(given) else "?"


def actor_of(body: dict[str, Any]) -> Actor:
    """Who clicked or submitted, out of Slack's payload."""
    user, channel = body.get("user") or {}, body.get("channel") or {}
    container = body.get("container") or {}
    place = str(channel.get("id") or container.get("channel_id") or "")
    return Actor(
        team=str((body.get("team") or {}).get("id") or user.get("team_id") or ""),
        user=str(user.get("id") or ""),
        home=str(user.get("team_id") or ""),
        enterprise=str((body.get("enterprise") or {}).get("id") or ""),
        channel=place,
        is_private=place.startswith("D"),
    )


def actor_of_event(body: dict[str, Any], event: dict[str, Any]) -> Actor:
    """Who wrote, out of Slack's payload."""
    place = str(event.get("channel") or "")
    return Actor(
        team=str(body.get("team_id") or event.get("team") or ""),
        user=str(event.get("user") or ""),
        home=str(event.get("user_team") or event.get("team") or ""),
        enterprise=str(body.get("enterprise_id") or ""),
        channel=place,
        is_private=place.startswith("D"),
    )


class Door:
    """Decides who may; what it cannot find out, it does not allow."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._seen: dict[str, tuple[float, Why | None]] = {}
        self._lock = threading.Lock()

    def refuses(self, actor: Actor, *, also_private: bool = False) -> Why | None:
        """Why this person may not act there, by what we know ourselves; None when they may.

        `also_private` allows the person's direct messages with us besides the channel.
        """
        settings, identity = self._slack.access.settings, self._slack.known
        own = settings.team or (identity.team if identity else "")
        homes = {own, identity.team if identity else own, identity.enterprise if identity else own} - {""}
        if not own or own not in (actor.team, actor.enterprise):
            return Why.FOREIGN_TEAM
        if actor.home and actor.home not in homes | {actor.team}:
            return Why.FOREIGN_PERSON
        if not settings.approvers:
            return Why.NO_APPROVERS
        if actor.user not in settings.approvers:
            return Why.NO_APPROVER
        is_here = bool(actor.channel) and actor.channel == self._slack.known_channel
        if not is_here and not (also_private and actor.is_private):
            return Why.WRONG_CHANNEL
        return None

    def refuses_by_slack(self, user: str) -> Why | None:
        """Why this person may not act, by what Slack knows of them; remembered for some minutes.

        Raises SlackTrouble when Slack cannot say.
        """
        with self._lock:
            at, verdict = self._seen.get(user, (0.0, None))
        if at and time.monotonic() - at < GOOD_FOR:
            return verdict
        try:
            said = asked(lambda: self._slack.safe.users_info(user=user))
        except SlackTrouble as trouble:
            if trouble.code not in ("user_not_found", "user_not_visible", "users_not_found"):
                raise
            verdict = Why.FOREIGN_PERSON
        else:
            verdict = self._verdict(said["user"] or {})
        with self._lock:
            self._seen[user] = (time.monotonic(), verdict)
        return verdict

    def _verdict(self, user: dict[str, Any]) -> Why | None:
        if user.get("deleted"):
            return Why.DEACTIVATED
        if user.get("is_bot"):
            return Why.IS_BOT
        identity = self._slack.known
        home = str(user.get("team_id") or "")
        if user.get("is_stranger") or (
            identity and home and home != identity.team and not identity.enterprise
        ):
            return Why.FOREIGN_PERSON
        return None


def write_down(
    store: Store, why: Why, *, who: str, team: str, draft_id: str | None, tried: str, now: datetime
) -> None:
    """Keep a refusal in the trail."""
    subject = f"draft:{draft_id}" if draft_id else f"slack:{_shown(team)}"
    with store.writing() as session:
        record(
            session,
            at=now,
            who=who,
            what="refused",
            subject=subject,
            after={"reason": str(why), "tried": tried},
        )
