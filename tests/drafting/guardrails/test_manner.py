"""When a draft presses, promises, tells how it was made, or shouts."""

import pytest

from tests.builders import a_brief, a_figure, a_finding, a_message
from tests.drafting.guardrails.held import said, violations, words

PRESSING = [
    ("Act now.", ["Act now"]), ("Hurry up.", ["Hurry up"]), ("This is your last chance.", ["last chance"]),
    ("Decide before it's too late.", ["before it's too late"]),
    ("a limited-time thing", ["limited-time"]), ("It ends soon.", ["ends soon"]),
    ("Please reply as soon as possible.", ["as soon as possible"]),
    ("You will lose exports.", ["You will lose"]),
    ("You\u2019ll lose exports.", ["You’ll lose"]), ("Don't miss it.", ["Don't miss"]),
    ("You must upgrade.", ["must upgrade"]), ("You need to upgrade.", ["need to upgrade"]),
    ("Exports will be blocked.", ["will be blocked"]), ("Only three left.", ["Only three left"]),
    ("Prices go up.", ["Prices go up"]), ("this week only", ["this week only"]),
    ("a 20% discount", ["discount"]), ("20% off", ["% off"]), ("It is free.", ["free"]),
    ("The first month is free of charge.", ["free of charge"]), ("a coupon", ["coupon"]),
    ("half-price", ["half-price"]),
    ("at no extra cost", ["at no extra cost"]), ("Save money.", ["Save money"]),
    ("It is on us.", ["on us"]), ("a great deal", ["great deal"]), ("cheaper", ["cheaper"]),
    ("D\u0456scount", ["D\u0456scount"]),
    ("I guarantee it.", ["guarantee"]), ("We promise that.", ["We promise"]),
    ("money-back", ["money-back"]), ("risk-free", ["risk-free"]),
    ("You will never hit it.", ["will never"]), ("unlimited exports", ["unlimited"]),
    ("no more limits", ["no more limits"]), ("cancel anytime", ["cancel anytime"]),
    ("It pays for itself.", ["pays for itself"]), ("It'll double your output.", ["It'll double", ]),
    ("once and for all", ["once and for all"]),
    ("Only a few places are left.", ["Only a few places"]), ("There is only the last slot.", ["only the last slot"]),
    ("A few places remain.", ["few places"]), ("Spots are going fast.", ["Spots are going"]),
    ("I could do it for less.", ["for less"]),
    ("I would decide this week.", ["I would decide"]), ("Please decide by Friday.", ["decide by Friday"]),
    ("We should act.", ["We should act"]), ("Reply to me by tomorrow.", ["Reply to me by tomorrow"]),
    ("I can knock a little off.", ["knock a little off"]), ("I can take 10% off.", ["take 10% off"]),
    ("We could come down a bit.", ["come down a bit"]), ("I can meet you halfway.", ["meet you halfway"]),
    ("I can do something about the price.", ["do something about the price"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pointed"), PRESSING)
def test_pressure_discounts_and_promises_block(text, pointed):
    """No urgency of ours, nothing cheaper, nothing the offer does not contain."""
    found = words("no_pressure", said(text))
    assert found[: len(pointed)] == pointed


@pytest.mark.parametrize(
    "text",
    [
        "Feel free to ignore me.", "It frees up your evenings.", "You are free to stay.",
        "Your launch on 20 March is close.", "There is no hurry.", "Only you can tell.",
        "It never stops.", "You have one free seat.", "Let me know by reply.",
        "I can switch it right away.", "That is a deal-breaker for some.", "No rush.",
        "Your deadline is near.",
        "No need to decide now.", "I would act on it.", "It takes less than an hour.", "There is no need to decide this week.", "You don't have to act today.",
        "Nothing has to change soon.", "You decide who gets in.", "Only a few exports are left.",
        "People take some time off.", "It takes a bit of work off your hands.", "I can answer today.",
        "Somebody has to wait.", "Saving takes long.", "They lose time.",
        "Exports keep running until the end of the month.",
    ],
)  # fmt: skip
def test_plain_words_press_nobody(text):
    """Words that only look like pressure, and the customer's own deadline."""
    assert words("no_pressure", said(text)) == []


def test_the_founders_own_benefit_sentence_passes_word_for_word():
    """What the offer contains may be promised, as it is written and not otherwise."""
    brief = a_brief(offer={"benefit": "Unlimited exports, guaranteed, and free support"})
    assert (
        words("no_pressure", said("With it: unlimited exports, guaranteed, and free support."), brief) == []
    )
    assert words("no_pressure", said("With it, support is free and guaranteed."), brief) == [
        "free",
        "guaranteed",
    ]


INSIDE = [
    ("Your score is high.", ["Your score"]), ("a composite of 80", ["composite"]),
    ("You are expansion-ready.", ["expansion-ready"]), ("plan_limit_pressure", ["plan_limit_pressure"]),
    ("plan limit pressure", ["plan limit pressure"]), ("the usage pressure group", ["usage pressure"]),
    ("We track your exports.", ["We track"]),
    ("we've been monitoring your account", ["we've been monitoring"]),
    ("We noticed you clicked on it.", ["We noticed you clicked"]),
    ("I saw that you visited the page.", ["I saw that you visited"]),
    ("Our system flagged you.", ["Our system flagged"]), ("our data shows growth", ["our data shows"]),
    ("your usage data shows it", ["your usage data shows"]),
    ("You viewed our pricing page.", ["You viewed our pricing page"]),
    ("a buying signal", ["buying signal"]), ("account acc_0042", ["acc_0042"]),
    ("limit_hits", ["limit_hits"]),
    ("your churn", ["churn"]), ("an upsell", ["upsell"]), ("As an AI I think", ["As an AI"]),
    ("123e4567-e89b-12d3-a456-426614174000", ["123e4567-e89b-12d3-a456-426614174000"]),
    ("Our expansion score for you is high.", ["Our expansion score"]), ("an overall score", ["overall score"]),
    ("Your account ranks high.", ["Your account ranks"]), ("It is on top of our list.", ["top of our list"]),
    ("You rank first here.", ["You rank"]), ("You are high on our list.", ["You are high on our list"]),
    ("It is a list of accounts.", ["list of accounts"]),
    ("You have reached our ready bar.", ["reached our ready bar"]), ("the expansion threshold", ["expansion threshold"]),
    ("I saw in our logs that you were busy.", ["our logs"]), ("I can see it in our data.", ["in our data"]),
    ("I saw it in the logs.", ["saw it in the logs"]), ("as our analytics show", ["our analytics show"]),
    ("our trigger fired", ["our trigger"]), ("wau doubled", ["wau doubled"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pointed"), INSIDE)
def test_nothing_from_behind_the_scenes(text, pointed):
    """No scores, trigger names, ids, or talk of tracking."""
    assert [one.lower() for one in words("no_internals", said(text))][:1] == [one.lower() for one in pointed]


@pytest.mark.parametrize(
    "text",
    [
        "You hit the export limit 5 times.", "Three people joined; a new team began.",
        "The renewal is near.", "Your team invited two guests.", "You asked for SSO.",
        "I keep track of what you asked for.",
        "I noticed your exports stop.", "The scoreboard works.", "At this point you may wait.",
        "Your data stays yours.", "The system is slow.", "I watch for replies.", "We see exports stop.",
        "A feature you asked for.",
        "Single sign-on is on our list.", "You asked for a list of seats.", "Set the bar as high as you like.",
        "You can see it in your dashboard.", "Raise the threshold in your settings.", "You log in by hand.",
    ],
)  # fmt: skip
def test_what_the_customer_knows_may_be_said(text):
    """Their own doings in their own words."""
    assert words("no_internals", said(text)) == []


def test_ids_of_the_account_and_of_source_rows_block():
    """Whatever form they have."""
    from agent.signals.finding import SourceRow

    row = SourceRow(table="events", key="evt-9a81", values={})
    brief = a_brief(
        recipient={"account_id": "C1042"},
        extra_figures=[a_figure("more", 7, rows=(row,))],
        findings=(a_finding(),),
    )
    assert words("no_internals", said("About C1042 and evt-9a81."), brief) == ["C1042", "evt-9a81"]
    assert words("no_internals", said("About you."), brief) == []


TONED = [
    ("This is VERY good.", ["VERY"]), ("It is IMPORTANT.", ["IMPORTANT"]), ("NOW is fine.", ["NOW"]),
    ("Good! Fine!", ["!"]), ("Good!!", ["!!"]), ("Let us leverage it.", ["leverage"]),
    ("It unlocks much.", ["unlocks"]),
    ("supercharge it", ["supercharge"]), ("a game-changer", ["game-changer"]),
    ("real synergies", ["synergies"]), ("I'm reaching out.", ["reaching out"]),
    ("Good!", []), ("A CSV, a PDF and the API.", []), ("ACME DOCS is ours.", []), ("SSO for NASA", []),
    ("I am.", []), ("Plain words.", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pointed"), TONED)
def test_shouting_and_worn_words_warn(text, pointed):
    """Capitals, exclamation marks, jargon."""
    found = violations("tone", said(text))
    assert words("tone", said(text)) == pointed
    assert {one.level.value for one in found} <= {"warn"}


def test_a_name_in_capitals_is_no_shout():
    """A customer may be called NORDWIND."""
    brief = a_brief(recipient={"account_name": "NORDWIND"})
    assert words("tone", a_message(body="Hi Maya,\n\nNORDWIND exports stop."), brief) == []
    assert words("tone", a_message(body="Hi Maya,\n\nNORDWIND exports stop.")) == ["NORDWIND"]
