"""Sources of facts: which there are, whether they answer, and which account their records are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.approval.slots import remember_prompt
from agent.approval.suppressions import suppress
from agent.delivery.contacts import contact_state
from agent.facts.identities import NO_ACCOUNT, OWN_ACCOUNT, Identity, State
from agent.facts.identity_store import identities_of
from agent.foundation import clock
from agent.foundation.errors import ConfigError, NotFound, UsageError
from agent.foundation.warehouse import open_warehouse
from agent.wiring.looking import Looking
from connectors import VENDORS, _settled, sync
from connectors._words import advice

if TYPE_CHECKING:
    from connectors._vendor import Vendor
    from connectors.trying import Tried


class Connecting(Looking):
    """What sets up sources and settles whose their records are."""

    def vendor(self, name: str) -> Vendor:
        """A vendor by name.

        Raises UsageError for one that does not exist.
        """
        if name not in VENDORS:
            raise UsageError(f"There is no connector '{name}'; {advice(name, VENDORS, 'there are')}")
        return VENDORS[name]

    def check_sources(self) -> None:
        """Raise ConfigError for a table under [connectors] that is wrong."""
        sync.check(self.settings)

    @property
    def vendors(self) -> list[Vendor]:
        """The vendors that outgrown.toml has a table for.

        Raises ConfigError for a table of no vendor, or one that is wrong.
        """
        self.check_sources()
        return sync.configured(self.settings)

    def check_vendor(self, vendor: Vendor) -> str:
        """Whom the vendor's key belongs to.

        Raises ConfigError for a missing key and SourceFailed for whatever the vendor says.
        """
        from connectors.trying import check

        return check(vendor, sync.section_of(vendor, self.settings), self.workspace)

    def try_vendor(self, vendor: Vendor, many: int = 10) -> Tried:
        """Whom the key belongs to, and the first rows as facts; nothing is kept.

        Raises ConfigError for a missing key and SourceFailed for whatever the vendor says.
        """
        from connectors.trying import try_out

        return try_out(vendor, sync.section_of(vendor, self.settings), self.workspace, many)

    def identities(self) -> list[Identity]:
        """Every vendor's records and which account they are, those that are not settled first."""
        if self.read_in_place:
            return []
        with self.warehouse() as warehouse:
            return identities_of(warehouse)

    def where_else(self, account_id: str) -> list[str]:
        """Where an account's data still is when we have erased ours: vendors that were read, targets that were told."""
        from agent.delivery.outward_ledger import told_elsewhere

        read = {one.record.source for one in self._known_identities() if one.account_id == account_id}
        told = {f"{line.target} (as {line.our_id})" for line in told_elsewhere(self.store, account_id)}
        return [*sorted(read), *sorted(told)]

    def _known_identities(self) -> list[Identity]:
        return self.identities() if not self.read_in_place and self.workspace.facts_file.is_file() else []

    def settle_identity(self, source: str, record_id: str, account: str) -> Identity:
        """Say which account a record is (or OWN_ACCOUNT, NO_ACCOUNT), and move its facts there.

        What is known about writing to an account (its last prompt, an opt-out) goes with its paying record, so that
        nobody is written to twice because a name changed.

        Raises NotFound for a record or an account that does not exist.
        """
        before = self._identity(source, record_id)
        if account == OWN_ACCOUNT and not VENDORS[source].gives_accounts:
            raise UsageError(
                f"A record of {source} is no paying customer, so it cannot be an account by itself."
            )
        if account not in (OWN_ACCOUNT, NO_ACCOUNT):
            self._must_exist_or_pay(account, before)
        new = record_id if account == OWN_ACCOUNT else account
        if (
            before.account_id
            and new not in (before.account_id, NO_ACCOUNT)
            and VENDORS[source].gives_accounts
        ):
            self._carry_over(before.account_id, new)
        _settled.change(self.workspace, source, record_id, account)
        return self._rematched(source, record_id)

    def unsettle_identity(self, source: str, record_id: str) -> Identity:
        """Take back what was said about a record.

        Raises NotFound when nothing was said.
        """
        if (source, record_id) not in _settled.read(self.workspace):
            raise NotFound(
                f"Nothing was said about {source} {record_id}; `outgrown identities` lists what was."
            )
        _settled.change(self.workspace, source, record_id, None)
        return self._rematched(source, record_id)

    def _rematched(self, source: str, record_id: str) -> Identity:
        with open_warehouse(self.workspace.facts_file, write=True) as warehouse:
            sync.rematch(self.workspace, warehouse)
        self.kept.clear()
        return self._identity(source, record_id)

    def _identity(self, source: str, record_id: str) -> Identity:
        if self.read_in_place:
            raise ConfigError("The facts are read in place, so there are no records to settle.")
        known = self.identities()
        for one in known:
            if (one.record.source, one.record.record_id) == (source, record_id):
                return one
        sources = sorted({one.record.source for one in known})
        if source not in sources:
            raise NotFound(f"No records were read from '{source}'; {advice(source, sources, 'there are')}")
        near = [
            one.record.record_id
            for one in known
            if one.record.source == source and one.state != State.MATCHED
        ]
        told = advice(record_id, near[:20], "not settled are") if near else "all of its records are settled."
        raise NotFound(f"{source} has no record '{record_id}'; {told}")

    def _must_exist_or_pay(self, account: str, record: Identity) -> None:
        """An account may be named before it is there where the record itself will make it."""
        if not VENDORS[record.record.source].gives_accounts:
            self._must_exist(account)

    def _carry_over(self, old: str, new: str) -> None:
        now = clock.now()
        state = contact_state(self.store, [old], now, addresses={}).get(old)
        if state is None:
            return
        with self.store.writing() as session:
            if state.prompts:
                remember_prompt(session, new, max(prompt.sent_at for prompt in state.prompts))
            if state.opted_out:
                reason = f"as account {old}: {state.opted_out}"
                suppress(session, account_id=new, address=None, reason=reason, who=self.who, now=now)
