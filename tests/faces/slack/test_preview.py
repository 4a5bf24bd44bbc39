"""The page that shows Block Kit: faithful, escaped, self-contained."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path

import pytest

from agent.faces.slack.card import CardView, card
from agent.faces.slack.chart_png import chart_png
from agent.faces.slack.modals import edit_modal, skip_modal, snooze_modal, why_modal
from agent.faces.slack.preview import preview, shown_message, shown_modal
from tests.builders import BODY, a_message
from tests.faces.digests import HOSTILE, a_chart
from tests.faces.slack.cards import REF, SHORTER, a_version, a_view, a_violation, every_state
from tests.faces.slack.test_card_hostile import hostile
from tests.pages import Page, fetches_and_runs_nothing, fits_the_width

IMAGES = {"F1": chart_png(a_chart(410, 700, 940))}
IMAGE = re.compile(r"<img [^>]*>")


@cache
def page(*, with_images: bool = False) -> str:
    """Cards of every state, and the dialogues."""
    violations = (a_violation(), a_violation("no_pressure", "exports"))
    cards = [
        shown_message(name, card(CardView(view=view, chart_file="F1", chart_says="Exports by week")))
        for name, view in every_state().items()
    ]
    odd = hostile(f"{HOSTILE} <!channel> <https://evil.example|click> *bold* {'x' * 300}")
    return preview(
        [
            *cards,
            shown_message("hostile", card(CardView(view=odd))),
            shown_modal(
                "edit",
                edit_modal(a_view(), REF, message=SHORTER, violations=violations),
                {"body": "Too bold."},
            ),
            shown_modal("skip", skip_modal(a_view(), REF)),
            shown_modal("snooze", snooze_modal(a_view(), REF)),
            shown_modal("why", why_modal(odd)),
        ],
        "A draft in Slack",
        IMAGES if with_images else {},
    )


def test_the_page_fetches_and_runs_nothing():
    """No script, no link, no form; the charts are in the page itself."""
    text = page(with_images=True)
    images = [attributes for tag, attributes in Page(text).tags if tag == "img"]
    assert {one["src"] for one in images} == {
        f"data:image/png;base64,{base64.b64encode(IMAGES['F1']).decode()}"
    }
    assert {one["alt"] for one in images} == {"Exports by week"}
    assert "img-src data:;" in text
    # What customers typed may well look like an address; it is text, and that is all it is.
    fetches_and_runs_nothing(IMAGE.sub("", text).replace("https:", ""))


def test_an_image_that_is_not_at_hand_is_told():
    """Its words stand in its place."""
    assert "Image: Exports by week" in page()
    assert "<img" not in page()


def test_outside_words_are_escaped():
    """A customer's name is text on this page too."""
    text = page()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [red]Söhne[/red] &amp; &#34;Co&#34; {{7*7}}" in text
    assert '<span class="mention">@channel' not in text
    assert '<span class="linked">' not in text


@pytest.mark.parametrize(
    "words",
    [
        "Approve &amp; send",
        BODY.split("\n")[-1],
        '<span class="mention">@U0DANA</span>',
        "Call it back asks first: <strong>Call the message back?</strong>",
        "<s>Hi</s>",
        "<strong>Hello</strong>",
        "Keep it <i>(optional)</i>",
        '<p class="error">Too bold.</p>',
        'class="tick round on"',
        "Select a date",
    ],
)
def test_the_page_shows(words):
    """Buttons, mentions, questions, differences, boxes and inputs."""
    assert words in page()


@pytest.mark.parametrize(
    ("markup", "html"),
    [
        ("*bold* and _it_", "<strong>bold</strong> and <em>it</em>"),
        ("~gone~ `code`", "<s>gone</s> <code>code</code>"),
        ("<@U0DANA>", '<span class="mention">@U0DANA</span>'),
        ("<!channel>", '<span class="mention">@channel</span>'),
        ("<https://a.example|here>", '<span class="linked">here</span>'),
        ("R&amp;D &lt;b&gt;", "R&amp;D &lt;b&gt;"),
        ("<script>", '<span class="linked">script</span>'),
        ("2 * 3 * 4, a_b_c", "2 * 3 * 4, a_b_c"),
    ],
)
def test_markup_that_would_work_in_slack_is_seen_to_work(markup, html):
    """So that a mention or a link that got through could not hide on this page."""
    section = {"type": "section", "text": {"type": "mrkdwn", "text": markup}}
    assert html in preview([section], "One block")


def test_any_block_has_its_place():
    """Fields, accessory, ordered lists, code, and a kind that is not known yet by its name."""
    button = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Press"}}
    listed = {
        "type": "rich_text_section",
        "elements": [{"type": "text", "text": "first", "style": {"code": True}}],
    }
    text = preview(
        [
            {
                "type": "section",
                "fields": [{"type": "plain_text", "text": "*left*"}, {"type": "mrkdwn", "text": "*right*"}],
                "accessory": button,
            },
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_list", "style": "ordered", "elements": [listed]},
                    {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "as is"}]},
                ],
            },
            {"type": "video"},
        ],
        "Blocks",
    )
    for html in (
        "*left*",
        "<strong>right</strong>",
        "Press</span>",
        "<ol><li><p><code>first",
        "<pre>as is",
        "video",
    ):
        assert html in text


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 760])
def test_the_page_fits(width, tmp_path: Path):
    """On a phone and on a desk, with every hostile name on it."""
    fits_the_width(page(with_images=True), width, tmp_path)


def test_a_message_with_an_older_version_shows_its_history_button():
    """What stands on the card stands on the page."""
    view = a_view(versions=(a_version(1, a_message()), a_version(2, SHORTER)))
    assert ">History</span>" in preview(card(CardView(view=view)).blocks, "Card")
