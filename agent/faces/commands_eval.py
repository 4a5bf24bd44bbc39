"""The command `eval`: the evaluation, run as a process of its own, so that nothing here imports it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from agent.faces.common import JsonOption, WorkspaceOption
from agent.foundation.errors import UsageError

MODULE = "evals.quality"
NEEDS = "inspect_ai"
WRITERS = ("model", "template")
PATIENCE = 5.0
"Seconds an interrupted evaluation has to end by itself, before it is told and before it is stopped."
STOPPED = 130


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(name="eval")(evaluate)


def evaluate(
    writer: Annotated[
        str, typer.Option("--writer", metavar="WHO", help="Who writes the drafts: model or template.")
    ] = WRITERS[0],
    cases: Annotated[
        list[str] | None,
        typer.Option("--cases", metavar="ID", help="Only these cases, by id or tag; may be repeated."),
    ] = None,
    judge: Annotated[
        bool,
        typer.Option(
            "--judge/--no-judge",
            help="Have a model judge the drafts, alone and in pairs; several calls more for each.",
        ),
    ] = False,
    checker: Annotated[
        bool, typer.Option("--checker/--no-checker", help="Check the checker on its planted faults.")
    ] = True,
    standin: Annotated[
        bool, typer.Option("--standin", help="A scripted stand-in in the model's place, as without a key.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where evaluations are kept; else .outgrown/evals of the workspace."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the report as one self-contained HTML file."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Save the evaluation here, too.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="FILE", help="Report on this saved evaluation instead of a new one."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="BASELINE",
            help="A saved evaluation, or 'last': exit 1 when any rule is worse beyond its interval.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How good the drafts are, and whether they became worse.

    Writes to made-up accounts of every kind, checks every draft, and checks the checker on hundreds of planted faults.
    Without a model's key a scripted stand-in answers, and the report says so.
    """
    if writer not in WRITERS:
        raise UsageError(f"--writer is '{writer}', which is not known; it is model or template.")
    if run is None and find_spec(NEEDS) is None:
        raise UsageError('Evaluations need more packages; install them with: pip install "outgrown[evals]"')
    words = [
        "--writer",
        writer,
        "--judge" if judge else "--no-judge",
        "--checker" if checker else "--no-checker",
    ]
    given = [
        ("--out", out),
        ("--html", html),
        ("--save", save),
        ("--run", run),
        ("--against", against),
        ("--workspace", workspace),
        *(("--cases", case) for case in cases or ()),
    ]
    # As one word, so that a value that begins with a dash stays a value.
    words += [f"{option}={value}" for option, value in given if value is not None]
    words += [option for option, is_on in (("--standin", standin), ("--json", as_json)) if is_on]
    if code := _run(words):
        raise typer.Exit(code)


def _run(words: list[str]) -> int:
    """The evaluation's exit code; an interruption is passed on, and waited for.

    The current folder is kept from the child's path (-P): a folder of that name there is not ours.
    """
    environment = dict(os.environ)
    if "--debug" in sys.argv:
        environment["OUTGROWN_DEBUG"] = "1"
    child = subprocess.Popen([sys.executable, "-P", "-m", MODULE, *words], env=environment)  # noqa: S603
    try:
        code = child.wait()
    except KeyboardInterrupt:
        code = _ended(child)
    # Ended by a signal: as shells have it.
    return 128 - code if code < 0 else code


def _ended(child: subprocess.Popen[bytes]) -> int:
    """Let an interrupted child end by itself; a terminal has told it too, anyone else has not."""
    for pressing in (None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if pressing is not None:
            child.send_signal(pressing)
        try:
            child.wait(1.0 if pressing is None else PATIENCE)
            break
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue
    return STOPPED
