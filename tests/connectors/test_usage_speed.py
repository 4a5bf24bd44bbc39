"""How long a million events take from a vendor's API into the facts, everything included."""

import tempfile
from pathlib import Path

import pytest

from evals.speed.connectors import ACCOUNTS, EVENTS, VENDORS, measure

SECONDS, MIB = 120, 1536


@pytest.mark.timing
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_million_events_are_facts_in_two_minutes(vendor):
    """Download, landing, matching and the door, within a gigabyte and a half; the vendor is a process of its own."""
    with tempfile.TemporaryDirectory(prefix="outgrown-speed-") as folder:
        found = measure(vendor, EVENTS, Path(folder))
    assert found["new"]["events"] == EVENTS
    assert found["new"]["accounts"] == ACCOUNTS
    assert found["new"]["measures"] > ACCOUNTS
    assert 600 <= found["bytes"] / EVENTS <= 900
    assert found["seconds"] < SECONDS
    assert found["peak_mib"] < MIB
