"""The command contract, end to end: exports in, scan, draft, check, approve, send, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.faces.cli import app
from tests.exports import TOML, write_workspace
from tests.worlds import MOMENT, World

Run = Callable[..., Result]
READY, HELD, WATCH = "acme", "angry", "calm"


def company() -> World:
    """One ready account, one held, one quiet."""
    w = World()
    for name in (READY, HELD):
        a = w.account(name, seats=20)
        w.measure(a, "storage", {0: 95, 7: 90, 14: 85})
        w.member(a, "u1", 100)
        w.member(a, "u2", 5)
        w.member(a, "u3", 3)
        w.event(a, "used", 2, user_id="u1", feature="reports", team="ops")
        w.event(a, "blocked", 2, times=2, feature="sso")
        w.event(a, "blocked", 5, feature="sso")
    w.ticket(HELD, 2, "This is urgent!", priority="urgent", closed_at=None)
    w.account(WATCH)
    return w


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose exports have been read."""
    folder = write_workspace(tmp_path_factory.mktemp("company"), company().facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
        patch.delenv("OUTGROWN_WORKSPACE", raising=False)
        # Looked at once, so that the plans are written; then the state is as new again.
        for words in (["sync"], ["scan"], ["explain", READY]):
            result = CliRunner().invoke(app, [*words, "--workspace", str(folder)], catch_exceptions=False)
            assert result.exit_code == 0
    for path in (folder / ".outgrown").glob("state.db*"):
        path.unlink()
    return folder


@pytest.fixture
def workspace(synced: Path, tmp_path: Path) -> Path:
    """A copy of it, so that each test decides for itself."""
    import shutil

    return Path(shutil.copytree(synced, tmp_path / "w"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a workspace at the test's moment."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    monkeypatch.delenv("OUTGROWN_STATE_URL", raising=False)

    def invoke(*words: str, workspace: Path, given: str | None = None) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(workspace)], input=given)

    return invoke


def answer(result: Result) -> Any:
    """The JSON document on stdout, which holds nothing else."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout)


def test_the_same_exports_twice_change_nothing(run, workspace):
    """A second sync of the same files reads everything and changes nothing."""
    tables = answer(run("sync", "--json", workspace=workspace))["tables"]
    assert sum(table["read"] for table in tables) > 20
    assert all(table["new"] == table["changed"] == table["rejected"] == 0 for table in tables)


def test_scan_answers_in_the_contracted_shape(run, workspace):
    """The keys that others rely on are there, and say what the rule book says."""
    document = answer(run("scan", "--json", workspace=workspace))
    assert document["as_of"] == "2026-01-31"
    by_id = {one["account_id"]: one for one in document["accounts"]}
    ready = by_id[READY]
    assert (ready["status"], ready["points"], ready["band"], ready["play"]) == (
        "ready",
        9,
        "ready",
        "feature",
    )
    assert set(ready) >= {"account_id", "name", "status", "points", "band", "composite", "tier", "parts", "findings", "play", "offer", "holds"}  # fmt: skip
    assert ready["offer"].items() >= {"kind": "plan_upgrade", "plan_id": "growth", "name": "Growth", "price_minor": 9900, "currency": "EUR", "per": "month"}.items()  # fmt: skip
    for finding in ready["findings"]:
        assert set(finding) >= {"trigger", "group", "value", "threshold", "unit", "first_day", "last_day", "says", "figures"}  # fmt: skip
    assert by_id[HELD]["status"] == "held"
    assert [hold["hold"] for hold in by_id[HELD]["holds"]] == ["open_escalation"]
    assert by_id[WATCH]["status"] == "stable"


def test_scan_is_the_same_to_the_byte(run, workspace):
    """Two scans of the same facts and date print the same."""
    assert (
        run("scan", "--json", workspace=workspace).stdout == run("scan", "--json", workspace=workspace).stdout
    )


def test_another_day_is_looked_at_and_not_recorded(run, workspace):
    """`--as-of` answers for that day; the state stays as it was."""
    document = answer(run("scan", "--json", "--as-of", "2026-01-20", workspace=workspace))
    assert document["as_of"] == "2026-01-20"
    from agent.approval.opportunities import newest_scan
    from agent.foundation.store import open_store

    store = open_store(f"sqlite:///{workspace / '.outgrown' / 'state.db'}")
    assert newest_scan(store) is None
    store.close()


def test_explain_shows_rows_terms_and_what_is_missing(run, workspace):
    """Every figure leads to its source rows, every score to its terms."""
    document = answer(run("explain", HELD, "--json", workspace=workspace))
    assert document["terms"]["usage"]["terms"]
    figures = [figure for finding in document["findings"] for figure in finding["figures"]]
    assert any(figure["rows"] for figure in figures)
    assert any("open_escalation" in need for need in document["needs"])
    text = run("explain", WATCH, workspace=workspace).stdout
    assert "To be ready it needs" in text
    assert "9 more points" in text


def test_a_message_goes_out_once(run, workspace):
    """Draft, approve, send; a second round of each sends nothing more."""
    [draft] = answer(run("draft", "--json", workspace=workspace))["drafts"]
    assert (draft["account_id"], draft["state"], draft["violations"]) == (READY, "pending", [])
    assert answer(run("draft", "--json", workspace=workspace))["drafts"][0]["is_new"] is False
    approved = answer(run("approve", draft["draft_id"], "--json", workspace=workspace))
    assert approved["address"] == f"{READY}@customer.example"
    again = run("approve", draft["draft_id"], workspace=workspace)
    assert again.exception is not None
    assert "approved" in str(again.exception)
    [sent] = answer(run("send", "--json", workspace=workspace))["deliveries"]
    assert sent["result"] == "sent"
    assert answer(run("send", "--json", workspace=workspace))["deliveries"] == []
    [path] = (workspace / ".outgrown" / "outbox").glob("*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["Subject"] == draft["subject"]
    assert mail["To"].addresses[0].addr_spec == f"{READY}@customer.example"
    assert mail["List-Unsubscribe"]
    document = answer(run("scan", "--json", workspace=workspace))
    held = next(one for one in document["accounts"] if one["account_id"] == READY)
    assert (held["status"], held["holds"][0]["hold"]) == ("held", "prompted_recently")


def test_a_draft_goes_stale_when_the_account_changes(run, workspace):
    """A new angry ticket between draft and approval stops the message, and says so."""
    [draft] = answer(run("draft", "--json", workspace=workspace))["drafts"]
    path = workspace / "exports" / "tickets.csv"
    line = f"late,{READY},2026-01-31T20:00:00,,urgent,,-1,,,Nothing works!\n"
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    assert run("sync", workspace=workspace).exit_code == 0
    refused = run("approve", draft["draft_id"], workspace=workspace)
    assert "open_escalation" in str(refused.exception)
    [line] = answer(run("drafts", "--json", workspace=workspace))["drafts"]
    assert line["state"] == "stale"
    assert answer(run("send", "--json", workspace=workspace))["deliveries"] == []


def test_an_angry_ticket_of_this_very_morning_stops_the_message(run, workspace):
    """The day that has only begun gives no findings, but its reasons for silence count at once."""
    [draft] = answer(run("draft", "--json", workspace=workspace))["drafts"]
    path = workspace / "exports" / "tickets.csv"
    line = f"now,{READY},2026-02-01T07:30:00,,urgent,,-1,,,Nothing works!\n"
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    run("sync", workspace=workspace)
    assert "open_escalation" in str(run("approve", draft["draft_id"], workspace=workspace).exception)


def test_check_blocks_what_a_draft_may_not_say(run, workspace, tmp_path):
    """The template's own text passes; the same with a wrong number does not, and the span says where."""
    [draft] = answer(run("draft", "--json", workspace=workspace))["drafts"]
    good = tmp_path / "good.txt"
    good.write_text(f"{draft['subject']}\n\n{draft['body']}", encoding="utf-8")
    clean = run("check", "--account", READY, str(good), "--json", workspace=workspace)
    assert (clean.exit_code, answer(clean)) == (0, [])
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(good.read_text(encoding="utf-8").replace("\n\nBest", "\n\nYou made 431 reports.\n\nBest", 1) + "\n\nYou made 431 reports.", encoding="utf-8")  # fmt: skip
    blocked = run("check", "--account", READY, str(wrong), "--json", workspace=workspace)
    assert blocked.exit_code == 1
    violations = answer(blocked)
    figure = next(v for v in violations if v["rule"] == "ungrounded_figure")
    assert set(figure) == {"rule", "level", "message", "start", "end"}
    assert "431" in wrong.read_text(encoding="utf-8")[figure["start"] : figure["end"]]


def test_an_edit_is_checked_and_can_be_confirmed_past(run, workspace, tmp_path):
    """A person's text goes through the same rules; a content rule can be confirmed past, and that is recorded."""
    [draft] = answer(run("draft", "--json", workspace=workspace))["drafts"]
    text = tmp_path / "mine.txt"
    text.write_text(
        f"{draft['subject']}\n\n{draft['body'].replace('.', '. You have 431 friends.', 1)}", encoding="utf-8"
    )
    refused = run("edit", draft["draft_id"], str(text), workspace=workspace)
    assert "ungrounded_figure" in str(refused.exception)
    kept = answer(
        run(
            "edit",
            draft["draft_id"],
            str(text),
            "--confirm",
            "ungrounded_figure",
            "--json",
            workspace=workspace,
        )
    )
    assert kept["version"] == 2
    assert kept["confirmed"] == ["ungrounded_figure"]
    assert answer(run("approve", draft["draft_id"], "--json", workspace=workspace))["version"] == 2


def test_skip_and_snooze_take_a_draft_off_the_table(run, workspace):
    """A skipped draft cannot be approved; a snoozed one says until when."""
    [draft] = answer(run("draft", "--json", workspace=workspace))["drafts"]
    snoozed = answer(run("snooze", draft["draft_id"], "--days", "3", "--json", workspace=workspace))
    assert snoozed["until"].startswith("2026-02-04")
    assert answer(run("skip", draft["draft_id"], "--reason", "wrong time", "--json", workspace=workspace))
    assert run("approve", draft["draft_id"], workspace=workspace).exception is not None


def test_review_asks_and_does_as_told(run, workspace):
    """The dialogue shows the evidence and the text, and approves on 'a'."""
    run("draft", workspace=workspace)
    result = run("review", workspace=workspace, given="a\n")
    assert "Figures it may quote" in result.stdout
    assert "Guardrails: all passed." in result.stdout
    assert "Approved" in result.stdout
    assert [d["state"] for d in answer(run("outbox", "--json", workspace=workspace))["deliveries"]] == [
        "queued"
    ]


def test_a_reply_holds_the_account_and_stop_silences_it(run, workspace):
    """A question waits for the founder; 'stop' is for good."""
    assert run("reply", READY, "--kind", "question", workspace=workspace).exit_code == 0
    [one] = [
        a for a in answer(run("scan", "--json", workspace=workspace))["accounts"] if a["account_id"] == READY
    ]
    assert [hold["hold"] for hold in one["holds"]] == ["in_conversation"]
    run("reply", READY, "--kind", "close", workspace=workspace)
    run("reply", READY, "--kind", "stop", workspace=workspace)
    [one] = [
        a for a in answer(run("scan", "--json", workspace=workspace))["accounts"] if a["account_id"] == READY
    ]
    assert [hold["hold"] for hold in one["holds"]] == ["opted_out"]


def test_forget_erases_facts_and_state_and_keeps_the_silence(run, workspace):
    """After `forget`, no row of the account is left, and a re-imported account is still not written to."""
    run("draft", workspace=workspace)
    assert run("forget", READY, "--yes", workspace=workspace).exit_code == 0
    accounts = answer(run("scan", "--json", workspace=workspace))["accounts"]
    assert READY not in {one["account_id"] for one in accounts}
    assert answer(run("drafts", "--json", workspace=workspace))["drafts"] == []
    run("sync", workspace=workspace)
    [one] = [
        a for a in answer(run("scan", "--json", workspace=workspace))["accounts"] if a["account_id"] == READY
    ]
    assert "opted_out" in [hold["hold"] for hold in one["holds"]]


def test_digest_as_json_table_and_page(run, workspace, tmp_path):
    """The same document on three faces."""
    document = answer(run("digest", "--json", workspace=workspace))
    assert document["top"][0]["assessment"]["account_id"] == READY
    assert "Company acme" in run("digest", workspace=workspace).stdout
    page = tmp_path / "digest.html"
    assert run("digest", "--html", str(page), workspace=workspace).exit_code == 0
    assert "<svg" in page.read_text(encoding="utf-8")


def test_doctor_and_init(run, workspace, tmp_path):
    """The doctor finds a healthy workspace healthy; init writes one it can read."""
    checks = answer(run("doctor", "--json", workspace=workspace))["checks"]
    assert {check["name"]: check["state"] for check in checks}["facts"] == "ok"
    assert "fail" not in {check["state"] for check in checks}
    fresh = tmp_path / "new company"
    assert run("init", workspace=fresh).exit_code == 0
    from agent.foundation.settings import open_workspace

    assert open_workspace(fresh).settings.company.name == "New Company"
    assert "already" in str(run("init", workspace=fresh).exception)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["explain", "acne"], "did you mean 'acme'", id="misspelt account"),
        pytest.param(
            ["scan", "--as-of", "31.01.2026"], "write it like 2026-03-31", id="date in another format"
        ),
        pytest.param(
            ["scan", "--as-of", "2020-01-01", "--account", "acme"],
            "after 2020-01-01",
            id="before the account",
        ),
        pytest.param(["approve", "nothing"], "There is no draft", id="no such draft"),
        pytest.param(["drafts", "--status", "pendin"], "did you mean 'pending'", id="misspelt status"),
        pytest.param(["sync", "filez"], "did you mean 'files'", id="misspelt source"),
        pytest.param(["check", "--account", "acme", "missing.txt"], "no file missing.txt", id="missing file"),
        pytest.param(["draft", "--account", "angry"], "is not ready", id="draft for a held account"),
    ],
)
def test_bad_input_gets_one_clear_sentence(run, workspace, words, says):
    """What, where, how to mend it; an error of our own kind and nothing else."""
    from agent.foundation.errors import OutgrownError

    result = run(*words, workspace=workspace)
    assert isinstance(result.exception, OutgrownError)
    assert says in str(result.exception)
    assert "\n" not in str(result.exception)


def test_errors_reach_the_shell_as_a_sentence_and_an_exit_code(workspace, tmp_path):
    """The real console script: no traceback, exit code 2 for a configuration error, 1 for failed work."""
    import subprocess
    import sys

    def shell(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agent.faces.cli", *words], capture_output=True, text=True, check=False
        )

    missing = shell("scan", "--workspace", str(tmp_path / "nowhere"))
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.startswith("Error: There is no outgrown.toml")
    empty = shell("explain", "x", "--workspace", str(write_workspace(tmp_path / "empty", [])))
    assert (empty.returncode, empty.stdout) == (1, "")
    assert "run `outgrown sync` first" in empty.stderr
    (tmp_path / "empty" / "outgrown.toml").write_text(
        TOML.replace("sender_name", "sender_nme"), encoding="utf-8"
    )
    wrong = shell("scan", "--workspace", str(tmp_path / "empty"))
    assert wrong.returncode == 2
    assert "did you mean 'sender_name'" in wrong.stderr


def test_scan_is_the_same_whichever_store_keeps_the_state(run, workspace, postgres_url, monkeypatch):
    """With the state on PostgreSQL, prompts and silences included, the answer is the same to the byte."""
    run("reply", READY, "--kind", "stop", workspace=workspace)
    on_sqlite = run("scan", "--json", workspace=workspace).stdout
    monkeypatch.setenv("OUTGROWN_STATE_URL", postgres_url)
    run("reply", READY, "--kind", "stop", workspace=workspace)
    assert run("scan", "--json", workspace=workspace).stdout == on_sqlite
    assert "opted_out" in on_sqlite
