"""Twenty-four hours of three processes: 500 accounts, two founders, a Slack that stumbles.

Our clock runs so fast that the day takes OUTGROWN_DAY_SECONDS of the machine's (240 by default).
"""

from __future__ import annotations

import csv
import json
import math
import os
import random
import statistics
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from agent.approval.states import DeliveryState, DraftState
from agent.approval.tables import Decision, Delivery, Draft
from agent.approval.tables_running import Click, Run
from agent.faces.slack.naming import Action
from agent.facts.tables import TABLES
from agent.foundation.settings import open_workspace
from agent.foundation.store import open_store
from agent.wiring import House
from tests.exports import TOML, write_workspace
from tests.faces.serving.running import Served
from tests.faces.slack.desks import company
from tests.mailserver import MailServer
from tests.slackserver import CHANNEL, Message, SlackServer

pytestmark = pytest.mark.timing

ACCOUNTS = 500
READY = 150
"Accounts that are ready; the others have room to spare."
PROCESSES = 3
START = datetime(2026, 2, 2)
"A Monday at midnight; the facts end on the Sunday."
WALL_SECONDS = float(os.environ.get("OUTGROWN_DAY_SECONDS", "240"))
SPEED = 86_400 / WALL_SECONDS
DECIDED_BY = 21.5
"The hour after which nobody decides any more, so that everything approved may leave before midnight."
PER_HOUR = 3
"Cards that are decided in an hour."
TICKETS_PER_HOUR = 3
BY_THE_HOUR = ("sync", "draft", "digest")
PACE = 0.05
DANA, RAVI = "U0DANA", "U0RAVI"
TABLE = "OUTGROWN_DAY_TABLE"
"Where to append the table as JSON lines, for a person who wants it."
FLAT = 1.10
"How much more memory a process may take in the evening than at noon."
NIGHT = 24
NOON, EVENING = range(10, 15), range(20, NIGHT + 1)
"""Hours that are compared. What is read while a sync runs is a tenth above what is read beside it, so that the lowest
reading of each hour counts, and of five such hours the middle one. Before ten, a process on a busy machine may still be
at its first sync, and not hold yet what it holds from then on: 235 MiB at six, 318 at ten, 317 at midnight."""
READINGS_PER_HOUR = 20
SETTINGS = f"""
[slack]
channel = "{CHANNEL}"
approvers = ["{DANA}", "{RAVI}"]
charts = false

[digest]
weekday = "monday"
at = 09:00:00

[delivery]
channel = "smtp"
quiet_from = 03:00:00
quiet_until = 06:00:00
daily_ceiling = 0
smtp = {{ host = "127.0.0.1", port = PORT, security = "none" }}
"""


class Day:
    """The clock of the rehearsal, as the processes have it."""

    def __init__(self) -> None:
        self.since = time.time()

    @property
    def hour(self) -> float:
        """Hours since midnight."""
        return (time.time() - self.since) * SPEED / 3600

    @property
    def now(self) -> datetime:
        """The moment it is."""
        return START + timedelta(hours=self.hour)

    def wait(self, hour: float) -> None:
        """Until it is that hour."""
        time.sleep(max(0.0, (hour - self.hour) * 3600 / SPEED))

    @property
    def environment(self) -> dict[str, str]:
        """What lets a process have this clock."""
        return {
            "OUTGROWN_NOW": START.isoformat(),
            "OUTGROWN_NOW_SPEED": f"{SPEED:.6f}",
            "OUTGROWN_NOW_SINCE": f"{self.since:.6f}",
        }


WAYS = {
    "approve": 48,
    "approve twice": 12,
    "both approve": 10,
    "approve against skip": 8,
    "skip": 10,
    "snooze": 6,
    "late": 6,
}
"What founders do, and how often in a hundred times."


class Founders:
    """Two people who decide cards at random, sometimes both, sometimes twice, sometimes too late."""

    def __init__(self, slack: SlackServer, seed: int) -> None:
        self.slack, self.chance = slack, random.Random(seed)
        self.first = list(WAYS) * 2
        "Every way twice before chance decides: once may meet with a card that a ticket has just overtaken."
        self.did: Counter[str] = Counter()
        self.touched: set[str] = set()
        self.clicks = 0

    def draft_of(self, card: Message) -> str:
        """The draft a card is about."""
        return str((card.metadata or {})["event_payload"]["post_id"]).split(":")[1]

    def act(self) -> None:
        """Decide one card that nobody has touched, or press a button on one that was decided long ago."""
        cards = [one for one in self.slack.messages if (one.metadata or {}).get("event_type") == "card"]
        fresh = [c for c in cards if self.draft_of(c) not in self.touched and Action.APPROVE in c.action_ids]
        what = self.first.pop(0) if self.first else self.chance.choices([*WAYS], [*WAYS.values()])[0]
        if what == "late":
            old = [card for card in cards if self.draft_of(card) in self.touched]
            if old:
                self._click(self.chance.choice(old), Action.APPROVE, DANA)
        elif fresh:
            card = self.chance.choice(fresh)
            self.touched.add(self.draft_of(card))
            self._decide(what, card)
        else:
            return
        self.did[what] += 1

    def _decide(self, what: str, card: Message) -> None:
        if what in ("skip", "snooze", "approve against skip"):
            action = Action.SNOOZE if what == "snooze" else Action.SKIP
            view = self._dialogue(card, action)
            if what == "approve against skip":
                self._click(card, Action.APPROVE, DANA)
            if view is not None:
                values = {"reason": {"reason": "other"}} if action is Action.SKIP else {}
                self.clicks += 1
                self.slack.submit(view, values, user=RAVI, wait=0)
            return
        self._click(card, Action.APPROVE, DANA)
        if what != "approve":
            self._click(card, Action.APPROVE, RAVI if what == "both approve" else DANA)

    def _dialogue(self, card: Message, action: Action) -> dict | None:
        """The dialogue that opens, if the person is not unlucky with the connection: then it is tried again."""
        before = self.slack.modal(RAVI)

        def opened() -> dict | None:
            found = self.slack.modal(RAVI)
            return found if found != before else None

        for _ in range(4):
            self._click(card, action, RAVI)
            with suppress(AssertionError):
                return self.slack.wait_for(opened, 4)
        return None

    def _click(self, card: Message, action: Action, user: str) -> None:
        self.clicks += 1
        self.slack.click(card, action, user=user)


def stumble(slack: SlackServer, chance: random.Random, done: Counter[str]) -> None:
    """One of the things that happen to a connection."""
    faults = {
        "refresh": lambda: slack.disconnect("refresh_requested", grace=0.5),
        "cut": slack.drop_connections,
        "429": lambda: slack.rate_limit(times=chance.randint(1, 4), retry_after=1),
        "envelope twice": lambda: slack.deliver_twice(3),
        "acknowledgement lost": lambda: slack.drop_acks(1),
        "answer lost": lambda: slack.lose_answer("chat.postMessage"),
    }
    name = chance.choice(list(faults))
    faults[name]()
    done[name] += 1


def new_tickets(folder: Path, accounts: list[str], moment: datetime, number: int) -> None:
    """Urgent tickets arrive: the export is replaced whole, as a careful program does."""
    path = folder / "exports" / "tickets.csv"
    columns = list(TABLES["tickets"].model_fields)
    rows: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    for place, account in enumerate(accounts):
        rows.append(
            {
                "ticket_id": f"t-{number}-{place}",
                "account_id": account,
                "opened_at": moment.replace(microsecond=0).isoformat(sep=" "),
                "priority": "urgent",
                "topic": "bug",
                "text": "Everything is down since this morning!",
            }
        )
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)


def prepared(folder: Path, url: str, port: int) -> Path:
    """The workspace at midnight: its facts read, a draft waiting for every account."""
    world = company(READY)
    for number in range(READY, ACCOUNTS):
        account = world.account(f"acme{number:03}", seats=20)
        world.measure(account, "storage", {0: 40, 7: 39, 14: 38})
        world.member(account, "u1", 100)
    write_workspace(folder, world.facts, TOML + SETTINGS.replace("PORT", str(port)))
    new_tickets(folder, [], START, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", START.isoformat())
        patch.setenv("OUTGROWN_STATE_URL", url)
        house = House(open_workspace(folder))
        house.sync()
        written, _ = house.draft()
        house.look_again(written[0].assessment.account_id)
        house.close()
    assert sum(one.queued is not None for one in written) == READY
    return folder


def test_a_day(tmp_path, postgres_url):
    """Every card is decided once, every approved message leaves once, the digest is posted once, memory is flat."""
    chance, faults = random.Random(5), Counter()
    with MailServer(tmp_path, security="none") as mail, SlackServer(message_gap=0.0) as slack:
        folder = prepared(tmp_path / "day", postgres_url, mail.port)
        day, founders = Day(), Founders(slack, 7)
        environment = {**day.environment, **slack.environment, "OUTGROWN_STATE_URL": postgres_url}
        program = ["tests.faces.serving.rehearsal", str(folder), str(PACE)]
        served = [Served(folder, program=program, **environment) for _ in range(PROCESSES)]
        memory: dict[int, list[float]] = {}
        deciding = threading.Thread(target=decide_all_day, args=(day, founders))
        reading = threading.Thread(target=read_all_day, args=(day, served, memory))
        try:
            for one in served:
                one.said("Listening")
            deciding.start()
            reading.start()
            accounts = sorted(f"acme{number:03}" for number in range(READY))
            for hour in range(1, 25):
                day.wait(hour - 0.5)
                stumble(slack, chance, faults)
                new_tickets(folder, chance.sample(accounts, TICKETS_PER_HOUR), day.now, hour)
                day.wait(hour)
                stumble(slack, chance, faults)
                assert [one.process.poll() for one in served] == [None] * PROCESSES, served[0].tell()
            deciding.join(60)
            reading.join(60)
            assert [one.stop() for one in served] == [0] * PROCESSES
            # Midnight, and the clock stands: what they were still at is ended by whoever comes next.
            midnight = {
                "OUTGROWN_NOW": (START + timedelta(hours=NIGHT)).isoformat(),
                "OUTGROWN_NOW_SPEED": "",
                "OUTGROWN_NOW_SINCE": "",
            }
            served.append(Served(folder, program=[*program, "once"], **environment | midnight))
            assert served[-1].ended(300) == 0, served[-1].tell()
        finally:
            for one in served:
                one.__exit__()
                (tmp_path / f"said-{one.process.pid}.txt").write_text("\n".join(one.lines))
        lines = [line for one in served for line in one.lines]
        with open_store(postgres_url) as store:
            tell(counted(store, slack, mail, founders, faults, memory, lines))
            assert is_settled(store), left_over(store)
            check(store, slack, mail, memory)


def decide_all_day(day: Day, founders: Founders) -> None:
    """A few cards an hour, at no fixed moment."""
    while day.hour < DECIDED_BY:
        founders.act()
        time.sleep(founders.chance.expovariate(PER_HOUR * SPEED / 3600))


def read_all_day(day: Day, served: list[Served], memory: dict[int, list[float]]) -> None:
    """The lowest reading of each process in each hour: what it holds, without what work takes for a moment."""
    while day.hour < NIGHT:
        with suppress(OSError):
            seen = [one.memory for one in served]
            hour = int(day.hour) + 1
            memory[hour] = [min(pair) for pair in zip(seen, memory.get(hour, seen), strict=True)]
        time.sleep(3600 / SPEED / READINGS_PER_HOUR)


def is_settled(store) -> bool:
    """Whether nothing is left to do."""
    with store.reading() as session:
        clicks = session.exec(select(Click).where(Click.state != "done")).first()
        leaving = session.exec(select(Delivery).where(Delivery.state.in_(["queued", "sending"]))).first()
    return not clicks and not leaving


def left_over(store) -> str:
    """What is not done yet, for whoever wants to know why a test failed."""
    with store.reading() as session:
        clicks = session.exec(select(Click).where(Click.state != "done")).all()
        leaving = session.exec(select(Delivery).where(Delivery.state.in_(["queued", "sending"]))).all()
    return "\n".join(map(repr, [*clicks, *leaving]))


def counted(store, slack, mail, founders, faults, memory, lines) -> dict[str, object]:
    """What happened, for the table."""
    with store.reading() as session:
        drafts = Counter(session.exec(select(Draft.state)).all())
        deliveries = Counter(session.exec(select(Delivery.state)).all())
        decisions = Counter(session.exec(select(Decision.kind)).all())
        runs = session.exec(select(Run).where(Run.job.in_(BY_THE_HOUR))).all()
        clicks = len(session.exec(select(Click.click_id)).all())
    acknowledged = sorted(one.acked_after for one in slack.sent if one.acked_after is not None)
    return {
        "clicks pressed": founders.clicks,
        "what founders did": dict(founders.did),
        "clicks kept": clicks,
        "decisions": dict(decisions),
        "drafts": dict(drafts),
        "deliveries": dict(deliveries),
        "messages at the mail server": len(mail.messages),
        "Slack messages": dict(Counter((one.metadata or {}).get("event_type") for one in slack.messages)),
        "words to one person": len(slack.ephemerals),
        "faults": dict(faults),
        "sockets opened": slack.connected,
        "acknowledged, ms": {
            "median": round(1000 * statistics.median(acknowledged)),
            "p99": round(1000 * acknowledged[int(0.99 * (len(acknowledged) - 1))]),
            "most": round(1000 * acknowledged[-1]),
        },
        "acknowledged late": len(slack.unacknowledged),
        "of these lost on purpose": sum(one.is_lost for one in slack.unacknowledged),
        "late otherwise, s": [
            round(one.acked_after or math.inf, 1) for one in slack.unacknowledged if not one.is_lost
        ],
        "runs": dict(Counter(f"{run.job} {run.state}" for run in runs)),
        "attempts": max(run.attempts for run in runs),
        "memory by hour, MiB": {hour: [round(one) for one in seen] for hour, seen in memory.items()},
        "troubles told": len([line for line in lines if "failed" in line or "tried again" in line]),
    }


def check(store, slack, mail, memory) -> None:
    """The promises."""
    with store.reading() as session:
        decisions = session.exec(select(Decision)).all()
        deliveries = session.exec(select(Delivery)).all()
        drafts = {one.draft_id: one for one in session.exec(select(Draft))}
        runs = session.exec(select(Run).where(Run.job.in_(BY_THE_HOUR))).all()
    # Every card decided once.
    assert max(Counter(one.draft_id for one in decisions).values()) == 1
    decided = {one.draft_id: one.kind for one in decisions}
    assert Counter(decided.values()).keys() >= {"approved", "skipped", "snoozed"}
    for one in drafts.values():
        assert one.state in {"pending", "stale"} or one.draft_id in decided
    # Every approved message at most once, and in the end; what a ticket overtook was called back and never left.
    approved = {draft_id for draft_id, kind in decided.items() if kind == "approved"}
    assert {one.draft_id for one in deliveries} == approved
    assert {one.state for one in deliveries} <= {DeliveryState.SENT, DeliveryState.CANCELLED}
    arrived = Counter(one.message_id for one in mail.messages)
    assert arrived == {one.message_id: 1 for one in deliveries if one.state == DeliveryState.SENT}
    assert len(arrived) > 20
    for one in deliveries:
        assert drafts[one.draft_id].state == (
            DraftState.SENT if one.state == DeliveryState.SENT else DraftState.STALE
        )
    # One card for each draft, one digest, one result for each delivery.
    names = Counter(
        (one.metadata or {})["event_payload"]["post_id"] for one in slack.messages if one.metadata
    )
    assert [name for name, times in names.items() if times > 1] == []
    kinds = Counter(one.partition(":")[0] for one in names)
    assert (kinds["digest"], kinds["result"]) == (1, len(deliveries))
    assert kinds["card"] >= READY
    # Every card shows how it ended.
    for message in slack.messages:
        if (message.metadata or {}).get("event_type") == "card":
            draft = drafts[message.metadata["event_payload"]["post_id"].split(":")[1]]
            assert (Action.APPROVE in message.action_ids) == (draft.state == DraftState.PENDING), draft.state
    # Each run was done by one process; what the ledger says of the hours.
    assert {run.state for run in runs if run.job != "sync"} == {"done"}
    jobs = Counter(run.job for run in runs)
    assert jobs["digest"] == 1
    assert jobs["draft"] in (2, 3)
    # One that takes longer than an hour of this clock takes the place of the next.
    assert jobs["sync"] >= 12
    assert slack.refused == []
    # Only what was lost on purpose is acknowledged late: when Slack says it again.
    assert [one for one in slack.unacknowledged if not one.is_lost] == []
    assert all(one.acked_after is not None and one.acked_after < 60 for one in slack.unacknowledged)
    for process in range(PROCESSES):
        noon, evening = (
            statistics.median(memory[hour][process] for hour in hours) for hours in (NOON, EVENING)
        )
        assert evening < FLAT * noon, [round(one[process]) for one in memory.values()]


def tell(table: dict[str, object]) -> None:
    """Print the table, and keep it where somebody asked for it."""
    say = sys.stdout.write
    say(f"\na day in {WALL_SECONDS:.0f} s, {ACCOUNTS} accounts, {PROCESSES} processes on PostgreSQL\n")
    for name, value in table.items():
        say(f"  {name:<28} {value}\n")
    if os.environ.get(TABLE):
        with Path(os.environ[TABLE]).open("a") as file:
            file.write(json.dumps({"at": datetime.now(UTC).isoformat(), **table}, default=str) + "\n")
