"""Team expansion: more people, and more kinds of people, in the account."""

from __future__ import annotations

from agent.signals.formula import EVENTS, MEMBERS, Attribute, Grain
from agent.signals.rule import Quote, Rule, Show, trigger, window

SEATED = MEMBERS.where(member=True, present=True)
GUESTS = MEMBERS.where(guest=True, present=True)


@trigger
def seats_added(*, at_least: int, days: int) -> Rule:
    """People who joined lately, for the first time, and stayed."""
    joined = SEATED.where(rejoined=False).last(days).distinct("user_id")
    return Rule(
        value=joined,
        threshold=at_least,
        unit="members",
        fires=joined >= at_least,
        says="{members_joined} joined in the last {window}",
        quotes=(
            Quote(
                "members_joined", "people who joined and are still there", joined, noun=("person", "people")
            ),
            window(days),
        ),
        oldest=days - 1,
        needs=("members",),
    )


@trigger
def seats_active(*, above: float, active_above: float, days: int) -> Rule:
    """Nearly all seats are taken, by people who use them."""
    taken = SEATED.distinct("user_id")
    active = SEATED.at_most("used_age", days - 1).distinct("user_id")
    seats = Attribute("seats")
    return Rule(
        value=taken / seats,
        threshold=above,
        unit="share",
        fires=(taken / seats > above) & (active / taken > active_above),
        says="{seats_taken} of your {seats} are taken, and {seats_active} of those people used it in the last {window}",
        quotes=(
            Quote("seats_taken", "seats taken", taken),
            Quote("seats", "seats paid for", seats, noun=("seat", "seats")),
            Quote("seats_share", "share of seats taken", taken / seats, Show.SHARE),
            Quote("seats_active", "people in seats who used it", active),
            window(days),
        ),
        oldest=days - 1,
        needs=("members", "events", "subscriptions"),
    )


@trigger
def guests_accumulating(*, at_least: int, joined: int, days: int) -> Rule:
    """Guests gather, some of them new."""
    guests = GUESTS.distinct("user_id")
    new = GUESTS.last(days).distinct("user_id")
    return Rule(
        value=guests,
        threshold=at_least,
        unit="guests",
        fires=(guests >= at_least) & (new >= joined),
        says="{guests} work with you, {guests_new} of them since the last {window} began",
        quotes=(
            Quote("guests", "guests in the account", guests, noun=("guest", "guests")),
            Quote("guests_new", "guests who joined lately", new),
            window(days),
        ),
        oldest=days - 1,
        needs=("members",),
    )


@trigger
def invites(*, at_least: int, days: int) -> Rule:
    """Members who invite others."""
    sent = EVENTS.last(days).where(kind="invited", by_guest=False)
    return Rule(
        value=sent.count(),
        threshold=at_least,
        unit="invitations",
        fires=(sent.count() >= at_least) & (sent.distinct("user_id") >= 1),
        says="your team sent {invitations} in the last {window}",
        quotes=(
            Quote("invitations", "invitations sent", sent.count(), noun=("invitation", "invitations")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events", "members"),
    )


@trigger
def new_team(*, days: int, teams: int, account_days: int) -> Rule:
    """A team that started using the product lately, beside others."""
    age = EVENTS.where(kind="used").age_of_first()
    return Rule(
        grain=Grain.TEAM,
        value=age,
        threshold=days,
        unit="days",
        fires=(age < days) & (Attribute("age_days") >= account_days),
        account_fires=Attribute("teams") >= teams,
        says="the {team} team started using it in the last {window}; {teams} work with it now",
        quotes=(
            Quote("teams", "teams that use it", Attribute("teams"), noun=("team", "teams")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events",),
    )
