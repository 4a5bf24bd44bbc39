"""Drafting: the brief, the writer and the guardrails."""
