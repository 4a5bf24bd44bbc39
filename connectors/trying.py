"""Trying a vendor out: whether the key works, and the first rows as facts. Nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from agent.facts.tables import Fact
from agent.foundation.holder import machine_now
from connectors._rows import Batch
from connectors._vendor import Since

if TYPE_CHECKING:
    from agent.foundation.settings import Workspace
    from connectors._api import Api
    from connectors._vendor import Source, Vendor

DAYS = 3
"How far back rows to show are looked for."


@dataclass
class Tried:
    """What a vendor answered: whom the key belongs to, and some rows by landed table."""

    says: str
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    "Rows that make no sense, each in a few words."


def check(vendor: Vendor, section: Source, workspace: Workspace) -> str:
    """Whom the vendor's key belongs to, by one cheap request.

    Raises ConfigError for a missing key and SourceFailed for whatever the vendor says.
    """
    return vendor.check(_api(vendor, section, workspace))


def try_out(vendor: Vendor, section: Source, workspace: Workspace, many: int) -> Tried:
    """Check the key, and read at most so many rows of every stream.

    Raises ConfigError for a missing key and SourceFailed for whatever the vendor says.
    """
    api = _api(vendor, section, workspace)
    tried = Tried(vendor.check(api))
    since = machine_now() - timedelta(days=DAYS)
    for reading in vendor.readings:
        api.table = reading.gives[0]
        stream = reading.read(api, Since(since, is_first=False))
        found = 0
        for item in stream:
            table = item.table if isinstance(item, Batch) else item.fact.TABLE
            rows = tried.rows.setdefault(table, [])
            for row in _plain(item, many - len(rows)):
                rows.append(row)
                found += 1
            if found >= many:
                break
        close = getattr(stream, "close", None)
        if close is not None:
            close()
    tried.rejected = [f"{table}: {bad.column} {bad.reason}" for table, bad in api.rejected]
    return tried


def _api(vendor: Vendor, section: Source, workspace: Workspace) -> Api:
    from connectors._api import Api, keys_of

    return Api(vendor, section, keys_of(vendor, workspace), folder=workspace.folder)


def _plain(item: Any, many: int) -> list[dict[str, Any]]:
    if many <= 0:
        return []
    if isinstance(item, Batch):
        return [_filled(row) for row in item.rows.slice(0, many).to_pylist()]
    fact: Fact = item.fact
    return [_filled(fact.model_dump(mode="json"))]


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None and name != "changed_at"}
