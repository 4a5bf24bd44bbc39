"""The fixtures of this room's tests."""

from tests.postgres import empty_postgres_url, postgres_server, postgres_url
from tests.stores import ready_sqlite, state_url, store

__all__ = ["empty_postgres_url", "postgres_server", "postgres_url", "ready_sqlite", "state_url", "store"]
