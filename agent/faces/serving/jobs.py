"""What each job does when it is due; answers in a few words what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agent.approval import runs
from agent.faces.serving.due import Job
from agent.foundation import clock
from agent.foundation.errors import OutgrownError

if TYPE_CHECKING:
    from agent.faces.slack.desk import Desk
    from agent.wiring import House

KEEP = {Job.TIDY: timedelta(hours=1), Job.HOOKED: timedelta(days=1), Job.PUSH: timedelta(hours=1)}
"How long runs are remembered; the others' for KEEP_OTHERS."
KEEP_OTHERS = timedelta(days=40)
PUSHED_AT_ONCE = 500
"Records for each target in one run: a sync that is due must not wait for long."
MOST_REASONS = 3


@dataclass(frozen=True)
class Turn:
    """One job's turn: the house with fresh eyes, when it was due, and Slack where that is on."""

    house: House
    due_at: datetime
    desk: Desk | None


def tidy(turn: Turn) -> str:
    """Wake what was snoozed, expire what waited too long, forget old runs."""
    turn.house.tidy()
    for job in Job:
        runs.prune(turn.house.store, job, clock.now() - KEEP.get(job, KEEP_OTHERS))
    return ""


def sync(turn: Turn) -> str:
    """Pull facts, record where every account stands, and look again at whatever waits."""
    synced = turn.house.sync()
    reports = synced.tables
    if synced.failed and not reports:
        raise OutgrownError(" ".join(synced.failed.values()))
    found = turn.house.scan()
    stale = turn.house.freshen()
    new, changed = sum(one.new for one in reports), sum(one.changed for one in reports)
    facts = f"{new:,} facts new, {changed:,} changed" if reports else "facts are read in place"
    gone = f"; {len(stale)} no longer held and went stale" if stale else ""
    failed = "".join(f"; {says}" for says in synced.failed.values())
    return f"{facts}; {len(found.accounts):,} accounts looked at{gone}{failed}"


def hooked(turn: Turn) -> str:
    """Pull facts from the vendors whose webhooks brought something since, and look again at whatever waits."""
    from agent.wiring.hooking import waiting

    names = waiting(turn.house.workspace)
    if not names:
        return ""
    synced = turn.house.sync(names)
    new, changed = (sum(getattr(one, what) for one in synced.tables) for what in ("new", "changed"))
    # A customer who has just complained must not get the message that was approved this morning.
    stale = turn.house.freshen() if new or changed else ()
    if synced.failed:
        raise OutgrownError(" ".join(synced.failed.values()))
    gone = f"; {len(stale)} no longer held and went stale" if stale else ""
    return f"{' and '.join(names)} called: {new:,} facts new, {changed:,} changed{gone}"


def draft(turn: Turn) -> str:
    """Write about ready accounts."""
    from agent.faces.telling import worded

    written, _ = turn.house.draft(turn.house.settings.serve.draft_top)
    new = [one for one in written if one.queued and one.queued.is_new]
    blocked = sum(one.queued is None for one in written)
    told = worded(one.making for one in new)
    return (
        f"{len(new)} new, {len(written) - len(new) - blocked} waited already"
        + (f", {blocked} kept back by a guardrail" if blocked else "")
        + (f"; {told.rstrip('.')}" if told else "")
    )


def digest(turn: Turn) -> str:
    """Post the week's digest; a later attempt is still about the week it was due for."""
    if turn.desk is None:
        return "Slack is off"
    day = clock.last_complete_day(turn.due_at)
    if turn.desk.post_digest(day).ts is None:
        raise OutgrownError("another process is just posting it")
    return f"posted, as of {day}"


def push(turn: Turn) -> str:
    """Tell the founder's own tools what has happened; what is left over is told in the next minute."""
    done = turn.house.push(PUSHED_AT_ONCE)
    told = Counter(f"{one.target} {one.result}" for one in done)
    reasons = dict.fromkeys(f"{one.target}: {one.says.rstrip('.')}" for one in done if one.result != "done")
    return "; ".join([*(f"{number} {what}" for what, number in told.items()), *list(reasons)[:MOST_REASONS]])


WORK: dict[Job, Callable[[Turn], str]] = {
    Job.TIDY: tidy,
    Job.SYNC: sync,
    Job.HOOKED: hooked,
    Job.DRAFT: draft,
    Job.DIGEST: digest,
    Job.PUSH: push,
}
