"""The weekly digest: who is in it, and how it reads in the terminal and as JSON."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from agent.faces import digest_words as words
from agent.faces.digest import (
    DigestView,
    LastWeek,
    SourceAge,
    as_json,
    as_table,
    closest_after,
    top_five,
    worth_knowing,
)
from agent.scoring.assessment import Assessment, Hold, Offer, OfferKind, Status
from tests.drafting.assessments import an_assessment
from tests.faces.digests import a_digest, a_full_digest, a_month, held, skipped, stopped, told, unsettled, won


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


@pytest.mark.parametrize(
    ("ready", "close", "shown"),
    [(5, 5, ["w0", "w1", "w2"]), (5, 2, ["w0", "w1"]), (4, 5, ["w1", "w2"]), (2, 5, []), (0, 9, [])],
    ids=["beside a full top five", "only two", "one fills the top", "three fill it", "nobody is ready"],
)
def test_three_of_the_closest_are_told_of(ready, close, shown):
    """Those that fill the top five count."""
    scan = [account(f"r{number}", Status.READY, 9) for number in range(ready)]
    scan += [account(f"w{number}", points=8) for number in range(close)]
    scan.append(account("held", Status.HELD, 12, holds=(hold("unhealthy"),)))
    assert ids(closest_after(scan, top_five(scan))) == shown


def printed(view, width=120):
    """The digest as the terminal shows it."""
    out = io.StringIO()
    as_table(view, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize(
    "said",
    [
        "! Sending has been stopped since 2 March 2026, 16:05 UTC, by dana: the price list changes.",
        "! Nobody knows whether a message arrived, and your word is needed: Brio Studio (27 February 2026).",
        "Brio Studio: outgrown outbox settle 5f0c --arrived (or --not-arrived)",
        "! Too old to rest on: tickets export (3 days old)",
        "Closest to ready",
        "Elm Works",
        "Upgraded: Alder (€50) and Birch (€83.17), €133.17 in all.",
        "Skipped: Dogwood (they renew in May).",
        "Budget",
        "Sending: stopped, 3 of 50 messages sent today; 2 approved wait to leave.",
        "The language model: $0.42 of $20 and 31,000 of 2,000,000 tokens spent this month; asked draft 12.",
    ],
)
def test_the_terminal_tells_what_a_founder_should_know(said):
    """What needs a person first, then who is close, what came of it, and what may still be spent."""
    assert said in printed(a_full_digest())


def test_a_quiet_week_adds_nothing():
    """No heading without something under it."""
    text = printed(a_digest(sources=()))
    for heading in ("!", "Closest to ready", "Budget", "Upgraded", "Skipped"):
        assert heading not in text


def test_what_the_model_took_is_told_once():
    """In the budget, though programs find it among the notes too."""
    note = "The language model: $0.42 of $20 and 31,000 of 2,000,000 tokens spent this month; asked draft 12."
    view = a_digest(model=a_month(), notes=(note, "Something else."))
    assert words.notes(view) == ["Something else."]
    assert printed(view, 200).count("The language model") == 1


@pytest.mark.parametrize(
    ("won_last_week", "said"),
    [
        ((won("Alder", 5000),), ["Upgraded: Alder (€50)."]),
        ((won("Alder", None),), ["Upgraded: Alder."]),
        ((won("Alder", 5000), won("Birch", None)), ["Upgraded: Alder (€50) and Birch."]),
        (
            (won("A", 5000), won("B", 4900, "USD"), won("C", 100)),
            ["Upgraded: A (€50), B ($49) and C (€1), €51 and $49 in all."],
        ),
        ((won("A", 4900, "JPY"), won("B", 1, "JPY")), ["Upgraded: A (¥4,900) and B (¥1), ¥4,901 in all."]),
        ((won("A", 5000), won("B", 6000, kind="bought")), ["Upgraded: A (€50).", "Bought: B (€60)."]),
        (
            tuple(won(f"A{number}", 100) for number in range(8)),
            ["Upgraded: A0 (€1), A1 (€1), A2 (€1), A3 (€1), A4 (€1) and 3 more, €8 in all."],
        ),
    ],
)
def test_amounts_are_added_by_currency(won_last_week, said):
    """Euros to euros; what is paid each month apart from what was bought."""
    view = a_digest(last_week=LastWeek(won=won_last_week))
    assert words.outcomes(view) == said


def test_a_skip_without_a_reason_says_so():
    """And of many only the first are named."""
    view = a_digest(last_week=LastWeek(skips=(skipped("Alder", None), skipped("Birch", "too soon"))))
    assert words.outcomes(view) == ["Skipped: Alder (no reason given) and Birch (too soon)."]


@pytest.mark.parametrize(
    ("sending", "said"),
    [
        ({"is_stopped": False, "queued": 0}, "Sending: on, 3 of 50 messages sent today."),
        (
            {"is_stopped": False, "queued": 1},
            "Sending: on, 3 of 50 messages sent today; 1 approved waits to leave.",
        ),
        (
            {"is_stopped": False, "queued": 0, "ceiling": 1, "today": 0},
            "Sending: on, 0 of 1 message sent today.",
        ),
        ({"queued": 0, "ceiling": None}, "Sending: stopped, no daily ceiling."),
    ],
)
def test_the_sending_budget(sending, said):
    """Whether anything may leave, how much did, and what waits."""
    assert words.budget(a_digest(sending=stopped(**sending))) == [said]


def test_a_long_list_of_holds_is_cut():
    """Who would be ready first; the scan has the rest."""
    view = a_digest(
        holds=tuple(held(f"Held{number}", "past_due", "an invoice is open") for number in range(20))
    )
    text = printed(view)
    assert "Held14" in text
    assert "Held15" not in text
    assert "and 5 more: `outgrown scan` lists them" in text


def test_several_messages_of_unknown_fate_are_counted():
    """Named up to a handful."""
    view = a_digest(sources=(), unsettled=tuple(unsettled(f"A{number}") for number in range(7)))
    [line] = words.urgent(view)
    assert line.startswith(
        "Nobody knows whether 7 messages arrived, and your word is needed: A0 (27 February 2026),"
    )
    assert line.endswith("and 2 more.")


@pytest.mark.parametrize(
    ("play", "first"), [("capacity", "Our own sign."), ("seats", "Something with more points.")]
)
def test_an_own_trigger_comes_before_what_the_play_does_not_rest_on(play, first):
    """Where it satisfies the play that is offered; else the points decide."""
    one = told("seats", "none", play="capacity")
    finding = one.findings[0]
    own = finding.model_copy(
        update={"trigger": "ours", "group": "ours", "play": play, "says": "our own sign"}
    )
    other = finding.model_copy(
        update={"trigger": "else", "group": "else", "says": "something with more points"}
    )
    entry = (
        a_digest()
        .top[0]
        .model_copy(
            update={
                "assessment": one.model_copy(
                    update={"findings": (other, own), "groups": {"ours": 1, "else": 4}}
                )
            }
        )
    )
    assert words.reasons(entry)[0] == first


def test_groups_are_named_in_words():
    """What is missing is for a person."""
    entry = a_digest().top[3]
    one = entry.assessment.model_copy(
        update={"needs": ("1 more point; one finding in feature_interest would do",)}
    )
    assert words.missing(entry.model_copy(update={"assessment": one})) == [
        "1 more point; one finding in feature interest would do."
    ]
