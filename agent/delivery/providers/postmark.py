"""Postmark: POST /email, each message marked with its delivery, so that one whose answer was lost can be looked for."""

from __future__ import annotations

from datetime import timedelta

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
from agent.delivery.mime import letter, mailboxes, subject, unsubscribe_headers
from agent.delivery.providers.asking import MENDED_BY_A_PERSON, Answer, ask
from agent.foundation.settings import Company, MailAccess

PROVIDER = "Postmark"
MARK = "delivery_id"
INACTIVE = 406
INVALID_REQUEST = 300
OF_THE_ADDRESS = ("'to' address", "to address", "invalid 'to'", "recipient")
OURS_TO_MEND = (10, 400, 401, 405, 412, 413, 1235, 1236)
"Error codes about the token, the sender, the account or the stream."
UNAVAILABLE = 100


class PostmarkChannel(Channel):
    """Hands messages to Postmark, which cannot tell repetitions apart but can be searched."""

    name = "postmark"
    announces = True
    asks_within = timedelta(minutes=10)

    def __init__(self, access: MailAccess, company: Company) -> None:
        self._access, self._company = access, company
        self.patience = timedelta(seconds=4 * access.settings.timeout_seconds)
        self.lacks = "" if access.postmark_token else "POSTMARK_SERVER_TOKEN in .env"

    def deliver(self, envelope: Envelope, announce: Announce = unannounced) -> None:
        """Hand the message over, once."""
        sender, to = mailboxes(envelope)
        headers = {"Message-ID": envelope.message_id, "X-PM-KeepID": "true"}
        headers |= unsubscribe_headers(envelope, self._company)
        document = {
            "From": str(sender),
            "To": str(to),
            "Subject": subject(envelope),
            "TextBody": letter(envelope, self._company),
            "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
            "Metadata": {MARK: envelope.delivery_id},
            "MessageStream": self._access.settings.postmark_stream,
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        announce()
        answer = self._ask("POST", "/email", document)
        if answer.code != 200 or answer.document.get("ErrorCode") != 0:
            raise _failure(answer)

    def was_delivered(self, delivery_id: str) -> bool | None:
        """True when the message is found there; not finding it proves nothing, because a search may lag."""
        query = {"count": "1", "offset": "0", f"metadata_{MARK}": delivery_id}
        try:
            answer = self._ask("GET", "/messages/outbound", query=query)
        except (TemporaryFailure, AnswerLost):
            return None
        found = answer.document.get("Messages")
        if answer.code != 200 or not isinstance(found, list):
            return None
        marked = [one for one in found if (one.get("Metadata") or {}).get(MARK) == delivery_id]
        return True if marked else None

    def erase(self, delivery_id: str) -> None:
        """What Postmark keeps, it deletes by itself."""

    def look(self) -> str:
        """What an authenticated question without effect says: which server the token is for.

        Raises ChannelDown.
        """
        answer = self._ask("GET", "/server")
        if answer.code != 200:
            why = _failure(answer)
            raise why if isinstance(why, ChannelDown) else ChannelDown(str(why))
        return f"the token works, for the server {answer.text('Name') or 'without a name'}"

    def _ask(
        self,
        method: str,
        path: str,
        document: dict[str, object] | None = None,
        *,
        query: dict[str, str] | None = None,
    ) -> Answer:
        token = self._access.postmark_token
        if token is None:
            raise ChannelDown(f"{PROVIDER} is not set up: {self.lacks}.", pause=MENDED_BY_A_PERSON)
        return ask(
            PROVIDER,
            method,
            self._access.postmark_url + path,
            headers={"X-Postmark-Server-Token": token.get_secret_value(), "Accept": "application/json"},
            seconds=self._access.settings.timeout_seconds,
            document=document,
            query=query,
        )


def _failure(answer: Answer) -> Exception:
    given, said = answer.document.get("ErrorCode"), answer.text("Message")
    number = given if isinstance(given, int) else -1
    told = f"{answer.code}, error {number}: {said or 'no words'}"
    if answer.code == 429:
        pause = max(answer.pause, timedelta(seconds=10))
        return ChannelDown(f"{PROVIDER} asks us to wait ({told}).", pause=pause)
    if answer.code == 503 or number == UNAVAILABLE:
        return ChannelDown(
            f"{PROVIDER} is out of service ({told}).", pause=max(answer.pause, timedelta(minutes=5))
        )
    if number == INACTIVE:
        return PermanentFailure(
            f"{PROVIDER} does not write to the address any more ({told}).", is_address_bad=True
        )
    if answer.code in (401, 403, 404) or number in OURS_TO_MEND:
        return ChannelDown(
            f"{PROVIDER} does not let us send ({told}); mend POSTMARK_SERVER_TOKEN, the sender or the stream.",
            pause=MENDED_BY_A_PERSON,
        )
    if answer.code == 422 and number > 0:
        is_bad = number == INVALID_REQUEST and any(one in said.lower() for one in OF_THE_ADDRESS)
        return PermanentFailure(f"{PROVIDER} refuses the message ({told}).", is_address_bad=is_bad)
    if answer.code == 413:
        return PermanentFailure(f"{PROVIDER} refuses the message ({told}).")
    return AnswerLost(f"{PROVIDER} did not say what became of the message ({told})")
