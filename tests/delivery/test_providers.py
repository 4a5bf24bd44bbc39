"""Resend and Postmark: what they are handed, and what becomes of a message when they are not well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from agent.delivery.channel import AnswerLost, Channel, ChannelDown, PermanentFailure
from agent.delivery.outbox import list_deliveries
from agent.delivery.providers.postmark import PostmarkChannel
from agent.delivery.providers.resend import ResendChannel
from agent.delivery.sender import Result, send
from agent.foundation.settings import MailAccess
from agent.foundation.store import Store
from tests.approval.made import DAY, NOW
from tests.delivery.made import on_its_way
from tests.delivery.test_smtp import COMPANY, an_envelope
from tests.mailapi import LOSES_ANSWER, LOSES_REQUEST, MailApi, Trouble

MAKERS: dict[str, Callable[[MailAccess, Any], Channel]] = {
    "resend": ResendChannel,
    "postmark": PostmarkChannel,
}
BOTH = pytest.mark.parametrize("name", sorted(MAKERS))
MINUTE = timedelta(minutes=1)


@pytest.fixture
def api() -> Iterator[MailApi]:
    """Both providers, well until a test says otherwise."""
    with MailApi() as running:
        yield running


def channel(name: str, api: MailApi, **changes: Any) -> Channel:
    """A provider's channel."""
    return MAKERS[name](api.access(**changes), COMPANY)


def test_resend_is_handed_the_message_under_its_key(api: MailApi) -> None:
    """Sender, recipient, text, the way out, and a tag by which a bounce finds the delivery."""
    channel("resend", api).deliver(an_envelope())
    [taken] = api.taken
    assert taken.key == "abcd-1"
    assert taken.document["from"] == "Dana <dana@docs.example>"
    assert taken.document["to"] == ["Ann <ann@acme.example>"]
    assert taken.document["headers"] == {"List-Unsubscribe": "<mailto:dana@docs.example?subject=stop>"}
    assert taken.document["tags"] == [{"name": "delivery_id", "value": "abcd-1"}]
    assert "Hi Ann," in taken.document["text"]


def test_postmark_is_handed_the_message_with_its_mark(api: MailApi) -> None:
    """Our Message-ID, no tracking, and the stream of the settings."""
    channel("postmark", api, delivery={"postmark_stream": "upgrades"}).deliver(an_envelope())
    [taken] = api.taken
    headers = {one["Name"]: one["Value"] for one in taken.document["Headers"]}
    assert headers["Message-ID"] == "<abcd-1@docs.example>"
    assert taken.document["Metadata"] == {"delivery_id": "abcd-1"}
    assert taken.document["MessageStream"] == "upgrades"
    assert (taken.document["TrackOpens"], taken.document["TrackLinks"]) == (False, "None")


def test_the_same_delivery_again_is_one_message_at_resend(api: MailApi) -> None:
    """However late it is handed over: nothing of the request tells the time."""
    channel("resend", api).deliver(an_envelope())
    channel("resend", api).deliver(an_envelope(at=NOW + timedelta(hours=3)))
    assert len(api.taken) == 1


def error(code: int, number: int, message: str = "no") -> Trouble:
    """Postmark's way of refusing."""
    return Trouble(code, {"ErrorCode": number, "Message": message})


def refusal(code: int, name: str, message: str = "no", **headers: str) -> Trouble:
    """Resend's way of refusing."""
    return Trouble(code, {"statusCode": code, "name": name, "message": message}, headers)


FAILURES = [
    ("resend", refusal(403, "invalid_api_key"), ChannelDown, None),
    ("resend", refusal(401, "missing_api_key"), ChannelDown, None),
    ("resend", refusal(403, "validation_error", "The domain is not verified"), ChannelDown, None),
    ("resend", refusal(422, "invalid_from_address"), ChannelDown, None),
    ("resend", refusal(422, "validation_error", "Invalid `to` field. The email address needs..."), PermanentFailure, True),
    ("resend", refusal(422, "validation_error", "Invalid `subject`"), PermanentFailure, False),
    ("resend", refusal(429, "rate_limit_exceeded"), ChannelDown, None),
    ("resend", refusal(429, "daily_quota_exceeded"), ChannelDown, None),
    ("resend", refusal(500, "internal_server_error"), AnswerLost, True),
    ("resend", refusal(409, "concurrent_idempotent_requests"), AnswerLost, True),
    ("resend", refusal(409, "invalid_idempotent_request"), AnswerLost, False),
    ("resend", Trouble(302, {}, {"Location": "/elsewhere"}), AnswerLost, True),
    ("resend", LOSES_ANSWER, AnswerLost, True),
    ("postmark", error(401, 10, "Bad or missing Server API token."), ChannelDown, None),
    ("postmark", error(422, 400, "Sender signature not found"), ChannelDown, None),
    ("postmark", error(422, 401, "Sender signature not confirmed"), ChannelDown, None),
    ("postmark", error(422, 405, "Out of credits"), ChannelDown, None),
    ("postmark", error(422, 1235, "No such stream"), ChannelDown, None),
    ("postmark", error(422, 406, "Inactive recipient"), PermanentFailure, True),
    ("postmark", error(422, 300, "Invalid 'To' address: 'x'."), PermanentFailure, True),
    ("postmark", error(422, 300, "Invalid email request"), PermanentFailure, False),
    ("postmark", error(429, -1), ChannelDown, None),
    ("postmark", error(503, 100, "Maintenance"), ChannelDown, None),
    ("postmark", error(500, 0), AnswerLost, True),
    ("postmark", Trouble(200, {}), AnswerLost, True),
    ("postmark", LOSES_ANSWER, AnswerLost, True),
    ("postmark", LOSES_REQUEST, AnswerLost, True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "trouble", "kind", "flag"), FAILURES)
def test_every_failure_means_one_thing(
    api: MailApi, name: str, trouble: Trouble, kind: type[Exception], flag: bool | None
) -> None:
    """Certainly not and later, certainly not and never, or nobody knows; `flag` is the address's or the repetition's."""
    api.troubles.append(trouble)
    with pytest.raises(kind) as why:
        channel(name, api).deliver(an_envelope())
    assert type(why.value) is kind
    if isinstance(why.value, PermanentFailure):
        assert why.value.is_address_bad is flag
    if isinstance(why.value, AnswerLost):
        assert why.value.is_repeatable is flag


@BOTH
def test_a_provider_that_asks_us_to_wait_is_waited_for(api: MailApi, name: str) -> None:
    """As long as it says."""
    api.troubles.append(Trouble(429, {}, {"Retry-After": "120"}))
    with pytest.raises(ChannelDown) as why:
        channel(name, api).deliver(an_envelope())
    assert why.value.pause == timedelta(seconds=120)


@BOTH
def test_an_answer_that_does_not_come_in_time_is_lost(api: MailApi, name: str) -> None:
    """The request may have done its work."""
    api.troubles.append(Trouble(200, {}, takes=True, seconds=1.5))
    with pytest.raises(AnswerLost):
        channel(name, api, delivery={"timeout_seconds": 0.4}).deliver(an_envelope())


@BOTH
def test_a_provider_that_cannot_be_reached_took_nothing(name: str) -> None:
    """A closed door is certain news."""
    api = MailApi()
    address = api.access()
    api._server.server_close()
    with pytest.raises(ChannelDown, match="cannot be reached"):
        MAKERS[name](address, COMPANY).deliver(an_envelope())


@BOTH
def test_without_a_key_it_says_what_it_lacks(api: MailApi, name: str) -> None:
    """And is not asked."""
    bare = channel(name, api, resend_key=None, postmark_token=None)
    assert bare.lacks.endswith("in .env")
    with pytest.raises(ChannelDown, match="not set up"):
        bare.deliver(an_envelope())
    assert api.requests == []


def test_a_key_shows_itself_to_nobody(api: MailApi) -> None:
    """Not even one that cannot be sent as a header."""
    for key in ("re_geheim\nX: y", "re_geheim\u00fc"):
        bad = channel("resend", api, resend_key=SecretStr(key))
        with pytest.raises(ChannelDown) as why:
            bad.deliver(an_envelope())
        assert "geheim" not in str(why.value)
        assert why.value.__cause__ is None
    assert api.requests == []


@pytest.mark.parametrize(
    ("took", "lags", "verdict"), [(True, False, True), (True, True, None), (False, False, None)]
)
def test_postmark_is_searched_and_believed_only_when_it_finds(
    api: MailApi, took: bool, lags: bool, verdict: bool | None
) -> None:
    """Not finding it proves nothing."""
    postmark = channel("postmark", api)
    if took:
        postmark.deliver(an_envelope())
    api.lags = lags
    assert postmark.was_delivered("abcd-1") is verdict
    assert postmark.was_delivered("other-1") is None
    api.troubles.append(LOSES_REQUEST)
    assert postmark.was_delivered("abcd-1") is None


# With the outbox.


def results(store: Store, way: Channel, now: Any = NOW) -> list[Result]:
    """One run."""
    return [one.result for one in send(store, [way], now=now)]


@pytest.mark.parametrize("trouble", [LOSES_ANSWER, LOSES_REQUEST], ids=["answer lost", "request lost"])
def test_a_lost_answer_of_resend_is_found_out_by_asking_again(
    store: Store, api: MailApi, trouble: Trouble
) -> None:
    """One message in the end, and nobody has to say anything."""
    on_its_way(store, channel="resend")
    api.troubles.append(trouble)
    resend = channel("resend", api)
    assert results(store, resend) == [Result.RETRIED]
    assert results(store, resend, NOW + 2 * MINUTE) == [Result.SENT]
    assert len(api.taken) == 1


def test_after_its_day_resend_is_not_asked_again(store: Store, api: MailApi) -> None:
    """It has forgotten the key by then; a person has to say."""
    on_its_way(store, channel="resend")
    api.troubles.append(LOSES_ANSWER)
    resend = channel("resend", api)
    results(store, resend)
    assert results(store, resend, NOW + DAY) == [Result.UNKNOWN]
    assert len(api.taken) == 1


def test_a_lost_answer_of_postmark_is_looked_for(store: Store, api: MailApi) -> None:
    """Found at once, or once the search has caught up."""
    on_its_way(store, channel="postmark")
    api.troubles.append(LOSES_ANSWER)
    assert results(store, channel("postmark", api)) == [Result.SENT]
    on_its_way(store, "late", channel="postmark")
    api.troubles.append(LOSES_ANSWER)
    api.lags = True
    assert results(store, channel("postmark", api)) == [Result.RETRIED]
    api.lags = False
    assert results(store, channel("postmark", api), NOW + 2 * MINUTE) == [Result.SENT]
    assert len(api.taken) == 2


def test_a_lost_request_of_postmark_is_a_persons_to_settle(store: Store, api: MailApi) -> None:
    """It is never handed over again on its own."""
    on_its_way(store, channel="postmark")
    api.troubles.append(LOSES_REQUEST)
    assert results(store, channel("postmark", api)) == [Result.RETRIED]
    assert results(store, channel("postmark", api), NOW + 11 * MINUTE) == [Result.UNKNOWN]
    assert results(store, channel("postmark", api), NOW + DAY) == []
    assert api.taken == []
    assert list_deliveries(store)[0].waits
