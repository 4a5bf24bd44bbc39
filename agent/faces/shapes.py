"""The JSON that commands answer with: relied on from outside, so kept in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.scoring.assessment import Assessment
    from agent.scoring.scan import Scan
    from agent.signals.finding import Figure, Finding

RANKED_DIGITS = 6


def scan_shape(result: Scan) -> dict[str, Any]:
    """The answer of `scan --json`."""
    return {
        "as_of": result.as_of.isoformat(),
        "accounts": [account_shape(one) for one in result.accounts],
        "mismatches": list(result.mismatches),
        "sources": [
            {"source": s.source, "table": s.table, "read_at": s.read_at.isoformat() if s.read_at else None}
            for s in result.sources
        ],
    }


def account_shape(one: Assessment, *, rows: bool = False) -> dict[str, Any]:
    """One account in `scan --json`; with `rows`, the figures carry their source rows."""
    offer = one.offer
    return {
        "account_id": one.account_id,
        "name": one.name,
        "status": one.status.value,
        "points": one.points,
        "groups": one.groups,
        "band": one.band.value,
        "composite": one.composite,
        "tier": one.tier.value if one.tier else None,
        "parts": {name: part.score for name, part in one.parts.items()},
        "missing": list(one.missing),
        "findings": [_finding(finding, rows=rows) for finding in one.findings],
        "play": one.play,
        "offer": None
        if offer is None
        else {
            "kind": offer.kind.value,
            "plan_id": offer.plan_id,
            "name": offer.name,
            "price_minor": offer.price_minor,
            "currency": offer.currency,
            "per": offer.per,
            "adds_monthly_minor": offer.adds_monthly_minor,
        },
        "holds": [{"hold": hold.hold, "says": hold.says} for hold in one.holds],
        "needs": list(one.needs),
    }


def _finding(finding: Finding, *, rows: bool) -> dict[str, Any]:
    return {
        "trigger": finding.trigger,
        "group": finding.group,
        "key": finding.key,
        "value": finding.value,
        "threshold": finding.threshold,
        "unit": finding.unit,
        "first_day": finding.first_day.isoformat(),
        "last_day": finding.last_day.isoformat(),
        "says": finding.says,
        "figures": [_figure(figure, rows=rows) for figure in finding.figures],
    }


def _figure(figure: Figure, *, rows: bool) -> dict[str, Any]:
    shape = figure.model_dump(mode="json", exclude={"formula_tree", "rows"})
    if rows:
        shape["rows"] = [row.model_dump(mode="json") for row in figure.rows]
    else:
        shape["rows"] = [f"{row.table}/{row.key}" for row in figure.rows]
    return shape
