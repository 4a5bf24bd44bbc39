"""The state: one engine on SQLite or PostgreSQL, brought up to date on opening."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlmodel import Session

from agent.foundation.errors import ConfigError, StoreBusy, StoreError

HEAD = "0004"
"The newest migration; equal to what Alembic finds in migrations/versions."

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
BUSY_SECONDS = 30.0
_MIGRATION_LOCK = 0x6F757467


class Store:
    """An open state: sessions for writing and for reading."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(writing=True)
        options = (
            {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        self._reader = engine.execution_options(**options)

    @property
    def is_sqlite(self) -> bool:
        """Whether the state is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose work is committed whole when the block ends, and not at all when it raises."""
        with (
            _told(self.engine.url),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one moment of the state and cannot change it."""
        with _told(self.engine.url), Session(self._reader, expire_on_commit=False) as session:
            yield session

    def scrub(self) -> None:
        """Take erased rows out of the write-ahead log too (SQLite; PostgreSQL vacuums by itself)."""
        if self.is_sqlite:
            with _told(self.engine.url), self.engine.connect() as connection:
                connection.rollback()
                raw: Any = connection.connection.driver_connection
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_store(url: str) -> Store:
    """The state at an SQLAlchemy URL, migrated to the newest version.

    Raises ConfigError for a URL that cannot be meant, StoreError when the state cannot be opened.
    """
    engine = _engine(_checked(url))
    try:
        with _told(engine.url):
            if _version(engine) != HEAD:
                _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)


def changed(session: Session, statement: Executable) -> int:
    """How many rows an UPDATE or DELETE changed: what decides who was first."""
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return int(cast("CursorResult[Any]", result).rowcount)


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The cause would show the URL, and with it a password.
        raise ConfigError(
            "The state's URL is not one; write it like sqlite:///state.db or postgresql://user@host/database, "
            "with %2F for / and %40 for @ in a password."
        ) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql" or parsed.drivername == "postgres":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigError(f"The state cannot live in {backend}; use sqlite:///FILE or postgresql://.")
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError("The state must outlive the process; give SQLite a file: sqlite:///state.db.")
    return parsed


def _engine(url: URL) -> Engine:
    try:
        if url.get_backend_name() == "postgresql":
            return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
        path = Path(str(url.database))
        if not path.parent.is_dir():
            raise StoreError(
                f"The folder {path.parent} for the state does not exist; make it, or name another."
            )
        if not path.exists():
            path.touch(mode=0o600)
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    except (ImportError, NoSuchModuleError) as bad:
        raise ConfigError("State on PostgreSQL needs psycopg; install outgrown[postgres].") from bad
    except OSError as bad:
        raise StoreError(f"The state at {url.database} cannot be made: {bad.strerror or bad}.") from bad
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(raw: Any, _record: Any) -> None:
    """Durable, waiting, checked: a lost commit would be a message sent twice."""
    raw.isolation_level = None
    deadline = time.monotonic() + BUSY_SECONDS
    while raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            raw.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # The busy timeout does not cover the change of journal mode.
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        raw.execute(f"PRAGMA {pragma}")
    raw.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


def _begin_sqlite(connection: Connection) -> None:
    """Writers queue at the start, so that none fails half-way for having read first."""
    is_writing = bool(connection.get_execution_options().get("writing"))
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if is_writing else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _version(engine: Engine) -> str | None:
    """The migration the state is at; None for an empty one."""
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, "alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return None if found is None else str(found)


def _migrate(engine: Engine) -> None:
    """Run the missing migrations in one transaction; of several processes at once, one does it."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.execution_options(writing=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as bad:
            raise StoreError(
                "The state was made by a newer Outgrown; install that version or newer."
            ) from bad


def _where(url: URL) -> str:
    """The place of the state, without the password: a file, or a server and its database."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"


@contextmanager
def _told(url: URL) -> Iterator[None]:
    """Database errors as sentences, without the statement's values."""
    try:
        yield
    except DBAPIError as bad:
        said = str(bad.orig).strip().splitlines()[0] if str(bad.orig).strip() else type(bad.orig).__name__
        if "database is locked" in said or "lock timeout" in said:
            raise StoreBusy("The state is in use by another process; wait for it, then try again.") from bad
        raise StoreError(
            f"The state at {_where(url)} cannot be used ({said.rstrip('.')}); {_mend(url, said)}."
        ) from bad
    except SQLAlchemyError as bad:
        raise StoreError(
            f"The state at {_where(url)} cannot be used ({type(bad).__name__}); {_mend(url, '')}."
        ) from bad


def _mend(url: URL, said: str) -> str:
    """How to mend what SQLite or PostgreSQL said."""
    if any(word in said for word in ("not a database", "malformed", "file is encrypted")):
        return "put back your newest copy of that file; it holds your drafts, decisions and silences"
    if any(word in said for word in ("full", "No space left", "disk I/O")):
        return "make room, then run the command again; nothing was changed"
    if any(word in said for word in ("readonly", "unable to open", "ermission denied")):
        return "mend its permissions"
    if url.get_backend_name() == "sqlite":
        return "run `outgrown doctor` to see what is wrong"
    return "start the database, or mend OUTGROWN_STATE_URL or url in [state]"
