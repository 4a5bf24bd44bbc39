"""Triggers in a founder's own Python: evaluated like built-in ones, kept apart, and refused in one sentence."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from agent.foundation.errors import ConfigError
from agent.foundation.settings import Settings, read_settings
from agent.signals.library import library_of, load_library
from agent.signals.rule import TRIGGERS
from tests import worlds
from tests.worlds import World

HEAD = """
from agent.signals.formula import ASKS, EVENTS, INVOICES, MEASURES, MEMBERS, TICKETS, Attribute, CeilingOn, Grain, Reading
from agent.signals.rule import Quote, Rule, Show, trigger, window
"""
GOOD = '''
@trigger(group="habits", points=3, play="capacity")
def evening_work(*, at_least: int = 3, days: int = 14, feature: str = "reports", counted: bool = True):
    """Reports again and again."""
    uses = EVENTS.last(days).where(kind="used", feature=feature)
    return Rule(
        value=uses.count(),
        threshold=at_least,
        unit="uses",
        fires=(uses.count() >= at_least) & (uses.days() >= 2),
        says="your team made {reports} on {report_days} in the last {window}",
        quotes=(
            Quote("reports", "reports made", uses.count(), noun=("report", "reports")),
            Quote("report_days", "days with a report", uses.days(), noun=("day", "days")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events",),
    )
'''


def written(folder: Path, code: str, name: str = "triggers.py") -> tuple[str, ...]:
    """A file with this code, as the settings name it."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + dedent(code), encoding="utf-8")
    return (str(path),)


def given(files: tuple[str, ...], **more: Any) -> Settings:
    """The test company's settings with these files."""
    return worlds.settings(trigger_files=files, **more)


def test_a_function_of_ones_own_is_a_trigger_like_any_other(tmp_path: Path):
    """Points, group, play, words and figures, computed twice and with their rows."""
    w = World()
    a = w.account("a")
    w.event(a, "used", 1, times=2, feature="reports")
    w.event(a, "used", 5, feature="reports")
    found = w.scan(given=given(written(tmp_path, GOOD)), show_rows=True)
    [account] = found.accounts
    [finding] = account.findings
    assert found.mismatches == ()
    assert (finding.trigger, finding.group, finding.play, account.points) == (
        "evening_work",
        "habits",
        "capacity",
        3,
    )
    assert finding.says == "your team made 3 reports on 2 days in the last 14 days"
    assert len(finding.figures[0].rows) == 3


def test_its_parameters_are_settings(tmp_path: Path):
    """A table of its name changes them, its group and its play, and switches it off."""
    files = written(tmp_path, GOOD)
    entry = library_of(
        given(files, triggers={"evening_work": {"at_least": 5, "group": "growth", "counted": False}})
    )
    one = entry["evening_work"]
    assert one.rule.threshold == 5
    assert (one.group, one.kind, one.where) == ("growth", "python", "triggers.py line 5")
    assert one.defaults == {"at_least": 3, "days": 14, "feature": "reports", "counted": True}
    off = library_of(given(files, triggers={"evening_work": {"enabled": False}}))
    assert [entry.name for entry in off.off] == ["evening_work"]
    with pytest.raises(ConfigError, match=r"has no setting 'atleast'; did you mean 'at_least'?"):
        library_of(given(files, triggers={"evening_work": {"atleast": 5}}))
    with pytest.raises(ConfigError, match=r"evening_work.counted must be true or false"):
        library_of(given(files, triggers={"evening_work": {"counted": 1}}))


def test_nothing_of_it_stays_behind(tmp_path: Path):
    """The next library, of another workspace, knows nothing of it; no module and no file is left."""
    before, modules = set(TRIGGERS), set(sys.modules)
    library_of(given(written(tmp_path, GOOD)))
    assert set(TRIGGERS) == before
    assert {entry.name for entry in load_library().entries} == before
    assert not {name for name in set(sys.modules) - modules if "own" in name and "outgrown" in name}
    assert [path.name for path in tmp_path.iterdir()] == ["triggers.py"]


def test_a_changed_file_is_read_anew_at_once(tmp_path: Path):
    """Even when it changes within a second and keeps its length."""
    files = written(tmp_path, GOOD)
    assert library_of(given(files))["evening_work"].rule.threshold == 3
    written(tmp_path, GOOD.replace("at_least: int = 3", "at_least: int = 4"))
    assert library_of(given(files))["evening_work"].rule.threshold == 4


def test_the_workspace_names_the_files(tmp_path: Path):
    """triggers.py and triggers/*.py beside outgrown.toml, or those that it names."""
    toml = '[company]\nname="A"\nproduct="A"\nsender_name="D"\nsender_email="d@acme.example"\n'
    path = tmp_path / "outgrown.toml"
    path.write_text(toml)
    assert read_settings(path).trigger_files == ()
    written(tmp_path, GOOD)
    written(tmp_path, GOOD.replace("evening_work", "morning_work"), "triggers/b.py")
    names = [
        Path(name).relative_to(tmp_path.resolve()).as_posix() for name in read_settings(path).trigger_files
    ]
    assert names == ["triggers.py", "triggers/b.py"]
    assert {"evening_work", "morning_work"} <= {
        entry.name for entry in library_of(read_settings(path)).entries
    }
    (tmp_path / "triggers" / "c.py").write_text("raise SystemExit('not ours to run')\n")
    assert len(read_settings(path).trigger_files) == 2
    path.write_text('trigger_files = ["triggers/b.py"]\n' + toml)
    assert [Path(name).name for name in read_settings(path).trigger_files] == ["b.py"]
    path.write_text('trigger_files = ["rules.py"]\n' + toml)
    with pytest.raises(ConfigError, match=r"'trigger_files' names rules.py, which is not in"):
        read_settings(path)


def rule(**changes: str) -> str:
    """A function whose rule has these parts, as Python text."""
    parts = {
        "value": "n", "threshold": "1", "unit": '"x"', "fires": "n >= 1", "says": '"you did it {n}"',
        "quotes": '(Quote("n", "n", n),)', "oldest": "1",
    } | changes  # fmt: skip
    body = ", ".join(f"{name}={text}" for name, text in parts.items())
    return f'''
@trigger(group="growth")
def mine(*, days: int = 3):
    """Mine."""
    n = EVENTS.last(days).count()
    return Rule({body})
'''


BROKEN = {
    "syntax": ("def mine(:\n    pass", "triggers.py line 4 is not valid Python: "),
    "an import that fails": ("\nimport nothing_of_the_kind", "triggers.py line 5: ModuleNotFoundError: No module named"),
    "an error in the file": ("\nx = 1 / 0", "triggers.py line 5: ZeroDivisionError: division by zero; mend it there."),
    "a way out": ("\nraise SystemExit(0)", "triggers.py line 5: SystemExit"),
    "an error in the function": (rule(value="n / (days - 3) / (1 // (days - 3))"), "triggers.py line 9: ZeroDivisionError"),
    "no rule": (rule().replace("return Rule", "return dict"), "triggers.py line 5: mine answers {"),
    "nothing": (rule().replace("return Rule", "Rule"), "triggers.py line 5: mine answers None, which is no Rule"),
    "no formula": (rule(fires="True"), "in mine, the rule's fires is True, which is no formula; mend it there."),
    "a number that fires": (rule(fires="n"), "the rule's fires must be comparisons, such as hits.count() >= 3"),
    "a truth for a value": (rule(value="n >= 1"), "the rule's value has '>=' where a number is needed"),
    "an unknown column": (
        rule(value='EVENTS.where(featur="x").count()'), "triggers.py line 5: in mine, events has no column 'featur'; did you mean 'feature'; mend",
    ),
    "a number for a text": (rule(value="EVENTS.where(kind=3).count()"), "events.kind is a text, so 3 says nothing about it"),
    "an unknown attribute": (rule(value='Attribute("age")'), "there is no attribute 'age' here; did you mean 'age_days'"),
    "a sum of texts": (rule(value='EVENTS.sum("kind")'), "the sum of events.kind is no number"),
    "a newest event": (rule(value='EVENTS.newest_value("age")'), "events has no newest or oldest value"),
    "invoices": (rule(value="INVOICES.count()"), "a rule cannot select from 'invoices'"),
    "the start of tickets": (rule(value="TICKETS.first(3).count()"), "tickets cannot be counted from the account's start"),
    "a metric's leaf": (rule(value="Reading(0)"), "Reading looks at one metric, so the rule needs grain=Grain.METRIC"),
    "events of a metric": (rule(grain="Grain.METRIC"), "a rule about metrics cannot count events"),
    "teams of tickets": (rule(grain="Grain.TEAM", value="TICKETS.count()"), "tickets has no column 'team'"),
    "a window of no days": (rule(value="EVENTS.last(0).count()"), "a window of events must be 1 day or more"),
    "an unknown slot": (rule(says='"you did it {m}"'), "has the unknown slot {m}"),
    "a digit in the words": (rule(says='"you did it 3 times, {n}"'), "writes out '3'; a figure must be a slot"),
    "words that are none": (rule(says="3"), "triggers.py line 5: in mine, the rule's says must be a text, not 3"),
    "a figure twice": (rule(quotes='(Quote("n", "n", n), Quote("n", "m", n))'), "the figure 'n' needs a plain name of its own"),
    "an unknown table": (rule(needs='("evnts",)'), "the rule needs the table 'evnts', which there is not; did you mean 'events'"),
    "keys of an account": (rule(only='("x",)'), "its grain is the account"),
    "no group": (rule().replace('(group="growth")', ""), "mine has no group; write @trigger(group="),
    "unknown group": (rule().replace("growth", "grwth"), "triggers.py line 5: there is no group 'grwth'; did you mean 'growth'?"),
    "unknown play": (rule().replace('"growth"', '"growth", play="capcity"'), "setting 'play' is 'capcity'"),
    "a play that needs a feature": (rule().replace('"growth"', '"growth", play="feature"'), "which must know the feature to offer"),
    "points against the rule book": (
        rule().replace('"growth"', '"growth", points=5'), "the rule book says that group 'growth' is worth 2 points, not 5",
    ),
    "points that are none": (rule().replace('"growth"', '"mine_too", points=50'), "points must be a whole number from 0 to 20, not 50"),
    "a built-in name": (rule().replace("def mine", "def limit_hits"), "'limit_hits' is the name of a built-in trigger"),
    "a positional parameter": (rule().replace("*, days", "days"), "the parameter 'days' of mine must be keyword-only with a default"),
    "a parameter without a default": (rule().replace("int = 3", "int"), "must be keyword-only with a default"),
    "a parameter that no file can set": (rule().replace("int = 3", "int = None"), "must be a number, a truth or a text, not None"),
    "a parameter called group": (rule().replace("days", "group"), "'group' cannot be a parameter's name"),
    "two of one name": (rule() + rule(), "triggers.py line 11: ValueError: there are two triggers called 'mine'"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "says"), BROKEN.values(), ids=BROKEN)
def test_code_that_fails_is_one_sentence_with_its_line(tmp_path: Path, code: str, says: str):
    """The founder reads where, what, and how to mend it; never a traceback."""
    with pytest.raises(ConfigError) as error:
        load_library(files=written(tmp_path, code))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_two_files_cannot_have_a_trigger_of_one_name(tmp_path: Path):
    """The second one is told of the first."""
    files = written(tmp_path, rule()) + written(tmp_path, rule(), "other.py")
    with pytest.raises(
        ConfigError, match=r"other.py line 5: there is a trigger 'mine' in triggers.py line 5 already"
    ):
        load_library(files=files)


def test_a_kind_and_a_function_cannot_share_a_name(tmp_path: Path):
    """Which of the two was meant, only the founder knows."""
    table = {"kind": "share_of_ceiling", "group": "growth", "at_least": 0.5}
    with pytest.raises(
        ConfigError, match=r"triggers.mine has a kind, but triggers.py line 5 defines that trigger"
    ):
        load_library({"mine": table}, files=written(tmp_path, rule()))


def test_a_function_without_a_docstring_is_summed_up_by_its_name(tmp_path: Path):
    """A missing sentence is no error."""
    library = load_library(files=written(tmp_path, rule().replace('"""Mine."""', "")))
    assert library["mine"].summary == "mine"


def test_a_metric_rule_of_ones_own_may_name_its_metrics(tmp_path: Path):
    """`only` keeps the others out."""
    code = '''
    @trigger(group="growth")
    def mine():
        """A level."""
        return Rule(
            grain=Grain.METRIC, value=Reading(0), threshold=5, unit="level", fires=Reading(0) >= 5,
            says="your {metric} came to {level}", quotes=(Quote("level", "{metric}", Reading(0)),), oldest=6,
            needs=("measures", "metrics"), only=("storage",),
        )
    '''
    w = World()
    w.measure(w.account("a"), "storage", {0: 6})
    w.measure(w.account("b"), "calls", {0: 6})
    found = {
        one.account_id: len(one.findings) for one in w.scan(given=given(written(tmp_path, code))).accounts
    }
    assert found == {"a": 1, "b": 0}
