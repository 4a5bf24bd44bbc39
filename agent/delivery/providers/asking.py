"""One request to a provider, and what its failing means for the message."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from agent.delivery.channel import AnswerLost, ChannelDown
from agent.foundation import clock

if TYPE_CHECKING:
    import httpx

MENDED_BY_A_PERSON = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=24)
SHOWN = 200


class Answer:
    """What the provider answered: its code, its document (empty when it is none), how long it asks us to wait."""

    def __init__(self, response: httpx.Response) -> None:
        self.code = response.status_code
        self.pause = _retry_after(response.headers.get("retry-after", ""))
        try:
            found = response.json()
        except ValueError:
            found = None
        self.document: dict[str, Any] = found if isinstance(found, dict) else {}

    def text(self, name: str) -> str:
        """A text of the document as one printable line; empty when there is none."""
        found = self.document.get(name)
        plain = "".join(letter if letter.isprintable() else " " for letter in str(found or ""))
        return " ".join(plain.split())[:SHOWN]


def ask(
    provider: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    seconds: float,
    document: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
) -> Answer:
    """Ask once.

    Raises ChannelDown when the request certainly never arrived, AnswerLost when it may have.
    """
    import httpx

    try:
        with httpx.Client(timeout=seconds, follow_redirects=False, verify=_authorities()) as client:
            return Answer(client.request(method, url, headers=dict(headers), json=document, params=query))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as why:
        raise ChannelDown(f"{provider} cannot be reached ({_plain(why)}).") from why
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError, ValueError) as why:
        # What is wrong with a header would be shown with the key in it.
        raise ChannelDown(
            f"{provider} cannot be asked ({type(why).__name__}); mend its key and its address in the environment.",
            pause=MENDED_BY_A_PERSON,
        ) from None
    except httpx.HTTPError as why:
        raise AnswerLost(
            f"{provider} was handed the message, and its answer was lost ({_plain(why)})"
        ) from why


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """Reading the authorities takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def _plain(why: Exception) -> str:
    said = " ".join(str(why).split())[:SHOWN]
    return said or type(why).__name__


def _retry_after(given: str) -> timedelta:
    """Retry-After (RFC 9110): seconds or a date; nothing when it is neither."""
    if given.strip().isdigit():
        return min(timedelta(seconds=min(int(given), 86_400)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(given)
    except (TypeError, ValueError):
        return timedelta()
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return min(max(moment - clock.now(), timedelta()), LONGEST_WAIT)
