"""The demo: a sample company from exports to drafts, in one command."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from agent.faces.common import open_house
from agent.faces.starting import make_folder
from agent.faces.terminal import shown
from agent.foundation import clock
from agent.foundation.errors import UsageError
from agent.foundation.settings import FILE

if TYPE_CHECKING:
    from rich.console import Console

MARK = "# This is the sample company."
"A line of a demo's outgrown.toml: only such a folder is written into again."


def run_demo(folder: Path, out: Console) -> None:
    """Make the sample workspace in `folder` and run the main job on it.

    Raises UsageError for a folder that holds somebody's own workspace.
    """
    from agent.faces.digest import as_html, as_table
    from agent.faces.digesting import digest_view
    from agent.facts.sample import OPTED_OUT, PRIOR_PROMPTS, SAMPLE_NOW, write_sample
    from agent.scoring.assessment import Status

    folder = folder.expanduser().resolve()
    settings = folder / FILE
    if settings.exists() and MARK.encode() not in settings.read_bytes():
        raise UsageError(f"{settings} is not a demo's; name an empty folder with --workspace DIR.")
    make_folder(folder)
    moment = clock.now() if os.environ.get(clock.SETTING) else SAMPLE_NOW
    os.environ[clock.SETTING] = moment.isoformat()
    clock_line = f"# The sample company lives at this moment.\n{clock.SETTING}={moment.isoformat()}\n"
    env = folder / ".env"
    # Exports that are there already may have been changed to see what happens: they stay.
    if not (
        env.is_file()
        and env.read_text(encoding="utf-8") == clock_line
        and (folder / "exports").is_dir()
        # A sample of an earlier Outgrown would let a model write, if there is a key.
        and settings.is_file()
        and b"[llm]" in settings.read_bytes()
    ):
        write_sample(folder, clock.last_complete_day(moment))
        env.write_text(clock_line, encoding="utf-8")
    house = open_house(folder)
    reports = house.sync().tables
    rows = sum(report.read for report in reports)
    out.print(
        f"1. sync    {rows:,} rows of {len(reports)} tables from {shown(_near(folder / 'exports'))}",
        soft_wrap=True,
    )
    for account_id, sent_at in PRIOR_PROMPTS:
        house.remember_prompt(account_id, moment - (SAMPLE_NOW - sent_at))
    for account_id in OPTED_OUT:
        house.opt_out(account_id, "asked not to be written to")
    result = house.scan()
    counts = Counter(one.status for one in result.accounts)
    said = ", ".join(f"{counts[status]} {status.value}" for status in Status)
    out.print(f"2. scan    {len(result.accounts)} accounts as of {result.as_of}: {said}")
    written, _ = house.draft(result=result)
    out.print(f"3. draft   {len(written)} messages, each checked against its brief")
    view = digest_view(house, result=result)
    page = folder / "digest.html"
    page.write_text(as_html(view), encoding="utf-8")
    out.print(f"4. digest  {shown(_near(page))}\n", soft_wrap=True)
    as_table(view, out)
    if written:
        from agent.faces.reading import show_message

        out.print(
            f"\nThe draft for {shown(written[0].assessment.name)}, exactly as the customer would read it:"
        )
        show_message(written[0].message, out)
    first = written[0].assessment.account_id if written else result.accounts[0].account_id
    out.print("Next: decide in the terminal, look closer at one account, send what you approved.")
    for command in ("review", f"explain {first}", "send"):
        out.print(f"  {shown(_command())} {command} --workspace {shown(_near(folder))}", soft_wrap=True)


def _command() -> str:
    """How this program was started, as a person would type it."""
    is_script = os.sep in sys.argv[0] and not sys.argv[0].endswith(".py")
    return _near(Path(sys.argv[0])) if is_script else "outgrown"


def _near(path: Path) -> str:
    """A path below the current folder from there, any other in full."""
    full = path.absolute()
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)
