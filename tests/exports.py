"""Workspaces for tests: a world's facts written as canonical CSV exports, beside an outgrown.toml."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from agent.facts.tables import TABLES, Fact

TOML = """
[company]
name = "Acme Docs"
product = "Acme Docs"
sender_name = "Dana"
sender_email = "dana@acme.example"
allowed_links = ["https://acme.example"]

[connectors.files]
dir = "exports"

[[offers]]
kind = "seat_expansion"
name = "5 more seats"
price_minor = 4500
currency = "EUR"
per = "month"
benefit = "everyone who was invited can get in"

[benefits]
growth = "exports keep running until the end of the month"
"""


def write_workspace(folder: Path, facts: Iterable[Fact], toml: str = TOML) -> Path:
    """A workspace in `folder` with one CSV for each table that has facts."""
    (folder / "exports").mkdir(parents=True, exist_ok=True)
    (folder / "outgrown.toml").write_text(toml, encoding="utf-8")
    rows: dict[str, list[Fact]] = {}
    for fact in facts:
        rows.setdefault(fact.TABLE, []).append(fact)
    for table, found in rows.items():
        with (folder / "exports" / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            names = list(TABLES[table].model_fields)
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([[_cell(getattr(fact, name)) for name in names] for fact in found])
    return folder


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date | datetime):
        return value.isoformat()
    return f"{value:g}" if isinstance(value, float) else str(value)
