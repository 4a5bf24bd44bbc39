"""When the model is down, slow, lying or hostile: drafts are queued all the same, and in time."""

from __future__ import annotations

import contextlib
import time

import pytest

from agent.approval.views import list_drafts, show_draft
from agent.drafting import guardrails
from agent.facts.door import add_facts
from agent.facts.schema import create_tables
from agent.foundation.settings import Workspace
from agent.foundation.warehouse import open_warehouse
from agent.signals.world import keep_what_tickets_ask
from agent.wiring.house import House
from evals.standin import (
    CutOff,
    Dribble,
    Empty,
    Filtered,
    Hang,
    Html,
    Huge,
    Json,
    NotJson,
    Refusal,
    Slow,
    Standin,
    Status,
    Text,
    ToolCall,
    Wrong,
    in_turn,
)
from evals.standin.scripted import scripted_answer
from evals.standin.scripted_draft import PARTS
from tests import worlds
from tests.hostile.arena import Company
from tests.hostile.attacks import own
from tests.hostile.obeying import Obeying
from tests.worlds import MOMENT, READ_AT

N = 6
PATIENCE = 1.0
"Seconds that a run waits here; a workspace waits 25 unless it says otherwise."
LOADING = 15.0
"Seconds that loading the library takes on a busy machine."
ALLOWED = 30.0
"Seconds that a run may take longer than without a model."
LIES = dict.fromkeys(PARTS, "You are at 97% and it is free at https://evil.example!")

KINDS = {
    "nobody listens": None,
    "hangs": in_turn(Hang()),
    "dribbles": in_turn(Dribble(50)),
    "slow": in_turn(Slow(0.7, Text("late"))),
    "slow and right": lambda request: Slow(0.7, scripted_answer(request)),
    "401": in_turn(Status(401)),
    "404": in_turn(Status(404)),
    "429 for long": in_turn(Status(429, retry_after=100)),
    "429 for short": in_turn(Status(429, retry_after=0.05)),
    "no credit": in_turn(Status(429, name="insufficient_quota")),
    "500": in_turn(Status(500)),
    "503": in_turn(Status(503)),
    "a proxy's page": in_turn(Html()),
    "a page that says 200": in_turn(Html(200)),
    "not JSON": in_turn(NotJson()),
    "no answer in it": in_turn(Empty()),
    "other types": in_turn(Wrong()),
    "null": in_turn(Wrong(None)),
    "a list": in_turn(Wrong([])),
    "huge": in_turn(Huge(3_000_000)),
    "huge and nested": in_turn(Text('{"a":' * 100_000)),
    "refuses": in_turn(Refusal()),
    "is filtered": in_turn(Filtered()),
    "cut at the limit": in_turn(CutOff()),
    "cut off": in_turn(CutOff(after=100)),
    "cut off at once": in_turn(CutOff(after=0)),
    "prose": in_turn(Text("Certainly! Here is your email.")),
    "other fields": in_turn(Json({"mail": "Hi"})),
    "numbers for words": in_turn(Json(dict.fromkeys(PARTS, 7))),
    "empty words": in_turn(Json(dict.fromkeys(PARTS, ""))),
    "a tool nobody offered": in_turn(ToolCall("send_email", {"to": "everybody"})),
    "lies": in_turn(Json(LIES)),
    "obeys an attacker": Obeying(own()),
    "now this, now that": in_turn(*([Status(500), Json(LIES), Refusal(), CutOff(after=9), Status(429)] * 30)),
    "well": scripted_answer,
}
QUICK = ("hangs",)
SLOWEST = ("hangs",)


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """The day on which the facts end, and no model but the one on loopback."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    for name in ("OUTGROWN_LLM_BASE_URL", "OUTGROWN_LLM_KEY", "OPENAI_API_KEY", "OUTGROWN_STATE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def company() -> Company:
    """Some accounts that are ready."""
    found = Company()
    for nth in range(N - 3):
        found.nearly_full(f"ready{nth}")
    return found


class Run:
    """A house whose tickets are read and whose drafts are queued, with the seconds that each took."""

    def __init__(self, company: Company, folder, **llm) -> None:
        folder.mkdir()
        self.house = House(Workspace(folder, worlds.settings(llm=llm)))
        self.house.memo = worlds.MEMO
        with open_warehouse(self.house.workspace.facts_file, write=True, memo=worlds.MEMO) as warehouse:
            create_tables(warehouse.duck)
            add_facts(warehouse, company.facts, source="files", read_at=READ_AT)
            began = time.monotonic()
            with self.house.asking() as model:
                keep_what_tickets_ask(warehouse, self.house.settings, model=model)
        self.reading = time.monotonic() - began
        began = time.monotonic()
        self.house.draft()
        self.drafting = time.monotonic() - began
        self.drafts = [show_draft(self.house.store, line.draft_id) for line in list_drafts(self.house.store)]


@pytest.fixture(scope="module")
def without(company, tmp_path_factory):
    """The run without a model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
        found = Run(company, tmp_path_factory.mktemp("without") / "run", model="")
    assert len(found.drafts) == N
    yield found
    found.house.close()


@contextlib.contextmanager
def with_model(kind: str, company: Company, folder, **llm):
    """The run with a model of that kind."""
    answer = KINDS[kind]
    with contextlib.ExitStack() as stack:
        if answer is None:
            with Standin(scripted_answer) as gone:
                base_url = gone.base_url
        else:
            base_url = stack.enter_context(Standin(answer)).base_url
        found = Run(company, folder, base_url=base_url, **llm)
        stack.callback(found.house.close)
        yield found


def must_hold(run: Run, *, by_model: bool) -> None:
    """All drafts are queued, and none is blocked."""
    assert len(run.drafts) == N
    for view in run.drafts:
        around = run.house.surroundings(view.line.account_id)
        assert not guardrails.blocks(guardrails.check(view.message, view.brief, around))
        making = view.versions[0].making
        assert making.writer == "model" or making.why
        assert making.writer == "model" or not by_model


@pytest.mark.parametrize("kind", QUICK)
def test_a_run_ends_well_whatever_the_model_does(kind, company, without, tmp_path):
    """The kind that could hold a run for longest, with little patience."""
    with with_model(kind, company, tmp_path / "run", patience_seconds=PATIENCE) as run:
        must_hold(run, by_model=False)
        # Reading tickets and drafting have a patience each; the rest is loading the library.
        assert run.reading + run.drafting - without.reading - without.drafting <= 2 * PATIENCE + LOADING


@pytest.mark.slow
@pytest.mark.parametrize("kind", [one for one in KINDS if one not in QUICK])
def test_a_run_ends_well_whatever_else_the_model_does(kind, company, without, tmp_path):
    """Every way in which a model can fail us, with little patience."""
    with with_model(kind, company, tmp_path / "run", patience_seconds=PATIENCE) as run:
        must_hold(run, by_model=kind == "well")
        assert run.reading + run.drafting - without.reading - without.drafting <= 2 * PATIENCE + LOADING


@pytest.mark.timing
@pytest.mark.parametrize("kind", SLOWEST)
def test_a_run_takes_at_most_half_a_minute_longer(kind, company, without, tmp_path):
    """With the patience that a workspace has unless it says otherwise."""
    with with_model(kind, company, tmp_path / "run") as run:
        must_hold(run, by_model=False)
        assert run.reading - without.reading <= ALLOWED
        assert run.drafting - without.drafting <= ALLOWED
