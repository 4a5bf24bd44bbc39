"""`python -m tests.hostile`: every attack through every channel, and how many changed anything, with its bound.

The tests take a few of each; this takes about half an hour. Channels may be named, and `every=4` takes each fourth attack.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.hostile.arena import CHANNELS
from tests.hostile.attacks import for_channel
from tests.hostile.drive import AT_ONCE, Tally, drive
from tests.worlds import MOMENT


def main(channels: list[str], every: int) -> None:
    """Print a line a channel, what changed, and the whole."""
    os.environ["OUTGROWN_NOW"] = MOMENT.isoformat()
    total = Tally()
    for channel in channels or CHANNELS:
        here = Tally()
        attacks = for_channel(channel)[::every]
        for first in range(0, len(attacks), AT_ONCE):
            with tempfile.TemporaryDirectory() as folder:
                here += drive(channel, attacks[first : first + AT_ONCE], Path(folder))
        _say(channel, here)
        for line in (*here.by_model, *(f"(without a model too) {one}" for one in here.without_model)):
            sys.stdout.write(f"    {line[:300]}\n")
        total += here
    _say("all", total)


def _say(name: str, tally: Tally) -> None:
    sys.stdout.write(
        f"{name}: {tally.tried} tried, {len(tally.by_model)} changed something, "
        f"{len(tally.without_model)} the same without any model; drafts by the model {tally.reworded}, "
        f"by templates {tally.templates}; upper bound {tally.bound:.2%}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    taken = [one.removeprefix("every=") for one in sys.argv[1:] if one.startswith("every=")]
    main([one for one in sys.argv[1:] if not one.startswith("every=")], int(taken[0]) if taken else 1)
