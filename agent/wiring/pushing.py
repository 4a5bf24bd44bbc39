"""Telling the founder's own tools what happens: which they are, and what they call our accounts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property

from agent.delivery import outward_ledger
from agent.delivery.outward import Pushed, push, would_push
from agent.delivery.outward_ledger import OutwardLine
from agent.delivery.outward_making import switch_off
from agent.delivery.outward_states import OutwardState
from agent.foundation import clock
from agent.foundation.errors import UsageError
from agent.foundation.outward import OutwardRecord, Target
from agent.wiring.parts import Parts
from connectors.outward import open_targets

OPEN = (OutwardState.FAILED, OutwardState.UNKNOWN)
"What a person may want to look at."


class Pushing(Parts):
    """What tells the targets."""

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """Every target that is told something."""
        return open_targets(self.settings.targets)

    def push(
        self, limit: int | None = None, is_ending: Callable[[], bool] = lambda: False
    ) -> tuple[Pushed, ...]:
        """Tell each target what has happened since it was switched on, each thing once."""
        self.notice_targets()
        return push(
            self.store,
            self.targets,
            now=clock.now(),
            limit=limit,
            lookup=self.called_there,
            is_ending=is_ending,
        )

    def notice_targets(self) -> None:
        """Note which targets were switched off: what happens from now on will not be their business."""
        given = self.settings.targets
        switch_off(self.store, {name: getattr(given, name).on for name in type(given).model_fields})

    def would_push(self) -> dict[str, list[OutwardRecord]]:
        """What `push` would tell, by target; nobody is asked."""
        return would_push(self.store, self.targets, clock.now())

    def push_again(self, name: str | None = None) -> int:
        """Tell again what has failed, at the next `push`; answers how many records that concerns.

        Raises UsageError for a target that is not switched on.
        """
        names = [target.name for target in self.targets]
        if name is not None and name not in names:
            raise UsageError(
                f"No target '{name}' is switched on; {', '.join(names) or 'none'} {'are' if len(names) > 1 else 'is'}."
            )
        return outward_ledger.retry(self.store, name)

    def told(self) -> dict[str, dict[OutwardState, int]]:
        """How many records of each target stand where."""
        return outward_ledger.counts(self.store)

    def troubled(self) -> tuple[OutwardLine, ...]:
        """Records that have failed, or of which nobody knows whether they are there, newest first."""
        return outward_ledger.lines(self.store, OPEN)

    def called_there(self, accounts: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """What each vendor calls these accounts, as far as records were matched; the first of several by id.

        Raises what opening the facts raises; nothing is known where nothing was read.
        """
        from agent.facts.identities import State
        from agent.facts.identity_store import identities_of

        if not self.read_in_place and not self.workspace.facts_file.is_file():
            return {}
        with self.warehouse() as warehouse:
            identities = identities_of(warehouse)
        found: dict[str, dict[str, str]] = {}
        for one in identities:
            if one.state is State.MATCHED and one.account_id and one.account_id in accounts:
                found.setdefault(one.account_id, {}).setdefault(one.record.source, one.record.record_id)
        return found
