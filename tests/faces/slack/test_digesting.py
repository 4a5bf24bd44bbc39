"""The week's digest into Slack: once, by hand or by the clock, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.approval import posts
from agent.faces.cli import app
from agent.faces.serving.due import Job, newest_due
from agent.faces.slack.client import Pace, Slack, SlackTrouble
from agent.faces.slack.digest_blocks import is_slack_link
from agent.faces.slack.digesting import (
    PostedDigest,
    digest_day,
    link_to,
    post_digest,
)
from agent.faces.slack.posting import Posting
from agent.foundation import clock
from agent.foundation.sections_running import Digest
from agent.foundation.settings import Settings, open_workspace
from agent.wiring import House
from tests.faces.slack.desks import MONDAY, copied, ready_workspace
from tests.slackserver import Message, SlackServer

pytestmark = pytest.mark.slow

DAY = date(2026, 2, 1)
"The Sunday before the clock's Monday at ten."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two ready accounts and their drafts."""
    return ready_workspace(tmp_path_factory.mktemp("digests") / "w", 2)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    """A Slack that is in no hurry; nothing we ask of it may break its rules."""
    with SlackServer(message_gap=0) as server:
        yield server
    assert server.refused == []


@pytest.fixture
def folder(made: Path, tmp_path: Path, slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workspace, without charts, at that Slack."""
    monkeypatch.setenv("OUTGROWN_NOW", MONDAY)
    monkeypatch.delenv("OUTGROWN_STATE_URL", raising=False)
    for name, value in slack.environment.items():
        monkeypatch.setenv(name, value)
    return copied(made, tmp_path / "w")


def with_charts(folder: Path) -> None:
    """Charts take their time, and most tests need none."""
    toml = folder / "outgrown.toml"
    toml.write_text(toml.read_text("utf-8").replace("charts = false", "charts = true"), "utf-8")


@pytest.fixture
def office(folder: Path) -> Iterator[Callable[[], House]]:
    """Opens the workspace as another process would."""
    opened: list[House] = []

    def one_more() -> House:
        opened.append(House(open_workspace(folder)))
        return opened[-1]

    yield one_more
    for house in opened:
        house.close()


@pytest.fixture
def run(folder: Path) -> Callable[..., Result]:
    """Runs `outgrown digest` there."""
    return lambda *words: CliRunner().invoke(app, ["digest", *words, "--workspace", str(folder)])


def settings_of(zone: str, digest: Digest) -> Settings:
    """A company there, with its digest then."""
    names = {"name": "A", "product": "A", "sender_name": "D", "sender_email": "d@a.example"}
    return Settings(company=names | {"time_zone": zone}).model_copy(update={"digest": digest})


def posted(house: House, holder: str = "", **more: Any) -> PostedDigest:
    """Post this week's."""
    posting = Posting(house.store, Slack(house.workspace.slack), Pace(0.0), holder=holder)
    return post_digest(house, posting, DAY, **more)


def digests(slack: SlackServer) -> list[Message]:
    """Every digest in Slack."""
    return [one for one in slack.messages if (one.metadata or {}).get("event_type") == "digest"]


def kinds(message: Message) -> list[str]:
    """What it is made of."""
    return [str(block["type"]) for block in message.blocks]


def test_it_is_posted_with_its_charts(office, slack, folder):
    """Under a name that tells which it is, with a picture for each account."""
    with_charts(folder)
    house = office()
    found = posted(house)
    [message] = digests(slack)
    assert (found.is_new, found.ts) == (True, message.ts)
    assert message.metadata == {"event_type": "digest", "event_payload": {"post_id": "digest:2026-02-01"}}
    assert kinds(message).count("image") == 2
    assert "Acme Docs, Week to 1 February 2026: 2 ready." in message.text
    pictures = [file.content for file in slack.files.values()]
    assert [one[:8] for one in pictures] == [b"\x89PNG\r\n\x1a\n"] * 2


def test_the_same_week_is_posted_once(office, slack):
    """Also after a restart; the second is told where the first is."""
    first, second = posted(office()), posted(office())
    assert len(digests(slack)) == 1
    assert (second.is_new, second.ts) == (False, first.ts)


@pytest.mark.slow
def test_on_purpose_it_is_posted_again(office, slack):
    """As often as somebody means it."""
    names = [posted(office(), again=again).post_id for again in (False, True, True)]
    assert names == ["digest:2026-02-01", "digest:2026-02-01:2", "digest:2026-02-01:3"]
    assert len(digests(slack)) == 3


@pytest.mark.slow
def test_again_before_the_first_is_the_first(office, slack):
    """There is nothing to repeat."""
    assert posted(office(), again=True).post_id == "digest:2026-02-01"
    assert not posted(office()).is_new
    assert len(digests(slack)) == 1


def test_several_processes_post_it_once(office, slack):
    """All at the same moment."""
    houses = [office() for _ in range(3)]
    for house in houses:
        house.store  # noqa: B018 - opened here, so that they begin together
    gate = threading.Barrier(len(houses))
    found: list[PostedDigest] = []

    def one(house: House) -> None:
        gate.wait()
        found.append(posted(house, holder=f"process {id(house)}"))

    threads = [threading.Thread(target=one, args=(house,)) for house in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(digests(slack)) == 1
    assert sum(one.is_new for one in found) == 1


def test_an_answer_that_was_lost_is_no_second_digest(office, slack):
    """It is looked for before it is said again."""
    slack.lose_answer("chat.postMessage", 1)
    with pytest.raises(SlackTrouble):
        posted(office())
    found = posted(office())
    [message] = digests(slack)
    assert found.ts == message.ts


@pytest.mark.parametrize("trouble", ["rate limit", "refusal"])
def test_after_trouble_it_can_be_posted(office, slack, trouble):
    """Nothing is left half claimed."""
    if trouble == "rate limit":
        slack.rate_limit(1, 1, method="chat.postMessage")
    else:
        slack.fail("chat.postMessage", "not_in_channel", 1)
    with pytest.raises(SlackTrouble):
        posted(office())
    assert posted(office()).is_new
    assert len(digests(slack)) == 1


def test_without_its_charts_it_is_still_posted(office, slack, folder):
    """Where uploading fails, the weeks are a line of block characters."""
    with_charts(folder)
    slack.fail("files.getUploadURLExternal", "storage_limit_reached", 9)
    posted(office())
    [message] = digests(slack)
    assert "image" not in kinds(message)
    assert "▇██ Storage, 12 weeks: 95 of 100 GB, 95%" in str(message.blocks)


@pytest.mark.slow
def test_pictures_that_slack_never_shows_are_left_out(made, tmp_path, monkeypatch):
    """After a few tries, so that the digest is there on the day."""
    with SlackServer(message_gap=0, file_delay=600) as never:
        monkeypatch.setenv("OUTGROWN_NOW", MONDAY)
        for name, value in never.environment.items():
            monkeypatch.setenv(name, value)
        there = copied(made, tmp_path / "w")
        with_charts(there)
        house = House(open_workspace(there))
        assert posted(house).is_new
        house.close()
        [message] = digests(never)
        assert "image" not in kinds(message)


def test_a_digest_that_cannot_be_made_leaves_the_way_free(office, slack):
    """Facts that are gone today may be there tomorrow."""
    house = office()
    aside = house.workspace.facts_file.rename(house.workspace.facts_file.with_suffix(".aside"))
    with pytest.raises(Exception, match="sync"):
        posted(house)
    assert digests(slack) == []
    aside.rename(house.workspace.facts_file)
    assert posted(office()).is_new
    with house.store.reading():
        assert posts.placed(house.store, "digest:2026-02-01").ts


@pytest.mark.parametrize(
    ("now", "weekday", "at", "zone", "day"),
    [
        ("2026-02-02T09:00", "monday", time(9), "UTC", date(2026, 2, 1)),
        ("2026-02-02T08:59", "monday", time(9), "UTC", date(2026, 1, 25)),
        ("2026-02-08T23:59", "monday", time(9), "UTC", date(2026, 2, 1)),
        ("2026-02-02T08:00", "monday", time(9), "Europe/Berlin", date(2026, 2, 1)),
        ("2026-02-02T07:59", "monday", time(9), "Europe/Berlin", date(2026, 1, 25)),
        ("2026-02-02T00:30", "sunday", time(16), "America/Los_Angeles", date(2026, 2, 1)),
        ("2026-02-01T20:00", "monday", time(5), "Pacific/Auckland", date(2026, 1, 31)),
        ("2026-03-29T01:30", "sunday", time(2, 30), "Europe/Berlin", date(2026, 3, 28)),
        ("2026-02-04T12:00", "friday", time(9), "UTC", date(2026, 1, 29)),
    ],
)
def test_a_week_lasts_until_the_next_digest_is_due(now, weekday, at, zone, day):
    """By the company's clock, summer time and all."""
    settings = settings_of(zone, Digest(weekday=weekday, at=at))
    assert digest_day(settings, datetime.fromisoformat(now)) == day


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland"])
@pytest.mark.parametrize("at", [time(0), time(2, 30), time(9), time(23, 59)])
def test_by_hand_and_by_the_clock_it_is_the_same_digest(zone, at):
    """Whichever comes first, the other finds it: at every hour of two weeks, one with a change of the clocks."""
    settings = settings_of(zone, Digest(weekday="sunday", at=at))
    seen = 0
    for hours in range(24 * 14):
        now = datetime(2026, 3, 22) + timedelta(hours=hours, minutes=1)
        due = newest_due(Job.DIGEST, settings, now)
        if due is not None:
            seen += 1
            assert digest_day(settings, now) == clock.last_complete_day(due)
    assert seen >= 24


def test_a_card_is_linked_by_its_place_and_name():
    """As Slack writes such addresses."""
    link = link_to("https://acme.slack.com/", "C0123ABCD", "1700000000.000100")
    assert link == "https://acme.slack.com/archives/C0123ABCD/p1700000000000100"
    assert is_slack_link(link)


def test_the_command_posts_it_once_and_says_so(run, slack):
    """And once more only when it is told to."""
    first, second, third = run("--post"), run("--post"), run("--post", "--again")
    assert first.stdout == "Posted this week's digest.\n"
    assert "was posted already, on 2 February 2026 at 10:00 UTC; `--again`" in second.stdout
    assert third.stdout == "Posted this week's digest.\n"
    assert len(digests(slack)) == 2


def test_without_a_token_the_command_says_what_to_set(run, monkeypatch):
    """In words, and nothing is posted."""
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    result = run("--post")
    assert result.exit_code != 0
    assert "set SLACK_BOT_TOKEN in .env" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--again",), "--again belongs to --post"),
        (("--post", "--as-of", "2026-01-20"), "leave out --as-of"),
        (("--post", "--preview", "x.html"), "leave out --as-of"),
    ],
)
def test_what_does_not_go_together_is_refused(run, words, says):
    """Rather than guessed."""
    result = run(*words)
    assert result.exit_code != 0
    assert says in str(result.exception)


def test_the_preview_is_a_page(run, tmp_path):
    """What Slack would show, without Slack."""
    page = tmp_path / "digest.html"
    assert run("--preview", str(page)).exit_code == 0
    text = page.read_text("utf-8")
    assert "Acme Docs: who has outgrown their plan" in text
    assert text.count("data:image/png;base64,") == 2
    assert "cannot be written" in str(run("--preview", str(tmp_path)).exception)
