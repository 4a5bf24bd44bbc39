"""What each scan found, kept so that later rooms need no fact store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, func, text
from sqlmodel import col, select

from agent.approval.tables import Opportunity, ScanRun
from agent.foundation.store import Store, changed
from agent.scoring.assessment import Assessment, Status

_BATCH = 500
_SCANS_LOCK = 0x6F757473


def record_scan(store: Store, as_of: date, assessments: Sequence[Assessment], now: datetime) -> int:
    """Keep every account's assessment as of one day; the same day again replaces what was kept of it."""
    with store.writing() as session:
        if not store.is_sqlite:
            # SQLite's writers queue anyway; here two scans of one day would both replace what neither sees.
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCANS_LOCK})
        run = ScanRun(
            as_of=as_of,
            recorded_at=now,
            accounts=len(assessments),
            ready=sum(one.status is Status.READY for one in assessments),
            held=sum(one.status is Status.HELD for one in assessments),
        )
        session.add(run)
        session.flush()
        scan_id = run.scan_id
        assert scan_id is not None  # noqa: S101 - the database has just given it
        changed(session, delete(Opportunity).where(col(Opportunity.as_of) == as_of))
        for start in range(0, len(assessments), _BATCH):
            batch = assessments[start : start + _BATCH]
            session.add_all(
                Opportunity(
                    account_id=one.account_id,
                    as_of=as_of,
                    scan_id=scan_id,
                    status=one.status,
                    points=one.points,
                    composite=one.composite,
                    play=one.play,
                    document=one.model_dump_json(),
                )
                for one in batch
            )
            session.flush()
            session.expunge_all()
    return scan_id


def newest_scan(store: Store, before: date | None = None) -> tuple[date, tuple[Assessment, ...]] | None:
    """The day of the newest scan (up to `before`) with its assessments, by account; None before the first."""
    with store.reading() as session:
        newest = select(func.max(Opportunity.as_of))
        if before is not None:
            newest = newest.where(col(Opportunity.as_of) <= before)
        as_of = session.exec(newest).one()
        if as_of is None:
            return None
        documents = session.exec(
            select(Opportunity.document)
            .where(col(Opportunity.as_of) == as_of)
            .order_by(col(Opportunity.account_id))
        ).all()
    return as_of, tuple(Assessment.model_validate_json(one) for one in documents)


def newest_opportunity(store: Store, account_id: str) -> Assessment | None:
    """The account's newest recorded assessment; None when no scan has seen it."""
    with store.reading() as session:
        document = session.exec(
            select(Opportunity.document)
            .where(col(Opportunity.account_id) == account_id)
            .order_by(col(Opportunity.as_of).desc())
            .limit(1)
        ).first()
    return None if document is None else Assessment.model_validate_json(document)
