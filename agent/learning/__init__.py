"""Learning: what came back, stored as data."""
