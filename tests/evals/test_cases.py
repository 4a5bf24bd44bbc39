"""The cases of the evaluation: that they load, that templates master them, and what is said of a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="pyyaml comes with the extra 'evals'")

from agent.drafting.guardrails import check
from agent.drafting.writer import framings, write
from agent.foundation.errors import InputError
from evals.quality.cases import FOLDER, Case, load_case, load_cases

NAMES = sorted(path.stem for path in FOLDER.iterdir())


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """All of them, by id."""
    return {case.case_id: case for case in load_cases()}


def test_every_file_is_a_case_of_its_own_name(cases: dict[str, Case]):
    """At least 66, one file each, in the order of their names, no two alike."""
    assert list(cases) == NAMES
    assert len(NAMES) >= 66
    assert all(path.suffix == ".yaml" for path in FOLDER.iterdir())
    seen = [
        (one.title, one.why, one.brief.brief_id, one.brief.recipient.account_name) for one in cases.values()
    ]
    assert [len(set(column)) for column in zip(*seen, strict=True)] == [len(NAMES)] * 4


def test_loading_twice_gives_the_same_briefs(cases: dict[str, Case]):
    """A case depends on its files alone."""
    assert [case.brief.brief_id for case in load_cases()] == [case.brief.brief_id for case in cases.values()]


def test_cases_are_chosen_by_id_and_by_tag():
    """Ids, awkwardness, play and currency; a name that no case has is refused with the nearest."""
    both = load_cases(["scope_paid_once", "jpy"])
    assert [case.case_id for case in both] == ["capacity_in_yen", "scope_in_yen", "scope_paid_once"]
    with pytest.raises(
        InputError, match=r"no case and no tag 'capacity_plane'.*did you mean 'capacity_plain'"
    ):
        load_cases(["capacity_plane"])


@pytest.mark.parametrize("name", NAMES)
def test_the_template_masters_every_case(cases: dict[str, Case], name: str):
    """In every framing of the play, without a block and without a warning."""
    case = cases[name]
    assert len(framings(case.brief.play)) >= 2
    for framing in framings(case.brief.play):
        message = write(case.brief, framing)
        found = check(message, case.brief, case.around)
        assert not found, (found, message.text)


BROKEN = {
    "unknown key": ("play: capacity", "plays: capacity", r"unknown setting 'plays'; did you mean 'play'"),
    "unknown account key": ("segment: small", "size: small", r"unknown setting 'account\.size'"),
    "unknown offer key": ("kind: plan_upgrade", "kinds: plan_upgrade", r"unknown setting 'offer\.kinds'; did you mean 'kind'"),
    "missing key": ("play: capacity\n", "", r"setting 'play' is missing; add it"),
    "no such play": ("play: capacity", "play: capacities", r"No finding of .* explains the play capacities"),
    "wrong segment": ("segment: small", "segment: tiny", r"setting 'account\.segment' must be one of"),
    "unknown company": ("company: quillmark", "company: quilmark", r"no company 'quilmark'; did you mean 'quillmark'"),
    "unknown trigger": ("near_ceiling", "near_ceilings", r"no trigger 'near_ceilings'; did you mean 'near_ceiling'"),
    "unknown figure": ("used: 940", "usd: 940", r"near_ceiling has no figure 'usd'; did you mean 'used'"),
    "missing figure": ("ceiling: 1000, ", "", r"near_ceiling lacks the figure 'ceiling'; add it to 'figures'"),
    "text for a figure": ("used: 940", "used: many", r"findings\.1\.figures\.used.* must be"),
    "does not fire": ("used: 940", "used: 540", r"near_ceiling does not fire on these figures; mend them"),
    "told twice": ("trigger: seats_added, figures: {members_joined: 3}", "trigger: budget_language, figures: {budget_requests: 1}",
                   r"budget_language is told twice"),
    "about nothing": ("about: exports, ", "", r"near_ceiling is about 1 metric or more; name them in 'about'"),
    "about something": ("trigger: seats_added,", "trigger: seats_added, about: sso,", r"take out 'about'"),
    "not ready": ("  - {trigger: budget_language, figures: {budget_requests: 1}}\n", "", r"6 points in 2 groups are short of 9 in 2"),
    "not YAML": ("title: ", "title: [", r"line \d+ is not valid YAML: .*; mend it there"),
    "setting": ("play: capacity", "settings: {scorings: {}}\nplay: capacity", r"unknown setting 'scorings'; did you mean 'scoring'"),
}  # fmt: skip
"What is changed in a case that is right, into what, and what is said of it."


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_case_says_what_where_and_how_to_mend_it(fault: str, tmp_path: Path):
    """One sentence that begins with the file."""
    old, new, said = BROKEN[fault]
    right = (FOLDER / "capacity_plain.yaml").read_text(encoding="utf-8")
    assert old in right
    path = tmp_path / "broken.yaml"
    path.write_text(right.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        load_case(path)
    assert str(caught.value).startswith("broken.yaml")
    assert "\n" not in str(caught.value)


def test_a_figure_made_of_several_numbers_is_told_as_all_of_them(tmp_path: Path):
    """Workarounds seen and told are two numbers, whose sum a message quotes; one of them alone is refused."""
    right = (FOLDER / "service_workaround_in_tickets.yaml").read_text(encoding="utf-8")
    path = tmp_path / "broken.yaml"
    path.write_text(right.replace("workarounds: [2, 3]", "workarounds: 5"), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"repeated_workaround\.workarounds is made of 2 numbers; list them in"
    ):
        load_case(path)
    path.write_text(right, encoding="utf-8")
    assert load_case(path).brief.figure("workarounds").display == "5 times"


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"title: \xff\n"])
def test_a_file_that_is_no_case_at_all_is_refused(content: bytes, tmp_path: Path):
    """An empty file, a list, and bytes that are no text."""
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    with pytest.raises(
        InputError,
        match=r"^broken\.yaml .*; (begin it with 'title:'|save it again, or mend its permissions)\.$",
    ):
        load_case(path)
