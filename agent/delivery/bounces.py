"""What comes back from a provider: bounces and complaints, and how we know that it is the provider who says so."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from agent.approval.audit import record, trail
from agent.approval.slots import lock_account
from agent.approval.suppressions import hash_address, suppress
from agent.approval.tables import Delivery
from agent.foundation.access import MailAccess
from agent.foundation.errors import InputError, NotFound, OutgrownError
from agent.foundation.store import Store
from agent.signals.finding import Frozen

WINDOW = timedelta(minutes=5)
"How far a signed time may be from ours: an older call may be somebody's recording."
LONGEST_ID = 200


class NotGenuine(OutgrownError):
    """A call that does not prove that it comes from the provider."""


class BounceKind(StrEnum):
    """What came back."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SOFT = "soft"
    "It may arrive later, or the next one may: nothing is suppressed."


class Bounce(Frozen):
    """One address from which something came back."""

    kind: BounceKind
    address: str | None
    delivery_id: str | None
    message_id: str | None
    event_id: str
    "The same for the same event, however often it is told."


def read_webhook(
    provider: str, headers: Mapping[str, str], body: bytes, access: MailAccess, now: datetime
) -> tuple[Bounce, ...]:
    """What a provider's call tells; empty for an event about something else.

    Raises NotGenuine when the call does not prove where it comes from, and InputError when it cannot be read.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if provider == "resend":
        _check_svix(given, body, access, now)
        return tuple(_resend(_document(body), given["svix-id"]))
    if provider == "postmark":
        _check_password(given, access)
        return tuple(_postmark(_document(body)))
    raise InputError(f"There is no provider {provider[:40]!r}; there are resend and postmark.")


def _check_svix(headers: Mapping[str, str], body: bytes, access: MailAccess, now: datetime) -> None:
    secret = access.resend_webhook_secret
    if secret is None:
        raise NotGenuine("RESEND_WEBHOOK_SECRET is not set, so no call can be believed; put it into .env.")
    try:
        key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise NotGenuine("RESEND_WEBHOOK_SECRET is not one; copy it from Resend again.") from None
    name, stamp = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    if not name or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise NotGenuine("The call is not signed.")
    sent_at = datetime.fromtimestamp(int(stamp), UTC).replace(tzinfo=None)
    if abs(sent_at - now) > WINDOW:
        raise NotGenuine("The call was signed too long ago, or in the future.")
    wanted = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    for part in headers.get("svix-signature", "").split():
        version, _, given = part.partition(",")
        if version == "v1" and hmac.compare_digest(
            base64.b64encode(wanted), given.encode("utf-8", "replace")
        ):
            return
    raise NotGenuine("The call's signature is not right.")


def _check_password(headers: Mapping[str, str], access: MailAccess) -> None:
    password = access.postmark_webhook_password
    if password is None:
        raise NotGenuine(
            "POSTMARK_WEBHOOK_PASSWORD is not set, so no call can be believed; put it into .env."
        )
    scheme, _, given = headers.get("authorization", "").partition(" ")
    try:
        said = base64.b64decode(given.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        said = b""
    if scheme.lower() != "basic" or not hmac.compare_digest(said, password.get_secret_value().encode()):
        raise NotGenuine("The call's password is not right.")


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("The call's body is not JSON.") from None
    if not isinstance(found, dict):
        raise InputError("The call's body is not a JSON object.")
    return found


RESEND_KINDS = {"email.bounced": BounceKind.BOUNCED, "email.complained": BounceKind.COMPLAINED}
RESEND_SUPPRESSED = "email.suppressed"
PASSING = ("transient", "undetermined")


def _resend(document: Mapping[str, Any], event_id: str) -> Iterator[Bounce]:
    kind = RESEND_KINDS.get(str(document.get("type")))
    if document.get("type") == RESEND_SUPPRESSED:
        kind = BounceKind.BOUNCED
    if kind is None:
        return
    data = _part(document, "data")
    if kind is BounceKind.BOUNCED and str(_part(data, "bounce").get("type", "")).lower() in PASSING:
        kind = BounceKind.SOFT
    tags = data.get("tags")
    if isinstance(tags, list):
        tags = {one.get("name"): one.get("value") for one in tags if isinstance(one, dict)}
    delivery_id = _text(tags.get("delivery_id")) if isinstance(tags, dict) else None
    to = data.get("to")
    addresses = to if isinstance(to, list) else [to]
    for address in addresses[:50]:
        yield Bounce(
            kind=kind,
            address=_address(address),
            delivery_id=delivery_id,
            message_id=_text(data.get("message_id")),
            event_id=_short(f"resend/{event_id}"),
        )


POSTMARK_HARD = ("HardBounce", "BadEmailAddress", "ManuallyDeactivated")
POSTMARK_COMPLAINED = ("SpamComplaint", "Unsubscribe")


def _postmark(document: Mapping[str, Any]) -> Iterator[Bounce]:
    record_type, cause = document.get("RecordType"), str(document.get("Type", ""))
    if record_type == "SubscriptionChange":
        if document.get("SuppressSending") is not True:
            return
        reason = str(document.get("SuppressionReason", ""))
        kind = BounceKind.BOUNCED if reason == "HardBounce" else BounceKind.COMPLAINED
        address = document.get("Recipient")
    elif record_type == "SpamComplaint" or cause in POSTMARK_COMPLAINED:
        kind, address = BounceKind.COMPLAINED, document.get("Email")
    elif record_type == "Bounce":
        is_hard = cause in POSTMARK_HARD or document.get("Inactive") is True
        kind, address = BounceKind.BOUNCED if is_hard else BounceKind.SOFT, document.get("Email")
    else:
        return
    number = document.get("ID") or f"{document.get('MessageID')}/{document.get('ChangedAt')}"
    yield Bounce(
        kind=kind,
        address=_address(address),
        delivery_id=_text(_part(document, "Metadata").get("delivery_id")),
        message_id=None,
        event_id=_short(f"postmark/{record_type}/{number}"),
    )


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str | None:
    return value[:LONGEST_ID] if isinstance(value, str) and value.strip() else None


def _address(value: Any) -> str | None:
    """The bare address of what may be written 'Ann <ann@acme.example>'."""
    text = _text(value)
    if text is None:
        return None
    return text.rpartition("<")[2].rstrip("> ").strip() if text.endswith(">") else text.strip()


def _short(event_id: str) -> str:
    """The id as the trail keeps it: any length and any letters become one word."""
    return hashlib.sha256(event_id.encode("utf-8", "replace")).hexdigest()[:32]


def note_bounce(
    store: Store,
    kind: BounceKind,
    *,
    who: str,
    now: datetime,
    address: str | None = None,
    delivery_id: str | None = None,
    message_id: str | None = None,
    event_id: str = "",
) -> bool:
    """Write down what came back, and silence the address unless it may pass; False when the event was known.

    The address it was delivered to counts where the delivery is known: a provider may name another by mistake.

    Raises NotFound when nothing tells which address it is about.
    """
    with store.writing() as session:
        delivery = _delivery(session, delivery_id, message_id)
        silenced = delivery.address if delivery else address
        if not silenced:
            raise NotFound("Nothing tells which address came back.")
        subject = f"delivery:{delivery.delivery_id}" if delivery else f"address:{hash_address(silenced)}"
        if delivery:
            lock_account(session, delivery.account_id)
        if event_id and any(line.after.get("event") == event_id for line in trail(session, subject)):
            return False
        if kind is not BounceKind.SOFT:
            suppress(session, account_id=None, address=silenced, reason=str(kind), who=who, now=now)
        after = {"kind": str(kind)} | ({"event": event_id} if event_id else {})
        record(session, at=now, who=who, what=str(kind), subject=subject, after=after)
    return True


def _delivery(session: Session, delivery_id: str | None, message_id: str | None) -> Delivery | None:
    found = session.get(Delivery, delivery_id) if delivery_id else None
    if found is None and message_id:
        wanted = message_id if message_id.startswith("<") else f"<{message_id}>"
        found = session.exec(select(Delivery).where(col(Delivery.message_id) == wanted)).first()
    return found
