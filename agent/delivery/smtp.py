"""Mail by SMTP: one connection for each message, encrypted unless the founder says otherwise."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address

from agent.delivery.channel import (
    Announce,
    AnswerLost,
    Channel,
    ChannelDown,
    Envelope,
    PermanentFailure,
    TemporaryFailure,
    unannounced,
)
from agent.delivery.mime import address, compose
from agent.foundation.settings import Company, MailAccess

STEPS = 15
"How many waits of `timeout_seconds` one handing over may have, at most."
MENDED_BY_A_PERSON = timedelta(minutes=15)
"The pause after something that only a person can mend: a wrong password locks an account when it is tried too often."
NO_SUCH_ADDRESS = (550, 551, 553)
OF_THE_ADDRESS = re.compile(r"5\.1\.(?:0|1|2|3|4|6|10)|5\.2\.1")
"Enhanced codes (RFC 3463) that speak of the recipient's address, and not of the sender's or of a policy."
POLICY = re.compile(r"relay|block|spam|polic|reputation|denied|authenti|blacklist|listed|not permitted", re.I)
NOT_SET_UP = (530, 534, 535, 538)
"Codes (RFC 4954) by which a server asks for another login."
SHOWN = 200


class SmtpChannel(Channel):
    """Hands messages to the founder's mail server, which signs and carries them."""

    name = "smtp"
    announces = True

    def __init__(self, access: MailAccess, company: Company) -> None:
        self._access, self._company = access, company
        self._smtp = access.settings.smtp
        self.patience = timedelta(seconds=STEPS * self._smtp.timeout_seconds)
        self.lacks = _lacks(access)

    def deliver(self, envelope: Envelope, announce: Announce = unannounced) -> None:
        """Hand the message over; it is the server's once it has answered the end of the data."""
        message = compose(envelope, self._company)
        deadline = time.monotonic() + self.patience.total_seconds() - self._smtp.timeout_seconds
        with self.connection() as server:
            try:
                _offer(server, address(envelope.from_address), address(envelope.to_address), message)
                if time.monotonic() >= deadline:
                    raise TemporaryFailure(f"{self._place} took too long.")
            except (smtplib.SMTPException, OSError) as why:
                raise TemporaryFailure(
                    f"{self._place} ended the conversation before it had the message ({_plain(why)})."
                ) from why
            announce()
            _end(server, self._place)

    def was_delivered(self, delivery_id: str) -> None:
        """A mail server cannot be asked."""

    def erase(self, delivery_id: str) -> None:
        """Nothing is kept here."""

    @contextlib.contextmanager
    def connection(self) -> Iterator[smtplib.SMTP]:
        """A server that is ready to take a message: connected, encrypted, logged in.

        Raises ChannelDown, with what to mend.
        """
        server = self._connected()
        try:
            self._log_in(server)
            yield server
        finally:
            # Whatever the server says to this, the message has had its answer.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                if server.sock is not None:
                    server.sock.settimeout(min(5.0, self._smtp.timeout_seconds))
                    server.quit()
            server.close()

    @property
    def _place(self) -> str:
        return f"{self._smtp.host}:{self._smtp.port}"

    def _connected(self) -> smtplib.SMTP:
        smtp, wait = self._smtp, self._smtp.timeout_seconds
        if self.lacks:
            raise ChannelDown(f"The mail server is not set up: {self.lacks}.", pause=MENDED_BY_A_PERSON)
        context = _context(smtp.ca_file) if smtp.security != "none" else None
        try:
            server: smtplib.SMTP = (
                smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=wait, context=context)
                if smtp.security == "tls"
                else smtplib.SMTP(smtp.host, smtp.port, timeout=wait)
            )
        except (smtplib.SMTPException, OSError) as why:
            raise self._unreachable(why) from why
        try:
            server.ehlo_or_helo_if_needed()
            if context is not None and smtp.security == "starttls":
                server.starttls(context=context)
                server.ehlo()
        except smtplib.SMTPNotSupportedError as why:
            server.close()
            raise ChannelDown(
                f"{self._place} does not offer STARTTLS, so nothing was sent in the clear; set security in "
                "[delivery.smtp] to tls, or name another server.",
                pause=MENDED_BY_A_PERSON,
            ) from why
        except (smtplib.SMTPException, OSError) as why:
            server.close()
            raise self._unreachable(why) from why
        return server

    def _unreachable(self, why: Exception) -> ChannelDown:
        if isinstance(why, ssl.SSLCertVerificationError):
            return ChannelDown(
                f"The certificate of {self._place} is not trusted ({_line(why.verify_message)}); name its authority "
                "as ca_file in [delivery.smtp], or mend the host's name.",
                pause=MENDED_BY_A_PERSON,
            )
        if isinstance(why, ssl.SSLError):
            return ChannelDown(
                f"{self._place} does not speak TLS as asked ({_plain(why)}); mend security or port in [delivery.smtp].",
                pause=MENDED_BY_A_PERSON,
            )
        return ChannelDown(f"The mail server {self._place} cannot be reached ({_plain(why)}).")

    def _log_in(self, server: smtplib.SMTP) -> None:
        user, password = self._access.smtp_user, self._access.smtp_password
        if not user or password is None:
            return
        if self._smtp.security == "none" and not is_loopback(self._smtp.host):
            raise ChannelDown(
                f"The password for {self._place} would travel in the clear; set security in [delivery.smtp] to "
                "starttls or tls.",
                pause=MENDED_BY_A_PERSON,
            )
        try:
            server.login(user, password.get_secret_value())
        except smtplib.SMTPNotSupportedError as why:
            raise ChannelDown(
                f"{self._place} offers no login that we know; ask for another server, or take OUTGROWN_SMTP_USER away.",
                pause=MENDED_BY_A_PERSON,
            ) from why
        except smtplib.SMTPResponseException as why:
            if why.smtp_code < 500:
                raise ChannelDown(f"{self._place} does not let us in for now ({_said(why)}).") from why
            raise ChannelDown(
                f"{self._place} refuses the login ({_said(why)}); mend OUTGROWN_SMTP_USER and OUTGROWN_SMTP_PASSWORD.",
                pause=MENDED_BY_A_PERSON,
            ) from why
        except (smtplib.SMTPException, OSError) as why:
            raise self._unreachable(why) from why


def _lacks(access: MailAccess) -> str:
    if not access.settings.smtp.host:
        return "host in [delivery.smtp] of outgrown.toml"
    if access.smtp_user and access.smtp_password is None:
        return "OUTGROWN_SMTP_PASSWORD in .env"
    return ""


def _context(ca_file: str) -> ssl.SSLContext:
    """TLS that checks certificates and names, by the system's authorities and the founder's own."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as why:
            raise ChannelDown(
                f"ca_file in [delivery.smtp] cannot be read ({_plain(why)}); mend it.",
                pause=MENDED_BY_A_PERSON,
            ) from why
    return context


def _offer(server: smtplib.SMTP, sender: str, to: str, message: bytes) -> None:
    """Everything but the end of the message: up to here the server has taken nothing."""
    options = [f"size={len(message)}"] if server.has_extn("size") else []
    code, said = server.mail(sender, options)
    if code in NOT_SET_UP:
        raise _refused(code, _line(said))
    if code >= 500:
        raise ChannelDown(
            f"The mail server refuses {sender} as the sender ({code} {_line(said)}); mend sender_email in [company], "
            "or what the server allows.",
            pause=MENDED_BY_A_PERSON,
        )
    if code >= 400:
        raise _passing(code, said)
    code, said = server.rcpt(to)
    if code >= 400:
        raise _refused(code, _line(said), is_of_recipient=True)
    code, said = server.docmd("DATA")
    if code != 354:
        raise _refused(code, _line(said))
    server.send(_stuffed(message))


def _end(server: smtplib.SMTP, place: str) -> None:
    """End the message: from the moment this is sent, only the server's answer tells whether it has it."""
    try:
        server.send(b".\r\n")
    except (smtplib.SMTPException, OSError) as why:
        # What could not be sent cannot have arrived, and without its end no server takes a message.
        raise TemporaryFailure(f"{place} was gone before the message had ended.") from why
    try:
        code, said = server.getreply()
    except (smtplib.SMTPException, OSError) as why:
        raise AnswerLost(
            f"{place} had the whole message, and the connection ended before its answer ({_plain(why)})"
        ) from why
    if code >= 400:
        raise _refused(code, _line(said))
    if code != 250:
        raise AnswerLost(f"{place} had the whole message, and answered {code} {_line(said)}")


def _refused(code: int, said: str, *, is_of_recipient: bool = False) -> TemporaryFailure | PermanentFailure:
    if code < 500:
        return _passing(code, said)
    if code in NOT_SET_UP:
        return ChannelDown(
            f"The mail server wants another login ({code} {said}); mend OUTGROWN_SMTP_USER and OUTGROWN_SMTP_PASSWORD.",
            pause=MENDED_BY_A_PERSON,
        )
    enhanced = re.match(r"5\.\d{1,3}\.\d{1,3}", said)
    if enhanced:
        is_bad = OF_THE_ADDRESS.fullmatch(enhanced.group()) is not None
    else:
        is_bad = is_of_recipient and code in NO_SUCH_ADDRESS and not POLICY.search(said)
    what = "the address" if is_bad else "the message"
    return PermanentFailure(f"The mail server refuses {what} ({code} {said}).", is_address_bad=is_bad)


def _passing(code: int, said: str | bytes) -> TemporaryFailure:
    why = f"The mail server does not take it now ({code} {_line(said)})."
    return ChannelDown(why) if code == 421 else TemporaryFailure(why)


def _stuffed(message: bytes) -> bytes:
    """The message as it travels: whole lines, none of which looks like the end."""
    ended = message if message.endswith(b"\r\n") else message + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, where nobody listens on the way."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _said(why: smtplib.SMTPResponseException) -> str:
    return f"{why.smtp_code} {_line(why.smtp_error)}"


def _plain(why: Exception) -> str:
    if isinstance(why, smtplib.SMTPResponseException):
        return _said(why)
    if isinstance(why, TimeoutError) or isinstance(why.__context__, TimeoutError):
        return "no answer in time"
    if isinstance(why, OSError) and why.strerror:
        return _line(why.strerror)
    return _line(str(why)) or type(why).__name__


def _line(said: str | bytes) -> str:
    """What a server said, as one printable line."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:SHOWN]
