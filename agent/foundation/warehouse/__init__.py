"""The connection to the facts: our own DuckDB file, or the user's warehouse where it stands, both through Ibis."""

from agent.foundation.warehouse.address import Kind, shown_url, title_of
from agent.foundation.warehouse.file import WAIT_SECONDS, open_warehouse
from agent.foundation.warehouse.reading import Warehouse, compiled, fetch, fetch_sql, named_table, scalar
from agent.foundation.warehouse.remote import open_remote
from agent.foundation.warehouse.scratch import (
    create_temporary,
    drop_temporary,
    has_temporary_views,
    memory_table,
)

__all__ = [
    "WAIT_SECONDS",
    "Kind",
    "Warehouse",
    "compiled",
    "create_temporary",
    "drop_temporary",
    "fetch",
    "fetch_sql",
    "has_temporary_views",
    "memory_table",
    "named_table",
    "open_remote",
    "open_warehouse",
    "scalar",
    "shown_url",
    "title_of",
]
