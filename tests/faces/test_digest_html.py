"""The digest as a page: self-contained, escaped, accessible, and fit for a phone."""

from __future__ import annotations

import pytest

from agent.faces.digest import LastWeek, as_html
from tests.faces.digests import HOSTILE, a_digest, a_full_digest, skipped, stopped, unsettled, won
from tests.pages import Page, fetches_and_runs_nothing, fits_the_width


def test_the_page_fetches_and_runs_nothing():
    """No script, no link, no image, no inline style; the policy lets in the one style sheet alone."""
    fetches_and_runs_nothing(as_html(a_digest()), within="#over")


def test_names_are_escaped():
    """A customer's name is text, whatever it looks like."""
    text = as_html(a_digest())
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [red]Söhne[/red] &amp; &#34;Co&#34; {{7*7}}" in text
    assert "\u202e" not in text


def test_each_chart_has_a_title_and_a_description():
    """Every picture can be read aloud, and ids are not used twice."""
    page = Page(as_html(a_digest()))
    charts = [attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("role") == "img"]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(charts) == 3
    assert len(ids) == len(set(ids))
    for chart in charts:
        assert set(chart["aria-labelledby"].split()) <= set(ids)


@pytest.mark.parametrize(
    "said",
    [
        "<title>Acme Docs: Week to 2 March 2026</title>",
        "What is missing",
        "Kestrel Health",
        "3 hours old",
        "too old",
        "Not yet is fine",
        "waiting for you",
        "control group",
        "94%",
        "limit 1,000",
        "Ready",
        "Close",
    ],
)
def test_the_page_tells(said):
    """Everything the digest promises is on the page."""
    assert said in as_html(a_digest())


@pytest.mark.parametrize(
    "said",
    [
        "Needs you",
        "Sending has been stopped since 2 March 2026, 16:05 UTC, by dana: the price list changes.",
        "<code>outgrown outbox settle 5f0c --arrived (or --not-arrived)</code>",
        "Closest to ready",
        "Elm Works",
        "€133.17 in all",
        "Dogwood (they renew in May)",
        "Sending: stopped, 3 of 50 messages sent today",
        "The language model: $0.42 of $20",
    ],
)
def test_the_page_tells_of_a_week_in_which_everything_happened(said):
    """What needs a person, who is close, what came of it, and the budget."""
    text = as_html(a_full_digest())
    assert said in text
    assert said not in as_html(a_digest(sources=()))


def test_what_people_typed_is_escaped_everywhere():
    """Names, reasons and ids."""
    week = LastWeek(won=(won(HOSTILE, 100),), skips=(skipped(HOSTILE, HOSTILE),))
    sending = stopped(reason=HOSTILE, stopped_by=HOSTILE)
    text = as_html(a_full_digest(last_week=week, sending=sending, unsettled=(unsettled(HOSTILE, HOSTILE),)))
    assert "<script" not in text
    fetches_and_runs_nothing(text, within="#over")


def test_an_empty_digest_is_a_page_too():
    """Nobody ready, nothing held, no sources."""
    text = as_html(a_digest(top=(), holds=(), sources=(), notes=()))
    assert "Nobody is ready or close this week." in text
    assert "Held back, and why" not in text


@pytest.mark.parametrize("medium", ["prefers-color-scheme: dark", "max-width: 700px", "@media print"])
def test_the_style_knows_dark_phone_and_paper(medium):
    """One style sheet for all of them."""
    assert medium in as_html(a_digest())


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out(tmp_path, width):
    """At a phone's and at a desktop's width the page does not scroll sideways."""
    fits_the_width(as_html(a_full_digest()), width, tmp_path)
