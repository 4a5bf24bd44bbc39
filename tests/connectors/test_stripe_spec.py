"""Stripe against its own OpenAPI file of 2023: every request the connector makes is one that it knows."""

import json
import time

import pytest

from tests.connectors.test_stripe import Books
from tests.prism import prism
from tests.vendors import stripe

pytestmark = pytest.mark.slow
SPEC = "specs/stripe/stripe_2023-08-16.read-only-slim.json"


class Mocked:
    """A workspace's view of the mock."""

    def __init__(self, url):
        self.url = url

    def workspace(self):
        """The lines of outgrown.toml."""
        return (
            f'[connectors.stripe]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n'
            'stripe_version = "2023-08-16"\nmax_rejected = 1\n'
        )


def test_every_request_is_one_that_stripe_documents(tmp_path, monkeypatch, shared):
    """Listing, paging, events, one subscription looked up: no violation, and no parameter the file does not name."""
    for name, value in stripe.ENV.items():
        monkeypatch.setenv(name, value)

    spec = json.loads((shared / SPEC).read_text(encoding="utf-8"))
    # The mock cannot make up an invoice, for they are too deep; what it checks of a request stays as it is.
    answer = spec["paths"]["/v1/invoices"]["get"]["responses"]["200"]["content"]["application/json"]
    answer["example"] = {"object": "list", "url": "/v1/invoices", "has_more": False, "data": [{"id": "in_1"}]}
    answer["schema"] = {"type": "object"}
    slim = tmp_path / "spec.json"
    slim.write_text(json.dumps(spec), encoding="utf-8")

    def amend(asked, body):
        """One page of everything, then a last one; a discount that changed, so that its subscription is looked up."""
        if isinstance(body, dict) and "data" in body:
            body["has_more"] = "starting_after" not in asked.query
            for number, row in enumerate(body["data"]):
                if isinstance(row.get("items"), dict):
                    # Further items are asked for at a path that the shortened file leaves out.
                    row["items"]["has_more"] = False
                row["id"] = f"{asked.path.rsplit('/')[-1]}_{number}{'x' * (not body['has_more'])}"
            if asked.path == "/v1/events":
                body["data"] = [
                    {"id": "evt_1", "type": "customer.discount.deleted", "created": int(time.time()),
                     "data": {"object": {"id": "di_1", "object": "discount", "subscription": "sub_looked_up"}}}
                ]  # fmt: skip
        return body

    with prism(slim, amend=amend) as server:
        books = Books(tmp_path, Mocked(server.url))
        for _ in range(2):
            landed, _reports = books.pull()
            assert landed.failed == ""
        asked = {one.path for one in server.asked}
        versions = {one.headers["stripe-version"] for one in server.asked}
    assert server.violations() == []
    assert server.undocumented() == []
    assert server.used() == {
        "GET /v1/customers", "GET /v1/products", "GET /v1/prices", "GET /v1/subscriptions", "GET /v1/invoices",
        "GET /v1/events", "GET /v1/subscriptions/{subscription_exposed_id}",
    }  # fmt: skip
    assert "/v1/subscriptions/sub_looked_up" in asked
    assert versions == {"2023-08-16"}
