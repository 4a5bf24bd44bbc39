"""When jobs are due: the company's clock, summer time, missed hours, and the same moment for everybody."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import pairwise

import pytest

from agent.faces.serving.due import Job, newest_due, next_due
from agent.foundation.sections import Company, Settings
from agent.foundation.sections_running import Digest, Serve

COMPANY = {"name": "Docs", "product": "Docs", "sender_name": "Dana", "sender_email": "dana@docs.example"}


def the_settings(zone="UTC", *, digest=None, **serve):
    """A workspace's settings with these hours."""
    company = Company(**COMPANY, time_zone=zone)
    return Settings(company=company, digest=Digest(**(digest or {})), serve=Serve(**serve))


def at(text):
    """A moment in UTC."""
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "now", "newest", "coming"),
    [
        pytest.param("UTC", "2026-03-02T09:00", "2026-03-02T09:00", "2026-03-09T09:00", id="on the minute"),
        pytest.param("UTC", "2026-03-02T08:59", None, "2026-03-02T09:00", id="a minute before"),
        pytest.param("UTC", "2026-03-03T08:59", "2026-03-02T09:00", "2026-03-09T09:00", id="missed, caught up"),
        pytest.param("UTC", "2026-03-03T09:00", None, "2026-03-09T09:00", id="missed by a day: let go"),
        pytest.param("Europe/Berlin", "2026-03-02T08:00", "2026-03-02T08:00", "2026-03-09T08:00", id="winter"),
        pytest.param("Europe/Berlin", "2026-03-30T07:00", "2026-03-30T07:00", "2026-04-06T07:00", id="summer"),
        pytest.param("Pacific/Auckland", "2026-03-01T20:00", "2026-03-01T20:00", "2026-03-08T20:00", id="a day ahead"),
        pytest.param("America/Los_Angeles", "2026-03-09T16:00", "2026-03-09T16:00", "2026-03-16T16:00", id="behind"),
    ],
)  # fmt: skip
def test_the_digest_comes_on_its_weekday_at_its_hour(zone, now, newest, coming):
    """By the company's own clock, whatever the machine's."""
    settings = the_settings(zone)
    assert newest_due(Job.DIGEST, settings, at(now)) == (at(newest) if newest else None)
    assert next_due(Job.DIGEST, settings, at(now)) == at(coming)


@pytest.mark.parametrize(
    ("day", "when", "due"),
    [
        pytest.param("2026-03-29", time(2, 30), "2026-03-29T01:30", id="an hour that does not exist"),
        pytest.param("2026-10-25", time(2, 30), "2026-10-25T00:30", id="an hour that comes twice"),
    ],
)
def test_the_night_the_clocks_change_has_one_run(day, when, due):
    """Every minute of three days is looked at: one due moment a day, never two, never none."""
    settings = the_settings("Europe/Berlin", draft_at=when)
    start = at(f"{day}T00:00") - timedelta(days=1)
    found = {newest_due(Job.DRAFT, settings, start + timedelta(minutes=5 * n)) for n in range(3 * 288)} - {
        None
    }
    on_the_day = [moment for moment in found if (moment + timedelta(hours=1)).date() == at(day).date()]
    assert on_the_day == [at(due)]
    assert len({moment.date() for moment in found}) == len(found)


@pytest.mark.parametrize("hours", [0.25, 1, 1.5, 24, 168])
def test_syncs_are_due_at_moments_every_process_counts_alike(hours):
    """Whenever it is asked, and whenever it was started."""
    settings, start = the_settings(sync_every_hours=hours), at("2026-03-02T00:00:01")
    moments = [start + timedelta(seconds=97 * n) for n in range(2000)]
    found = [newest_due(Job.SYNC, settings, moment) for moment in moments]
    for moment, due in zip(moments, found, strict=True):
        assert due <= moment < due + timedelta(hours=hours)
        assert next_due(Job.SYNC, settings, moment) == due + timedelta(hours=hours)
    assert all(later - due == timedelta(hours=hours) for due, later in pairwise(sorted(set(found))))


def test_what_is_switched_off_is_never_due():
    """No sync, and no drafts by the clock."""
    settings = the_settings(sync_every_hours=0, draft_at=None)
    for job in (Job.SYNC, Job.DRAFT):
        assert newest_due(job, settings, at("2026-03-02T09:00")) is None
        assert next_due(job, settings, at("2026-03-02T09:00")) is None
    assert newest_due(Job.TIDY, settings, at("2026-03-02T09:00:30")) == at("2026-03-02T09:00")
