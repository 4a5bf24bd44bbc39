"""Resend: POST /emails under an idempotency key, so that the same delivery may be handed over again for a day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from agent.delivery.channel import (
    Announce,
    AnswerLost,
    Channel,
    ChannelDown,
    Envelope,
    PermanentFailure,
    unannounced,
)
from agent.delivery.mime import letter, mailboxes, subject, unsubscribe_headers
from agent.delivery.providers.asking import MENDED_BY_A_PERSON, Answer, ask
from agent.foundation.settings import Company, MailAccess

PROVIDER = "Resend"
QUOTAS = ("daily_quota_exceeded", "monthly_quota_exceeded")
NEXT_QUOTA = timedelta(hours=1)
RECIPIENT = re.compile(r"[`'\"]?\bto\b[`'\"]? field|recipient", re.I)


class ResendChannel(Channel):
    """Hands messages to Resend, which knows a delivery again by its key."""

    name = "resend"
    announces = True
    repeats_within = timedelta(hours=24)

    def __init__(self, access: MailAccess, company: Company) -> None:
        self._access, self._company = access, company
        self.patience = timedelta(seconds=4 * access.settings.timeout_seconds)
        self.lacks = "" if access.resend_key else "RESEND_API_KEY in .env"

    def deliver(self, envelope: Envelope, announce: Announce = unannounced) -> None:
        """Hand the message over; a repetition within the day answers as the first time did."""
        sender, to = mailboxes(envelope)
        # Nothing here may differ when the same delivery is handed over again: the key stands for these words.
        document = {
            "from": str(sender),
            "to": [str(to)],
            "subject": subject(envelope),
            "text": letter(envelope, self._company),
            "headers": unsubscribe_headers(envelope, self._company),
            "tags": [{"name": "delivery_id", "value": envelope.delivery_id}],
        }
        announce()
        answer = self._ask("POST", "/emails", {"Idempotency-Key": envelope.delivery_id}, document)
        if 200 <= answer.code < 300:
            return
        raise _failure(answer)

    def was_delivered(self, delivery_id: str) -> None:
        """It is not asked but told again: its key makes that one message."""

    def erase(self, delivery_id: str) -> None:
        """What Resend keeps, it deletes by itself."""

    def look(self) -> str:
        """What an authenticated question without effect says: that the key works.

        Raises ChannelDown.
        """
        answer = self._ask("GET", "/domains", {}, None)
        if answer.code == 401 and answer.text("name") == "restricted_api_key":
            return "the key may send, and nothing else"
        if answer.code >= 400:
            raise _failure(answer)
        found = answer.document.get("data") or []
        domains = [str(one.get("name")) for one in found if one.get("status") == "verified"]
        sender = self._company.sender_email.rpartition("@")[2].lower()
        if not any(sender == one or sender.endswith(f".{one}") for one in domains):
            raise ChannelDown(
                f"{PROVIDER} has not verified {sender}, so it sends nothing from {self._company.sender_email}; "
                "verify the domain there."
            )
        return f"the key works, and {sender} is verified"

    def _ask(
        self, method: str, path: str, headers: dict[str, str], document: Mapping[str, object] | None
    ) -> Answer:
        key = self._access.resend_key
        if key is None:
            raise ChannelDown(f"{PROVIDER} is not set up: {self.lacks}.", pause=MENDED_BY_A_PERSON)
        return ask(
            PROVIDER,
            method,
            self._access.resend_url + path,
            headers={"Authorization": f"Bearer {key.get_secret_value()}", **headers},
            seconds=self._access.settings.timeout_seconds,
            document=document,
        )


def _failure(answer: Answer) -> Exception:
    code, name, said = answer.code, answer.text("name"), answer.text("message")
    told = f"{code} {name or 'no name'}: {said or 'no words'}"
    if code == 409:
        # Either the first request is still at work, or it was made in other words: both times it is there.
        is_at_work = name == "concurrent_idempotent_requests"
        return AnswerLost(f"{PROVIDER} has had this delivery before ({told})", is_repeatable=is_at_work)
    if code == 429:
        pause = max(answer.pause, NEXT_QUOTA if name in QUOTAS else timedelta(seconds=1))
        return ChannelDown(f"{PROVIDER} asks us to wait ({told}).", pause=pause)
    if code in (400, 422) and name not in (
        "invalid_from_address",
        "invalid_access",
        "invalid_idempotency_key",
    ):
        is_bad = bool(RECIPIENT.search(said))
        return PermanentFailure(f"{PROVIDER} refuses the message ({told}).", is_address_bad=is_bad)
    if code == 451:
        return PermanentFailure(f"{PROVIDER} refuses the message ({told}).")
    if code >= 500 or not 400 <= code < 500:
        return AnswerLost(f"{PROVIDER} did not say what became of the message ({told})")
    return ChannelDown(
        f"{PROVIDER} does not let us send ({told}); mend RESEND_API_KEY or the domain.",
        pause=MENDED_BY_A_PERSON,
    )
