"""Writing: a draft for every ready account, by the model where one is on, else by the templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from agent.approval.edits import approved_edits
from agent.approval.queue import Queued, kept_draft, queue_draft
from agent.approval.views import show_draft
from agent.drafting.brief import Brief
from agent.drafting.making import Making
from agent.drafting.message import Message
from agent.drafting.model_writer import write_with_model
from agent.drafting.violation import Surroundings, Violation
from agent.drafting.voice import Candidate, nearest
from agent.drafting.writer import framing_of, write
from agent.foundation import clock
from agent.foundation.errors import Blocked, OutgrownError
from agent.foundation.llm.port import Model
from agent.scoring.assessment import Assessment, Status
from agent.scoring.scan import Scan
from agent.wiring.checking import Checking

TOLD_EVERY = 25
"Drafts between two words about progress."
VOICE = 50
"How many of the founder's own newest texts are looked through for examples."


@dataclass(frozen=True)
class Written:
    """A draft that was written for a ready account, and what became of it."""

    assessment: Assessment
    message: Message
    making: Making
    violations: tuple[Violation, ...]
    queued: Queued | None
    "None when a guardrail kept the draft from the queue."
    problem: str = ""

    def shape(self) -> dict[str, Any]:
        """The draft as `draft --json` answers it."""
        return {
            "account_id": self.assessment.account_id,
            "draft_id": self.queued.draft_id if self.queued else None,
            "state": self.queued.state.value if self.queued else "blocked",
            "is_new": bool(self.queued and self.queued.is_new),
            "says": self.queued.says if self.queued else self.problem,
            "play": self.assessment.play,
            "subject": self.message.subject,
            "body": self.message.body,
            "making": self.making.model_dump(mode="json"),
            "violations": [one.model_dump(mode="json") for one in self.violations],
        }


@dataclass(frozen=True)
class Due:
    """A ready account whose draft is to be written."""

    assessment: Assessment
    brief: Brief
    around: Surroundings


@dataclass(frozen=True)
class Text:
    """What a writer made of it."""

    message: Message
    making: Making
    violations: Sequence[Violation]


class Writing(Checking):
    """What writes messages."""

    def draft(
        self,
        top: int | None = None,
        account_id: str | None = None,
        *,
        result: Scan | None = None,
        progress: Callable[[str], None] = lambda _: None,
        by_model: bool = True,
    ) -> tuple[list[Written], Scan]:
        """Write and queue a draft for the first `top` ready accounts (None: all), or for one account.

        An account whose draft waits already keeps it, and no model is asked. Without `by_model` the templates write.

        Raises OutgrownError when the one account is not ready.
        """
        found = result or self.scan(account_id=account_id)
        ready = [one for one in found.accounts if one.status is Status.READY]
        if account_id is not None and not ready:
            one = found.accounts[0]
            raise OutgrownError(f"{one.name} is not ready: {'; '.join(one.needs)}.")
        written = []
        for number, done in enumerate(self._written(ready[:top], by_model=by_model), start=1):
            written.append(done)
            if number % TOLD_EVERY == 0:
                progress(f"{number} of {len(ready[:top])} drafts written")
        return written, found

    def _written(self, ready: Sequence[Assessment], *, by_model: bool) -> Iterator[Written]:
        due = [Due(one, self.brief_of(one), self.surroundings(one.account_id)) for one in ready]
        # What a person has a hand in stays as it is: nobody is paid to write it again.
        now = clock.now()
        kept = {one.brief.brief_id: kept_draft(self.store, one.brief, now) for one in due}
        has_new = any(one is None for one in kept.values())
        with self.asking(by_model and self.settings.llm.write and has_new) as model:
            voice = [Candidate(*edit) for edit in approved_edits(self.store, VOICE)] if model else []

            def written(one: Due) -> Text | Written:
                waiting = kept[one.brief.brief_id]
                if waiting is not None:
                    return self._as_it_waits(one, waiting)
                return self._by_model(one, model, voice) if model else self._by_template(one)

            if model is None:
                texts = map(written, due)
                yield from map(self._queued, due, texts)
                return
            with ThreadPoolExecutor(self.settings.llm.at_once, thread_name_prefix="draft") as pool:
                yield from map(self._queued, due, pool.map(written, due))

    def _as_it_waits(self, due: Due, waiting: Queued) -> Written:
        view = show_draft(self.store, waiting.draft_id)
        current = view.versions[view.line.version - 1]
        return Written(due.assessment, current.message, current.making, current.violations, waiting)

    def _by_template(self, due: Due) -> Text:
        message = write(due.brief)
        making = Making(framing=framing_of(due.brief))
        return Text(message, making, self.check(message, due.brief, due.around))

    def _by_model(self, due: Due, model: Model, voice: Sequence[Candidate]) -> Text:
        drafted = write_with_model(
            due.brief,
            model,
            lambda message: self.check(message, due.brief, due.around),
            nearest(voice, due.brief),
        )
        return Text(drafted.message, drafted.making, drafted.violations)

    def _queued(self, due: Due, text: Text | Written) -> Written:
        if isinstance(text, Written):
            return text
        try:
            queued = queue_draft(
                self.store,
                due.brief,
                text.message,
                text.violations,
                due.assessment,
                author=text.making.writer,
                making=text.making,
                now=clock.now(),
            )
        except Blocked as blocked:
            return Written(
                due.assessment, text.message, text.making, tuple(text.violations), None, str(blocked)
            )
        return Written(due.assessment, text.message, text.making, tuple(text.violations), queued)
