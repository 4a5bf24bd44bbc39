"""Webhook: any receiver of JSON, signed as Standard Webhooks has it (Zapier, n8n, Customer.io, Appcues, Pendo).

`webhook-id` is our id, the same however often a record is told, so that a receiver can drop what it has had before.

Where it goes is the founder's own setting, so nobody else can send us anywhere; all the same a name that leads into
a private network is refused unless `allow_private` says otherwise, and what was checked is what is connected to. An
address of this machine, written as such, is taken at its word. No redirect is followed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import socket
from datetime import UTC, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from agent.foundation.access import given
from agent.foundation.errors import ConfigError
from agent.foundation.holder import machine_now
from agent.foundation.outward import (
    Outgoing,
    OutwardKind,
    OutwardRecord,
    RecordRefused,
    Target,
    TargetDown,
    Written,
)
from agent.foundation.sections_outward import LOOPBACK, WebhookTarget, safe_url
from connectors.outward._http import Http, host_of, trouble

URL, SECRET = "OUTGROWN_WEBHOOK_URL", "OUTGROWN_WEBHOOK_SECRET"
TYPES = {
    OutwardKind.READY: "outgrown.account.ready",
    OutwardKind.SENT: "outgrown.prompt.sent",
    OutwardKind.OUTCOME: "outgrown.outcome.recorded",
}
SECRET_BYTES = range(24, 65)
"Of the key, as the standard has it."
MAKE = "make one with `echo whsec_$(openssl rand -base64 32)` and give it to the receiver too"
MOVED = timedelta(minutes=15)
NAT64 = bytes.fromhex("0064ff9b0000000000000000")
"Before an IPv4 address that is reached over IPv6 (RFC 6052)."


class Webhook(Target):
    """Posts each record to one address."""

    name = "webhook"

    def __init__(self, settings: WebhookTarget) -> None:
        self.settings, self.kinds, self.backfill = settings, settings.on, settings.backfill
        self.patience = timedelta(seconds=2 * settings.timeout_seconds + 10)
        self._secret = given(SECRET)
        found = given(URL)
        try:
            self.url = safe_url(found) if found else settings.url
        except ValueError as bad:
            raise ConfigError(f"{URL} {bad}; mend it.") from None
        missing = {f"{SECRET} in .env": not self._secret, f"{URL} in .env": not self.url}
        self.lacks = " and ".join(name for name, is_missing in missing.items() if is_missing)
        self._http = Http("The webhook's receiver", settings.timeout_seconds, (self._secret,))

    def put(self, outgoing: Outgoing) -> Written:
        """Post it, or post it again under the same id."""
        record = outgoing.record
        body = json.dumps(document(record), ensure_ascii=False, separators=(",", ":")).encode()
        stamp = str(int(machine_now().replace(tzinfo=UTC).timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": record.our_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(self._key(), record.our_id, stamp, body),
        }
        url, name = self._where()
        if name:
            headers["Host"] = urlsplit(self.url).netloc
        reply = self._http.ask("POST", url, headers=headers, content=body, server_name=name)
        if reply.is_good:
            return Written(record.our_id)
        host = host_of(self.url)
        if reply.status in (404, 410):
            # An n8n workflow that is not active answers so: nothing is wrong with the record.
            raise TargetDown(
                f"Nobody takes webhooks there any more ({host}, {reply.status}); mend {URL} or switch the receiver on.",
                pause=MOVED,
            )
        found = trouble(f"The webhook's receiver ({host})", reply, f"mend {SECRET} or {URL}")
        if isinstance(found, RecordRefused):
            raise RecordRefused(
                f"The webhook's receiver ({host}) refuses the record ({reply.status}); see there why, "
                "then `outgrown targets retry`."
            )
        raise found

    def look(self) -> str:
        """That the secret is one and the address may be gone to; nothing is posted."""
        self._key()
        self._where()
        return f"signed JSON goes to {host_of(self.url)}; nothing was posted"

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _key(self) -> bytes:
        try:
            key = base64.b64decode(self._secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) not in SECRET_BYTES:
            raise TargetDown(f"{SECRET} is not one; {MAKE}.")
        return key

    def _where(self) -> tuple[str, str]:
        """What to connect to, and whose certificate is wanted there: an address that was looked at.

        Raises TargetDown for one inside a network, or none at all.
        """
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if host in LOOPBACK or self._http.has_proxy:
            return self.url, ""
        port = parts.port or 443
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise TargetDown(
                f"The webhook's receiver {host} is not known to the DNS; mend {URL}.",
                pause=timedelta(minutes=1),
            ) from None
        addresses = [str(one[4][0]).partition("%")[0] for one in found]
        inside = [one for one in addresses if not is_public(one)]
        if inside and not self.settings.allow_private:
            raise TargetDown(
                f"The webhook's receiver {host} leads to {inside[0]}, which is inside a network; set allow_private "
                "in [targets.webhook] if that is meant."
            )
        chosen = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        query = f"?{parts.query}" if parts.query else ""
        return f"https://{chosen}:{port}{parts.path or '/'}{query}", host


def document(record: OutwardRecord) -> dict[str, object]:
    """What a receiver reads: the type, when it happened, and the record."""
    return {
        "type": TYPES[record.kind],
        "timestamp": f"{record.at.isoformat()}Z",
        "data": {
            "id": record.our_id,
            "account_id": record.account_id,
            "account_name": record.account_name,
            "title": record.title,
            "text": record.body,
            "result": str(record.result) if record.kind is OutwardKind.OUTCOME else None,
            "amount_minor": record.amount_minor,
            "amount": record.amount,
            "currency": record.currency,
        },
    }


def signature(key: bytes, our_id: str, stamp: str, body: bytes) -> str:
    """The `webhook-signature` header (Standard Webhooks, symmetric): 'v1,' and the base64 of the HMAC-SHA256."""
    signed = hmac.new(key, f"{our_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def is_public(text: str) -> bool:
    """Whether an IP address is on the open Internet, whatever it is wrapped in."""
    found = ip_address(text)
    inside: list[IPv4Address] = []
    if isinstance(found, IPv6Address):
        if found.packed.startswith(NAT64):
            inside.append(IPv4Address(found.packed[-4:]))
        inside += [
            one for one in (found.ipv4_mapped, found.sixtofour, *(found.teredo or ())) if one is not None
        ]
    looked_at: list[IPv4Address | IPv6Address] = [*inside] or [found]
    return all(one.is_global and not one.is_multicast for one in looked_at)
