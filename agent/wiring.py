"""Chooses every real part, once: the house that all faces call into."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from agent.approval.decisions import Edited, edit_draft, expire_old, skip, snooze, wake_snoozed
from agent.approval.opportunities import record_scan
from agent.approval.queue import Queued, queue_draft
from agent.approval.slots import remember_prompt
from agent.approval.states import DeliveryState
from agent.approval.suppressions import suppress
from agent.approval.views import DeliveryLine, show_draft
from agent.delivery.approve import Approved, approve
from agent.delivery.contacts import ContactState, contact_state
from agent.delivery.eml import EmlChannel
from agent.delivery.outbox import list_deliveries, settle_unknown
from agent.delivery.sender import Sent, send
from agent.drafting import guardrails
from agent.drafting.brief import Brief
from agent.drafting.ledger import make_brief
from agent.drafting.message import Message
from agent.drafting.violation import Surroundings, Violation
from agent.drafting.vocabulary import Vocabulary, vocabulary
from agent.drafting.writer import write
from agent.facts.staged import TableReport
from agent.foundation import clock
from agent.foundation.errors import Blocked, NotFound, OutgrownError, StoreError
from agent.foundation.memo import Memo
from agent.foundation.settings import Settings, Workspace
from agent.foundation.store import Store, open_store
from agent.foundation.warehouse import Warehouse, fetch, open_warehouse, scalar
from agent.learning.forget import forget
from agent.learning.outcomes import OutcomeKind, record_outcome
from agent.learning.replies import ReplyKind, close_conversation, record_reply
from agent.scoring.assessment import Assessment, Status
from agent.scoring.holds import ContactFacts
from agent.scoring.scan import Scan, scan
from agent.signals.history import History, history_of
from agent.signals.world import plain_source, read_book, read_evidence
from connectors import sync

BY_OFFER = {"nothing_to_offer"}
"Holds that follow from findings, which an unfinished day does not have."
TOLD_EVERY = 25
"Drafts between two words about progress."
TEMPLATE = "template"
"Author of a draft that no model and no person has touched."


@dataclass(frozen=True)
class Written:
    """A draft that was written for a ready account, and what became of it."""

    assessment: Assessment
    message: Message
    violations: tuple[Violation, ...]
    queued: Queued | None
    "None when a guardrail kept the draft from the queue."
    problem: str = ""

    def shape(self) -> dict[str, Any]:
        """The draft as `draft --json` answers it."""
        return {
            "account_id": self.assessment.account_id,
            "draft_id": self.queued.draft_id if self.queued else None,
            "state": self.queued.state.value if self.queued else "blocked",
            "is_new": bool(self.queued and self.queued.is_new),
            "says": self.queued.says if self.queued else self.problem,
            "play": self.assessment.play,
            "subject": self.message.subject,
            "body": self.message.body,
            "violations": [one.model_dump(mode="json") for one in self.violations],
        }


@dataclass(frozen=True)
class People:
    """Names of the company's customers, plans and features: what a message to another must not contain."""

    accounts: dict[str, tuple[str, ...]]
    addresses: dict[str, str]
    plans: tuple[str, ...]
    features: tuple[str, ...]
    vocabulary: Vocabulary
    tickets: dict[str, tuple[str, ...]] = field(default_factory=dict)


class House:
    """One workspace with its two stores; every public method is one thing a person can ask for."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @property
    def settings(self) -> Settings:
        """The workspace's settings."""
        return self.workspace.settings

    @cached_property
    def store(self) -> Store:
        """The state, opened and brought up to date on first use."""
        return open_store(self.workspace.state_url)

    @cached_property
    def channel(self) -> EmlChannel:
        """The channel approved messages leave by."""
        return EmlChannel(self.workspace.outbox_folder, self.settings.company)

    def close(self) -> None:
        """Close what was opened."""
        if "store" in self.__dict__:
            self.store.close()

    @property
    def live_day(self) -> date:
        """The clock's last complete day."""
        return clock.last_complete_day(clock.now())

    @cached_property
    def memo(self) -> Memo:
        """What evaluations need not write again."""
        return Memo(self.workspace.private / "plans")

    @contextmanager
    def warehouse(self) -> Iterator[Warehouse]:
        """The facts, open for reading."""
        with open_warehouse(self.workspace.facts_file, memo=self.memo) as warehouse:
            yield warehouse

    # Facts in.

    def sync(
        self, names: Sequence[str] = (), since: date | None = None, progress: Callable[[str], None] = lambda _: None
    ) -> list[TableReport]:  # fmt: skip
        """Pull facts from the sources called `names`, or from all that are configured."""
        from agent.facts.schema import create_tables

        with open_warehouse(self.workspace.facts_file, write=True) as warehouse:
            create_tables(warehouse.duck)
            return sync.run(self.workspace, warehouse, names, since, read_at=clock.now(), progress=progress)

    # Signals and scores.

    def scan(
        self, as_of: date | None = None, account_id: str | None = None, *, show_rows: bool = False
    ) -> Scan:
        """Assess every account, or one; today's whole scan is recorded, any other day's is not.

        Raises NotFound for an account that does not exist on that day.
        """
        day = as_of or self.live_day
        live = day == self.live_day
        result = self._scan(day, clock.now() if live else clock.end_of(day), account_id, show_rows=show_rows)
        if live and account_id is None:
            record_scan(self.store, day, result.accounts, clock.now())
        return result

    def _scan(self, day: date, moment: datetime, account_id: str | None, *, show_rows: bool = False) -> Scan:
        with self.warehouse() as warehouse:
            contacts = self._contacts(warehouse, account_id, moment)
            result = scan(warehouse, self.settings, day, moment, contacts, account_id, show_rows=show_rows)
            if not result.accounts and not scalar(warehouse.table("source_reads").count()):
                raise StoreError("Nothing has been read yet; run `outgrown sync` first.")
            if account_id is not None and not result.accounts:
                raise NotFound(self._no_such_account(warehouse, account_id, day))
        return result

    def _contacts(
        self, warehouse: Warehouse, account_id: str | None, moment: datetime
    ) -> dict[str, ContactFacts]:
        table = warehouse.table("accounts")
        if account_id is not None:
            table = table.filter(table.account_id == account_id)
        with_address = table.filter(table.contact_email.notnull()).select("account_id", "contact_email")
        addresses = {row["account_id"]: row["contact_email"] for row in fetch(with_address)}
        states = contact_state(self.store, None, moment, addresses=addresses)
        return {name: _facts_of(state) for name, state in states.items()}

    def _no_such_account(self, warehouse: Warehouse, account_id: str, day: date) -> str:
        from difflib import get_close_matches

        table = warehouse.table("accounts")
        rows = fetch(table.select("account_id", "name", "created_on"))
        for row in rows:
            if row["account_id"] == account_id:
                return f"Account '{account_id}' was created on {row['created_on']}, after {day}; name a later day."
        by_name = {row["name"].lower(): row["account_id"] for row in rows}
        near = get_close_matches(account_id, [row["account_id"] for row in rows], n=1)
        near = near or [by_name[name] for name in get_close_matches(account_id.lower(), by_name, n=1)]
        advice = f"did you mean '{near[0]}'?" if near else "`outgrown scan` lists them."
        return f"There is no account '{account_id}'; {advice}"

    def assess(self, account_id: str, as_of: date | None = None) -> Assessment:
        """One account as of a day, its figures with their source rows."""
        return self._one(self.scan(as_of, account_id, show_rows=True))

    def _one(self, result: Scan) -> Assessment:
        if result.mismatches:
            raise OutgrownError(f"A figure does not hold when computed again: {result.mismatches[0]}.")
        return result.accounts[0]

    def look_again(self, account_id: str) -> Assessment:
        """The account as of now, for the moment of approval; its findings in the words of a brief.

        Findings rest on complete days. A reason to stay silent counts from the moment it is known, so the holds
        of the day that has only begun are looked at as well.
        """
        now = clock.now()
        seen = self.scan(None, account_id).accounts[0]
        today = self._scan(now.date(), now, account_id).accounts[0]
        known = {hold.hold for hold in seen.holds}
        holds = seen.holds + tuple(hold for hold in today.holds if hold.hold not in known | BY_OFFER)
        seen = seen.model_copy(update={"holds": holds, "status": Status.HELD if holds else seen.status})
        if seen.play is None or seen.offer is None:
            return seen
        return seen.model_copy(update={"findings": self.brief_of(seen).findings})

    def histories(self, as_of: date, metrics: Mapping[str, str | None]) -> dict[str, History]:
        """Twelve weeks of a metric for each account; None leaves the choice of the metric to us."""
        with self.warehouse() as warehouse:
            evidence = read_evidence(plain_source(warehouse), as_of, sorted(metrics))
        found = {account: history_of(one, metrics[account]) for account, one in evidence.items()}
        return {account: history for account, history in found.items() if history is not None}

    def remember_prompt(self, account_id: str, sent_at: datetime) -> None:
        """Record an upgrade prompt that went out before Outgrown did the writing."""
        with self.store.writing() as session:
            remember_prompt(session, account_id, sent_at)

    def opt_out(self, account_id: str, reason: str) -> None:
        """Never write to this account."""
        with self.store.writing() as session:
            suppress(
                session,
                account_id=account_id,
                address=None,
                reason=reason,
                who=this_person(),
                now=clock.now(),
            )

    # Drafts.

    @cached_property
    def people(self) -> People:
        """The names and recent words of the company's customers, read once."""
        with self.warehouse() as warehouse:
            accounts = fetch(
                warehouse.table("accounts").select("account_id", "name", "contact_name", "contact_email")
            )
            plans = fetch(warehouse.table("plans").select("name"))
            features = fetch(warehouse.table("plan_features").select("feature").distinct())
            names = vocabulary(read_book(plain_source(warehouse).tables), self.settings)
            since = clock.now() - timedelta(days=90)
            t = warehouse.table("tickets")
            t = t.filter((t.opened_at > since) & t.text.notnull()).order_by("ticket_id")
            tickets: dict[str, list[str]] = {}
            for row in fetch(t.select("account_id", "text")):
                tickets.setdefault(row["account_id"], []).append(row["text"])
        return People(
            accounts={
                row["account_id"]: tuple(n for n in (row["name"], row["contact_name"]) if n)
                for row in accounts
            },
            addresses={row["account_id"]: row["contact_email"] for row in accounts if row["contact_email"]},
            plans=tuple(sorted({row["name"] for row in plans})),
            features=tuple(sorted(row["feature"] for row in features)),
            vocabulary=names,
            tickets={account: tuple(texts) for account, texts in tickets.items()},
        )

    def surroundings(self, account_id: str) -> Surroundings:
        """What the guardrails need to know of an account besides the brief."""
        now = clock.now()
        people = self.people
        own = people.accounts.get(account_id, ())
        address = people.addresses.get(account_id)
        known = {account_id: address} if address else {}
        state = contact_state(self.store, [account_id], now, addresses=known).get(account_id, ContactState())
        return Surroundings(
            now=now,
            prompts=tuple(p for p in state.prompts if p.sent_at > now - timedelta(days=30)),
            second_prompt=self.settings.guardrails.second_prompt,
            suppressed=state.opted_out,
            other_names=tuple(
                sorted(
                    {n for a, names in people.accounts.items() if a != account_id for n in names} - set(own)
                )
            ),
            other_plans=people.plans,
            other_features=people.features,
            customer_text=people.tickets.get(account_id, ()),
        )

    def check(self, message: Message, brief: Brief, around: Surroundings) -> list[Violation]:
        """The guardrails' verdict on a text."""
        return guardrails.check(message, brief, _besides(brief, around))

    def brief_of(self, assessment: Assessment) -> Brief:
        """The brief of an assessment that has an offer."""
        return make_brief(assessment, self.settings, self.people.vocabulary)

    def current_brief(self, account_id: str) -> Brief:
        """The brief an account would be written to with now, whether it is ready or held."""
        return self.brief_of(self.assess(account_id))

    def draft(
        self,
        top: int | None = None,
        account_id: str | None = None,
        *,
        result: Scan | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> tuple[list[Written], Scan]:
        """Write and queue a draft for the first `top` ready accounts (None: all), or for one account.

        Raises OutgrownError when the one account is not ready.
        """
        found = result or self.scan(account_id=account_id)
        ready = [one for one in found.accounts if one.status is Status.READY]
        if account_id is not None and not ready:
            one = found.accounts[0]
            raise OutgrownError(f"{one.name} is not ready: {'; '.join(one.needs)}.")
        written = []
        for number, one in enumerate(ready[:top], start=1):
            written.append(self._write(one))
            if number % TOLD_EVERY == 0:
                progress(f"{number} of {len(ready[:top])} drafts written")
        return written, found

    def _write(self, assessment: Assessment) -> Written:
        brief = self.brief_of(assessment)
        message = write(brief)
        violations = self.check(message, brief, self.surroundings(assessment.account_id))
        try:
            queued = queue_draft(
                self.store, brief, message, violations, assessment, author=TEMPLATE, now=clock.now()
            )  # fmt: skip
        except Blocked as blocked:
            return Written(assessment, message, tuple(violations), None, str(blocked))
        return Written(assessment, message, tuple(violations), queued)

    def check_text(self, account_id: str, message: Message) -> list[Violation]:
        """The guardrails' verdict on a text for an account, against the brief it would have now."""
        return self.check(message, self.current_brief(account_id), self.surroundings(account_id))

    def check_draft(self, draft_id: str, message: Message) -> list[Violation]:
        """The guardrails' verdict on a text, against the brief of a draft."""
        view = show_draft(self.store, draft_id)
        return self.check(message, view.brief, self.surroundings(view.line.account_id))

    # Decisions.

    def tidy(self) -> None:
        """Wake what was snoozed and expire what waited too long."""
        now = clock.now()
        wake_snoozed(self.store, now)
        expire_old(self.store, now)

    def approve(self, draft_id: str, version: int | None = None) -> Approved:
        """Approve a draft after looking at everything again; see `agent.delivery.approve`."""
        return approve(
            self.store,
            draft_id,
            who=this_person(),
            now=clock.now(),
            look_again=self.look_again,
            check=self.check,
            surroundings=self.surroundings,
            channel=self.channel.name,
            version=version,
        )

    def edit(
        self, draft_id: str, message: Message, confirm: Sequence[str] = (), base: int | None = None
    ) -> Edited:
        """Keep a person's text as the draft's next version; `base` is the version it was made from."""
        current = show_draft(self.store, draft_id).line.version if base is None else base
        return edit_draft(
            self.store,
            draft_id,
            message,
            who=this_person(),
            base_version=current,
            check=self.check,
            surroundings=self.surroundings,
            confirm=confirm,
            now=clock.now(),
        )

    def skip(self, draft_id: str, reason: str) -> None:
        """Decide against a draft."""
        skip(self.store, draft_id, who=this_person(), reason=reason, now=clock.now())

    def snooze(self, draft_id: str, days: int) -> datetime:
        """Put a draft off; answers until when."""
        return snooze(self.store, draft_id, days=days, who=this_person(), now=clock.now())

    # Delivery, and what comes back.

    def send(self, limit: int | None = None) -> tuple[Sent, ...]:
        """Deliver what is approved, each once."""
        return send(self.store, [self.channel], now=clock.now(), limit=limit)

    def outbox(self, state: DeliveryState | None = None) -> tuple[DeliveryLine, ...]:
        """Deliveries, newest first."""
        return list_deliveries(self.store, state)

    def settle(self, delivery_id: str, *, arrived: bool) -> None:
        """A person's word about a delivery of unknown fate."""
        settle_unknown(self.store, delivery_id, arrived=arrived, who=this_person(), now=clock.now())

    def reply(self, account_id: str, kind: ReplyKind, text: str = "") -> None:
        """Record an answer."""
        self._must_exist(account_id)
        record_reply(self.store, account_id, kind, text, who=this_person(), now=clock.now())

    def close_conversation(self, account_id: str) -> int:
        """End the conversations of an account; answers how many."""
        return close_conversation(self.store, account_id, who=this_person(), now=clock.now())

    def outcome(
        self, account_id: str, kind: OutcomeKind, amount_minor: int | None, currency: str | None
    ) -> None:
        """Record how it ended."""
        self._must_exist(account_id)
        record_outcome(
            self.store, account_id, kind, amount_minor, currency=currency, who=this_person(), now=clock.now()
        )  # fmt: skip

    def must_be_known(self, account_id: str) -> None:
        """Raises NotFound for an account that neither the facts nor the state know: most likely a slip."""
        from agent.approval.views import list_drafts

        known = any(line.account_id == account_id for line in list_drafts(self.store))
        known = known or any(line.account_id == account_id for line in self.outbox())
        if not known and self.workspace.facts_file.is_file():
            self._must_exist(account_id)

    def _must_exist(self, account_id: str) -> None:
        with self.warehouse() as warehouse:
            table = warehouse.table("accounts")
            if not scalar(table.filter(table.account_id == account_id).count()):
                raise NotFound(self._no_such_account(warehouse, account_id, self.live_day))

    def forget(self, account_id: str) -> tuple[int, int]:
        """Erase an account's rows from both stores; answers how many rows and files."""
        from agent.facts.erase import addresses_of, erase

        addresses: list[str] = []
        if self.workspace.facts_file.is_file():
            with self.warehouse() as warehouse:
                addresses = addresses_of(warehouse, account_id)
        gone = forget(
            self.store, account_id, who=this_person(), now=clock.now(), channels=[self.channel], addresses=addresses
        )  # fmt: skip
        rows = sum(gone.rows.values())
        if self.workspace.facts_file.is_file():
            with open_warehouse(self.workspace.facts_file, write=True) as warehouse:
                rows += erase(warehouse, account_id)
        return rows, gone.files


def _besides(brief: Brief, around: Surroundings) -> Surroundings:
    """The surroundings without the names the brief itself uses."""
    features = {name.lower().replace("_", " ") for name in brief.features}
    plans = {name for name in (brief.plan_name, brief.offer.name) if name}
    return around.model_copy(
        update={
            "other_plans": tuple(name for name in around.other_plans if name not in plans),
            "other_features": tuple(
                name for name in around.other_features if name.lower().replace("_", " ") not in features
            ),
        }
    )


def _facts_of(state: ContactState) -> ContactFacts:
    return ContactFacts(
        prompted_at=state.prompts[0].sent_at if state.prompts else None,
        opted_out=state.opted_out,
        in_conversation=state.in_conversation,
    )


def this_person() -> str:
    """Who sits at the terminal, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "terminal"
