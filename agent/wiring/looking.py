"""Looking: facts in, accounts assessed, histories."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from agent.approval.opportunities import record_scan
from agent.approval.suppressions import hash_address, suppressed_hashes
from agent.delivery.contacts import ContactState, contact_state
from agent.facts.identity_store import unsettled_in
from agent.facts.staged import TableReport
from agent.foundation import clock
from agent.foundation.errors import ConfigError, NotFound, OutgrownError, StoreError
from agent.foundation.warehouse import Warehouse, fetch, open_warehouse, scalar, shown_url
from agent.scoring.assessment import Assessment
from agent.scoring.holds import ContactFacts
from agent.scoring.scan import Scan, scan
from agent.signals.history import History, history_of
from agent.signals.world import keep_what_tickets_ask, plain_source, read_evidence
from agent.wiring.parts import Parts
from connectors import sync
from connectors._landing import Landed

if TYPE_CHECKING:
    from agent.scoring.replay import Replay


@dataclass(frozen=True)
class Synced:
    """What a sync did: what it read from which source, what that changed, how many records are not settled."""

    tables: tuple[TableReport, ...] = ()
    sources: tuple[Landed, ...] = ()
    unsettled: Mapping[str, int] = field(default_factory=dict)
    "How many records are ambiguous, and how many unmatched."

    @property
    def failed(self) -> dict[str, str]:
        """Why a source could not be read, by its name."""
        return {one.vendor: one.failed for one in self.sources if one.failed}


class Looking(Parts):
    """What reads facts and assesses accounts."""

    def sync(
        self, names: Sequence[str] = (), since: date | None = None, progress: Callable[[str], None] = lambda _: None
    ) -> Synced:  # fmt: skip
        """Pull facts from the sources called `names`, or from all that are configured.

        Where the facts are read in place there is nothing to pull, and `progress` is told so. A vendor that cannot be
        read is told of in `sources`, and stops no other.
        """
        from agent.facts.order import put_in_order
        from agent.facts.schema import create_tables

        if self.read_in_place:
            where = shown_url(self.workspace.warehouse_url)
            progress(f"the facts are read in place from {where}: there is nothing to sync")
            return Synced()

        # Vendors take their time, and nobody else shall wait for the facts meanwhile.
        landed = sync.fetch(self.workspace, names, since, progress)
        with (
            self.asking(self.settings.llm.classify) as model,
            open_warehouse(self.workspace.facts_file, write=True) as warehouse,
        ):
            create_tables(warehouse.duck)
            reports = sync.run(
                self.workspace, warehouse, names, since, read_at=clock.now(), progress=progress, landed=landed
            )
            put_in_order(warehouse, progress)
            # What is wrong with a trigger, a scan says; the facts are in either way.
            with contextlib.suppress(ConfigError):
                days = self.settings.llm.classify_days
                keep_what_tickets_ask(warehouse, self.settings, progress, model, classify_days=days)
            unsettled = unsettled_in(warehouse.duck)
        return Synced(tuple(reports), tuple(landed), unsettled)

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

    def _scan(
        self,
        day: date,
        moment: datetime,
        account_id: str | None,
        *,
        show_rows: bool = False,
        own: Mapping[str, datetime] = MappingProxyType({}),
    ) -> Scan:
        """The scan of a day; `own` are messages (account, when approved) that do not count as prompts yet."""
        with self.warehouse() as warehouse:
            contacts = self._contacts(warehouse, account_id, moment, own)
            result = scan(warehouse, self.settings, day, moment, contacts, account_id, show_rows=show_rows)
            if not result.accounts and not scalar(warehouse.table("source_reads").count()):
                raise StoreError("Nothing has been read yet; run `outgrown sync` first.")
            if account_id is not None and not result.accounts:
                raise NotFound(self._no_such_account(warehouse, account_id, day))
        return result

    def look(self) -> Scan:
        """Every account on the live day; records nothing."""
        return self._scan(self.live_day, clock.now(), None)

    def replay(self, days: Sequence[date], progress: Callable[[str], None] = lambda _: None) -> Replay:
        """Where every account stood at the end of each of `days`; nothing is recorded."""
        # Columns of numbers take their time to load, and most commands need none.
        from agent.scoring.setwise import replay

        with self.warehouse() as warehouse:
            addresses = self._suppressed_addresses(warehouse)

            def known(day: date) -> tuple[datetime, Mapping[str, ContactFacts]]:
                moment = clock.end_of(day)
                states = contact_state(self.store, None, moment, addresses=addresses)
                return moment, {name: _facts_of(state) for name, state in states.items()}

            return replay(warehouse, self.settings, days, known, progress, self.kept)

    def _contacts(
        self,
        warehouse: Warehouse,
        account_id: str | None,
        moment: datetime,
        own: Mapping[str, datetime] = MappingProxyType({}),
    ) -> dict[str, ContactFacts]:
        addresses = self._addresses(warehouse, account_id)
        states = contact_state(self.store, None, moment, addresses=addresses)
        return {name: _facts_of(without_own(state, own.get(name))) for name, state in states.items()}

    def _suppressed_addresses(self, warehouse: Warehouse) -> dict[str, str]:
        """Of all accounts' addresses those that were ever suppressed: the others say nothing on any day."""
        hashes = suppressed_hashes(self.store)
        if not hashes:
            return {}
        addresses = self._addresses(warehouse, None)
        return {account: one for account, one in addresses.items() if one and hash_address(one) in hashes}

    def _addresses(self, warehouse: Warehouse, account_id: str | None) -> dict[str, str]:
        table = warehouse.table("accounts")
        if account_id is not None:
            table = table.filter(table.account_id == account_id)
        with_address = table.filter(table.contact_email.notnull()).select("account_id", "contact_email")
        return {row["account_id"]: row["contact_email"] for row in fetch(with_address)}

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

    def histories(self, as_of: date, metrics: Mapping[str, str | None]) -> dict[str, History]:
        """Twelve weeks of a metric for each account; None leaves the choice of the metric to us."""
        with self.warehouse() as warehouse:
            evidence = read_evidence(plain_source(warehouse), as_of, sorted(metrics))
        found = {account: history_of(one, metrics[account]) for account, one in evidence.items()}
        return {account: history for account, history in found.items() if history is not None}

    def _must_exist(self, account_id: str) -> None:
        with self.warehouse() as warehouse:
            table = warehouse.table("accounts")
            if not scalar(table.filter(table.account_id == account_id).count()):
                raise NotFound(self._no_such_account(warehouse, account_id, self.live_day))


def without_own(state: ContactState, approved_at: datetime | None) -> ContactState:
    """The contact state without the account's own message that was approved then, and has not left."""
    if approved_at is None:
        return state
    others = tuple(one for one in state.prompts if one.sent_at != approved_at)
    return state.model_copy(update={"prompts": others})


def _facts_of(state: ContactState) -> ContactFacts:
    return ContactFacts(
        prompted_at=state.prompts[0].sent_at if state.prompts else None,
        opted_out=state.opted_out,
        in_conversation=state.in_conversation,
    )
