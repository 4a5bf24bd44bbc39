"""What an answer offers to do: worked out here, done only by whoever presses its button."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.approval.decisions import LONGEST_SNOOZE
from agent.approval.life import SHOWN_ID, drafts_of
from agent.approval.states import DraftState
from agent.approval.switches import sending_stopped
from agent.approval.tables import Draft
from agent.drafting.wording import clean
from agent.faces.slack.asking.finding import accounts_meant
from agent.faces.slack.asking.lookups import LIVE, Lookups, name
from agent.faces.slack.asking.standings import Standing
from agent.faces.slack.asking.told import Doing, Passage, Proposal, Told
from agent.faces.slack.asking.until import day_meant
from agent.foundation.store import Store
from agent.signals import display


def snoozing(looks: Lookups, store: Store, given: str, until: str, now: datetime) -> Told:
    """Putting an account's draft off until a day: what would happen, or why nothing can."""
    today = looks.local(now).date()
    meant = day_meant(until, today) if until else None
    whole = f"{given} {until}"
    everyone = looks.standings.all
    if until and meant is None and (accounts_meant(whole, everyone) or not accounts_meant(given, everyone)):
        # 'snooze Fit for Life' names an account and no day.
        given, until = whole, ""
    one = looks.one(given)
    if isinstance(one, Told):
        return one
    with store.reading() as session:
        drafts = drafts_of(session, one.account_id, LIVE)
    pending = [draft for draft in drafts if draft.state == DraftState.PENDING]
    if not pending:
        return _about(one, _nothing_to_snooze(looks, one, drafts))
    if meant is None:
        why = f"“{clean(until, 60)}” names no day to come" if until else "No day was named"
        return _about(one, f"{why}: write it like “snooze {name(one)} until 1 March” or “for 2 weeks”.")
    days = _days_until(looks, now, (meant - today).days)
    back = display.day(meant).display
    far = ""
    if days > LONGEST_SNOOZE:
        far = (
            f" {back} is {display.days(days).display} away, and {display.days(LONGEST_SNOOZE).display} "
            "is the longest a draft can be put off."
        )
        days = LONGEST_SNOOZE
        back = looks.day(now + timedelta(days=days))
    says = (
        f"The draft for {name(one)} ({pending[0].draft_id[:SHOWN_ID]}) would be put off until {back} "
        f"({display.days(days).display}) and come back to you then.{far}"
    )
    proposal = Proposal(doing=Doing.SNOOZE, says=says, draft_id=pending[0].draft_id, days=days)
    return _about(one, says).model_copy(update={"proposal": proposal})


def stopping(looks: Lookups, store: Store) -> Told:
    """Holding back every message: what would happen."""
    with store.reading() as session:
        stopped = sending_stopped(session)
        since, who = (stopped.since, stopped.who) if stopped else (None, "")
    if since is not None:
        return Told(says=f"Sending is stopped since {looks.day(since)}, by {clean(who, 60)}.")
    says = "Nothing more would be sent until somebody lets it go again; what is approved waits."
    return Told(says=says, proposal=Proposal(doing=Doing.STOP, says=says))


def resuming(looks: Lookups, store: Store) -> Told:
    """Letting messages go again: what would happen."""
    with store.reading() as session:
        stopped = sending_stopped(session)
        since = stopped.since if stopped else None
    if since is None:
        return Told(says="Sending is not stopped.")
    says = f"Sending is stopped since {looks.day(since)}; what is approved would be sent from now on."
    return Told(says=says, proposal=Proposal(doing=Doing.RESUME, says=says))


def _days_until(looks: Lookups, now: datetime, days: int) -> int:
    """The whole days from now after which it is that day there, where clocks may have changed meanwhile."""
    wanted = looks.local(now).date() + timedelta(days=days)
    while looks.local(now + timedelta(days=days)).date() < wanted:
        days += 1
    return days


def _nothing_to_snooze(looks: Lookups, one: Standing, drafts: list[Draft]) -> str:
    if not drafts:
        return f"No draft for {name(one)} waits for a yes, so there is nothing to put off."
    newest = drafts[0]
    known = f"The draft for {name(one)} ({newest.draft_id[:SHOWN_ID]})"
    if newest.state == DraftState.SNOOZED and newest.snoozed_until:
        return f"{known} is put off already, until {looks.day(newest.snoozed_until)}."
    return f"{known} is {newest.state}, so it cannot be put off any more."


def _about(one: Standing, says: str) -> Told:
    return Told(says="", passages=(Passage(account_id=one.account_id, name=name(one), says=says),))
