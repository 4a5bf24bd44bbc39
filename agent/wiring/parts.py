"""The parts of one workspace, opened on first use."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from typing import Self

from agent.approval.spending import Spending, limits_of
from agent.delivery.channel import Channel
from agent.delivery.choosing import open_channels
from agent.foundation import clock
from agent.foundation.kept import Kept
from agent.foundation.llm.client import open_model
from agent.foundation.llm.port import Model
from agent.foundation.memo import Memo
from agent.foundation.settings import Settings, Workspace
from agent.foundation.store import Store, open_store
from agent.foundation.warehouse import Warehouse, open_remote, open_warehouse


class Parts:
    """One workspace with its two stores, its channel and its clock, and whoever acts in it."""

    def __init__(self, workspace: Workspace, who: str = "") -> None:
        self.workspace = workspace
        self.who = who or this_person()
        self._in_one_run: tuple[Model | None] | None = None

    def again(self, who: str = "") -> Self:
        """The same house with fresh eyes: the state stays open, nothing read from the facts is remembered.

        For processes that live on: one for each piece of work; it is not closed. `who` acts, for the audit trail.
        """
        fresh = type(self)(self.workspace, who or self.who)
        fresh.__dict__["store"] = self.store
        return fresh

    @property
    def settings(self) -> Settings:
        """The workspace's settings."""
        return self.workspace.settings

    @cached_property
    def store(self) -> Store:
        """The state, opened and brought up to date on first use."""
        return open_store(self.workspace.state_url)

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The channels approved messages leave by."""
        return open_channels(self.workspace)

    def close(self) -> None:
        """Close what was opened."""
        if "store" in self.__dict__:
            self.store.close()

    @property
    def live_day(self) -> date:
        """The clock's last complete day."""
        return clock.last_complete_day(clock.now())

    @cached_property
    def memo(self) -> Memo:
        """What evaluations need not write again."""
        return Memo(self.workspace.private / "plans")

    @cached_property
    def kept(self) -> Kept:
        """What replays need not compute again."""
        return Kept(self.workspace.private / "standings")

    @property
    def spending(self) -> Spending:
        """The books of the language model."""
        return Spending(self.store, limits_of(self.settings.llm), clock.now)

    @contextmanager
    def asking(self, wanted: bool = True) -> Iterator[Model | None]:
        """The language model with a fresh patience, for one run; None where it is switched off or not wanted."""
        if self._in_one_run is not None:
            yield self._in_one_run[0] if wanted else None
            return
        model = open_model(self.settings.llm, self.spending) if wanted else None
        try:
            yield model
        finally:
            if model is not None:
                model.close()

    @contextmanager
    def one_run(self) -> Iterator[None]:
        """Whatever asks the language model inside the block is one run, and shares one patience."""
        with self.asking() as model:
            self._in_one_run = (model,)
            try:
                yield
            finally:
                self._in_one_run = None

    @contextmanager
    def warehouse(self) -> Iterator[Warehouse]:
        """The facts, open for reading."""
        url = self.workspace.warehouse_url
        if not url:
            from agent.signals.views import with_every_column

            with open_warehouse(self.workspace.facts_file, memo=self.memo) as warehouse:
                yield with_every_column(warehouse)
            return
        from agent.signals.views import in_place

        with open_remote(url, self.workspace.warehouse_options, self.memo) as warehouse:
            yield in_place(warehouse, self.settings.warehouse, clock.now())

    @property
    def read_in_place(self) -> bool:
        """Whether the facts are the founder's own warehouse, where we only read."""
        return bool(self.workspace.warehouse_url)


def this_person() -> str:
    """Who sits at the terminal, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "terminal"
