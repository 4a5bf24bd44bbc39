"""The house that all faces call into: every public method is one thing a person can ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent.approval.decisions import Edited, edit_draft, expire_old, skip, snooze, wake_snoozed
from agent.approval.slots import remember_prompt
from agent.approval.suppressions import suppress
from agent.approval.views import list_drafts, show_draft
from agent.drafting.message import Message
from agent.foundation import clock
from agent.foundation.warehouse import open_warehouse
from agent.learning.forget import forget
from agent.learning.outcomes import OutcomeKind, record_outcome
from agent.learning.replies import ReplyKind, close_conversation, record_reply
from agent.wiring.connecting import Connecting
from agent.wiring.freshening import Freshening
from agent.wiring.pushing import Pushing
from agent.wiring.replaying import Replaying
from agent.wiring.rules import Ruling
from agent.wiring.sending import Sending
from agent.wiring.writing import Writing
from connectors import sync


class House(Writing, Replaying, Ruling, Freshening, Sending, Connecting, Pushing):
    """One workspace: looking, writing, deciding, sending, and what comes back."""

    def tidy(self) -> None:
        """Wake what was snoozed, expire what waited too long, note which targets were switched off."""
        now = clock.now()
        wake_snoozed(self.store, now)
        expire_old(self.store, now)
        self.notice_targets()

    def edit(
        self, draft_id: str, message: Message, confirm: Sequence[str] = (), base: int | None = None
    ) -> Edited:
        """Keep a person's text as the draft's next version; `base` is the version it was made from."""
        current = show_draft(self.store, draft_id).line.version if base is None else base
        return edit_draft(
            self.store,
            draft_id,
            message,
            who=self.who,
            base_version=current,
            check=self.check,
            surroundings=self.surroundings,
            confirm=confirm,
            now=clock.now(),
        )

    def skip(self, draft_id: str, reason: str) -> None:
        """Decide against a draft."""
        skip(self.store, draft_id, who=self.who, reason=reason, now=clock.now())

    def snooze(self, draft_id: str, days: int) -> datetime:
        """Put a draft off; answers until when."""
        return snooze(self.store, draft_id, days=days, who=self.who, now=clock.now())

    # What comes back.

    def reply(self, account_id: str, kind: ReplyKind, text: str = "") -> None:
        """Record an answer."""
        self._must_exist(account_id)
        record_reply(self.store, account_id, kind, text, who=self.who, now=clock.now())

    def close_conversation(self, account_id: str) -> int:
        """End the conversations of an account; answers how many."""
        return close_conversation(self.store, account_id, who=self.who, now=clock.now())

    def outcome(
        self, account_id: str, kind: OutcomeKind, amount_minor: int | None, currency: str | None
    ) -> None:
        """Record how it ended."""
        self._must_exist(account_id)
        record_outcome(
            self.store, account_id, kind, amount_minor, currency=currency, who=self.who, now=clock.now()
        )  # fmt: skip

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
                who=self.who,
                now=clock.now(),
            )

    def must_be_known(self, account_id: str) -> None:
        """Raises NotFound for an account that neither the facts nor the state know: most likely a slip."""
        known = any(line.account_id == account_id for line in list_drafts(self.store))
        known = known or any(line.account_id == account_id for line in self.outbox())
        if not known and self._has_facts:
            self._must_exist(account_id)

    @property
    def _has_facts(self) -> bool:
        return self.read_in_place or self.workspace.facts_file.is_file()

    def forget(self, account_id: str) -> tuple[int, int]:
        """Erase an account's rows from both stores; answers how many rows and files.

        A warehouse that is read in place is not ours to change: its rows stay.
        """
        from agent.facts.erase import addresses_of, erase

        addresses: list[str] = []
        if self._has_facts:
            with self.warehouse() as warehouse:
                addresses = addresses_of(warehouse, account_id)
        gone = forget(
            self.store, account_id, who=self.who, now=clock.now(), channels=self.channels, addresses=addresses
        )  # fmt: skip
        rows = sum(gone.rows.values())
        if self.workspace.facts_file.is_file():
            with open_warehouse(self.workspace.facts_file, write=True) as warehouse:
                rows += sync.forget(self.workspace, warehouse, account_id)
                rows += erase(warehouse, account_id)
        self.kept.clear()
        return rows, gone.files
