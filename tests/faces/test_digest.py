"""The weekly digest: who is in it, and how it reads in the terminal and as JSON."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from agent.faces import digest_words as words
from agent.faces.digest import (
    DigestView,
    SourceAge,
    as_json,
    as_table,
    top_five,
    worth_knowing,
)
from agent.scoring.assessment import Assessment, Hold, Offer, OfferKind, Status
from tests.drafting.assessments import an_assessment
from tests.faces.digests import a_digest


def account(account_id: str, status: Status = Status.WATCH, points: int = 5, **more) -> Assessment:
    """An account by its standing alone."""
    return an_assessment("capacity near", account_id=account_id, status=status, points=points, **more)


def hold(name: str) -> Hold:
    """A hold with its sentence."""
    return Hold(hold=name, says=f"{name} says so")


def ids(found) -> list[str]:
    """Account ids in order."""
    return [one.account_id for one in found]


def test_ready_accounts_come_first_in_their_given_order():
    """The scan's own order is kept, whatever the points are."""
    scan = [account("b", Status.READY, 9), account("z", points=8), account("a", Status.READY, 12)]
    assert ids(top_five(scan)) == ["b", "a", "z"]


def test_the_closest_follow_by_points_then_composite_then_id():
    """Fewest points missing; an unknown composite counts as none."""
    scan = [
        account("d", points=6, composite=None),
        account("c", points=6, composite=40.0),
        account("b", points=7, composite=10.0),
        account("a", points=6, composite=40.0),
    ]
    assert ids(top_five(scan)) == ["b", "a", "c", "d"]


@pytest.mark.parametrize(
    "far",
    [
        account("x", Status.HELD, 12, holds=(hold("unhealthy"),)),
        account("x", Status.WATCH, 8, holds=(hold("open_escalation"),)),
        account("x", Status.STABLE, 0),
    ],
    ids=["held", "held and below the bar", "no points"],
)
def test_held_and_pointless_accounts_are_not_close(far):
    """An account we stay silent about is no candidate, and nothing is no start."""
    assert ids(top_five([far, account("a", Status.STABLE, 1)])) == ["a"]


def test_there_are_five():
    """A sixth account waits."""
    assert len(top_five([account(str(number)) for number in range(6)])) == 5


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (account("a", Status.HELD, 9, holds=(hold("past_due"), hold("too_new"))), ["past_due"]),
        (account("a", Status.WATCH, 6, holds=(hold("past_due"),)), []),
        (account("a", Status.HELD, 9, holds=(hold("test_account"),)), []),
        (account("a", Status.HELD, 9, holds=(hold("holdout"),)), []),
        (account("a", Status.HELD, 9, holds=(hold("past_due"), hold("holdout"))), []),
        (account("a", Status.READY, 9), []),
    ],
)
def test_holds_worth_knowing_are_of_accounts_that_would_be_ready(one, told):
    """The first hold speaks; test accounts and the control group stay out of sight."""
    assert [held.hold for held in worth_knowing([one])] == told


def test_the_terminal_shows_names_as_they_are():
    """Brackets in a name are no markup, and hidden characters are gone."""
    out = io.StringIO()
    as_table(a_digest(), Console(file=out, width=120))
    text = out.getvalue()
    for said in (
        "[red]",
        "{{7*7}}",
        "Halden Labs",
        "Kestrel Health",
        "4 sent, 2 replied",
        "too old",
        "€149 a month",
    ):
        assert said in text
    assert "\u202e" not in text


def test_an_empty_digest_says_so():
    """No candidates is an answer."""
    out = io.StringIO()
    as_table(a_digest(top=(), holds=(), sources=(), notes=()), Console(file=out, width=80))
    assert "Nobody is ready or close this week." in out.getvalue()
    assert "Held back" not in out.getvalue()


def test_the_json_can_be_read_back():
    """The document is whole."""
    view = a_digest()
    assert DigestView.model_validate_json(as_json(view)) == view


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (None, "never read"),
        (0.4, "less than an hour old"),
        (1.5, "1 hour old"),
        (47.9, "47 hours old"),
        (48, "2 days old"),
    ],
)
def test_the_age_of_facts(hours, said):
    """Hours up to two days, then days."""
    assert words.age(SourceAge(source="files", age_hours=hours)) == said


@pytest.mark.parametrize(
    ("per", "adds_minor", "said"),
    [
        ("month", 5000, "adds €50 a month"),
        ("month", 14900, ""),
        ("month", 0, ""),
        ("seat and month", 14900, "adds €149 a month"),
    ],
)
def test_what_an_offer_adds(per, adds_minor, said):
    """Said only where it is not the price itself."""
    offer = Offer(
        kind=OfferKind.PLAN_UPGRADE,
        name="Growth",
        price_minor=14900,
        currency="EUR",
        per=per,
        adds_monthly_minor=adds_minor,
    )
    assert words.adds(offer) == said


def test_the_reasons_begin_with_what_the_play_rests_on():
    """One finding a group; the play's own before the groups with more points."""
    entry = a_digest().top[2]
    assert words.reasons(entry)[0].startswith("19 of your 20 seats")
    assert len(words.reasons(entry)) == len({finding.group for finding in entry.assessment.findings})
