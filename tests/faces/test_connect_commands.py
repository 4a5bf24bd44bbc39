"""`connect`, `identities`, `sync` and `doctor` where facts come from vendors."""

from __future__ import annotations

import json
import os
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.faces.cli import app
from tests.connectors.conftest import COMPANY, MINIMUM
from tests.vendors.server import Asked, Refusal, Vendor

NOW = "2026-03-02T09:00:00"
ORGANISATIONS = [
    {"id": 1, "name": "Alpha", "external_id": "a", "updated_at": "2026-02-01T00:00:00Z"},
    {"id": 2, "name": "=Beta\x1b[31m", "domain_names": ["beta.test"], "updated_at": "2026-02-01T00:00:00Z"},
]


class Desk(Vendor):
    """A help desk with two organisations and a ticket each."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False

    def answer(self, asked: Asked) -> Any:
        """What Zendesk would answer."""
        if self.is_down:
            raise Refusal(401, {"error": "Couldn't authenticate you"})
        if asked.path.endswith("/users/me.json"):
            return {"user": {"email": "agent@acme.example", "role": "admin"}}
        if "organizations" in asked.path:
            return {"organizations": ORGANISATIONS, "end_of_stream": True, "next_page": None, "count": 2}
        if "cursor" in asked.path:
            return {
                "tickets": [ticket(11, 1), ticket(12, 2)],
                "end_of_stream": True,
                "after_cursor": "c",
                "after_url": None,
            }
        if "comments" in asked.path:
            return {"comments": [], "links": {}, "meta": {"has_more": False}}
        return {
            "ticket_metric_events": [],
            "ticket_events": [],
            "users": [],
            "end_of_stream": True,
            "next_page": None,
        }


def ticket(number: int, organisation: int) -> dict[str, Any]:
    """A ticket as Zendesk has it."""
    return {
        "id": number, "organization_id": organisation, "created_at": "2026-02-20T00:00:00Z", "priority": "urgent",
        "updated_at": "2026-02-20T00:00:00Z", "status": "open", "subject": "Help", "description": "It broke",
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with three exports; beta has a domain."""
    exports = tmp_path / "exports"
    exports.mkdir()
    for name, text in MINIMUM.items():
        (exports / name).write_text(text)
    accounts = (
        "account_id,name,created_on,domain\na,Alpha,2026-01-01,alpha.test\nb,Beta,2026-01-01,beta.test\n"
    )
    (exports / "accounts.csv").write_text(accounts)
    (tmp_path / "outgrown.toml").write_text(COMPANY + '[connectors.files]\ndir = "exports"\n')
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line in that workspace, with keys."""
    monkeypatch.setenv("OUTGROWN_NOW", NOW)
    monkeypatch.setenv("ZENDESK_EMAIL", "agent@acme.example")
    monkeypatch.setenv("ZENDESK_API_TOKEN", "topsecrettoken")
    monkeypatch.delenv("OUTGROWN_WORKSPACE", raising=False)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(folder)])

    return invoke


@pytest.fixture
def connected(run: Any) -> Any:
    """The help desk, connected."""
    with Desk() as desk:
        done = run("connect", "zendesk", "--set", f"base_url={desk.url}", "--set", "requests_per_minute=6000")
        assert done.exit_code == 0, done.output
        yield desk


def document(result: Result) -> Any:
    """What a program reads."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_connect_tests_the_key_and_shows_rows(run: Any, folder: Path) -> None:
    """The table is written once, the rows are shown, and no row stays."""
    with Desk() as desk:
        done = run("connect", "zendesk", "--set", f"base_url={desk.url}")
        assert done.exit_code == 0, done.output
        assert "signed in as agent@acme.example" in done.stdout
        assert "account_id 1" in done.stdout
        assert "\x1b" not in done.stdout
        settings = (folder / "outgrown.toml").read_text()
        assert settings.count("[connectors.zendesk]") == 1
        again = document(run("connect", "zendesk", "--json"))
        assert (len(again["rows"]["records"]), again["wrote"]) == (2, [])
    assert not (folder / ".outgrown" / "landing").exists()


def test_connect_says_what_is_missing(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys with where they are made and their rights; settings with the command; names with the nearest one."""
    missing = run("connect", "zendesk")
    assert (missing.exit_code, "--set base_url" in str(missing.exception)) == (1, True)
    monkeypatch.delenv("ZENDESK_API_TOKEN")
    keyless = run("connect", "zendesk", "--set", "base_url=https://acme.zendesk.com")
    assert "ZENDESK_API_TOKEN" in keyless.stderr
    assert "no more than" in keyless.stderr
    for wrong, told in (
        (("zendsk",), "did you mean 'zendesk'"),
        (("zendesk", "--set", "base_ur=x"), "did you mean 'base_url'"),
        (("zendesk", "--set", "base_url"), "KEY=VALUE"),
    ):
        monkeypatch.setenv("ZENDESK_API_TOKEN", "x")
        assert told in str(run("connect", *wrong).exception)
    insecure = run("connect", "zendesk", "--set", "base_url=http://localhost.evil.test")
    assert "https" in str(insecure.exception)
    assert "[connectors.zendesk]" not in (folder / "outgrown.toml").read_text()


def test_keys_typed_in_stay_private(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal they are asked for, and go into .env that its owner alone may read."""
    import getpass
    import sys

    monkeypatch.delenv("ZENDESK_API_TOKEN")
    monkeypatch.setattr(getpass, "getpass", lambda _: "typedtoken")

    class Terminal:
        def isatty(self) -> bool:
            return True

    from agent.faces import connecting

    monkeypatch.setattr(connecting.sys, "stdin", Terminal())
    told: list[str] = []
    with Desk() as desk:
        done = connecting.connect(folder, "zendesk", [f"base_url={desk.url}"], 3, ask=True, tell=told.append)
    assert done.wrote[0].startswith("ZENDESK_API_TOKEN into")
    env = folder / ".env"
    assert env.read_text() == "ZENDESK_API_TOKEN=typedtoken\n"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert not any("typedtoken" in one for one in told)
    monkeypatch.delitem(os.environ, "ZENDESK_API_TOKEN", raising=False)
    assert sys.stdin is not None


def test_sync_tells_of_sources_and_of_records(run: Any, connected: Desk) -> None:
    """Rows and rates by source, and what is not settled."""
    done = document(run("sync", "--json"))
    [source] = done["sources"]
    assert (source["source"], source["ok"], source["rows"]) == ("zendesk", True, 4)
    assert done["unsettled"] == {"ambiguous": 0, "unmatched": 0}
    found = document(run("identities", "--json"))
    assert {one["record_id"]: (one["account_id"], one["how"]) for one in found["identities"]} == {
        "1": ("a", "id"),
        "2": ("b", "domain"),
    }


def test_a_source_that_fails_leaves_its_facts_and_holds(run: Any, connected: Desk) -> None:
    """The others load, the exit code says it, and what rests on it is held when it was never read."""
    connected.is_down = True
    failed = run("sync")
    assert failed.exit_code == 1
    assert "refused ZENDESK_EMAIL and ZENDESK_API_TOKEN (401)" in str(failed.exception)
    assert "topsecrettoken" not in failed.output + str(failed.exception)
    scanned = document(run("scan", "--json"))
    held = {one["account_id"]: [hold["says"] for hold in one["holds"]] for one in scanned["accounts"]}
    assert any("tickets were last read from zendesk" in says for says in held["a"])
    assert {one["table"]: one["read_at"] for one in scanned["sources"] if one["source"] == "zendesk"}[
        "tickets"
    ] is None
    connected.is_down = False
    assert run("sync").exit_code == 0
    healed = document(run("scan", "--json"))
    assert not any("zendesk" in hold["says"] for one in healed["accounts"] for hold in one["holds"])


def test_a_record_is_settled_and_taken_back(run: Any, connected: Desk, folder: Path) -> None:
    """Its facts move at once, nothing is read, and nothing grows fresher."""
    run("sync")
    before = len(connected.asked)
    settled = document(run("identities", "settle", "zendesk", "2", "a", "--json"))
    assert (settled["account_id"], settled["how"]) == ("a", "settled")
    assert "zendesk,2,a" in (folder / "identities.csv").read_text()
    assert tickets(folder) == {"zendesk:11": "a", "zendesk:12": "a"}
    run("identities", "unsettle", "zendesk", "2")
    assert tickets(folder) == {"zendesk:11": "a", "zendesk:12": "b"}
    run("identities", "settle", "zendesk", "2", "--ignore")
    assert tickets(folder) == {"zendesk:11": "a"}
    assert len(connected.asked) == before


def test_settling_refuses_what_cannot_be(run: Any, connected: Desk) -> None:
    """Records, accounts and sources that do not exist, two answers at once, a help desk's record as a customer."""
    run("sync")
    for words, told in (
        (("zendesk", "9", "a"), "has no record '9'"),
        (("zendesk", "2", "bb"), "no account 'bb'"),
        (("zendsk", "2", "a"), "did you mean 'zendesk'"),
        (("zendesk", "2"), "Name one ACCOUNT"),
        (("zendesk", "2", "a", "--ignore"), "Name one ACCOUNT"),
        (("zendesk", "2", "--own"), "no paying customer"),
    ):
        refused = run("identities", "settle", *words)
        assert refused.exit_code != 0
        assert told in str(refused.exception), words
    assert "Nothing was said" in str(run("identities", "unsettle", "zendesk", "2").exception)


def test_two_organisations_of_one_domain_hold_the_account(
    run: Any, connected: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is guessed: no ticket is taken, and the account is held until somebody says which it is."""
    twin = {"id": 3, "name": "Beta too", "domain_names": ["beta.test"], "updated_at": "2026-02-01T00:00:00Z"}
    monkeypatch.setitem(globals(), "ORGANISATIONS", [*ORGANISATIONS, twin])
    assert "2 records could be several accounts" in run("sync").stdout
    holds = {
        one["account_id"]: {hold["hold"] for hold in one["holds"]}
        for one in document(run("scan", "--json"))["accounts"]
    }
    assert "ambiguous_identity" in holds["b"]
    assert "ambiguous_identity" not in holds["a"]
    assert "identities settle zendesk" in run("scan", "--account", "b", "--json").stdout
    for record, account in (("2", "b"), ("3", "--ignore")):
        assert run("identities", "settle", "zendesk", record, account).exit_code == 0
    holds = {
        one["account_id"]: {hold["hold"] for hold in one["holds"]}
        for one in document(run("scan", "--json"))["accounts"]
    }
    assert "ambiguous_identity" not in holds["b"]


def test_the_doctor_asks_every_connector(run: Any, connected: Desk) -> None:
    """Well and unwell, without the key."""
    run("sync")
    checks = {one["name"]: one for one in document(run("doctor", "--json"))["checks"]}
    assert checks["zendesk"]["state"] == "ok"
    assert checks["identities"]["says"] == "all 2 records are settled"
    connected.is_down = True
    ill = run("doctor", "--json")
    assert ill.exit_code == 1
    found = {one["name"]: one for one in json.loads(ill.stdout)["checks"]}["zendesk"]
    assert (found["state"], "401" in found["says"], "topsecrettoken" in ill.stdout) == ("fail", True, False)


def test_forgetting_reaches_what_has_landed(run: Any, connected: Desk, folder: Path) -> None:
    """No file of the workspace holds the ticket's words any more, the answers kept included."""
    run("sync")
    assert run("forget", "b", "--yes").exit_code == 0 or run("forget", "b").exit_code == 0
    import duckdb

    with duckdb.connect(str(folder / ".outgrown" / "landing" / "zendesk" / "landed.duckdb")) as landed:
        assert landed.sql("SELECT DISTINCT account_id FROM vendor.tickets").fetchall() == [("1",)]
        assert landed.sql("SELECT record_id FROM vendor.records").fetchall() == [("1",)]


def test_an_unknown_connector_is_told_by_every_command(run: Any, folder: Path) -> None:
    """With the nearest one, and a setting likewise."""
    path = folder / "outgrown.toml"
    text = path.read_text()
    path.write_text(text + "[connectors.zendsk]\n")
    assert "did you mean 'zendesk'" in str(run("scan").exception)
    path.write_text(text + "[connectors.zendesk]\nstale_after_hour = 3\n")
    assert "did you mean 'stale_after_hours'" in str(run("scan").exception)


def tickets(folder: Path) -> dict[str, str]:
    """Whose each ticket is."""
    from agent.foundation.settings import open_workspace
    from agent.foundation.warehouse import open_warehouse

    with open_warehouse(open_workspace(folder).facts_file) as warehouse:
        rows = warehouse.duck.execute("SELECT ticket_id, account_id FROM tickets").fetchall()
        [[read]] = warehouse.duck.execute(
            "SELECT max(read_at) FROM source_reads WHERE source = 'zendesk'"
        ).fetchall()
    assert read == datetime.fromisoformat(NOW)
    return dict(rows)


def test_a_company_without_exports_needs_none(run: Any, connected: Desk, folder: Path) -> None:
    """The folder that `init` makes may stay empty once a tool is connected, and the doctor does not complain of it."""
    for export in (folder / "exports").iterdir():
        export.unlink()
    done = run("sync")
    assert done.exit_code == 0, done.output
    assert "loading  from" not in done.stderr
    checks = {one["name"]: one for one in document(run("doctor", "--json"))["checks"]}
    assert checks["files"]["state"] == "ok"
