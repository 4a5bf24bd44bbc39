"""Which channel reaches which account."""

from __future__ import annotations

from agent.delivery.channel import Channel
from agent.delivery.eml import EmlChannel
from agent.delivery.providers.postmark import PostmarkChannel
from agent.delivery.providers.resend import ResendChannel
from agent.delivery.smtp import SmtpChannel
from agent.foundation.sections_running import Delivery
from agent.foundation.settings import Workspace


def open_channels(workspace: Workspace) -> tuple[Channel, ...]:
    """Every channel, connected to nothing: what was queued for one that is no longer chosen still leaves by it.

    One that is not set up says so in `lacks`, and its messages wait.

    Raises ConfigError for an address of a provider that is no URL.
    """
    access, company = workspace.mail, workspace.settings.company
    return (
        EmlChannel(workspace.outbox_folder, company),
        SmtpChannel(access, company),
        ResendChannel(access, company),
        PostmarkChannel(access, company),
    )


def channel_for(delivery: Delivery, account_id: str, address: str) -> str:
    """The name of the channel for an account: the first route that names it or its address's domain, else the rest's.

    A route's domain is also that of the hosts below it.
    """
    domain = address.rpartition("@")[2].strip().lower().rstrip(".")
    for route in delivery.routes:
        of_route = [one.strip().lower().lstrip("@.") for one in route.domains]
        if account_id in route.accounts or any(
            domain == one or domain.endswith(f".{one}") for one in of_route
        ):
            return route.channel
    return delivery.channel


def channels_used(delivery: Delivery) -> tuple[str, ...]:
    """The channels that new messages leave by."""
    return tuple(dict.fromkeys((delivery.channel, *(route.channel for route in delivery.routes))))
