"""Where the data files of templates/ and prompts/ lie."""

from __future__ import annotations

from pathlib import Path

_ROOM = Path(__file__).resolve().parent
_INSTALLED = _ROOM.parent / "shipped"
_CHECKOUT = _ROOM.parent.parent


def shipped(*parts: str) -> Path:
    """The path of a data file, for example `shipped("templates", "email", "envelope.txt.j2")`.

    An installed wheel carries them in agent/shipped/, a checkout beside agent/.
    """
    installed = _INSTALLED.joinpath(*parts)
    return installed if installed.exists() else _CHECKOUT.joinpath(*parts)
