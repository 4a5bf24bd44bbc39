"""Mixpanel: the raw events of a project, as it exports them. Read-only.

https://docs.mixpanel.com/reference/raw-event-export
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from agent.foundation.errors import SourceFailed
from connectors._api import Api
from connectors._lines import is_whole, pages_of
from connectors._rows import Batch, Dated
from connectors._shapes import basic
from connectors._usage import Events, Usage, at_seconds, metrics_of
from connectors._vendor import Key, Since, Vendor

PATH = "/api/2.0/export"
FIRST_DAYS, MOST_DAYS = 2, 64
"Days in the first request, and in the largest."
SMALL, LARGE = 64 << 20, 512 << 20
"Bytes of an answer below which the next one asks for twice the days, and above which for half."


class Mixpanel(Usage):
    """What may be set under [connectors.mixpanel]; base_url is https://data-eu.mixpanel.com or https://data-in.mixpanel.com."""

    project_id: int = Field(ge=1)
    "In Mixpanel: Settings > Project Settings."
    time_zone: str = "UTC"
    "The project's time zone if it was made before 2023: its times and days are in it. Newer ones are in UTC."
    late_days: int = Field(5, ge=0, le=60)
    "How many days an event may reach Mixpanel late; so many are read again each time."

    @field_validator("time_zone")
    @classmethod
    def known(cls, value: str) -> str:
        """A zone that there is."""
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is no time zone; write it as Europe/Vienna") from None
        return value


MIXPANEL = Vendor(
    name="mixpanel",
    title="Mixpanel",
    url="https://data.mixpanel.com",
    keys=(
        Key(
            "MIXPANEL_USERNAME", "the name of a service account: Organization Settings > Service Accounts", ""
        ),
        Key(
            "MIXPANEL_SECRET",
            "the secret of that service account",
            "the role Analyst or Consumer in the project",
        ),
    ),
    section=Mixpanel,
    authorise=lambda keys, _: basic(keys["MIXPANEL_USERNAME"], keys["MIXPANEL_SECRET"]),
    check=lambda api: _check(api),
    # 60 an hour and 3 a second are allowed; what is beyond the hour's 60 waits as long as Mixpanel says.
    limit=(3, 1.0),
)


@MIXPANEL.stream("events", "records")
def events(api: Api, since: Since) -> Iterator[Dated | Batch]:
    """Events by the day on which they happened; the last days come again for what was late."""
    settings: Mixpanel = api.settings  # type: ignore[assignment]
    zone = ZoneInfo(settings.time_zone)
    found = Events(settings)
    late = timedelta(days=0 if since.is_first else settings.late_days)
    day, today = _day(since.at - late, zone), _day(api.started, zone)
    days = FIRST_DAYS
    while day <= today:
        until = min(day + timedelta(days=days - 1), today)
        path = _export(api, day, until)
        yield from _events(api, path, found, zone)
        size = path.stat().st_size
        days = min(MOST_DAYS, days * 2) if size < SMALL else max(1, days // 2) if size > LARGE else days
        day = until + timedelta(days=1)
    yield from found.batches(last=True)
    found.tell(api)


@MIXPANEL.stream("metrics", whole=True)
def metrics(api: Api, since: Since) -> Iterator[Dated]:  # noqa: ARG001
    """The metrics that the founder counts from events."""
    yield from metrics_of(api.settings)  # type: ignore[arg-type]


def _events(api: Api, path: Path, found: Events, zone: ZoneInfo) -> Iterator[Dated | Batch]:
    at_utc = _clock(zone)
    with path.open("rb") as file:
        for page in pages_of(api, file):
            for row in page:
                _add(api, row, found, at_utc)
            yield from found.batches()


def _add(api: Api, row: dict[str, Any], found: Events, at_utc: Callable[[float], datetime]) -> None:
    try:
        name, properties = row["event"], row["properties"]
        seconds = properties["time"]
        user = properties.get("$user_id") or properties.get("distinct_id")
        found.add(
            _event_id(name, properties),
            properties.get(found.settings.account),
            None if user is None else str(user),
            # With time_in_ms they are thousandths.
            at_utc(seconds / 1000 if seconds > 1e11 else seconds),
            name,
            properties,
        )
    except (KeyError, TypeError, ValueError, OverflowError, OSError, AttributeError):
        api.reject(row, "event", row.get("event"), "lacks its name or its time, or they make no sense")


def _event_id(name: str, properties: dict[str, Any]) -> str:
    """What is one event to Mixpanel: name, person, time and $insert_id; exports hold copies."""
    person = properties.get("distinct_id_before_identity") or properties.get("distinct_id")
    insert = properties.get("$insert_id")
    told = (
        f"{name}\n{person}\n{properties['time']}\n{insert if insert else sorted(properties.items(), key=str)}"
    )
    return blake2b(told.encode(errors="replace"), digest_size=15).hexdigest()


def _export(api: Api, first: date, last: date, **more: Any) -> Path:
    """The events of these days, a line each.

    Raises SourceFailed where there is no export to be had.
    """
    settings: Mixpanel = api.settings  # type: ignore[assignment]
    params = {"project_id": settings.project_id, "from_date": str(first), "to_date": str(last), **more}
    path = api.file(PATH, params, is_whole=is_whole)
    if path is None:
        raise SourceFailed(
            f"Mixpanel has no export at {api.base_url}; mend base_url in [connectors.mixpanel], or leave it out."
        )
    return path


def _check(api: Api) -> str:
    today = _day(api.started, ZoneInfo("UTC"))
    _export(api, today - timedelta(days=1), today - timedelta(days=1), limit=1)
    return f"may read project {api.settings.project_id}"  # type: ignore[attr-defined]


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.replace(tzinfo=UTC).astimezone(zone).date()


def _clock(zone: ZoneInfo) -> Callable[[float], datetime]:
    """From a project's seconds to UTC: those of older projects count from 1970 by the clock on its wall."""
    if zone.key == "UTC":
        return at_seconds

    def shifted(seconds: float) -> datetime:
        return at_seconds(seconds).replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)

    return shifted
