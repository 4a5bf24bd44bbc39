"""Setting up a connector: what it needs, where that comes from, whether it works, and what it reads."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.faces.terminal import shown
from agent.foundation.access import given
from agent.foundation.errors import ConfigError, UsageError
from agent.foundation.settings import FILE, open_workspace

if TYPE_CHECKING:
    from rich.console import Console

    from agent.wiring import House
    from connectors._vendor import Key, Vendor
    from connectors.trying import Tried


@dataclass
class Connected:
    """A connector that answered."""

    name: str
    title: str
    tried: Tried
    wrote: list[str]
    "What was written into which file, each in a few words."

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "connector": self.name, "says": self.tried.says, "rows": self.tried.rows, "rejected": self.tried.rejected,
            "wrote": self.wrote,
        }  # fmt: skip


def overview(house: House) -> list[dict[str, Any]]:
    """Every connector: what it gives, whether it is configured, which keys are still missing."""
    from connectors import VENDORS

    there = {vendor.name for vendor in house.vendors}
    return [
        {
            "connector": vendor.name, "title": vendor.title, "gives": list(vendor.tables),
            "configured": vendor.name in there,
            "missing_keys": [key.name for key in vendor.keys if not key.optional and not given(key.name)],
        }
        for vendor in VENDORS.values()
    ]  # fmt: skip


def show_overview(lines: Sequence[dict[str, Any]], out: Console) -> None:
    """The connectors as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("connector", "gives", "state"):
        table.add_column(column)
    for line in lines:
        missing = line["missing_keys"]
        lacks = f", lacks {', '.join(missing)}" if missing else ""
        state = f"configured{lacks}" if line["configured"] else ""
        table.add_row(line["connector"], ", ".join(line["gives"]), state)
    out.print(table)
    out.print("`outgrown connect NAME` sets one up.")


def connect(
    folder: Path | None,
    name: str,
    settings: Sequence[str],
    rows: int,
    *,
    ask: bool,
    tell: Callable[[str], None],
) -> Connected:
    """Get what the connector needs, write it down, test it, and read the first rows.

    Keys are asked for on a terminal (`ask`) and go into .env; settings go into outgrown.toml.

    Raises ConfigError for what is missing, UsageError for a connector or setting that does not exist, SourceFailed for
    whatever the vendor says.
    """
    from agent.wiring import House

    workspace = open_workspace(folder)
    house = House(workspace)
    try:
        vendor = house.vendor(name)
        asks = ask and sys.stdin.isatty()
        wrote = _keys(vendor, workspace.folder / ".env", tell, asks)
        wrote += _table(
            vendor, workspace.folder / FILE, workspace.settings.connectors.vendors, settings, asks
        )
    finally:
        house.close()
    again = House(open_workspace(folder))
    try:
        tell(f"Asking {vendor.title} …")
        return Connected(name, vendor.title, again.try_vendor(vendor, rows), wrote)
    finally:
        again.close()


def _keys(vendor: Vendor, path: Path, tell: Callable[[str], None], asks: bool) -> list[str]:
    """See to the keys; those that are typed in go into .env, which its owner alone may read."""
    missing = [key for key in vendor.keys if not key.optional and not given(key.name)]
    if not missing:
        return []
    for key in missing:
        tell(f"{vendor.title} needs {key.name}: {key.what}.{_rights(key)}")
    if not asks:
        names = " and ".join(key.name for key in missing)
        raise ConfigError(
            f"{names} {'is' if len(missing) == 1 else 'are'} not set; put the above into {path}."
        )
    import getpass

    lines = []
    for key in missing:
        value = getpass.getpass(f"{key.name} (not shown; empty stops): ").strip()
        if not value:
            raise UsageError(
                f"Nothing was written; run `outgrown connect {vendor.name}` again with {key.name} at hand."
            )
        if any(ord(letter) < 33 for letter in value):
            raise UsageError(f"{key.name} holds blanks or line breaks; copy it again.")
        lines.append((key.name, value))
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    break_ = "" if not text or text.endswith("\n") else "\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(break_ + "".join(f"{name}={value}\n" for name, value in lines))
    path.chmod(0o600)
    for name, value in lines:
        os.environ[name] = value
    return [f"{name} into {path}" for name, _ in lines]


def _rights(key: Key) -> str:
    return f" It needs no more than: {key.rights}." if key.rights else ""


def _table(
    vendor: Vendor, path: Path, configured: dict[str, Any], settings: Sequence[str], asks: bool
) -> list[str]:
    """See to the table in outgrown.toml: added where it is not there; one that is there is left alone."""
    from agent.foundation.settings import check_section

    values = dict(_setting(vendor, one) for one in settings)
    there = configured.get(vendor.name)
    known = there if isinstance(there, dict) else {}
    if taken := [name for name in values if name in known]:
        raise UsageError(
            f"[connectors.{vendor.name}] in {path} has {', '.join(taken)} already; change it there."
        )
    for name in needed_settings(vendor):
        if name not in values and name not in known and asks:
            description = (vendor.section.model_fields[name].description or "").strip()
            typed = input(f"{name}{f' ({description})' if description else ''}: ").strip()
            if typed:
                values[name] = typed
    if missing := [name for name in needed_settings(vendor) if name not in values and name not in known]:
        flags = " ".join(f"--set {name}=…" for name in missing)
        raise ConfigError(
            f"{vendor.title} needs {' and '.join(missing)}; run `outgrown connect {vendor.name} {flags}`."
        )
    check_section(vendor.section, {**known, **values}, f"{FILE} [connectors.{vendor.name}]")
    if there is not None and not values:
        return []
    header, lines = (
        f"[connectors.{vendor.name}]",
        [f"{name} = {_toml(value)}" for name, value in values.items()],
    )
    before = path.read_text(encoding="utf-8")
    if there is None:
        after = "\n".join([before.rstrip("\n"), "", header, *lines]) + "\n"
    else:
        after = re.sub(
            rf"(?m)^\s*{re.escape(header)}.*$", lambda found: "\n".join([found[0], *lines]), before, count=1
        )
    if tomllib.loads(after)["connectors"].get(vendor.name) != {**known, **values}:
        raise ConfigError(f"{path} could not be added to; put {' and '.join(lines)} under {header} there.")
    path.write_text(after, encoding="utf-8")
    return [f"{', '.join(values) or header} into {path}"]


def needed_settings(vendor: Vendor) -> list[str]:
    """The settings a connector cannot do without."""
    needed = [name for name, field in vendor.section.model_fields.items() if field.is_required()]
    is_placed = vendor.url or not vendor.keys or given(f"OUTGROWN_{vendor.name.upper()}_URL")
    return needed if is_placed or "base_url" in needed else [*needed, "base_url"]


def _setting(vendor: Vendor, text: str) -> tuple[str, Any]:
    """A setting as given with --set: `name=value`, the value as TOML where it is some."""
    from connectors._words import advice

    name, equals, value = text.partition("=")
    known = vendor.section.model_fields
    if not equals:
        raise UsageError(f"--set {text!r} is not of the form KEY=VALUE.")
    if name not in known:
        raise UsageError(f"{vendor.title} has no setting '{name}'; {advice(name, known, 'there are')}")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


def _toml(value: Any) -> str:
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    # Every JSON string is a TOML string.
    return json.dumps(str(value))


def show_tried(done: Connected, out: Console) -> None:
    """What was written, whom the key belongs to, and the first rows, table by table."""
    for line in done.wrote:
        out.print(f"Wrote {shown(line)}", soft_wrap=True)
    out.print(f"{done.title}: {shown(done.tried.says)}", soft_wrap=True)
    for table, rows in done.tried.rows.items():
        out.print(f"\n{table}")
        for row in rows:
            out.print(
                "  " + ", ".join(f"{name} {shown(_short(value))}" for name, value in row.items()),
                soft_wrap=True,
            )
    if not any(done.tried.rows.values()):
        out.print("No rows came: nothing changed there in the last days.")
    for bad in done.tried.rejected[:5]:
        out.print(f"  rejected {shown(bad)}", soft_wrap=True)


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"
