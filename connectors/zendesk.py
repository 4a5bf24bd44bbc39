"""Zendesk: organisations, and the tickets they open. Read-only.

https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from agent.facts.tables import Priority, Ticket
from connectors._api import Api
from connectors._rows import Dated, Record, VendorRow
from connectors._shapes import Moment, Text, basic
from connectors._vendor import Key, Since, Source, Vendor

PAGE = 1000
PRIORITIES = {"urgent": Priority.URGENT, "high": Priority.HIGH, "low": Priority.LOW}


class Zendesk(Source):
    """What may be set under [connectors.zendesk]; base_url is https://<yours>.zendesk.com."""


ZENDESK = Vendor(
    name="zendesk",
    title="Zendesk",
    url="",
    keys=(
        Key("ZENDESK_EMAIL", "the e-mail address of the agent the token belongs to", ""),
        Key(
            "ZENDESK_API_TOKEN",
            "an API token: Admin Center > Apps and integrations > APIs > API tokens",
            "read",
        ),
    ),
    section=Zendesk,
    authorise=lambda keys, _: basic(f"{keys['ZENDESK_EMAIL']}/token", keys["ZENDESK_API_TOKEN"]),
    check=lambda api: f"signed in as {api.get('/api/v2/users/me.json')['user']['email']}",
    limit=(10, 60.0),
)


class Organisation(VendorRow):
    """A company, as Zendesk knows it; `external_id` is where the founder puts our id."""

    id: Text
    name: str
    external_id: str | None = None
    domain_names: list[str] = Field(default_factory=list)
    updated_at: Moment

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at

    def facts(self, settings: Zendesk) -> Iterator[Record]:  # noqa: ARG002
        """One record."""
        yield Record(
            record_id=self.id,
            name=self.name,
            own_id=self.external_id or None,
            domain=next(iter(self.domain_names), None),
        )


class Request(VendorRow):
    """One ticket as it stands; a deleted one is nobody's, and a single person's tells nothing about an account."""

    id: Text
    organization_id: Text | None = None
    created_at: Moment
    updated_at: Moment
    status: Literal["new", "open", "pending", "hold", "solved", "closed", "deleted"]
    priority: str | None = None
    subject: str | None = None
    description: str | None = None

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at

    def facts(self, settings: Zendesk) -> Iterator[Ticket]:  # noqa: ARG002
        """One ticket."""
        if self.organization_id is None or self.status == "deleted":
            return
        is_closed = self.status in ("solved", "closed")
        yield Ticket(
            ticket_id=self.id,
            account_id=self.organization_id,
            opened_at=self.created_at,
            closed_at=max(self.updated_at, self.created_at) if is_closed else None,
            priority=PRIORITIES.get(self.priority or "", Priority.NORMAL),
            text="\n\n".join(part for part in (self.subject, self.description) if part) or None,
        )


@ZENDESK.stream("records")
def organisations(api: Api, since: Since) -> Iterator[Dated]:
    """Organisations changed since, in the order in which they changed."""
    yield from _changed(
        api, since, "/api/v2/incremental/organizations.json", "organizations", "next_page", Organisation
    )


@ZENDESK.stream("tickets")
def tickets(api: Api, since: Since) -> Iterator[Dated]:
    """Tickets changed since."""
    yield from _changed(
        api, since, "/api/v2/incremental/tickets/cursor.json", "tickets", "after_url", Request
    )


def _changed(
    api: Api, since: Since, path: str, at: str, link: str, shape: type[Organisation] | type[Request]
) -> Iterator[Dated]:
    params: dict[str, Any] = {"start_time": since.seconds, "per_page": PAGE}
    yield from api.rows(path, shape, params, at=at, by=_until_end(link))


def _until_end(link: str) -> Any:
    """Zendesk names a next page for ever, and says itself when there is nothing more on it."""
    from connectors._landing import parts

    class Links(parts().paginators.JSONLinkPaginator):  # type: ignore[misc]
        def update_state(self, response: Any, data: Any = None) -> None:
            super().update_state(response, data)
            if response.json().get("end_of_stream"):
                self._has_next_page = False

    return Links(link)
