"""The founder's own tools that are told what happens: one file each; a new one is a file, and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.foundation.outward import Target
    from agent.foundation.sections_outward import Targets


def open_targets(settings: Targets) -> tuple[Target, ...]:
    """Every target that is told something, connected to nothing; one that is not set up says so in `lacks`.

    Raises ConfigError for an address in the environment that is none.
    """
    from connectors.outward.gainsight import Gainsight
    from connectors.outward.hubspot import Hubspot
    from connectors.outward.intercom import Intercom
    from connectors.outward.salesforce import Salesforce
    from connectors.outward.webhook import Webhook

    known: tuple[Target, ...] = (
        Hubspot(settings.hubspot),
        Salesforce(settings.salesforce),
        Gainsight(settings.gainsight),
        Intercom(settings.intercom),
        Webhook(settings.webhook),
    )
    return tuple(target for target in known if target.kinds)
