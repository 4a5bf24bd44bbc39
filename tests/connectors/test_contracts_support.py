"""What support vendors have in common: requests held against their own specs, and customers' words made safe."""

import time
from datetime import datetime

import pytest

from agent.foundation.settings import open_workspace
from connectors._api import Api, keys_of
from connectors._inbox import put
from connectors._landing import Landing
from connectors._plain import LONGEST, TEXT, from_html, joined, plain
from connectors.intercom import INTERCOM
from connectors.sync import fetch, section_of
from tests.prism import prism
from tests.vendors import intercom

NEXT = {"per_page": 150, "starting_after": "WzE3MzQ1Mzc1NDYwMDAsMV0="}


def amended(asked, body):
    """The spec's examples, with a second page wherever there can be one and with somebody who answers."""
    path, given = asked.path, asked.json if asked.body else {}
    if path == "/companies/list":
        # Once too many to list, so that both ways are asked.
        return body | {"total_count": 10_001}
    if path == "/companies/scroll":
        return body | {
            "data": [] if "scroll_param" in asked.query else body["data"],
            "scroll_param": "25b649f7",
        }
    if not path.endswith("/search"):
        return body
    is_first = "starting_after" not in given["pagination"]
    body = body | {
        "pages": {"type": "pages", "page": 1, "per_page": 150, "total_pages": 2}
        | ({"next": NEXT} if is_first else {})
    }
    if path == "/contacts/search":
        row = {
            "type": "contact", "id": "6762f14a1bb69f9f2193bbb3", "role": "user", "external_id": "70",
            "created_at": 1734537546, "updated_at": 1734537546, "signed_up_at": None,
            "companies": {"type": "list", "data": [{"type": "company", "id": "6762f0941bb69f9f2193bb25", "url": "/x"}]},
        }  # fmt: skip
        body["data"] = [row]
    if path == "/conversations/search":
        # Begun by the customer just now, who wrote again: then the whole conversation is fetched.
        talk, now = body["conversations"][0], intercom.now()
        source = talk["source"] | {"author": {"type": "user", "id": "1"}}
        reply = {"type": "conversation_statistics", "last_contact_reply_at": now}
        body["conversations"] = [
            talk | {"source": source, "created_at": now - 60, "updated_at": now, "statistics": reply}
        ]
    return body


@pytest.mark.slow
def test_every_request_to_intercom_is_one_of_its_spec(desk, shared, monkeypatch):
    """Paths, parameters, headers and bodies, of a first reading and of one that goes on."""
    for name, value in intercom.ENV.items():
        monkeypatch.setenv(name, value)
    spec = shared / "specs" / "intercom" / "api.intercom.io.2.16.yaml"
    with prism(spec, amend=amended) as server:
        desk.settings(f'[connectors.intercom]\nbase_url = "{server.url}"\nrequests_per_minute = 60000\n')
        workspace = open_workspace(desk.folder)
        api = Api(INTERCOM, section_of(INTERCOM, workspace.settings), keys_of(INTERCOM, workspace))
        assert INTERCOM.check(api).startswith("signed in to MyApp")
        for topic, kind, number in (
            ("ticket.created", "ticket", "494"),
            ("conversation.user.replied", "conversation", "471"),
        ):
            put(
                Landing(workspace, "intercom").inbox,
                INTERCOM.hook.read(*intercom.Intercom.hook(None, topic, kind, number), intercom.SECRET),
            )
        for _ in range(2):
            [landed] = fetch(workspace, ["intercom"])
            assert (landed.failed, landed.rejected) == ("", ())
        rows = Landing(workspace, "intercom").ask("SELECT DISTINCT ticket_id, account_id FROM vendor.tickets")
        assert ("515", "6762f0941bb69f9f2193bb25") in rows
    assert server.violations() == []
    assert server.undocumented() == []
    assert server.used() == {
        "GET /me", "POST /companies/list", "GET /companies/scroll", "POST /contacts/search", "POST /conversations/search",
        "GET /conversations/{conversation_id}", "POST /tickets/search", "GET /tickets/{ticket_id}",
    }  # fmt: skip
    assert {asked.headers["intercom-version"] for asked in server.asked} == {"2.16"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("<p>One</p><p>Two<br/>Three</p>", "One\nTwo\nThree", id="paragraphs"),
        pytest.param("a &lt;b&gt; &amp;amp; c&nbsp;d", "a <b> &amp; c d", id="entities, once"),
        pytest.param("<script>alert(1)</script>x<style>p{}</style>", "x", id="nothing that nobody sees"),
        pytest.param("x<script>never closed", "x", id="a script to the end"),
        pytest.param(
            '<img src=x onerror="alert(1)">Hi <a href="https://x.example">there</a>',
            "Hi there",
            id="attributes",
        ),
        pytest.param("<ul><li>a</li><li>b</li></ul>", "a\nb", id="lists"),
        pytest.param("1 < 2 and 3 > 2", "1 < 2 and 3 > 2", id="signs of comparison"),
        pytest.param("a\x00b\x1b[31mc\ud800d", "ab[31mcd", id="what no store takes"),
        pytest.param("<!-- a --><!DOCTYPE x><?php x ?><![CDATA[y]]>z", "z", id="comments and declarations"),
        pytest.param("</p></div>x", "x", id="ends without beginnings"),
        pytest.param("<P>a</P ><BR>b", "a\nb", id="capitals"),
        pytest.param('<a title="1 > 0">x</a>', "x", id="a sign in an attribute"),
        pytest.param("<svg/>a<svg><path d='M0'></svg>b", "ab", id="drawings"),
        pytest.param("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";", id="a number without end"),
        pytest.param("a <b", "a", id="a tag never closed"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_html_becomes_what_its_reader_would_see(written, read):
    """And nothing else of it."""
    assert from_html(written) == read


@pytest.mark.parametrize(
    "piece",
    [
        "<!",
        "<![",
        "<a ",
        "<div>",
        "&#",
        "</",
        "<!--",
        "<?",
        "<script>",
        '<a b="',
        "&#x110000;",
        "<\x00",
        "&#9",
        "<a '",
        "</script",
        "<svg>",
        "<p/",
    ],
)
def test_html_of_somebody_who_means_harm_costs_no_time(piece):
    """However it is nested or left open: only so much of it is looked at."""
    began = time.perf_counter()
    assert len(from_html(piece * 2_000_000)) <= LONGEST
    assert time.perf_counter() - began < 1


def test_only_text_is_made_plain():
    """Whatever else a vendor gives is left for its shape to refuse."""
    when = datetime(2026, 1, 1)
    for other in (None, 5, ["<b>"], when):
        assert plain(other) is other
        assert from_html(other) is other


def test_the_pieces_of_a_ticket_are_bounded_and_each_comes_once():
    """A mail that quotes itself thirty times is one mail."""
    assert joined(["Help", " Help ", None, "", "More"]) == "Help\n\nMore"
    assert joined([None, " "]) is None
    assert len(joined(str(number) * 500 for number in range(1000))) <= TEXT
