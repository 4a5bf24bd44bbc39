"""The dialogues: what they show, and what comes back filled in."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from agent.drafting.message import Message
from agent.drafting.violation import Level
from agent.faces.slack.differing import word_diff
from agent.faces.slack.modals import (
    edit_errors,
    edit_form,
    edit_modal,
    history_modal,
    skip_form,
    skip_modal,
    snooze_errors,
    snooze_form,
    snooze_modal,
    why_modal,
)
from agent.faces.slack.naming import Dialogue, DraftRef
from agent.foundation.errors import UsageError
from agent.scoring.assessment import Hold, Part, Term
from tests.approval.made import an_assessment
from tests.builders import BODY, a_brief, a_message
from tests.faces.slack.cards import (
    DANA,
    DRAFT,
    REF,
    SHORTER,
    a_version,
    a_view,
    a_violation,
    breaches,
    every_state,
    leaves,
    measured,
    said,
)

VIEW = a_view()
EDITED = every_state()["edited"]
CONTENT = a_violation()
IN_SUBJECT = a_violation("no_pressure", "exports", message="it presses")
HARD = a_violation("contact_cap", "Best", hard=True, message="They were written to on 24 February 2026.")
WARNING = a_violation("length", "Hello", level=Level.WARN, message="The text is long.")
TODAY = date(2026, 3, 2)


def field(shown: dict[str, Any], block_id: str) -> dict[str, Any]:
    """The element of an input."""
    (found,) = [one for one in shown["blocks"] if one.get("block_id") == block_id]
    return found["element"]


def state(**values: Any) -> dict[str, Any]:
    """What Slack sends with a submitted view."""
    return {"values": {block: {block: value} for block, value in values.items()}}


def ref_of(shown: dict[str, Any]) -> DraftRef:
    """What the dialogue carries back."""
    return DraftRef.model_validate_json(shown["private_metadata"])


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(edit_modal(VIEW, REF), id="edit"),
        pytest.param(
            edit_modal(VIEW, REF, message=SHORTER, violations=(CONTENT, HARD, WARNING)), id="violations"
        ),
        pytest.param(edit_modal(EDITED, REF, message=SHORTER, newer=EDITED.versions[-1]), id="newer"),
        pytest.param(skip_modal(VIEW, REF), id="skip"),
        pytest.param(snooze_modal(VIEW, REF), id="snooze"),
        pytest.param(why_modal(VIEW), id="why"),
        pytest.param(history_modal(EDITED), id="history"),
    ],
)
def test_every_dialogue_is_one_slack_takes(shown):
    """Within all limits of a modal."""
    assert breaches(shown) == []


def test_edit_begins_with_the_current_text():
    """Subject and body, as they stand, and the version they are of."""
    shown = edit_modal(EDITED, DraftRef(draft_id=DRAFT, version=1, channel="C1", ts="1.2"))
    assert field(shown, "subject")["initial_value"] == SHORTER.subject
    assert field(shown, "body")["initial_value"] == SHORTER.body
    assert shown["callback_id"] == Dialogue.EDIT
    assert ref_of(shown) == DraftRef(draft_id=DRAFT, version=2, channel="C1", ts="1.2")


def test_violations_stand_at_their_field():
    """A block in the subject under the subject, one in the body under the body, warnings last."""
    shown = edit_modal(VIEW, REF, message=SHORTER, violations=(WARNING, CONTENT, IN_SUBJECT))
    ids = [one.get("block_id") for one in shown["blocks"]]
    under_subject = said(
        {"type": "x", "blocks": shown["blocks"][ids.index("subject") + 1 : ids.index("body")]}
    )
    under_body = said({"type": "x", "blocks": shown["blocks"][ids.index("body") + 1 : ids.index("confirm")]})
    assert "It presses («exports»)." in under_subject
    assert under_body.index("'Growth' is the offer") < under_body.index("The text is long («Hello»).")


def test_content_blocks_can_be_confirmed_past():
    """A box for each rule, nothing for warnings, and a button that says what it does."""
    shown = edit_modal(VIEW, REF, message=SHORTER, violations=(CONTENT, CONTENT, IN_SUBJECT, WARNING))
    assert [one["value"] for one in field(shown, "confirm")["options"]] == ["no_pressure", "price_last"]
    assert "initial_options" not in field(shown, "confirm")
    assert shown["submit"]["text"] == "Save anyway"
    assert ref_of(shown).confirming


def test_hard_blocks_cannot_be_confirmed_past():
    """No box is offered that could not keep its word."""
    shown = edit_modal(VIEW, REF, message=SHORTER, violations=(CONTENT, HARD))
    assert not [one for one in shown["blocks"] if str(one.get("block_id")).startswith("confirm")]
    assert "● Blocked: " in said(shown)
    assert not ref_of(shown).confirming


def test_more_rules_than_one_group_of_boxes_holds():
    """Slack takes ten; the rest follow in another group, and all come back."""
    rules = [f"rule_{number:02}" for number in range(23)]
    shown = edit_modal(VIEW, REF, message=SHORTER, violations=[a_violation(rule) for rule in rules])
    groups = [one for one in shown["blocks"] if str(one.get("block_id")).startswith("confirm")]
    ticked = {
        one["block_id"]: {one["block_id"]: {"selected_options": one["element"]["options"]}} for one in groups
    }
    assert breaches(shown) == []
    assert list(edit_form({"values": ticked}).confirm) == rules


def test_what_was_changed_is_shown_beside_what_is_wrong():
    """The words taken out struck through, the words put in bold."""
    shown = edit_modal(VIEW, REF, message=SHORTER, violations=(CONTENT,))
    styled = {(one["text"].strip(), *one["style"]) for one in leaves(shown) if "style" in one}
    assert {("Hi", "strike"), ("Hello", "bold")} <= styled


def test_an_edit_of_an_old_version_shows_the_newer_one():
    """Who kept it, its text, and the own words still in the fields; saving then replaces the newer one."""
    typed = a_message(BODY.replace("Best", "Yours"))
    shown = edit_modal(EDITED, REF, message=typed, newer=EDITED.versions[-1])
    assert "U0DANA" in said(shown)
    assert SHORTER.body in said(shown)
    assert field(shown, "body")["initial_value"] == typed.body
    assert shown["submit"]["text"] == "Replace version 2"
    assert ref_of(shown).version == 2


def test_a_text_that_no_input_holds_is_not_cut():
    """It is edited where it fits."""
    view = a_view(versions=(a_version(1, Message(subject="Hi", body="word " * 700)),))
    shown = edit_modal(view, REF)
    assert "outgrown edit" in said(shown)
    assert "submit" not in shown
    assert breaches(shown) == []


def test_the_filled_form_is_a_message():
    """Line ends as we keep them, the subject on one line, what is ticked."""
    options = [{"value": "price_last"}, {"value": "no_pressure"}]
    given = state(
        subject={"value": " Your  exports "},
        body={"value": "\r\nHi,\r\n\r\nyes \n"},
        confirm={"selected_options": options},
    )
    form = edit_form(given)
    assert form.message == Message(subject="Your exports", body="Hi,\n\nyes")
    assert form.confirm == ("price_last", "no_pressure")
    assert edit_form({"type": "modal", "state": given}) == form


def test_an_unchanged_form_is_the_same_message():
    """Opening and saving changes nothing."""
    shown = edit_modal(VIEW, REF)
    given = {name: {"value": field(shown, name)["initial_value"]} for name in ("subject", "body")}
    assert edit_form(state(**given)).message == VIEW.message


@pytest.mark.parametrize(
    ("violations", "confirm", "fields"),
    [
        ((WARNING,), (), set()),
        ((CONTENT,), (), {"body"}),
        ((CONTENT, IN_SUBJECT), (), {"body", "subject"}),
        ((CONTENT, IN_SUBJECT), ("price_last",), {"subject"}),
        ((CONTENT,), ("price_last",), set()),
        ((HARD,), ("contact_cap",), {"body"}),
    ],
)
def test_errors_stand_at_the_field_they_are_about(violations, confirm, fields):
    """Only what still stands in the way: not warnings, not what was confirmed, but always what is hard."""
    assert set(edit_errors(violations, SHORTER, confirm)) == fields


@pytest.mark.parametrize(
    ("chosen", "more", "reason"),
    [
        ("timing", None, "Not the right time"),
        ("timing", "they merge\nin May", "Not the right time: they merge in May"),
        ("other", "a friend asked", "a friend asked"),
        ("other", None, "Something else"),
        ("gone", None, "Something else"),
    ],
)
def test_a_skip_has_a_reason(chosen, more, reason):
    """One of the common ones, the own words, or both; never nothing."""
    given = state(reason={"selected_option": {"value": chosen}}, more={"value": more})
    assert skip_form(given) == reason


def test_the_reasons_offered_are_the_ones_understood():
    """What can be chosen is what is kept."""
    for one in field(skip_modal(VIEW, REF), "reason")["options"]:
        assert skip_form(state(reason={"selected_option": one}, more={"value": None})) == one["text"]["text"]


@pytest.mark.parametrize(
    ("option", "until", "days"),
    [
        ("3", None, 3),
        ("30", None, 30),
        ("3", "2026-03-03", 1),
        ("3", "2026-05-31", 90),
        (None, "2026-03-09", 7),
    ],
)
def test_a_snooze_is_some_days_or_until_a_date(option, until, days):
    """A date goes before the days."""
    given = state(days={"selected_option": option and {"value": option}}, until={"selected_date": until})
    assert snooze_form(given, TODAY) == days
    assert snooze_errors(given, TODAY) == {}


@pytest.mark.parametrize("until", ["2026-03-02", "2025-01-01", "2026-06-01"])
def test_a_snooze_until_a_day_out_of_reach_is_an_error_at_its_field(until):
    """Today is no snooze, and ninety days are the most."""
    given = state(days={"selected_option": {"value": "7"}}, until={"selected_date": until})
    assert set(snooze_errors(given, TODAY)) == {"until"}
    with pytest.raises(UsageError, match="at most 90 days away"):
        snooze_form(given, TODAY)


def test_snooze_offers_3_7_14_and_30_days():
    """And seven to begin with."""
    element = field(snooze_modal(VIEW, REF), "days")
    assert [one["value"] for one in element["options"]] == ["3", "7", "14", "30"]
    assert element["initial_option"]["value"] == "7"


@pytest.mark.parametrize(
    "words",
    [
        "11 points, composite 82",
        "usage pressure, team expansion",
        "limit hits, 16 Feb to 1 Mar 2026",
        "5 times",
        "counted",
        "events: kind limit_hit, day 2026-03-01, user_id u1",
        "and 3 more rows",
        "33 source rows in all",
        "+4  usage pressure",
        "usage : 7.5 of 10, weight 30%",
        "+2.5  27 of 28 days",
        "growth : no data",
        "An invoice is open.",
        "drafted by  the template",
    ],
)
def test_why_tells_all_that_it_rests_on(words):
    """Findings with formulas and rows, the score's terms, holds, trail."""
    assessment = an_assessment(
        groups={"usage_pressure": 4},
        parts={
            "usage": Part(
                score=7.5, weight=0.3, terms=(Term(name="days", amount=2.5, says="27 of 28 days"),)
            ),
            "growth": Part(score=None, weight=0),
        },
        holds=(Hold(hold="past_due", says="an invoice is open"),),
    )
    assert words in said(why_modal(VIEW, assessment))


def test_why_tells_much_in_short():
    """Twelve findings and six figures of each; the rest is counted."""
    found = measured()[0]
    many = found.model_copy(update={"figures": found.figures * 5})
    told = said(why_modal(a_view(brief=a_brief(findings=(many,) * 14))))
    assert told.count("and 4 more figures") == 12
    assert "And 2 more findings" in told


def test_history_shows_each_version_with_what_it_changed():
    """Newest first; the first in full."""
    shown = history_modal(EDITED)
    told = said(shown)
    assert told.index("Version 2") < told.index("Version 1")
    assert BODY in told
    styled = [(one["text"], *one["style"]) for one in leaves(shown) if "style" in one]
    assert ("Hi", "strike") in styled
    assert ("Hello", "bold") in styled


def test_a_long_history_ends_with_a_count():
    """A modal holds a hundred blocks."""
    versions = tuple(a_version(n, a_message(f"{BODY} {n}"), DANA) for n in range(1, 41))
    shown = history_modal(a_view(versions=versions))
    assert breaches(shown) == []
    assert "and 30 older versions" in said(shown)


def test_long_texts_are_told_as_far_as_there_is_room():
    """A modal has an end; what is left out is said to be."""
    long = Message(subject="Hi", body="word after word " * 6_000)
    versions = tuple(a_version(n, long, DANA) for n in range(1, 12))
    view = a_view(versions=versions)
    for shown in (history_modal(view), edit_modal(view, REF, message=SHORTER, newer=versions[-1])):
        assert breaches(shown) == []
        assert "(it goes on)" in said(shown)


@pytest.mark.parametrize(
    ("before", "after", "marked"),
    [
        ("one two three", "one three", "one -two -three"),
        ("one three", "one two three", "one +two +three"),
        ("one two", "one 2", "one -two- +2+"),
        ("same", "same", "same"),
        ("a\n\nb", "a b", "a- ¶  ¶ -+ +b"),
        ("*a* <!here>", "*b* <!here>", "-*a*- +*b*+ <!here>"),
    ],
)
def test_the_difference_is_told_in_words(before, after, marked):
    """Whole words, customers' markup and all, as plain text."""
    signs = {"strike": "-", "bold": "+"}
    told = ""
    for one in word_diff(before, after):
        sign = signs[next(iter(one["style"]))] if "style" in one else ""
        told += f"{sign}{one['text']}{sign}"
    assert told == marked


def test_texts_too_long_to_compare_are_both_shown():
    """Rather than keeping a person waiting."""
    parts = word_diff("a " * 5_000, "b " * 5_000)
    assert [next(iter(one.get("style", {"none": 1}))) for one in parts] == ["strike", "none", "bold"]
