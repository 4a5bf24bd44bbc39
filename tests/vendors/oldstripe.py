"""localstripe, an older stand-in of Stripe that others wrote: the protocol of 2017, on loopback, in a process of its own.

    with OldStripe() as stripe:
        stripe.post("/v1/customers", name="Alpha")

It can be listed and changed; it filters by no time, knows no prices, and makes no events of changes.
"""

import importlib.util
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from json import loads

import pytest

from tests.spark import free_port

KEY = "sk_test_standin0000000000"
ENV = {"STRIPE_API_KEY": KEY}
READY_SECONDS = 60
# Of itself it listens to everybody and keeps what it holds in one place for all.
PROGRAM = """
import sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda self: None
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


class OldStripe:
    """One server; skips with a reason where localstripe is not installed."""

    def __init__(self):
        if importlib.util.find_spec("localstripe") is None:
            pytest.skip("localstripe is not installed: pip install localstripe")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def workspace(self):
        """The lines of outgrown.toml."""
        return (
            f'[connectors.stripe]\nbase_url = "{self.url}"\nold_server = true\nrequests_per_minute = 60000\n'
        )

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="outgrown-oldstripe-")
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.port)],
            cwd=self._folder.name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                self.ask("GET", "/v1/customers")
                return self
            time.sleep(0.1)
        self.__exit__()
        raise AssertionError("localstripe did not start")

    def __exit__(self, *error):
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait(10)
        self._folder.cleanup()

    def ask(self, method, path, fields=None):
        """One answer of it."""
        data = urllib.parse.urlencode(fields or {}).encode() if method == "POST" else None
        headers = {"Authorization": f"Bearer {KEY}"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return loads(answer.read())
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{method} {path}: {refused.code} {refused.read()[:300]}") from None

    def post(self, path, **fields):
        """Make or change something; `a__b` is the field a[b]."""
        named = {
            name.replace("__", "][").replace("]", "", 1) + "]" * ("__" in name): v
            for name, v in fields.items()
        }
        return self.ask("POST", path, named)

    def customer(self, name, number="4242424242424242", **fields):
        """A customer with a card; 4000000000000341 is one that is refused when it is charged."""
        found = self.post("/v1/customers", name=name, email=f"ops@{name.lower()}.example", **fields)
        card = self.post(
            "/v1/payment_methods", type="card", card__number=number, card__exp_month=12,
            card__exp_year=2040, card__cvc="123",
        )  # fmt: skip
        self.post(f"/v1/payment_methods/{card['id']}/attach", customer=found["id"])
        self.post(f"/v1/customers/{found['id']}", invoice_settings__default_payment_method=card["id"])
        return found
