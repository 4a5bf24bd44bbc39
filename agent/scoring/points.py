"""Points and bands of rule book §4: a group scores its points once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.foundation.settings import Scoring
from agent.scoring.assessment import Band
from agent.signals.finding import Finding


def groups(findings: Iterable[Finding], points: Mapping[str, int]) -> dict[str, int]:
    """Points by group that has a finding, in the rule book's order of groups."""
    found = {finding.group for finding in findings}
    return {group: worth for group, worth in points.items() if group in found}


def band(points: int, bar: Scoring) -> Band:
    """The band of so many points."""
    if points >= bar.ready_points:
        return Band.READY
    return Band.WATCH if points >= bar.watch_points else Band.STABLE
