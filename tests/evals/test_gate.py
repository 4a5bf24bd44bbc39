"""An evaluation held against an earlier one: what closes the gate, and what does not."""

from __future__ import annotations

import contextlib
import io
import json
import math
import subprocess
import sys
from datetime import timedelta

import pytest

from agent.foundation.errors import InputError
from evals.quality import differences
from evals.quality.__main__ import main
from evals.quality.comparison import Outcome, Part
from evals.quality.gate import compare
from evals.quality.measures import Unit, percent, signed, written
from evals.quality.result import Agreement, Preference
from evals.quality.saved import newest, place_for, read, save
from tests.evals.evaluations import MADE, a_case, a_checker, a_run

LATER = MADE + timedelta(days=1)
SCORES = {"judge_teammate": 4.0, "reading_ease": 65.0, "sameness": 0.2, "words": 90.0}


def the_row(found, part, name):
    """The one row of that name."""
    [row] = [row for row in found.rows if (row.part, row.name) == (part, name)]
    return row


def cases(failing=0, rule="ungrounded_figure", of=40, **values):
    """Drafts, the first `failing` of them blocked."""
    return [a_case(n, blocked=[rule] if n < failing else [], **values) for n in range(of)]


def alike(**values):
    """Forty drafts with the same scores and the same cost."""
    given = {"scores": SCORES, "tokens_in": 1900, "cost_micro": 640} | values
    return tuple(a_case(n, **given) for n in range(40))


def test_shares_of_different_things_differ_as_newcombe_published():
    """56 of 70 against 48 of 80 (1998, method 10): 0.0524 to 0.3339."""
    assert differences.of_rates((48, 80), (56, 70)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_shares_of_the_same_cases_differ_as_newcombe_published():
    """36 both, 12 only now, 2 only before, none neither (1998, paired, method 10): 0.0569 to 0.3404."""
    new, old = [True] * 48 + [False] * 2, [True] * 36 + [False] * 12 + [True] * 2
    assert differences.of_paired_rates(old, new) == pytest.approx((0.0569, 0.3404), abs=5e-5)


def test_a_mean_of_few_cases_has_no_interval():
    """Four differences tell nothing, five equal ones do."""
    assert differences.of_means([1.0] * 4) is None
    assert differences.of_means([1.0] * 5) == (1.0, 1.0)


def test_the_same_evaluation_is_not_worse_than_itself():
    """Nothing moved: the gate is open and every difference nought."""
    found = compare(a_run(), a_run(made_at=LATER))
    assert found.worse == ()
    assert {row.difference for row in found.rows} == {0.0}
    assert {row.outcome for row in found.rows} <= {Outcome.SAME, Outcome.UNSURE}
    assert found.changes == found.notes == ()
    assert found.comparisons > 30


@pytest.mark.parametrize(("failing", "closes"), [(1, False), (4, False), (5, True), (20, True)])
def test_a_guardrail_closes_the_gate_beyond_its_interval_only(failing, closes):
    """Of forty drafts that passed, four blocked ones may be chance, five are not."""
    found = compare(a_run(), a_run(cases(failing)))
    row = the_row(found, Part.GUARDRAILS, "ungrounded_figure")
    assert row.fails is closes
    assert (row.interval[1] < 0) is closes
    assert any("ungrounded_figure" in name for name in found.worse) is closes
    assert len(found.changes) == failing


def test_a_changed_verdict_is_told_with_both_texts():
    """Worse ones first, each with what was and what is."""
    old = a_run([a_case(0, blocked=["length"]), a_case(1, body="Before."), a_case(2)])
    new = a_run(
        [a_case(0), a_case(1, body="After.", blocked=["no_pressure"]), a_case(2, fell_back="timeout")]
    )
    found = compare(old, new)
    assert [(one.case_id, one.outcome) for one in found.changes] == [
        ("case-01", Outcome.WORSE),
        ("case-02", Outcome.WORSE),
        ("case-00", Outcome.BETTER),
    ]
    first = found.changes[0]
    assert (first.was, first.is_now) == ("passes", "blocked by no_pressure")
    assert (first.old.body, first.new.body) == ("Before.", "After.")
    assert found.changes[1].is_now == "passes; the template stood in (timeout)"


def test_a_better_evaluation_is_told_and_passes():
    """Fewer blocked drafts are better, and no reason to fail."""
    found = compare(a_run(cases(20)), a_run())
    assert the_row(found, Part.GUARDRAILS, "every_guardrail").outcome is Outcome.BETTER
    assert found.worse == ()


@pytest.mark.parametrize(
    ("changed", "closes"),
    [
        pytest.param({"checker": a_checker(caught=296)}, False, id="recall within"),
        pytest.param({"checker": a_checker(caught=280)}, True, id="recall beyond"),
        pytest.param({"checker": a_checker(alarms=4)}, False, id="false alarms within"),
        pytest.param({"checker": a_checker(alarms=12)}, True, id="false alarms beyond"),
        pytest.param({"checker": a_checker(figures=(100, 121))}, True, id="one rule beyond"),
        pytest.param({"cases": alike(scores=SCORES | {"judge_teammate": 3.0})}, True, id="tone beyond"),
        pytest.param({"cases": alike(scores=SCORES | {"sameness": 0.9})}, True, id="more alike"),
        pytest.param({"cases": alike(scores=SCORES | {"words": 110.0})}, False, id="longer is neither"),
        pytest.param(
            {"cases": alike(scores=SCORES | {"reading_ease": 62.0})}, False, id="reading ease within a tenth"
        ),
        pytest.param({"cases": alike(scores=SCORES | {"reading_ease": 40.0})}, True, id="hard to read"),
        pytest.param({"cases": alike(tokens_in=2050)}, False, id="tokens within a tenth"),
        pytest.param({"cases": alike(tokens_in=4000)}, True, id="tokens doubled"),
        pytest.param({"cases": alike(cost_micro=2000)}, True, id="cost"),
        pytest.param({"cases": alike(seconds=60.0)}, False, id="slower machine"),
        pytest.param({"cases": alike(fell_back="malformed")}, True, id="template stood in"),
    ],
)
def test_what_closes_the_gate(changed, closes):
    """Each part by itself, a little and a lot worse."""
    old = a_run(alike())
    assert bool(compare(old, old.model_copy(update=changed)).worse) is closes


@pytest.mark.parametrize(("wins", "closes"), [(18, False), (5, True)])
def test_preferences_are_compared(wins, closes):
    """A tie is half a win."""
    new = Preference(writer="model", against="template", wins=wins, losses=32 - wins, ties=8, flipped=3)
    found = compare(a_run(), a_run(preferences=(new,)))
    row = the_row(found, Part.PREFERENCES, "model:template")
    assert row.new == (wins + 4) / 40
    assert row.fails is closes


def test_agreement_is_compared_where_both_have_an_interval():
    """From the two intervals; without one the row is shown and cannot fail."""
    new = Agreement(judge="tone", labels=80, kappa=0.1, interval=(-0.1, 0.3))
    assert the_row(compare(a_run(), a_run(agreements=(new,))), Part.AGREEMENT, "tone").fails
    bare = new.model_copy(update={"interval": None})
    row = the_row(compare(a_run(), a_run(agreements=(bare,))), Part.AGREEMENT, "tone")
    assert (row.outcome, row.fails) == (Outcome.UNSURE, False)


def test_classifiers_are_compared():
    """On how many tickets the two engines agree."""
    found = compare(a_run(), a_run(classifier={"tickets": 200, "agreeing": 120, "kappa_scope": 0.2}))
    assert the_row(found, Part.CLASSIFIER, "agreeing").fails
    assert the_row(found, Part.CLASSIFIER, "kappa_scope").outcome is Outcome.UNSURE


def test_a_kappa_with_its_interval_can_close_the_gate():
    """The two intervals make that of the difference."""
    old, new = ({"tickets": 9, "kappa": k, "kappa low": k - 0.1, "kappa high": k + 0.1} for k in (0.8, 0.4))
    assert the_row(compare(a_run(classifier=old), a_run(classifier=new)), Part.CLASSIFIER, "kappa").fails


def test_only_common_cases_are_compared():
    """A case that one of them lacks counts for neither, and is named."""
    found = compare(a_run(cases(of=12)), a_run([*cases(of=12)[2:], a_case(77, blocked=["length"])]))
    assert (len(found.common), found.only_old, found.only_new) == (10, ("case-00", "case-01"), ("case-77",))
    assert the_row(found, Part.GUARDRAILS, "every_guardrail").counts == ("10 of 10", "10 of 10")


def test_other_writers_drafts_do_not_count():
    """The plain prompt is there to be beaten; what blocks it is no fault of ours."""
    plain = [a_case(n, writer="plain", blocked=["no_pressure"]) for n in range(40)]
    assert compare(a_run(), a_run(cases() + plain)).worse == ()


def test_without_a_common_case_the_checker_is_compared_alone():
    """And that is said."""
    found = compare(a_run(cases(of=3)), a_run([a_case(9)]))
    assert {row.part for row in found.rows if row.interval} <= {
        Part.CAUGHT, Part.FALSE_ALARMS, Part.PREFERENCES, Part.AGREEMENT, Part.CLASSIFIER,
    }  # fmt: skip
    assert any("no case in common" in note for note in found.notes)


def test_a_gate_with_nothing_to_compare_does_not_open():
    """No case and no checker in common is an error."""
    nothing = {"checker": None, "preferences": (), "agreements": (), "classifier": {}}
    with pytest.raises(InputError, match="no case and no checker in common"):
        compare(a_run([a_case(0)], **nothing), a_run([a_case(1)], **nothing))


def test_a_rule_that_is_no_longer_measured_closes_the_gate():
    """Taking a rule out must not look like keeping it."""
    without = a_checker()
    without = without.model_copy(
        update={"rules": tuple(one for one in without.rules if one.rule != "wrong_name")}
    )
    found = compare(a_run(), a_run(checker=without))
    assert found.not_measured == ("wrong_name",)
    assert found.worse


def test_a_checker_that_was_not_run_is_said_and_not_compared():
    """It was left out by name."""
    found = compare(a_run(), a_run(checker=None))
    assert found.worse == ()
    assert "The new evaluation did not run the checker; it is not compared." in found.notes


def test_newly_missed_faults_are_listed():
    """And those that are caught again."""
    found = compare(
        a_run(checker=a_checker(missed=["p-1", "p-2"])), a_run(checker=a_checker(missed=["p-2", "p-3"]))
    )
    assert [miss.draft_id for miss in found.newly_missed] == ["p-3"]
    assert [miss.draft_id for miss in found.no_longer_missed] == ["p-1"]


def test_what_else_differs_is_said():
    """Prompts by name, model, writer, version, stand-in."""
    new = a_run(
        model="openai:large", is_standin=True, version="0.2.0", prompts={"draft": "cccc", "repair": "dddd"}
    )
    said = " ".join(compare(a_run(), new).notes)
    for part in (
        "The model was openai:small and is openai:large.",
        "The version was 0.1.0 and is 0.2.0.",
        "The prompt draft changed (aaaa11112222 to cccc).",
        "The prompt repair is new.",
        "The prompt system is gone.",
        "scripted stand-in",
    ):
        assert part in said


def test_another_model_may_cost_more():
    """Spending is held against the same writer and model only."""
    dear = cases(tokens_in=9000, cost_micro=90_000)
    assert compare(a_run(), a_run(dear)).worse
    assert compare(a_run(), a_run(dear, model="openai:large")).worse == ()


def test_what_is_let_pass_is_told():
    """A little harder to read: worse beyond its interval, and no reason to fail."""
    found = compare(a_run(alike()), a_run(alike(scores=SCORES | {"reading_ease": 62.0})))
    assert the_row(found, Part.SCORES, "reading_ease").outcome is Outcome.WITHIN


def test_a_model_is_held_against_the_template():
    """That the template stands in is no change where the template wrote before; a blocked draft is."""
    old = a_run([a_case(n, writer="template") for n in range(40)], writer="template")
    new = a_run([a_case(0, fell_back="timeout"), a_case(1, blocked=["tone"]), *cases()[2:]])
    found = compare(old, new)
    assert [one.case_id for one in found.changes] == ["case-01"]
    assert not [row for row in found.rows if row.name == "own_words"]
    assert "The writer was template and is model." in found.notes


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_a_score_that_is_no_number_is_left_out(nothing):
    """Pairs without it are compared, and a score that is nowhere is named."""
    drafts = cases()
    some = [one.model_copy(update={"scores": one.scores | {"tone_of": 0.5}}) for one in drafts]
    lacking = [one.model_copy(update={"scores": one.scores | {"tone_of": nothing}}) for one in drafts]
    row = the_row(compare(a_run(some), a_run(some[:30] + lacking[30:])), Part.SCORES, "tone_of")
    assert row.counts == ("30 drafts", "30 drafts")
    found = compare(a_run(some), a_run(lacking))
    assert not [row for row in found.rows if row.name == "tone_of"]
    assert "Scored in the baseline and not now, so not compared: tone_of." in found.notes


def test_few_cases_cannot_close_the_gate_by_a_score():
    """Four drafts are too few for a mean's interval."""
    old, new = (a_run([a_case(n, scores={"reading_ease": ease}) for n in range(4)]) for ease in (70.0, 20.0))
    row = the_row(compare(old, new), Part.SCORES, "reading_ease")
    assert (row.outcome, row.interval, row.fails) == (Outcome.UNSURE, None, False)


def test_a_clear_fall_also_stands_when_many_measures_are_compared():
    """A large fall is marked certain, one just beyond its interval is not."""
    slight = the_row(compare(a_run(), a_run(cases(5))), Part.GUARDRAILS, "every_guardrail")
    large = the_row(compare(a_run(), a_run(cases(30))), Part.GUARDRAILS, "every_guardrail")
    assert (slight.fails, slight.is_certain) == (True, False)
    assert (large.fails, large.is_certain) == (True, True)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.0, Unit.SHARE, "100%"),
        (0.9731, Unit.SHARE, "97.3%"),
        (0.99973, Unit.SHARE, "99.97%"),
        (0.0, Unit.SHARE, "0%"),
        (640.0, Unit.MONEY, "0.00064"),
        (None, Unit.POINTS, "–"),
        (math.nan, Unit.POINTS, "–"),
        (1204.4, Unit.TOKENS, "1,204"),
    ],
)
def test_figures_are_written_for_people(value, unit, text):
    """Almost all is not all."""
    assert written(value, unit) == text


def test_differences_are_written_with_their_sign():
    """And nought without one."""
    assert [signed(x, Unit.SHARE) for x in (-0.15, 0.004, 0.0)] == ["−15.0", "+0.4", "0.0"]
    assert percent(0.00004) == "0.004%"


def test_a_saved_evaluation_is_read_as_it_was(tmp_path):
    """Written, found as the newest, read."""
    first, second = a_run(), a_run(made_at=LATER)
    for run in (second, first, first):
        save(run, place_for(run, tmp_path))
    assert len(list(tmp_path.iterdir())) == 3
    assert read(newest(tmp_path)) == second
    assert (newest(tmp_path).stat().st_mode & 0o777) == 0o600
    assert newest(tmp_path, but=newest(tmp_path)).stem.endswith("-02")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not a JSON document"),
        ("\xff", "is not a JSON document"),
        ("[1]", "is no evaluation this version can read"),
        ('{"made_at": "2026-03-02T09:30:00"}', "version: field required"),
        ('{"rows": [], "old_made_at": "2026-03-02"}', "is no evaluation this version can read"),
    ],
)
def test_a_broken_baseline_is_one_sentence(tmp_path, text, said):
    """What is wrong, and how to mend it."""
    path = tmp_path / "base.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=said) as failed:
        read(path)
    assert "\n" not in str(failed.value)


def test_a_baseline_that_is_not_there_is_said(tmp_path):
    """A file, a folder, an empty folder."""
    with pytest.raises(InputError, match="There is no file"):
        read(tmp_path / "none.json")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(InputError, match="no earlier evaluation"):
        newest(tmp_path / "none")


def gate(folder, *words):
    """The evaluation as its process would run it."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as ended:
            code = ended.code
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a baseline, an equal evaluation and a worse one."""
    folder = tmp_path_factory.mktemp("saved")
    save(a_run(), folder / "base.json")
    save(a_run(made_at=LATER), folder / "equal.json")
    save(a_run(cases(12), made_at=LATER), folder / "worse.json")
    return folder


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--run", "equal.json"], 0),
        (["--run", "equal.json", "--against", "base.json"], 0),
        (["--run", "worse.json", "--against", "base.json"], 1),
        (["--run", "base.json", "--against", "worse.json"], 0),
        (["--run", "equal.json", "--against", "none.json"], 1),
        (["--run", "equal.json", "--against", "last"], 2),
        (["--run", "equal.json", "--against", "last", "--out", "empty"], 1),
        (["--writer", "nobody"], 2),
        (["--what"], 2),
        (["--workspace", "nowhere"], 2),
    ],
)
def test_the_exit_code_tells(saved, words, code):
    """0 done, 1 worse or failed, 2 wrong arguments; never a traceback."""
    done = gate(saved, *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_ends_with_that_code(saved):
    """What is returned is what the shell sees."""
    words = ("--run", "worse.json", "--against", "base.json")
    done = subprocess.run(
        [sys.executable, "-m", "evals.quality", *words], cwd=saved, capture_output=True, check=False
    )
    assert done.returncode == 1


def test_json_is_one_document_that_is_a_baseline_itself(saved):
    """The evaluation's own keys, with the comparison beside them."""
    done = gate(saved, "--run", "worse.json", "--against", "base.json", "--json")
    document = json.loads(done.stdout)
    assert document["writer"] == "model"
    assert any("ungrounded_figure" in name for name in document["comparison"]["worse"])
    (saved / "printed.json").write_text(done.stdout, "utf-8")
    assert gate(saved, "--run", "worse.json", "--against", "printed.json").returncode == 0


def test_last_is_the_newest_one_kept(saved, tmp_path):
    """And not the one that is being looked at."""
    good, bad = a_run(), a_run(cases(12), made_at=LATER)
    save(good, place_for(good, tmp_path))
    path = place_for(bad, tmp_path)
    save(bad, path)
    assert gate(saved, "--run", str(path), "--out", str(tmp_path), "--against", "last").returncode == 1
    assert gate(saved, "--run", "worse.json", "--out", str(tmp_path), "--against", "last").returncode == 0


def test_the_text_says_what_is_worse_first(saved):
    """The first line is the verdict."""
    done = gate(saved, "--run", "worse.json", "--against", "base.json")
    assert done.stdout.startswith("Worse than the baseline: drafts that pass a guardrail (Every guardrail, ")
    assert "case-00: passes before, blocked by ungrounded_figure now" in done.stdout
