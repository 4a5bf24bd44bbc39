"""A sync: every configured source pulled, and its facts taken through the door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from agent.facts.door import load
from agent.facts.staged import TableReport
from agent.foundation.errors import ConfigError, UsageError
from connectors import BUILT_IN, Connector
from connectors._words import advice

if TYPE_CHECKING:
    from agent.foundation.settings import Settings, Workspace
    from agent.foundation.warehouse import Warehouse


def run(
    workspace: Workspace,
    warehouse: Warehouse,
    names: Sequence[str] = (),
    since: date | None = None,
    *,
    read_at: datetime,
    progress: Callable[[str], None] = lambda _: None,
) -> list[TableReport]:
    """Pull the sources called `names` (none: all that are configured) and load what they give.

    `progress` is told one sentence per step. Each source is one transaction.

    Raises UsageError for an unknown name, ConfigError when nothing is configured, InputError and
    TooManyRejected for what cannot be read.
    """
    reports: list[TableReport] = []
    for connector in chosen(workspace.settings, names):
        progress(f"reading {connector.name}")
        staged = connector.pull(workspace, warehouse.duck, since)
        progress(f"loading {', '.join(dict.fromkeys(part.table for part in staged))} from {connector.name}")
        reports += load(
            warehouse,
            connector.name,
            staged,
            read_at=read_at,
            max_rejected=connector.max_rejected(workspace.settings),
        )
    return reports


def chosen(settings: Settings, names: Sequence[str]) -> list[Connector]:
    """The connectors called `names`, or all configured ones."""
    known = {connector.name: connector for connector in BUILT_IN}
    for name in names:
        if name not in known:
            raise UsageError(f"There is no source called '{name}'; {advice(name, known, 'there are')}")
        if not known[name].configured(settings):
            raise ConfigError(
                f"The source '{name}' is not configured; add [connectors.{name}] to outgrown.toml."
            )
    wanted = names or [name for name, connector in known.items() if connector.configured(settings)]
    if not wanted:
        raise ConfigError("No source is configured; add [connectors.files] with dir to outgrown.toml.")
    return [known[name] for name in dict.fromkeys(wanted)]
