"""The wheel carries everything the program reads, and finds it there."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_an_installed_wheel_finds_its_data(tmp_path):
    """Built and unpacked elsewhere, the demo runs from the wheel alone."""
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            tmp_path,
            ROOT,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    home = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(home)
    names = {path.relative_to(home).as_posix() for path in home.rglob("*")}
    for needed in (
        "agent/shipped/templates/messages/problems.toml",
        "agent/shipped/templates/digest/digest.css",
        "agent/shipped/templates/email/envelope.txt.j2",
        "agent/shipped/templates/eval/eval.css",
        "agent/shipped/prompts/system.md",
        "agent/foundation/llm/prices.toml",
        "agent/drafting/openers.txt",
        "agent/signals/library.toml",
        "agent/signals/tickets/phrases.toml",
        "agent/drafting/guardrails/words.toml",
        "evals/quality/cases/capacity_plain.yaml",
        "evals/quality/measures.toml",
        "evals/quality/rubrics/teammate.md",
        "connectors/worked/ravenstack/outgrown.toml",
        "connectors/worked/churnsim/outgrown.toml",
    ):
        assert needed in names
    assert not [name for name in names if name.split("/")[0] in {"tests", "templates", "prompts"}]
    program = (
        f"import sys; sys.path.insert(0, {str(home)!r}); import agent; assert agent.__file__.startswith({str(home)!r});"
        "from agent.faces.cli import main; sys.argv = ['outgrown', 'demo', '--workspace', 'w']; main()"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "w" / "digest.html").is_file()
