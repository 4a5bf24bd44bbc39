"""Files: exports that lie in a folder, one per canonical table or mapped to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.facts.staged import Staged
from agent.facts.tables import TABLES
from agent.foundation.errors import ConfigError, InputError

if TYPE_CHECKING:
    from agent.foundation.settings import FilesConnector, Settings, Workspace

REQUIRED = ("accounts", "plans", "subscriptions")


@dataclass(frozen=True)
class Files:
    """The connector of exported files."""

    name: str = "files"

    def configured(self, settings: Settings) -> bool:
        """Whether the workspace has a [connectors.files]."""
        return settings.connectors.files is not None

    def max_rejected(self, settings: Settings) -> float:
        """The allowed share of bad rows per table."""
        return _section(settings).max_rejected

    def pull(self, workspace: Workspace, duck: Any, since: date | None) -> Sequence[Staged]:
        """Every canonical file in the folder; `since` changes nothing, a file is always read whole."""
        from connectors import _sources

        section = _section(workspace.settings)
        folder = workspace.folder / Path(section.dir).expanduser()
        if not folder.is_dir():
            raise ConfigError(
                f"There is no folder {folder}; put the exports there or mend dir in [connectors.files]."
            )
        staged = []
        for path in sorted(folder.iterdir()):
            table = _sources.stem(path)
            if table not in TABLES:
                continue
            staged.append(stage_file(duck, table, path))
        return staged


def stage_file(duck: Any, table: str, path: Path) -> Staged:
    """A file whose columns have the canonical names."""
    from connectors import _sources, _sql

    source = _sources.open_source(duck, path)
    columns = ", ".join(f"c{n} AS {_sql.name(c)}" for n, c in enumerate(source.names))
    relation = f"SELECT {columns} FROM ({source.relation})"
    return Staged(table, path.name, relation, source.lines, source.unread)


def _section(settings: Settings) -> FilesConnector:
    assert settings.connectors.files is not None  # noqa: S101
    return settings.connectors.files
