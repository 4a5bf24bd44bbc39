"""The language model in the doctor and in the digest: whether it is on, and what it took."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from agent.approval.spending import Limits, Spending, limits_of, month
from agent.faces.digest_words import model_notes
from agent.faces.digesting import digest_view
from agent.faces.examining import Check, examine
from agent.facts.sample import SAMPLE_NOW, write_sample
from agent.foundation import clock
from agent.foundation.llm.port import Task, Usage
from agent.foundation.settings import FILE, Llm, open_workspace
from agent.foundation.store import open_store
from agent.wiring import House
from tests.foundation.asking import KEY
from tests.foundation.modelserver import Reply, completion, failing, serving

NEXT = SAMPLE_NOW.replace(month=SAMPLE_NOW.month % 12 + 1, day=1)
MODELS = Reply('{"object": "list", "data": [{"id": "gpt-5-mini", "object": "model"}, {"id": 7}, "x"]}')


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample workspace, read and scanned by nobody yet."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, clock.last_complete_day(SAMPLE_NOW))
    House(open_workspace(folder)).sync()
    return folder


@pytest.fixture
def workspace(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, at its own moment."""
    monkeypatch.setenv(clock.SETTING, SAMPLE_NOW.isoformat())
    folder = tmp_path / "workspace"
    shutil.copytree(sample, folder)
    return folder


def switched(workspace: Path, **llm: Any) -> None:
    """The same company, with that model."""
    path = workspace / FILE
    before, _, rest = path.read_text().partition('[llm]\nmodel = ""')
    said = "\n".join(f"{name} = {json.dumps(value)}" for name, value in llm.items())
    path.write_text(f"{before}[llm]\n{said}\n#{rest}")


def checked(workspace: Path) -> Check:
    """What the doctor says of the model."""
    (found,) = [one for one in examine(workspace) if one.name == "model"]
    return found


def took(workspace: Path, cost_micro: int, tokens: int = 1000) -> None:
    """A call of that cost, this month."""
    limits = Limits(10**9, 10**9, "USD", Usage())
    with open_store(open_workspace(workspace).state_url) as store:
        meter = Spending(store, limits, clock.now)
        usage = Usage(calls=1, tokens_in=tokens, cost_micro=cost_micro)
        meter.settle(meter.reserve(Task.DRAFT, "openai:gpt-5-mini", usage, ""), usage, "answered")


def test_a_sample_has_no_model_whatever_keys_are_about(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo never calls out."""
    with serving(completion("{}")) as server:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", server.url)
        assert not open_workspace(workspace).model.is_on
        check = checked(workspace)
        assert server.paths == []
    assert check.state == "ok"
    assert check.says.startswith(
        "off, so templates write every message; to switch it on, name one in [llm] model"
    )


def test_without_a_key_the_doctor_says_how_to_switch_it_on(workspace: Path) -> None:
    """And nothing is wrong."""
    switched(workspace)
    check = checked(workspace)
    assert check.state == "ok"
    assert "off" in check.says
    assert "OPENAI_API_KEY" in check.says


@pytest.mark.parametrize(
    ("reply", "llm", "state", "says"),
    [
        pytest.param(
            MODELS, {}, "ok", "$0.33 of $20 and 1,000 of 2,000,000 tokens spent this month", id="well"
        ),
        pytest.param(
            MODELS,
            {"monthly_cost": 0.4},
            "warn",
            "$0.33 of $0.40",
            id="over four fifths",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            MODELS, {"monthly_tokens": 1200}, "warn", "templates have taken over until", id="at its limit"
        ),
        pytest.param(MODELS, {"model": "gpt-99"}, "fail", "does not have that model", id="unknown model"),
        pytest.param(
            failing(401), {}, "fail", "does not accept the key", id="bad key", marks=pytest.mark.slow
        ),
        pytest.param(failing(500), {}, "warn", "HTTP 500", id="down", marks=pytest.mark.slow),
        pytest.param(
            failing(404), {}, "ok", "tokens spent", id="cannot list its models", marks=pytest.mark.slow
        ),
        pytest.param(Reply("<html>"), {}, "ok", "tokens spent", id="no list", marks=pytest.mark.slow),
        pytest.param(
            MODELS,
            {"model": "gpt-5-mini", "prices": {}},
            "ok",
            "gpt-5-mini at http://127.0.0.1",
            id="named",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            Reply('{"data": [{"id": "mine"}]}'),
            {"model": "mine"},
            "ok",
            "its price is not known",
            id="no price",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_doctor_tells_of_the_model(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply, llm: dict[str, Any], state: str, says: str
) -> None:
    """Where it is, what it took, and what is wrong; the key is shown to nobody and nothing is spent."""
    llm.pop("prices", None)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(reply) as server:
        switched(workspace, base_url=server.url.replace("http://", "http://dana:hunter2@"), **llm)
        took(workspace, 329_001)
        check = checked(workspace)
    assert (check.state, server.paths) == (state, ["/v1/models"])
    assert says in check.says
    assert KEY not in check.says
    assert "hunter2" not in check.says


def test_a_doctor_waits_five_seconds_at_most_for_a_model(workspace: Path) -> None:
    """It is a look, not a wait."""
    with serving(Reply(MODELS.body, wait=60)) as server:
        switched(workspace, base_url=server.url)
        began = time.monotonic()
        check = checked(workspace)
        assert time.monotonic() - began < 5 + 20
    assert check.state == "warn"
    assert "did not answer in time" in check.says


def test_what_the_model_took_and_who_writes_now_is_told(workspace: Path) -> None:
    """One line of each."""
    took(workspace, 420_000)
    switched(workspace, base_url="http://127.0.0.1:9/v1", monthly_cost=0.42)
    house = House(open_workspace(workspace))
    over, spent = model_notes(month(house.store, limits_of(house.settings.llm), clock.now()))
    assert "templates have taken over" in over
    assert "$0.42 of $0.42" in spent


@pytest.mark.slow
def test_the_digest_says_what_the_model_took_and_who_writes_now(workspace: Path) -> None:
    """Today's; and nothing of a model that is off."""
    took(workspace, 420_000)
    assert digest_view(House(open_workspace(workspace))).notes == ()
    switched(workspace, base_url="http://127.0.0.1:9/v1", monthly_cost=0.42)
    notes = digest_view(House(open_workspace(workspace))).notes
    assert notes == (
        f"The month's budget for the language model is spent: templates have taken over until 1 {NEXT:%B}.",
        "The language model: $0.42 of $0.42 and 1,000 of 2,000,000 tokens spent this month; asked draft 1.",
    )


def test_a_month_without_questions_has_no_line(workspace: Path) -> None:
    """Nothing happened."""
    house = House(open_workspace(workspace))
    assert model_notes(month(house.store, limits_of(Llm()), clock.now())) == []
