"""The state on both databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlmodel import Session, SQLModel, col, select

from agent.approval import tables_running as _running  # noqa: F401
from agent.approval.audit import record
from agent.approval.tables import AuditLine, ContactRule
from agent.delivery import tables_outward as _outward  # noqa: F401
from agent.foundation import store as state
from agent.foundation.errors import ConfigError, StoreBusy, StoreError
from agent.foundation.store import Store, changed, open_store
from agent.learning import forget as _every_table  # noqa: F401
from tests.approval.made import NOW, queued


def test_a_new_state_has_every_table_of_the_models(store: Store) -> None:
    """What `alembic check` asks: migrations and models say the same."""
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_newest_migration_is_the_one_the_code_expects() -> None:
    """Otherwise every opening would migrate, or none."""
    config = Config()
    config.set_main_option("script_location", str(state.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [state.HEAD]


def test_an_empty_postgresql_database_is_migrated(empty_postgres_url: str) -> None:
    """From nothing, by opening it."""
    with open_store(empty_postgres_url) as opened, opened.reading() as session:
        assert session.exec(select(AuditLine)).all() == []


def test_opening_again_changes_nothing(store: Store, state_url: str) -> None:
    """What was written is there."""
    draft_id = queued(store).draft_id
    with open_store(state_url) as again, again.reading() as session:
        assert session.execute(text("SELECT draft_id FROM drafts")).scalar_one() == draft_id


def test_a_state_made_by_a_newer_version_is_refused(store: Store, state_url: str) -> None:
    """And left as it is."""
    with store.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer Outgrown"):
        open_store(state_url)


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it or none of it."""
    broken = tmp_path / "migrations"
    (broken / "versions").mkdir(parents=True)
    (broken / "env.py").write_text((state.MIGRATIONS / "env.py").read_text())
    (broken / "versions" / "one.py").write_text(
        "from alembic import op\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (x INTEGER)')\n    op.execute('nonsense')\n"
    )
    monkeypatch.setattr(state, "MIGRATIONS", broken)
    with pytest.raises(StoreError, match="syntax error"):
        open_store(f"sqlite:///{tmp_path / 'state.db'}")
    with sqlite3.connect(tmp_path / "state.db") as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == []
    raw.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'nobody'",
        "DELETE FROM audit",
        "UPDATE draft_versions SET body = 'other'",
        "UPDATE briefs SET document = '{}'",
    ],
)
def test_history_cannot_be_rewritten(store: Store, statement: str) -> None:
    """The database itself refuses, whoever asks."""
    queued(store)
    with pytest.raises(StoreError, match="append-only"), store.writing() as session:
        session.execute(text(statement))


def test_the_trail_cannot_be_emptied(postgres_url: str) -> None:
    """TRUNCATE goes around row triggers."""
    with open_store(postgres_url) as opened:
        queued(opened)
        with pytest.raises(StoreError, match="append-only"), opened.writing() as session:
            session.execute(text("TRUNCATE audit"))


def write_a_line(session: Session, then: str = "SELECT 1") -> None:
    """A line in the trail, and a statement after it."""
    record(session, at=NOW, who="Dana", what="x", subject="y")
    session.flush()
    session.execute(text(then))


def test_a_writing_block_that_fails_leaves_nothing(store: Store) -> None:
    """All of it or none of it."""
    with pytest.raises(StoreError), store.writing() as session:
        write_a_line(session, then="nonsense")
    with store.reading() as session:
        assert session.exec(select(AuditLine)).all() == []


def test_a_reading_block_cannot_write(store: Store) -> None:
    """Also not by mistake."""
    with pytest.raises(StoreError, match=r"readonly|read-only"), store.reading() as session:
        write_a_line(session)


def test_a_reading_block_sees_one_moment(store: Store) -> None:
    """Two questions in one block have one answer."""
    with store.reading() as session:
        assert session.exec(select(AuditLine)).all() == []
        with store.writing() as other:
            record(other, at=NOW, who="Dana", what="x", subject="y")
        assert session.exec(select(AuditLine)).all() == []


def test_an_unknown_parent_is_refused(store: Store) -> None:
    """Foreign keys hold on both."""
    with pytest.raises(StoreError, match=r"(?i)foreign key"), store.writing() as session:
        session.execute(
            text("INSERT INTO decisions (draft_id, version, kind, who, at) VALUES ('no', 1, 'x', 'y', :at)"),
            {"at": "2026-03-02 09:00:00"},
        )


def test_changed_counts_the_rows_an_update_met(store: Store) -> None:
    """It decides who was first."""
    from sqlalchemy import update

    with store.writing() as session:
        session.add(ContactRule(account_id="acme"))
        session.flush()
        one = update(ContactRule).where(col(ContactRule.account_id) == "acme").values(prompted_at=NOW)
        none = update(ContactRule).where(col(ContactRule.account_id) == "bolt").values(prompted_at=NOW)
        assert (changed(session, one), changed(session, none)) == (1, 0)


def test_sqlite_is_durable_and_private(tmp_path: Path) -> None:
    """A commit that is lost would be a message sent twice; what is erased is overwritten."""
    with open_store(f"sqlite:///{tmp_path / 'state.db'}") as opened, opened.reading() as session:
        told = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    assert told == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 30000,
    }
    assert (tmp_path / "state.db").stat().st_mode & 0o077 == 0


def test_a_taken_sqlite_file_is_said_to_be_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After waiting."""
    monkeypatch.setattr(state, "BUSY_SECONDS", 0.05)
    path = tmp_path / "state.db"
    with open_store(f"sqlite:///{path}") as opened:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="in use by another process"), opened.writing() as session:
            session.execute(text("SELECT 1"))
        holder.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not one"),
        ("state.db", "not one"),
        ("mysql://x/y", "cannot live in mysql"),
        ("sqlite://", "outlive the process"),
        ("sqlite:///:memory:", "outlive the process"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(url: str, says: str) -> None:
    """With how to write it."""
    with pytest.raises(ConfigError, match=says):
        open_store(url)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """Not made behind the user's back."""
    with pytest.raises(StoreError, match="gone for the state does not exist"):
        open_store(f"sqlite:///{tmp_path / 'gone' / 'state.db'}")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """And left as it is."""
    (tmp_path / "state.db").write_text("a diary, and a long one at that; " * 40)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{tmp_path / 'state.db'}")
    assert (tmp_path / "state.db").read_text().startswith("a diary")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_a_database_that_does_not_answer_keeps_its_password_to_itself(scheme: str) -> None:
    """However the URL is written, it is psycopg that asks; the secret is in no message."""
    with pytest.raises(StoreError) as refused:
        open_store(f"{scheme}://dana:hunter2@127.0.0.1:1/state")
    assert "hunter2" not in str(refused.value)
    assert "refused" in str(refused.value)


def test_the_tables_are_in_the_words_of_the_field(store: Store) -> None:
    """A person who opens the state finds their way."""
    assert set(inspect(store.engine).get_table_names()) == {
        "alembic_version",
        "audit",
        "briefs",
        "clicks",
        "contact_rules",
        "decisions",
        "deliveries",
        "draft_versions",
        "drafts",
        "model_calls",
        "opportunities",
        "posts",
        "outcomes",
        "outward",
        "outward_switches",
        "replies",
        "runs",
        "scan_runs",
        "sending_days",
        "suppressions",
        "switches",
    }
