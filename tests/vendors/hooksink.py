"""A stand-in for a receiver of webhooks: it checks each signature as Standard Webhooks has it, and drops repeats."""

import base64
import hashlib
import hmac
import json
import time

from tests.vendors.outward import Sink
from tests.vendors.server import Refusal

SECRET_BYTES = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(SECRET_BYTES).decode()
ENV = {"OUTGROWN_WEBHOOK_SECRET": SECRET}
TOLERANCE = 300


class HookSink(Sink):
    """Takes signed JSON at any path."""

    def __init__(self):
        super().__init__()
        self.taken = {}
        "What came, by webhook-id."
        self.repeats = 0

    def is_write(self, asked):
        return asked.method == "POST"

    def write(self, asked):
        our_id, stamp = asked.headers.get("webhook-id", ""), asked.headers.get("webhook-timestamp", "")
        signed = f"{our_id}.{stamp}.".encode() + asked.body
        wanted = base64.b64encode(hmac.new(SECRET_BYTES, signed, hashlib.sha256).digest()).decode()
        if f"v1,{wanted}" not in asked.headers.get("webhook-signature", "").split(" "):
            raise Refusal(401, {"message": "the signature is not right"})
        if abs(time.time() - int(stamp)) > TOLERANCE:
            raise Refusal(400, {"message": "too old"})
        if our_id in self.taken:
            self.repeats += 1
        else:
            self.taken[our_id] = json.loads(asked.body)
        return {"ok": True}

    def records(self):
        """Every record the receiver knows, by our id, as often as it does."""
        return list(self.taken)

    def workspace(self):
        """The lines of outgrown.toml for it."""
        return f'[targets.webhook]\non = ["ready", "sent", "outcome"]\nurl = "{self.url}/hook"\n'
