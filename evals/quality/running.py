"""An evaluation from end to end: drafts written and scored through inspect, judged, held against people's decisions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from agent.foundation import clock
from agent.foundation.errors import OutgrownError, UsageError
from agent.foundation.prompts import prompt
from evals.quality import sameness as alike
from evals.quality.asking import Asked, asked
from evals.quality.cases import Case, load_cases
from evals.quality.collecting import judged_in, message_of, result_of, samples
from evals.quality.judges import judge_hashes, preference
from evals.quality.result import Agreement, CaseResult, CheckerResult, Edits, Preference, Run
from evals.quality.writers import Writer

if TYPE_CHECKING:
    from inspect_ai import Task as InspectTask
    from inspect_ai.log import EvalLog
    from inspect_ai.model import Model as InspectModel

    from agent.foundation.llm.port import Meter
    from agent.foundation.settings import Workspace
    from agent.foundation.store import Store

EXTRA = "inspect_ai"
LOGS = "inspect"
"The folder of inspect's logs within `out`."
PROMPTS = ("draft", "repair", "classify_ticket", "judge", "judge_pair", "plain")
QUIET = {"INSPECT_TELEMETRY": "", "INSPECT_API_KEY_OVERRIDE": "", "INSPECT_EVAL_NOTIFICATION": ""}
AT_ONCE = 8
"Cases under way at a time."

Progress = Callable[[str], None]


def run(
    writer: str = Writer.MODEL,
    judge: bool = False,
    cases: Sequence[str] = (),
    workspace: Path | None = None,
    standin: bool = False,
    checker: bool = True,
    out: Path | None = None,
    progress: Progress = lambda _: None,
) -> Run:
    """Evaluate a writer over the cases named (by id or tag; all of them for none).

    `judge` has drafts graded, compared in pairs with the template's and a plain prompt's, and the judge held against
    the decisions in `workspace`. Without a key, or with `standin`, a scripted model answers and the result says so.
    Inspect's logs go to `out`/inspect; they are thrown away where there is no `out`.
    Raises UsageError for a writer there is not or when the extra 'evals' is not installed, InputError for cases.
    """
    chosen = _writer(writer)
    if find_spec(EXTRA) is None:
        raise UsageError(
            "Evaluations need the extra 'evals'; install it with: pip install 'outgrown[evals]'."
        )
    given = load_cases(cases)
    place = _opened(workspace)
    with ExitStack() as stack:
        from agent.foundation.settings import Llm

        llm = place.settings.llm if place else Llm()
        needs_model = judge or chosen is not Writer.TEMPLATE
        asking = (
            stack.enter_context(asked(llm, _meter(place, stack), standin=standin)) if needs_model else None
        )
        logs = out / LOGS if out else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = _Running(given, chosen, asking, logs, progress)
        results = found.drafts(judge=judge)
        own = [one for one in results if one.writer == chosen.value]
        preferences = found.preferences(results) if judge else ()
        agreements, edits = _people(place, stack, asking if judge else None, progress)
        from evals.quality.classifying import classifier_table

        return Run(
            made_at=clock.now(),
            version=_version(),
            writer=chosen.value,
            model=asking.model.name if asking else None,
            judge=asking.model.name if asking and judge else None,
            is_standin=bool(asking and asking.is_standin),
            prompts=_hashes(),
            cases=tuple(results),
            sameness=_sameness(own),
            checker=_checked(progress) if checker else None,
            preferences=preferences,
            agreements=agreements,
            edits=edits,
            currency=_currency(),
            classifier=classifier_table(asking.model if asking else None, progress),
        )


class _Running:
    """The part of an evaluation that goes through inspect."""

    def __init__(
        self, cases: Sequence[Case], writer: Writer, asking: Asked | None, logs: Path, progress: Progress
    ) -> None:
        self.cases = cases
        self.by_id = {case.case_id: case for case in cases}
        self.writer = writer
        self.asking = asking
        self.logs = logs
        self.progress = progress

    def drafts(self, *, judge: bool) -> list[CaseResult]:
        """What each writer wrote; the others write only so that a judge can compare."""
        from evals.quality.tasks import messages_task

        others = [one for one in Writer if one is not self.writer] if judge else []
        results: list[CaseResult] = []
        for writer in (self.writer, *others):
            self.progress(f"{len(self.cases)} cases to the writer '{writer}'")
            is_own = writer is self.writer
            log = self._eval(messages_task(self.cases, writer, judge=judge and is_own))
            drafts = [result_of(sample, writer) for sample in samples(log)]
            results += self._with_sameness(drafts)
        return results

    def preferences(self, results: Sequence[CaseResult]) -> tuple[Preference, ...]:
        """The writer against each of the others, on the texts that they wrote."""
        from evals.quality.tasks import pairwise_task

        found = []
        texts = {(one.writer, one.case_id): message_of(one) for one in results if one.body}
        for against in (one for one in (Writer.TEMPLATE, Writer.PLAIN) if one is not self.writer):
            pairs = {
                case.case_id: (mine, theirs)
                for case in self.cases
                if (mine := texts.get((self.writer.value, case.case_id)))
                and (theirs := texts.get((against.value, case.case_id)))
            }
            self.progress(f"{len(pairs)} pairs, '{self.writer}' against '{against}', in both orders")
            if pairs:
                log = self._eval(pairwise_task(self.cases, self.writer, against, pairs))
                judged = [judged_in(sample) for sample in samples(log)]
                found.append(preference(self.writer.value, against.value, judged))
        return tuple(found)

    def _with_sameness(self, drafts: Sequence[CaseResult]) -> list[CaseResult]:
        found = alike.alike(
            [(one.case_id, message_of(one), self.by_id[one.case_id].brief) for one in drafts if one.body]
        )
        none = alike.Alike(None, None, None)
        told = []
        for one in drafts:
            near = found.get(one.case_id, none)
            scores = one.scores | {
                "sameness": near.highest,
                "sameness_mean": near.mean,
                "edit_distance": None,
            }
            told.append(one.model_copy(update={"scores": scores, "nearest": near.nearest}))
        return told

    def _eval(self, task: InspectTask) -> EvalLog:
        """One task through inspect.

        Raises OutgrownError when inspect could not finish it.
        """
        with _quiet(self.logs):
            from inspect_ai import eval as inspect_eval

            (log,) = inspect_eval(
                task,
                model=self._model(),
                display="none",
                log_dir=str(self.logs),
                log_format="json",
                log_level="error",
                log_realtime=False,
                log_model_api=False,
                ctl_server=False,
                acp_server=False,
                notification=False,
                score_display=False,
                max_samples=AT_ONCE,
                fail_on_error=True,
            )
        if log.status != "success":
            said = log.error.message.splitlines()[-1] if log.error and log.error.message else log.status
            raise OutgrownError(f"The evaluation '{task.name}' did not finish: {said}")
        return log

    def _model(self) -> InspectModel | None:
        from evals.quality.provider import as_inspect

        return as_inspect(self.asking.model) if self.asking else None


@contextmanager
def _quiet(folder: Path) -> Iterator[None]:
    """Inspect's data, cache and trace go to the folder; nothing of it is sent anywhere."""
    folder.mkdir(parents=True, exist_ok=True)
    homes = {name: str(folder / ".inspect") for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME")}
    before = {name: os.environ.get(name) for name in (*homes, *QUIET)}
    os.environ.update(homes)
    for name in QUIET:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _sameness(own: Sequence[CaseResult]) -> float | None:
    return alike.sameness({one.case_id: alike.Alike(None, one.scores["sameness"], None) for one in own})


def _writer(name: str) -> Writer:
    if name not in (Writer.TEMPLATE, Writer.MODEL):
        raise UsageError(f"There is no writer '{name}' to evaluate; name 'model' or 'template'.")
    return Writer(name)


def _opened(folder: Path | None) -> Workspace | None:
    if folder is None:
        return None
    from agent.foundation.settings import open_workspace

    return open_workspace(folder)


def _hashes() -> dict[str, str]:
    """What models were told, by the hash of what it holds."""
    return {name: prompt(name).content_hash for name in PROMPTS} | judge_hashes()


def _currency() -> str:
    from agent.foundation.llm.prices import prices

    return prices().currency


def _people(
    place: Workspace | None, stack: ExitStack, asking: Asked | None, progress: Progress
) -> tuple[tuple[Agreement, ...], Edits | None]:
    """The judges against a workspace's decisions, and how much of its drafts was changed before they were sent.

    These drafts are real customers': they go to the model directly, and into no log of inspect's.
    """
    if place is None:
        return (), None
    from evals.quality.labels import agreements, edits, labels, sent_drafts

    store = _store(place, stack)
    told = agreements(labels(store), asking.model, progress=progress) if asking else ()
    return told, edits(sent_drafts(store))


def _store(place: Workspace, stack: ExitStack) -> Store:
    from agent.foundation.store import open_store

    store = open_store(place.state_url)
    stack.callback(store.close)
    return store


def _meter(place: Workspace | None, stack: ExitStack) -> Meter | None:
    """The workspace's books: what an evaluation spends there counts towards its month."""
    if place is None:
        return None
    from agent.approval.spending import Spending, limits_of

    return Spending(_store(place, stack), limits_of(place.settings.llm), clock.now)


def _checked(progress: Progress) -> CheckerResult:
    from evals.quality.checker.measuring import measure

    progress("The checker's corpus to the guardrails")
    return measure()


def _version() -> str:
    from importlib.metadata import version

    return version("outgrown")
