"""Chooses every real part, once."""

from agent.wiring.house import House

__all__ = ["House"]
