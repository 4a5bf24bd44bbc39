"""Erasing a customer."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import SQLModel, select

from agent.approval.clicks import Work, keep
from agent.approval.opportunities import newest_opportunity, record_scan
from agent.approval.suppressions import suppression_of
from agent.approval.tables import AuditLine
from agent.approval.views import list_drafts
from agent.delivery.eml import EmlChannel
from agent.delivery.outbox import list_deliveries
from agent.delivery.sender import send
from agent.foundation.errors import Stale
from agent.foundation.settings import Company
from agent.foundation.store import Store
from agent.learning.forget import forget
from agent.learning.outcomes import OutcomeKind, record_outcome
from agent.learning.replies import ReplyKind, record_reply
from tests.approval.made import AS_OF, DAY, NOW, an_assessment, queued
from tests.delivery.made import approved, on_its_way

SECRETS = ("ann@acme.example", "Ann", "Acme", "my dog is called Rex", "Exports stop")


@pytest.fixture
def channel(tmp_path: Path) -> EmlChannel:
    """The real file channel."""
    company = Company(name="Docs", product="Docs", sender_name="Dana", sender_email="dana@docs.example")
    folder = tmp_path / "outbox"
    folder.mkdir()
    return EmlChannel(folder, company)


def lived_through(store: Store, channel: EmlChannel) -> None:
    """An account with everything an account can have, and a neighbour with the same."""
    record_scan(store, AS_OF, [an_assessment("acme"), an_assessment("bolt")], NOW)
    for account_id in ("acme", "bolt"):
        on_its_way(store, account_id)
        send(store, [channel], now=NOW)
        record_reply(store, account_id, ReplyKind.NOT_YET, "my dog is called Rex", who="Dana", now=NOW)
        record_outcome(store, account_id, OutcomeKind.DECLINED, who="Dana", now=NOW)
        [draft] = [line for line in list_drafts(store) if line.account_id == account_id]
        edit = '{"body": "Hi Ann, my dog is called Rex"}'
        keep(
            store,
            [
                Work(
                    click_id=f"c-{account_id}",
                    at=NOW,
                    kind="edit",
                    who="slack:T1/U1",
                    draft_id=draft.draft_id,
                    document=edit,
                )
            ],
        )


def dump(store: Store) -> str:
    """Every value of every table."""
    with store.reading() as session:
        return "\n".join(
            str(row) for table in SQLModel.metadata.sorted_tables for row in session.execute(table.select())
        )


def test_nothing_personal_is_left(store: Store, channel: EmlChannel, tmp_path: Path) -> None:
    """Neither in a table, nor in the outbox, nor in the database's own files."""
    lived_through(store, channel)
    forget(store, "bolt", who="Dana", now=NOW + DAY, channels=[channel])
    gone = forget(store, "acme", who="Dana", now=NOW + DAY, channels=[channel])
    assert gone.rows == {
        "clicks": 1,
        "replies": 1,
        "outcomes": 1,
        "deliveries": 1,
        "decisions": 1,
        "versions": 1,
        "drafts": 1,
        "briefs": 1,
        "opportunities": 1,
    }
    left = dump(store)
    assert not [secret for secret in SECRETS if secret in left]
    assert list((tmp_path / "outbox").iterdir()) == []
    for path in tmp_path.glob("state.db*"):
        raw = path.read_bytes()
        assert not [secret for secret in SECRETS if secret.encode() in raw], path.name


def test_the_neighbour_keeps_everything(store: Store, channel: EmlChannel, tmp_path: Path) -> None:
    """Only the one account is erased."""
    lived_through(store, channel)
    forget(store, "acme", who="Dana", now=NOW + DAY, channels=[channel])
    assert [line.account_id for line in list_drafts(store)] == ["bolt"]
    assert [one.account_id for one in list_deliveries(store)] == ["bolt"]
    assert newest_opportunity(store, "bolt") == an_assessment("bolt")
    assert newest_opportunity(store, "acme") is None
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1


def test_the_suppression_survives_by_its_hash(store: Store, channel: EmlChannel) -> None:
    """Should the account come back with the next sync, nobody writes to it."""
    lived_through(store, channel)
    forget(store, "acme", who="Dana", now=NOW + DAY, addresses=["ann@home.example"])
    later = NOW + 60 * DAY
    with store.reading() as session:
        for account_id, address in [
            ("acme", None),
            (None, "ANN@acme.example"),
            (None, "ann@home.example"),
        ]:
            assert suppression_of(session, account_id=account_id, address=address, now=later)
    draft_id = queued(store, now=later, as_of=AS_OF + 60 * DAY).draft_id
    with pytest.raises(Stale, match="forgotten"):
        approved(store, draft_id, now=later)


def test_what_waits_in_the_outbox_is_not_sent_any_more(store: Store, channel: EmlChannel) -> None:
    """Erased means erased."""
    on_its_way(store)
    forget(store, "acme", who="Dana", now=NOW)
    assert send(store, [channel], now=NOW) == ()


def test_one_line_says_that_it_was_done(store: Store, channel: EmlChannel) -> None:
    """By whom and when, and how much."""
    lived_through(store, channel)
    forget(store, "acme", who="Dana", now=NOW + DAY)
    with store.reading() as session:
        lines = [one for one in session.exec(select(AuditLine)) if one.what == "forgotten"]
    assert [(one.who, one.at, one.subject, one.after["drafts"]) for one in lines] == [
        ("Dana", NOW + DAY, "account:acme", 1)
    ]


def test_forgetting_twice_changes_nothing_more(store: Store, channel: EmlChannel) -> None:
    """Nor does forgetting an account nobody knows."""
    lived_through(store, channel)
    forget(store, "acme", who="Dana", now=NOW + DAY)
    assert set(forget(store, "acme", who="Dana", now=NOW + DAY).rows.values()) == {0}
    assert set(forget(store, "nobody", who="Dana", now=NOW + DAY).rows.values()) == {0}
