"""The demo: a sample company from exports to drafts, in one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from agent.foundation import clock
from agent.foundation.errors import UsageError
from agent.foundation.settings import FILE, open_workspace

if TYPE_CHECKING:
    from rich.console import Console

    from agent.wiring import House

MARK = "# A sample company"
"The first words of a demo's outgrown.toml: only such a folder is written into again."


def run_demo(folder: Path, out: Console) -> None:
    """Make the sample workspace in `folder` and run the main job on it.

    Raises UsageError for a folder that holds somebody's own workspace.
    """
    from agent.facts.sample import PRIOR_PROMPTS, SAMPLE_NOW, write_sample
    from agent.faces.commands_drafts import show_written
    from agent.faces.digest import as_html, as_table
    from agent.faces.digesting import digest_view
    from agent.wiring import House

    folder = folder.expanduser().resolve()
    settings = folder / FILE
    if settings.exists() and not settings.read_text(encoding="utf-8").startswith(MARK):
        raise UsageError(f"{settings} is not a demo's; name an empty folder with --workspace DIR.")
    folder.mkdir(parents=True, exist_ok=True)
    write_sample(folder, clock.last_complete_day(SAMPLE_NOW))
    (folder / ".env").write_text(f"# The sample company lives at this moment.\n{clock.SETTING}={SAMPLE_NOW.isoformat()}\n")
    os.environ[clock.SETTING] = SAMPLE_NOW.isoformat()
    house = House(open_workspace(folder))
    reports = house.sync()
    rows = sum(report.read for report in reports)
    out.print(f"1. sync    {rows:,} rows of {len(reports)} tables from {escape(str(folder / 'exports'))}", soft_wrap=True)
    for account_id, sent_at in PRIOR_PROMPTS:
        house.remember_prompt(account_id, sent_at)
    result = house.scan()
    said = _counted(house, result.accounts)
    out.print(f"2. scan    {said}, as of {result.as_of}")
    written, _ = house.draft(result=result)
    out.print(f"3. draft   {len(written)} messages, each checked against its brief")
    view = digest_view(house, result=result)
    page = folder / "digest.html"
    page.write_text(as_html(view), encoding="utf-8")
    out.print(f"4. digest  {escape(str(page))}\n", soft_wrap=True)
    as_table(view, out)
    if written:
        from agent.faces.reading import show_message

        out.print(f"\nThe draft for {escape(written[0].assessment.name)}, exactly as the customer would read it:")
        show_message(written[0].message, out)
    show_written([])if not written else None
    out.print("Next, in this folder:")
    for command in ("review", f"explain {written[0].assessment.account_id if written else 'ACCOUNT'}", "send"):
        out.print(f"  outgrown {command} --workspace {escape(str(folder))}", soft_wrap=True)


def _counted(_house: House, accounts: object) -> str:
    from collections import Counter

    counts = Counter(one.status.value for one in accounts)  # type: ignore[attr-defined]
    return ", ".join(f"{counts[name]} {name}" for name in ("ready", "held", "watch", "stable"))
