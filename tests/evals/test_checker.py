"""The checker's own texts are what they say, and the guardrails hold what they promise of them."""

from __future__ import annotations

import pytest

from agent.drafting.violation import Level
from evals.quality.checker import measure
from evals.quality.checker.__main__ import by_kind, shown
from evals.quality.checker.briefs import briefs
from evals.quality.checker.corpus import Half, clean_drafts, planted_drafts
from evals.quality.checker.measuring import FIGURES, OVERALL
from evals.quality.result import CheckerResult

PLAYS = {"capacity", "seats", "feature", "service", "scope", "deadline", "cross_sell"}


@pytest.fixture(scope="module")
def result() -> CheckerResult:
    """The table over every text."""
    return measure()


@pytest.fixture(scope="module")
def improved_on() -> CheckerResult:
    """The table over the texts that the rules were improved on."""
    return measure(halves=tuple(half for half in Half if half is not Half.INDEPENDENT))


@pytest.fixture(scope="module")
def independent() -> CheckerResult:
    """The table over the texts that were written without sight of the rules."""
    return measure(halves=(Half.INDEPENDENT,))


def test_there_are_texts_enough():
    """More than 330 faults and 160 clean drafts, over every play, and some of both in every half."""
    assert len(planted_drafts()) >= 330
    assert len(clean_drafts()) >= 160
    assert {briefs()[draft.brief].play for draft in clean_drafts().values()} == PLAYS
    for half in Half:
        assert sum(one.draft.half is half for one in planted_drafts()) >= 30
        assert sum(draft.half is half for draft in clean_drafts().values()) >= 8


def test_every_planted_text_differs_from_its_clean_one_and_from_every_other():
    """One fault each, and none twice."""
    texts = [(one.draft.brief, one.draft.message.text) for one in planted_drafts()]
    assert len(set(texts)) == len(texts)
    assert all(one.draft.message != one.clean.message for one in planted_drafts())
    assert len({one.draft.draft_id for one in planted_drafts()}) == len(texts)


def test_no_clean_draft_is_another_one():
    """Each says it in its own words."""
    texts = [draft.message.text for draft in clean_drafts().values()]
    assert len(set(texts)) == len(texts)


def test_every_rule_of_the_text_has_faults_of_its_own(result: CheckerResult):
    """All but the two that go by the account and not by the text."""
    without = {one.rule for one in result.rules if not one.recall.of}
    assert without == {"contact_cap", "suppressed"}


def test_figures_are_caught(improved_on: CheckerResult):
    """99 of 100 wrong figures, by the rule that is meant to."""
    [figures] = [one for one in improved_on.rules if one.rule == FIGURES]
    assert figures.recall.of >= 150
    assert figures.recall.share is not None
    assert figures.recall.share >= 0.99


def test_faults_are_caught(improved_on: CheckerResult):
    """97 of 100 faults of every kind that blocks."""
    [overall] = [one for one in improved_on.rules if one.rule == OVERALL]
    assert overall.recall.of == sum(
        one.level is Level.BLOCK and one.draft.half is not Half.INDEPENDENT for one in planted_drafts()
    )
    assert overall.recall.share is not None
    assert overall.recall.share >= 0.97


def test_clean_drafts_pass(improved_on: CheckerResult):
    """No more than 2 of 100 are stopped."""
    [overall] = [one for one in improved_on.rules if one.rule == OVERALL]
    assert overall.false_alarms.of == improved_on.clean
    assert overall.false_alarms.share is not None
    assert overall.false_alarms.share <= 0.02


def test_what_was_written_without_sight_of_the_rules_holds_its_own_floors(independent: CheckerResult):
    """Below what was promised, and said so: a floor under what was measured, not a target."""
    [figures] = [one for one in independent.rules if one.rule == FIGURES]
    [overall] = [one for one in independent.rules if one.rule == OVERALL]
    assert figures.recall.of >= 55
    assert figures.recall.share is not None
    assert figures.recall.share >= 0.92
    assert overall.recall.of >= 130
    assert overall.recall.share is not None
    assert overall.recall.share >= 0.92
    assert overall.false_alarms.of >= 70
    assert overall.false_alarms.share is not None
    assert overall.false_alarms.share <= 0.2


def test_what_was_missed_is_shown_whole(result: CheckerResult):
    """With its text, and with what was said of it."""
    texts = {one.draft.draft_id: one.draft.message.text for one in planted_drafts()}
    texts |= {draft.draft_id: draft.message.text for draft in clean_drafts().values()}
    assert all(texts[miss.draft_id] == miss.text for miss in result.misses)


def test_progress_is_told_of_every_text():
    """So that a long run can show where it is."""
    told: list[tuple[int, int]] = []
    halves = (Half.WRITTEN_AFTER,)
    found = measure(progress=lambda done, of: told.append((done, of)), halves=halves)
    of = found.planted + found.clean
    assert told == [(done, of) for done in range(1, of + 1)]


def test_the_table_shows_every_rule_and_every_kind(result: CheckerResult):
    """One line each."""
    table = shown(result) + by_kind(result, tuple(Half))
    assert all(one.rule in table for one in result.rules)
    assert all(one.kind in table for one in planted_drafts())
