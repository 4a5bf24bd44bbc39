"""Reading a message from a text, and finding its characters there again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting.message import Message

CASES = {
    "as we write it": "Limits\n\nHi Maya,\n\nFive hits.\n",
    "no empty line after the subject": "Limits\nHi Maya,\n\nFive hits.",
    "a label before the subject": "Subject:  Limits \n\n\nHi Maya,\n\nFive hits.",
    "Windows line ends and a mark at the start": "\ufeffLimits\r\n\r\nHi Maya,\r\n\r\nFive hits.\r\n",
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_a_message_is_read_and_its_words_are_found_again(text):
    """However the file is laid out, the message is the same and a span leads to the same words."""
    message, places = Message.placed(text)
    assert (message.subject, message.body) == ("Limits", "Hi Maya,\n\nFive hits.")
    for words in ("Limits", "Maya", "Five hits."):
        start = message.text.index(words)
        first, last = places.span(start, start + len(words))
        assert text[first:last] == words


@given(st.text(alphabet="aS :\n\r\ufeffé", max_size=40))
def test_every_span_lies_inside_the_text(text):
    """Whatever is read, each character of the message has its place, and in order."""
    message, places = Message.placed(text)
    assert message == Message.parse(text)
    assert len(places.of) == len(message.text) + 1
    for place, letter in enumerate(message.subject):
        assert text[places.of[place]] == letter
    for place, letter in enumerate(message.body, start=message.body_start):
        assert text[places.of[place]] == letter
    for end in range(len(message.text) + 1):
        first, last = places.span(0, end)
        assert 0 <= first <= last <= len(text)
