"""How we speak to Slack: what may be said twice is tried again, what may not is looked for first."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)

from agent.foundation.errors import ConfigError, OutgrownError

if TYPE_CHECKING:
    from agent.foundation.access import SlackAccess

TIMEOUT = 10
"Seconds Slack has for an answer."
RATE_RETRIES = 4
UNSURE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
"What Slack says when it does not know itself whether it did what was asked."


class SlackTrouble(OutgrownError):
    """Slack did not do what was asked, or nobody knows; `code` is Slack's word, empty where there was none."""

    def __init__(
        self, code: str, says: str, *, pause: float = 0.0, is_sure: bool = False, detail: str = ""
    ) -> None:
        super().__init__(says)
        self.code = code
        self.detail = detail
        "What Slack said about the parts of a message it did not take."
        self.pause = pause
        "Seconds Slack asked us to wait."
        self.is_sure = is_sure
        "Whether Slack certainly did not do it."


@dataclass(frozen=True)
class Identity:
    """Who we are in Slack."""

    team: str
    bot_user: str
    bot: str
    enterprise: str = ""


class Slack:
    """Two clients with one token: `safe` asks again where that does no harm, `once` never does."""

    def __init__(self, access: SlackAccess) -> None:
        if access.bot_token is None:
            raise ConfigError("Slack is not switched on: put SLACK_BOT_TOKEN into .env.")
        token, url = access.bot_token.get_secret_value(), access.api_url
        self.access = access
        self.safe = WebClient(
            token=token,
            base_url=url,
            timeout=TIMEOUT,
            retry_handlers=[
                RateLimitErrorRetryHandler(max_retry_count=RATE_RETRIES),
                ConnectionErrorRetryHandler(max_retry_count=2),
                ServerErrorRetryHandler(max_retry_count=2),
            ],
        )
        # The library's own choice would repeat a message whose answer was lost.
        self.once = WebClient(token=token, base_url=url, timeout=TIMEOUT, retry_handlers=[])
        self._identity: Identity | None = None
        self._channel: str = ""

    @property
    def known(self) -> Identity | None:
        """Who we are, if Slack was already asked."""
        return self._identity

    def identity(self) -> Identity:
        """Who we are; asked once.

        Raises SlackTrouble.
        """
        if self._identity is None:
            said = asked(lambda: self.safe.auth_test())
            self._identity = Identity(
                team=str(said.get("team_id", "")),
                bot_user=str(said.get("user_id", "")),
                bot=str(said.get("bot_id", "")),
                enterprise=str(said.get("enterprise_id") or ""),
            )
        return self._identity

    @property
    def known_channel(self) -> str:
        """Where cards go, if that is known already: a person's direct messages have to be opened first."""
        configured = self.access.settings.channel
        return configured if configured[:1] in ("C", "G", "D") else self._channel

    def channel(self) -> str:
        """Where cards go; a person's direct messages are opened.

        Raises SlackTrouble.
        """
        configured = self.access.settings.channel
        if not self.known_channel:
            said = asked(lambda: self.safe.conversations_open(users=configured))
            self._channel = str(said["channel"]["id"])
        return self.known_channel


def asked(call: Any) -> Any:
    """What Slack answers to a call.

    Raises SlackTrouble, which tells whether Slack certainly did not do it.
    """
    try:
        return call()
    except SlackApiError as bad:
        response = bad.response
        code = str(response.get("error", "") or "") if response is not None else ""
        status = int(getattr(response, "status_code", 0) or 0)
        headers = {str(name).lower(): value for name, value in dict(getattr(response, "headers", {})).items()}
        if status == 429 or code in ("ratelimited", "rate_limited"):
            raise SlackTrouble(
                "ratelimited",
                "Slack asks us to wait; we do",
                pause=_seconds(headers.get("retry-after")),
                is_sure=True,
            ) from bad
        is_sure = bool(code) and code not in UNSURE and status < 500
        told = (response.get("response_metadata") or {}).get("messages") or [] if response is not None else []
        detail = " ".join(str(one) for one in told)[:500]
        raise SlackTrouble(code, f"Slack refused ({code or status})", is_sure=is_sure, detail=detail) from bad
    except (SlackClientError, OSError, ValueError) as bad:
        # ValueError: an answer that is no JSON, as of a proxy in between.
        raise SlackTrouble("", f"Slack did not answer ({type(bad).__name__})") from bad


def _seconds(said: Any) -> float:
    if isinstance(said, list | tuple):
        said = said[0] if said else None
    try:
        return max(1.0, float(said))
    except (TypeError, ValueError):
        return 1.0


class Pace:
    """At most one message in so many seconds, for each channel."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, channel: str, ended: threading.Event) -> bool:
        """Wait for the channel's turn; False when everything ends before it comes."""
        with self._lock:
            moment = time.monotonic()
            turn = max(self._next.get(channel, 0.0), moment)
            self._next[channel] = turn + self._seconds
        return not ended.wait(max(0.0, turn - moment))

    def said(self, channel: str) -> None:
        """A message has just been taken: the next one's time counts from here."""
        with self._lock:
            self._next[channel] = max(self._next.get(channel, 0.0), time.monotonic() + self._seconds)

    def pause(self, channel: str, seconds: float) -> None:
        """Slack asked for a pause: nobody's turn comes before it is over."""
        with self._lock:
            self._next[channel] = max(self._next.get(channel, 0.0), time.monotonic() + seconds)
