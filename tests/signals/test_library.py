"""The trigger library: the rule book's numbers as data, with the founder's own on top."""

from __future__ import annotations

import pytest

from agent.foundation.errors import ConfigError
from agent.signals.library import load_library
from agent.signals.rule import TRIGGERS
from tests import worlds
from tests.worlds import World, ago


def test_the_shipped_library_has_every_trigger_and_every_group_of_the_rule_book():
    """Names and points are those of rule book §3."""
    library = load_library()
    assert {entry.name for entry in library.entries} == set(TRIGGERS)
    assert len(library.entries) == 25
    assert dict(library.points) == {
        "usage_pressure": 4,
        "growth": 2,
        "team_expansion": 2,
        "feature_interest": 3,
        "support_complexity": 3,
        "urgency": 3,
        "budget": 4,
        "commercial": 1,
        "cross_sell": 3,
    }


def test_an_override_replaces_one_number_and_leaves_the_rest():
    """`[triggers.limit_hits] at_least = 5` keeps the window of 14 days."""
    entry = load_library({"limit_hits": {"at_least": 5}})["limit_hits"]
    assert entry.rule.threshold == 5
    assert dict(entry.parameters) == {"at_least": 5, "days": 14, "different_days": 2}
    assert load_library()["limit_hits"].rule.threshold == 3


def test_a_whole_number_may_stand_for_a_share():
    """`at_least = 1` means 100% where the default is a share."""
    assert load_library({"plan_limit_pressure": {"at_least": 1}})["plan_limit_pressure"].rule.threshold == 1.0


def test_a_trigger_may_move_to_another_group():
    """The group is a setting like any other."""
    assert load_library({"invites": {"group": "growth"}})["invites"].group == "growth"


def test_a_trigger_that_is_switched_off_is_not_looked_at():
    """`enabled = false` takes a trigger out; `true` changes nothing."""
    library = load_library({"limit_hits": {"enabled": False}, "invites": {"enabled": True}})
    assert "limit_hits" not in {entry.name for entry in library.entries}
    assert library["invites"].name == "invites"
    with pytest.raises(KeyError):
        library["limit_hits"]


WRONG = {
    "unknown trigger": (
        {"limit_hit": {"at_least": 5}},
        "there is no trigger 'limit_hit'; did you mean 'limit_hits'?",
    ),
    "unknown trigger, nothing near": ({"zzz": {}}, "there is no trigger 'zzz'; known: plan_limit_pressure,"),
    "unknown setting": (
        {"limit_hits": {"atleast": 5}},
        "trigger 'limit_hits' has no setting 'atleast'; did you mean 'at_least'?",
    ),
    "text for a number": ({"limit_hits": {"at_least": "5"}}, "triggers.limit_hits.at_least must be a number"),
    "truth for a number": (
        {"limit_hits": {"at_least": True}},
        "triggers.limit_hits.at_least must be a number",
    ),
    "below nothing": ({"limit_hits": {"at_least": -1}}, "must be a number of 0 or more, not -1"),
    "half a hit": (
        {"limit_hits": {"at_least": 2.5}},
        "triggers.limit_hits.at_least must be a whole number, not 2.5",
    ),
    "not a number": ({"wau_doubled": {"times": float("nan")}}, "must be a number of 0 or more, not nan"),
    "without end": ({"limit_hits": {"days": float("inf")}}, "must be a number of 0 or more, not inf"),
    "unknown group": (
        {"limit_hits": {"group": "usage_presure"}},
        "no group 'usage_presure'; did you mean 'usage_pressure'?",
    ),
    "number for text": ({"limit_hits": {"group": 4}}, "triggers.limit_hits.group must be text, not 4"),
    "text for a switch": (
        {"limit_hits": {"enabled": "no"}},
        "triggers.limit_hits.enabled must be true or false, not 'no'",
    ),
}


@pytest.mark.parametrize(("overrides", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_named_with_the_nearest_right_one(overrides, says):
    """One sentence: what is wrong, where, and what was probably meant."""
    with pytest.raises(ConfigError) as error:
        load_library(overrides)
    assert says in str(error.value)
    assert "outgrown.toml" in str(error.value)


def test_overrides_reach_the_scan():
    """A stricter bound, a longer look at tickets, and a switch, seen in what accounts are found for."""
    w = World()
    for name in ("stricter", "longer", "off"):
        w.account(name)
    for day in (0, 1, 2):
        w.event("stricter", "limit_hit", day)
    w.ticket("longer", 80, "Please send us a quote for 20 more seats.")
    w.event("off", "invited", 1, times=2, user_id="u1")
    usual = {one.account_id: [finding.trigger for finding in one.findings] for one in w.scan().accounts}
    assert usual == {"stricter": ["limit_hits"], "longer": [], "off": ["invites"]}
    changes = {"limit_hits": {"at_least": 4}, "budget_language": {"days": 81}, "invites": {"enabled": False}}
    changed = w.scan(given=worlds.settings(triggers=changes))
    found = {one.account_id: [finding.trigger for finding in one.findings] for one in changed.accounts}
    assert found == {"stricter": [], "longer": ["budget_language"], "off": []}
    assert changed.accounts[0].findings[0].first_day == ago(80)


def test_a_library_with_one_trigger_still_scans():
    """Everything else switched off leaves no grain half evaluated."""
    w = World()
    w.account("a")
    w.event("a", "limit_hit", 0, times=2)
    w.event("a", "limit_hit", 1)
    off = {name: {"enabled": False} for name in TRIGGERS if name != "limit_hits"}
    [account] = w.scan(given=worlds.settings(triggers=off)).accounts
    assert [finding.trigger for finding in account.findings] == ["limit_hits"]
