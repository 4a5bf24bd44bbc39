"""Delivery: the outbox and the channels that carry an approved message."""
