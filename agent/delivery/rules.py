"""When messages may leave: quiet hours and weekends where the customer is, and so many a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.foundation.sections import Company
from agent.foundation.sections_running import Delivery

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SATURDAY = 5


class Wait(NamedTuple):
    """Why a message does not leave yet, and when that is over."""

    until: datetime
    says: str


@dataclass(frozen=True)
class SendingRules:
    """What the founder has set about leaving; of `.eml` files none of it is asked."""

    quiet_from: time
    quiet_until: time
    weekends: bool
    daily_ceiling: int
    "0 means none."
    time_zone: str
    "The company's: of customers whose own is not known, and of the day that is counted."

    def quiet(self, moment: datetime, zone: str | None) -> Wait | None:
        """What keeps a message for somebody in `zone` back at `moment` (UTC); None when it may leave."""
        name = zone if zone and known_zone(zone) else self.time_zone
        causes = list(self._causes(moment, ZoneInfo(name)))
        if not causes:
            return None
        cause, until = causes[0][0], causes[-1][1]
        return Wait(until, f"{cause} until {_spoken(until, name)}")

    def _causes(self, moment: datetime, zone: ZoneInfo) -> Iterator[tuple[str, datetime]]:
        """One obstacle after the other, each with its end, until nothing stands in the way."""
        for _ in range(8):
            found = self._cause(moment, zone)
            if found is None:
                return
            yield found
            moment = found[1]

    def _cause(self, moment: datetime, zone: ZoneInfo) -> tuple[str, datetime] | None:
        local = _local(moment, zone)
        if not self.weekends and local.weekday() >= SATURDAY:
            monday = local.date() + timedelta(days=7 - local.weekday())
            return "weekend", _utc(monday, time(), zone, moment)
        now, start, end = local.time(), self.quiet_from, self.quiet_until
        over_night = start > end
        is_quiet = (now >= start or now < end) if over_night else start <= now < end
        if not is_quiet:
            return None
        day = local.date() + timedelta(days=1 if over_night and now >= start else 0)
        return "quiet hours", _utc(day, end, zone, moment)

    def day_of(self, moment: datetime) -> date:
        """The day that counts for the ceiling."""
        return _local(moment, ZoneInfo(self.time_zone)).date()

    def full(self, moment: datetime) -> Wait:
        """The wait for the next day, once a day's messages have left."""
        until = _utc(self.day_of(moment) + timedelta(days=1), time(), ZoneInfo(self.time_zone), moment)
        says = f"the day's ceiling of {self.daily_ceiling} until {_spoken(until, self.time_zone)}"
        return Wait(until, says)


def rules_of(delivery: Delivery, company: Company) -> SendingRules:
    """The rules as a workspace has them."""
    return SendingRules(
        quiet_from=delivery.quiet_from,
        quiet_until=delivery.quiet_until,
        weekends=delivery.weekends,
        daily_ceiling=delivery.daily_ceiling,
        time_zone=company.time_zone,
    )


@lru_cache(maxsize=1024)
def known_zone(name: str) -> bool:
    """Whether the zone database has the name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(zone)


def _utc(day: date, at: time, zone: ZoneInfo, after: datetime) -> datetime:
    """That time of that day in UTC; of an hour that comes twice, the one after `after`."""
    for fold in (0, 1):
        found = datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC).replace(tzinfo=None)
        if found > after:
            return found
    return after + timedelta(hours=1)


def _spoken(moment: datetime, zone: str) -> str:
    local = _local(moment, ZoneInfo(zone))
    return f"{DAYS[local.weekday()]} {local:%H:%M} in {zone}"
