"""What every stand-in of a target shares: troubles that befall single requests, and answers that are lost."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from tests.vendors.server import Refusal, Vendor


@dataclass(frozen=True)
class Trouble:
    """What happens to one request that writes: an answer instead of the vendor's, or none at all."""

    status: int = 0
    "0 means that no answer comes."
    body: object = field(default_factory=dict)
    headers: dict = field(default_factory=dict)
    takes: bool = False
    "Whether the work is done all the same."
    seconds: float = 0.0
    "How long it takes before that."


LOSES_ANSWER = Trouble(takes=True)
LOSES_REQUEST = Trouble()


class Sink(Vendor):
    """A vendor that is written to: subclasses write `write(asked)` and say what `is_write`; troubles befall writes in order."""

    def __init__(self):
        super().__init__()
        self.troubles = deque()
        self.lock = threading.Lock()
        # Who is hung up on says so; the server need not.
        self._server.handle_error = lambda request, client_address: None
        self.writes = 0
        "How many requests asked for something to be written."

    def is_write(self, asked):
        """Whether the request asks for something to be written."""
        raise NotImplementedError

    def write(self, asked):
        """What the vendor answers when all is well."""
        raise NotImplementedError

    def answer(self, asked):
        """The vendor's answer, or the trouble's."""
        with self.lock:
            if not self.is_write(asked):
                return self.write(asked)
            self.writes += 1
            trouble = self.troubles.popleft() if self.troubles else None
            if trouble is None:
                return self.write(asked)
            found = self.write(asked) if trouble.takes else None
        time.sleep(trouble.seconds)
        if trouble.status:
            raise Refusal(trouble.status, trouble.body, **trouble.headers)
        if trouble.seconds and found is not None:
            return found
        raise _HangUp


class _HangUp(Exception):
    """The connection ends without an answer."""
