"""Evaluation: how good the messages and the rules are, measured."""
