"""Whatever is wrong, a person reads one sentence, a shell gets the right exit code, and no state is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.faces.cli import app
from agent.foundation.errors import OutgrownError
from tests.exports import TOML, write_workspace
from tests.worlds import MOMENT, World

Run = Callable[..., Result]
READY = "acme"
PASSWORD = "hunter2-zebra"


def company() -> World:
    """One ready account and one quiet one."""
    w = World()
    a = w.account(READY, seats=20)
    w.measure(a, "storage", {0: 95, 7: 90, 14: 85})
    for user, joined in (("u1", 100), ("u2", 5), ("u3", 3)):
        w.member(a, user, joined)
    w.event(a, "used", 2, user_id="u1", feature="reports", team="ops")
    w.event(a, "blocked", 2, times=2, feature="sso")
    w.event(a, "blocked", 5, feature="sso")
    w.account("quiet")
    return w


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with facts read and one draft pending."""
    folder = write_workspace(tmp_path_factory.mktemp("company"), company().facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
        patch.delenv("OUTGROWN_STATE_URL", raising=False)
        for word in ("sync", "draft"):
            CliRunner().invoke(app, [word, "--workspace", str(folder)], catch_exceptions=False)
    return folder


@pytest.fixture
def workspace(drafted: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(drafted, tmp_path / "w"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a workspace at the test's moment."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    monkeypatch.delenv("OUTGROWN_STATE_URL", raising=False)

    def invoke(*words: str, workspace: Path, given: str | None = None) -> Result:
        return CliRunner().invoke(app, [words[0], "--workspace", str(workspace), *words[1:]], input=given)

    return invoke


def shell(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real console script in a process of its own."""
    # Coverage and editors of the outer run stay outside; the package is found wherever the tests found it.
    here = str(Path(__file__).resolve().parents[2])
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": here, "OUTGROWN_NOW": MOMENT.isoformat()}
    return subprocess.run(
        [sys.executable, "-m", "agent.faces.cli", *words],
        capture_output=True, text=True, encoding="utf-8", errors="replace", check=False, env={**kept, **environment}, timeout=120,
    )  # fmt: skip


def sentence(result: Result) -> str:
    """The one sentence a command failed with."""
    assert isinstance(result.exception, OutgrownError), result.exception
    said = str(result.exception)
    assert said.endswith((".", "?"))
    assert not said.endswith(("..", "?."))
    assert "\n" not in said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("[[offers]]", "[scorring]\nx = 1\n[[offers]]", "did you mean 'scoring'", id="unknown section"),
        pytest.param("sender_name", "sender_nme", "did you mean 'sender_name'", id="misspelt key"),
        pytest.param("[[offers]]", "[scoring]\nready_points = 'nine'\n[[offers]]", "must be a whole number (given: 'nine')", id="wrong type"),
        pytest.param("[[offers]]", "[scoring]\nready_points = -1\n[[offers]]", "must be 1 or more (given: -1)", id="negative points"),
        pytest.param("[company]", "[company", "line 2", id="not TOML"),
        pytest.param("dana@acme", "dana@acme\\nBcc: x@y", "must be one e-mail address", id="line break in the sender"),
        pytest.param('"Dana"', '"Da\\nna"', "one line without control characters", id="line break in a name"),
        pytest.param('"https://acme.example"', '"javascript:alert(1)"', "must be links", id="a link that is a script"),
        pytest.param("seat_expansion", "seat_expension", "must be 'seat_expansion'", id="misspelt offer"),
        pytest.param("price_minor = 4500", "price_minor = -1", "offers.1.price_minor' must be 0 or more", id="negative price"),
        pytest.param('currency = "EUR"', 'currency = "euro"', "three capital letters", id="currency"),
        pytest.param("[[offers]]", "[offers]", "must be a list", id="offers not a list"),
        pytest.param("[benefits]", "[state]\nurl = 'mysql://root:hunter2-zebra@h/x'\n[benefits]", "cannot live in mysql", id="state in MySQL"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(run, workspace, old, new, says):
    """The setting, what it must be, and what was given; exit code 2."""
    assert old in TOML
    (workspace / "outgrown.toml").write_text(TOML.replace(old, new), encoding="utf-8")
    result = run("scan", workspace=workspace)
    assert says in sentence(result)
    assert result.exception.exit_code == 2
    assert PASSWORD not in str(result.exception)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        pytest.param(b"\xff\xfe[\x00", "line 1 is not UTF-8", id="UTF-16"),
        pytest.param(b'[company]\nname = "S\xf6hne"\n', "line 2 is not UTF-8", id="Latin-1"),
        pytest.param(b"", "setting 'company' is missing", id="empty"),
    ],
)
def test_a_settings_file_that_is_no_text(run, workspace, raw, says):
    """Where the file stops being readable."""
    (workspace / "outgrown.toml").write_bytes(raw)
    assert says in sentence(run("scan", workspace=workspace))


def test_a_byte_order_mark_is_no_error(run, workspace):
    """An editor's invisible mark does not stop the work."""
    path = workspace / "outgrown.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert run("drafts", workspace=workspace).exit_code == 0


@pytest.mark.parametrize(
    ("command", "makes", "code", "says"),
    [
        pytest.param("scan", "file", 2, "is a file; name a workspace folder", id="workspace is a file"),
        pytest.param("scan", "nothing", 2, "run `outgrown init`", id="no workspace"),
        pytest.param("init", "file", 2, "cannot be made a workspace (it is a file)", id="init on a file"),
        pytest.param("demo", "file", 2, "cannot be made a workspace (it is a file)", id="demo on a file"),
        pytest.param("demo", "other", 2, "is not a demo's", id="demo over a workspace"),
        pytest.param("init", "other", 2, "is there already", id="init over a workspace"),
    ],
)
def test_a_place_that_cannot_be_a_workspace(run, tmp_path, command, makes, code, says):
    """A file, nothing, or somebody's own workspace is refused and left as it is."""
    place = tmp_path / "place"
    if makes == "file":
        place.write_text("mine", encoding="utf-8")
    elif makes == "other":
        place.mkdir()
        (place / "outgrown.toml").write_text(TOML, encoding="utf-8")
    result = run(command, workspace=place)
    assert says in sentence(result)
    assert result.exception.exit_code == code
    if makes == "file":
        assert place.read_text(encoding="utf-8") == "mine"


def spoil(path: Path, how: str) -> None:
    """Damage a file the way disks and people do."""
    content = path.read_bytes()
    if how == "garbage":
        path.write_bytes(bytes(range(256)) * 64)
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(content[: len(content) // 3])


@pytest.mark.parametrize("how", ["garbage", "emptied", "cut"])
def test_damaged_facts_say_how_to_rebuild_them(run, workspace, how):
    """Facts can be read again from the exports; drafts are untouched, and following the advice mends it."""
    path = workspace / ".outgrown" / "facts.duckdb"
    spoil(path, how)
    for command in ("scan", "sync"):
        said = sentence(run(command, workspace=workspace))
        assert str(path) in said
        assert "remove that file and run `outgrown sync`" in said
    assert READY in run("drafts", workspace=workspace).stdout
    path.unlink()
    assert run("sync", workspace=workspace).exit_code == 0
    assert "1 ready" in run("scan", workspace=workspace).stdout


@pytest.mark.parametrize("how", ["garbage", "cut"])
def test_a_damaged_state_is_left_for_a_person(run, workspace, how):
    """The state is precious: nothing is made over it, and the sentence says what it holds."""
    path = workspace / ".outgrown" / "state.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    spoil(path, how)
    damaged = path.read_bytes()
    said = sentence(run("drafts", workspace=workspace))
    assert str(path) in said
    assert "put back your newest copy" in said
    assert path.read_bytes() == damaged


def test_a_newer_state_is_not_touched(run, workspace):
    """A state from a later version asks for that version."""
    connection = sqlite3.connect(workspace / ".outgrown" / "state.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert "newer Outgrown" in sentence(run("drafts", workspace=workspace))


def test_a_private_folder_that_is_a_file(run, workspace):
    """A file called .outgrown is named, not stumbled over."""
    shutil.rmtree(workspace / ".outgrown")
    (workspace / ".outgrown").write_text("", encoding="utf-8")
    for command in ("scan", "sync", "drafts"):
        assert "is a file where a folder is needed" in sentence(run(command, workspace=workspace))


@pytest.mark.slow
def test_facts_another_process_holds(run, workspace, monkeypatch):
    """The sentence names the process; drafts can still be read."""
    monkeypatch.setattr("agent.foundation.warehouse.WAIT_SECONDS", 0.1)
    path = workspace / ".outgrown" / "facts.duckdb"
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        said = sentence(run("scan", workspace=workspace))
        assert f"in use by process {holder.pid}" in said
        assert READY in run("drafts", workspace=workspace).stdout
        assert holder.stdin is not None
        holder.stdin.close()


@pytest.mark.parametrize(
    ("name", "value", "code", "says"),
    [
        pytest.param("OUTGROWN_NOW", "yesterday", 2, "not an ISO time", id="time in words"),
        pytest.param("OUTGROWN_NOW", "0001-01-01", 2, "a year from 1970", id="the first day of the calendar"),
        pytest.param("OUTGROWN_NOW", "9999-12-31", 2, "a year from 1970", id="the last day of the calendar"),
        pytest.param("OUTGROWN_STATE_URL", f"redis://u:{PASSWORD}@h", 2, "cannot live in redis", id="another scheme"),
        pytest.param("OUTGROWN_STATE_URL", f"no url {PASSWORD}", 2, "is not one", id="no URL"),
        pytest.param("OUTGROWN_STATE_URL", f"postgresql://u:{PASSWORD}/x@h:port/db", 2, "is not one", id="slash in the password"),
        pytest.param("OUTGROWN_STATE_URL", f"postgresql://u:{PASSWORD}@127.0.0.1:1/db", 1, "The state at 127.0.0.1:1/db", id="nobody answers"),
        pytest.param("OUTGROWN_STATE_URL", "sqlite:////nowhere/x/state.db", 1, "does not exist; make it", id="no such folder"),
        pytest.param("OUTGROWN_STATE_URL", "sqlite://", 2, "must outlive the process", id="in memory"),
    ],
)  # fmt: skip
def test_a_wrong_environment(run, workspace, monkeypatch, name, value, code, says):
    """The variable or the place at fault, never the password."""
    monkeypatch.setenv(name, value)
    result = run("scan", workspace=workspace)
    assert says in sentence(result)
    assert result.exception.exit_code == code
    chain, seen = result.exception, []
    while chain is not None:
        seen.append(str(chain))
        chain = chain.__cause__
    assert PASSWORD not in " ".join(seen)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["draft", "--account", "nobody"], 1, "There is no account 'nobody'", id="draft nobody"),
        pytest.param(["forget", "nobody", "--yes"], 1, "There is no account 'nobody'", id="forget nobody"),
        pytest.param(["reply", "nobody", "--kind", "close"], 1, "There is no account", id="close nobody's conversation"),
        pytest.param(["reply", READY, "--kind", "stopp"], 2, "did you mean 'stop'", id="misspelt reply"),
        pytest.param(["outcome", READY, "--kind", "upgraded", "--amount-minor", "5", "--currency", "euros"], 2, "three capital letters", id="currency of an outcome"),
        pytest.param(["outcome", READY, "--kind", "upgraded", "--amount-minor", "5"], 2, "needs its currency", id="amount without one"),
        pytest.param(["outbox", "--status", "quued"], 2, "did you mean 'queued'", id="misspelt status"),
        pytest.param(["digest", "--html", "."], 1, "cannot be written", id="page over a folder"),
        pytest.param(["approve", "%"], 1, "There is no draft '%'", id="pattern for an id"),
        pytest.param(["sync", "--since", "yesterday"], 2, "is not a date", id="since when"),
    ],
)  # fmt: skip
def test_a_wrong_argument(run, workspace, words, code, says):
    """What was given, and what would do."""
    result = run(*words, workspace=workspace)
    assert says in sentence(result)
    assert result.exception.exit_code == code


@pytest.mark.parametrize(
    "words",
    [
        ["draft", "--top", "0"],
        ["snooze", "x", "--days", "0"],
        ["snooze", "x", "--days", "9999"],
        ["skip", "x"],
        ["scann"],
    ],
)
def test_usage_errors_have_exit_code_two(run, workspace, words):
    """What the parser refuses never reaches the work."""
    assert run(*words, workspace=workspace).exit_code == 2


def test_an_empty_reason_is_none(run, workspace):
    """A skip teaches nothing without a reason, so the draft stays pending."""
    draft_id = run("drafts", workspace=workspace).stdout.split()[0]
    assert "--reason is empty" in sentence(run("skip", draft_id, "--reason", " ", workspace=workspace))
    assert "pending" in run("drafts", workspace=workspace).stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\x89PNG\r\n\xff\x00", "is not UTF-8 text", id="binary"),
        pytest.param(b"a\x00b\n\nc", "is not text", id="null bytes"),
        pytest.param(b"x" * 200_000, "far more than a message", id="huge"),
        pytest.param(None, "is a folder", id="folder"),
    ],
)
def test_a_text_that_is_none(run, workspace, tmp_path, content, says):
    """`check` and `edit` say what the file is instead."""
    path = tmp_path / "text.txt"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert says in sentence(run("check", "--account", READY, str(path), workspace=workspace))


def test_decided_drafts_say_when_and_by_whom(run, workspace, tmp_path):
    """Approve, skip, snooze and edit of a skipped draft are refused with its history."""
    text = tmp_path / "text.txt"
    text.write_text("Hi\n\nHello.", encoding="utf-8")
    draft_id = run("drafts", workspace=workspace).stdout.split()[0]
    assert run("skip", draft_id, "--reason", "no", workspace=workspace).exit_code == 0
    for words in (
        ["approve", draft_id],
        ["skip", draft_id, "--reason", "x"],
        ["snooze", draft_id],
        ["edit", draft_id, str(text)],
    ):
        assert "is skipped since 2026-02-01" in sentence(run(*words, workspace=workspace))


@pytest.mark.parametrize("base", ["0", "7"])
def test_an_edit_of_another_version_is_refused(run, workspace, tmp_path, base):
    """A text made from a version that is not the newest would undo somebody's work."""
    draft_id = run("drafts", workspace=workspace).stdout.split()[0]
    message = json.loads(run("drafts", "show", draft_id, "--json", workspace=workspace).stdout)["message"]
    text = tmp_path / "text.txt"
    text.write_text(f"{message['subject']}\n\n{message['body']}", encoding="utf-8")
    result = run("edit", draft_id, str(text), "--base", base, workspace=workspace)
    assert isinstance(result.exception, OutgrownError)
    assert f"is at version 1, you changed version {base}" in str(result.exception)


@pytest.mark.parametrize(
    ("given", "editor", "code", "says"),
    [
        pytest.param("", None, 1, "1 left to decide", id="the input ends"),
        pytest.param("s\n", None, 1, "1 left to decide", id="the input ends at the reason"),
        pytest.param("x\nq\n", None, 0, "Answer with one of", id="no such answer"),
        pytest.param("n\n0\nq\n", None, 0, "not 0", id="snoozed for no days"),
        pytest.param("e\nq\n", None, 0, "No editor is set", id="no editor"),
        pytest.param("e\nq\n", "/nowhere/ed", 0, "cannot be started", id="editor not there"),
        pytest.param("e\nq\n", "'", 0, "cannot be started", id="editor with a stray quote"),
        pytest.param("e\nq\n", "false", 0, "ended with code 1", id="editor fails"),
        pytest.param("e\nq\n", "true", 0, "Nothing changed", id="editor changes nothing"),
    ],
)
def test_a_review_that_goes_wrong_decides_nothing(run, workspace, monkeypatch, given, editor, code, says):
    """The dialogue goes on or ends with a sentence, and the draft still waits."""
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    if editor is not None:
        monkeypatch.setenv("EDITOR", editor)
    result = run("review", workspace=workspace, given=given)
    assert result.exit_code == code, result.exception
    assert says in result.output
    assert "pending" in run("drafts", workspace=workspace).stdout


def test_before_all_facts_and_after(run, workspace):
    """A day before the first account has nobody; a day to come says that it is not over."""
    assert (
        "No account existed on that day" in run("scan", "--as-of", "1990-01-01", workspace=workspace).stdout
    )
    later = run("scan", "--as-of", "2030-01-01", workspace=workspace)
    assert later.exit_code == 0
    assert "2030-01-01 is not over yet" in later.stderr


def test_nothing_read_yet_is_said(run, tmp_path):
    """An empty answer would look like an empty company."""
    fresh = write_workspace(tmp_path / "fresh", [])
    assert run("sync", workspace=fresh).exit_code == 1
    for command in ("scan", "draft", "digest"):
        assert "run `outgrown sync` first" in sentence(run(command, workspace=fresh))


def test_the_doctor_says_what_cannot_be_seen(run, workspace):
    """Empty tables and benefits of no plan are warnings, each with its cost."""
    (workspace / "outgrown.toml").write_text(TOML.replace("growth =", "grwoth ="), encoding="utf-8")
    result = run("doctor", workspace=workspace)
    assert result.exit_code == 0
    assert "no tickets: nothing can be said of requests" in result.stdout
    assert "plan 'grwoth', which plans does not have" in result.stdout
    assert "no metrics" not in result.stdout


def test_a_subcommand_takes_the_workspace_before_its_name(run, workspace):
    """`drafts --workspace DIR show ID` looks where it was told."""
    draft_id = run("drafts", workspace=workspace).stdout.split()[0]
    assert "Company acme" in run("drafts", "show", draft_id, workspace=workspace).stdout


def test_the_scan_fits_the_screen_and_the_pipe(run, workspace, monkeypatch):
    """At 80 columns no line is longer; in a pipe an account is one line, for grep."""
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, run("scan", workspace=workspace).stdout.splitlines())) <= 80
    monkeypatch.delenv("COLUMNS")
    lines = run("scan", "--all", workspace=workspace).stdout.splitlines()
    [line] = [line for line in lines if f"({READY})" in line]
    assert line.startswith("ready")
    assert line.endswith("paywall_attempts")


@pytest.mark.slow
def test_the_shell_sees_sentences_pipes_and_terminals(workspace):
    """The real script: a closed pipe is no error, a full disk is one sentence, any terminal shows any name."""
    where = ("--workspace", str(workspace))
    plain = {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    shown = shell("digest", *where, **plain)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.isascii()
    # The pipe's reader leaves before anything is written.
    reading, writing = os.pipe()
    os.close(reading)
    here = str(Path(__file__).resolve().parents[2])
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": here, "OUTGROWN_NOW": MOMENT.isoformat()}
    closed = subprocess.run(
        [sys.executable, "-m", "agent.faces.cli", "scan", "--json", *where],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False, env=kept,
    )  # fmt: skip
    os.close(writing)
    assert (closed.returncode, closed.stderr) == (0, "")
    missing = shell("scan", "--workspace", str(workspace / "no\x1b[31mwhere"))
    assert missing.returncode == 2
    assert "\x1b" not in missing.stderr
    assert missing.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_an_output_that_cannot_be_written(workspace):
    """A full disk under the redirected output is one sentence and exit code 1."""
    here = str(Path(__file__).resolve().parents[2])
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": here, "OUTGROWN_NOW": MOMENT.isoformat()}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agent.faces.cli", "drafts", "--json", "--workspace", str(workspace)],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=kept,
        )  # fmt: skip
    assert done.returncode == 1
    assert (
        done.stderr
        == "Error: The output could not be written: No space left on device; mend that and try again.\n"
    )
