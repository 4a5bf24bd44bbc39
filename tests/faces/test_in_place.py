"""The commands on a warehouse of the founder's own: what they read, what they refuse, what they never do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.faces.cli import app
from agent.foundation.errors import OutgrownError
from tests.exports import write_workspace
from tests.faces.test_commands import READY, company
from tests.postgres import empty_postgres_url, postgres_server
from tests.warehouses import fill_postgres
from tests.worlds import MOMENT

__all__ = ["empty_postgres_url", "postgres_server"]


@pytest.fixture(autouse=True)
def at_the_tests_moment(monkeypatch):
    """The clock of every command, and no settings but the test's."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    for name in ("OUTGROWN_STATE_URL", "OUTGROWN_WAREHOUSE_URL"):
        monkeypatch.delenv(name, raising=False)


def run(workspace: Path, *words: str) -> Any:
    """A command's answer as JSON; it has to go well."""
    result = CliRunner().invoke(app, [*words, "--json", "--workspace", str(workspace)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def reading_from(folder: Path, url: str, more: str = "") -> Path:
    """A copy of the workspace without facts of its own, which reads a warehouse in place."""
    there = Path(
        shutil.copytree(
            folder,
            folder.parent / "in_place",
            ignore=shutil.ignore_patterns("*.duckdb", "exports", "state.db*"),
        )
    )
    with (there / "outgrown.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[warehouse]\nurl = "{url}"\n{more}')
    return there


@pytest.fixture
def at_home(tmp_path: Path) -> Path:
    """A workspace whose exports have been read."""
    folder = write_workspace(tmp_path / "home", company().facts)
    run(folder, "sync")
    return folder


def without_sources(scan: dict[str, Any]) -> dict[str, Any]:
    """A scan's answer but for where its facts were read from."""
    return {key: value for key, value in scan.items() if key != "sources"}


@pytest.mark.slow
def test_the_whole_job_runs_on_somebodys_own_duckdb_file(at_home, tmp_path):
    """Scan, explain, draft and digest say what they say at home, and the file is as it was."""
    file = tmp_path / "theirs.duckdb"
    shutil.copy(at_home / ".outgrown" / "facts.duckdb", file)
    before = file.read_bytes()
    there = reading_from(at_home, f"duckdb://{file}")
    assert run(there, "sync") == {"tables": [], "sources": [], "unsettled": {}}
    assert without_sources(run(there, "scan")) == without_sources(run(at_home, "scan"))
    assert run(there, "explain", READY)["status"] == "ready"
    assert len(run(there, "draft")["drafts"]) == 1
    run(there, "digest")
    assert file.read_bytes() == before
    assert not (there / ".outgrown" / "facts.duckdb").exists()


@pytest.mark.slow
def test_commands_read_postgresql_with_a_password_from_the_environment(
    at_home, empty_postgres_url, monkeypatch
):
    """The password stands in no file, and the doctor does not show it."""
    fill_postgres(empty_postgres_url, company().facts)
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "p@ss/w:rd")
    there = reading_from(at_home, empty_postgres_url.replace("postgres:@", "postgres:${WAREHOUSE_PASSWORD}@"))
    found = run(there, "scan")
    assert [one["account_id"] for one in found["accounts"]] == [
        one["account_id"] for one in run(at_home, "scan")["accounts"]
    ]
    assert {source["source"] for source in found["sources"]} == {"warehouse"}
    checks = run(there, "doctor")["checks"]
    [said] = [check for check in checks if check["name"] == "warehouse"]
    assert said["state"] == "ok"
    assert said["says"].startswith("PostgreSQL at postgresql://postgres:***@/")
    assert "p@ss" not in json.dumps(checks)
    assert "p%40ss" not in json.dumps(checks)


@pytest.mark.parametrize(
    ("url", "says", "code"),
    [
        (
            "postgres://x:${NOT_SET_ANYWHERE}@h/db",
            "warehouse.url names ${NOT_SET_ANYWHERE}, which is not set",
            2,
        ),
        ("duckdb:///nowhere/facts.duckdb", "There is no DuckDB file at /nowhere/facts.duckdb", 1),
        ("oracle://h/db", "does not begin with one of duckdb://", 2),
        ("postgres://dana:s3cr3t@127.0.0.1:1/db", "cannot be reached", 1),
    ],
)
def test_a_warehouse_that_cannot_be_read_is_one_sentence(at_home, url, says, code):
    """What is wrong, where, and how to mend it; never the password."""
    there = reading_from(at_home, url)
    result = CliRunner().invoke(app, ["scan", "--workspace", str(there)])
    assert isinstance(result.exception, OutgrownError), result.exception
    assert result.exception.exit_code == code
    assert says in str(result.exception)
    assert "s3cr3t" not in str(result.exception)
    failed = CliRunner().invoke(app, ["doctor", "--json", "--workspace", str(there)])
    assert "s3cr3t" not in failed.output
    assert {
        check["state"] for check in json.loads(failed.stdout)["checks"] if check["name"] == "warehouse"
    } == {"fail"}


def test_forgetting_leaves_the_warehouse_as_it_is_and_says_so(at_home, tmp_path):
    """We only read there."""
    file = tmp_path / "theirs.duckdb"
    shutil.copy(at_home / ".outgrown" / "facts.duckdb", file)
    there = reading_from(at_home, f"duckdb://{file}")
    before = file.read_bytes()
    result = CliRunner().invoke(app, ["forget", READY, "--yes", "--workspace", str(there)])
    assert result.exit_code == 0
    assert "erase them there" in result.output.replace("\n", " ")
    assert file.read_bytes() == before
