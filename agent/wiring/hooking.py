"""Webhooks of vendors: whose door is open, what is kept of a call, and whose rows wait for the next reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agent.foundation.access import given
from connectors._inbox import Hook, NotGenuine, NotUnderstood, is_empty, put
from connectors._landing import Landing
from connectors.sync import configured

if TYPE_CHECKING:
    from agent.foundation.settings import Workspace

__all__ = ["NotGenuine", "NotUnderstood", "hooks", "keep_call", "waiting"]


def hooks(workspace: Workspace) -> dict[str, Hook]:
    """The webhooks of the vendors that are configured, by vendor; none where the facts are read in place."""
    if workspace.warehouse_url:
        return {}
    return {vendor.name: vendor.hook for vendor in configured(workspace.settings) if vendor.hook is not None}


def keep_call(workspace: Workspace, vendor: str, hook: Hook, headers: Mapping[str, str], body: bytes) -> int:
    """Keep what a genuine call brings, on the disk when this returns; answers how many rows.

    Raises NotGenuine, NotUnderstood, and StoreError when it cannot be kept.
    """
    secret = given(hook.secret)
    if not secret:
        raise NotGenuine(f"{hook.secret} is not set, so no call can be believed; put it into .env")
    try:
        rows = hook.read(headers, body, secret)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as bad:
        # Its words could hold the customer's.
        raise NotUnderstood(
            f"a signed call was not what the documentation says ({type(bad).__name__})"
        ) from None
    if rows:
        put(Landing(workspace, vendor).inbox, rows)
    return len(rows)


def waiting(workspace: Workspace) -> list[str]:
    """The vendors in whose inbox something waits."""
    return [name for name in hooks(workspace) if not is_empty(Landing(workspace, name).inbox)]
