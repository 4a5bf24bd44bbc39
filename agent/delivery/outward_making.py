"""Which records the state makes for a target: worked out anew each time, entered once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, delete, exists, func, not_, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from agent.approval.life import brief_of, version_of
from agent.approval.states import DeliveryState
from agent.approval.tables import BriefRow, Delivery, Draft, Opportunity, Outcome, ScanRun
from agent.delivery.outward_states import OutwardState
from agent.delivery.outward_words import outcome_record, ready_id, ready_record, sent_record
from agent.delivery.tables_outward import Outward, OutwardSwitch
from agent.drafting.brief import Brief
from agent.foundation.outward import OutwardKind, OutwardRecord, Target
from agent.foundation.store import Store, changed
from agent.scoring.assessment import Assessment, Status

LOCK = 0x6F757477
ALWAYS = datetime(1970, 1, 1)  # noqa: DTZ001 - the state's times are UTC without a zone mark
APART = timedelta(days=30)
"An account that goes in and out of being ready is told of once in so long, as it is written to (rule book §6)."
CHUNK = 400
"How many accounts one question names: databases bound that."


@dataclass(frozen=True)
class Made:
    """A record that is to be told, and what it was made of."""

    record: OutwardRecord
    source_id: str


def enter(store: Store, targets: Sequence[Target], now: datetime) -> int:
    """Enter in the ledger what has happened since; answers how many records are new.

    What a target was switched on for is noticed here.
    """
    with store.reading() as session:
        if not any(_stirs(session, one) for one in targets):
            return 0
    number = 0
    with store.writing() as session:
        if not store.is_sqlite:
            # SQLite's writers queue anyway; here two would both enter what neither sees.
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        for target in targets:
            switches = [_wanted_switch(session, target, kind, now) for kind in target.kinds]
            made = [one for switch in switches for one in _made(session, switch, now)]
            number += _insert(session, store, target.name, made)
            newest = _newest_scan_id(session)
            for switch in switches:
                switch.scan_id = newest
                session.add(switch)
    return number


def foresee(store: Store, targets: Sequence[Target], now: datetime) -> dict[str, list[OutwardRecord]]:
    """What `enter` would enter, by target; changes nothing."""
    found: dict[str, list[OutwardRecord]] = {}
    with store.reading() as session:
        for target in targets:
            switches = [_wanted_switch(session, target, kind, now) for kind in target.kinds]
            made = [one for switch in switches for one in _made(session, switch, now)]
            found[target.name] = [one.record for one in made]
    return found


# When a target was switched on.


def switch_off(store: Store, wanted: Mapping[str, Collection[OutwardKind]]) -> int:
    """Forget since when a target was told what it is not told any more; answers how many switches that concerns.

    Switched on again, it begins anew.
    """
    with store.reading() as session:
        rows = session.exec(select(OutwardSwitch.target, OutwardSwitch.kind)).all()
    gone = [(target, kind) for target, kind in rows if kind not in wanted.get(target, ())]
    if gone:
        with store.writing() as session:
            for target, kind in gone:
                of_it = (col(OutwardSwitch.target) == target, col(OutwardSwitch.kind) == kind)
                changed(session, delete(OutwardSwitch).where(*of_it))
    return len(gone)


def _stirs(session: Session, target: Target) -> bool:
    """Whether there may be anything to enter: asked each minute, so that the answer is mostly no, cheaply."""
    switches = _switches(session, target.name)
    if not set(target.kinds) <= set(switches):
        return True
    newest = _newest_scan_id(session)
    for switch in (switches[kind] for kind in target.kinds):
        if switch.kind == OutwardKind.READY:
            if switch.scan_id != newest:
                return True
        elif next(_news(session, switch, limit=1), None) is not None:
            return True
    return False


def _switches(session: Session, target: str) -> dict[OutwardKind, OutwardSwitch]:
    rows = session.exec(select(OutwardSwitch).where(col(OutwardSwitch.target) == target))
    return {OutwardKind(row.kind): row for row in rows}


def _wanted_switch(session: Session, target: Target, kind: OutwardKind, now: datetime) -> OutwardSwitch:
    """The switch as it stands, else a new one that begins now, or with the first day there was."""
    found = session.get(OutwardSwitch, (target.name, str(kind)))
    if found is not None:
        return found
    if target.backfill:
        return OutwardSwitch(target=target.name, kind=str(kind), since=ALWAYS)
    as_of = _newest_day(session)
    ready = _ready_on(session, as_of) if kind is OutwardKind.READY else []
    return OutwardSwitch(target=target.name, kind=str(kind), since=now, as_of=as_of, ready_before=ready)


# What has happened since.


def _made(session: Session, switch: OutwardSwitch, now: datetime) -> Iterator[Made]:
    if switch.kind == OutwardKind.READY:
        yield from _newly_ready(session, switch, now)
        return
    for source in list(_news(session, switch)):
        if isinstance(source, Delivery):
            yield _of_delivery(session, source)
        else:
            yield Made(outcome_record(source, _name_of(session, source)), str(source.outcome_id))


def _news(session: Session, switch: OutwardSwitch, limit: int | None = None) -> Iterator[Delivery | Outcome]:
    """Deliveries that have left, or outcomes, which the ledger does not know."""
    if switch.kind == OutwardKind.SENT:
        wanted = (
            select(Delivery)
            .where(
                col(Delivery.state) == str(DeliveryState.SENT),
                col(Delivery.sent_at) >= switch.since,
                _is_new(switch, col(Delivery.delivery_id)),
            )
            .order_by(col(Delivery.sent_at), col(Delivery.delivery_id))
        )
        yield from session.exec(wanted.limit(limit))
        return
    outcomes = (
        select(Outcome)
        .where(col(Outcome.at) >= switch.since, _is_new(switch, cast(col(Outcome.outcome_id), String)))
        .order_by(col(Outcome.outcome_id))
    )
    yield from session.exec(outcomes.limit(limit))


def _is_new(switch: OutwardSwitch, source: object) -> ColumnElement[bool]:
    known = exists().where(
        col(Outward.target) == switch.target,
        col(Outward.kind) == switch.kind,
        col(Outward.source_id) == source,
    )
    return not_(known)


def _of_delivery(session: Session, delivery: Delivery) -> Made:
    draft = session.get_one(Draft, delivery.draft_id)
    subject = version_of(session, draft, delivery.version).subject
    at = delivery.sent_at or delivery.created_at
    return Made(sent_record(delivery, brief_of(session, draft), subject, at), delivery.delivery_id)


def _name_of(session: Session, outcome: Outcome) -> str:
    """What the account was called when it was last looked at or written to."""
    newest = session.exec(
        select(Opportunity.document)
        .where(col(Opportunity.account_id) == outcome.account_id)
        .order_by(col(Opportunity.as_of).desc())
        .limit(1)
    ).first()
    if newest is not None:
        return Assessment.model_validate_json(newest).name
    brief = session.exec(
        select(BriefRow.document)
        .where(col(BriefRow.account_id) == outcome.account_id)
        .order_by(col(BriefRow.created_at).desc())
        .limit(1)
    ).first()
    return (
        Brief.model_validate_json(brief).recipient.account_name if brief is not None else outcome.account_id
    )


def _newly_ready(session: Session, switch: OutwardSwitch, now: datetime) -> Iterator[Made]:
    """Accounts that are ready in the newest scan, once for as long as they stay so."""
    as_of = _newest_day(session)
    if as_of is None:
        return
    told: dict[str, Outward] = {}
    for row in session.exec(
        select(Outward)
        .where(col(Outward.target) == switch.target, col(Outward.kind) == switch.kind)
        .order_by(col(Outward.created_at))
    ):
        told[row.account_id] = row
    before = set(switch.ready_before)
    ready = [
        one for one in _ready_on(session, as_of) if one not in told or told[one].created_at <= now - APART
    ]
    for account_id, first_day in _since_when(session, ready).items():
        known_before = account_id in before and switch.as_of is not None and first_day <= switch.as_of
        last = told.get(account_id)
        if known_before or (last is not None and last.source_id == first_day.isoformat()):
            continue
        seen = session.get_one(Opportunity, (account_id, as_of))
        at = session.get_one(ScanRun, seen.scan_id).recorded_at
        our_id = ready_id(account_id, first_day.isoformat())
        found = Assessment.model_validate_json(seen.document)
        yield Made(ready_record(found, our_id, at), first_day.isoformat())


def _since_when(session: Session, accounts: Sequence[str]) -> dict[str, date]:
    """The first day of each account's unbroken row of days on which it was ready."""
    first: dict[str, date] = {}
    for start in range(0, len(accounts), CHUNK):
        named = col(Opportunity.account_id).in_(accounts[start : start + CHUNK])
        is_ready = col(Opportunity.status) == str(Status.READY)
        last_other = (
            select(Opportunity.account_id, func.max(Opportunity.as_of).label("day"))
            .where(named, ~is_ready)
            .group_by(col(Opportunity.account_id))
            .subquery()
        )
        rows = session.execute(
            select(Opportunity.account_id, func.min(Opportunity.as_of))
            .outerjoin(last_other, last_other.c.account_id == col(Opportunity.account_id))
            .where(
                named, is_ready, (last_other.c.day.is_(None)) | (col(Opportunity.as_of) > last_other.c.day)
            )
            .group_by(col(Opportunity.account_id))
        )
        first.update({row[0]: row[1] for row in rows})
    return first


def _newest_day(session: Session) -> date | None:
    return session.exec(select(func.max(Opportunity.as_of))).one()


def _newest_scan_id(session: Session) -> int:
    return session.exec(select(func.max(ScanRun.scan_id))).one() or 0


def _ready_on(session: Session, as_of: date | None) -> list[str]:
    if as_of is None:
        return []
    return list(
        session.exec(
            select(Opportunity.account_id)
            .where(col(Opportunity.as_of) == as_of, col(Opportunity.status) == str(Status.READY))
            .order_by(col(Opportunity.account_id))
        )
    )


def _insert(session: Session, store: Store, target: str, made: Sequence[Made]) -> int:
    """Enter what is not there yet; the key says whether it is."""
    dialect = sqlite if store.is_sqlite else postgresql
    number = 0
    for one in made:
        row = {
            "target": target,
            "our_id": one.record.our_id,
            "kind": str(one.record.kind),
            "source_id": one.source_id,
            "account_id": one.record.account_id,
            "document": one.record.model_dump_json(),
            "state": str(OutwardState.WAITING),
            "created_at": one.record.at,
            "attempts": 0,
            "says": "",
        }
        inserted = dialect.insert(Outward).values(row).on_conflict_do_nothing().returning(col(Outward.our_id))
        number += session.execute(inserted).first() is not None
    return number
