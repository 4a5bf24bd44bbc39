"""Gainsight and Intercom: nothing upserts there, so what was told is looked for."""

import pytest

from agent.foundation.outward import OutwardKind, RecordRefused, TargetBusy, TargetDown
from agent.foundation.sections_outward import GainsightTarget, IntercomTarget
from connectors.outward.gainsight import Gainsight as GainsightOut
from connectors.outward.intercom import Intercom
from tests.connectors.outward.made import a_record, going
from tests.vendors import gainsight, intercom_out
from tests.vendors.outward import LOSES_ANSWER, Trouble

ALL = tuple(OutwardKind)


@pytest.fixture
def cockpit():
    """A tenant of Gainsight's."""
    with gainsight.Gainsight() as running:
        yield running


@pytest.fixture
def notes():
    """A workspace of Intercom's."""
    with intercom_out.IntercomNotes() as running:
        yield running


def calls_at(cockpit, open_target, **given):
    settings = GainsightTarget(on=ALL, base_url=cockpit.url, timeout_seconds=2.0, **given)
    return open_target(GainsightOut, settings, gainsight.ENV)


def notes_at(notes, open_target, **given):
    settings = IntercomTarget(on=ALL, base_url=notes.url, timeout_seconds=2.0, **given)
    return open_target(Intercom, settings, intercom_out.ENV)


def test_a_call_to_action_in_full(cockpit, open_target):
    """With our id in the founder's field, to somebody where that is wanted."""
    target = calls_at(cockpit, open_target, owner_email="csm@docs.example")
    assert target.put(going(there={"gainsight": "1P02"})).their_id.startswith("1S01")
    [made] = cockpit.ctas
    assert made["Outgrown_Id__gc"] == "og-ready-1"
    assert (made["type"], made["status"], made["priority"], made["DueDate"]) == (
        "Opportunity",
        "New",
        "Medium",
        "2026-03-09",
    )
    assert cockpit.asked[-1].json["lookups"]["OwnerId"]["onNoMatch"] == "ERROR"


def test_a_refused_call_to_action_says_why(cockpit, open_target):
    """Gainsight says so with 200."""
    target = calls_at(cockpit, open_target, reason="No Such Reason")
    with pytest.raises(RecordRefused, match="COCKPIT_9712"):
        target.put(going(there={"gainsight": "1P02"}))


def test_without_the_field_nothing_is_told(cockpit, open_target):
    """The doctor notices: without it nothing can be found again."""
    cockpit.field = "Something_Else__gc"
    with pytest.raises(TargetDown, match="Outgrown_Id__gc"):
        calls_at(cockpit, open_target).look()


@pytest.mark.parametrize("which", ["gainsight", "intercom"])
def test_an_account_they_do_not_know_is_refused(which, cockpit, notes, open_target):
    """By name they would be guessed, which is worse than not told."""
    target = calls_at(cockpit, open_target) if which == "gainsight" else notes_at(notes, open_target)
    with pytest.raises(RecordRefused, match="outgrown identities"):
        target.put(going())
    assert cockpit.asked == notes.asked == []


def test_a_note_is_found_behind_many_others(notes, open_target):
    """On a later page, and only on its own company."""
    target = notes_at(notes, open_target, admin_id="12")
    notes.troubles.append(LOSES_ANSWER)
    with pytest.raises(Exception, match="no answer"):
        target.put(going(there={"intercom": "c1"}))
    for n in range(120):
        notes.notes.append(
            {"type": "note", "id": f"x{n}", "company": {"type": "company", "id": "c1"}, "body": "Hello"}
        )
    assert target.put(going(there={"intercom": "c1"}, is_repeat=True)).their_id == "1"
    assert notes.records() == ["og-ready-1"]
    assert notes.notes[0]["admin_id"] == "12"
    target.put(going(a_record("og-ready-10"), {"intercom": "c1"}, is_repeat=True))
    assert notes.records() == ["og-ready-1", "og-ready-10"]


def test_an_id_that_begins_like_another_is_another(notes, open_target):
    """og-ready-1 is not found in the note of og-ready-10."""
    target = notes_at(notes, open_target)
    target.put(going(a_record("og-ready-10"), {"intercom": "c1"}))
    target.put(going(a_record("og-ready-1"), {"intercom": "c1"}, is_repeat=True))
    assert notes.records() == ["og-ready-10", "og-ready-1"]


def test_a_company_that_is_gone(notes, open_target):
    """Nothing to wait for."""
    notes.companies = {"c2"}
    with pytest.raises(RecordRefused, match="does not have that company"):
        notes_at(notes, open_target).put(going(there={"intercom": "c1"}))


def test_intercoms_window_is_waited_for(notes, open_target):
    """X-RateLimit-Reset is a moment; without one its window is ten seconds."""
    notes.troubles.extend([Trouble(429, headers={"X_RateLimit_Reset": "1"}), Trouble(429)])
    for wanted in (1, 10):
        with pytest.raises(TargetBusy) as busy:
            notes_at(notes, open_target).put(going(there={"intercom": "c1"}))
        assert busy.value.pause.total_seconds() == wanted
