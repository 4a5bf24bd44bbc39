"""What we ask Paddle and Chargebee, held against the vendors' own OpenAPI files by Prism; and Paddle's examples mapped."""

import json
import urllib.error
import urllib.request
from datetime import UTC, date, datetime

import pytest

from tests.books import Books
from tests.prism import prism

pytestmark = pytest.mark.slow
CHARGEBEE_SINCE_V2 = {
    "GET /customers: sort_by[asc]", "GET /customers: updated_at[after]", "GET /customers: include_deleted",
    "GET /subscriptions: sort_by[asc]", "GET /subscriptions: updated_at[after]", "GET /subscriptions: include_deleted",
    "GET /invoices: sort_by[asc]", "GET /invoices: updated_at[after]", "GET /invoices: updated_at[before]",
    "GET /invoices: status[in]", "GET /invoices: include_deleted",
    "GET /events: sort_by[asc]", "GET /events: occurred_at[after]",
}  # fmt: skip
"What the file of version 1 cannot say anything about: version 2 has filters and an order."


class Behind:
    """Prism in the place of a vendor's stand-in."""

    def __init__(self, server, name):
        self.asked, self._lines = (
            server.asked,
            f'[connectors.{name}]\nbase_url = "{server.url}"\nrequests_per_minute = 60000\n',
        )

    def workspace(self):
        """The lines of outgrown.toml for it."""
        return self._lines


def status_of(url, **headers):
    """The status of one answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_prism_sees_what_breaks_a_spec(shared):
    """Otherwise that it sees nothing would say nothing."""
    with prism(shared / "specs/paddle/openapi.2025-05-27.yaml") as server:
        asked = {"Authorization": "Bearer x"}
        assert status_of(f"{server.url}/subscriptions?per_page=many&colour=red", **asked) == 422
        assert status_of(f"{server.url}/customers") == 401
        assert status_of(f"{server.url}/nowhere", **asked) == 404
        assert status_of(f"{server.url}/subscriptions?status=active", **asked) == 200
        said = " ".join(server.violations())
        assert server.used() == {"GET /subscriptions", "GET /customers"}
        assert server.undocumented() == ["GET /nowhere", "GET /subscriptions: colour"]
    assert [
        part in said for part in ("per_page must be integer", "Invalid security scheme", "Route not resolved")
    ] == [True] * 3
    assert " ".join(server.violations()) == said


def test_every_question_to_paddle_is_in_its_spec(shared, tmp_path, monkeypatch):
    """Two readings, further pages, a discount, a customer asked for by id; and the examples that come back are read."""
    monkeypatch.setenv("PADDLE_API_KEY", "pdl_fake")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    readings = []

    def amend(asked, body):
        page = body.get("meta", {}).get("pagination")
        if page:
            last = body["data"][-1]
            # Each list has two pages; the second begins after the last of the first.
            page["has_more"] = "after" not in asked.query
            page["next"] = (
                f"https://api.paddle.com{asked.path}?after={last.get('id') or last.get('event_id')}"
            )
        if asked.path == "/customers":
            # Whose subscriptions and bills the other examples are.
            body["data"].append(
                {**body["data"][0], "id": "ctm_01hv8wt8nffez4p2t6typn4a5j", "name": "Sam Miller"}
            )
        if asked.path == "/subscriptions":
            body["data"][0]["discount"] = {
                "id": "dsc_01gtgztp8fpchantd5g1wrksa3",
                "starts_at": "2024-04-01T00:00:00Z",
                "ends_at": None,
            }
        if asked.path == "/events" and readings:
            business = {"id": "biz_1", "customer_id": "ctm_01hv6y1jedq4p1n0yqn5ba3ky4", "name": "Brown Ltd"}
            told = {
                "event_id": "evt_9",
                "event_type": "business.updated",
                "occurred_at": now,
                "data": business,
            }
            body["data"] = [told]
        return body

    with prism(shared / "specs/paddle/openapi.2025-05-27.yaml", amend=amend) as server:
        books = Books(tmp_path, Behind(server, "paddle"), "paddle")
        asked = []
        for _ in range(2):
            books.sync()
            assert books.failed == ""
            asked += server.asked
            readings.append(True)
        server.asked[:] = asked
        assert server.violations() == []
        # Newer than the file: https://developer.paddle.com/changelog/2025/filter-events-by-type
        assert server.undocumented() == ["GET /events: event_type"]
        assert server.used() == {
            f"GET /{path}"
            for path in (
                "prices",
                "customers",
                "subscriptions",
                "transactions",
                "events",
                "discounts/{discount_id}",
            )
        }
    facts = books.facts
    assert facts.ask("SELECT name FROM accounts WHERE contact_name = 'Jo Brown-Anderson'") == [("Brown Ltd",)]
    # Two active ones of two items each, one past due of two, one paused; the cancelled one has ended.
    assert facts.ask("SELECT status, count(*) FROM subscriptions WHERE ends_on IS NULL GROUP BY ALL ORDER BY ALL") == [
        ("active", 4), ("past_due", 2), ("paused", 1),
    ]  # fmt: skip
    pro = "paddle:sub_01hv959anj4zrw503h2acawb3p"
    assert facts.ask(
        f"SELECT account_id, plan_id, seats, currency, status, term FROM subscriptions WHERE subscription_id = '{pro}' AND ends_on IS NULL"
    ) == [("ctm_01hv8wt8nffez4p2t6typn4a5j", "pri_01gsz8x8sawmvhz1pv30nge1ke", 10, "USD", "active", "month")]
    assert facts.ask(f"SELECT min(starts_on) FROM subscriptions WHERE subscription_id = '{pro}'") == [
        (date(2024, 4, 12),)
    ]
    # The example leaves out the products that were asked for with the prices, so the price's own name stands.
    plan = facts.plans()["pri_01gsz8x8sawmvhz1pv30nge1ke"]
    assert (plan[0], plan[2:5]) == ("Monthly (per seat)", (3000, "USD", True))
    assert facts.ask("SELECT status, count(*) FROM invoices GROUP BY ALL ORDER BY ALL") == [
        ("open", 1),
        ("paid", 1),
        ("void", 1),
    ]


def test_what_coincides_in_chargebee_is_in_its_spec(shared, tmp_path, monkeypatch):
    """Paths, paging and the key are those of version 1; what version 2 added to them is named here, and no more."""
    monkeypatch.setenv("CHARGEBEE_API_KEY", "test_fake")
    day = int(datetime.now(UTC).timestamp()) - 86400
    sub = {
        "id": "s1", "customer_id": "c1", "currency_code": "USD", "status": "active", "plan_id": "p1", "plan_quantity": 1,
        "plan_amount": 900, "billing_period": 1, "billing_period_unit": "month", "created_at": day, "started_at": day,
        "updated_at": day, "coupons": [{"coupon_id": "EARLY"}],
    }  # fmt: skip

    def amend(asked, body):
        if asked.path.endswith("/subscriptions"):
            return {"list": [{"subscription": sub}]}
        if "/coupons/" in asked.path:
            return {"coupon": {"id": "EARLY", "discount_percentage": 10.0, "duration_type": "forever"}}
        # The file's own examples are empty.
        return (
            {"list": []} if "offset" in asked.query else {"list": [], "next_offset": json.dumps(["1", "2"])}
        )

    spec = shared / "specs/chargebee/chargebee_api_v1_spec.json"
    with prism(spec, amend=amend, base="/api/v2") as server:
        books = Books(tmp_path, Behind(server, "chargebee"), "chargebee", 'catalogue = "1.0"\n')
        asked = []
        for _ in range(2):
            books.sync()
            assert books.failed == ""
            asked += server.asked
        server.asked[:] = asked
        # Prism knows `event_type` as one of a list; version 2 takes several in brackets.
        assert server.violations() == []
        assert set(server.undocumented()) == CHARGEBEE_SINCE_V2
        assert server.used() == {
            f"GET /{path}"
            for path in (
                "plans",
                "addons",
                "customers",
                "subscriptions",
                "invoices",
                "events",
                "coupons/{coupon-id}",
            )
        }
