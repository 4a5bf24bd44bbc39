"""A driver whose children tell real targets before their stand-ins, and may end where we choose, as by kill -9.

The job `push` ends `before` or `after` the first call, or `never`; `at` is the moment (CLOCK_MONOTONIC) to begin at.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

import httpx  # noqa: F401 - so that no child has to
import hubspot.crm.associations.v4
import hubspot.crm.objects
import hubspot.crm.properties  # noqa: F401

from agent.delivery.outward import push
from agent.foundation.outward import Answer, Outgoing, OutwardKind, Target
from agent.foundation.sections_outward import Targets
from agent.foundation.store import open_store
from connectors.outward import open_targets
from tests.delivery.driver import JOBS, main, wait_until
from tests.delivery.outward_made import NOW

SETTLES = timedelta(seconds=1)
"In the tests' stand-ins an answer is never under way for long."


def a_target(name: str, address: str) -> Target:
    """The real target, before what listens there."""
    place = {"url": f"{address}/hook"} if name == "webhook" else {"base_url": address}
    settings = Targets.model_validate({name: {"on": list(OutwardKind), "timeout_seconds": 5.0, **place}})
    [target] = open_targets(settings)
    if target.settles_in:
        target.settles_in = SETTLES
    return target


def called_there(accounts: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """Every vendor knows every account."""
    names = {"hubspot": "77", "salesforce": "001A", "gainsight": "1P02", "intercom": "c1"}
    return dict.fromkeys(accounts, names)


class Dying:
    """A target at whose first call the process ends."""

    def __init__(self, inner: Target, when: str) -> None:
        self._inner, self._when = inner, when

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def put_all(self, batch: Sequence[Outgoing]) -> Iterator[tuple[str, Answer]]:
        """End before anything is asked, or when the answer is there and nobody has written it down."""
        if self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        for answer in self._inner.put_all(batch):
            if self._when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            yield answer


def push_job(url: str, name: str, address: str, when: str = "never", at: float = 0.0) -> None:
    """Push once, for everything there is."""
    store = open_store(url)
    target = a_target(name, address)
    wait_until(at)
    push(
        store,
        [target if when == "never" else Dying(target, when)],  # type: ignore[list-item]
        now=NOW,
        lookup=called_there,
    )
    store.close()


if __name__ == "__main__":
    JOBS["push"] = push_job
    main()
