"""The stand-in Slack holds us to what Slack has published: it refuses what Slack refuses, with the real SDK."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.error import URLError

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from tests.slackserver import BOT_USER, TEAM, Checked, SlackServer

PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(action_id: str = "go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain("Go"), **more}


def actions(*elements: Any, **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements or [button()]), **more}


def asking(name: str = "subject", **element: Any) -> dict[str, Any]:
    typed = {"type": "plain_text_input", "action_id": "text", **element}
    return {"type": "input", "block_id": name, "label": plain(name.title()), "element": typed}


def modal(*blocks: Any, **more: Any) -> dict[str, Any]:
    made = {"type": "modal", "callback_id": "edit", "title": plain("Edit"), "submit": plain("Save")}
    return made | {"blocks": list(blocks or [asking()])} | more


def radio(count: int = 2, **option: Any) -> dict[str, Any]:
    options = [{"text": plain(f"{number}"), "value": f"{number}", **option} for number in range(count)]
    return {"type": "radio_buttons", "action_id": "which", "options": options}


def rich(*elements: Any) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def image(**more: Any) -> dict[str, Any]:
    return {"type": "image", "alt_text": "a chart", **more}


def confirm(**changes: Any) -> dict[str, Any]:
    texts = {"title": plain("Sure?"), "text": mrkdwn("Really"), "confirm": plain("Yes"), "deny": plain("No")}
    return texts | changes


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    """One that lets us post without a pause."""
    with SlackServer(message_gap=0) as server:
        yield server


@pytest.fixture
def client(slack: SlackServer) -> WebClient:
    """The real client, which repeats nothing by itself."""
    return WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture(scope="module")
def running() -> Iterator[SlackServer]:
    """One for many tests that leave nothing behind but what was refused."""
    with SlackServer(message_gap=0) as server:
        server.direct("U0DANA")
        yield server


@pytest.fixture
def asking_it(running: SlackServer) -> WebClient:
    """The real client of that one, with nothing refused yet."""
    running.refused.clear()
    return WebClient(token=running.bot_token, base_url=running.api_url, retry_handlers=[])


def an_app(
    slack: SlackServer, client: WebClient, ping_interval: float = 0.25
) -> tuple[App, SocketModeHandler]:
    """The real Bolt, connected."""
    known = AuthorizeResult(enterprise_id=None, team_id=TEAM, bot_user_id=BOT_USER, bot_token=slack.bot_token)
    app = App(client=client, authorize=lambda **_: known)
    handler = SocketModeHandler(app, slack.app_token, web_client=client, ping_interval=ping_interval)
    return app, handler


@pytest.fixture
def bolt(slack: SlackServer, client: WebClient) -> Iterator[App]:
    """The real Bolt over a real websocket."""
    app, handler = an_app(slack, client)
    handler.connect()
    slack.wait_for(lambda: slack.connections)
    yield app
    handler.close()


BROKEN_BLOCKS: dict[str, list[Any]] = {
    "51 blocks": [{"type": "divider"}] * 51,
    "a section of 3,001 characters": [section("x" * 3001)],
    "a section whose emoji make it too long": [section("🙂" * 1501)],
    "an empty section": [section("")],
    "a section of nothing": [{"type": "section"}],
    "eleven fields": [{"type": "section", "fields": [mrkdwn("x")] * 11}],
    "a field of 2,001 characters": [{"type": "section", "fields": [mrkdwn("x" * 2001)]}],
    "a header of 151 characters": [{"type": "header", "text": plain("x" * 151)}],
    "a header in mrkdwn": [{"type": "header", "text": mrkdwn("x")}],
    "a button's text of 76 characters": [actions(button(text=plain("x" * 76)))],
    "a button's value of 2,001 characters": [actions(button(value="x" * 2001))],
    "a button's text in mrkdwn": [actions(button(text=mrkdwn("x")))],
    "a button of another style": [actions(button(style="green"))],
    "an action_id of 256 characters": [actions(button("x" * 256))],
    "the same action_id twice in a block": [actions(button(), button())],
    "a block_id of 256 characters": [section(block_id="x" * 256)],
    "the same block_id twice": [section(block_id="a"), section(block_id="a")],
    "26 buttons": [actions(*[button(f"b{number}") for number in range(26)])],
    "no buttons": [{"type": "actions", "elements": []}],
    "eleven elements of context": [{"type": "context", "elements": [mrkdwn("x")] * 11}],
    "a confirmation's title of 101 characters": [actions(button(confirm=confirm(title=plain("x" * 101))))],
    "a confirmation's text of 301 characters": [actions(button(confirm=confirm(text=mrkdwn("x" * 301))))],
    "a confirmation's yes of 31 characters": [actions(button(confirm=confirm(confirm=plain("x" * 31))))],
    "a confirmation without a no": [actions(button(confirm={"title": plain("?"), "text": plain("?")}))],
    "an image of nothing": [image()],
    "an image of both": [image(image_url="https://a.example/b.png", slack_file={"id": "F1"})],
    "an image of no such file": [image(slack_file={"id": "F404"})],
    "an image without words": [{"type": "image", "image_url": "https://a.example/b.png"}],
    "an image with 2,001 characters of words": [image(image_url="https://a.example/b", alt_text="x" * 2001)],
    "eleven radio buttons": [actions(radio(11))],
    "two options of one value": [actions(radio(value="same"))],
    "an option's text of 76 characters": [actions(radio(text=plain("x" * 76)))],
    "an option's value of 151 characters": [actions(radio(1, value="x" * 151))],
    "101 options": [actions(radio(101) | {"type": "static_select"})],
    "an input in a message": [asking()],
    "an unknown block": [{"type": "table-flip"}],
    "an unknown property": [section(colour="red")],
    "an unknown element": [actions({"type": "slider"})],
    "empty rich text": [rich({"type": "text", "text": ""})],
    "rich text of another style": [rich({"type": "text", "text": "x", "style": {"blink": True}})],
    "rich text with unknown parts": [rich({"type": "script", "text": "x"})],
    "something that is no block": ["section"],
}


@pytest.mark.parametrize("blocks", [pytest.param(blocks, id=name) for name, blocks in BROKEN_BLOCKS.items()])
def test_blocks_beyond_a_limit_are_refused(blocks):
    """Each limit of Block Kit is one row."""
    assert Checked("message", lambda named: None).blocks(blocks).breaches


GOOD_BLOCKS: dict[str, list[Any]] = {
    "50 blocks": [{"type": "divider"}] * 50,
    "a section of 3,000 characters": [section("x" * 3000)],
    "ten fields of 2,000": [{"type": "section", "fields": [mrkdwn("x" * 2000)] * 5}],
    "a header of 150": [{"type": "header", "text": plain("x" * 150)}],
    "a full button": [
        actions(button(text=plain("x" * 75), value="x" * 2000, style="danger", confirm=confirm()))
    ],
    "25 buttons": [actions(*[button(f"b{number}") for number in range(25)])],
    "the same action_id in two blocks": [actions(), actions()],
    "an image from elsewhere": [image(image_url="https://a.example/b.png", title=plain("x"))],
    "rich text": [
        rich(
            {"type": "text", "text": "a", "style": {"bold": True}},
            {"type": "link", "url": "https://a.example"},
        )
    ],
    "context": [{"type": "context", "elements": [mrkdwn("x"), image(image_url="https://a.example/b.png")]}],
    "a section with a choice": [section(accessory=radio(10))],
}


@pytest.mark.parametrize("blocks", [pytest.param(blocks, id=name) for name, blocks in GOOD_BLOCKS.items()])
def test_blocks_at_their_limit_are_taken(blocks):
    """What nearly breaks a limit does not."""
    assert Checked("message", lambda named: None).blocks(blocks).breaches == []


BROKEN_VIEWS: dict[str, Any] = {
    "a title of 25 characters": modal(title=plain("x" * 25)),
    "a submit of 25 characters": modal(submit=plain("x" * 25)),
    "a close of 25 characters": modal(close=plain("x" * 25)),
    "no title": {"type": "modal", "blocks": [section()]},
    "101 blocks": modal(*[section()] * 101),
    "private metadata of 3,001 characters": modal(private_metadata="x" * 3001),
    "a callback_id of 256 characters": modal(callback_id="x" * 256),
    "something to fill in and no submit": {name: part for name, part in modal().items() if name != "submit"},
    "a max_length of 3,001": modal(asking(max_length=3001)),
    "an initial value beyond max_length": modal(asking(max_length=5, initial_value="x" * 6)),
    "an initial value beyond 3,000": modal(asking(initial_value="x" * 3001)),
    "a placeholder of 151 characters": modal(asking(placeholder=plain("x" * 151))),
    "a label of 2,001 characters": modal(asking() | {"label": plain("x" * 2001)}),
    "a button as an input": modal(asking() | {"element": button()}),
    "an initial option that is none": modal(
        asking() | {"element": radio() | {"initial_option": {"text": plain("9"), "value": "9"}}}
    ),
    "another kind of view": modal(type="dialog"),
}


@pytest.mark.parametrize("view", [pytest.param(view, id=name) for name, view in BROKEN_VIEWS.items()])
def test_a_modal_beyond_a_limit_is_refused(view):
    """Each limit of a modal is one row."""
    assert Checked("modal", lambda named: None).view(view).breaches


def test_a_modal_at_its_limits_is_taken():
    """100 blocks, 3,000 characters of metadata and of text."""
    blocks = [asking(f"b{number}") for number in range(99)] + [asking("last", initial_value="x" * 3000)]
    view = modal(*blocks, private_metadata="x" * 3000, title=plain("x" * 24))
    assert Checked("modal", lambda named: None).view(view).breaches == []


# Requests.


def refused(call: Callable[[], Any]) -> str:
    """The error Slack answers."""
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


BREACHES: dict[str, tuple[str, dict[str, Any], str]] = {
    "a required parameter is missing": ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
    "an unknown parameter": ("chat.postMessage", {"channel": "C0REVENUE", "txt": "x"}, "invalid_arguments"),
    "a number for a text": ("chat.postMessage", {"channel": "C0REVENUE", "text": 5}, "invalid_arguments"),
    "a word for a yes": (
        "chat.postMessage",
        {"channel": "C0REVENUE", "text": "x", "unfurl_links": "no"},
        "invalid_arguments",
    ),
    "blocks that are no JSON": (
        "chat.postMessage",
        {"channel": "C0REVENUE", "text": "x", "blocks": "[{"},
        "invalid_arguments",
    ),
    "nothing to say": ("chat.postMessage", {"channel": "C0REVENUE"}, "no_text"),
    "more than 40,000 characters": (
        "chat.postMessage",
        {"channel": "C0REVENUE", "text": "x" * 40_001},
        "msg_too_long",
    ),
    "more than 12,000 in all blocks": (
        "chat.postMessage",
        {"channel": "C0REVENUE", "text": "x", "blocks": [section("x" * 2900)] * 5},
        "msg_blocks_too_long",
    ),
    "metadata without a type": (
        "chat.postMessage",
        {"channel": "C0REVENUE", "text": "x", "metadata": {"event_payload": {}}},
        "invalid_metadata_format",
    ),
    "broken blocks": (
        "chat.postMessage",
        {"channel": "C0REVENUE", "text": "x", "blocks": [section("")]},
        "invalid_blocks",
    ),
    "an update of no message's name": (
        "chat.update",
        {"channel": "C0REVENUE", "text": "x"},
        "invalid_arguments",
    ),
    "no such method": ("chat.shout", {}, "unknown_method"),
    "too many prompts": (
        "assistant.threads.setSuggestedPrompts",
        {"channel_id": "D0DANA", "thread_ts": "1.0", "prompts": [{"title": "x", "message": "x"}] * 5},
        "invalid_arguments",
    ),
}
PUBLISHED = {
    "a required parameter is missing",
    "an unknown parameter",
    "a number for a text",
    "a word for a yes",
} | {
    "blocks that are no JSON",
    "an update of no message's name",
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_request_that_breaks_the_description_is_refused_and_kept(running, asking_it, name):
    """Both the caller and the test learn of it."""
    if name in PUBLISHED and not running.has_description:
        pytest.skip("the published description is not there")
    method, args, error = BREACHES[name]
    assert refused(lambda: asking_it.api_call(method, json=args)) == error
    assert [one.method for one in running.refused] == [method]
    assert running.messages == []


NO_BREACHES: dict[str, tuple[str, dict[str, Any], str]] = {
    "a channel that is not there": (
        "chat.postMessage",
        {"channel": "C404", "text": "x"},
        "channel_not_found",
    ),
    "a direct message by the person's id": (
        "chat.update",
        {"channel": "U0DANA", "ts": "1.0", "text": "x"},
        "channel_not_found",
    ),
    "a message that is not there": (
        "chat.update",
        {"channel": "C0REVENUE", "ts": "1.0", "text": "x"},
        "message_not_found",
    ),
    "a trigger nobody gave": ("views.open", {"trigger_id": "1.2", "view": modal()}, "invalid_trigger_id"),
    "a view that is not open": ("views.update", {"view_id": "V404", "view": modal()}, "not_found"),
}


@pytest.mark.parametrize("name", NO_BREACHES)
def test_what_is_not_there_is_answered_but_is_no_breach(running, asking_it, name):
    """It may happen to anybody, in time."""
    method, args, error = NO_BREACHES[name]
    assert refused(lambda: asking_it.api_call(method, json=args)) == error
    assert running.refused == []


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        pytest.param("xoxb-wrong", "auth.test", "invalid_auth", id="wrong"),
        pytest.param("app", "auth.test", "not_allowed_token_type", id="the app's where the bot's is wanted"),
        pytest.param("bot", "apps.connections.open", "not_allowed_token_type", id="and the other way round"),
    ],
)
def test_a_token_must_be_the_right_one(running, token, method, error):
    """As Slack tells them apart."""
    token = {"app": running.app_token, "bot": running.bot_token}.get(token, token)
    client = WebClient(token=token, base_url=running.api_url)
    assert refused(lambda: client.api_call(method)) == error


# Messages.


def test_a_message_is_posted_rewritten_and_found_again_by_its_metadata(slack, client):
    """The way a message of unknown fate is looked for."""
    metadata = {"event_type": "card", "event_payload": {"post_id": "card:1"}}
    posted = client.chat_postMessage(
        channel=slack.channel, text="one", blocks=[section(), actions()], metadata=metadata
    )  # fmt: skip
    answer = client.chat_postMessage(channel=slack.channel, text="answer", thread_ts=posted["ts"])
    client.chat_update(channel=slack.channel, ts=posted["ts"], text="two", blocks=[section("Done")])
    history = client.conversations_history(channel=slack.channel, include_all_metadata=True)
    assert [(one["ts"], one["text"], one["metadata"]) for one in history["messages"]] == [
        (posted["ts"], "two", metadata)
    ]
    assert "metadata" not in client.conversations_history(channel=slack.channel)["messages"][0]
    replies = client.conversations_replies(channel=slack.channel, ts=posted["ts"])
    assert [one["ts"] for one in replies["messages"]] == [posted["ts"], answer["ts"]]
    assert slack.messages[0].updates == 1
    assert slack.messages[0].action_ids == []
    assert slack.refused == []


def test_history_comes_in_pages_newest_first(slack, client):
    """With a cursor, and between two moments."""
    sent = [client.chat_postMessage(channel=slack.channel, text=f"{number}")["ts"] for number in range(5)]
    first = client.conversations_history(channel=slack.channel, limit=2)
    assert [one["text"] for one in first["messages"]] == ["4", "3"]
    cursor = first["response_metadata"]["next_cursor"]
    second = client.conversations_history(channel=slack.channel, limit=2, cursor=cursor)
    assert [one["text"] for one in second["messages"]] == ["2", "1"]
    later = client.conversations_history(channel=slack.channel, oldest=sent[2])
    assert [one["text"] for one in later["messages"]] == ["4", "3"]


def test_a_message_to_a_person_goes_to_their_direct_channel(slack, client):
    """And is rewritten there."""
    posted = client.chat_postMessage(channel="U0DANA", text="hi")
    assert posted["channel"] == client.conversations_open(users="U0DANA")["channel"]["id"] == "D0DANA"
    client.chat_update(channel=posted["channel"], ts=posted["ts"], text="ho")
    assert [one.text for one in slack.messages] == ["ho"]


def test_a_channel_takes_one_message_a_second(client, slack):
    """The second is answered with 429 and how long to wait."""
    slack.message_gap = 1.0
    client.chat_postMessage(channel=slack.channel, text="one")
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=slack.channel, text="two")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "1")
    client.chat_postMessage(channel="U0DANA", text="another channel")
    assert len(slack.limited) == 1


def test_a_picture_can_be_shown_once_it_is_ready(slack, client):
    """Right after the upload Slack does not know it yet."""
    slack.file_delay = 0.3
    uploaded = client.files_upload_v2(filename="chart.png", content=PNG, title="chart", alt_txt="a chart")
    blocks = [image(slack_file={"id": uploaded["files"][0]["id"]})]
    post = lambda: client.chat_postMessage(channel=slack.channel, text="x", blocks=blocks)  # noqa: E731
    assert refused(post) == "invalid_blocks"
    time.sleep(0.35)
    assert post()["ok"]
    assert slack.refused == []


def test_who_has_left_is_said_to_have_left(slack, client):
    """By the same method that tells who somebody is."""
    slack.deactivate("U0RAVI")
    assert [client.users_info(user=user)["user"]["deleted"] for user in ("U0DANA", "U0RAVI")] == [False, True]
    assert refused(lambda: client.users_info(user="U0NOBODY")) == "user_not_found"


# Faults.


def test_faults_come_as_often_as_asked(slack, client):
    """429s, errors and HTTP trouble, each once and then no more."""
    slack.rate_limit(1, 7)
    with pytest.raises(SlackApiError) as caught:
        client.auth_test()
    assert caught.value.response.headers["Retry-After"] == "7"
    slack.fail("auth.test", "fatal_error")
    assert refused(client.auth_test) == "fatal_error"
    slack.fail("auth.test", "http_503")
    with pytest.raises(SlackApiError) as caught:
        client.auth_test()
    assert caught.value.response.status_code == 503
    assert client.auth_test()["ok"]


def test_a_lost_answer_leaves_the_work_done(slack, client):
    """The caller cannot know."""
    slack.lose_answer("chat.postMessage")
    with pytest.raises((URLError, ConnectionError)):
        client.chat_postMessage(channel=slack.channel, text="x")
    assert [one.text for one in slack.messages] == ["x"]


# People, over the socket.


def test_a_click_reaches_bolt_in_slacks_shape(slack, client, bolt):
    """With everything a listener may ask for, and is acknowledged."""
    bodies = []

    @bolt.action("go")
    def go(ack, body):
        ack()
        bodies.append(body)

    ts = client.chat_postMessage(channel=slack.channel, text="x", blocks=[actions(button(value="v"))])["ts"]
    sent = slack.click(ts, "go").wait()
    body = slack.wait_for(lambda: bodies)[0]
    assert sent.acked_after < 3
    assert (body["user"]["id"], body["team"]["id"], body["channel"]["id"]) == ("U0DANA", TEAM, slack.channel)
    assert (body["message"]["ts"], body["container"]["message_ts"]) == (ts, ts)
    assert (body["actions"][0]["value"], bool(body["actions"][0]["action_ts"])) == ("v", True)
    assert slack.unacknowledged == slack.refused == []


def test_a_dialogue_opens_is_corrected_and_closes(slack, client, bolt):
    """The errors stand at the field until the text is right."""

    @bolt.action("go")
    def go(ack, body, client):
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(asking(initial_value="wrong")))

    @bolt.view("edit")
    def edit(ack, view):
        right = view["state"]["values"]["subject"]["text"]["value"] == "right"
        ack() if right else ack(response_action="errors", errors={"subject": "say right"})

    ts = client.chat_postMessage(channel=slack.channel, text="x", blocks=[actions()])["ts"]
    slack.click(ts, "go")
    view = slack.wait_for(slack.modal)
    assert slack.submit(view, {}).response["errors"] == {"subject": "say right"}
    assert slack.modal() is not None
    assert slack.submit(view, {"subject": {"text": "right"}}).response == {}
    assert slack.modal() is None
    assert slack.refused == []


def test_errors_at_a_field_that_is_not_there_are_a_breach(slack, client, bolt):
    """Slack would show them nowhere."""

    @bolt.action("go")
    def go(ack, body, client):
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(asking(initial_value="x")))

    @bolt.view("edit")
    def edit(ack):
        ack(response_action="errors", errors={"body": "there is no such field"})

    ts = client.chat_postMessage(channel=slack.channel, text="x", blocks=[actions()])["ts"]
    slack.click(ts, "go")
    slack.submit(slack.wait_for(slack.modal), {})
    assert [one.method for one in slack.refused] == ["response to view_submission"]


def test_nobody_can_enter_what_a_person_could_not(slack):
    """A test that plays a person is held to what the dialogue allows."""
    view = modal(asking(max_length=5))
    for values in (
        {},
        {"subject": {"text": "too long"}},
        {"body": {"text": "x"}},
        {"subject": {"other": "x"}},
    ):
        with pytest.raises(AssertionError):
            slack.submit(view, values)


def test_a_trigger_holds_once_and_for_three_seconds(slack, client):
    """After that Slack opens nothing."""
    trigger, late = slack.trigger("U0DANA"), slack.trigger("U0DANA")
    client.views_open(trigger_id=trigger, view=modal())
    assert refused(lambda: client.views_open(trigger_id=trigger, view=modal())) == "exchanged_trigger_id"
    at, user = slack._triggers[late]
    slack._triggers[late] = (at - 3.1, user)
    assert refused(lambda: client.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"


def test_a_view_that_changed_meanwhile_is_not_overwritten(slack, client):
    """Its hash says so."""
    view = client.views_open(trigger_id=slack.trigger("U0DANA"), view=modal())["view"]
    client.views_update(view_id=view["id"], hash=view["hash"], view=modal(title=plain("New")))
    late = lambda: client.views_update(view_id=view["id"], hash=view["hash"], view=modal())  # noqa: E731
    assert refused(late) == "hash_conflict"
    assert slack.modal()["title"]["text"] == "New"


def test_questions_reach_bolt(slack, bolt):
    """A mention, a direct message and the opened pane."""
    events = []
    for kind in ("app_mention", "message", "assistant_thread_started"):
        bolt.event(kind)(lambda event: events.append(event))
    sent = [slack.mention("why ACME"), slack.message_im("top"), slack.open_assistant()]
    slack.wait_for(lambda: len(events) == 3)
    assert {one["type"] for one in events} == {"app_mention", "message", "assistant_thread_started"}
    assert all(one.wait().acked_after < 3 for one in sent)


def test_a_button_that_is_gone_can_still_be_pressed_on_an_old_screen(slack, client, bolt):
    """As on a telephone that has not been looked at for a month."""
    seen = []
    bolt.action("go")(lambda ack, body: (ack(), seen.append(body["actions"][0]["value"])))
    ts = client.chat_postMessage(channel=slack.channel, text="x", blocks=[actions(button(value="old"))])["ts"]
    client.chat_update(channel=slack.channel, ts=ts, text="x", blocks=[section("Decided")])
    slack.click(ts, "go").wait()
    assert seen == ["old"]
    with pytest.raises(AssertionError, match="nobody can press"):
        slack.click(ts, "never_there")


def test_what_is_not_acknowledged_comes_again_under_another_envelope(slack, client, bolt):
    """And is known to have been late."""
    slack.retry_after, seen = 0.2, []
    bolt.event("app_mention")(lambda event: seen.append(event["ts"]))
    slack.drop_acks(1)
    sent = slack.mention("top").wait()
    slack.wait_for(lambda: len(seen) == 2)
    assert len(set(sent.envelope_ids)) == 2
    assert seen == [sent.ts] * 2


def test_an_envelope_can_arrive_twice(slack, client, bolt):
    """Under the same name."""
    seen = []
    bolt.action("go")(lambda ack, body: (ack(), seen.append(body["trigger_id"])))
    ts = client.chat_postMessage(channel=slack.channel, text="x", blocks=[actions()])["ts"]
    slack.deliver_twice()
    sent = slack.click(ts, "go")
    slack.wait_for(lambda: sent.acks == 2)
    assert len(sent.envelope_ids) == len(set(seen)) == 1


def test_each_envelope_goes_to_one_of_several_connections(slack, client):
    """As with two processes of the app."""
    answered: list[list[Any]] = [[], []]
    handlers = []
    for number in range(2):
        app, handler = an_app(slack, client)
        app.event("app_mention")(partial(lambda seen, event: seen.append(event), answered[number]))
        handler.connect()
        handlers.append(handler)
    slack.wait_for(lambda: len(slack.connections) == 2)
    for _ in range(10):
        slack.mention("top").wait()
    slack.wait_for(lambda: sum(map(len, answered)) == 10)
    assert all(answered)
    for handler in handlers:
        handler.close()


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
def test_a_disconnect_envelope_makes_bolt_connect_again(slack, bolt, reason):
    """Before the old socket closes, so nothing is missed."""
    bolt.event("app_mention")(lambda: None)
    slack.disconnect(reason)
    slack.wait_for(lambda: slack.connected == 2 and len(slack.connections) == 1)
    assert slack.mention("top").wait().acked_after < 3


@pytest.mark.slow
def test_a_cut_connection_is_noticed_by_its_pings(slack, bolt):
    """And what was clicked meanwhile arrives late, not never."""
    bolt.event("app_mention")(lambda: None)
    slack.drop_connections()
    sent = slack.mention("top")
    slack.wait_for(lambda: slack.connected == 2)
    assert sent.wait(30).acks


def test_clicks_of_the_same_moment_arrive_together(slack, client, bolt):
    """For measuring what a crowd does."""
    bolt.action("go")(lambda ack: ack())
    ts = client.chat_postMessage(channel=slack.channel, text="x", blocks=[actions()])["ts"]
    with slack.at_once():
        sent = [slack.click(ts, "go") for _ in range(20)]
        assert [one.at for one in sent] == [0] * 20
    assert all(one.wait().acks == 1 for one in sent)
    assert max(one.at for one in sent) - min(one.at for one in sent) < 0.5


# People, over HTTP.


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        pytest.param({}, True, id="ours"),
        pytest.param({"secret": "another"}, False, id="signed with another secret"),
        pytest.param({"signature": "v0=00"}, False, id="signed by nobody"),
        pytest.param({"age": 400}, False, id="from seven minutes ago"),
    ],
)
def test_signed_requests_are_what_the_sdk_verifies(slack, receiver, changes, is_good):
    """So that bad ones are really bad."""
    url, received = receiver
    slack.post_signed("payload=%7B%7D", url=url, **changes)
    body, headers = received[0]
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body, headers) is is_good


def test_clicks_can_come_by_http(slack, client, receiver):
    """Where there is a public address."""
    url, received = receiver
    slack.request_url = url
    ts = client.chat_postMessage(channel=slack.channel, text="x", blocks=[actions()])["ts"]
    sent = slack.click(ts, "go").wait()
    mention = slack.mention("top").wait()
    assert (sent.status, sent.acks, mention.acks) == (200, 1, 1)
    assert received[0][0].startswith(b"payload=")
    assert json.loads(received[1][0])["event"]["type"] == "app_mention"


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """Somebody who keeps what is posted."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    received: list[tuple[bytes, dict[str, str]]] = []

    class Keeping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Keeping) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/slack/events", received
        server.shutdown()
