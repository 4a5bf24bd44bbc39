"""When each job is due: by the company's own clock, summer time and all, and the same moment in every process."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from agent.foundation.settings import Settings

CATCH_UP = timedelta(days=1)
"How long a missed run is still worth doing."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


class Job(StrEnum):
    """What the clock sets off, in the order in which it is done."""

    TIDY = "tidy"
    SYNC = "sync"
    HOOKED = "hooked"
    "A sync of those vendors alone whose webhooks brought something."
    DRAFT = "draft"
    DIGEST = "digest"
    PUSH = "push"
    "Telling the founder's own tools what happens."


def newest_due(job: Job, settings: Settings, now: datetime) -> datetime | None:
    """The newest moment (UTC) the job was due at; None when it has an hour and that is over a day ago.

    Older moments that were missed are not made up for.
    """
    moment = now.replace(tzinfo=UTC)
    every = _every(job, settings)
    if every is not None:
        found = _grid(every).get_next_fire_time(None, moment + INSTANT) - every
        return _plain(found)
    days = [_day(moment, settings, -back) for back in range(3)]
    return _first(job, settings, days, lambda found: moment - CATCH_UP < found <= moment)


def next_due(job: Job, settings: Settings, now: datetime) -> datetime | None:
    """The first moment (UTC) after `now` at which the job is due; None for a job that is switched off."""
    moment = now.replace(tzinfo=UTC)
    every = _every(job, settings)
    if every is not None:
        return _plain(_grid(every).get_next_fire_time(None, moment + INSTANT))
    days = [_day(moment, settings, ahead) for ahead in range(9)]
    return _first(job, settings, days, lambda found: found > moment)


def _every(job: Job, settings: Settings) -> timedelta | None:
    """How often a job comes that keeps to no hour of the day."""
    hours = settings.serve.sync_every_hours
    if job is Job.TIDY or (job is Job.HOOKED and hours):
        return timedelta(minutes=1)
    if job is Job.PUSH:
        return timedelta(minutes=1) if settings.targets.is_any_on else None
    return timedelta(seconds=max(60, round(hours * 3600))) if job is Job.SYNC and hours else None


def _grid(every: timedelta) -> Any:
    """Moments that every process counts alike."""
    from apscheduler.triggers.interval import IntervalTrigger

    return IntervalTrigger(seconds=round(every.total_seconds()), start_date=EPOCH, timezone=UTC)


def _first(job: Job, settings: Settings, days: list[date], is_wanted: Any) -> datetime | None:
    """The first wanted moment on these days; the hour that the clocks go through twice counts once."""
    zone = ZoneInfo(settings.company.time_zone)
    trigger = _calendar(job, settings, zone)
    if trigger is None:
        return None
    for day in days:
        found = trigger.get_next_fire_time(None, datetime.combine(day, time(), zone))
        if found is not None and found.date() == day and is_wanted(found):
            return _plain(found)
    return None


def _calendar(job: Job, settings: Settings, zone: ZoneInfo) -> Any:
    from apscheduler.triggers.cron import CronTrigger

    at = settings.serve.draft_at if job is Job.DRAFT else settings.digest.at if job is Job.DIGEST else None
    if at is None:
        return None
    weekday = settings.digest.weekday[:3] if job is Job.DIGEST else None
    return CronTrigger(day_of_week=weekday, hour=at.hour, minute=at.minute, second=at.second, timezone=zone)


def _day(moment: datetime, settings: Settings, after: int) -> date:
    return moment.astimezone(ZoneInfo(settings.company.time_zone)).date() + timedelta(days=after)


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
