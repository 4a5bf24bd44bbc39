"""Questions in Slack and in the terminal: looked up in the state, worded by a model or by us, acted on by a button."""

from agent.faces.slack.asking.answering import answer, answered

__all__ = ["answer", "answered"]
