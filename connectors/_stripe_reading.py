"""What is asked of Stripe in one reading, page by page, and in which shape it comes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, TypeVar, cast
from urllib.parse import quote

from pydantic import Field, ValidationError

from agent.foundation.errors import VendorRefused
from connectors._api import Api
from connectors._inbox import rows
from connectors._rows import VendorRow
from connectors._stripe_events import Happening, in_order
from connectors._stripe_history import Known
from connectors._stripe_plans import Catalogue
from connectors._stripe_prices import Discount, Price, Product
from connectors._stripe_shapes import Line, Standing
from connectors._vendor import Since, Source

R = TypeVar("R", bound=VendorRow)
VERSION = "2026-08-26.dahlia"
PAGE = 100
EVENTS_KEPT = timedelta(days=30)
LIST_AGAIN_AFTER = timedelta(days=25)
"A silence longer than this comes too close to what Stripe keeps of events."
CUSTOMERS = ("customer.created", "customer.updated")
SUBSCRIPTIONS = (
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.discount.created",
    "customer.discount.updated",
    "customer.discount.deleted",
)
INVOICES = (
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.voided",
    "invoice.marked_uncollectible",
)


class Stripe(Source):
    """What may be set under [connectors.stripe]."""

    account_id_key: str = Field("account_id", min_length=1)
    "The key in a customer's metadata that holds our own account id."
    stripe_version: str = Field(VERSION, pattern=r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$")
    "The version of the API that is asked for; shapes since 2023 are understood."
    old_server: bool = False
    """For a server that speaks the protocol of 2017 alone, as localstripe does.

    It has plans in place of prices, expands nothing, filters by no time and keeps no events of changes: everything is
    listed each time, and a change is dated when it is seen.
    """


def fetched(api: Api, name: str) -> Iterator[Standing]:
    """A subscription as it stands now; nothing for one that is gone."""
    try:
        row = api.get(f"/v1/subscriptions/{quote(name, safe='')}", _expand(api))
    except VendorRefused as refused:
        if refused.status != 404:
            raise
        return
    yield from made(api, row, Standing)


def catalogue(api: Api, *, is_told: bool = True) -> Catalogue:
    """Every product and price."""
    prices = (
        listed(api, "/v1/plans")
        if settings_of(api).old_server
        else listed(api, "/v1/prices", {"expand[]": ["data.currency_options", "data.tiers"]})
    )
    return Catalogue(
        [one for row in listed(api, "/v1/products") for one in made(api, row, Product, is_told=is_told)],
        [one for row in prices for one in made(api, row, Price, is_told=is_told)],
    )


def standings(api: Api) -> Iterator[dict[str, Any]]:
    """Every subscription as it stands, those that have ended included."""
    expand = _expand(api, "data.")
    for row in listed(api, "/v1/subscriptions", {"status": "all"} | expand):
        if isinstance(row.get("items"), dict) and row["items"].get("has_more"):
            rest = list(listed(api, "/v1/subscription_items", {"subscription": row["id"]}))
            row = row | {"items": {"data": rest}}
        yield row


def lines(api: Api, since: Since) -> Iterator[Line]:
    """The lines of every bill that was more than a draft; the listing is the one that the invoices are read from."""
    for row in listed(api, "/v1/invoices", since_when(api, since)):
        if row.get("status") in (None, "draft", "void"):
            continue
        for line in (row.get("lines") or {}).get("data") or []:
            yield from made(api, line, Line)


def events(api: Api, since: Since, types: Sequence[str], *, is_told: bool = True) -> list[Happening]:
    """Events of these types in order: those Stripe still keeps, and those that came by webhook."""
    if settings_of(api).old_server:
        return []
    # By the day, so that the same question is asked by every stream, and again after a break.
    at = datetime.combine(api.moment - EVENTS_KEPT, time()) if must_list(api, since) else since.at
    begin = Since(at, is_first=False).seconds
    asked = listed(api, "/v1/events", {"types[]": list(types), "created[gte]": begin})
    pushed = (row for row in rows(api.taken) if row.get("type") in types)
    return in_order([one for row in (*asked, *pushed) for one in made(api, row, Happening, is_told=is_told)])


def newest(events: list[Happening]) -> list[Happening]:
    """Of the events of one thing in one second the last."""
    return list({(one.subject, one.created): one for one in events}.values())


def must_list(api: Api, since: Since) -> bool:
    """Whether everything is listed: nothing was read before, or too long ago for events."""
    is_long_ago = api.moment - since.at > LIST_AGAIN_AFTER
    return bool(settings_of(api).old_server or not since.kept.get("listed") or is_long_ago)


def since_when(api: Api, since: Since) -> dict[str, Any]:
    """From when on invoices are listed: the history, for an old one may have changed since."""
    if settings_of(api).old_server:
        return {}
    at = min(since.at, api.moment - timedelta(days=settings_of(api).history_days))
    return {"created[gte]": Since(datetime.combine(at, time()), is_first=False).seconds}


def listed(api: Api, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Every row of a list."""
    from connectors._landing import parts

    class After(parts().paginators.BasePaginator):  # type: ignore[misc]
        """Stripe's next page begins after the last row of this one."""

        def update_state(self, response: Any, data: Any = None) -> None:
            self.last = data[-1].get("id") if data else None
            self._has_next_page = bool(response.json().get("has_more") and self.last)

        def update_request(self, request: Any) -> None:
            request.params["starting_after"] = self.last

    for page in api.pages(path, {"limit": PAGE} | dict(params or {}), at="data", by=After()):
        yield from page


def _expand(api: Api, where: str = "") -> dict[str, Any]:
    """How a subscription's discounts are written out, by the version that is asked for; at most four levels deep."""
    version = settings_of(api).stripe_version
    if settings_of(api).old_server or version < "2025-03-31":
        return {}
    whole = "discounts.source.coupon" if version >= "2025-09-30" else "discounts"
    return {"expand[]": [f"{where}{whole}", f"{where}items.data.discounts"]}


def made(api: Api, row: Any, shape: type[R], *, is_told: bool = True) -> Iterator[R]:
    """A row in its shape; nothing for one that does not fit, which is rejected, unless another stream tells of it."""
    if is_told:
        for dated in api.facts(row, shape, shape.__name__.lower()):
            yield dated.fact  # type: ignore[misc]
    else:
        with contextlib.suppress(ValidationError):
            yield shape.model_validate(row)


def stood(known: Known) -> list[Standing]:
    """How a subscription stood, as far as it was heard of, the newest last."""
    listed = [known.listed] if known.listed else []
    events = [one for _, before, after in known.happened for one in (before, after) if one]
    return listed + events + [standing for _, standing in known.seen]


def discounts_of(standing: Standing) -> Iterator[Discount]:
    """The discounts of a subscription and of its items."""
    yield from standing.discounts
    for item in standing.items:
        yield from item.discounts


def by_quantity(since: Since, rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The products of which somebody has ever bought more than one at a time, by subscriptions as Stripe gives them."""
    found = set(since.kept.get("by_quantity", ()))
    for row in rows:
        items = row.get("items")
        for item in (items.get("data") if isinstance(items, dict) else None) or [row]:
            price = item.get("price") or item.get("plan")
            count = item.get("quantity")
            if isinstance(price, dict) and isinstance(count, int) and count > 1:
                product = price.get("product")
                found.add(str(product.get("id") if isinstance(product, dict) else product or price.get("id")))
    since.kept["by_quantity"] = sorted(found)
    return found


def settings_of(api: Api) -> Stripe:
    """What the founder has set."""
    return cast(Stripe, api.settings)


def is_live(api: Api) -> bool:
    """Whether the key is for real customers, not for a sandbox."""
    return "_live_" in api.keys.get("STRIPE_API_KEY", "")
