"""The fixtures of this room's tests."""

from tests.faces.serving.workspaces import bare, drafted, house, read_company, unread, unread_company
from tests.postgres import postgres_server, postgres_url
from tests.stores import ready_sqlite

__all__ = [
    "bare",
    "drafted",
    "house",
    "postgres_server",
    "postgres_url",
    "read_company",
    "ready_sqlite",
    "unread",
    "unread_company",
]
