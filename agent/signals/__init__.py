"""Signals: from facts to findings, as known at the end of a day."""
