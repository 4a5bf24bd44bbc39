"""`python -m tests.hostile`: every attack through every channel, and how many changed anything, with its bound."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.hostile.arena import CHANNELS
from tests.hostile.attacks import corpora, in_mails, own
from tests.hostile.drive import Tally, drive
from tests.hostile.test_injections import AT_ONCE
from tests.worlds import MOMENT


def main(channels: list[str]) -> None:
    """Print a line a channel, what changed, and the whole."""
    os.environ["OUTGROWN_NOW"] = MOMENT.isoformat()
    total = Tally()
    for channel in channels or CHANNELS:
        here = Tally()
        attacks = own() + (in_mails() if channel == "ticket" else corpora())
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
        f"by templates {tally.templates}; upper bound of none {tally.bound:.2%}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
