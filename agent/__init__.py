"""Outgrown: finds customers who have outgrown their plan and writes to them once, honestly."""
