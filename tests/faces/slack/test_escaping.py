"""Outside words for the few places that read Slack's markup."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.faces.slack.escaping import cut, letter, mrkdwn, plain, size, unseen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Acme & Söhne", "Acme &amp; Söhne"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U0DANA> @here #general", "&lt;＠U0DANA&gt; ＠here ＃general"),
        ("*bold* _it_ ~gone~ `code`", "∗bold∗ ˍitˍ ∼gone∼ ˋcodeˋ"),
        (":warning: at 10:30", "∶warning: at 10:30"),
        ("https://evil.example", "https∶//evil․example"),
        ("mailto:a@b.example", "mailto∶a@b․example"),
        ("> quoted", "› quoted"),
        ("3.5 GB of 1,000, e.g. one.", "3.5 GB of 1,000, e.g. one."),
        ("two\nlines\u202e and\u200b more", "two lines and more"),
    ],
)
def test_markup_is_shown_and_does_nothing(text, shown):
    """Each of Slack's ways to mention, link, format or draw a picture, taken out of it."""
    assert mrkdwn(text) == shown


@example("💥" * 10, 12)
@example("💥 " * 10, 25)
@given(st.text(max_size=500), st.integers(1, 300))
def test_a_cut_text_is_never_longer_than_asked(text, longest):
    """Counted the way that Slack may count, which is in UTF-16."""
    assert size(cut(text, longest)) <= longest
    assert size(plain(text, longest)) <= longest


def test_a_cut_ends_at_a_word():
    """With an ellipsis, so that nobody takes the part for the whole."""
    assert cut("a company with a long name", 20) == "a company with a…"
    assert cut("short", 20) == "short"
    assert cut("x" * 30, 10) == "x" * 9 + "…"


def test_a_message_keeps_its_lines_and_loses_what_nobody_sees():
    """And says how much that was."""
    text = "Hi\u202e Maya,\r\n\r\nyes\u200b\0\n"
    assert letter(text) == "Hi Maya,\n\nyes\n"
    assert unseen(text) == 3
