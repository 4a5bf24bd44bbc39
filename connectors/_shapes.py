"""Types and ways of signing in that several vendors share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator


def _moment(value: Any) -> Any:
    """Seconds since 1970 or ISO 8601 text as UTC without a zone mark."""
    if isinstance(value, bool) or value is None or value == "":
        return None if value == "" else value
    if isinstance(value, int | float):
        try:
            return datetime.fromtimestamp(value, UTC).replace(tzinfo=None)
        except (OverflowError, OSError):
            raise ValueError("is no moment: it lies too far away") from None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("is no moment: seconds since 1970 or ISO 8601 are wanted") from None
    if isinstance(value, datetime) and value.tzinfo is not None:
        try:
            return value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError("is no moment: it lies too far away") from None
    return value


def _text(value: Any) -> Any:
    """Ids that some vendors give as numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Moment = Annotated[datetime, BeforeValidator(_moment)]
"UTC, without a zone mark; given as seconds since 1970 or as ISO 8601 text."
Text = Annotated[str, BeforeValidator(_text)]
"Text, or a number as text."


def is_this_machine(host: str | None) -> bool:
    """Whether a host is this machine by its loopback address, where nobody listens on the way."""
    return host in ("127.0.0.1", "localhost", "::1")


def day_of(moment: datetime | None) -> date | None:
    """The day (UTC) of a moment."""
    return None if moment is None else moment.date()


def basic(user: str, password: str = "") -> Any:
    """HTTP basic authentication."""
    from requests.auth import HTTPBasicAuth

    return HTTPBasicAuth(user, password)


def bearer(token: str, **more: str) -> dict[str, str]:
    """A bearer token, and further headers (underscores become hyphens)."""
    return {"Authorization": f"Bearer {token}"} | {
        name.replace("_", "-"): value for name, value in more.items()
    }
