"""Timing a call: seconds on the clock, and seconds of processor over all threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Timed(NamedTuple):
    """What a call took; `found` is a number that says what it found."""

    seconds: float
    cpu: float
    "Steadier than the clock where others use the machine too."
    found: int


def timed(call: Callable[[], int]) -> Timed:
    """The call, timed."""
    started, worked = time.perf_counter(), time.process_time()
    found = call()
    return Timed(time.perf_counter() - started, time.process_time() - worked, found)
