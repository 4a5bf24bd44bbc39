"""What the doctor finds about connectors: whether each answers, and what of their records is not settled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent.faces.examining import Check
from agent.foundation.errors import OutgrownError

if TYPE_CHECKING:
    from agent.wiring import House


def connector_checks(house: House) -> Iterator[Check]:
    """One check for every configured connector, and one for identities; each connector is asked something cheap."""
    try:
        vendors = house.vendors
    except OutgrownError as error:
        yield Check(name="connectors", state="fail", says=str(error))
        return
    for vendor in vendors:
        try:
            yield Check(name=vendor.name, state="ok", says=house.check_vendor(vendor))
        except OutgrownError as error:
            yield Check(name=vendor.name, state="fail", says=str(error))
    if vendors:
        yield from _identities(house)


def _identities(house: House) -> Iterator[Check]:
    from agent.facts.identities import State

    try:
        found = house.identities()
    except OutgrownError:
        return
    ambiguous = sum(one.state is State.AMBIGUOUS for one in found)
    unmatched = sum(one.state is State.UNMATCHED for one in found)
    if ambiguous:
        says = f"{ambiguous:,} records could be several accounts, which are held; `outgrown identities` says which"
        yield Check(name="identities", state="warn", says=says)
    elif unmatched:
        says = (
            f"{unmatched:,} of {len(found):,} records belong to no account; `outgrown identities` lists them"
        )
        yield Check(name="identities", state="warn", says=says)
    elif found:
        yield Check(name="identities", state="ok", says=f"all {len(found):,} records are settled")
