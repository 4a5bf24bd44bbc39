"""A real mail server on loopback (aiosmtpd, TLS by trustme) that can also refuse, dawdle and die."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from agent.foundation.access import MailAccess
from agent.foundation.sections_running import Delivery, Smtp


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one message: at which word of the conversation, and how."""

    at: str
    "'mail', 'rcpt', 'data' (before the text is read) or 'end' (after)."
    says: str = ""
    "An answer other than yes; empty means that the connection ends without one."
    takes: bool = False
    "At the end: whether the message is kept all the same."
    seconds: float = 0.0
    "How long the server thinks before."


AUTHORITY = "authority.pem"
TAKES_AND_DIES = Fault("end", takes=True)
DIES_AT_THE_END = Fault("end")
DIES_AFTER_DATA = Fault("data")


@dataclass(frozen=True)
class Received:
    """A message the server has taken."""

    sender: str
    to: str
    message: EmailMessage

    @property
    def message_id(self) -> str:
        """As the message says."""
        return str(self.message["Message-ID"])


@dataclass(frozen=True)
class Interruption:
    """A message whose sender had no answer."""

    to: str
    fault: Fault


class _Conversation(SMTP):
    """The protocol, with the faults that must happen before the text is read."""

    server: MailServer

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library's name
        """As the library does, unless the server is to die here."""
        fault = self.server.fault_at("data")
        if fault is None or not self.envelope.rcpt_tos:
            await super().smtp_DATA(arg)
            return
        await asyncio.sleep(fault.seconds)
        if fault.says:
            await self.push(fault.says)
            return
        self.server.interrupted.append(Interruption(self.envelope.rcpt_tos[0], fault))
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self.transport.abort()


class MailServer:
    """The server, in a thread of its own for as long as the block lasts."""

    def __init__(
        self,
        folder: Path,
        *,
        security: str = "starttls",
        login: tuple[str, str] | None = None,
        choose: Callable[[str], Fault | None] | None = None,
    ) -> None:
        self.security, self._login, self._choose = security, login, choose
        self.messages: list[Received] = []
        self.interrupted: list[Interruption] = []
        self.faults: deque[Fault | None] = deque()
        "What happens to the next messages; none means that all goes well."
        self.logins = 0
        authority = trustme.CA()
        self.ca_file = folder / AUTHORITY
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self._tls)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailserver", daemon=True)
        self._fault: Fault | None = None
        self.port = 0

    def access(self, **changes: Any) -> MailAccess:
        """How to reach it."""
        smtp = {
            "host": "127.0.0.1",
            "port": self.port,
            "security": self.security,
            "ca_file": str(self.ca_file),
            "timeout_seconds": 5,
        }
        return mail_access(smtp={**smtp, **changes.pop("smtp", {})}, **changes)

    def fault_at(self, at: str) -> Fault | None:
        """The fault of the message under way, if it is to happen here."""
        return self._fault if self._fault is not None and self._fault.at == at else None

    def of(self, message_id: str) -> list[Received]:
        """Every copy of that message."""
        return [one for one in self.messages if one.message_id == message_id]

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            self._conversation, "127.0.0.1", 0, ssl=self._tls if self.security == "tls" else None
        )

    async def _end(self) -> None:
        self._listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _conversation(self) -> _Conversation:
        starttls = self.security == "starttls"
        made = _Conversation(
            _Handler(self),
            hostname="mail.test",
            loop=self._loop,
            tls_context=self._tls if starttls else None,
            require_starttls=starttls,
            auth_required=self._login is not None,
            auth_require_tls=starttls,
            authenticator=self._authenticate,
            timeout=60,
        )
        made.server = self
        return made

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _kind: str, data: Any) -> AuthResult:
        self.logins += 1
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self._login, handled=False)


class _Handler:
    """What the server does at each word."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: Any, _s: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        """A new message: its fate is decided here."""
        here = self._server
        here._fault = None
        if here.faults:
            here._fault = here.faults.popleft()
        fault = here.fault_at("mail")
        if fault is not None:
            return await self._suffer(server, envelope, fault)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, _s: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        """The recipient."""
        here = self._server
        if here._choose is not None:
            here._fault = here._choose(address)
        fault = here.fault_at("rcpt")
        if fault is not None:
            return await self._suffer(server, envelope, fault)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _s: Session, envelope: Envelope) -> str:  # noqa: N802
        """The whole message is here."""
        fault = self._server.fault_at("end")
        if fault is None or fault.takes:
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self._server.messages.append(Received(str(envelope.mail_from), envelope.rcpt_tos[0], message))
        return "250 taken" if fault is None else await self._suffer(server, envelope, fault)

    async def _suffer(self, server: Any, envelope: Envelope, fault: Fault) -> str:
        await asyncio.sleep(fault.seconds)
        if fault.says:
            return fault.says
        self._server.interrupted.append(Interruption((envelope.rcpt_tos or [""])[0], fault))
        server.transport.abort()
        return "421 gone"


def mail_access(**changes: Any) -> MailAccess:
    """Access with nothing set but what a test sets; `smtp` is the settings' table."""
    smtp = Smtp(**changes.pop("smtp", {}))
    delivery = Delivery(smtp=smtp, **changes.pop("delivery", {}))
    values: dict[str, Any] = {
        "smtp_user": "",
        "smtp_password": None,
        "resend_key": None,
        "resend_url": "http://127.0.0.1:9",
        "resend_webhook_secret": None,
        "postmark_token": None,
        "postmark_url": "http://127.0.0.1:9",
        "postmark_webhook_password": None,
    }
    return MailAccess(delivery, **{**values, **changes})
