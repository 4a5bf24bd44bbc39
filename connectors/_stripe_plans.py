"""Plans out of Stripe's products and prices: one per product and currency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from pydantic import Field, field_validator

from agent.facts.tables import Ceiling, Fact, Plan, PlanFeature
from connectors._stripe_money import minor, months, unit
from connectors._stripe_prices import Itself, Price, Product

LINE = "product_line"
CEILING = "ceiling_"
MAIN = "main"


class Marks(Itself):
    """What a product's metadata says about its plan, beside names: numbers, which a person may have mistyped."""

    id: str
    tier: int | None = Field(None, ge=1)
    ceiling: float | None = Field(None, ge=0)

    @field_validator("ceiling", mode="before")
    @classmethod
    def limit(cls, value: Any) -> Any:
        """`unlimited`, or nothing, is no ceiling."""
        return None if isinstance(value, str) and value.strip().lower() in ("", "unlimited") else value


class Catalogue:
    """Every product and price of an account, and which plan a price belongs to.

    `by_quantity` are the products of which somebody has bought more than one at a time.
    """

    def __init__(
        self, products: Iterable[Product], prices: Iterable[Price], by_quantity: Iterable[str] = ()
    ) -> None:
        self.products = {product.id: product for product in products}
        self.prices = {price.id: price for price in prices}
        self.by_quantity = set(by_quantity)
        self._home: dict[str, str] = {}
        oldest: dict[str, Price] = {}
        for price in self.prices.values():
            if price.recurring is None or price.product is None:
                continue
            before = oldest.setdefault(price.product, price)
            if _age(price) < _age(before):
                oldest[price.product] = price
        for product in self.products.values():
            chosen = self.prices.get(product.default_price or "") or oldest.get(product.id)
            if chosen is not None:
                self._home[product.id] = chosen.currency

    def full(self, price: Price) -> Price:
        """The price with its tiers and further currencies, which are written out in the listing of prices only."""
        found = self.prices.get(price.id)
        return price if found is None else found

    def plan_id(self, price: Price, currency: str) -> str:
        """The plan a price is of in a currency: the product's plan_id or its id, and the currency where not its own."""
        product = self.products.get(price.product or "")
        base = (
            (product.metadata.get("plan_id", "").strip() or product.id)
            if product
            else price.product or price.id
        )
        home = self._home.get(price.product or "", price.currency)
        return base if currency == home else f"{base}:{currency.lower()}"

    def is_per_seat(self, price: Price) -> bool:
        """Whether the quantity of a price is a number of seats.

        The product's metadata says it (per_seat = true or false); else it has a unit label, or somebody has bought
        more than one. Stripe gives every licensed price a quantity, so that a quantity of one says nothing.
        """
        if price.is_metered:
            return False
        product = self.products.get(price.product or "")
        said = product.metadata.get("per_seat", "").strip().lower() if product else ""
        if said in ("true", "false", "yes", "no", "1", "0"):
            return said in ("true", "yes", "1")
        return bool(product and product.unit_label) or (price.product or price.id) in self.by_quantity

    def facts(self, marks: Mapping[tuple[str, str], Marks]) -> Iterator[Fact]:
        """Plans, their ceilings and their features; `marks` by product and name, those that make sense."""
        groups = self._groups()
        chosen = {plan_id: _best(found, self.products) for plan_id, found in groups.items()}
        tiers = self._tiers(groups, chosen, marks)
        for plan_id, found in sorted(groups.items()):
            price, currency = chosen[plan_id] or found[0]
            product = self.products[found[0][0].product or ""]
            cost = None if chosen[plan_id] is None else _monthly(price, currency)
            yield Plan(
                plan_id=plan_id,
                name=product.name,
                tier=tiers[plan_id],
                # What has no single price a month is never offered.
                price_minor=0 if cost is None else minor(cost, currency),
                currency=currency,
                per_seat=any(self.is_per_seat(one) for one, _ in found),
                product=_line(product),
                sold=cost is not None and product.active and price.active,
            )
            for name in _features(product):
                yield PlanFeature(plan_id=plan_id, feature=name)
            for name in sorted(product.metadata):
                mark = marks.get((product.id, name))
                if name.startswith(CEILING) and mark is not None:
                    yield Ceiling(plan_id=plan_id, metric=name.removeprefix(CEILING), ceiling=mark.ceiling)

    def _groups(self) -> dict[str, list[tuple[Price, str]]]:
        """Recurring prices by plan, each with the currency it is taken in."""
        groups: dict[str, list[tuple[Price, str]]] = {}
        for price in sorted(self.prices.values(), key=_age):
            if price.recurring is None or price.product not in self.products:
                continue
            for currency in price.currencies:
                groups.setdefault(self.plan_id(price, currency), []).append((price, currency))
        return groups

    def _tiers(
        self,
        groups: Mapping[str, list[tuple[Price, str]]],
        chosen: Mapping[str, tuple[Price, str] | None],
        marks: Mapping[tuple[str, str], Marks],
    ) -> dict[str, int]:
        """The tier of each plan: what the product says, else its place by monthly price in its line and own currency.

        A plan without a price comes last: nobody who has it is shown something dearer that may be less.
        """
        ladders: dict[str, dict[str, set[Fraction]]] = {}
        for best in chosen.values():
            cost = _monthly(*best) if best else None
            if best is not None and cost is not None:
                line = _line(self.products[best[0].product or ""])
                ladders.setdefault(line, {}).setdefault(best[1], set()).add(cost)
        tiers: dict[str, int] = {}
        homes = {
            name: self.plan_id(found[0][0], self._home[found[0][0].product or ""])
            for name, found in groups.items()
        }
        # A plan in its product's own currency comes before the same plan in another, which takes its tier.
        for plan_id in sorted(groups, key=lambda name: (homes[name] != name, name)):
            best, product = chosen[plan_id], self.products[groups[plan_id][0][0].product or ""]
            said = marks.get((product.id, "tier"))
            costs = ladders.get(_line(product), {})
            cost = _monthly(*best) if best else None
            ladder = sorted(costs.get(best[1], ())) if best else []
            place = max(map(len, costs.values()), default=0) + 1 if cost is None else ladder.index(cost) + 1
            own = tiers.get(homes[plan_id])
            tiers[plan_id] = said.tier if said and said.tier else own if own else place
        return tiers


def marked(product: Product) -> Iterator[tuple[str, dict[str, str]]]:
    """The numbers in a product's metadata, each by its name as a row to be checked."""
    for name, value in sorted(product.metadata.items()):
        if name == "tier":
            yield name, {"id": product.id, "tier": value}
        elif name.startswith(CEILING) and name != CEILING:
            yield name, {"id": product.id, "ceiling": value}


def _line(product: Product) -> str:
    return product.metadata.get(LINE, "").strip() or MAIN


def _features(product: Product) -> list[str]:
    """The founder's own names in metadata (features = api, sso), which events can name; else what the pricing page says."""
    named = [name.strip() for name in product.metadata.get("features", "").split(",") if name.strip()]
    shown = [feature.name for feature in product.marketing_features if feature.name]
    return list(dict.fromkeys(named or shown))


def _monthly(price: Price, currency: str) -> Fraction | None:
    one = unit(price, currency)
    return None if one is None else one / months(price)


def _best(found: list[tuple[Price, str]], products: Mapping[str, Product]) -> tuple[Price, str] | None:
    """The price that speaks for a plan: on sale, by the month, the default one, the newest; None where none has one amount."""
    usable = [(price, currency) for price, currency in found if _monthly(price, currency) is not None]

    def place(one: tuple[Price, str]) -> tuple[bool, bool, bool, Any]:
        price = one[0]
        product = products[price.product or ""]
        return (
            price.active and product.active,
            months(price) == 1,
            price.id == product.default_price,
            _age(price),
        )

    return max(usable, key=place, default=None)


def _age(price: Price) -> tuple[str, str]:
    return (price.created.isoformat() if price.created else "", price.id)
