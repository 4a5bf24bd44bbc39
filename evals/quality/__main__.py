"""The evaluation: python -m evals.quality [options], which is what `outgrown eval` runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agent.faces import terminal
from agent.faces.common import console, note, print_json
from agent.foundation.errors import OutgrownError
from agent.foundation.settings import FILE, Workspace, find_workspace, open_workspace
from evals.quality import saved
from evals.quality.comparison import Comparison
from evals.quality.result import Run

STOPPED = 130
WORSE = 1
FOLDER = "evals"
"Of the workspace's private folder: where evaluations are kept."


def main(words: Sequence[str] | None = None) -> int:
    """Evaluate, answer, and say by the exit code whether it became worse: 0 no, 1 yes or failed, 2 wrong arguments."""
    terminal.prepare()
    asked = arguments().parse_args(words)
    try:
        return _evaluate(asked)
    except terminal.ReaderGone:
        terminal.forget_reader()
        return 0
    except KeyboardInterrupt:
        return STOPPED
    except OutgrownError as error:
        if os.environ.get("OUTGROWN_DEBUG"):
            raise
        note(f"Error: {' '.join(str(error).split())}")
        return error.exit_code


def arguments() -> argparse.ArgumentParser:
    """The options; `outgrown eval` has the same."""
    parser = argparse.ArgumentParser(prog="python -m evals.quality", description=__doc__, allow_abbrev=False)
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="whose model and decisions are used")
    parser.add_argument("--writer", choices=["model", "template"], default="model", help="who writes")
    parser.add_argument(
        "--cases", action="append", default=[], metavar="ID", help="only these cases or tags; may be repeated"
    )
    parser.add_argument(
        "--judge", action=argparse.BooleanOptionalAction, default=False, help="ask the judges"
    )
    parser.add_argument(
        "--checker", action=argparse.BooleanOptionalAction, default=True, help="check the checker"
    )
    parser.add_argument("--standin", action="store_true", help="use the scripted stand-in for the model")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where evaluations and logs are kept")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report as one HTML file")
    parser.add_argument("--save", type=Path, metavar="FILE", help="save the evaluation here, too")
    parser.add_argument("--run", type=Path, metavar="FILE", help="report on a saved evaluation, make none")
    parser.add_argument(
        "--against", metavar="BASELINE", help="a saved evaluation, or 'last'; exit 1 when it got worse"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    return parser


def _evaluate(asked: argparse.Namespace) -> int:
    workspace = _workspace(asked.workspace)
    folder = asked.out or (workspace.private / FOLDER if workspace else None)
    # Before anything is paid for: a baseline that cannot be read should cost nothing.
    baseline = _baseline(asked.against, folder, but=asked.run) if asked.against else None
    run = saved.read(asked.run) if asked.run else _new_run(asked, workspace, folder)
    if asked.save:
        saved.save(run, asked.save)
        note(f"Saved {asked.save}")
    against = None
    if baseline is not None:
        from evals.quality.gate import compare

        against = compare(baseline, run)
    _answer(asked, run, against, baseline)
    return WORSE if against is not None and against.worse else 0


def _workspace(given: Path | None) -> Workspace | None:
    """The workspace that was named, or the one we are in; none is needed for the cases and the checker."""
    if given is None and not (find_workspace(None) / FILE).is_file():
        return None
    return open_workspace(given)


def _baseline(named: str, folder: Path | None, but: Path | None) -> Run:
    if named != saved.LAST:
        return saved.read(Path(named))
    if folder is None:
        from agent.foundation.errors import UsageError

        raise UsageError(
            "'--against last' needs a workspace or --out DIR, where evaluations are kept; name one."
        )
    return saved.read(saved.newest(folder, but))


def _new_run(asked: argparse.Namespace, workspace: Workspace | None, folder: Path | None) -> Run:
    """A fresh evaluation, kept in the folder where there is one."""
    from evals.quality.running import run as evaluate

    names = tuple(name.strip() for given in asked.cases for name in given.split(",") if name.strip())
    with TemporaryDirectory() as scratch:
        made = evaluate(
            writer=asked.writer,
            judge=asked.judge,
            cases=names,
            workspace=workspace.folder if workspace else None,
            standin=asked.standin,
            checker=asked.checker,
            out=folder or Path(scratch),
            progress=note,
        )
    if folder is not None:
        path = saved.place_for(made, folder)
        saved.save(made, path)
        note(f"Saved {path}")
    elif not asked.save:
        note("Not saved: there is no workspace here; name one, or a file with --save.")
    return made


def _answer(asked: argparse.Namespace, run: Run, against: Comparison | None, baseline: Run | None) -> None:
    if asked.html:
        from agent.faces.commands_start import write_page
        from evals.quality.report import html

        write_page(asked.html, html(run, against, baseline))
        note(f"Wrote {asked.html}")
    if asked.json:
        # The evaluation's own keys, with the comparison beside them: the document is a baseline as it stands.
        document: dict[str, Any] = json.loads(run.model_dump_json())
        document["comparison"] = json.loads(against.model_dump_json()) if against else None
        print_json(document)
        return
    from evals.quality.report_text import show

    show(run, console(), against)


if __name__ == "__main__":
    sys.exit(main())
