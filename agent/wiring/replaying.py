"""Replaying: the rule book over the past, as it is and as other settings would have it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from agent.foundation.settings import Settings, Workspace
from agent.wiring.looking import Looking

if TYPE_CHECKING:
    from agent.learning.backtest.dates import Span
    from agent.learning.backtest.known import History
    from agent.learning.backtest.result import Backtest, WhatIf

SHUFFLES_TO_COMPARE = 499
"Fewer than for a backtest: two of them are made, and what matters is how they differ."

# The parts of a backtest are imported where they are used: statistics take a second to load.


class Replaying(Looking):
    """What looks back."""

    def backtest(
        self,
        first: date | None = None,
        last: date | None = None,
        every: int = 7,
        progress: Callable[[str], None] = lambda _: None,
    ) -> Backtest:
        """The bar replayed from `first` to `last`, every so many days; all known history where they are left out.

        Raises UsageError for a range that is inverted or without data, OutgrownError without subscriptions.
        """
        from agent.learning.backtest.dates import span_of

        history = self._history()
        known = (history.first, history.last)
        return self._backtest(history, span_of(first, last, every, known, self.live_day), progress)

    def whatif(
        self,
        settings: Settings,
        said: tuple[str, ...],
        first: date | None = None,
        last: date | None = None,
        every: int = 7,
        progress: Callable[[str], None] = lambda _: None,
    ) -> WhatIf:
        """What other settings would change, on the live day and over the past; changes and records nothing.

        Without a range: the newest 26 weeks whose longest horizon is over.
        """
        from agent.learning.backtest.compare import compare
        from agent.learning.backtest.dates import recent, span_of
        from agent.learning.backtest.field import HORIZONS

        other = type(self)(Workspace(self.workspace.folder, settings))
        try:
            history = self._history()
            known = (history.first, history.last)
            if first is None and last is None:
                span = recent(known, max(HORIZONS), every=every)
            else:
                span = span_of(first, last, every, known, self.live_day)
            progress(f"today as it is, {self.live_day}")
            before = self.look()
            progress("today as it would be")
            after = other.look()
            return compare(
                said,
                before,
                after,
                self._backtest(history, span, progress, SHUFFLES_TO_COMPARE),
                other._backtest(history, span, progress, SHUFFLES_TO_COMPARE),
            )
        finally:
            other.close()

    def _history(self) -> History:
        from agent.learning.backtest.known import read_history

        with self.warehouse() as warehouse:
            return read_history(warehouse, self.live_day)

    def _backtest(
        self, history: History, span: Span, progress: Callable[[str], None], permutations: int | None = None
    ) -> Backtest:
        from agent.learning.backtest.chance import PERMUTATIONS
        from agent.learning.backtest.run import backtest
        from agent.learning.backtest.windows import windows_of
        from agent.signals.library import library_of

        library = library_of(self.settings)
        return backtest(
            self.replay(span.days, progress),
            history,
            span,
            self.settings.scoring,
            {entry.name: windows_of(entry.rule, span.days, history) for entry in library.entries},
            permutations=permutations or PERMUTATIONS,
            progress=progress,
        )
