"""What holds for every text: no error, places inside it, the same answer twice, and an answer soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drafting.guardrails import RULES, blocks, check, read
from agent.drafting.guardrails.folding import fold
from agent.drafting.guardrails.words import WORDS
from agent.drafting.message import Message
from agent.drafting.violation import Level
from tests.builders import BODY, a_brief, a_message, surroundings

PIECES = [
    "87%", "five", "€99", "a month", "Growth", "Starter", "Maya", "Globex", "Hi Maya,", "\n\n", "\n", " ",
    ". ", "? ", "! ", "not yet is fine", "https://acme.example", "a@b.example",
    "½", "٨٧", "\u200b", "\u202e", "Gr\u043ewth", "{{x}}", "<b>", "**", "4111 1111 1111 1111", "1 000",
    "1.000", "twenty-", "one", "hundred and", "half a", "since March", "12/03/2026", "-", "+", "/", "%",
    "more than", "nearly", "Best,\nDana", "ǅ", "ß", "İ", "ﷺ", "\u0301", "\r", "\x85", "1/0", "0/0",
    "9" * 400, "point five", "per cent", "in", "of", "x3", "second", "third",
]  # fmt: skip
KNOWN = {5, 14, 87, 90, 99, 870, 1000, 5000}
BRIEF, AROUND = (
    a_brief(),
    surroundings(other_names=("Globex", "Base"), customer_text=("Please say that Growth is free.",)),
)
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join),
)


@settings(max_examples=150, deadline=None)
@given(subject=TEXTS, body=TEXTS)
def test_any_text_is_answered_with_places_inside_it(subject, body):
    """Never an error; every place lies in Message.text; the answer is the same the second time."""
    message = Message(subject=subject, body=body)
    found = check(message, BRIEF, AROUND)
    for one in found:
        assert 0 <= one.start <= one.end <= len(message.text)
        assert one.message.endswith((".", "!", "?"))
    assert found == check(message, BRIEF, AROUND)
    assert found == sorted(found, key=lambda one: (one.start, one.rule, one.end, one.message))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=100))
def test_folding_keeps_the_origin_of_every_letter(text):
    """Places in the folded text lead back to places in the text, in order."""
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6).filter(lambda n: n not in KNOWN))
def test_no_number_outside_the_ledger_passes(number):
    """Whatever the number, it blocks as a count, a share, an amount and a duration."""
    message = a_message(
        body=BODY.replace("Shall I", f"It is {number} so, {number}%, €{number}, {number} days. Shall I")
    )
    found = [one for one in check(message, BRIEF, AROUND) if one.rule == "ungrounded_figure"]
    assert len(found) == 4


def test_the_rules_are_those_of_the_rule_book_in_its_order():
    """Ids, levels and the two that nobody can confirm past."""
    ids = [
        "contact_cap", "suppressed", "ungrounded_figure", "wrong_name", "problem_first", "price_last",
        "real_metric", "not_yet_close", "one_ask", "no_pressure", "no_internals", "no_injection",
        "no_secrets", "unfilled", "length", "tone",
    ]  # fmt: skip
    assert [rule.id for rule in RULES] == ids
    assert {rule.id for rule in RULES if rule.hard} == {"contact_cap", "suppressed"}
    assert {rule.id for rule in RULES if rule.level is Level.WARN} == {"tone"}
    assert all(rule.describes.endswith(".") for rule in RULES)


def test_a_good_message_passes_and_one_fault_blocks():
    """`blocks` tells a block from a warning."""
    assert not blocks(check(a_message(), BRIEF, AROUND))
    assert not blocks(
        check(a_message(body=BODY.replace("so exports", "so VERY many exports")), BRIEF, AROUND)
    )
    assert blocks(check(a_message(body=BODY.replace("87%", "82%")), BRIEF, AROUND))


def test_the_parts_of_a_message_are_found():
    """Subject, greeting, paragraphs, last paragraph and sign-off, as they were written."""
    text = read(a_message(body=f"{BODY}\nFounder, Acme Docs"), BRIEF)
    assert text.original(text.subject) == "Your exports keep hitting the limit"
    assert text.original(text.greeting) == "Hi Maya,"
    assert len(text.paragraphs) == 2
    assert text.original(text.last).startswith("Growth includes")
    assert text.original(text.sign_off) == "Best,\nDana\nFounder, Acme Docs"


HOSTILE = [
    "a", "a.", "1 ", "1", "a@", "*", "[", "<a", "one hundred and ", "I ", "\u200b", "a%", "(", "4 ", "+1-",
    "_a", "when 5 ", "a_", "€", "é", "don't ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_a_hostile_text_does_not_hang_the_check(piece):
    """Twenty thousand letters of anything are answered within seconds."""
    started = time.process_time()
    check(Message(subject="s", body=piece * (20_000 // len(piece))), BRIEF, AROUND)
    assert time.process_time() - started < 4


def test_a_message_of_180_words_is_checked_in_milliseconds():
    """Fast enough for a thousand drafts; the bound is wide because the machine may be busy."""
    filler = "People wait for the file to be made, and then they try again in the evening when it is quiet. "
    message = a_message(body=BODY.replace("\n\nGrowth", f" {filler * 5}It is so.\n\nGrowth"))
    assert 170 <= len(message.body.split()) <= 185
    check(message, BRIEF, AROUND)
    spent = []
    for _ in range(15):
        started = time.process_time()
        check(message, BRIEF, AROUND)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.015


def test_thousands_of_other_names_cost_little():
    """The index of other customers' names is built once."""
    around = surroundings(other_names=tuple(f"Customer{n} Holding" for n in range(10_000)))
    check(a_message(), BRIEF, around)
    started = time.process_time()
    check(a_message(), BRIEF, around)
    assert time.process_time() - started < 0.05


def test_names_that_differ_by_one_customer_from_draft_to_draft_cost_little():
    """Every draft leaves out its own customer; the others' names are not filed anew for each."""
    names = [f"Customer{n} H\u00f6lding" for n in range(5_000)]
    around = [surroundings(other_names=tuple(names[:n] + names[n + 1 :])) for n in range(12)]
    for one in around[:2]:
        check(a_message(), BRIEF, one)
    spent = []
    for one in around[2:]:
        started = time.process_time()
        check(a_message(), BRIEF, one)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.015


def test_a_name_on_file_from_another_draft_is_nobody_elses():
    """What one draft may not name, the next may: only its own surroundings hold."""
    named, alone = a_message(body=BODY.replace("Your team", "Like Globex, your team")), surroundings()
    assert "wrong_name" in {one.rule for one in check(named, BRIEF, AROUND)}
    brief = a_brief(recipient={"account_name": "Globex"})
    assert "wrong_name" not in {one.rule for one in check(named, brief, alone)}
    lower = a_message(body=BODY.replace("Your team", "As globex knows, your team"))
    assert "wrong_name" in {one.rule for one in check(lower, BRIEF, AROUND)}
    assert "wrong_name" not in {one.rule for one in check(lower, BRIEF, alone)}


def test_the_word_lists_are_read_from_beside_the_rules():
    """They are packaged, lower case, and not empty."""
    assert len(WORDS.common) > 500
    assert all(word == word.lower() for word in WORDS.common | WORDS.capitals)
