"""Segment: its calls are believed when signed, and become companies, people and events, whatever their order."""

import json
from datetime import date, datetime

import pytest

from agent.foundation.errors import ConfigError
from agent.foundation.settings import open_workspace
from connectors._api import Api
from connectors._inbox import NotGenuine, NotUnderstood, put
from connectors._landing import Landing
from connectors.segment import SEGMENT, read
from tests.vendors.segment import SECRET, Segment

WHEN = datetime(2026, 2, 3, 10)
RULES = """
team = "squad"
[connectors.segment.events]
"Board Exported" = { feature_from = "feature" }
"Limit Reached" = "limit_hit"
Heartbeat = "ignore"
[connectors.segment.metrics.exports]
event = "Board Exported"
label = "exports"
unit = "exports"
"""


@pytest.fixture
def segment():
    """Segment."""
    with Segment() as vendor:
        yield vendor


@pytest.fixture
def talk(desk, segment):
    """A desk with Segment, and a way to deliver calls to it."""

    desk.sync()

    class Talk:
        folder = desk.folder

        def __call__(self, *calls, batch=1000):
            return self.sync(self.delivered(*calls, batch=batch))

        def delivered(self, *calls, batch=1000):
            for body in segment.bodies(calls, batch):
                headers = {name.lower(): value for name, value in segment.signed(body).items()}
                rows = read(headers, body, SECRET)
                put(Landing(open_workspace(desk.folder), "segment").inbox, rows)

        def sync(self, _=None):
            return desk.sync(names=["segment"])

        def ask(self, sql):
            return desk.ask(sql)

        def settings(self, more):
            path = desk.folder / "outgrown.toml"
            base = path.read_text().split("[connectors.segment]")[0]
            path.write_text(base + segment.workspace(more))

    one = Talk()
    one.settings(RULES)
    return one


def group(segment, number, user, account, traits=None, at=WHEN):
    """A group call."""
    return segment.common(number, "group", user, at, groupId=account, traits=traits or {})


def identify(segment, number, user, traits, at=WHEN, **more):
    """An identify call."""
    return segment.common(number, "identify", user, at, traits=traits, **more)


def track(segment, number, user, event="Board Exported", at=WHEN, properties=None, **context):
    """A track call."""
    call = segment.common(number, "track", user, at, event=event, properties=properties or {})
    return call | {"context": {**call["context"], **context}}


# What is believed.


def test_a_signed_call_is_kept_without_what_is_of_no_use(segment):
    """Neither the address nor the browser of a customer's customer is written down."""
    body = segment.body(track(segment, 1, "u1", groupId="a"))
    headers = {"x-segment-signature": segment.signed(body)["X-Segment-Signature"]}
    [row] = read(headers, body, SECRET)
    assert row == {
        "type": "track",
        "id": "ajs-next-track-000000001",
        "at": "2026-02-03T10:00:00.000Z",
        "user": "u1",
        "group": "a",
        "name": "Board Exported",
        "properties": {},
    }


@pytest.mark.parametrize("header", ["X-Segment-Signature", "X-Signature"])
@pytest.mark.parametrize("batch", [0, 2])
def test_both_headers_count_when_they_cover_the_whole_body(segment, header, batch):
    """One call or several."""
    calls = [track(segment, n, "u1") for n in range(2)]
    body = next(segment.bodies(calls, batch))
    headers = {header.lower(): segment.signed(body, header=header)[header]}
    assert len(read(headers, body, SECRET)) == max(1, batch)


def test_a_signature_of_a_batchs_first_call_is_not_enough(segment):
    """Segment's older header covers no more than that: whoever holds one signed call could add any others to it."""
    calls = [track(segment, n, "u1") for n in range(2)]
    first = segment.signed(segment.body(calls[0]), header="X-Signature")["X-Signature"]
    with pytest.raises(NotGenuine, match="'Use X-Segment-Signature Header'"):
        read({"x-signature": first}, segment.body(calls), SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="not signed"),
        pytest.param({"x-signature": ""}, id="empty"),
        pytest.param({"x-signature": "0" * 40}, id="made up"),
        pytest.param({"x-segment-signature": "ÿ" * 40}, id="no ASCII"),
    ],
)
def test_what_segment_did_not_sign_is_refused(segment, headers):
    """Whatever it says."""
    with pytest.raises(NotGenuine):
        read(headers, segment.body(track(segment, 1, "u1")), SECRET)


def test_another_secret_is_refused(segment):
    """And a body that was changed after it was signed."""
    body = segment.body(track(segment, 1, "u1"))
    with pytest.raises(NotGenuine):
        read({"x-segment-signature": segment.signed(body, "other")["X-Segment-Signature"]}, body, SECRET)
    with pytest.raises(NotGenuine):
        read({"x-segment-signature": segment.signed(body)["X-Segment-Signature"]}, body + b" ", SECRET)


@pytest.mark.parametrize("body", [b"{", b"7", b'["x"]', b"[" * 100_000, b"\xff"])
def test_a_signed_body_that_is_no_call_is_not_understood(segment, body):
    """In our words alone."""
    headers = {"x-segment-signature": segment.signed(body)["X-Segment-Signature"]}
    with pytest.raises(NotUnderstood) as refused:
        read(headers, body, SECRET)
    assert "x" not in str(refused.value).split()


def test_calls_of_other_kinds_are_passed_over(segment):
    """An alias says nothing about an account."""
    body = segment.body([{"type": "alias", "userId": "u", "previousId": "v"}])
    assert read({"x-segment-signature": segment.signed(body)["X-Segment-Signature"]}, body, SECRET) == []


# What becomes of it.


def test_every_call_becomes_facts(talk, segment):
    """A company by its id, its people with role and team, what they did, and what is counted."""
    talk(
        identify(segment, 1, "u1", {"role": "Guest", "squad": "Ops", "createdAt": "2026-01-20T08:00:00Z"}),
        group(segment, 2, "u1", "a", {"name": "Alpha", "website": "https://www.alpha.example/x"}),
        group(segment, 3, "u2", "b", {"name": "Beta", "created_at": "2026-01-05"}),
        track(segment, 4, "u1", properties={"feature": "export", "squad": "Ops"}),
        track(segment, 5, "u1", "Limit Reached", at=datetime(2026, 2, 3, 11)),
        track(segment, 6, "u1", "Heartbeat"),
        segment.common(7, "page", "u2", WHEN, name="Pricing", properties={"path": "/pricing"}),
        segment.common(8, "screen", "u2", WHEN, name="Home", properties={}),
    )
    assert talk.ask("SELECT * FROM events ORDER BY event_id") == [
        ("segment:ajs-next-page-000000007", "b", "u2", WHEN, "used", None, None, None),
        ("segment:ajs-next-screen-000000008", "b", "u2", WHEN, "used", None, None, None),
        ("segment:ajs-next-track-000000004", "a", "u1", WHEN, "used", "export", "Ops", None),
        (
            "segment:ajs-next-track-000000005",
            "a",
            "u1",
            datetime(2026, 2, 3, 11),
            "limit_hit",
            None,
            None,
            None,
        ),
    ]
    assert talk.ask("SELECT * FROM members ORDER BY user_id") == [
        ("a", "u1", "guest", "Ops", date(2026, 1, 20), None),
        ("b", "u2", "member", None, date(2026, 2, 3), None),
    ]
    assert talk.ask("SELECT account_id, day, metric, value FROM measures") == [
        ("a", date(2026, 2, 3), "exports", 1.0)
    ]
    assert talk.ask("SELECT metric, label, kind FROM metrics") == [("exports", "exports", "flow")]
    landed = Landing(open_workspace(talk.folder), "segment").ask(
        "SELECT record_id, own_id, name, domain, created_on FROM vendor.records WHERE changed_at > '1970-01-01' "
        "ORDER BY record_id"
    )
    assert landed == [
        ("a", "a", "Alpha", "https://www.alpha.example/x", None),
        ("b", "b", "Beta", None, date(2026, 1, 5)),
    ]
    assert segment.asked == []


def test_a_replay_changes_nothing(talk, segment):
    """Segment signs no moment, so somebody may send a copy at any time."""
    calls = [
        identify(segment, 1, "u1", {"role": "guest"}),
        group(segment, 2, "u1", "a", {"name": "Alpha"}),
        track(segment, 3, "u1"),
        group(segment, 4, "u1", "b", {"name": "Beta"}, at=datetime(2026, 2, 4)),
    ]
    talk(*calls)
    before = [talk.ask(f"SELECT * FROM {table} ORDER BY ALL") for table in ("events", "members", "measures")]
    talk(*calls, *calls)
    assert [
        talk.ask(f"SELECT * FROM {table} ORDER BY ALL") for table in ("events", "members", "measures")
    ] == before
    # And without anything new.
    assert all(not (one.new or one.changed) for one in talk.sync().values())


def test_an_event_is_its_users_last_group(talk, segment):
    """Unless it names one itself, or the founder has said which property does."""
    talk(group(segment, 1, "u1", "a"))
    talk(track(segment, 2, "u1"), track(segment, 3, "u1", groupId="b"), track(segment, 4, "stranger"))
    talk(group(segment, 5, "u1", "b", at=datetime(2026, 2, 4)), track(segment, 6, "u1"))
    assert talk.ask("SELECT event_id[-1:], account_id FROM events ORDER BY 1") == [
        ("2", "a"),
        ("3", "b"),
        ("6", "b"),
    ]
    talk.settings('account = "tenant"\n')
    talk(track(segment, 7, "u1", properties={"tenant": "a"}), track(segment, 8, "u1"))
    assert talk.ask("SELECT event_id[-1:], account_id FROM events WHERE event_id[-1:] > '6' ORDER BY 1") == [
        ("7", "a"),
        ("8", "b"),
    ]


def test_an_event_of_nobody_is_told(talk, segment):
    """Left out, and the founder hears of it."""
    report = talk(track(segment, 1, "stranger"))["events"]
    assert "1 event names no account" in " ".join(report.notes)


def test_traits_that_come_before_the_company_are_remembered(talk, segment):
    """Even when a reading lies between."""
    talk(identify(segment, 1, "u1", {"role": "guest", "squad": "Ops", "createdAt": 1768896000}))
    assert talk.ask("SELECT count(*) FROM members") == [(0,)]
    talk(group(segment, 2, "u1", "a"))
    assert talk.ask("SELECT * FROM members") == [("a", "u1", "guest", "Ops", date(2026, 1, 20), None)]


def test_a_trait_that_is_not_sent_again_stays(talk, segment):
    """As Segment's specification has it; an older call adds, and overrides nothing."""
    talk(group(segment, 1, "u1", "a", {"name": "Alpha", "website": "alpha.example"}, at=datetime(2026, 2, 5)))
    talk(group(segment, 2, "u1", "a", at=datetime(2026, 2, 6)))
    talk(
        group(
            segment, 3, "u1", "a", {"name": "Old name", "email": "x@alpha.example"}, at=datetime(2026, 2, 1)
        )
    )
    [row] = Landing(open_workspace(talk.folder), "segment").ask(
        "SELECT name, domain, email FROM vendor.records QUALIFY row_number() OVER (ORDER BY changed_at DESC, pulled DESC) = 1"
    )
    assert row == ("Alpha", "alpha.example", "x@alpha.example")


def test_a_person_changes_role_and_is_one_person_still(talk, segment):
    """Of what is said about somebody the newest counts."""
    talk(group(segment, 1, "u1", "a"), identify(segment, 2, "u1", {"role": "guest"}, at=datetime(2026, 2, 4)))
    talk(identify(segment, 3, "u1", {"role": "admin"}, at=datetime(2026, 2, 6)))
    talk(identify(segment, 4, "u1", {"role": "guest"}, at=datetime(2026, 2, 5)))
    assert talk.ask("SELECT user_id, role, joined_on FROM members") == [("u1", "member", date(2026, 2, 3))]


def test_an_erased_user_has_left(talk, segment):
    """Segment tells of a deletion; whoever comes back is back."""
    talk(group(segment, 1, "u1", "a"))
    talk({"type": "delete", "userId": "u1", "timestamp": "2026-02-10T00:00:00Z"})
    assert talk.ask("SELECT left_on FROM members") == [(date(2026, 2, 10),)]
    talk(group(segment, 3, "u1", "a", at=datetime(2026, 2, 12)))
    assert talk.ask("SELECT left_on FROM members") == [(None,)]


def test_an_event_without_an_id_is_one_event_all_the_same(talk, segment):
    """However often it is sent."""
    call = track(segment, 1, "u1", groupId="a")
    del call["messageId"]
    talk(call)
    talk(call)
    assert talk.ask("SELECT count(*) FROM events") == [(1,)]


def test_hostile_calls_are_rejected_and_stop_nothing(talk, segment):
    """Half characters, wrong types and no moments: the good one beside them is in."""
    bad = [
        track(segment, 1, "u1", groupId="a") | {"timestamp": "yesterday"},
        track(segment, 2, "u1", groupId="a") | {"timestamp": {"$gt": ""}},
        track(segment, 3, "u1", groupId="a") | {"event": ["x"]},
        group(segment, 4, "u1", None),
        track(segment, 5, "u1", groupId="a") | {"properties": "none", "userId": {"a": 1}},
        track(segment, 6, "\x00'; DROP TABLE events --", groupId="a"),
        identify(segment, 7, "u9", {"role": {"x": 1}, "squad": ["y"], "createdAt": 1e300}, groupId="a"),
    ]
    raw = segment.body([*bad, track(segment, 8, "u1", groupId="a")])
    body = raw.replace(b"Board Exported", b"Board \\ud800Exported")
    headers = {"x-segment-signature": segment.signed(body)["X-Segment-Signature"]}
    put(Landing(open_workspace(talk.folder), "segment").inbox, read(headers, body, SECRET))
    reports = talk.sync()
    assert sum(one.rejected for one in reports.values()) == 4
    assert talk.ask("SELECT event_id[-1:] FROM events ORDER BY 1") == [("5",), ("6",), ("8",)]
    # A trait of the wrong type says nothing; that somebody is there is said all the same.
    assert talk.ask("SELECT role, team, joined_on FROM members WHERE user_id = 'u9'") == [
        ("member", None, WHEN.date())
    ]


def test_the_check_wants_the_secret(desk, segment, monkeypatch):
    """Without it no call could be believed."""
    section = SEGMENT.section()
    with pytest.raises(ConfigError, match="SEGMENT_SHARED_SECRET"):
        SEGMENT.check(Api(SEGMENT, section, {"SEGMENT_SHARED_SECRET": ""}))
    assert "believed" in SEGMENT.check(Api(SEGMENT, section, {"SEGMENT_SHARED_SECRET": SECRET}))


def test_what_was_read_is_gone_from_the_inbox(talk, segment):
    """Once it is landed, and not before."""
    talk(track(segment, 1, "u1", groupId="a"))
    inbox = Landing(open_workspace(talk.folder), "segment").inbox
    assert [path.name for path in inbox.iterdir()] == ["inbox.lock"]


def test_the_standin_writes_what_segments_page_shows(segment):
    """The fields of a group call in Segment's own example are all there."""
    call = next(one for one in segment.introduced() if one["type"] == "group")
    shown = {"anonymousId", "context", "integrations", "messageId", "receivedAt", "sentAt", "timestamp", "traits",
             "type", "userId", "groupId", "version"}  # fmt: skip
    assert shown <= set(call)
    assert json.loads(segment.body(call)) == call
