"""What a connector gives: facts under the vendor's own account ids, and the records those ids stand for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from agent.facts.schema import SQL_TYPES, column_rules
from agent.facts.tables import CURRENCY, TABLES, Fact, SubscriptionStatus, Term

if TYPE_CHECKING:
    import pyarrow as pa


class Record(Fact):
    """An account as one vendor knows it: a customer, an organisation, a company, a group."""

    TABLE = "records"
    KEY = ("record_id",)

    record_id: str = Field(min_length=1)
    "The vendor's own id: what its other rows name."
    name: str = ""
    own_id: str | None = None
    "The account id that the founder has put there: in metadata, as an external id, as the group's key."
    domain: str | None = None
    email: str | None = None
    "The billing or contact e-mail address."
    contact_name: str | None = None
    created_on: date | None = None
    segment: str | None = None
    owner: str | None = None
    language: str | None = None
    time_zone: str | None = None
    is_test: bool = False


class Version(Fact):
    """How one subscription stood from `at` on: the periods of the facts are made of these.

    The first one may be dated at the subscription's start. A version whose status is `canceled` ends it.
    """

    TABLE = "versions"
    KEY = ("subscription_id", "at")

    subscription_id: str = Field(min_length=1)
    account_id: str = Field(min_length=1)
    at: datetime
    plan_id: str = Field(min_length=1)
    seats: int | None = Field(None, ge=0)
    mrr_minor: int = Field(ge=0)
    currency: str = Field(pattern=CURRENCY)
    status: SubscriptionStatus
    term: Term
    renews_on: date | None = None
    cancel_on: date | None = None
    discount_pct: float | None = Field(None, ge=0, le=100)


class VendorRow(BaseModel):
    """The shape of one row of a vendor's answer: the fields we read, and the facts they make."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    @property
    def changed(self) -> datetime | None:
        """When the vendor says it last changed; None where it does not, and the time of reading counts."""
        return None

    def facts(self, settings: Any) -> Any:
        """The facts of this row, account ids being the vendor's; raises ValueError for a row that makes no sense."""
        raise NotImplementedError


@dataclass(frozen=True)
class Dated:
    """A fact, and when the vendor last changed it (UTC): of several with one key the newest counts."""

    fact: Fact
    changed_at: datetime


@dataclass(frozen=True)
class Batch:
    """Many rows of one landed table at once, as an Arrow table with the columns of `columns_of(table)`."""

    table: str
    rows: pa.Table


LANDED: dict[str, type[Fact]] = {"records": Record, "versions": Version, **TABLES}
"Every table a connector may fill, by name; `accounts` and `subscriptions` themselves only with ids of our own."
ACCOUNT_SCOPED = tuple(name for name, model in LANDED.items() if "account_id" in model.model_fields)
PREFIXED = {
    "subscriptions": "subscription_id",
    "events": "event_id",
    "tickets": "ticket_id",
    "invoices": "invoice_id",
}
"Ids that two vendors might both give: they carry the vendor's name in the facts."
MORE_OF_EVENTS = {"metric": "VARCHAR", "amount": "DOUBLE"}
"What an event counts for, beside being one: `amount` of a metric whose sums by day become measures."


LISTED = datetime(1970, 1, 1)  # noqa: DTZ001 - landed times are UTC without a zone mark
"When rows without a history of their own last changed."


def columns_of(table: str) -> dict[str, str]:
    """The columns of a landed table with their SQL types; `changed_at` and `gone` besides those of the fact."""
    columns = {rule.name: rule.sql_type for rule in column_rules(LANDED[table])}
    if table == "events":
        columns |= MORE_OF_EVENTS | {"kind": "VARCHAR"}
    return columns | {"changed_at": SQL_TYPES[datetime]}


def key_of(table: str) -> tuple[str, ...]:
    """What tells two landed rows apart: events never change, of everything else every version is kept."""
    key = LANDED[table].KEY
    return key if table == "events" else (*key, "changed_at")
