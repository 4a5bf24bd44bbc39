"""The evaluation run through inspect, with the stand-in for a model."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from agent.foundation.errors import UsageError
from agent.foundation.llm.port import Line, NoAnswer, Role, Task, Why
from evals.quality.judges import Grade

ROOT = Path(__file__).parent.parent.parent
CASES = ("seats_all_taken", "feature_asked_once", "capacity_in_yen")

pytest.importorskip("inspect_ai", reason="needs the extra 'evals'")
pytestmark = [
    # Inspect leaves the ends of its streams to the collector when its event loop is done.
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    # Inspect calls tenacity by an older name of a parameter.
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def collected():
    """What inspect left is collected here, not in the middle of another room's test."""
    yield
    gc.collect()


def evaluate(out, **asked):
    """An evaluation of three cases."""
    from evals.quality.running import run

    return run(**{"cases": CASES, "checker": False, "standin": True, "out": out} | asked)


@pytest.mark.slow
def test_a_model_is_written_judged_and_compared(tmp_path):
    """Every writer's drafts are scored; the result says that nobody real spoke."""
    told = []
    run = evaluate(tmp_path, writer="model", judge=True, progress=told.append)
    assert run.is_standin
    assert run.model == run.judge == "openai:standin"
    own = [one for one in run.cases if one.writer == "model"]
    assert {one.case_id for one in own} == set(CASES)
    for one in own:
        assert one.fell_back is None, one.violations
        assert one.scores["passes"] == 1.0
        assert one.calls
        assert one.tokens_in
        assert {"judge_control", "judge_specificity", "judge_teammate"} <= one.scores.keys()
        assert all(one.scores[name] in {1, 2, 3, 4, 5} for name in one.scores if name.startswith("judge_"))
        assert one.nearest in set(CASES) - {one.case_id}
    assert {one.against: one.wins + one.losses + one.ties for one in run.preferences} == {
        "template": 3,
        "plain": 3,
    }
    plain = [one for one in run.cases if one.writer == "plain"]
    assert all(one.scores["passes"] == 0.0 for one in plain)
    assert {"draft", "judge", "judge_pair", "rubric:control"} <= run.prompts.keys()
    assert run.classifier["agreeing"] > 0
    assert told


@pytest.mark.slow
def test_the_template_is_evaluated_without_any_model(tmp_path, monkeypatch):
    """No stand-in is started, nothing is paid, and inspect's own files stay in the folder given."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    run = evaluate(tmp_path / "out", writer="template")
    assert (run.model, run.is_standin, run.preferences) == (None, False, ())
    assert all(one.scores["passes"] == 1.0 and not one.calls for one in run.cases)
    assert 0 <= run.sameness <= 1
    assert not (tmp_path / "elsewhere").exists()
    assert list((tmp_path / "out" / "inspect").glob("*.json"))


def borrowed(said, stop="stop"):
    """The answer of a model of inspect's that says this, as the product asks for it."""
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from evals.quality.provider import Borrowed, in_thread

    output = ModelOutput.from_content("mockllm", said, stop_reason=stop)
    output.usage = ModelUsage(
        input_tokens=100, input_tokens_cache_read=900, output_tokens=50, total_tokens=1050
    )
    model = Borrowed(get_model("mockllm/model", custom_outputs=[output]))
    return asyncio.run(in_thread(partial(model.ask, Task.JUDGE, [Line(Role.USER, "Well?")], Grade)))


def test_a_model_of_inspect_s_answers_in_the_form_asked_for():
    """`--model` may name any provider; cached tokens are part of those that went in."""
    answer = borrowed('{"reason": "Plain.", "score": 4}')
    assert answer.value == Grade(reason="Plain.", score=4)
    assert (answer.usage.tokens_in, answer.usage.tokens_cached, answer.usage.tokens_out) == (1000, 900, 50)


@pytest.mark.parametrize(
    ("said", "stop", "why"),
    [
        pytest.param("Four of five.", "stop", Why.MALFORMED, id="another form"),
        pytest.param('{"reason": "Pl', "max_tokens", Why.TRUNCATED, id="cut off"),
        pytest.param("", "content_filter", Why.REFUSED, id="refused"),
    ],
)
def test_a_model_of_inspect_s_may_fail_as_ours_may(said, stop, why):
    """The writer falls back on it, whoever was asked."""
    with pytest.raises(NoAnswer) as none:
        borrowed(said, stop)
    assert none.value.why is why


def test_a_writer_there_is_not_is_refused(tmp_path):
    """The plain prompt is there to be beaten, not to be evaluated."""
    with pytest.raises(UsageError, match="'model' or 'template'"):
        evaluate(tmp_path, writer="plain")


def test_reading_results_needs_no_inspect():
    """A report can be made where the extra is not installed."""
    modules = ("result", "gate", "report", "cases", "scorers", "running")
    names = ", ".join(f"evals.quality.{module}" for module in modules)
    code = f"import sys, {names}; sys.exit('inspect_ai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("task", ["messages", "pairwise"])
def test_inspect_runs_the_tasks_by_itself(task, tmp_path):
    """`inspect eval evals/quality/tasks.py` works without a key, without a model and without the network."""
    homes = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    asked = [
        f"evals/quality/tasks.py@{task}",
        "-T",
        f"cases={CASES[0]},{CASES[1]}",
        "--log-dir",
        str(tmp_path / "logs"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "inspect_ai", "eval", *asked, "--display", "plain", "--log-format", "json"],
        cwd=ROOT, env={"PATH": "", **homes}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (log,) = (tmp_path / "logs").glob("*.json")
    assert '"status": "success"' in log.read_text(encoding="utf-8")
