"""Messages a founder would sign pass every rule, with no warning."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from agent.drafting.brief import Brief, Watch
from agent.drafting.guardrails import check
from agent.drafting.message import Message
from agent.scoring.assessment import OfferKind
from tests.builders import AS_OF, a_brief, a_figure, a_finding, some_figures, surroundings

MESSAGES = tomllib.loads((Path(__file__).parent / "good_messages.toml").read_text(encoding="utf-8"))[
    "message"
]
MONTH = {"first_day": AS_OF - timedelta(days=29)}


def a_price(minor: int, display: str, name: str):
    """The price of an offer, as the ledger holds it."""
    return a_figure("offer_price", minor, "money", display, f"price of {name}", first_day=AS_OF)


def other_than_capacity(
    play: str, offer: dict, watch: tuple[str, str], problem: str, *figures, **more
) -> Brief:
    """A brief of another play, with an offer of its own."""
    given = {"plan_id": None, "benefit": ""} | offer
    display = given.pop("display")
    figure_id, sentence = watch
    return a_brief(
        play=play,
        offer=given,
        problem=problem,
        findings=(a_finding(),),
        figures=(*figures, a_price(given["price_minor"], display, given["name"])),
        watch=Watch(figure_id=figure_id, sentence=sentence, figure_ids=(figure_id,)),
        **more,
    )


BRIEFS = {
    "capacity": a_brief(),
    "growth": a_brief(
        problem="Your team runs 2.1 times as many exports as at the start.",
        figures=(
            *some_figures(),
            a_figure("usage_growth", 2.13, "ratio", "2.1 times", "exports now against the start"),
        ),
    ),
    "seats": other_than_capacity(
        "seats",
        {
            "kind": OfferKind.SEAT_EXPANSION,
            "name": "5 more seats",
            "price_minor": 4500,
            "display": "€45",
            "benefit": "everyone who was invited can get in",
        },
        ("seats", "when the last of your 10 seats is taken"),
        "Your seats are filling up: 9 of 10 are taken.",
        a_figure("seats_taken", 9, "seats taken", "9", "seats taken"),
        a_figure("seats", 10, "seats", "10 seats", "seats paid for"),
        a_figure("seats_free", 1, "seats", "1 seat", "seats left"),
        a_figure("members_joined", 3, "people", "3 people", "people who joined and are still there", **MONTH),
        recipient={"account_name": "Bramble", "contact_name": "Jonas Weber"},
        features=("seats",),
    ),
    "feature": other_than_capacity(
        "feature",
        {
            "kind": OfferKind.PLAN_UPGRADE,
            "name": "Business",
            "plan_id": "business",
            "price_minor": 1250,
            "per": "seat and month",
            "display": "€12.50",
            "benefit": "people sign in with the account they have",
        },
        ("attempts", "when somebody tries single sign-on more than 4 times in 14 days"),
        "Your team tried single sign-on 4 times in the last 14 days and could not get in.",
        a_figure("attempts", 4, "times", "4 times", "attempts to use single sign-on"),
        a_figure("window", 14, "days", "14 days", "the days looked at"),
        recipient={"account_name": "Northlight", "contact_name": "Priya Patel"},
        features=("single sign-on",),
    ),
    "service": other_than_capacity(
        "service",
        {
            "kind": OfferKind.SERVICE_ADDON,
            "name": "Priority support",
            "price_minor": 15000,
            "currency": "USD",
            "display": "$150",
            "benefit": "your questions go to a person who knows your setup",
        },
        ("support_minutes", "when support takes more than 340 minutes in 30 days"),
        "Your team spent 340 minutes with our support in the last 30 days.",
        a_figure("support_minutes", 340, "minutes", "340 minutes", "minutes of support lately", **MONTH),
        a_figure("support_growth", 1.6, "ratio", "1.6 times", "support time now against before", **MONTH),
        a_figure("members_joined", 3, "people", "3 people", "people who joined", **MONTH),
        recipient={"account_name": "Halden Labs", "contact_name": "Tom"},
        features=("support",),
    ),
    "scope": other_than_capacity(
        "scope",
        {
            "kind": OfferKind.SCOPE_AGREEMENT,
            "name": "Custom work agreement",
            "price_minor": 120000,
            "currency": "CHF",
            "display": "CHF 1,200",
        },
        ("scope_requests", "when custom reports are asked for more than 2 times in 30 days"),
        "You asked for custom reports 2 times in the last 30 days.",
        a_figure(
            "scope_requests",
            2,
            "times",
            "2 times",
            "requests outside the plan",
            **MONTH | {"first_day": date(2026, 3, 1)},
        ),
        a_figure("third", 3, "times", "3 times", "requests that make it time", **MONTH),
        a_figure("window", 30, "days", "30 days", "the days looked at", **MONTH),
        recipient={"account_name": "Birk", "contact_name": "Lena"},
        features=("custom reports",),
    ),
    "deadline": other_than_capacity(
        "deadline",
        {
            "kind": OfferKind.SPRINT_PACKAGE,
            "name": "a launch sprint",
            "price_minor": 250000,
            "currency": "GBP",
            "per": "once",
            "display": "£2,500",
            "benefit": "the open points are done before your date",
        },
        ("deadline", "when 20 March 2026 is too close for comfort"),
        "Your launch is on 20 March 2026, and there is still work to do.",
        a_figure("deadline", date(2026, 3, 20), "date", "20 March 2026", "the date of your launch"),
        a_figure("days_to_deadline", 18, "days", "18 days", "days until the launch"),
        recipient={"account_name": "Corvid", "contact_name": "Ada"},
        features=("import",),
    ),
    "cross_sell": other_than_capacity(
        "cross_sell",
        {
            "kind": OfferKind.CROSS_SELL,
            "name": "Acme Sign",
            "price_minor": 2900,
            "display": "€29",
            "benefit": "contracts are signed where they are written",
        },
        ("views", "when people look at contract signing more than 4 times in 30 days"),
        "Your team looked at contract signing 4 times in the last 30 days.",
        a_figure("views", 4, "times", "4 times", "looks at contract signing", **MONTH),
        a_figure("window", 30, "days", "30 days", "the days looked at", **MONTH),
        recipient={"account_name": "Oakfield", "contact_name": "Sam"},
        features=("contract signing",),
    ),
}

OTHERS = {
    "other_names": ("Globex", "Initech", "Target", "Acme Bakery", "Base", "Will Smith"),
    "other_plans": ("Enterprise", "Team", "Scale"),
    "other_features": ("audit_log", "search", "API access", "reports"),
}


@pytest.mark.parametrize("number", range(len(MESSAGES)), ids=lambda n: f"{MESSAGES[n]['brief']}-{n}")
def test_a_good_message_passes_every_rule(number):
    """No block and no warning, whoever the other customers are."""
    given = MESSAGES[number]
    message = Message(subject=given["subject"], body=given["body"].strip())
    found = check(message, BRIEFS[given["brief"]], surroundings(**OTHERS))
    assert [(one.rule, message.text[one.start : one.end]) for one in found] == []


def test_there_are_twenty_of_every_play():
    """Enough to notice a rule that grows too eager."""
    assert len(MESSAGES) >= 20
    assert {message["brief"] for message in MESSAGES} == set(BRIEFS)
