"""One request to a target, what its failing means for the record, and words and addresses made fit for it."""

from __future__ import annotations

import html
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agent.foundation.access import given
from agent.foundation.errors import ConfigError, OutgrownError
from agent.foundation.outward import AnswerLost, RecordRefused, TargetBusy, TargetDown
from agent.foundation.sections_outward import safe_url

if TYPE_CHECKING:
    import httpx

SHOWN = 200
LONGEST_WAIT = timedelta(hours=24)
LARGEST = 2_000_000
"Bytes of an answer that are read."
UNREACHABLE = timedelta(minutes=1)


class Reply:
    """What was answered: its status, its JSON (None where it is none), how long we are asked to wait."""

    def __init__(self, response: httpx.Response, body: bytes, secrets: tuple[str, ...]) -> None:
        import json

        self.status, self.headers, self._secrets = response.status_code, response.headers, secrets
        self.pause = retry_after(response.headers.get("retry-after", ""))
        try:
            self.document: Any = json.loads(body) if body else None
        except (ValueError, RecursionError):
            self.document = None

    @property
    def is_good(self) -> bool:
        """Whether it worked."""
        return 200 <= self.status < 300

    def says(self) -> str:
        """What the answer says, as one short line without our keys; empty where it says nothing."""
        found = self.document
        for _ in range(4):
            if isinstance(found, list):
                found = found[0] if found else ""
            elif isinstance(found, dict):
                names = ("message", "errorDesc", "error_description", "error", "errors", "detail")
                found = next((found[name] for name in names if found.get(name)), "")
        return shown(found if isinstance(found, str) else "", self._secrets)


class Http:
    """A target's server: one connection, kept for as long as a run lasts."""

    def __init__(self, title: str, seconds: float, secrets: tuple[str, ...] = ()) -> None:
        self.title, self._seconds, self._secrets = title, seconds, tuple(one for one in secrets if one)
        self._client: httpx.Client | None = None

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        document: Any = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        server_name: str = "",
    ) -> Reply:
        """Ask once; no redirect is followed. `server_name` is whose certificate is wanted, where not the URL's.

        Raises TargetDown when the request certainly never arrived, AnswerLost when it may have.
        """
        import httpx

        body: dict[str, Any] = {"json": document} if document is not None else {"content": content}
        if form is not None:
            body = {"data": dict(form)}
        extensions = {"sni_hostname": server_name} if server_name else {}
        try:
            with self._open().stream(
                method,
                url,
                headers={"User-Agent": "outgrown", **(headers or {})},
                params=dict(params) if params else None,
                extensions=extensions,
                **body,
            ) as response:
                return Reply(response, _read(response), self._secrets)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as why:
            raise TargetDown(
                f"{self.title} cannot be reached ({type(why).__name__}); mend the connection or its address.",
                pause=UNREACHABLE,
            ) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError, ValueError) as why:
            # What is wrong with a header would be shown with the key in it.
            raise TargetDown(
                f"{self.title} cannot be asked ({type(why).__name__}); mend its key and its address."
            ) from None
        except httpx.HTTPError as why:
            raise AnswerLost(f"{self.title} gave no answer ({type(why).__name__})") from None

    def close(self) -> None:
        """Give the connection back."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def has_proxy(self) -> bool:
        """Whether another machine connects for us."""
        return bool(given("https_proxy") or given("HTTPS_PROXY"))

    def _open(self) -> httpx.Client:
        import httpx

        if self._client is None:
            # Nothing of the machine's user: no password file, and no proxy but a named one.
            proxy = given("https_proxy") or given("HTTPS_PROXY")
            self._client = httpx.Client(
                timeout=httpx.Timeout(self._seconds, connect=min(10.0, self._seconds)),
                follow_redirects=False,
                trust_env=False,
                verify=_authorities(),
                mounts={"https://": httpx.HTTPTransport(proxy=proxy, verify=_authorities())}
                if proxy
                else None,
            )
        return self._client


def _read(response: httpx.Response) -> bytes:
    """The answer's body, up to a bound: nobody can fill the memory."""
    found = bytearray()
    for part in response.iter_bytes():
        found += part
        if len(found) > LARGEST:
            break
    return bytes(found)


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """Reading the authorities takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def trouble(title: str, reply: Reply, mend: str) -> OutgrownError:
    """What an answer that is not a good one means for the record, where the target has no words of its own for it."""
    status, said = reply.status, reply.says()
    told = f"{status}{': ' + said if said else ''}"
    if status in (401, 403):
        return TargetDown(f"{title} does not let us write ({told}); {mend}.")
    if status == 429:
        return TargetBusy(f"{title} asks us to wait ({told}).", pause=reply.pause or timedelta(seconds=5))
    if 300 <= status < 400:
        return TargetDown(f"{title} sends us elsewhere ({status}), where we do not go; mend its address.")
    if status in (408, 425) or status >= 500 or status < 200:
        return AnswerLost(f"{title} did not say what became of it ({told})", pause=reply.pause)
    return RecordRefused(f"{title} refuses the record ({told}); mend that, then `outgrown targets retry`.")


def retry_after(text: str) -> timedelta:
    """Retry-After (RFC 9110): seconds or a date; nothing when it is neither."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit():
        return min(timedelta(seconds=min(int(plain[:9]), 86_400)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(plain)
    except (TypeError, ValueError):
        return timedelta()
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - datetime.now(UTC), timedelta()), LONGEST_WAIT)


def shown(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Somebody else's words as one short printable line."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    for secret in secrets:
        plain = plain.replace(secret, "…")
    return " ".join(plain.split())[:SHOWN].rstrip(". ")


def escaped(text: str) -> str:
    """Plain text for a field that shows HTML: nothing in it is markup, line feeds are breaks."""
    return "<br>".join(html.escape(line, quote=True) for line in text.split("\n"))


def address(name: str, setting: str, own: str) -> str:
    """Where a target is: the environment's OUTGROWN_<NAME>_WRITE_URL, else what is set, else its own address.

    Raises ConfigError for one in the environment that keys must not be sent to.
    """
    variable = f"OUTGROWN_{name.upper()}_WRITE_URL"
    found = given(variable)
    try:
        return (safe_url(found) if found else setting or own).rstrip("/")
    except ValueError as bad:
        raise ConfigError(f"{variable} {bad}; mend it.") from None


def host_of(url: str) -> str:
    """The server of an address: the rest may be a secret."""
    return urlsplit(url).hostname or "nowhere"
