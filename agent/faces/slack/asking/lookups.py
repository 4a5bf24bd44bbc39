"""What can be looked up, read-only and from the state alone, in our own sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from agent.approval.life import SHOWN_ID, drafts_of, version_of
from agent.approval.states import DeliveryState, DraftState
from agent.approval.tables import Delivery, Draft, DraftVersion
from agent.approval.views import list_drafts
from agent.drafting.wording import clean, sentence
from agent.faces.digest import top_five
from agent.faces.digest_words import model_budget, model_limit, offered
from agent.faces.slack.asking.commands import words
from agent.faces.slack.asking.finding import accounts_meant
from agent.faces.slack.asking.standings import Standing, Standings
from agent.faces.slack.asking.told import Passage, Told
from agent.scoring.assessment import Assessment, Status
from agent.signals import display
from agent.signals.finding import Finding

if TYPE_CHECKING:
    from agent.wiring import House

SHOWN = 10
"Accounts in one answer."
SENT_SHOWN = 3
"Messages in one answer, newest first."
NEAR = 80.0
"Percent of a plan from which an account is near its limit."
CLOSE = 20
"Accounts that are looked at for those closest to ready."
LIVE = (DraftState.PENDING, DraftState.SNOOZED, DraftState.APPROVED, DraftState.SENDING, DraftState.UNKNOWN)
STANDS = {
    "ready": "ready",
    "held": "held back",
    "watch": "not ready, on watch",
    "stable": "not ready, stable",
}
FATES = {
    DeliveryState.QUEUED: "approved, not sent yet",
    DeliveryState.SENDING: "being sent",
    DeliveryState.SENT: "sent",
    DeliveryState.FAILED: "not sent, it failed",
    DeliveryState.UNKNOWN: "handed over, nobody knows whether it arrived",
    DeliveryState.CANCELLED: "called back, not sent",
}


class Lookups:
    """The state of one house, as of one question."""

    def __init__(self, house: House) -> None:
        self._house, self._store = house, house.store
        self.standings = Standings(house.store)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self._house.settings.company.time_zone)

    def day(self, moment: datetime) -> str:
        """A moment of the state as a day in the company's time zone."""
        return display.day(self.local(moment).date()).display

    def local(self, moment: datetime) -> datetime:
        """A moment of the state in the company's time zone."""
        return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(self.zone)

    @property
    def as_of(self) -> str:
        """'as of 14 June 2026'."""
        day = self.standings.as_of
        return f"as of {display.day(day).display}" if day else "before the first scan"

    def one(self, given: str) -> Standing | Told:
        """The account that is meant, or why there is no telling."""
        if not self.standings.all:
            return Told(says=words()["says"]["nothing_scanned"])
        found = accounts_meant(given, self.standings.all)
        if len(found) == 1:
            return found[0]
        shown = clean(given, 60)
        if not found:
            return Told(says=f"No account is called “{shown}”.")
        passages = tuple(
            Passage(
                account_id=one.account_id,
                name=name(one),
                says=f"{name(one)} ({clean(one.account_id, 60)})",
                status=one.status,
            )
            for one in found[:SHOWN]
        )
        return Told(
            says=f"Several accounts may be meant by “{shown}”; ask again with one of these.",
            passages=passages,
            more=len(found) - len(passages),
        )

    def why(self, given: str) -> Told:
        """Where an account stands: points, findings, holds, what is missing, its draft."""
        one = self.one(given)
        if isinstance(one, Told):
            return one
        [seen] = self.standings.assessments([one.account_id])
        return Told(says=f"{sentence(self.as_of)}", passages=(self._why(one, seen),))

    def _why(self, one: Standing, seen: Assessment) -> Passage:
        lines = _found(seen.findings)
        lines += [f"Held back: {_ended(hold.says)}" for hold in seen.holds]
        lines += [
            f"Missing: {_ended(need)}"
            for need in seen.needs
            if not any(need.startswith(f"{hold.hold} ") for hold in seen.holds)
        ]
        if not seen.findings:
            lines.insert(0, "Nothing was found that speaks for an upgrade.")
        if seen.offer is not None:
            lines.append(f"What it could be offered: {clean(offered(seen.offer), 160)}.")
        if one.percent is not None:
            lines.append(f"Use: {_percent(one.percent)} of its plan, by its fullest metric.")
        return Passage(
            account_id=one.account_id,
            name=name(one),
            says=f"{name(one)} is {_stands(one)}.",
            lines=(*lines, *self._drafts_of(one.account_id)),
            status=one.status,
        )

    def _drafts_of(self, account_id: str) -> list[str]:
        with self._store.reading() as session:
            return [self._draft_line(draft) for draft in drafts_of(session, account_id, LIVE)]

    def _draft_line(self, draft: Draft) -> str:
        known = f"Its draft {draft.draft_id[:SHOWN_ID]}"
        if draft.state == DraftState.PENDING:
            return f"{known} waits for a yes since {self.day(draft.created_at)}."
        if draft.state == DraftState.SNOOZED and draft.snoozed_until:
            return f"{known} is put off until {self.day(draft.snoozed_until)}."
        return f"{known} is {draft.state} since {self.day(draft.moved_at)}."

    def near(self, number: int = SHOWN) -> Told:
        """The accounts that use most of what their plan includes, fullest first."""
        if not self.standings.all:
            return Told(says=words()["says"]["nothing_scanned"])
        measured = [(one.percent, one) for one in self.standings.all if one.percent is not None]
        measured.sort(key=lambda pair: (-pair[0], pair[1].account_id))
        close = [one for percent, one in measured if percent >= NEAR]
        if not close:
            return Told(
                says=f"No account uses {_percent(NEAR)} or more of its plan, {self.as_of}; these use most.",
                passages=tuple(self._use(one, ()) for _, one in measured[:3]),
            )
        shown = close[:number]
        seen = {one.account_id: one for one in self.standings.assessments([one.account_id for one in shown])}
        counted = display.count(len(close), "account").display
        verb = "uses" if len(close) == 1 else "use"
        return Told(
            says=f"{counted} {verb} {_percent(NEAR)} or more of what the plan includes, {self.as_of}.",
            passages=tuple(self._use(one, _pressing(seen.get(one.account_id))) for one in shown),
            more=len(close) - len(shown),
        )

    def _use(self, one: Standing, lines: Sequence[str]) -> Passage:
        used = _percent(one.percent or 0.0)
        return Passage(
            account_id=one.account_id,
            name=name(one),
            says=f"{name(one)} uses {used} of its plan, by its fullest metric; it is {_stands(one)}.",
            lines=tuple(lines),
            status=one.status,
        )

    def top(self, number: int = 5) -> Told:
        """The ready accounts, best first, then those closest to ready."""
        everyone = self.standings.all
        if not everyone:
            return Told(says=words()["says"]["nothing_scanned"])
        ready = [one for one in everyone if one.status == Status.READY]
        others = [one for one in everyone if one.status in (Status.WATCH, Status.STABLE) and one.points > 0]
        others.sort(key=lambda one: (-one.points, -(one.composite or 0.0), one.account_id))
        wanted = [one.account_id for one in ready] + [one.account_id for one in others[: CLOSE + number]]
        seen = self.standings.assessments(wanted)
        seen.sort(key=_rank)
        passages = tuple(self._placed(one) for one in top_five(seen, number))
        told = sum(one.status == Status.READY for one in passages)
        counted = display.count(len(ready), "account").display
        verb = "is" if len(ready) == 1 else "are"
        says = f"{counted} {verb} ready, {self.as_of}" if ready else f"No account is ready, {self.as_of}"
        rest = "; the others listed are the closest" if told < len(passages) and ready else ""
        rest = "; these are the closest" if passages and not ready else rest
        return Told(says=f"{says}{rest}.", passages=passages, more=len(ready) - told)

    def _placed(self, seen: Assessment) -> Passage:
        one = self.standings.by_id[seen.account_id]
        groups = {finding.group: finding for finding in reversed(seen.findings)}
        needs = [f"Missing: {_ended(need)}" for need in seen.needs]
        return Passage(
            account_id=one.account_id,
            name=name(one),
            says=f"{name(one)} is {_stands(one)}.",
            lines=(
                *_found([groups[one] for one in dict.fromkeys(f.group for f in seen.findings)])[:2],
                *needs,
                *self._drafts_of(one.account_id),
            ),
            status=one.status,
        )

    def sent(self, given: str) -> Told:
        """What was sent to an account, newest first, word for word, and what became of each."""
        one = self.one(given)
        if isinstance(one, Told):
            return one
        with self._store.reading() as session:
            deliveries = session.exec(
                select(Delivery)
                .where(col(Delivery.account_id) == one.account_id)
                .order_by(col(Delivery.created_at).desc(), col(Delivery.delivery_id))
            ).all()
            texts = [
                version_of(session, session.get_one(Draft, each.draft_id), each.version)
                for each in deliveries[:SENT_SHOWN]
            ]
        if not deliveries:
            nothing = Passage(
                account_id=one.account_id,
                name=name(one),
                says=f"Nothing has been sent to {name(one)} from here.",
            )
            return Told(says="", passages=(nothing,))
        arrived = sum(each.state == DeliveryState.SENT for each in deliveries)
        said = display.count(arrived, "message").display if arrived else "No message"
        verb = "has" if arrived in (0, 1) else "have"
        passages = [
            Passage(
                account_id=one.account_id,
                name=name(one),
                says=f"{said} {verb} been sent to {name(one)}, the newest first.",
            )
        ]
        passages += [
            self._sent(one, each, text) for each, text in zip(deliveries[:SENT_SHOWN], texts, strict=True)
        ]
        return Told(says="", passages=tuple(passages), more=len(deliveries) - len(texts))

    def _sent(self, one: Standing, each: Delivery, text: DraftVersion) -> Passage:
        moment = self.local(each.sent_at or each.created_at)
        when = f"{display.day(moment.date()).display}, {moment:%H:%M}"
        fate = FATES[DeliveryState(each.state)]
        return Passage(
            account_id=one.account_id,
            name=name(one),
            says=f"“{clean(text.subject, 120)}”, {when}, to {clean(each.address, 120)} by {each.channel}: {fate}.",
            quote=text.body,
        )

    def waiting(self) -> Told:
        """The drafts that wait for a yes, best first."""
        drafts = list_drafts(self._store, DraftState.PENDING)
        if not drafts:
            return Told(says="No draft waits for a yes.")
        passages = tuple(
            Passage(
                account_id=one.account_id,
                name=clean(one.account_name, 60),
                says=f"{clean(one.account_name, 60)}: “{clean(one.subject, 120)}” (draft {one.draft_id[:SHOWN_ID]}), "
                f"{display.count(one.points, 'point').display}, written on {self.day(one.created_at)}, "
                f"expires on {self.day(one.expires_at)}.",
            )
            for one in drafts[:SHOWN]
        )
        counted = display.count(len(drafts), "draft").display
        verb = "waits" if len(drafts) == 1 else "wait"
        return Told(says=f"{counted} {verb} for a yes.", passages=passages, more=len(drafts) - len(passages))

    def budget(self) -> Told:
        """What the language model took this month, of what it may take."""
        if not self._house.workspace.model.is_on:
            return Told(
                says="No language model is switched on: templates word the drafts, and nothing is spent."
            )
        spent = self._house.spending.month()
        lines = (sentence(model_limit(spent)),) if spent.is_at_limit else ()
        asked = tuple(f"{one.task}: {display.count(one.calls, 'question').display}." for one in spent.tasks)
        says = f"The language model: {model_budget(spent)}."
        return Told(says="", passages=(Passage(says=says, lines=(*lines, *asked)),))

    def help(self) -> Told:
        """What can be asked."""
        says = words()["says"]
        return Told(says=says["help"], passages=tuple(Passage(says=one) for one in says["examples"]))

    def unknown(self) -> Told:
        """The same, for a question that was not understood."""
        return self.help().model_copy(update={"says": words()["says"]["unknown"]})


def name(one: Standing) -> str:
    """The account's name on one line; its id where the name shows nothing."""
    return clean(one.name, 60) or clean(one.account_id, 60)


def _stands(one: Standing) -> str:
    """'not ready, on watch: 6 points, composite 63'."""
    score = "" if one.composite is None else f", composite {one.composite:.1f}".removesuffix(".0")
    return f"{STANDS[one.status]}: {display.count(one.points, 'point').display}{score}"


def _ended(says: str) -> str:
    return clean(says).rstrip(".") + "."


def _percent(percent: float) -> str:
    """The share as the score has it: '98%', '34.5%'."""
    return f"{percent:,.1f}".removesuffix(".0") + "%"


def _found(findings: Iterable[Finding]) -> list[str]:
    """What was found, each said once: one trigger says the beginning of what another says."""
    said = {clean(one.says).rstrip(".") for one in findings}
    told = [clean(one.says).rstrip(".") for one in findings]
    kept = [one for one in dict.fromkeys(told) if not any(one != other and one in other for other in said)]
    return [f"Found: “{one}”." for one in kept]


def _pressing(seen: Assessment | None) -> list[str]:
    """What was found about use."""
    findings = seen.findings if seen else ()
    return _found([one for one in findings if one.group == "usage_pressure"])[:2]


def _rank(seen: Assessment) -> tuple[float, int, str]:
    """Best first, as everywhere: by composite, then by the revenue the offer adds, then by id."""
    adds = seen.offer.adds_monthly_minor if seen.offer else 0
    return (-(-1.0 if seen.composite is None else seen.composite), -adds, seen.account_id)
