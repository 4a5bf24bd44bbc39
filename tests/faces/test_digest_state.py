"""What the digest takes from the state: results, messages of unknown fate, whether messages may leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.approval.decisions import skip
from agent.approval.switches import stop_sending
from agent.approval.tables_running import SendingDay
from agent.delivery.outbox import list_deliveries
from agent.delivery.sender import send
from agent.faces.digest_state import last_week, sending, unsettled
from agent.foundation import clock
from agent.foundation.sections_running import Route
from agent.foundation.settings import open_workspace
from agent.foundation.store import Store
from agent.learning.outcomes import OutcomeKind, record_outcome
from agent.learning.replies import ReplyKind, record_reply
from agent.wiring import House
from tests.approval.made import DAY, NOW, queued
from tests.delivery.made import ScriptedChannel, on_its_way
from tests.exports import write_workspace

NAMES = {"acme": "Acme Ltd", "lost": "Lost & Found"}


@pytest.fixture
def house(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house with that state, a day after NOW."""
    monkeypatch.setenv(clock.SETTING, (NOW + DAY).isoformat())
    made = House(open_workspace(write_workspace(tmp_path / "w", [])))
    made.__dict__["store"] = store
    return made


def with_delivery(house: House, **more: object) -> House:
    """The same with other settings about leaving."""
    settings = house.settings
    changed = settings.model_copy(update={"delivery": settings.delivery.model_copy(update=more)})
    house.workspace.settings = changed
    return house


def test_last_week_names_who_won_and_who_was_skipped(house: House) -> None:
    """With amounts as they were recorded; an account nobody knows any more goes by its id."""
    store = house.store
    record_outcome(store, "acme", OutcomeKind.UPGRADED, 4900, currency="EUR", who="Dana", now=NOW)
    record_outcome(store, "gone", OutcomeKind.BOUGHT, None, who="Dana", now=NOW + DAY / 2)
    record_outcome(store, "lost", OutcomeKind.DECLINED, None, who="Dana", now=NOW)
    record_reply(store, "acme", ReplyKind.NOT_YET, who="Dana", now=NOW)
    skip(store, queued(store, "lost").draft_id, who="Dana", reason="met them", now=NOW)
    week = last_week(house, NAMES)
    assert [(one.name, one.kind, one.amount_minor, one.currency) for one in week.won] == [
        ("Acme Ltd", "upgraded", 4900, "EUR"),
        ("gone", "bought", None, None),
    ]
    assert [(one.name, one.reason) for one in week.skips] == [("Lost & Found", "met them")]
    assert (week.upgraded, week.skipped, week.replied, week.replies) == (2, 1, 1, {"not_yet": 1})


def test_messages_of_unknown_fate_come_oldest_first(house: House) -> None:
    """What arrived is not among them."""
    store = house.store
    for number, account_id in enumerate(("lost", "acme")):
        on_its_way(store, account_id, now=NOW + number * DAY / 4)
        send(store, [ScriptedChannel(RuntimeError("?"), verdict=None)], now=NOW + number * DAY / 4)
    on_its_way(store, "bolt")
    send(store, [ScriptedChannel()], now=NOW)
    found = unsettled(house, NAMES)
    ids = {line.account_id: line.delivery_id for line in list_deliveries(store)}
    assert [(one.name, one.delivery_id) for one in found] == [
        ("Lost & Found", ids["lost"]),
        ("Acme Ltd", ids["acme"]),
    ]


@pytest.mark.parametrize(
    ("leaving", "ceiling"),
    [
        ({}, None),
        ({"channel": "smtp"}, 50),
        ({"channel": "smtp", "daily_ceiling": 0}, None),
        ({"routes": (Route(channel="resend", accounts=("acme",)),)}, 50),
        ({"routes": (Route(channel="eml", accounts=("acme",)),)}, None),
    ],
    ids=["files only", "mail", "mail without one", "some by a provider", "files by another way"],
)
def test_files_have_no_ceiling(house: House, leaving: dict[str, object], ceiling: int | None) -> None:
    """The ceiling is for what really leaves."""
    assert sending(with_delivery(house, **leaving)).ceiling == ceiling


def test_sending_tells_of_today_and_of_what_waits(house: House) -> None:
    """Today is the company's day; what has left or failed does not wait."""
    store = house.store
    on_its_way(store, "acme")
    send(store, [ScriptedChannel()], now=NOW)
    on_its_way(store, "bolt")
    with store.writing() as session:
        session.add(SendingDay(day=NOW.date(), taken=9))
        session.add(SendingDay(day=(NOW + DAY).date(), taken=2))
    found = sending(house)
    assert (found.is_stopped, found.today, found.queued) == (False, 2, 1)


def test_a_stop_is_told_with_who_and_why(house: House) -> None:
    """Until it is lifted."""
    stop_sending(house.store, who="dana", reason="prices change", now=NOW)
    found = sending(house)
    assert (found.is_stopped, found.stopped_by, found.reason, found.stopped_at) == (
        True, "dana", "prices change", NOW,
    )  # fmt: skip
