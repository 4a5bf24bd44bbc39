"""Whether a model's answer is held to what was looked up: every figure, of whom, of what, and every name."""

from __future__ import annotations

import pytest

from agent.faces.slack.asking import answered
from agent.faces.slack.asking.checking import faults
from agent.faces.slack.asking.lookups import Lookups
from tests.faces.slack.askings import NOW, a_house

QUESTION = "could you look into why Acme has not had a message?"
ACME, TWO, LIMITS, SENT = ["why Acme"], ["why Acme", "why Globex"], ["near"], ["sent Initech"]
HOLDS = [
    pytest.param(ACME, "Acme needs 3 more points; it has 6 of 9.", id="digits"),
    pytest.param(ACME, "Acme ran into a limit five times on three days in the last 14 days.", id="words"),
    pytest.param(ACME, "As of 21 November 2026, Acme is on watch with a composite of 63.5.", id="a day"),
    pytest.param(ACME, "Acme is not ready yet.", id="no figure"),
    pytest.param(ACME, "Acme is 3 points short.", id="short of"),
    pytest.param(LIMITS, "15 accounts are near their limit; Umbrella is closest at 99.5%.", id="near"),
    pytest.param(["sent Acme"], "Nothing has been sent to Acme.", id="nothing"),
    pytest.param(ACME, "Acme uses 87% of its plan; a week earlier it was 84%.", id="now and then"),
    pytest.param(ACME, "Acme has had 5 limit hits.", id="the same thing in other words"),
    pytest.param(ACME, "Acme uses 87% of the 1,000 exports that its plan has.", id="of the whole"),
    pytest.param(LIMITS, "- Umbrella: 99.5% of its plan\n- Globex: 96%\n- Initech: 91%", id="a list"),
    pytest.param(
        LIMITS, "15 accounts use 80% or more. Umbrella uses most, 99.5%, and is held back.", id="how many"
    ),
    pytest.param(TWO, "Globex is ready with 10 points. Acme is not: 6 points.", id="two accounts"),
    pytest.param(
        SENT,
        "One message has been sent to Initech, on 19 November 2026.",
        id="sent",
    ),
    pytest.param(["why Stark"], "No account is called “Stark”.", id="nobody"),
    pytest.param(
        ["why north"],
        "Do you mean North Sea Shipping or Northwind Traders?",
        id="several",
    ),
]
LIES = [
    pytest.param(ACME, "Acme has 7 points.", id="another number"),
    pytest.param(ACME, "Acme has seven points.", id="another number in words"),
    pytest.param(ACME, "Acme uses 88% of its plan.", id="another share"),
    pytest.param(ACME, "Acme uses eighty-eight percent of its plan.", id="another share in words"),
    pytest.param(ACME, "Acme uses nearly 90% of its plan.", id="rounded"),
    pytest.param(ACME, "Acme uses over 87% of its plan.", id="beyond"),
    pytest.param(ACME, "Acme pays €99 a month.", id="an amount"),
    pytest.param(ACME, "Acme could save $1,200 a year.", id="another amount"),
    pytest.param(ACME, "Acme was looked at on 20 November 2026.", id="another day"),
    pytest.param(ACME, "Acme renews in March.", id="a month"),
    pytest.param(ACME, "Acme has doubled its exports.", id="implied"),
    pytest.param(ACME, "Acme has used half of its plan.", id="a part"),
    pytest.param(ACME, "Acme ran into a limit 14 times.", id="another figure's number"),
    pytest.param(ACME, "Acme has 87 points.", id="another figure's sort"),
    pytest.param(ACME, "Acme has 9 exports.", id="another noun"),
    pytest.param(ACME, "Acme has 9 points.", id="the bar taken for the points"),
    pytest.param(ACME, "Acme made 1,000 exports.", id="the ceiling taken for the use"),
    pytest.param(ACME, "Acme has 63.5 points.", id="the composite taken for the points"),
    pytest.param(ACME, "Acme uses 84% of its plan.", id="last week's taken for this week's"),
    pytest.param(ACME, "Acme is ready.", id="another status"),
    pytest.param(ACME, "Acme is not on watch.", id="denied status"),
    pytest.param(ACME, "Acme is held back.", id="a hold that is not"),
    pytest.param(ACME, "Acme needs 3 more points. Globex is closer.", id="an account not looked up"),
    pytest.param(ACME, "Acme needs 3 more points, as Wayne Enterprises does.", id="an account that is not"),
    pytest.param(ACME, "Stark is not ready.", id="only an account that is not"),
    pytest.param(TWO, "Acme has 10 points and Globex has 6 points.", id="swapped"),
    pytest.param(TWO, "Acme is not ready. Globex has 6 points.", id="of the other"),
    pytest.param(TWO, "Globex is ready. It has 6 points.", id="of the other, by a pronoun"),
    pytest.param(LIMITS, "- Umbrella: 96%\n- Globex: 99.5%", id="swapped in a list"),
    pytest.param(ACME, "Acme needs 6 more points.", id="the points it has taken for those it lacks"),
    pytest.param(ACME, "Acme has 3 points.", id="the points it lacks taken for those it has"),
    pytest.param(
        ACME, "Acme ran into a limit 5 times in the last 3 days.", id="days on which taken for days in which"
    ),
    pytest.param(ACME, "Nothing was found for Acme.", id="nothing, where there is something"),
    pytest.param(SENT, "Nothing has been sent to Initech.", id="no message, where there is one"),
    pytest.param(LIMITS, "15 accounts are ready.", id="a count of something else"),
    pytest.param(LIMITS, "The first is Globex.", id="a rank"),
    pytest.param(LIMITS, "Globex is closest to its limit, at 96%.", id="another rank"),
    pytest.param(ACME, "Acme is the best of all.", id="a rank of one"),
    pytest.param(ACME, "Acme is at ８７% of its plan, up by ３%.", id="wide digits"),
    pytest.param(ACME, "Acme has Ⅶ points.", id="Roman digits"),
    pytest.param(ACME, "Acme has 6 points and a dozen findings.", id="a dozen"),
    pytest.param(LIMITS, "Dozens of accounts are near their limit.", id="dozens"),
    pytest.param(LIMITS, "Most of them are held back.", id="most"),
    pytest.param(LIMITS, "16 accounts use 80% or more.", id="a wrong count"),
    pytest.param(LIMITS, "Globex uses 80% of its plan.", id="the mark taken for the figure"),
    pytest.param(LIMITS, "Together they average 91.2%.", id="computed"),
    pytest.param(LIMITS, "Umbrella and Globex: 195.5% in all.", id="added up"),
    pytest.param(
        SENT,
        "Two messages have been sent to Initech.",
        id="a message too many",
    ),
]


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The small state."""
    with a_house(tmp_path_factory.mktemp("checked")) as opened:
        yield opened


@pytest.fixture
def wrong(state, monkeypatch):
    """What is wrong with an answer that rests on these commands."""
    monkeypatch.setenv("OUTGROWN_NOW", NOW.isoformat())
    names = {one.account_id: one.name for one in Lookups(state).standings.all}

    def found(commands, words):
        told = [one for command in commands for one in answered(state, command).told]
        return faults(words, told, names, QUESTION, NOW.date())

    return found


@pytest.mark.parametrize(("looked_up", "words"), HOLDS)
def test_an_answer_that_says_what_was_looked_up_stands(wrong, looked_up, words):
    """In digits, in words, in a sentence or in a list."""
    assert wrong(looked_up, words) == []


@pytest.mark.parametrize(("looked_up", "words"), LIES)
def test_an_answer_that_says_anything_else_does_not(wrong, looked_up, words):
    """Another figure, another account's, another thing's, another day's, or somebody else's name."""
    assert wrong(looked_up, words)
