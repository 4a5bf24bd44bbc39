"""What discounts take off a subscription: since 2025 Stripe names them in events by their id alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from agent.foundation.errors import VendorRefused
from connectors._api import Api
from connectors._stripe_events import Happening
from connectors._stripe_history import Known
from connectors._stripe_prices import Coupon, Discount
from connectors._stripe_reading import discounts_of, fetched, made, stood
from connectors._vendor import Since


class Discounts:
    """What discounts take off: Stripe names them in events by their id alone."""

    def __init__(self, api: Api, since: Since) -> None:
        self.api, self.since = api, since
        kept: dict[str, Any] = since.kept.get("discounts", {})
        self.known = {name: Discount.model_validate(row) for name, row in kept.items()}
        self._coupons: dict[str, Coupon | None] = {}

    def learn(self, found: Discount) -> None:
        """Remember a discount that is written out."""
        coupon = found.coupon
        if isinstance(coupon, str):
            coupon = self._coupon(coupon)
        if found.id and coupon is not None:
            self.known[found.id] = found.model_copy(update={"coupon": coupon})

    def terms(self, found: Discount) -> tuple[Coupon, datetime | None] | None:
        """What it takes off and until when; None where Stripe no longer says."""
        if found.coupon is not None:
            self.learn(found)
        known = self.known.get(found.id, found)
        return (known.coupon, known.end) if isinstance(known.coupon, Coupon) else None

    def keep(self) -> None:
        """Keep what has not ended for the next reading."""
        now = self.api.started
        self.since.kept["discounts"] = {
            name: one.model_dump(mode="json", exclude_defaults=True)
            for name, one in self.known.items()
            if one.end is None or one.end > now
        }

    def _coupon(self, name: str) -> Coupon | None:
        """The coupon; None for one that was deleted."""
        if name not in self._coupons:
            self._coupons[name] = None
            with contextlib.suppress(VendorRefused):
                self._coupons[name] = Coupon.model_validate(
                    self.api.get(f"/v1/coupons/{quote(name, safe='')}")
                )
        return self._coupons[name]


def look_again(api: Api, heard: Iterable[Happening], stories: dict[str, Known], discounts: Discounts) -> None:
    """Learn the discounts, and ask for subscriptions whose events do not tell enough.

    Those whose discount changed without an event of their own, and those with a discount that nothing writes out.
    """
    for known in stories.values():
        for standing in stood(known):
            for one in discounts_of(standing):
                if one.coupon is not None:
                    discounts.learn(one)
    touched: dict[str, datetime] = {}
    for event in heard:
        if event.type.startswith("customer.discount."):
            for one in made(api, event.object, Discount):
                discounts.learn(one)
                if one.subscription:
                    touched[one.subscription] = event.created
    for name, known in stories.items():
        unknown = (one for s in stood(known) for one in discounts_of(s) if one.id not in discounts.known)
        if any(one.coupon is None for one in unknown):
            touched.setdefault(name, api.started)
    for name, at in touched.items():
        known = stories.get(name, Known())
        last = known.happened[-1][0] if known.happened else None
        has_all = all(one.id in discounts.known for s in stood(known) for one in discounts_of(s))
        if known.listed is not None or (last is not None and last >= at and has_all):
            continue
        for standing in fetched(api, name):
            for one in discounts_of(standing):
                discounts.learn(one)
            stories.setdefault(name, known).seen.append((at, standing))
