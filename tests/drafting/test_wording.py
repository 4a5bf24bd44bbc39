"""Outside text made harmless, and names made fit for a greeting."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting.wording import clean, first_name, label, safe_name, sentence


@pytest.mark.parametrize(
    ("contact", "greeted"),
    [
        ("Maya Chen", "Maya"),
        ("maya chen", "Maya"),
        ("MAYA CHEN", "Maya"),
        ("Chen, Maya", "Maya"),
        ("Dr. Maya Chen", "Maya"),
        ("Mr Smith", "Mr Smith"),
        ("Anne-Marie Dupont", "Anne-Marie"),
        ("Seán O'Brien", "Seán"),
        ("Jo McKenna", "Jo"),
        ("Zoë", "Zoë"),
        ("李 明", None),
        ("Maya 🚀 Chen", "Maya"),
        ("Maya\nBcc: x", None),
        ("Ma\u200bya Chen", "Maya"),
        ("\u202eMaya", "Maya"),
        ("AA\ue000", None),
        ("A.±", None),
        ("प्रिया शर्मा", "प्रिया"),
        ("Émile", "Émile"),
        ("{{7*7}}", None),
        ("{% raw %}", None),
        ("maya@halden.example", None),
        ("https://evil.example", None),
        ("Call 0800 123", None),
        ("Accounts Payable", None),
        ("Billing Team", None),
        ("M. Chen", None),
        ("x" * 80, None),
        ("🚀", None),
        ("", None),
        (None, None),
    ],
)
def test_a_greeting_uses_a_first_name_only_when_it_is_one(contact, greeted):
    """Roles, addresses, markup and initials are greeted as 'there'."""
    assert first_name(contact) == greeted


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("bulk_export", "bulk export"),
        ("SSO", "SSO"),
        ("SAML 2.0", "SAML 2.0"),
        ("Slack integration", "Slack integration"),
        ("{{ config }}", None),
        ("see www.evil.example", None),
        ("<b>bold</b>", None),
        ("x" * 41, None),
        ("", None),
    ],
)
def test_a_label_is_a_name_a_sentence_can_hold(raw, shown):
    """Ids become words; markup and addresses become nothing."""
    assert label(raw) == shown


def test_a_common_noun_begins_small():
    """Metrics are common nouns, short names in capitals stay."""
    assert (label("Exports", common=True), label("API calls", common=True)) == ("exports", "API calls")


def test_clean_cuts_at_a_word():
    """A long text ends at the last whole word."""
    assert clean("one two three", 9) == "one two"


def test_a_sentence_ends_once():
    """Whatever stop the text had, it gets one full stop."""
    assert [sentence(text) for text in ("it runs", "It runs!", "it runs...")] == ["It runs."] * 3


@given(st.text(max_size=300))
def test_cleaned_text_has_one_line_and_nothing_unseen(text):
    """No control, bidirectional, zero-width or private character comes through, whatever comes in."""
    result = clean(text)
    assert len(result) <= 200
    assert not {unicodedata.category(c) for c in result} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert "\n" not in result


@given(st.text(max_size=120))
def test_a_safe_name_holds_no_markup(text):
    """Braces, brackets, digits, at signs and slashes never reach a message."""
    assert not set(safe_name(text) or "") & set("{}<>[]@/\\0123456789\n")
