"""What Stripe sells, as we read it: products, prices (and plans of the time before prices), coupons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from connectors._rows import VendorRow
from connectors._shapes import Moment


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def in_capitals(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _up_to(value: Any) -> Any:
    return None if value == "inf" else value


Id = Annotated[str, BeforeValidator(_id)]
"The id of another object, which may stand there in full."
Currency = Annotated[str, BeforeValidator(in_capitals), Field(pattern=r"^[A-Z]{3}$")]


class Part(BaseModel):
    """A part of an object."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Itself(VendorRow):
    """A row that makes no facts alone: they are made of several such rows together."""

    def facts(self, settings: Any) -> Iterator[Itself]:  # noqa: ARG002
        """Itself."""
        yield self


class Recurring(Part):
    """How often a price is charged."""

    interval: Literal["day", "week", "month", "year"]
    interval_count: int = Field(1, ge=1)
    usage_type: str = "licensed"


class Tier(Part):
    """One tier of a price."""

    up_to: Annotated[int | None, BeforeValidator(_up_to)] = None
    unit_amount: int | None = None
    unit_amount_decimal: str | None = None
    flat_amount: int | None = None
    flat_amount_decimal: str | None = None


class Option(Part):
    """A price in one currency."""

    unit_amount: int | None = None
    unit_amount_decimal: str | None = None
    tiers: list[Tier] | None = None


class Packs(Part):
    """Units that are sold by the pack."""

    divide_by: int = Field(ge=1)
    round: Literal["up", "down"] = "up"


class Price(Itself):
    """A price, or a plan of the time before prices."""

    id: str
    active: bool = True
    created: Moment | None = None
    currency: Currency
    product: Id | None = None
    nickname: str | None = None
    recurring: Recurring | None = None
    billing_scheme: str = "per_unit"
    unit_amount: int | None = None
    unit_amount_decimal: str | None = None
    tiers: list[Tier] | None = None
    tiers_mode: str | None = None
    transform_quantity: Packs | None = None
    currency_options: dict[str, Option] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def of_plan(cls, value: Any) -> Any:
        """A plan names the same things otherwise."""
        if not isinstance(value, dict) or "interval" not in value:
            return value
        return value | {
            "unit_amount": value.get("amount"),
            "unit_amount_decimal": value.get("amount_decimal"),
            "recurring": {
                name: value[name] for name in ("interval", "interval_count", "usage_type") if value.get(name)
            },
            "transform_quantity": value.get("transform_usage"),
        }

    @field_validator("currency_options", mode="before")
    @classmethod
    def options(cls, value: Any) -> Any:
        """By currency in capitals."""
        return {in_capitals(name): option for name, option in (value or {}).items()}

    @property
    def is_metered(self) -> bool:
        """Whether it is billed afterwards, by use."""
        return self.recurring is not None and self.recurring.usage_type == "metered"

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies it can be paid in, its own first."""
        return tuple(dict.fromkeys((self.currency, *self.currency_options)))

    def in_currency(self, currency: str) -> Option | None:
        """What it is in a currency."""
        if currency == self.currency:
            return Option.model_construct(
                unit_amount=self.unit_amount, unit_amount_decimal=self.unit_amount_decimal, tiers=self.tiers
            )
        return self.currency_options.get(currency)


class Marketing(Part):
    """A feature as the pricing page says it."""

    name: str | None = None


class Product(Itself):
    """A product; its metadata says what Stripe has no field for."""

    id: str
    name: str = Field(min_length=1)
    active: bool = True
    default_price: Id | None = None
    unit_label: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    marketing_features: list[Marketing] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def older(cls, value: Any) -> Any:
        """Until 2024 they were called features."""
        if isinstance(value, dict):
            features = value.get("marketing_features") or value.get("features") or []
            return value | {"marketing_features": features, "metadata": value.get("metadata") or {}}
        return value


class Coupon(Part):
    """What a discount takes off."""

    percent_off: float | None = Field(None, ge=0, le=100)
    amount_off: int | None = Field(None, ge=0)
    currency: Annotated[str | None, BeforeValidator(in_capitals)] = None
    duration: Literal["forever", "once", "repeating"] = "forever"
    currency_options: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("currency_options", mode="before")
    @classmethod
    def options(cls, value: Any) -> Any:
        """By currency in capitals."""
        return {in_capitals(name): option for name, option in (value or {}).items()}

    def off(self, currency: str) -> int | None:
        """The amount it takes off a bill in a currency."""
        if self.amount_off is None or currency == self.currency:
            return self.amount_off
        found = self.currency_options.get(currency, {}).get("amount_off")
        return found if isinstance(found, int) else None


class Discount(Itself):
    """A coupon at work; `coupon` is its id where Stripe does not write it out."""

    id: str = ""
    end: Moment | None = None
    coupon: Coupon | str | None = None
    subscription: Id | None = None

    @model_validator(mode="before")
    @classmethod
    def of_source(cls, value: Any) -> Any:
        """Since 2025-09-30 the coupon is the discount's source."""
        if isinstance(value, str):
            return {"id": value}
        if isinstance(value, dict) and isinstance(value.get("source"), dict):
            return value | {"coupon": value["source"].get("coupon")}
        return value
