"""What is answered from the state, without a model: every figure as the state has it, every name harmless."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta

import pytest

from agent.approval.decisions import LONGEST_SNOOZE
from agent.approval.states import DeliveryState, DraftState
from agent.approval.switches import stop_sending
from agent.faces.slack.asking import answer, answered
from agent.faces.slack.asking.standings import Standings, fullest
from agent.faces.slack.asking.told import Doing, How
from agent.faces.slack.naming import Action, SnoozeRef
from agent.foundation.settings import open_workspace
from agent.scoring import columns
from agent.scoring.assessment import Status
from agent.scoring.composite import usage
from agent.wiring import House
from tests.approval.made import a_finding
from tests.faces.slack.askings import BODY, HOSTILE, NOW, a_house, an_account, draft_of, waits, was_sent
from tests.slackserver import ALL_TEXT, Checked


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """The clock of these tests: a Sunday morning in November."""
    monkeypatch.setenv("OUTGROWN_NOW", NOW.isoformat())


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """The small state, made once."""
    folder = tmp_path_factory.mktemp("asked")
    with a_house(folder):
        return folder


@pytest.fixture
def house(ready, tmp_path):
    """The house of a copy of it."""
    opened = House(open_workspace(shutil.copytree(ready, tmp_path / "copy")), "slack:T0/U0DANA")
    yield opened
    opened.close()


def told(house, question):
    """Everything the answer says, a line each."""
    return [
        line for one in answered(house, question).told for line in
        (one.says, *(text for each in one.passages for text in (each.says, *each.lines)))
    ]  # fmt: skip


def texts(blocks):
    """Every text of Block Kit JSON, with the kind of element it stands in."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("text"), str):
                found.append((node.get("type"), node["text"]))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(blocks)
    return found


def breaches(shown):
    """What Slack would refuse of a message."""
    seen = Checked("message", lambda file: True).blocks(shown.blocks)
    return seen.breaches + [f"{seen.characters} characters"] * (seen.characters > ALL_TEXT)


def test_the_longest_answers_are_ones_that_slack_takes(tmp_path):
    """Many accounts, each with all that can be said of it, in words as long as they come."""
    long = "you use 99% of the " + "very " * 60 + "long things"
    found = tuple(
        a_finding(trigger=f"t{n}", group=f"usage_pressure{n}", says=f"{long} {n}") for n in range(12)
    )
    many = [
        an_account(
            f"long{n}", "W" * 200 + f" <!here> {n}", 99.0, status=Status.READY, points=9, findings=found
        )
        for n in range(60)
    ]
    with a_house(tmp_path, many) as house:
        for question in ("near 25", "top 25", "why long7", "why W", "near 999"):
            shown = answer(house, question, who="x")
            assert breaches(shown) == [], question
            assert len(shown.blocks) <= 50
        shown = texts(answer(house, "near 25", who="x").blocks)
        [more] = [int(text.split()[1]) for _, text in shown if text.startswith("and ")]
        assert sum(text.startswith("W") for _, text in shown) + more == 60, "what is left out is counted"


def test_why_tells_where_an_account_stands_and_what_is_missing(house):
    """Status, points, findings with their figures, needs, use, the day it was looked at."""
    said = told(house, "why is Acme not ready?")
    assert said == [
        "As of 21 November 2026.",
        "Acme is not ready, on watch: 6 points, composite 63.5.",
        "Found: “you use 87% of the 1,000 exports in the Starter plan; a week earlier it was 84%”.",
        "Found: “you ran into a limit 5 times on 3 days in the last 14 days”.",
        "Missing: 3 more points (now 6 of 9).",
        "Use: 87% of its plan, by its fullest metric.",
    ]


def test_why_tells_what_holds_an_account_back_once(house):
    """The hold, and not the need that repeats it; and no draft."""
    said = told(house, "why Umbrella")
    assert "Umbrella is held back: 11 points, composite 90." in said
    assert "Held back: a cancellation is set for 2027-01-14." in said
    assert not any(line.startswith("Missing") for line in said)


def test_why_tells_of_the_draft(house):
    """Where it waits, and since when."""
    known = draft_of(house, "globex").draft_id[:8]
    assert f"Its draft {known} waits for a yes since 18 November 2026." in told(house, "why Globex")


def test_near_lists_the_fullest_first_and_counts_the_rest(house):
    """At 80% or more; an account that nothing is measured of is not among them."""
    [found] = answered(house, "who is near their limit?").told
    assert found.says == "15 accounts use 80% or more of what the plan includes, as of 21 November 2026."
    assert [one.account_id for one in found.passages][:5] == [
        "umbrella",
        "globex",
        "initech",
        "acme",
        "hostile",
    ]
    assert found.passages[0].says == (
        "Umbrella uses 99.5% of its plan, by its fullest metric; it is held back: 11 points, composite 90."
    )
    assert (len(found.passages), found.more) == (10, 5)
    assert [len(answered(house, "near 3").told[0].passages)] == [3]
    assert ("text", "and 5 more.") in texts(answer(house, "near", who="slack:T0/U0DANA").blocks)


def test_near_says_so_when_nobody_is(tmp_path):
    """The fullest there are, and that they are not near."""
    with a_house(tmp_path, [an_account("a", "Alpha", 42.0), an_account("b", "Beta", None)]) as house:
        [found] = answered(house, "near").told
    assert found.says.startswith("No account uses 80% or more of its plan")
    assert [one.says.split(";")[0] for one in found.passages] == [
        "Alpha uses 42% of its plan, by its fullest metric"
    ]


def test_top_has_the_ready_ones_in_the_order_of_everything_else(house):
    """By composite; then those closest to ready, and never one that is held."""
    [found] = answered(house, "top").told
    assert [one.account_id for one in found.passages] == ["globex", "initech", "acme"]
    assert found.says == "2 accounts are ready, as of 21 November 2026; the others listed are the closest."
    assert found.more == 0


def test_sent_shows_the_message_as_it_was_sent(house):
    """Word for word, with the day in the company's time zone, and what became of it."""
    [found] = answered(house, "show what we sent Initech").told
    first, message = found.passages
    assert first.says == "1 message has been sent to Initech, the newest first."
    assert (
        message.says == "“Exports that stop”, 19 November 2026, 10:00, to ann@initech.example by smtp: sent."
    )
    assert message.quote == BODY
    assert BODY in [text for _, text in texts(answer(house, "sent initech", who="x").blocks)]
    assert told(house, "sent Acme") == ["", "Nothing has been sent to Acme from here."]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (DeliveryState.QUEUED, "approved, not sent yet"),
        (DeliveryState.UNKNOWN, "nobody knows whether it arrived"),
        (DeliveryState.FAILED, "not sent, it failed"),
        (DeliveryState.CANCELLED, "called back, not sent"),
    ],
)
def test_what_did_not_arrive_is_not_called_sent(tmp_path, state, says):
    """No message has been sent, whatever is on its way."""
    with a_house(tmp_path, [an_account("acme", "Acme", 87.0)]) as house:
        waits(house, "acme")
        was_sent(house, "acme", NOW, state)
        found = told(house, "sent acme")
    assert found[1] == "No message has been sent to Acme, the newest first."
    assert says in found[2]


def test_waiting_lists_the_drafts(house):
    """With what is needed to find each."""
    [found] = answered(house, "waiting").told
    assert found.says == "1 draft waits for a yes."
    assert found.passages[0].says.startswith("Globex: “Exports that stop” (draft ")


def test_the_budget_is_the_books(tmp_path, monkeypatch):
    """Off without a model; with one, what the month took."""
    with a_house(tmp_path) as house:
        assert "No language model is switched on" in told(house, "budget")[0]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    folder = tmp_path / "on"
    folder.mkdir()
    with a_house(folder) as house:
        assert (
            told(house, "budget")[1]
            == "The language model: $0 of $20 and 0 of 2,000,000 tokens spent this month."
        )


@pytest.mark.parametrize(
    ("given", "account"),
    [
        ("ACME", "acme"), ("acme", "acme"), ("Acm", "acme"), ("Umbrela", "umbrella"), ("Initec", "initech"),
        ("north-sea", "north-sea"), ("North Sea", "north-sea"), ("northwind", "northwind"), ("quiet", "quiet"),
        ("Quiet & Sohne", "quiet"), ("Quiet &amp; Söhne GmbH", "quiet"), ("cafe 24", "cafe"), ("Globx", "globex"),
        ("Tail A", "tail0"), ("the one who pays", None), ("Stark", None), ("&", None), ("a", None), ("Acme Globex", None),
    ],
)  # fmt: skip
def test_an_account_is_found_as_people_type_it(house, given, account):
    """By id, by name, by the beginning of a word, by a slip; never by nothing."""
    found = answered(house, f"why {given}").told[0]
    if account is None:
        assert found.says.startswith(("No account is called", "Several accounts may be meant"))
    else:
        assert [one.account_id for one in found.passages] == [account]


def test_an_ambiguous_name_is_asked_about(house):
    """All that may be meant, each with the id that tells them apart."""
    [found] = answered(house, "why north").told
    assert found.says == "Several accounts may be meant by “north”; ask again with one of these."
    assert [one.says for one in found.passages] == [
        "North Sea Shipping (north-sea)",
        "Northwind Traders (northwind)",
    ]
    [many] = answered(house, "why tail").told
    assert (len(many.passages), many.more) == (10, 0)
    assert answered(house, "snooze north for 2 weeks").proposals == ()


def test_two_accounts_of_one_name_are_told_apart(tmp_path):
    """The exact name is both; the id is one."""
    twins = [an_account("t-1", "Twin", 10.0), an_account("t-2", "Twin", 90.0)]
    with a_house(tmp_path, twins) as house:
        assert len(answered(house, "why Twin").told[0].passages) == 2
        assert [one.account_id for one in answered(house, "why t-2").told[0].passages] == ["t-2"]


def test_a_snooze_is_offered_and_not_done(house):
    """The button carries the draft and the days; the draft waits as before."""
    found = answer(house, "snooze Globex for 2 weeks", who="slack:T0/U0DANA")
    draft = draft_of(house, "globex")
    [button] = [one for block in found.blocks if block["type"] == "actions" for one in block["elements"]]
    assert button["action_id"] == Action.ASKED_SNOOZE
    assert SnoozeRef.model_validate_json(button["value"]) == SnoozeRef(draft_id=draft.draft_id, days=14)
    assert button["text"]["text"] == "Snooze for 14 days"
    assert any("until 6 December 2026 (14 days)" in text for _, text in texts(found.blocks))
    assert draft.state == DraftState.PENDING


def test_until_march_is_the_first_of_march_and_no_snooze_is_longer_than_one_may_be(house):
    """1 March 2027 is 99 days away: the longest is offered, and the difference is said."""
    [proposal] = answered(house, "snooze Globex until March").proposals
    assert proposal.days == LONGEST_SNOOZE == 90
    assert "1 March 2027 is 99 days away, and 90 days is the longest" in proposal.says
    assert "until 20 February 2027 (90 days)" in proposal.says


@pytest.mark.parametrize(
    ("moment", "until", "days"),
    [
        ("2026-11-22T09:00:00", "until 1 February", 71),
        ("2026-11-22T22:59:00", "until tomorrow", 1),
        # In Berlin it is Monday already.
        ("2026-11-22T23:30:00", "until tomorrow", 1),
        ("2026-11-22T23:30:00", "until Tuesday", 1),
        # Clocks go back on 25 October: 22:30 UTC is 00:30 in summer and 23:30 in winter.
        ("2026-10-20T22:30:00", "until 28 October", 8),
    ],
)
def test_the_days_are_those_of_the_companys_calendar(house, monkeypatch, moment, until, days):
    """It is there again on that day where the company is, whatever day it is in Greenwich."""
    monkeypatch.setenv("OUTGROWN_NOW", moment)
    [proposal] = answered(house, f"snooze Globex {until}").proposals
    assert proposal.days == days


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("snooze Globex", "No day was named: write it like “snooze Globex until 1 March” or “for 2 weeks”."),
        ("snooze Globex until the cows come home", "“until the cows come home” names no day to come"),
        ("snooze Fit for Life", "No draft for Fit for Life waits for a yes"),
        ("snooze Acme for 2 weeks", "No draft for Acme waits for a yes, so there is nothing to put off."),
        ("snooze Nobody Inc for 2 weeks", "No account is called “Nobody Inc”."),
    ],
)
def test_what_cannot_be_snoozed_is_said_and_has_no_button(house, question, says):
    """The reason, and how to write it."""
    assert any(says in line for line in told(house, question))
    assert answered(house, question).proposals == ()


def test_a_draft_that_is_put_off_already_says_until_when(house):
    """There is no second snooze."""
    house.snooze(draft_of(house, "globex").draft_id, 5)
    assert any(
        "is put off already, until 27 November 2026" in line
        for line in told(house, "snooze Globex for 1 week")
    )


def test_stopping_is_a_button(house):
    """Nothing is stopped by asking; what is stopped can be let go."""
    found = answer(house, "stop sending", who="x")
    [button] = [one for block in found.blocks if block["type"] == "actions" for one in block["elements"]]
    assert (button["action_id"], button["style"]) == (Action.STOP, "danger")
    assert answered(house, "resume").proposals == ()
    stop_sending(house.store, who="dana", reason="", now=NOW)
    assert [one.doing for one in answered(house, "resume").proposals] == [Doing.RESUME]
    assert answered(house, "stop").told[0].says == "Sending is stopped since 22 November 2026, by dana."


def test_before_the_first_scan_that_is_said(tmp_path):
    """Rather than that there are no accounts."""
    with a_house(tmp_path, []) as house:
        for question in ("top", "near", "why Acme"):
            assert "No scan has been recorded yet" in told(house, question)[0]


def test_a_question_that_is_not_understood_is_answered_with_what_can_be_asked(house):
    """In the words of the help."""
    found = answered(house, "what is the weather like?")
    assert found.how is How.HOUSE
    assert found.told[0].says == "I can only answer some questions. You can ask:"
    assert answered(house, "").told[0].says == "You can ask me, in your own words or like this:"


@pytest.mark.parametrize(
    "question", ["near 25", f"why {HOSTILE[:40]}", "why hostile", "waiting", "sent initech", "sent hostile"]
)
def test_customer_text_is_shown_and_does_nothing(house, question):
    """It stands where Slack reads no markup; what Slack does read of it has none left."""
    found = answer(house, question, who="x")
    assert breaches(found) == []
    for block in found.blocks:
        assert block["type"] in ("rich_text", "actions", "context")
        assert "mrkdwn" not in json.dumps(block)
    assert {kind for kind, _ in texts(found.blocks)} <= {"text", "plain_text"}
    assert "<" not in found.text


def test_the_newest_scan_is_the_one_that_is_told(house):
    """An account that is gone from it is gone."""
    from agent.approval.opportunities import record_scan

    later = an_account("acme", "Acme", 10.0).model_copy(update={"as_of": NOW.date()})
    record_scan(house.store, NOW.date(), [later], NOW + timedelta(hours=1))
    assert told(house, "why Acme")[0] == "As of 22 November 2026."
    assert told(house, "why Globex")[0] == "No account is called “Globex”."
    assert [one.percent for one in Standings(house.store).all] == [10.0]


def test_how_full_a_plan_is_is_read_from_what_the_score_says():
    """In the very sentences that the score writes."""
    for share, percent, teams in (
        (0.62, 62.0, 1), (0.345, 34.5, 1), (0.87, 87.0, 2), (1.204, 120.4, 1), (12.5, 1250.0, 3),
    ):  # fmt: skip
        leaves = (columns.USES_EVER, columns.AMOUNTS_EVER, columns.USES, columns.AMOUNTS)
        row = {leaf.column: 1 for leaf in leaves} | {columns.HIGHER_TRIED.column: teams > 1}
        _, terms = usage(row | {"core_utilisation": share, "any_utilisation": share, "teams": teams})
        said = [term.says for term in terms]
        assert fullest(said) == percent, said
    assert fullest(["no use in the last 30 days"]) is None


def test_a_moment_is_shown_in_the_companys_day(house):
    """23:30 in Greenwich is tomorrow in Berlin."""
    from agent.faces.slack.asking.lookups import Lookups

    assert Lookups(house).day(datetime(2026, 11, 22, 23, 30)) == "23 November 2026"
