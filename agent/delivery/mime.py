"""An envelope as an internet message (RFC 5322): nobody can inject a header, every client can read it."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from agent.delivery.channel import Envelope, PermanentFailure
from agent.drafting.wording import safe_name
from agent.foundation.settings import Company
from agent.foundation.shipped import shipped
from agent.scoring.addresses import is_reachable

_LINK = re.compile(r"https://[!-;=?-~]+")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.-]+@[A-Za-z0-9.-]+>")
_LONGEST_NAME = 80


def compose(envelope: Envelope, company: Company) -> bytes:
    """The whole message, 7-bit, with CRLF line ends.

    Raises PermanentFailure for an address that mail cannot reach.
    """
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = mailboxes(envelope)
    message["Subject"] = subject(envelope)
    message["Date"] = format_datetime(envelope.at.replace(tzinfo=UTC))
    message.set_content(letter(envelope, company), charset="utf-8", cte="quoted-printable")
    return _raw_headers(envelope, company) + message.as_bytes()


def mailboxes(envelope: Envelope) -> tuple[Address, Address]:
    """From whom and to whom.

    Raises PermanentFailure for an address that mail cannot reach.
    """
    sender = Address(_one_line(envelope.from_name), addr_spec=address(envelope.from_address))
    # What customers typed as a name may be anything, a link or a template too.
    return sender, Address(safe_name(envelope.to_name) or "", addr_spec=address(envelope.to_address))


def subject(envelope: Envelope) -> str:
    """The subject as one line."""
    return _one_line(envelope.subject, longest=None)


def address(given: str) -> str:
    """The address in ASCII, its domain in the form DNS knows.

    Raises PermanentFailure when it is not one.
    """
    plain = given.strip()
    if not is_reachable(plain):
        raise PermanentFailure(f"{_one_line(given)!r} is not an address mail can reach.", is_address_bad=True)
    local, _, domain = plain.rpartition("@")
    return f"{local}@{domain.lower().encode('idna').decode('ascii')}"


def _one_line(text: str, longest: int | None = _LONGEST_NAME) -> str:
    """Text for a header: one line, without control, bidirectional or zero-width characters."""
    kept = "".join(
        " " if letter.isspace() else letter
        for letter in unicodedata.normalize("NFC", text)
        if letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cf", "Cs")
    )
    # An encoded word would be decoded on the way into the header, line breaks and all.
    return " ".join(kept.split()).replace("=?", "= ?")[:longest].strip()


def _raw_headers(envelope: Envelope, company: Company) -> bytes:
    """Headers of one long word each, which the library would break by encoding them."""
    if not _MESSAGE_ID.fullmatch(envelope.message_id):
        raise PermanentFailure(f"{envelope.message_id!r} is not a Message-ID.")
    lines = {"Message-ID": envelope.message_id, **unsubscribe_headers(envelope, company, folded=",\r\n ")}
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("ascii")


def unsubscribe_headers(envelope: Envelope, company: Company, *, folded: str = ", ") -> dict[str, str]:
    """The headers by which a customer's mail program offers to end this."""
    ways = unsubscribe_ways(envelope, company)
    headers = {"List-Unsubscribe": folded.join(f"<{way}>" for way in ways)}
    if any(way.startswith("https:") for way in ways):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def unsubscribe_ways(envelope: Envelope, company: Company) -> tuple[str, ...]:
    """The links of the List-Unsubscribe header: the configured one first, and always an address."""
    given = company.unsubscribe.strip().removeprefix("mailto:")
    if _LINK.fullmatch(given):
        return (given, f"mailto:{address(envelope.from_address)}?subject=stop")
    to = address(given.partition("?")[0]) if given else address(envelope.from_address)
    return (f"mailto:{to}?subject=stop",)


def letter(envelope: Envelope, company: Company) -> str:
    """The whole text: what was approved, and who writes."""
    # Plain text: nothing here is markup, and escaping would change what the person approved.
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    source = shipped("templates", "email", "envelope.txt.j2").read_text(encoding="utf-8")
    text = environment.from_string(source).render(
        body=envelope.body.strip("\n"),
        account_name=safe_name(envelope.account_name),
        product=envelope.product,
        company=envelope.company,
        postal_address=company.postal_address,
    )
    return "".join(
        letter for letter in text if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs")
    )
