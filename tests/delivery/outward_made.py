"""A target that does what a test tells it, and a state in which something happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import col, select

from agent.approval.opportunities import record_scan
from agent.approval.tables import Outcome
from agent.delivery.outward import Pushed, push
from agent.delivery.outward_states import OutwardState
from agent.delivery.sender import send
from agent.delivery.tables_outward import Outward
from agent.foundation.outward import Outgoing, OutwardKind, Target, Written
from agent.foundation.store import Store
from agent.scoring.assessment import Status
from tests.approval.made import AS_OF, DAY, NOW, an_assessment
from tests.delivery.made import ScriptedChannel, on_its_way

MACHINE = datetime(2026, 11, 22, 12, 0)
"What the machine's clock shows."


class ScriptedTarget(Target):
    """A target that upserts by our id, and meets the next thing of its script each time."""

    def __init__(self, *script: BaseException | None, name: str = "crm", **traits: Any) -> None:
        self.name, self.script, self.there, self.puts = name, list(script), {}, []
        for trait, value in traits.items():
            setattr(self, trait, value)

    def put(self, outgoing: Outgoing) -> Written:
        """Raise what the script says, else write."""
        self.puts.append(outgoing)
        happens = self.script.pop(0) if self.script else None
        if happens is not None:
            raise happens
        self.there[outgoing.record.our_id] = outgoing.record
        return Written(f"their-{len(self.there)}")

    def look(self) -> str:
        """All is well."""
        return "it works"


class Ticking:
    """The machine's clock, which a test moves on."""

    def __init__(self) -> None:
        self.moment = MACHINE

    def __call__(self) -> datetime:
        return self.moment

    def pass_(self, **span: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**span)


def told(
    store: Store, *targets: Target, now: datetime = NOW, clock: Any = None, **more: Any
) -> tuple[Pushed, ...]:
    """Push; pauses are noted and not waited for."""
    return push(store, targets, now=now, clock=clock or Ticking(), sleep=lambda seconds: None, **more)


def scanned(store: Store, day: date, now: datetime, **accounts: Status) -> None:
    """A scan that finds the accounts so."""
    found = [an_assessment(name, as_of=day, status=status) for name, status in accounts.items()]
    record_scan(store, day, found, now)


def sent(store: Store, account_id: str, now: datetime = NOW) -> str:
    """A prompt that has left then."""
    delivery = on_its_way(store, account_id, now=now)
    send(store, [ScriptedChannel()], now=now)
    return delivery.delivery_id


def came_of_it(
    store: Store, account_id: str, kind: str = "upgraded", now: datetime = NOW, **more: Any
) -> None:
    """An outcome, as a person records it."""
    with store.writing() as session:
        session.add(Outcome(account_id=account_id, kind=kind, who="Dana", at=now, **more))


def rows(store: Store) -> Sequence[Outward]:
    """The ledger."""
    with store.reading() as session:
        return session.exec(select(Outward).order_by(col(Outward.created_at), col(Outward.our_id))).all()


def states(store: Store) -> list[OutwardState]:
    """Where each record stands."""
    return [OutwardState(row.state) for row in rows(store)]


__all__ = [
    "AS_OF", "DAY", "MACHINE", "NOW", "OutwardKind", "ScriptedTarget", "Status", "Ticking", "came_of_it", "rows",
    "scanned", "sent", "states", "told",
]  # fmt: skip
