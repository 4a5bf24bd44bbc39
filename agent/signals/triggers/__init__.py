"""The built-in triggers of rule book §3, by theme; importing this package registers them all."""

from agent.signals.triggers import commercial, growth, interest, support, team, usage

__all__ = ["commercial", "growth", "interest", "support", "team", "usage"]
