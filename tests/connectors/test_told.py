"""What the README and .env.example say of connectors is what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import VENDORS

ROOT = Path(__file__).parents[2]
README, ENV = (ROOT / "README.md").read_text(), (ROOT / ".env.example").read_text()


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))
def test_every_connector_has_its_line(vendor) -> None:  # type: ignore[no-untyped-def]
    """With its keys, and the rights they need."""
    [line] = [
        line for line in README.splitlines() if line.startswith(f"| `{vendor.name}` |") and line in _reading()
    ]
    for key in vendor.keys:
        assert key.name in ENV
        if not key.optional:
            assert f"`{key.name}`" in line


def test_no_line_is_about_a_connector_that_is_gone() -> None:
    """Every row of the table has its vendor."""
    names = {line.split("`")[1] for line in _reading() if line.startswith("| `")}
    assert names == set(VENDORS)


def _reading() -> list[str]:
    part = README.partition("## The tools it reads")[2].partition("## The tools it tells")[0]
    assert part
    return part.splitlines()
