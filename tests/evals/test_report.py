"""An evaluation as a page and as text: self-contained, escaped, accessible, fit for a phone."""

from __future__ import annotations

import io
import math
import re
from datetime import timedelta
from html import escape

import pytest
from rich.console import Console

from evals.quality.gate import compare
from evals.quality.report import html, visible
from evals.quality.report_text import show
from evals.quality.result import Edits, Miss
from evals.quality.strips import axis_near_none, axis_near_one, of_difference, of_rate, reaches
from evals.quality.summary import rate
from tests.evals.evaluations import MADE, a_case, a_checker, a_run
from tests.pages import Page, fetches_and_runs_nothing, fits_the_width

HOSTILE = "<script>alert(1)</script>{{7*7}}\u202e[red]"


def hostile_run():
    """Every text that comes from outside is an attack."""
    case = a_case(0, case_id=HOSTILE, subject=HOSTILE, body=HOSTILE, blocked=[HOSTILE], fell_back=HOSTILE)
    checker = a_checker()
    miss = Miss(draft_id=HOSTILE, rule=HOSTILE, kind=HOSTILE, text=HOSTILE, said=HOSTILE)
    return a_run(
        [case, a_case(1, writer=HOSTILE)],
        checker=checker.model_copy(update={"misses": (miss, miss.model_copy(update={"kind": "clean"}))}),
        model=HOSTILE,
        judge=HOSTILE,
        version=HOSTILE,
        prompts={HOSTILE: HOSTILE},
        classifier={HOSTILE: 3},
        currency=HOSTILE,
    )


@pytest.fixture(scope="module")
def compared():
    """An evaluation with everything in it, its baseline, and the two compared."""
    old = a_run(checker=a_checker(missed=["p-1"]))
    drafts = [
        a_case(n, blocked=["ungrounded_figure"] if n < 6 else [], fell_back="timeout" if n == 9 else None)
        for n in range(40)
    ]
    drafts += [a_case(n, writer="plain", blocked=["no_pressure"], body="BUY NOW") for n in range(40)]
    new = a_run(
        drafts,
        made_at=MADE + timedelta(days=3),
        prompts={"draft": "cccc0000dddd", "system": "bbbb33334444"},
        checker=a_checker(280, alarms=4, missed=["p-1", "p-2"]),
        currency="USD",
        edits=Edits(sent=9, unchanged=4, mean=0.12),
    )
    return new, compare(old, new), old


def plain_text(run, against=None):
    """What the terminal shows."""
    out = Console(file=io.StringIO(), width=110, highlight=False, emoji=False)
    show(run, out, against)
    return out.file.getvalue()


def test_the_page_fetches_and_runs_nothing(compared):
    """No script, no link, no image, no inline style; the policy lets in the one style sheet alone."""
    fetches_and_runs_nothing(html(*compared))
    fetches_and_runs_nothing(html(hostile_run()))


def test_everything_from_outside_is_escaped():
    """Ids, texts, models, prompts: text, whatever they look like; what hides is written out."""
    run = hostile_run()
    text = html(run, compare(run, run), run)
    assert "<script" not in text
    assert "\u202e" not in text
    assert text.count(escape("<script>alert(1)</script>{{7*7}}") + "⟨U+202E⟩[red]") > 15


def test_hidden_characters_can_be_read():
    """A planted character that nobody sees is what the reader has to see; line ends stay."""
    assert visible("a\u200bb\n\x07c\ud800") == "a⟨U+200B⟩b\n⟨U+0007⟩c⟨U+D800⟩"
    assert len(visible("x" * 10_000)) == 6_000


def test_the_summary_comes_first(compared):
    """Above every table and chart, in words."""
    text = html(*compared)
    first = text.index(
        "Worse than the baseline: drafts that pass a guardrail (Every guardrail, ungrounded_figure)"
    )
    assert first < text.index("34/40") < text.index("<table")


@pytest.mark.parametrize(
    "said",
    [
        "34 of 40 drafts pass every guardrail (85%, 95% interval 70.9% to 92.9%); blocked by ungrounded_figure (6).",
        "The template stood in for the model in 1 of 40 drafts: timeout (1).",
        "The checker caught 280 of 300 planted faults (93.3%, 95% interval 89.9% to 95.6%; target 97%, missed).",
        "The checker caught 120 of 121 wrong figures (99.2%, 95% interval 95.5% to 99.9%; target 99%, met).",
        "It blocked 4 of 150 clean drafts (2.7%, 95% interval 1% to 6.7%; target at most 2%, missed).",
        "1,920 tokens in (of which 1,500 cached), 213 out",
        "0.00066 USD",
        "Of 9 drafts that this workspace sent, 4 went out unchanged; on average 12% of the text was changed first.",
        "The prompt draft changed (aaaa11112222 to cccc0000dddd).",
        "would look worse by chance",
    ],
)
def test_page_and_terminal_say_the_same(compared, said):
    """What a founder should know, on both."""
    new, against, old = compared
    assert said in html(new, against, old)
    assert said in " ".join(plain_text(new, against).split())


@pytest.mark.parametrize(
    "said",
    [
        "case-05",
        "blocked by ungrounded_figure before; passes now",
        "For comparison: plain",
        "BUY NOW",
        "Planted faults it missed, and did not before",
        "p-2",
        'model <span class="muted">against template</span>',
        "too few labels",
    ],
)
def test_the_page_goes_into_detail(compared, said):
    """Cases, misses, pairs, judges."""
    new, _, old = compared
    few = tuple(one.model_copy(update={"kappa": None}) for one in new.agreements)
    new = new.model_copy(update={"agreements": few})
    if said.endswith("passes now"):
        new, old = old, new
    assert said in html(new, compare(old, new), old)


def test_cases_that_changed_or_fail_come_first(compared):
    """And those that fail are open."""
    new, against, old = compared
    shown = re.findall(
        r'<details class="card"( open)?>\s*<summary><span class="who">(case-\d+)', html(new, against, old)
    )
    assert [name for _, name in shown[:6]] == [f"case-{n:02d}" for n in range(6)]
    assert [bool(is_open) for is_open, _ in shown] == [True] * 6 + [False] * 34
    assert shown[6][1] == "case-09"


def test_a_standin_is_said_before_anything_else():
    """Figures of a scripted model are not those of a real one."""
    text = html(a_run(is_standin=True))
    assert text.index("Scripted stand-in.") < text.index("34 of 40" if "34 of 40" in text else "40 of 40")
    assert "Scripted stand-in." not in html(a_run())


def test_every_picture_has_words_and_every_table_a_caption(compared):
    """Charts can be read aloud, headers have a scope, ids are given once."""
    text = html(*compared)
    for picture in re.findall(r"<svg[^>]*>.*?</svg>", text, re.DOTALL):
        assert 'aria-hidden="true"' in picture or ("<title" in picture and 'role="img"' in picture)
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        assert "<caption" in table
        assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", table))
    ids = [attributes["id"] for _, attributes in Page(text).tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for known in re.findall(r'aria-labelledby="([^"]+)"', text):
        assert set(known.split()) <= set(ids)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(a_run([], checker=None, preferences=(), agreements=(), classifier={}), id="nothing"),
        pytest.param(a_run([a_case(0, scores={"facts_used": None, "words": math.nan})]), id="no scores"),
        pytest.param(
            a_run([a_case(0, writer="template", calls=0, tokens_in=0, cost_micro=0)], writer="template"),
            id="template",
        ),
        pytest.param(a_run(checker=a_checker(figures=(0, 0))), id="none of none"),
    ],
)
def test_an_evaluation_with_little_in_it_is_a_page(run):
    """No 'None' or 'nan' where there is nothing to say."""
    for text in (re.sub(r"<style>.*?</style>", "", html(run), flags=re.DOTALL), plain_text(run)):
        assert not re.search(r"\bNone\b|\bnan\b", text)


def test_markup_is_text_on_the_terminal():
    """Rich sees no tags, the terminal no controls."""
    run = hostile_run()
    text = plain_text(run, compare(run, run))
    assert "[red]" in text
    assert "\u202e" not in text


def test_strips_lie_on_their_axis():
    """The interval around its dot, within the strip; shares near 100% have an axis that ends there."""
    rates = [rate([True] * 97 + [False] * 3), rate([True] * 40)]
    axis = axis_near_one(rates)
    assert (axis.low, axis.high) == (0.9, 1.0) if rates[1].interval[0] > 0.9 else axis.low == 0.8
    for one in rates:
        strip = of_rate(one, axis, "rule")
        assert 8 <= strip.low <= strip.at <= strip.high <= 232
    assert axis_near_none([rate([False] * 150)]).high == 0.05
    assert axis_near_none([]).high == 1.0


def test_difference_strips_have_nought_in_the_middle(compared):
    """Worse lies to one side of it with its whole interval."""
    _, against, _ = compared
    rows = [row for row in against.rows if row.fails]
    for row, reach in zip(rows, reaches(rows), strict=True):
        strip = of_difference(row, reach)
        assert strip.zero == 120
        assert strip.kind == "worse"
        assert strip.high < strip.zero or strip.low > strip.zero


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out(compared, tmp_path, width):
    """At a phone's and at a desktop's width the page does not scroll sideways, whatever is open."""
    new, against, old = compared
    long = a_case(90, case_id="x" * 200, subject="s" * 300, body="word" * 300, blocked=["length"])
    whole = html(new.model_copy(update={"cases": (*new.cases, long)}), against, old).replace(
        "<details ", "<details open "
    )
    fits_the_width(whole, width, tmp_path)
