"""Connectors: one file per vendor, pages in, canonical facts out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from connectors._vendor import Vendor
from connectors.amplitude import AMPLITUDE
from connectors.chargebee import CHARGEBEE
from connectors.files import Files
from connectors.firmographics import FIRMOGRAPHICS
from connectors.hubspot import HUBSPOT
from connectors.intercom import INTERCOM
from connectors.mixpanel import MIXPANEL
from connectors.paddle import PADDLE
from connectors.posthog import POSTHOG
from connectors.segment import SEGMENT
from connectors.sql import SQL
from connectors.stripe import STRIPE
from connectors.zendesk import ZENDESK

if TYPE_CHECKING:
    from agent.facts.staged import Staged
    from agent.foundation.settings import Settings, Workspace


class Connector(Protocol):
    """A source of facts."""

    @property
    def name(self) -> str:
        """What the source is called in outgrown.toml and on the command line."""
        ...

    def configured(self, settings: Settings) -> bool:
        """Whether the workspace asks for this source."""
        ...

    def max_rejected(self, settings: Settings) -> float:
        """The share of bad rows per table above which a sync changes nothing."""
        ...

    def pull(self, workspace: Workspace, duck: Any, since: date | None) -> Sequence[Staged]:
        """The source's rows, ready for the door; `duck` is the DuckDB connection they will be read by."""
        ...


BUILT_IN: tuple[Connector, ...] = (Files(),)
"What is read from files of the founder's own."
_SHIPPED: tuple[Vendor, ...] = (
    # A new connector is one file, and one line here. Whoever bills comes first: its customers are the accounts.
    STRIPE,
    CHARGEBEE,
    PADDLE,
    ZENDESK,
    INTERCOM,
    HUBSPOT,
    POSTHOG,
    MIXPANEL,
    AMPLITUDE,
    SEGMENT,
    SQL,
    FIRMOGRAPHICS,
)
VENDORS = {vendor.name: vendor for vendor in _SHIPPED}
"Every vendor that ships."
