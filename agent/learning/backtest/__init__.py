"""The ready bar replayed over history: how often it spoke, and whether an expansion followed."""
