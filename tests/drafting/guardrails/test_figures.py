"""When a draft quotes a number nobody measured."""

from datetime import date

import pytest

from tests.builders import a_brief, a_figure
from tests.drafting.guardrails.held import said, words

GROUNDED = [
    "You are at 87% of your plan.", "You are at 87 % of your plan.", "You are at 87pct of your plan.",
    "You are at 87 per cent of your plan.", "You are at eighty-seven percent of your plan.",
    "８７％ of your plan",
    "٨٧ percent of your plan", "870 of the 1,000 exports", "870 of 1.000 exports", "870 of 1 000 exports",
    "870/1,000 exports", "1k exports", "one thousand exports", "eight hundred and seventy exports",
    "14 days", "fourteen days", "two weeks", "the last 2 weeks", "a fortnight", "14-day",
    "You hit it 5 times.", "You hit it five times in the past two weeks.", "5 export limit hits", "5 of them",
    "five bumps against it", "five stops", "your fifth export limit hit", "your 5th time at the limit",
    "nearly 90% of your plan", "almost 900 exports", "just under 900 exports", "around 900 exports",
    "about 85%",
    "over 80% of your plan", "more than 850 exports", "at least 850 exports", "850+ exports",
    "up to 5,000 exports",
    "fewer than 900 exports", "most of your exports", "€99 a month", "99 EUR per month", "EUR 99.00",
    "€99,00", "99 euros",
    "when exports pass 90% of the 1,000", "when the limit stops you more than 5 times", "watch for 90%",
    "you have gone over the 1,000 in your plan", "since 16 February", "the 14 days to 1 March 2026",
    "for days",
    # Not figures at all.
    "this one", "no one", "one of the things", "one question", "at once", "once you are there",
    "first, a word",
    "second thoughts", "wait a second", "zero pressure", "24/7", "not yet", "the next step",
    "a third-party tool",
    "a double-check", "I can do that today", "the end of the month", "every month", "your weekly report",
    "march on",
    "you may wait", "both exports and imports",
    "the vast majority of your exports",
    "hundreds of exports", "most exports", "most of the exports are gone", "most days", "the most people",
    "\u2464 times", "at most weeks", "most likely",
]  # fmt: skip


@pytest.mark.parametrize("text", GROUNDED)
def test_a_figure_of_the_brief_may_be_said_in_many_ways(text):
    """Digits or words, rounded on the right side, in its own unit; and number words that count nothing."""
    assert words("ungrounded_figure", said(text)) == []


INVENTED = [
    ("You are at 82% of your plan.", ["82%"]),
    ("You are at eighty-two percent of your plan.", ["eighty-two percent"]),
    ("You have nearly doubled since spring.", ["nearly doubled", "spring"]), ("８２％ of it", ["８２％"]),
    ("٨٢ percent", ["٨٢ percent"]),
    ("87.5% of it", ["87.5%"]), ("minus 87%", ["minus 87%"]), ("0.87 of it", ["0.87"]),
    ("a dozen exports", ["a dozen"]),
    ("half a dozen exports", ["half a dozen"]), ("a couple of exports", ["a couple"]),
    ("twice as many exports", ["twice"]),
    ("2x the exports", ["2x"]), ("tenfold growth", ["tenfold"]), ("3-fold growth", ["3-fold"]),
    ("it tripled", ["tripled"]),
    ("it halved", ["halved"]), ("half of your exports", ["half"]), ("½ of your exports", ["½"]),
    ("2½ exports", ["2½"]),
    ("a third of your exports", ["a third"]), ("two thirds", ["two thirds"]),
    ("three quarters", ["three quarters"]),
    ("one in five exports", ["one in five"]), ("hundreds of seats", ["hundreds"]),
    ("thousands of seats", ["thousands"]),
    ("Hundreds of seats wait.", ["Hundreds"]), ("Twice as many as before.", ["Twice"]),
    ("5 times as many", ["5 times"]), ("five times the number", ["five times"]),
    ("Most of your team needs it.", ["Most of"]), ("Most people need it.", ["Most"]),
    ("A majority needs it.", ["A majority"]), ("scores of people", ["scores"]),
    ("the majority of your colleagues", ["the majority of"]),
    ("\u2463 times", ["\u2463 times"]), ("\u2779 times", ["\u2779 times"]), ("\u24f8 times", ["\u24f8 times"]),
    ("\u24ed times", ["\u24ed times"]), ("\u2173 times", ["\u2173 times"]), ("\u3283 times", ["\u3283 times"]),
    ("\u56db times", ["\u56db times"]),
    ("both teams", ["both"]), ("half an hour", ["half an hour"]), ("two hours", ["two hours"]),
    ("15 days", ["15 days"]),
    ("three weeks", ["three weeks"]), ("in a month", ["a month"]), ("for months", ["for months"]),
    ("a decade", ["a decade"]),
    ("the third time", ["third"]), ("a third time", ["a third"]), ("your 7th export", ["7th"]),
    ("one hundred and one", ["one hundred and one"]),
    ("a million exports", ["a million"]), ("5m exports", ["5m"]), ("②", ["②"]), ("x10", ["10"]),
    ("v3", ["3"]), ("ten", ["ten"]),
    ("one seat", ["one"]), ("€49", ["€49"]), ("49 EUR", ["49 EUR"]), ("EUR 49.00", ["EUR 49.00"]),
    ("fifty bucks", ["fifty bucks"]),
    # A true number as something else.
    ("87 exports", ["87"]), ("14 exports", ["14"]), ("5%", ["5%"]), ("€14", ["€14"]),
    ("99 a month", ["99"]), ("$99", ["$99"]),
    ("99 dollars", ["99 dollars"]), ("€99 per year", ["€99"]), ("5 teams", ["5 teams"]),
    ("870 seats", ["870 seats"]),
    ("1,000 users", ["1,000 users"]), ("87% of your seats", ["87% of your seats"]),
    ("5 times a day", ["5 times"]), ("1,000 exports a week", ["1,000 exports"]),
    # A true number on the wrong side.
    ("more than 5 times", ["more than 5 times"]), ("nearly 87%", ["nearly 87%"]),
    ("fewer than 870 exports", ["fewer than 870"]),
    ("over 90% of your plan", ["over 90%"]), ("more than 1,000 exports", ["more than 1,000"]),
    ("You passed 90%.", ["passed 90%"]),
    ("over 50% of your exports", ["over 50%"]), ("some 940 exports", ["some 940"]),
    ("over 88% of it", ["over 88%"]),
    # Days and periods.
    ("12 March", ["12 March"]), ("March 12, 2026", ["March 12, 2026"]), ("2026-03-12", ["2026-03-12"]),
    ("12/03/2026", ["12/03/2026"]),
    ("since March 2025", ["March 2025"]), ("in April", ["April"]), ("last March", ["last March"]),
    ("yesterday", ["yesterday"]), ("tomorrow", ["tomorrow"]),
    ("last month", ["last month"]), ("next month", ["next month"]), ("by Friday", ["Friday"]),
    ("Q3", ["Q3"]), ("in 2025", ["2025"]),
    ("before Christmas", ["Christmas"]), ("last summer", ["last summer"]), ("this week", ["this week"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pointed"), INVENTED)
def test_a_figure_outside_the_brief_blocks(text, pointed):
    """Whatever way it is written, a number must be one of the brief's, and say what the brief's says."""
    assert words("ungrounded_figure", said(text)) == pointed


EXTRA = [
    (
        a_figure("usage_growth", 2.13, "ratio", "2.1 times"),
        [
            "You have doubled.",
            "Twice as many as before.",
            "twice the number",
            "2.1 times as many",
            "2.1 times",
            "more than doubled",
            "over 2x",
            "twice",
        ],
        ["tripled", "2.4 times", "nearly doubled", "5x"],
    ),
    (
        a_figure("share", 0.5, "share", "50%"),
        ["half of it", "50%", "one in two", "fifty percent"],
        ["a third", "51%"],
    ),
    (
        a_figure("share", 0.67, "share", "67%"),
        ["two thirds", "67%", "nearly 70%"],
        ["three quarters", "about 50%"],
    ),
    (
        a_figure("usage_growth", 2.449, "ratio", "2.4 times", "exports now against the start"),
        ["more than twice as many", "2.4 times as many", "more than doubled", "2.4 times as many exports"],
        ["Twice as many as before.", "2.4 times as many seats", "over twice as many people"],
    ),
    (
        a_figure("seats_active", 0.8, "share", "80%", "share of your team who use it"),
        ["Most of your team needs it.", "Most of your people need it."],
        ["Most of your exports fail."],
    ),
    (
        a_figure("seats_active", 0.4, "share", "40%", "share of your team who use it"),
        ["40% of your team"],
        ["Most of your team needs it."],
    ),
    (
        a_figure("hits", 2, "times", "2 times", "times the limit was hit"),
        ["It stopped you twice.", "twice in 14 days"],
        ["Twice as many as before."],
    ),
    (
        a_figure("used", 1000, "exports", "1,000", "exports used"),
        ["1,000 exports"],
        ["hundreds of exports", "thousands of exports"],
    ),
    (a_figure("share", 0.8734, "share", "87%"), ["87.3%"], ["87.9%"]),
    (
        a_figure("deadline", date(2026, 3, 20), "date", "20 March 2026"),
        ["20 March", "March 20", "the 20th", "2026-03-20", "20/3/2026", "in March", "on Friday 20 March"],
        ["21 March", "in April", "19/03/2026"],
    ),
    (
        a_figure("support_minutes", 340, "minutes", "340 minutes"),
        ["340 minutes", "nearly six hours", "over five hours"],
        ["six hours", "340 hours"],
    ),
    (
        a_figure("teams", 3, "teams", "3 teams", "teams that use it"),
        ["three teams", "3 departments", "a third team"],
        ["3 people", "3 seats"],
    ),
    (
        a_figure("joined", 12, "people", "12 people", "people who joined"),
        ["a dozen people", "12 colleagues", "twelve new members", "a dozen new users"],
        ["12 teams", "12 exports"],
    ),
    (a_figure("grown", 12500, "money", "€125", "saved"), ["€125"], ["€12,500", "125 exports"]),
    (
        a_figure("month", 30, "days", "30 days"),
        ["in the last month", "30 days", "the past month"],
        ["two months"],
    ),
]


@pytest.mark.parametrize(
    ("figure", "text", "holds"),
    [(f, t, True) for f, good, _ in EXTRA for t in good]
    + [(f, t, False) for f, _, bad in EXTRA for t in bad],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_sort_of_figure_grounds_its_own_sort(figure, text, holds):
    """A ratio grounds multiples, a share fractions, a date its day, a duration its other units."""
    brief = a_brief(figures=(figure, a_figure("seats", 40, "seats", "40")))
    assert (words("ungrounded_figure", said(text), brief) == []) is holds


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"plan_name": "Pro 2"}, "Your Pro 2 plan is full."),
        ({"features": ("2FA", "exports")}, "You asked for 2FA."),
        ({"recipient": {"account_name": "37signals"}}, "At 37signals the exports stop."),
        ({"recipient": {"contact_name": "April June"}}, "April, your exports stop."),
        ({"offer": {"name": "5 more seats"}}, "With 5 more seats all is well."),
        ({"offer": {"benefit": "you get 50,000 exports a month"}}, "With it you get 50,000 exports a month."),
    ],
)
def test_a_number_in_a_name_is_no_figure(change, text):
    """Plans, companies, people, features and the founder's own benefit sentence may hold numbers."""
    assert words("ungrounded_figure", said(text), a_brief(**change)) == []
    assert words("ungrounded_figure", said(text), a_brief())


def test_subject_greeting_and_sign_off_are_read_too():
    """A number may hide anywhere."""
    from tests.builders import a_message

    message = a_message(subject="Up 40% already", body="Hi Maya 41,\n\nExports stop.\n\nBest,\nDana 42")
    assert words("ungrounded_figure", message) == ["40%", "41", "42"]


@pytest.mark.parametrize(
    "text", ["You are at 87% of it.", "It stopped you in the last 14 days.", "five times"]
)
def test_a_quoted_figure_is_a_real_metric(text):
    """One figure is enough."""
    assert words("real_metric", said(text)) == []


@pytest.mark.parametrize(
    "text", ["Your exports stop often.", "You are at 82%.", "It is €99 a month with 5,000 exports."]
)
def test_a_message_without_a_measured_figure_blocks(text):
    """The price and what the offer brings were not measured."""
    assert words("real_metric", said(text)) == [f"Hi Maya,\n\n{text}"]
