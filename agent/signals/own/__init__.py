"""Triggers of the founder's own: their code, their wording, and what must be right before they are looked at."""
