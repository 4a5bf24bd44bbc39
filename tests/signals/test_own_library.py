"""A founder's own triggers in outgrown.toml: what is refused, in one sentence, and what becomes of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from agent.drafting.guardrails.words import WORDS
from agent.foundation.errors import ConfigError
from agent.foundation.memo import Memo
from agent.foundation.settings import Settings
from agent.scoring.plays import PLAYS
from agent.signals import library as rules
from agent.signals.kinds import KINDS
from agent.signals.library import internal_names, library_of, load_library
from agent.signals.own.wording import NUMBER_WORDS
from tests import worlds
from tests.worlds import World

COUNT: dict[str, Any] = {
    "kind": "count_in_window", "group": "growth", "event": "used", "days": 30, "at_least": 3,
}  # fmt: skip
SHARE: dict[str, Any] = {"kind": "share_of_ceiling", "group": "growth", "at_least": 0.5}
STREAK: dict[str, Any] = {"kind": "streak", "group": "growth", "at_least": 0.5, "weeks": 3}
GROWTH: dict[str, Any] = {"kind": "growth_against_baseline", "group": "growth", "days": 28, "times": 2}
FIRST: dict[str, Any] = {"kind": "first_seen", "group": "growth", "what": "team", "days": 30}
PHRASE: dict[str, Any] = {"kind": "phrase_in_ticket", "group": "growth", "phrases": ["bulk import"]}

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown kind": (COUNT | {"kind": "count_in_windw"}, "triggers.mine.kind: there is no kind 'count_in_windw'; did you mean 'count_in_window'?"),
    "kind that is a number": (COUNT | {"kind": 3}, "triggers.mine.kind: there is no kind '3'; known: count_in_window,"),
    "unknown setting": (COUNT | {"atleast": 3}, "[triggers.mine]: unknown setting 'atleast'; did you mean 'at_least'."),
    "setting of another kind": (SHARE | {"weeks": 3}, "[triggers.mine]: unknown setting 'weeks'"),
    "missing setting": ({k: v for k, v in COUNT.items() if k != "days"}, "[triggers.mine]: setting 'days' is missing; add it."),
    "missing group": ({k: v for k, v in COUNT.items() if k != "group"}, "setting 'group' is missing"),
    "unknown group": (COUNT | {"group": "grwth"}, "triggers.mine.group: there is no group 'grwth'; did you mean 'growth'?"),
    "no days": (COUNT | {"days": 0}, "setting 'days' must be 1 or more (given: 0)"),
    "endless days": (COUNT | {"days": 731}, "setting 'days' must be 730 or less (given: 731)"),
    "text for a number": (COUNT | {"days": "30"}, "setting 'days' must be a whole number (given: '30')"),
    "half a time": (COUNT | {"at_least": 2.5}, "setting 'at_least' must be a whole number (given: 2.5)"),
    "truth for a number": (COUNT | {"at_least": True}, "setting 'at_least' must be a whole number (given: True)"),
    "unknown event": (COUNT | {"event": ["used", "xyz"]}, "setting 'event' has 'xyz', which there is not; known: used, blocked"),
    "near event": (COUNT | {"event": "blockd"}, "has 'blockd', which there is not; did you mean 'blocked'"),
    "no event": ({k: v for k, v in COUNT.items() if k != "event"}, "setting 'event' is missing; name the kinds"),
    "unknown priority": (COUNT | {"of": "tickets", "priority": "hgh"}, "did you mean 'high'"),
    "what does not go together": (COUNT | {"of": "tickets"}, 'setting \'event\' goes with of = "events" only'),
    "role of an event": (COUNT | {"role": "guest"}, 'setting \'role\' goes with of = "members" only'),
    "more days than the window": (COUNT | {"different_days": 31}, "setting 'different_days' must be 30 or less"),
    "share over ten": (SHARE | {"at_least": 80}, "setting 'at_least' must be 10 or less (given: 80)"),
    "no share": (SHARE | {"at_least": 0}, "setting 'at_least' must be more than 0 (given: 0)"),
    "not a number": (SHARE | {"at_least": float("nan")}, "setting 'at_least' "),
    "streak over ten": (STREAK | {"at_least": 80}, "setting 'at_least' must be 10 or less for a share"),
    "one week": (STREAK | {"weeks": 1}, "setting 'weeks' must be 2 or more"),
    "level of what": (STREAK | {"measure": "level"}, "setting 'metric' is missing; a level is one of a named metric"),
    "growth of what": (GROWTH, "setting 'event' is missing"),
    "growth of two things": (GROWTH | {"metric": "exports", "event": "used"}, "setting 'event' does not go with a metric"),
    "growth of seats": (GROWTH | {"metric": "seats"}, "setting 'metric' cannot be \"seats\""),
    "first what": (FIRST | {"what": "plan"}, "setting 'what' must be one of feature, team, product, user"),
    "no phrase": (PHRASE | {"phrases": []}, "setting 'phrases' "),
    "phrase of signs": (PHRASE | {"phrases": ["?!"]}, "setting 'phrases' has '?!', which must be words"),
    "endless phrase": (PHRASE | {"phrases": ["a" * 101]}, "100 characters at most"),
    "unknown play": (COUNT | {"play": "capcity"}, "setting 'play' is 'capcity', which there is not; did you mean 'capacity'"),
    "a play that needs a feature": (SHARE | {"play": "feature"}, "which must know the feature to offer; make the trigger about each feature"),
    "a digit in the words": (COUNT | {"says": "you did it 5 times"}, "setting 'says' writes out '5'; a figure must be a slot, such as {window}."),
    "a number word": (COUNT | {"says": "you did it Twelve times"}, "writes out 'twelve'"),
    "a currency": (COUNT | {"says": "that is {count} €"}, "writes out '€'"),
    "an arabic digit": (COUNT | {"says": "٣ {count}"}, "writes out '٣'"),
    "an unknown slot": (COUNT | {"says": "you did it {cuont}"}, "has the unknown slot {cuont}; did you mean 'count'"),
    "a slot with a format": (COUNT | {"says": "you did it {count:.0f}"}, "must be a plain name"),
    "a slot into an object": (COUNT | {"says": "you did it {count.__class__}"}, "must be a plain name"),
    "an open brace": (COUNT | {"says": "you did it {count"}, "has a brace without its partner"),
    "a link": (COUNT | {"says": "see https://evil.example {count}"}, "holds '//'; write plain words"),
    "an unseen character": (COUNT | {"says": "you\u202e {count}"}, "holds an unseen character (U+202E)"),
    "nothing said": (COUNT | {"says": " "}, "setting 'says' must be a sentence"),
}  # fmt: skip


@pytest.mark.parametrize(("table", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_trigger_of_ones_own_is_one_sentence(table: dict[str, Any], says: str):
    """The file, the trigger, the setting, what is wrong with it, and how to mend it."""
    with pytest.raises(ConfigError) as error:
        load_library({"mine": table})
    assert says in str(error.value)
    assert str(error.value).startswith("outgrown.toml")
    assert "mine" in str(error.value)


NAMES = {
    "built-in": ("limit_hits", "that is the name of a built-in trigger"),
    "capitals": ("ManyExports", "'ManyExports' cannot be a trigger's name"),
    "sign": ("many-exports", "'many-exports' cannot be a trigger's name"),
    "too long": ("a" * 41, "at most 40"),
}


@pytest.mark.parametrize(("name", "says"), NAMES.values(), ids=NAMES)
def test_a_name_that_cannot_be_one_is_refused(name: str, says: str):
    """Names are columns and keys, and the rule book's are taken."""
    with pytest.raises(ConfigError, match=says):
        load_library({name: COUNT})


def test_a_phrase_trigger_cannot_take_the_name_of_a_ticket_class():
    """Its class would be mixed with the classifier's own."""
    with pytest.raises(ConfigError, match="'budget' is a class that tickets already have"):
        load_library({"budget": PHRASE})


def test_an_unknown_trigger_without_a_kind_hears_of_kinds():
    """Whoever wanted a trigger of their own is told how to make one."""
    with pytest.raises(
        ConfigError, match="A trigger of your own needs a kind: count_in_window, share_of_ceiling"
    ):
        load_library({"zzz": {"days": 3}})


GROUPS = {
    "too much": ({"growth": 21}, "groups.growth must be a whole number from 0 to 20, not 21"),
    "less than nothing": ({"growth": -1}, "not -1"),
    "a truth": ({"growth": True}, "not True"),
    "nobody's": (
        {"usage_presure": 3},
        "groups.usage_presure has no trigger in it; did you mean 'usage_pressure'?",
    ),
    "a bad name": ({"Usage Pressure": 3}, "cannot be a group's name"),
}


@pytest.mark.parametrize(("groups", "says"), GROUPS.values(), ids=GROUPS)
def test_a_wrong_group_is_one_sentence(groups: dict[str, Any], says: str):
    """Points are 0 to 20, and a group somebody declares must be somebody's."""
    with pytest.raises(ConfigError) as error:
        load_library({}, groups)
    assert says in str(error.value)


def test_groups_change_what_is_given_and_bring_new_ones():
    """`[groups]` overrides the rule book's points; the order is the rule book's, then the new ones."""
    library = load_library({"mine": COUNT | {"group": "habits"}}, {"habits": 5, "growth": 4})
    assert library.points["growth"] == 4
    assert library.points["usage_pressure"] == 4
    assert list(library.points)[-1] == "habits"
    w = World()
    w.event(w.account("a"), "used", 1, times=3)
    given = worlds.settings(triggers={"mine": COUNT | {"group": "habits"}}, groups={"habits": 5})
    [account] = w.scan(given=given).accounts
    assert (account.points, account.groups) == (5, {"habits": 5})


def test_there_is_a_most_of_triggers():
    """More than a replay can tell apart is an error, and not a wrong answer."""
    tables = {f"mine_{n}": COUNT | {"at_least": n + 1} for n in range(36)}
    assert len(load_library({name: tables[name] for name in list(tables)[:35]}).entries) == 60
    with pytest.raises(ConfigError, match="61 triggers are switched on, and 60 is the most"):
        load_library(tables)


def test_an_own_trigger_can_be_switched_off():
    """It stays in the list, and is not looked at."""
    library = load_library({"mine": COUNT | {"enabled": False}})
    assert "mine" not in {entry.name for entry in library.entries}
    assert [entry.name for entry in library.off] == ["mine"]


def test_what_an_entry_knows_of_itself():
    """Kind, place, play and the settings that were written."""
    entry = load_library({"mine": COUNT | {"play": "capacity"}})["mine"]
    assert (entry.kind, entry.where, entry.own, entry.play) == (
        "count_in_window",
        "outgrown.toml",
        True,
        "capacity",
    )
    assert dict(entry.parameters) == {"event": ("used",), "days": 30, "at_least": 3}
    assert load_library({"mine": COUNT | {"play": "capacity"}}).playing("capacity") == ("mine",)
    assert load_library()["limit_hits"].own is False


def test_a_changed_rule_changes_the_memory_of_plans():
    """A plan is remembered by the library it was written for."""
    keys = {Memo.key(load_library({"mine": COUNT | {"at_least": n}})) for n in (3, 4, 3)}
    assert len(keys) == 2
    share = {
        Memo.key(load_library({"mine": SHARE | {"metric": metric}})) for metric in ("storage", "exports")
    }
    assert len(share) == 2


def test_the_library_of_settings_has_triggers_and_groups():
    """One call for whoever holds the settings."""
    given: Settings = worlds.settings(triggers={"mine": COUNT | {"group": "habits"}}, groups={"habits": 5})
    assert library_of(given)["mine"].group == "habits"


def test_a_metric_that_is_not_there_is_said_and_not_passed_over():
    """A trigger that could never fire is an error of the settings, at the scan that would have used it."""
    w = World()
    w.account("a")
    given = worlds.settings(triggers={"mine": SHARE | {"metric": ["storage", "exprts"]}})
    with pytest.raises(ConfigError) as error:
        w.scan(given=given)
    assert "triggers.mine: there is no metric 'exprts' in the metrics table; did you mean 'exports'" in str(
        error.value
    )
    off = worlds.settings(triggers={"mine": SHARE | {"metric": "exprts", "enabled": False}})
    assert w.scan(given=off).accounts


def test_seats_are_a_metric_that_needs_no_row():
    """They are counted from the members."""
    w = World()
    a = w.account("a", seats=2)
    w.member(a, "u1", 50)
    given = worlds.settings(triggers={"mine": SHARE | {"metric": "seats"}})
    [account] = w.scan(given=given).accounts
    assert [f.trigger for f in account.findings] == ["mine"]


def test_names_of_own_triggers_are_kept_from_messages_unless_they_are_plain_words():
    """A single word is everybody's, and so is what the founder's own sentence says."""
    tables = {
        "heavy_exporters": COUNT,
        "exports": COUNT,
        "busy_team": COUNT | {"says": "you are a busy team: {count} in the last {window}"},
    }
    library = load_library(
        {name: t | {"group": "odd_habits"} for name, t in tables.items()}, {"odd_habits": 2}
    )
    assert internal_names(library) == ("heavy exporters", "odd habits")


def test_the_closed_lists_agree_with_the_rooms_that_own_them():
    """Plays are scoring's, number words the guardrails'."""
    assert set(rules.PLAYS) == set(PLAYS)
    spelled = {*WORDS.ones, *WORDS.tens, *WORDS.ordinals} - {"first", "zeroth", ""}
    assert {word for word in spelled if word.isalpha()} - NUMBER_WORDS == set()


def test_every_kind_has_words_of_its_own():
    """A kind's summary is what the list of triggers shows."""
    assert all((kind.__doc__ or "").strip().endswith(".") for kind in KINDS.values())
