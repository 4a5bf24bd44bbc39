"""What is measured of a message in code."""

from __future__ import annotations

import pytest

from agent.drafting.message import Message
from evals.quality.measures import _known
from evals.quality.reading import prose, reading_ease, syllables_by_rule_of_thumb
from evals.quality.sameness import Alike, alike, overlap, sameness, slotted
from evals.quality.scorers import GUARDRAILS, MEASURES, edit_distance, facts, scored
from tests.builders import BODY, a_brief, a_figure, a_message, surroundings

OTHER = """Hi Tom,

Four colleagues joined Birch & Co in a month, and two of them wait for a seat. That slows down the people who \
need the reports most.

A seat for each comes to the price you know. Would that help? Not yet is fine as well."""


def a_brief_of(account: str, contact: str, **figures: str):
    """A brief for another account, some of its figures shown otherwise."""
    shown = tuple(
        one.model_copy(update={"display": figures.get(one.figure_id, one.display)})
        for one in a_brief().figures
    )
    recipient = {"account_id": account.lower(), "account_name": account, "contact_name": contact}
    return a_brief(recipient=recipient, figures=shown)


def test_a_clean_message_scores_one_on_every_guardrail():
    """One score a guardrail, and `passes`."""
    scores, violations = scored(a_message(), a_brief(), surroundings())
    assert violations == []
    assert [scores[rule] for rule in GUARDRAILS] == [1.0] * len(GUARDRAILS)
    assert (scores["passes"], scores["warnings"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        pytest.param(("5 times", "9 times"), "ungrounded_figure", id="a figure nobody measured"),
        pytest.param(("Shall I", "Act now! Shall I"), "no_pressure", id="pressure"),
        pytest.param(("Hi Maya", "Hi Oliver"), "wrong_name", id="another name"),
    ],
)
def test_a_fault_costs_the_guardrail_that_blocks_it(change, rule):
    """The score of the rule that blocks is 0, and the message does not pass."""
    scores, _ = scored(
        a_message(BODY.replace(*change)), a_brief(), surroundings(other_names=("Oliver Stone",))
    )
    assert (scores[rule], scores["passes"]) == (0.0, 0.0)


def test_a_warning_is_counted_and_blocks_nothing():
    """An approver sees it; the draft passes."""
    scores, _ = scored(
        a_message(BODY.replace("Shall I", "GREAT NEWS indeed. Shall I")), a_brief(), surroundings()
    )
    assert scores["warnings"] > 0
    assert scores["tone"] == 1.0


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        pytest.param("Nothing to see.", 0, id="none"),
        pytest.param("You are at 87%.", 1, id="one"),
        pytest.param("You are at 87%, and 87% again.", 1, id="one, twice"),
        pytest.param("You are at 187% of 11,000 for €995.", 0, id="inside longer numbers"),
        pytest.param("It was 870, of 1,000.", 2, id="beside stops"),
        pytest.param("You ran into it 5 times in the last 14 days, at 87%.", 3, id="with their words"),
    ],
)
def test_facts_are_counted_by_what_a_customer_reads(body, quoted):
    """A figure counts once, and only where it stands by itself."""
    assert facts(Message(subject="", body=body), a_brief()) == (quoted, 8)


def test_figures_that_read_alike_are_one_fact():
    """Two windows of 14 days can be quoted once only."""
    brief = a_brief(extra_figures=[a_figure("other_window", 14, "days", "14 days")])
    assert facts(a_message(), brief)[1] == 8


@pytest.mark.parametrize(
    ("text", "ease"),
    [
        pytest.param("The cat sat on the mat.", 116.1, id="as easy as it gets"),
        pytest.param(
            "The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.",
            37.5,
            id="hard",
        ),
        pytest.param("", None, id="nothing"),
    ],
)
def test_reading_ease_is_flesch_s(text, ease):
    """Known sentences come out at their known figures."""
    assert reading_ease(text) == ease


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("the", 1),
        ("upgrade", 2),
        ("included", 3),
        ("table", 2),
        ("customer", 3),
        ("switched", 1),
        ("limits", 2),
        ("42", 1),
    ],
)
def test_syllables_by_rule_of_thumb(word, count):
    """Silent endings and joined vowels are seen."""
    assert syllables_by_rule_of_thumb(word) == count


def test_greeting_and_sign_off_are_no_prose():
    """Short lines that every message has would make any text look easy."""
    assert prose(BODY).startswith("Your team ran")
    assert prose(BODY).endswith("in your plan.")


def test_one_template_with_the_names_changed_is_all_the_same():
    """Names and figures are slots; what is left is word for word alike."""
    brief = a_brief_of("Birch Labs", "Tom Reed", utilisation="91%", limit_hits="12 times")
    body = BODY.replace("Maya", "Tom").replace("87%", "91%").replace("5 times", "12 times")
    found = alike([("one", a_message(), a_brief()), ("two", a_message(body), brief)])
    assert found["one"] == Alike("two", 1.0, 1.0)
    assert sameness(found) == 1.0


def test_different_messages_are_not_alike_and_the_nearest_is_named():
    """Each case knows its nearest neighbour; the mean is over all others."""
    drafts = [
        ("mine", a_message(), a_brief()),
        (
            "near",
            a_message(BODY.replace("Shall I switch you over?", "Is that worth it for you?")),
            a_brief_of("Elm", "Zoe"),
        ),
        ("far", a_message(OTHER), a_brief_of("Birch & Co", "Tom")),
    ]
    found = alike(drafts)
    assert found["mine"].nearest == "near"
    assert found["mine"].highest > 0.6 > 0.05 > found["far"].highest
    assert found["mine"].mean < found["mine"].highest


def test_drafts_of_one_account_are_not_held_against_each_other():
    """The same customer may be told the same twice."""
    assert alike([("one", a_message(), a_brief()), ("two", a_message(), a_brief())])["one"] == Alike(
        None, None, None
    )
    assert sameness({}) is None


def test_names_and_figures_become_slots():
    """Whole and first names, plans, and figures with or without a sign."""
    said = slotted("Hi Maya, Fernleaf Studio is at 87% of Starter since 3 March; Growth is €99.", a_brief())
    assert said == "hi {name}, {name} is at {figure} of {name} since {figure} {figure}; {name} is {figure}."


def test_overlap_is_of_runs_of_words_that_either_has():
    """Jaccard: one of three."""
    assert overlap(frozenset({("a",), ("b",)}), frozenset({("b",), ("c",)})) == pytest.approx(1 / 3)
    assert overlap(frozenset(), frozenset()) == 0.0


@pytest.mark.parametrize(
    ("drafted", "sent", "distance"),
    [
        ("same", "same", 0.0),
        ("kitten", "sitting", round(3 / 7, 4)),
        ("abc", "xyz", 1.0),
        ("", "", 0.0),
        ("", "four", 1.0),
        ("a word", "a new word", 0.4),
        ("aaa", "aa", round(1 / 3, 4)),
    ],
)
def test_edit_distance_is_levenshtein_s_over_the_longer_text(drafted, sent, distance):
    """By hand."""
    assert edit_distance(drafted, sent) == distance
    assert edit_distance(sent, drafted) == distance


def test_every_score_in_code_is_named_for_readers():
    """A report shows a title, not a variable."""
    assert set(MEASURES) - {"passes"} <= set(_known("scores"))
