"""The two worked maps, against data nobody here wrote."""

from datetime import date
from pathlib import Path

import pytest

import connectors
from tests.connectors.conftest import Desk


def synced(name, folder, shared):
    """A workspace with a worked map, synced twice, and what the first sync reported."""
    desk = Desk(folder)
    worked = Path(connectors.__file__).parent / "worked" / name / "outgrown.toml"
    text = worked.read_text(encoding="utf-8").replace(f'dir = "{name}"', f'dir = "{shared}/data/{name}"')
    (desk.folder / "outgrown.toml").write_text(text, encoding="utf-8")
    first, again = desk.reports(), desk.reports()
    assert [(r.new, r.changed) for r in again] == [(0, 0)] * len(first)
    return desk, first


@pytest.fixture(scope="module")
def ravenstack(tmp_path_factory, shared):
    """RavenStack, read through its worked map."""
    return synced("ravenstack", tmp_path_factory.mktemp("ravenstack"), shared)


@pytest.fixture(scope="module")
def churnsim(tmp_path_factory, shared):
    """ChurnSim, read through its worked map."""
    return synced("churnsim", tmp_path_factory.mktemp("churnsim"), shared)


def test_ravenstack_dirt_is_counted(ravenstack):
    """Nothing is thrown away silently: what is odd has a number and a sentence."""
    desk, first = ravenstack
    reports = {report.table: report for report in first}
    assert {table: report.new for table, report in reports.items()} == {
        "accounts": 500, "plans": 3, "metrics": 1, "subscriptions": 5_000, "measures": 24_111,
        "events": 24_977, "tickets": 2_000,
    }  # fmt: skip
    assert reports["events"].rejected == 21
    assert all("given again at line" in r.reason for r in reports["events"].first_rejections)
    assert "2 rows are left out by where = 'try_cast(usage_count AS bigint) > 0'" in reports["events"].notes
    assert "19,142 rows are dated before the subscription they name began" in reports["measures"].notes
    assert "25,000 rows are grouped into 24,111 (sum of value)" in reports["measures"].notes
    assert "1,077 rows are dated before the account's created_on; kept" in reports["tickets"].notes
    assert any(note.startswith("778 rows are trials") for note in reports["subscriptions"].notes)
    assert any(note.startswith("500 accounts hold several open") for note in reports["subscriptions"].notes)
    assert desk.ask("SELECT count(*), sum(mrr_minor) FROM subscriptions WHERE status = 'trialing'") == [
        (778, 0)
    ]
    assert desk.ask("SELECT min(sentiment), max(sentiment), count(text), count(minutes) FROM tickets") == [
        (0.0, 1.0, 0, 0)
    ]


def test_ravenstack_prices_are_those_of_its_subscriptions(ravenstack):
    """The prices given in the map are what every paying subscription's amount per seat comes to."""
    off = ravenstack[0].ask(
        "SELECT count(*) FROM subscriptions JOIN plans USING (plan_id) "
        "WHERE status = 'active' AND mrr_minor <> seats * price_minor"
    )
    assert off == [(0,)]


@pytest.mark.slow
def test_churnsim_becomes_plans_ceilings_and_continuous_periods(churnsim):
    """Ceilings from the plans file, months joined, and three metrics."""
    desk, reports = churnsim
    assert [(report.table, report.file, report.new) for report in reports] == [
        ("accounts", "account.csv", 587),
        ("plans", "crm5_plans.csv", 15),
        ("plans", "crm5_addons.csv", 2),
        ("metrics", "outgrown.toml [connectors.files.rows.metrics]", 3),
        ("ceilings", "crm5_plans.csv", 27),
        ("ceilings", "subscription.csv", 1_178),
        ("subscriptions", "subscription.csv", 2_981),
        ("measures", "event_daily.csv.gz", 130_898),
        ("measures", "event_daily.csv.gz", 20_408),
        ("events", "event_daily.csv.gz", 383_978),
    ]
    assert all(report.rejected == 0 for report in reports)
    notes = [note for report in reports for note in report.notes]
    assert "153 rows have no row in subscription.csv" in notes
    assert "12,465 periods are joined into 2,981 continuous ones" in notes
    assert "18 rows are left out by where = 'try_cast(ceiling AS double) > 0'" in notes
    assert desk.ask("SELECT metric, count(*) FROM measures GROUP BY 1 ORDER BY 1") == [
        ("meeting", 7_490),
        ("search", 12_918),
        ("users", 130_898),
    ]
    assert desk.ask("SELECT metric, ceiling FROM ceilings WHERE plan_id = 'basic_annual' ORDER BY 1") == [
        ("search", 10.0),
        ("users", 10.0),
    ]
    assert desk.ask("SELECT name, created_on FROM accounts WHERE account_id = '3'") == [
        ("Account 3", date(2024, 1, 30))
    ]


@pytest.mark.slow
def test_churnsim_periods_cover_the_same_days(churnsim, shared):
    """Joining changes no day of anybody's history, and monthly rows no longer touch."""
    desk, _ = churnsim
    before = desk.ask(
        f"SELECT sum(end_date - start_date) FROM read_csv('{shared}/data/churnsim/subscription.csv')"
    )
    assert desk.ask("SELECT sum(ends_on - starts_on) FROM subscriptions") == before
    touching = desk.ask(
        "SELECT count(*) FROM subscriptions a JOIN subscriptions b ON a.subscription_id = b.subscription_id "
        "AND a.ends_on = b.starts_on AND a.plan_id = b.plan_id AND a.mrr_minor = b.mrr_minor "
        "AND a.discount_pct IS NOT DISTINCT FROM b.discount_pct "
        "WHERE a.renews_on IS NULL AND b.renews_on IS NULL"
    )
    assert touching == [(0,)]
    assert desk.ask(
        "SELECT plan_id, starts_on, ends_on, renews_on FROM subscriptions "
        "WHERE subscription_id = '3-plan' ORDER BY starts_on"
    ) == [
        ("basic_mthly", date(2024, 1, 30), date(2024, 2, 29), None),
        ("standard_mthly", date(2024, 2, 29), date(2024, 3, 30), None),
        ("standard_biann", date(2024, 3, 30), date(2024, 9, 30), date(2024, 9, 30)),
        ("standard_biann", date(2024, 9, 30), date(2025, 3, 30), date(2025, 3, 30)),
    ]
