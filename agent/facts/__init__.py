"""Facts: the canonical tables and the one door through which rows enter the warehouse."""
