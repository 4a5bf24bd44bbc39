"""The weekly digest in Slack: what it tells, and that nothing a customer typed can do anything there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.faces import digest_words as words
from agent.faces.digest import DigestView, Entry, LastWeek
from agent.faces.slack.digest_blocks import HELD, digest_blocks, is_slack_link
from agent.faces.slack.naming import Rendered
from tests.faces.digests import (
    a_chart,
    a_digest,
    a_full_digest,
    close,
    held,
    ready,
    skipped,
    stopped,
    unsettled,
    won,
)
from tests.slackserver import ALL_TEXT, Checked

CARD = "https://acme.slack.com/archives/C0123ABCD/p1700000000000100"
HARMLESS = {"header", "context", "divider", "rich_text", "image"}
PARTS = {"rich_text_section", "rich_text_list", "text", "plain_text", "link", "user"}


def parts_of(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a message."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(inner)


def text_of(made: Rendered) -> str:
    """All that a person reads, a line a line."""
    lines = []
    for block in made.blocks:
        for part in parts_of(block):
            if part.get("type") == "rich_text_section":
                lines.append("".join(str(one.get("text", "")) for one in part["elements"]))
            elif part.get("type") == "plain_text":
                lines.append(part["text"])
    return "\n".join(lines)


def units(text: str) -> int:
    """How long Slack may count a text."""
    return len(text.encode("utf-16-le")) // 2


def is_sound(made: Rendered) -> None:
    """Assert Block Kit's limits, and that nothing in it is markup, a mention, or a link but ours to Slack."""
    json.dumps(made.model_dump(mode="json")).encode()
    assert 0 < len(made.blocks) <= 50
    assert {str(block["type"]) for block in made.blocks} <= HARMLESS
    for block in made.blocks:
        texts = [part["text"] for part in parts_of(block) if isinstance(part.get("text"), str)]
        assert all(texts)
        assert sum(map(units, texts)) <= 3000
        for part in parts_of(block):
            assert part.get("type", "text") in HARMLESS | PARTS
            if part.get("type") == "link":
                assert part["url"] == CARD
            if part.get("type") == "user":
                assert part["user_id"] == "U0DANA"
            if part.get("type") == "plain_text":
                assert part["emoji"] is False
            if "elements" in part:
                assert part["elements"]
        if block["type"] == "header":
            assert units(texts[0]) <= 150
        if block["type"] == "context":
            assert len(block["elements"]) <= 10
        if block["type"] == "image":
            assert 0 < units(block["alt_text"]) <= 2000
            assert set(block) == {"type", "slack_file", "alt_text"}
    for sign in "<>*_`~":
        assert sign not in made.text
    checked = Checked("message", lambda file: True).blocks(made.blocks)
    assert checked.breaches == []
    assert checked.characters <= ALL_TEXT


@pytest.mark.parametrize(
    "said",
    [
        "Acme Docs: who has outgrown their plan",
        "Week to 2 March 2026 · 3 ready, 3 close, 3 held back",
        "1. Halden Labs",
        "Starter plan · ",
        "Exports stand at 94% of what the Starter plan includes",
        "Offer: Growth, €149 a month",
        "The message waits for your yes",
        "not ready yet, 7 points",
        "Still needed: 2 points are missing",
        "Elm Works: 2 points are missing",
        "Kestrel Health: an urgent ticket has been open for 4 days",
        "4 sent, 2 replied, 3 upgraded, 1 skipped, 3 waiting for you",
        "Upgraded: Alder (€50) and Birch (€83.17), €133.17 in all.",
        "Bought: Cedar ($49).",
        "Answers: 1 interested, 1 not yet.",
        "Skipped: Dogwood (they renew in May).",
        "Sending has been stopped since 2 March 2026, 16:05 UTC, by dana: the price list changes.",
        "Nobody knows whether a message arrived, and your word is needed: Brio Studio (27 February 2026).",
        "Sending: stopped, 3 of 50 messages sent today; 2 approved wait to leave.",
        "The language model: $0.42 of $20",
        "tickets export (3 days old)",
        "tickets export 3 days old, too old",
        "2 accounts are in the control group",
        "As known at the end of 2 March 2026, UTC.",
    ],
)
def test_the_message_tells(said):
    """Everything a founder should know on Monday morning."""
    assert said in text_of(digest_blocks(a_full_digest(), {}))


def test_a_chart_is_the_picture_or_else_a_line_of_blocks():
    """The picture carries the chart in words; without one the weeks are still there."""
    view = a_full_digest()
    with_picture = digest_blocks(view, {"halden": "F0HALDEN1"})
    [image] = [block for block in with_picture.blocks if block["type"] == "image"]
    assert image["slack_file"] == {"id": "F0HALDEN1"}
    assert "Exports by week from" in str(image["alt_text"])
    assert "the limit is 1,000 exports" in str(image["alt_text"])
    line = "▄▄▄▅▅▅▆▆▇▇██ Exports, 12 weeks: 940 of 1,000 exports, 94%"
    assert line not in text_of(with_picture)
    assert line in text_of(digest_blocks(view, {}))
    assert "image" not in [block["type"] for block in digest_blocks(view, {"halden": "no file/id"}).blocks]


def test_the_way_to_a_card_leads_to_slack_alone():
    """A known address becomes a link; any other is left out."""
    view = a_full_digest()
    linked = digest_blocks(view, {}, {"halden": CARD, "brio": "https://slack.com.evil.example/x"})
    links = [part["url"] for part in parts_of(linked.blocks) if part.get("type") == "link"]
    assert links == [CARD]
    assert "The message waits for your yes: open its card" in text_of(linked)


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        (CARD, True),
        ("https://slack.com/archives/C1/p1", True),
        ("http://acme.slack.com/archives/C1/p1", False),
        ("https://evilslack.com/x", False),
        ("https://slack.com.evil.example/x", False),
        ("https://slack.com@evil.example/x", False),
        ("https://evil.example\\.slack.com/", False),
        ("https://acme.slack.com:8443/x", False),
        ("https://[slack.com/x", False),
        ("https://acme.slack.com:99999/x", False),
        ("javascript:alert(1)//slack.com", False),
        ("", False),
    ],
)
def test_which_addresses_are_slacks(url, is_ours):
    """The host decides, over https, with nothing before or after it."""
    assert is_slack_link(url) is is_ours


def test_nothing_in_it_can_be_clicked():
    """A digest of last month must not hold a button that still does something."""
    assert "button" not in json.dumps(digest_blocks(a_full_digest(), {}).blocks)


@pytest.mark.parametrize("title", ["Needs you", "Closest to ready", "Held back, and why", "Budget"])
def test_what_there_is_none_of_has_no_heading(title):
    """A quiet week is a short message."""
    quiet = a_digest(top=(), holds=(), sources=(), notes=(), last_week=LastWeek())
    made = digest_blocks(quiet, {})
    is_sound(made)
    assert title not in text_of(made)
    assert "Nobody is ready or close this week." in text_of(made)
    assert title in text_of(digest_blocks(a_full_digest(), {}))


def test_whoever_stopped_the_sending_in_slack_is_named_as_slack_does():
    """By id there, in words elsewhere."""
    view = a_full_digest(sending=stopped(stopped_by="slack:T0ACME/U0DANA"))
    assert [part for part in parts_of(digest_blocks(view, {}).blocks) if part.get("type") == "user"] == [
        {"type": "user", "user_id": "U0DANA"}
    ]
    assert "by U0DANA in Slack: the price" in words.stopped(view)


def test_many_holds_are_counted():
    """The first few are told, and how many more there are."""
    many = tuple(held(f"Held {number}", "past_due", "an invoice is open") for number in range(40))
    told = text_of(digest_blocks(a_digest(holds=many), {}))
    assert f"Held {HELD - 1}: an invoice is open" in told
    assert f"Held {HELD}:" not in told
    assert f"and {40 - HELD} more: `outgrown scan` lists them" in told


ANY = st.one_of(
    st.text(max_size=400),
    st.sampled_from(
        (
            "<!channel> <@U0DANA> <https://evil.example|click>",
            "*b* _i_ ~s~ `c` ```x``` :smile: > q",
            "@here #general https://evil.example mailto:a@evil.example",
            "&lt;!channel&gt; &amp;",
            "\u200b\u202e\ud800",
            "𝔘" * 400,
            "&" * 4000,
            " ",
            "",
        )
    ),
)


@st.composite
def digests(draw: st.DrawFn) -> DigestView:
    """A digest with any text in any field, and any number of accounts, holds, sources and notes."""

    def some(limit: int = 12) -> range:
        return range(draw(st.integers(0, limit)))

    def an_entry() -> Entry:
        values = st.one_of(st.none(), st.floats(0, 1e12))
        chart = a_chart(*draw(st.lists(values, max_size=12)), label=draw(ANY), unit=draw(ANY))
        entry = draw(
            st.sampled_from(
                (
                    ready("capacity near", "seats_added", chart),
                    close("evil", "Evil", chart),
                    ready("seats", "none", None),
                )
            )
        )
        one = entry.assessment
        findings = tuple(finding.model_copy(update={"says": draw(ANY)}) for finding in one.findings)
        offer = one.offer and one.offer.model_copy(update={"name": draw(ANY), "per": draw(ANY)})
        changed = {
            "name": draw(ANY),
            "plan_name": draw(ANY),
            "findings": findings,
            "offer": offer,
            "needs": tuple(draw(ANY) for _ in some(4)),
        }
        return entry.model_copy(
            update={
                "assessment": one.model_copy(update=changed),
                "draft_state": draw(st.one_of(st.none(), ANY)),
            }
        )

    base = a_full_digest()
    return base.model_copy(
        update={
            "company": draw(ANY),
            "week": draw(ANY),
            "top": tuple(an_entry() for _ in some(7)),
            "closest": tuple(an_entry() for _ in some(5)),
            "holds": tuple(held(draw(ANY), "unhealthy", draw(ANY)) for _ in some(60)),
            "unsettled": tuple(unsettled(draw(ANY), draw(ANY)) for _ in some()),
            "notes": tuple(draw(ANY) for _ in some(30)),
            "last_week": base.last_week.model_copy(
                update={
                    "won": tuple(won(draw(ANY), 5000) for _ in some()),
                    "skips": tuple(skipped(draw(ANY), draw(ANY)) for _ in some()),
                }
            ),
            "sources": tuple(
                one.model_copy(update={"source": draw(ANY)}) for one in base.sources for _ in some(9)
            ),
            "sending": base.sending
            and base.sending.model_copy(
                update={
                    "reason": draw(ANY),
                    "stopped_by": draw(st.one_of(ANY, st.just("slack:T0ACME/U0DANA"))),
                }
            ),
        }
    )


@pytest.mark.parametrize("letters", ["W" * 400, "Ww " * 200, "𝔘" * 400, "𝔘𝔘 " * 200, "&" * 400, "Ü. " * 200])
def test_the_longest_of_everything_still_fits(letters):
    """A message Slack would refuse as a whole tells nothing."""
    base = a_full_digest()

    def long(entry: Entry) -> Entry:
        one = entry.assessment
        groups = {finding.trigger: 4 for finding in one.findings}
        findings = tuple(
            finding.model_copy(update={"says": letters, "group": f"g{number}"})
            for number, finding in enumerate([one.findings[0]] * 5)
        )
        offer = one.offer and one.offer.model_copy(update={"name": letters, "per": letters})
        changed = {
            "name": letters,
            "plan_name": letters,
            "groups": groups,
            "findings": findings,
            "offer": offer,
        }
        changed["needs"] = (letters,) * 4
        chart = a_chart(*[123456789.5] * 12, label=letters, unit=letters)
        return entry.model_copy(
            update={"assessment": one.model_copy(update=changed), "draft_state": letters, "chart": chart}
        )

    week = LastWeek(
        won=tuple(won(letters, 123456789, kind=kind) for kind in ("upgraded", "bought") * 9),
        skips=(skipped(letters, letters),) * 9,
        replies={letters: 5},
    )
    view = base.model_copy(
        update={
            "company": letters,
            "week": letters,
            "top": tuple(map(long, (base.top[0], base.top[3]) * 3)),
            "closest": tuple(map(long, (base.top[3],) * 3)),
            "holds": (held(letters, "unhealthy", letters),) * 40,
            "unsettled": (unsettled(letters, letters),) * 9,
            "notes": (letters,) * 9,
            "last_week": week,
            "sources": tuple(one.model_copy(update={"source": letters}) for one in base.sources) * 9,
            "sending": stopped(reason=letters, stopped_by=letters),
        }
    )
    is_sound(digest_blocks(view, {}))
    is_sound(digest_blocks(view, {"halden": "F0HALDEN1", "evil": "F0EVIL001"}, {"halden": CARD}))


@settings(max_examples=60, deadline=None)
@given(view=digests(), with_pictures=st.booleans())
def test_no_text_breaks_a_block_or_does_anything(view, with_pictures):
    """Mentions, links, markup, emoji and length: whatever stands in a field, it is shown or cut, and that is all."""
    accounts = [entry.assessment.account_id for entry in view.top]
    charts = dict.fromkeys(accounts, "F0CHART01") if with_pictures else {}
    is_sound(digest_blocks(view, charts, dict.fromkeys(accounts, CARD)))
