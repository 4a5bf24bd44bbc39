"""`outgrown eval`: the evaluation as a process, with its exit code, its output and its interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.faces import commands_eval
from agent.faces.cli import app
from evals.quality.__main__ import arguments
from evals.quality.saved import save
from tests.evals.evaluations import MADE, a_case, a_run

SLEEPER = """
import os, signal, sys, time
print("ready", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""


def outgrown(folder, *words, **environment):
    """The command as a process, outside any workspace."""
    return subprocess.run(
        [sys.executable, "-m", "agent.faces.cli", "eval", *words],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A baseline and a worse evaluation, beside a folder that only looks like ours."""
    made = tmp_path_factory.mktemp("evaluations")
    save(a_run(), made / "base.json")
    worse = [a_case(n, blocked=["length"] if n < 12 else []) for n in range(40)]
    save(a_run(worse, made_at=MADE + timedelta(days=1)), made / "worse.json")
    (made / "evals").mkdir()
    (made / "evals" / "__init__.py").write_text("raise SystemExit('not ours')", "utf-8")
    return made


def test_the_gate_closes_through_the_command(folder):
    """Worse than the baseline: exit 1, the verdict first, one page written."""
    done = outgrown(folder, "--run", "worse.json", "--against", "base.json", "--html", "page.html")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith(
        "Worse than the baseline: drafts that pass a guardrail (Every guardrail, length)"
    )
    assert "Wrote page.html" in done.stderr
    assert "Is it better than before?" in (folder / "page.html").read_text("utf-8")


def test_json_is_one_document_and_nothing_else(folder):
    """Progress and trouble are on stderr."""
    done = outgrown(folder, "--run", "base.json", "--save", "again.json", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (len(document["cases"]), document["comparison"]) == (40, None)
    assert done.stderr == "Saved again.json\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["--writer", "nobody"], 2, "it is model or template", marks=pytest.mark.slow),
        pytest.param(["--what"], 2, "No such option", marks=pytest.mark.slow),
        (["--run", "base.json", "--against", "none.json"], 1, "Error: There is no file none.json"),
        pytest.param(
            ["--run", "base.json", "--against", "-x"], 1, "Error: There is no file -x", marks=pytest.mark.slow
        ),
        pytest.param(
            ["--run", "base.json", "--workspace", "nowhere"],
            2,
            "There is no outgrown.toml",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["--run", "base.json", "--html", "no/such/page.html"],
            1,
            "cannot be written",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(folder, words, code, said):
    """Its own exit code, and no traceback."""
    done = outgrown(folder, *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_missing_extra_is_one_sentence(monkeypatch):
    """Named with the command that mends it; a saved evaluation is reported on without it."""
    monkeypatch.setattr(commands_eval, "find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["eval"])
    assert 'pip install "outgrown[evals]"' in str(done.exception)


def test_the_command_and_the_module_have_the_same_options():
    """What one takes the other takes; the command hands it on."""
    told = CliRunner().invoke(app, ["eval", "--help"], terminal_width=200, color=False).output
    for action in arguments()._actions:
        for option in action.option_strings:
            assert (
                f"{option} " in told or f"{option}," in told or f"{option}/" in told or f"/{option}" in told
            ), option


def test_options_reach_the_process(monkeypatch):
    """Each value as one word with its option, so that none is taken for another."""
    seen = []
    monkeypatch.setattr(commands_eval, "find_spec", lambda name: object())
    monkeypatch.setattr(commands_eval, "_run", lambda words: seen.extend(words) or 0)
    words = [
        "eval",
        "--writer",
        "template",
        "--cases",
        "a,b",
        "--cases",
        "-c",
        "--judge",
        "--no-checker",
        "--standin",
    ]
    done = CliRunner().invoke(app, [*words, "--out", "o", "--against", "last", "--json"])
    assert done.exit_code == 0
    asked = arguments().parse_args(seen)
    assert (asked.writer, asked.cases, asked.judge, asked.checker) == ("template", ["a,b", "-c"], True, False)
    assert (asked.standin, asked.out, asked.against, asked.json) == (True, Path("o"), "last", True)


def interrupted(tmp_path, monkeypatch, program, ends_in):
    """The exit code of a command whose evaluation is `program`, after it alone was told to stop."""
    (tmp_path / "sleeper.py").write_text(program, "utf-8")
    code = (
        # Whoever starts the tests in the background has it ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from agent.faces import commands_eval as c; "
        f"c.PATIENCE = 0.5; c.MODULE = 'sleeper'; from agent.faces.cli import main; "
        "sys.argv = ['outgrown', 'eval', '--run', 'x']; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        assert command.stdout.readline() == "ready\n"
        begun = time.monotonic()
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=20)
        assert time.monotonic() - begun < ends_in
    return command.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "ends_in"),
    [
        pytest.param(SLEEPER, 3, id="ends when told"),
        pytest.param(
            SLEEPER.replace("try:", "signal.signal(signal.SIGINT, signal.SIG_IGN)\ntry:"),
            5,
            id="does not listen",
        ),
    ],
)
def test_an_interruption_is_passed_on(tmp_path, monkeypatch, program, ends_in):
    """The evaluation is told, waited for, and ended if it does not listen; the command says that it stopped."""
    assert interrupted(tmp_path, monkeypatch, program, ends_in) == (130, "Stopped.\n")


@pytest.mark.parametrize("code", [0, 1, 2, 7])
def test_any_exit_code_is_passed_on(tmp_path, monkeypatch, code):
    """As the process gave it."""
    (tmp_path / "ended.py").write_text(f"raise SystemExit({code})", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(commands_eval, "MODULE", "ended")
    assert commands_eval._run([]) == code
