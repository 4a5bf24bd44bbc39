"""Hours, weekends and the day that is counted."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from agent.delivery.rules import SendingRules

BERLIN = "Europe/Berlin"
TUESDAY = datetime(2026, 3, 3)


def rules(**changes: Any) -> SendingRules:
    """The rules as they are when nobody sets any, for a company in Berlin."""
    values: dict[str, Any] = {
        "quiet_from": time(18),
        "quiet_until": time(8),
        "weekends": False,
        "daily_ceiling": 50,
        "time_zone": BERLIN,
    }
    return SendingRules(**{**values, **changes})


@pytest.mark.parametrize(
    ("moment", "zone", "says"),
    [
        pytest.param(datetime(2026, 3, 3, 7, 0), BERLIN, None, id="in the morning"),
        pytest.param(datetime(2026, 3, 3, 6, 59), BERLIN, "quiet hours until Tue 08:00", id="a minute early"),
        pytest.param(datetime(2026, 3, 3, 16, 59), BERLIN, None, id="a minute before the evening"),
        pytest.param(datetime(2026, 3, 3, 17, 0), BERLIN, "quiet hours until Wed 08:00", id="in the evening"),
        pytest.param(
            datetime(2026, 3, 3, 23, 30), BERLIN, "quiet hours until Wed 08:00", id="after midnight"
        ),
        pytest.param(datetime(2026, 3, 6, 17, 0), BERLIN, "quiet hours until Mon 08:00", id="Friday evening"),
        pytest.param(datetime(2026, 3, 7, 12, 0), BERLIN, "weekend until Mon 08:00", id="Saturday"),
        pytest.param(datetime(2026, 3, 8, 22, 59), BERLIN, "weekend until Mon 08:00", id="Sunday night"),
        pytest.param(
            datetime(2026, 3, 8, 23, 1), BERLIN, "quiet hours until Mon 08:00", id="early on Monday"
        ),
        pytest.param(
            datetime(2026, 3, 3, 9, 0), "America/New_York", "quiet hours until Tue 08:00", id="west"
        ),
        pytest.param(datetime(2026, 3, 3, 14, 0), "Asia/Tokyo", "quiet hours until Wed 08:00", id="east"),
        pytest.param(datetime(2026, 3, 8, 23, 30), "Asia/Tokyo", None, id="Monday there, Sunday here"),
        pytest.param(datetime(2026, 3, 3, 6, 0), None, "quiet hours until Tue 08:00", id="zone not known"),
        pytest.param(
            datetime(2026, 3, 3, 6, 0), "Mars/Olympus", "quiet hours until Tue 08:00", id="no such zone"
        ),
    ],
)
def test_a_message_leaves_in_the_hours_of_its_reader(
    moment: datetime, zone: str | None, says: str | None
) -> None:
    """In their zone, or in the company's where theirs is not known."""
    found = rules().quiet(moment, zone)
    name = zone if zone and "/" in zone and zone != "Mars/Olympus" else BERLIN
    assert (found.says if found else None) == (f"{says} in {name}" if says else None)
    if found:
        assert found.until > moment
        assert rules().quiet(found.until, zone) is None


@pytest.mark.parametrize(
    ("changes", "moment", "is_free"),
    [
        pytest.param({"weekends": True}, datetime(2026, 3, 7, 12, 0), True, id="weekends allowed"),
        pytest.param({"quiet_from": time(8)}, TUESDAY, True, id="equal times, no quiet hours"),
        pytest.param(
            {"quiet_from": time(12), "quiet_until": time(14)}, datetime(2026, 3, 3, 12, 0), False, id="noon"
        ),
        pytest.param(
            {"quiet_from": time(12), "quiet_until": time(14)}, datetime(2026, 3, 3, 1, 0), True, id="night"
        ),
    ],
)
def test_the_founder_sets_the_hours(changes: dict[str, Any], moment: datetime, is_free: bool) -> None:
    """Any hours, none, and weekends too."""
    assert (rules(**changes).quiet(moment, None) is None) is is_free


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
def test_every_wait_ends_at_a_moment_that_is_free(zone: str) -> None:
    """Through a year, the nights the clocks are put on and back included; quiet hours end inside them."""
    for given in (
        rules(),
        rules(quiet_until=time(2, 30)),
        rules(quiet_from=time(1), quiet_until=time(2, 30)),
    ):
        for hour in range(0, 366 * 24, 5):
            moment = datetime(2026, 1, 1) + timedelta(hours=hour, minutes=45)
            found = given.quiet(moment, zone)
            if found is not None:
                assert moment < found.until <= moment + timedelta(days=3)
                assert given.quiet(found.until, zone) is None


def test_the_day_is_the_companys() -> None:
    """What leaves after midnight in Berlin counts for the next day, wherever its reader is."""
    given = rules()
    assert given.day_of(datetime(2026, 3, 3, 22, 59)) == date(2026, 3, 3)
    assert given.day_of(datetime(2026, 3, 3, 23, 0)) == date(2026, 3, 4)
    assert given.full(datetime(2026, 3, 3, 12, 0)).until == datetime(2026, 3, 3, 23, 0)
    assert given.full(TUESDAY).says == "the day's ceiling of 50 until Wed 00:00 in Europe/Berlin"
