"""From one schema to the next and back, with rows in it."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text
from sqlmodel import Session

from agent.approval.audit import record
from agent.approval.spending import limits_of, month
from agent.approval.views import show_draft
from agent.drafting.making import Making
from agent.foundation import store as state
from agent.foundation.errors import StoreError
from agent.foundation.settings import Llm
from agent.foundation.store import Store, open_store
from tests.approval.made import NOW, a_brief, queued


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'state.db'}"


def move(store: Store, to: str) -> None:
    """Bring the state to another schema."""
    config = Config()
    config.set_main_option("script_location", str(state.MIGRATIONS))
    with store.engine.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        before = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        (command.downgrade if to < before else command.upgrade)(config, to)


ROWS: dict[str, dict[str, Any]] = {
    "briefs": {
        "brief_id": "b1",
        "account_id": "acme",
        "as_of": date(2026, 3, 1),
        "created_at": NOW,
        "document": a_brief().model_dump_json(),
    },
    "drafts": {
        "draft_id": "b1xx",
        "brief_id": "b1",
        "account_id": "acme",
        "state": "pending",
        "version": 2,
        "points": 9,
        "adds_monthly_minor": 2000,
        "created_at": NOW,
        "expires_at": datetime(2026, 3, 16),
        "moved_at": NOW,
        "moved_by": "template",
    },
}
VERSION: dict[str, Any] = {"subject": "Exports", "violations": "[]", "confirmed": "[]", "created_at": NOW}


def insert(session: Session, table: str, row: dict[str, Any]) -> None:
    """One row, as an earlier Outgrown wrote it."""
    names = ", ".join(row)
    session.execute(
        text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row
    )


@pytest.fixture
def first_schema(empty_url: str) -> str:
    """The URL of a state as the first schema left it, with a draft of two versions."""
    with open_store(empty_url) as opened:
        move(opened, "0001")
        with opened.writing() as session:
            for table, row in ROWS.items():
                insert(session, table, row)
            for number, author in ((1, "template"), (2, "Dana")):
                row = {
                    "draft_id": "b1xx",
                    "number": number,
                    "author": author,
                    "body": f"Text {number}.",
                    **VERSION,
                }
                insert(session, "draft_versions", row)
            record(session, at=NOW, who="Dana", what="edited", subject="draft:b1xx")
    return empty_url


def refuses_to_rewrite(store: Store) -> None:
    """History is as it was written, whoever asks."""
    for statement in ("UPDATE draft_versions SET body = 'other'", "UPDATE briefs SET document = '{}'",
                      "UPDATE audit SET who = 'nobody'", "DELETE FROM audit"):  # fmt: skip
        with pytest.raises(StoreError, match="append-only"), store.writing() as session:
            session.execute(text(statement))


def test_opening_a_state_of_the_first_schema_keeps_everything(first_schema: str) -> None:
    """Its texts, who wrote them, and that nobody can rewrite them."""
    with open_store(first_schema) as opened:
        versions = show_draft(opened, "b1xx").versions
        assert [(one.message.body, one.author, one.making.writer) for one in versions] == [
            ("Text 1.", "template", "template"),
            ("Text 2.", "Dana", "person"),
        ]
        assert month(opened, limits_of(Llm()), NOW).calls == 0
        refuses_to_rewrite(opened)


def test_going_back_and_forth_keeps_the_texts(first_schema: str) -> None:
    """What the newer schema knew besides is gone, and history is still append-only."""
    with open_store(first_schema) as opened:
        draft_id = queued(opened, "bolt").draft_id
        move(opened, "0001")
        assert "model_calls" not in inspect(opened.engine).get_table_names()
        assert "making" not in {
            column["name"] for column in inspect(opened.engine).get_columns("draft_versions")
        }
        with opened.reading() as session:
            assert session.execute(text("SELECT count(*) FROM draft_versions")).scalar_one() == 3
        refuses_to_rewrite(opened)
    with open_store(first_schema) as again:
        assert show_draft(again, draft_id).versions[0].making == Making()
        assert [one.author for one in show_draft(again, "b1xx").versions] == ["template", "Dana"]
        refuses_to_rewrite(again)
        with again.reading() as session:
            stored = session.execute(text("SELECT making FROM draft_versions")).scalars().all()
    assert {json.dumps(one) for one in stored} == {"null"}
