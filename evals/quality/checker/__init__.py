"""The checker, checked: drafts with one planted fault each, and clean ones, held against the guardrails."""

from evals.quality.checker.measuring import measure

__all__ = ["measure"]
