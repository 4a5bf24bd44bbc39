"""The drafts of slotted_drafts.toml, each with the brief it words."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.ledger import make_brief
from agent.drafting.slotted import PARTS, Slotted
from tests.drafting.assessments import NAMES, SETTINGS, an_assessment


class Worded(NamedTuple):
    """A draft in slots and its brief."""

    name: str
    play: str
    brief: Brief
    slotted: Slotted


def a_brief(case: str = "capacity both", support: str = "none", **more: Any) -> Brief:
    """The brief of a case of assessments.py."""
    return make_brief(an_assessment(case, support, **more), SETTINGS, NAMES)


@cache
def worded() -> tuple[Worded, ...]:
    """Every draft of the file."""
    with (Path(__file__).parent / "slotted_drafts.toml").open("rb") as file:
        rows = tomllib.load(file)["draft"]
    return tuple(
        Worded(
            f"{number} {row['case']}",
            row["play"],
            a_brief(row["case"], row["support"]),
            Slotted(**{part: row[part] for part in PARTS}),
        )
        for number, row in enumerate(rows, start=1)
    )


def a_draft(**parts: str) -> Slotted:
    """The first draft of the file, for the brief of 'capacity both', with some parts worded otherwise."""
    return worded()[0].slotted.model_copy(update=parts)
