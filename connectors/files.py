"""Files: exports that lie in a folder, one per canonical table or mapped to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.facts.staged import Staged
from agent.foundation.errors import ConfigError

if TYPE_CHECKING:
    from agent.foundation.settings import FilesConnector, Settings, Workspace

REQUIRED = ("accounts", "plans", "subscriptions")
"What a scan cannot do without."


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

    def pull(self, workspace: Workspace, duck: Any, since: date | None) -> Sequence[Staged]:  # noqa: ARG002
        """Every canonical and every mapped file; `since` changes nothing, for a file is read whole.

        Raises ConfigError for a setting and InputError for a file that is wrong.
        """
        from connectors import _canonical, _foreign
        from connectors._mapping import given_rows, table_maps

        section = _section(workspace.settings)
        folder = workspace.folder / Path(section.dir).expanduser()
        maps, rows = table_maps(section.map), given_rows(section.rows)
        if not folder.is_dir():
            raise ConfigError(
                f"There is no folder {folder}; put the exports there, or mend dir in [connectors.files]."
            )
        mapped = {name for _, _, made in maps for name in (made.file, *(join.file for join in made.join))}
        given = {table for table, *_ in maps} | {table for table, *_ in rows}
        found = _canonical.find(folder, mapped, given)
        # Where a vendor is connected, it may be the vendor that gives them.
        required = () if workspace.settings.connectors.vendors else REQUIRED
        _canonical.require(required, folder, found, given)
        staged = [
            *(
                _canonical.staged(duck, table, path, needed=table in required)
                for table, path in found.files.items()
            ),
            *(_foreign.staged(duck, folder, table, made, where) for table, where, made in maps),
            *(_foreign.given(table, given_here, where) for table, where, given_here in rows),
        ]
        if found.others and staged:
            note = f"other files in the folder, not read: {', '.join(found.others)}"
            staged[0] = replace(staged[0], notes=(*staged[0].notes, note))
        return staged


def _section(settings: Settings) -> FilesConnector:
    if settings.connectors.files is None:
        raise ConfigError("The files are not configured; add [connectors.files] with dir to outgrown.toml.")
    return settings.connectors.files
