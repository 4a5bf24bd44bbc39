"""What the README says of triggers of one's own is what loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from agent.signals.kinds import KINDS
from agent.signals.library import load_library
from agent.signals.own.kind import Kind

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Your own triggers")[2].partition("\n## ")[0]


def block(language: str) -> str:
    """The section's code in that language."""
    found = re.search(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_examples_load(tmp_path: Path):
    """The table of outgrown.toml and the Python function, side by side."""
    document = tomllib.loads(block("toml"))
    file = tmp_path / "triggers.py"
    file.write_text(block("python"), encoding="utf-8")
    library = load_library(document["triggers"], document["groups"], [str(file)])
    assert [entry.name for entry in library.entries if entry.own] == ["many_exports", "shared_reports"]


def test_every_setting_of_every_kind_is_told():
    """A row for each kind with all its settings, those of counting once."""
    rows = {
        name: next(line for line in SECTION.splitlines() if line.startswith(f"| `{name}`")) for name in KINDS
    }
    counted = rows["count_in_window"]
    for name, kind in KINDS.items():
        for setting in kind.model_fields.keys() - Kind.model_fields.keys():
            told = rows[name] + (counted if name == "growth_against_baseline" else "")
            assert f"`{setting}`" in told, f"{name}: {setting}"
