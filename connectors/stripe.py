"""Stripe: customers, what they pay for and since when, what they are billed, and the plans on sale. Read-only.

https://docs.stripe.com/api. The first reading lists everything. Later ones read what has happened since from
/v1/events, which Stripe keeps for 30 days; after a longer silence everything is listed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from agent.facts.tables import SubscriptionStatus
from connectors._api import Api
from connectors._inbox import Hook, NotGenuine, NotUnderstood, is_signed, must_be_recent, take
from connectors._rows import Dated, VendorRow
from connectors._shapes import bearer
from connectors._stripe_discounts import Discounts, look_again
from connectors._stripe_events import Happening
from connectors._stripe_history import Historian, Known, told_by
from connectors._stripe_plans import Marks, marked
from connectors._stripe_reading import (
    CUSTOMERS,
    EVENTS_KEPT,
    INVOICES,
    SUBSCRIPTIONS,
    Stripe,
    by_quantity,
    catalogue,
    events,
    is_live,
    lines,
    listed,
    made,
    must_list,
    newest,
    settings_of,
    since_when,
    standings,
)
from connectors._stripe_shapes import Bill, Customer, Standing
from connectors._vendor import Key, Since, Vendor


def _read(headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[dict[str, Any]]:
    """The event of a call that Stripe signed; nothing for one of a kind that is not read."""
    parts = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    # While a secret is being exchanged there is one signature for each.
    given = [value for name, _, value in parts if name == "v1"]
    if not at.isdigit() or not any(is_signed(secret, at.encode() + b"." + body, one) for one in given):
        raise NotGenuine("the call does not carry Stripe's signature for this secret")
    must_be_recent(float(at))
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if (
        not isinstance(found, dict)
        or found.get("object") != "event"
        or not isinstance(found.get("data"), dict)
    ):
        raise NotUnderstood("the body is not an event as Stripe's documentation describes it")
    return [found] if found.get("type") in (*CUSTOMERS, *SUBSCRIPTIONS, *INVOICES) else []


def _check(api: Api) -> str:
    api.get("/v1/customers", {"limit": 1})
    mode = "live" if is_live(api) else "test"
    return f"reads the {mode} data of the Stripe account the key was made in"


STRIPE = Vendor(
    name="stripe",
    title="Stripe",
    url="https://api.stripe.com",
    keys=(
        Key(
            "STRIPE_API_KEY",
            "a restricted key: Developers > API keys > Create restricted key",
            "Read on Customers, Products, Prices (Plans), Subscriptions, Invoices, Coupons and Events; "
            "nothing else, and no Write",
        ),
        Key(
            "STRIPE_WEBHOOK_SECRET",
            "the signing secret of a webhook endpoint (whsec_...): Developers > Webhooks",
            "",
            optional=True,
        ),
    ),
    section=Stripe,
    authorise=lambda keys, section: bearer(keys["STRIPE_API_KEY"], Stripe_Version=section.stripe_version),
    check=_check,
    gives_accounts=True,
    # 25 in a second is what a sandbox allows, and every single endpoint of a live account.
    limit=(20, 1.0),
    hook=Hook(
        "STRIPE_WEBHOOK_SECRET",
        "Developers > Webhooks > Add endpoint, with the events customer.created, customer.updated, "
        "customer.subscription.*, customer.discount.* and invoice.*",
        _read,
    ),
)


@STRIPE.stream("records")
def customers(api: Api, since: Since) -> Iterator[Dated]:
    """Customers: all of them at first, then those that changed."""
    if not api.taken:
        api.taken += take(api.inbox)
    if must_list(api, since):
        for row in listed(api, "/v1/customers"):
            yield from _customer(api, row)
    else:
        for event in newest(events(api, since, CUSTOMERS)):
            for dated in _customer(api, event.object):
                yield Dated(dated.fact, event.created)
    since.kept["listed"] = True


def _customer(api: Api, row: dict[str, Any]) -> Iterator[Dated]:
    for dated in api.facts(row, Customer, "/v1/customers"):
        # A live key sees live customers alone; whatever else turns up there is a trial run.
        if is_live(api) and row.get("livemode") is False:
            yield Dated(dated.fact.model_copy(update={"is_test": True}), dated.changed_at)
        else:
            yield dated


@STRIPE.stream("plans", "ceilings", "plan_features", whole=True)
def plans(api: Api, since: Since) -> Iterator[Dated]:
    """Plans of every product and price, with their ceilings and features."""
    found = catalogue(api)
    now = standings(api) if must_list(api, since) else ()
    heard = events(api, since, SUBSCRIPTIONS, is_told=False)
    found.by_quantity = by_quantity(since, [*now, *(event.object for event in heard)])
    marks = {
        (product.id, name): dated.fact
        for product in found.products.values()
        for name, row in marked(product)
        for dated in api.facts(row, Marks, f"metadata.{name}")
    }
    for fact in found.facts(marks):  # type: ignore[arg-type]
        yield Dated(fact, api.started)
    since.kept["listed"] = True


@STRIPE.stream("versions")
def subscriptions(api: Api, since: Since) -> Iterator[Dated]:
    """How every subscription stood from when on: all that is known at first, then what changed."""
    heard = events(api, since, SUBSCRIPTIONS)
    stories = _stories(api, since, heard)
    found = catalogue(api, is_told=False)
    found.by_quantity = by_quantity(since, [])
    discounts = Discounts(api, since)
    is_old = settings_of(api).old_server
    if not is_old:
        look_again(api, heard, stories, discounts)
    historian = Historian(
        found,
        discounts.terms,
        now=api.started,
        horizon=api.started if is_old else api.started - EVENTS_KEPT,
        read_until=since.at,
    )
    before = _landed(api)
    for name, known in stories.items():
        tell = partial(historian.versions, known, before.get(name))
        yield from api.facts({"id": name, "tell": tell}, Story, "/v1/subscriptions")
    discounts.keep()
    since.kept["listed"] = True


def _landed(api: Api) -> dict[str, set[str]]:
    """Every subscription of which earlier readings told, with the names of its items that had not ended."""
    found: dict[str, set[str]] = {}
    for name, status in api.landed(
        "SELECT v.subscription_id, v.status FROM vendor.versions v QUALIFY row_number() OVER "
        "(PARTITION BY v.subscription_id ORDER BY v.at DESC, v.changed_at DESC, v.pulled DESC) = 1"
    ):
        names = found.setdefault(name.partition(":")[0], set())
        if status != SubscriptionStatus.CANCELED:
            names.add(name)
    return found


def _stories(api: Api, since: Since, heard: Sequence[Happening]) -> dict[str, Known]:
    """All that this reading has heard, by subscription."""
    stories: dict[str, Known] = {}
    rows: list[dict[str, Any]] = []
    if must_list(api, since):
        for row in standings(api):
            rows.append({"items": row.get("items")})
            for standing in made(api, row, Standing):
                stories.setdefault(standing.id, Known()).listed = standing
        for line in lines(api, since):
            if line.subscription in stories:
                stories[line.subscription].lines.append(line)
    for event in heard:
        if event.object.get("object") != "subscription":
            continue
        rows.append({"items": event.object.get("items")})
        for told in told_by(event, lambda row: made(api, row, Standing)):
            stories.setdefault(event.subject, Known()).happened.append(told)
    by_quantity(since, rows)
    return stories


@STRIPE.stream("invoices")
def invoices(api: Api, since: Since) -> Iterator[Dated]:
    """Invoices: those of the history at first, then those that changed."""
    if must_list(api, since):
        for row in listed(api, "/v1/invoices", since_when(api, since)):
            yield from api.facts(row, Bill, "/v1/invoices")
    else:
        for event in newest(events(api, since, INVOICES)):
            for dated in api.facts(event.object, Bill, "/v1/invoices"):
                yield Dated(dated.fact, event.created)
    since.kept["listed"] = True


class Story(VendorRow):
    """One subscription whose versions are told by `tell`, so that one that makes no sense is rejected like any row."""

    id: str
    tell: Any

    def facts(self, settings: Any) -> Any:  # noqa: ARG002
        """Its versions."""
        return self.tell()
