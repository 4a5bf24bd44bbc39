"""A desk in a process of its own, as `serve` has one, so that a test can kill it.

`python -m tests.faces.slack.deskprocess FOLDER` works until its input ends; then it stops as on SIGTERM.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from agent.faces.slack.desk import Desk
from agent.foundation.settings import open_workspace
from agent.wiring import House


def main() -> None:
    """Send what an earlier process left, open, work, stop."""
    logging.basicConfig(level=logging.ERROR)
    house = House(open_workspace(Path(sys.argv[1])))
    house.send()
    desk = Desk(house, pace_seconds=0.0)
    desk.start()
    sys.stdin.read()
    desk.stop(10)
    house.close()


if __name__ == "__main__":
    main()
