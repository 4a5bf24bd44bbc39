"""A target before its stand-in."""

import pytest


@pytest.fixture
def open_target(monkeypatch):
    """Open targets of a class with an environment; closed in the end."""
    opened = []

    def open_(kind, settings, env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        opened.append(kind(settings))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()
