"""The doctor on targets: each that is switched on, whether it would take a record, and what has not arrived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent.delivery.outward_states import OutwardState
from agent.faces.examining import Check
from agent.foundation.errors import OutgrownError

if TYPE_CHECKING:
    from agent.foundation.outward import Target
    from agent.wiring import House

NEEDS = {"gainsight": "nothing can be told", "intercom": "nothing can be told"}
"What a target cannot do without its own names of our accounts; any other only links nothing."


def target_checks(house: House) -> Iterator[Check]:
    """Every check of a target; none of them writes anything there."""
    try:
        targets = house.targets
    except OutgrownError as error:
        yield Check(name="targets", state="fail", says=str(error))
        return
    for target in targets:
        yield _reach(target)
        yield from _names(house, target)
        yield from _left(house, target)


def _reach(target: Target) -> Check:
    if target.lacks:
        return Check(
            name="targets",
            state="fail",
            says=f"{target.name} is not set up: {target.lacks} is missing; add it",
        )
    told = ", ".join(str(kind) for kind in target.kinds)
    try:
        return Check(name="targets", state="ok", says=f"{target.name} ({told}): {target.look()}")
    except OutgrownError as error:
        return Check(name="targets", state="fail", says=str(error))
    finally:
        target.close()


def _names(house: House, target: Target) -> Iterator[Check]:
    """Without a connector that reads it, nobody knows what the target calls our accounts."""
    if not target.wants or target.wants in house.settings.connectors.vendors:
        return
    cost = NEEDS.get(target.name, "records are linked to no account there")
    yield Check(
        name="targets",
        state="warn",
        says=f"{target.name} is not read, so {cost}; add [connectors.{target.wants}] and sync",
    )


def _left(house: House, target: Target) -> Iterator[Check]:
    try:
        numbers = house.told().get(target.name, {})
    except OutgrownError:
        return  # The check of the state says why.
    failed, unknown = numbers.get(OutwardState.FAILED, 0), numbers.get(OutwardState.UNKNOWN, 0)
    if failed or unknown:
        yield Check(
            name="targets",
            state="warn",
            says=f"{target.name}: {failed} failed, {unknown} not known to have arrived; `outgrown targets` says why, "
            "`outgrown targets retry` tells them again",
        )
