"""The door for vendors' webhooks: believed or not, understood or not, and kept before it is acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.faces.serving.voice import Voice

if TYPE_CHECKING:
    from agent.wiring import House

LARGEST_CALL = 12_000_000
"Segment's batches hold up to 4,000 calls."
LARGE_AT_ONCE = 4
"Calls beyond an ordinary body's size that are read at a time; the others wait."


def is_open(house: House, vendor: str) -> bool:
    """Whether the vendor is configured and may call."""
    from agent.wiring.hooking import hooks

    return vendor in hooks(house.workspace)


def take_call(house: House, vendor: str, headers: dict[str, str], body: bytes, voice: Voice) -> int:
    """What a vendor pushes, kept for the next reading; answers an HTTP status.

    200 says that it is on the disk. 401: not genuine, 400: not understood; nothing of the body is ever told.
    """
    from agent.wiring.hooking import NotGenuine, NotUnderstood, hooks, keep_call

    what = f"webhook of {vendor}"
    try:
        keep_call(house.workspace, vendor, hooks(house.workspace)[vendor], headers, body)
    except NotGenuine as refused:
        voice.trouble(what, str(refused))
        return 401
    except NotUnderstood as bad:
        voice.trouble(what, str(bad))
        return 400
    voice.well(what)
    return 200
