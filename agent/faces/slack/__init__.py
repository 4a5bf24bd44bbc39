"""Slack: the card, the dialogues, the digest and the questions; it translates, calls once, and answers."""
