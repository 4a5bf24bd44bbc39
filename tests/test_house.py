"""The house rules that can be checked: the import rule, light start-up, and packaged data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = (
    *("ibis", "duckdb", "sqlmodel", "sqlalchemy", "jinja2", "babel", "pydantic", "alembic", "rich.table"),
    *("langchain", "langchain_core", "langchain_openai", "langsmith", "openai", "httpx", "httpx2"),
)
MODEL = ("langchain", "langchain_core", "langchain_openai", "langsmith", "openai")


def test_modules_import_from_their_own_room_or_an_earlier_one():
    """The layers of .importlinter hold."""
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True) == 0


@pytest.mark.parametrize("heavy", HEAVY)
def test_help_loads_nothing_heavy(heavy):
    """`outgrown --help` answers before any library of the engine is loaded."""
    code = f"import sys, agent.faces.cli; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("room", ["agent.foundation.llm", "agent.foundation.llm.client", "agent.wiring"])
def test_a_model_library_is_loaded_when_a_model_is_asked(room):
    """Not by importing what can ask one: those who have no key do not pay for it with their time."""
    code = f"import sys, {room}; sys.exit(any(name in sys.modules for name in {MODEL!r}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_each_engine_library_is_named_in_its_own_rooms_only():
    """Ibis and DuckDB belong to facts, signals and the warehouse, LangChain and OpenAI to the model's room."""
    allowed = {
        "import ibis": ("foundation/warehouse/", "signals/"),
        "import duckdb": ("foundation/warehouse/", "facts/"),
        "import langchain": ("foundation/llm/",),
        "from langchain": ("foundation/llm/",),
        "from langsmith": ("foundation/llm/",),
        "import openai": ("foundation/llm/",),
        "from openai": ("foundation/llm/",),
    }
    for line, homes in allowed.items():
        for path in (ROOT / "agent").rglob("*.py"):
            place = path.relative_to(ROOT / "agent").as_posix()
            if any(place.startswith(home) for home in homes):
                continue
            assert line not in path.read_text(encoding="utf-8"), f"{place} names {line.split()[1]}"


def test_no_file_names_a_registry_or_a_machine():
    """What is committed speaks of the product alone."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    forbidden = [
        "pypi" + ".org",
        "python" + "hosted.org",
        "registry" + ".npmjs",
        "/ro" + "ot/",
        "/wo" + "rk/",
    ]
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".gz"}:
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not [word for word in forbidden if word in text], name
