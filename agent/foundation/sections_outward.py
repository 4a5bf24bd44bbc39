"""The tables of outgrown.toml about the founder's own tools that are told what happens; all are off by default."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from agent.foundation.outward import OutwardKind
from agent.foundation.section import Section

LOOPBACK = ("127.0.0.1", "localhost", "::1")
NAME = r"[A-Za-z][A-Za-z0-9_]{0,79}"
"What a field of somebody else's may be called: it goes into addresses."


def safe_url(value: str) -> str:
    """A web address that keys may be sent to: https, or http on this machine."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("must be a web address, such as https://acme.example") from None
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in value):
        raise ValueError("must be one word, without spaces")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not is_safe or not host or parts.username is not None:
        raise ValueError("must begin with https:// (http:// only on this machine), without a user in it")
    return value


class OutwardTarget(Section):
    """What may be set for every target."""

    on: tuple[OutwardKind, ...] = ()
    "What it is told: any of ready, sent, outcome; nothing when empty."
    backfill: bool = False
    "Whether it is also told what happened before it was switched on."
    base_url: str = ""
    "Of another server that speaks the vendor's protocol; empty means the vendor's own."
    timeout_seconds: float = Field(30, gt=0, le=300)

    @field_validator("base_url")
    @classmethod
    def safe(cls, value: str) -> str:
        """Keys are sent there."""
        return safe_url(value).rstrip("/") if value else value


class Crm(OutwardTarget):
    """What may be set for a target that has tasks and a pipeline."""

    outcomes_as: Literal["task", "deal"] = "task"
    "A deal (Salesforce: an opportunity) is closed at once, won or lost, and counts in their reports."
    won_stage: str = ""
    lost_stage: str = ""
    currency: str = Field("", pattern=r"[A-Z]{3}|")
    "The one their amounts are in: an amount in any other stands in the text alone."


class HubspotTarget(Crm):
    """Tasks, and deals where outcomes are wanted as such."""

    won_stage: str = "closedwon"
    lost_stage: str = "closedlost"
    pipeline: str = "default"
    owner_id: str = Field("", pattern=r"\d*")
    "Whose tasks they are: HubSpot's id of a user; nobody's when empty."


class SalesforceTarget(Crm):
    """Tasks, and opportunities where outcomes are wanted as such; base_url is the org's own, https://NAME.my.salesforce.com."""

    won_stage: str = "Closed Won"
    lost_stage: str = "Closed Lost"
    version: str = Field("62.0", pattern=r"\d{2}\.0")
    "Of the REST API."
    id_field: str = Field("Outgrown_Id__c", pattern=NAME)
    "The external id field, unique, on Activity and, where outcomes are deals, on Opportunity."
    owner_id: str = Field("", pattern=r"[A-Za-z0-9]{15}|[A-Za-z0-9]{18}|")
    multi_currency: bool = False
    "Whether the org has several currencies: then every amount is given with its own."


class GainsightTarget(OutwardTarget):
    """Calls to action; base_url is the tenant's own, https://NAME.gainsightcloud.com."""

    id_field: str = Field("Outgrown_Id__gc", pattern=NAME)
    "A text field of your own on Call to Action, by which we know ours again."
    type: str = "Opportunity"
    reason: str = "Upsell Opportunity"
    priority: str = "Medium"
    status: str = "New"
    done_status: str = "Closed Success"
    "For what needs nobody's work: a prompt that was sent, an outcome."
    owner_email: str = ""


class IntercomTarget(OutwardTarget):
    """Notes on companies; base_url is https://api.eu.intercom.io or https://api.au.intercom.io outside the US."""

    admin_id: str = Field("", pattern=r"\d*")
    "Who is shown as the notes' author; empty means the key's own."


class WebhookTarget(OutwardTarget):
    """Any receiver of signed JSON: Zapier, n8n, Customer.io, Appcues, Pendo, a program of your own."""

    url: str = ""
    "Where it is posted; OUTGROWN_WEBHOOK_URL in .env is the better place where whoever knows it may post."
    allow_private: bool = False
    "Whether a name may lead to an address inside your own network."

    @field_validator("url")
    @classmethod
    def safe_target(cls, value: str) -> str:
        """What happens to customers is sent there."""
        return safe_url(value) if value else value


class Targets(Section):
    """The founder's own tools, by name."""

    hubspot: HubspotTarget = HubspotTarget()
    salesforce: SalesforceTarget = SalesforceTarget()
    gainsight: GainsightTarget = GainsightTarget()
    intercom: IntercomTarget = IntercomTarget()
    webhook: WebhookTarget = WebhookTarget()

    @property
    def is_any_on(self) -> bool:
        """Whether anything is told to anybody."""
        return any(getattr(self, name).on for name in type(self).model_fields)
