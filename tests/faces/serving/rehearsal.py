"""The service as a rehearsal runs it: `python -m tests.faces.serving.rehearsal WORKSPACE PACE [once]`.

Our clock runs many times as fast as the machine's, so what a lease of the outbox counts by it is made long
enough for the machine: work takes the machine's time. Slack's stand-in takes more than one message a second.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from agent.delivery import sender
from agent.faces import terminal
from agent.faces.serving.serving import Serving
from agent.foundation.settings import open_workspace
from agent.wiring import House


def main() -> None:
    """Serve until a signal comes; or, asked for `once`, do what is due and end."""
    terminal.prepare()
    (sender.send.__kwdefaults__ or {})["lease"] = timedelta(days=2)
    house = House(open_workspace(Path(sys.argv[1])), "outgrown")
    serving = Serving(house, port=0, pace_seconds=float(sys.argv[2]))
    code = serving.once() if "once" in sys.argv else serving.run()
    house.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
