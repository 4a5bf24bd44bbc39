"""Bounces and complaints: who may say so, what is said, and what it changes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from agent.approval.suppressions import suppression_of
from agent.approval.views import show_draft
from agent.delivery.bounces import BounceKind, NotGenuine, note_bounce, read_webhook
from agent.delivery.sender import send
from agent.foundation.access import MailAccess
from agent.foundation.errors import InputError, NotFound
from agent.foundation.store import Store
from tests.approval.made import DAY, NOW
from tests.delivery.made import ScriptedChannel, on_its_way
from tests.mailserver import mail_access

KEY = b"0123456789abcdef0123456789abcdef"
ACCESS = mail_access(
    resend_webhook_secret=SecretStr("whsec_" + base64.b64encode(KEY).decode()),
    postmark_webhook_password=SecretStr("pa:ss"),
)
BODY = {
    "type": "email.bounced",
    "created_at": "2026-03-02T09:00:00.000Z",
    "data": {
        "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
        "from": "Dana <dana@docs.example>",
        "to": ["ann@acme.example"],
        "subject": "Exports that stop",
        "bounce": {"message": "no such user", "subType": "General", "type": "Permanent"},
        "tags": {"delivery_id": "abcd-1"},
    },
}


def signed(
    document: Any = BODY, *, at: datetime = NOW, key: bytes = KEY, event: str = "msg_1"
) -> tuple[dict[str, str], bytes]:
    """A call as Resend signs it."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    stamp = str(int(at.replace(tzinfo=UTC).timestamp()))
    mark = base64.b64encode(
        hmac.new(key, f"{event}.{stamp}.".encode() + body, hashlib.sha256).digest()
    ).decode()
    return {"Svix-Id": event, "Svix-Timestamp": stamp, "Svix-Signature": f"v1,AAAA v1,{mark}"}, body


def with_password(document: Any, password: str = "pa:ss") -> tuple[dict[str, str], bytes]:
    """A call as Postmark makes it."""
    word = base64.b64encode(f"postmark:{password}".encode()).decode()
    return {"Authorization": f"Basic {word}"}, json.dumps(document).encode()


def changed(**data: Any) -> dict[str, Any]:
    """Resend's event with other data."""
    return {**BODY, "data": {**BODY["data"], **data}}  # type: ignore[dict-item]


RESEND = [
    pytest.param(BODY, [(BounceKind.BOUNCED, "ann@acme.example", "abcd-1")], id="bounced"),
    pytest.param({**BODY, "type": "email.complained"}, [(BounceKind.COMPLAINED, "ann@acme.example", "abcd-1")], id="complained"),
    pytest.param({**BODY, "type": "email.suppressed"}, [(BounceKind.BOUNCED, "ann@acme.example", "abcd-1")], id="suppressed there"),
    pytest.param(changed(bounce={"type": "Transient"}), [(BounceKind.SOFT, "ann@acme.example", "abcd-1")], id="soft"),
    pytest.param(changed(bounce={"type": "Undetermined"}), [(BounceKind.SOFT, "ann@acme.example", "abcd-1")], id="undetermined"),
    pytest.param(changed(tags=[{"name": "delivery_id", "value": "x-1"}]), [(BounceKind.BOUNCED, "ann@acme.example", "x-1")], id="tags as a list"),
    pytest.param(changed(tags=None, to="Ann <ann@acme.example>"), [(BounceKind.BOUNCED, "ann@acme.example", None)], id="no tags"),
    pytest.param({**BODY, "type": "email.delivered"}, [], id="another event"),
    pytest.param({"type": "email.bounced"}, [(BounceKind.BOUNCED, None, None)], id="empty"),
]  # fmt: skip

BOUNCE = {"RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "Email": "ann@acme.example", "Metadata": {"delivery_id": "abcd-1"}}  # fmt: skip
POSTMARK = [
    pytest.param(BOUNCE, [(BounceKind.BOUNCED, "ann@acme.example", "abcd-1")], id="hard"),
    pytest.param({**BOUNCE, "Type": "SoftBounce"}, [(BounceKind.SOFT, "ann@acme.example", "abcd-1")], id="soft"),
    pytest.param({**BOUNCE, "Type": "Transient"}, [(BounceKind.SOFT, "ann@acme.example", "abcd-1")], id="transient"),
    pytest.param({**BOUNCE, "Type": "Blocked", "Inactive": True}, [(BounceKind.BOUNCED, "ann@acme.example", "abcd-1")], id="made inactive"),
    pytest.param({**BOUNCE, "RecordType": "SpamComplaint", "Type": "SpamComplaint"}, [(BounceKind.COMPLAINED, "ann@acme.example", "abcd-1")], id="complaint"),
    pytest.param({"RecordType": "SubscriptionChange", "SuppressSending": True, "SuppressionReason": "ManualSuppression", "Recipient": "ann@acme.example", "ChangedAt": "x"}, [(BounceKind.COMPLAINED, "ann@acme.example", None)], id="unsubscribed"),
    pytest.param({"RecordType": "SubscriptionChange", "SuppressSending": False, "Recipient": "ann@acme.example"}, [], id="taken back"),
    pytest.param({"RecordType": "Delivery", "Recipient": "ann@acme.example"}, [], id="another event"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "found"), RESEND)
def test_what_resend_tells(document: Any, found: list[tuple[Any, ...]]) -> None:
    """The address, what came back, and the delivery by its tag."""
    seen = read_webhook("resend", *signed(document), ACCESS, NOW)
    assert [(one.kind, one.address, one.delivery_id) for one in seen] == found


@pytest.mark.parametrize(("document", "found"), POSTMARK)
def test_what_postmark_tells(document: Any, found: list[tuple[Any, ...]]) -> None:
    """The address, what came back, and the delivery by its metadata."""
    seen = read_webhook("postmark", *with_password(document), ACCESS, NOW)
    assert [(one.kind, one.address, one.delivery_id) for one in seen] == found


def no_headers() -> tuple[dict[str, str], bytes]:
    """A call by anybody."""
    return {}, json.dumps(BODY).encode()


def other_body() -> tuple[dict[str, str], bytes]:
    """A true signature over other words."""
    headers, _ = signed()
    return headers, json.dumps(changed(to=["eve@other.example"])).encode()


@pytest.mark.parametrize(
    ("call", "access"),
    [
        pytest.param(no_headers(), ACCESS, id="no signature"),
        pytest.param(other_body(), ACCESS, id="another body"),
        pytest.param(signed(key=b"x" * 32), ACCESS, id="another key"),
        pytest.param(signed(at=NOW - timedelta(minutes=6)), ACCESS, id="too old"),
        pytest.param(signed(at=NOW + timedelta(minutes=6)), ACCESS, id="of the future"),
        pytest.param(({**signed()[0], "Svix-Timestamp": "1" * 400}, signed()[1]), ACCESS, id="no time"),
        pytest.param(
            ({**signed()[0], "Svix-Signature": "v2,\u00fc"}, signed()[1]), ACCESS, id="no such version"
        ),
        pytest.param(signed(), mail_access(), id="no secret set"),
        pytest.param(
            signed(), mail_access(resend_webhook_secret=SecretStr("whsec_!")), id="no secret at all"
        ),
    ],
)
def test_resend_must_prove_itself(call: tuple[dict[str, str], bytes], access: MailAccess) -> None:
    """Nothing is believed without a fresh signature over these very words."""
    with pytest.raises(NotGenuine):
        read_webhook("resend", *call, access, NOW)


@pytest.mark.parametrize(
    ("headers", "access"),
    [
        pytest.param({}, ACCESS, id="nothing"),
        pytest.param(with_password(BOUNCE, "wrong")[0], ACCESS, id="wrong"),
        pytest.param({"Authorization": "Basic ###"}, ACCESS, id="not base64"),
        pytest.param({"Authorization": "Bearer pa:ss"}, ACCESS, id="another scheme"),
        pytest.param(with_password(BOUNCE)[0], mail_access(), id="no password set"),
        pytest.param(with_password(BOUNCE, "")[0], mail_access(), id="empty, and none set"),
    ],
)
def test_postmark_must_prove_itself(headers: dict[str, str], access: MailAccess) -> None:
    """Nothing is believed without the password."""
    with pytest.raises(NotGenuine):
        read_webhook("postmark", headers, json.dumps(BOUNCE).encode(), access, NOW)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000], ids=["empty", "list", "half", "bytes", "deep"]
)
def test_a_genuine_call_that_cannot_be_read_is_said_to_be(body: bytes) -> None:
    """As an error of the input, not of ours."""
    with pytest.raises(InputError):
        read_webhook("resend", *signed(body), ACCESS, NOW)
    with pytest.raises(InputError):
        read_webhook("elsewhere", {}, b"{}", ACCESS, NOW)


def silence(store: Store, address: str = "ann@acme.example") -> str | None:
    """Why the address may not be written to."""
    with store.reading() as session:
        return suppression_of(session, account_id=None, address=address, now=NOW + DAY)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (BounceKind.BOUNCED, "bounced on 2026-03-02"),
        (BounceKind.COMPLAINED, "complained on 2026-03-02"),
        (BounceKind.SOFT, None),
    ],
)
def test_what_came_back_silences_the_address_unless_it_may_pass(
    store: Store, kind: BounceKind, says: str | None
) -> None:
    """And the delivery's trail tells, once."""
    done = on_its_way(store)
    send(store, [ScriptedChannel()], now=NOW)

    def note() -> bool:
        return note_bounce(store, kind, who="resend", now=NOW, delivery_id=done.delivery_id, event_id="e1")

    assert note()
    assert not note()
    assert silence(store) == says
    told = [line for line in show_draft(store, done.draft_id).audit if line.what == kind]
    assert [(line.who, line.after) for line in told] == [("resend", {"kind": kind, "event": "e1"})]


def test_an_event_told_again_does_not_undo_a_lifted_silence(store: Store) -> None:
    """The customer asked to be written to again, after it."""
    from agent.approval.suppressions import lift_suppression

    done = on_its_way(store)
    bounce = {"delivery_id": done.delivery_id, "event_id": "e1"}
    note_bounce(store, BounceKind.BOUNCED, who="resend", now=NOW, **bounce)
    lift_suppression(store, account_id="acme", address="ann@acme.example", who="Dana", now=NOW)
    assert not note_bounce(store, BounceKind.BOUNCED, who="resend", now=NOW, **bounce)
    assert silence(store) is None


def test_the_delivery_is_found_by_its_message_id_and_the_address_without_one(store: Store) -> None:
    """The address it was delivered to counts before one that the event names."""
    done = on_its_way(store)
    by_id = {"message_id": f"{done.delivery_id}@docs.example", "address": "eve@other.example"}
    note_bounce(store, BounceKind.BOUNCED, who="postmark", now=NOW, **by_id)
    assert (silence(store), silence(store, "eve@other.example")) == ("bounced on 2026-03-02", None)
    note_bounce(
        store, BounceKind.COMPLAINED, who="postmark", now=NOW, address="bob@other.example", event_id="e2"
    )
    assert silence(store, "BOB@other.example") == "complained on 2026-03-02"
    with pytest.raises(NotFound):
        note_bounce(store, BounceKind.BOUNCED, who="postmark", now=NOW, delivery_id="nope")


def test_what_bounced_stops_what_still_waits_for_the_address(store: Store) -> None:
    """The next message to it does not leave."""
    on_its_way(store)
    note_bounce(store, BounceKind.BOUNCED, who="resend", now=NOW, address="ann@acme.example")
    channel = ScriptedChannel()
    assert [one.result for one in send(store, [channel], now=NOW)] == ["cancelled"]
    assert channel.handed_over == []
