"""Firmographics: readings of headcount out of a file or from a service, and no lookup that need not be paid for."""

import re
from datetime import date, timedelta

import pytest

from agent.foundation.errors import ConfigError
from agent.foundation.holder import machine_now
from agent.foundation.settings import check_section, open_workspace
from connectors import sync
from connectors._api import Api
from connectors._landing import Landing
from connectors.firmographics import FIRMOGRAPHICS
from connectors.firmographics import Firmographics as Section
from tests.connectors.conftest import COMPANY
from tests.vendors.firmographics import KEY, Firmographics

ACCOUNTS = (
    "account_id,name,created_on,domain,contact_email,is_test\n"
    "a,Alpha,2026-01-01,alpha.example,,false\n"
    "b,Beta,2026-01-01,,ann@beta.example,false\n"
    "c,Gamma,2026-01-01,,ann@gmail.com,false\n"
    "t,Test,2026-01-01,test.example,,true\n"
)
COUNTS = "SELECT account_id, day, value FROM measures WHERE metric = 'headcount' ORDER BY ALL"
TODAY = machine_now().date()


@pytest.fixture
def service(monkeypatch):
    """The services."""
    monkeypatch.setenv("FIRMOGRAPHICS_API_KEY", KEY)
    with Firmographics() as one:
        one.companies = {"alpha.example": 40, "beta.example": 7, "test.example": 1}
        yield one


@pytest.fixture
def asking(desk, service):
    """A desk whose accounts are known already, and that asks a service from now on."""
    desk.put("accounts.csv", ACCOUNTS)

    def write(name="peopledatalabs", more=""):
        (desk.folder / "outgrown.toml").write_text(
            f'{COMPANY}[connectors.files]\ndir = "exports"\n{service.workspace(name, more)}', encoding="utf-8"
        )

    desk.write = write
    write()
    desk.sync(names=["files"])
    return desk


def failed_of(desk):
    """Why the reading failed."""
    [landed] = sync.fetch(open_workspace(desk.folder), ["firmographics"])
    return landed.failed


def later(desk, monkeypatch, days):
    """So many days on."""
    moment = machine_now() + timedelta(days=days)
    for where in ("connectors._kept", "connectors._api"):
        monkeypatch.setattr(f"{where}.machine_now", lambda: moment, raising=False)
    monkeypatch.setattr("agent.foundation.holder.machine_now", lambda: moment)


# A service.


@pytest.mark.parametrize("name", ["clearbit", "zoominfo", "peopledatalabs"])
def test_each_service_is_asked_its_own_way(asking, service, name):
    """About the domains of paying accounts alone, by web or e-mail address, and never about free mail."""
    asking.write(name)
    asking.sync()
    assert asking.ask(COUNTS) == [("a", TODAY, 40.0), ("b", TODAY, 7.0)]
    assert service.looked_up == ["alpha.example", "beta.example"]


def test_a_service_of_ones_own(asking, service):
    """By its URL, its header, and where the count stands."""
    more = 'url = "https://elsewhere.example/own/{domain}"\nheader = "X-Key"\nprefix = ""\nvalue = "size.staff"\n'
    asking.write("other", more)
    asking.sync()
    assert asking.ask(COUNTS) == [("a", TODAY, 40.0), ("b", TODAY, 7.0)]
    assert service.asked[0].headers["x-key"] == KEY
    assert "authorization" not in service.asked[0].headers


def test_months_become_readings_at_their_ends(asking, service):
    """Never a day before it was known; the month that is not over is today's."""
    this = f"{TODAY:%Y-%m}"
    service.months["alpha.example"] = {
        "2026-01": 30,
        "2026-02": 35,
        this: 39,
        "2025-13": 1,
        "soon": 2,
        "2025-12": None,
    }
    asking.sync()
    assert asking.ask(COUNTS) == [
        ("a", date(2026, 1, 31), 30.0),
        ("a", date(2026, 2, 28), 35.0),
        ("a", TODAY, 40.0),
        ("b", TODAY, 7.0),
    ]


def test_an_answer_is_good_for_a_month(asking, service, monkeypatch):
    """Nobody pays for the same answer twice, not even for that there is none; then everything is asked again."""
    del service.companies["beta.example"]
    asking.sync()
    assert len(service.looked_up) == 2
    reports = asking.sync()
    assert len(service.looked_up) == 2
    assert not reports["measures"].new
    later(asking, monkeypatch, 31)
    service.companies["alpha.example"] = 50
    asking.sync()
    assert len(service.looked_up) == 4
    assert [row[2] for row in asking.ask(COUNTS)] == [40.0, 50.0]


def test_a_sync_from_an_earlier_day_pays_for_nothing_twice(asking, service):
    """What has landed is known."""
    asking.sync()
    asking.sync(since=date(2025, 1, 1))
    assert len(service.looked_up) == 2


def test_no_more_lookups_than_the_budget(asking, service):
    """The rest comes next, and the founder is told."""
    asking.write(more="max_lookups = 1\n")
    report = asking.sync()["measures"]
    assert service.looked_up == ["alpha.example"]
    assert "1 domains wait for the next sync: max_lookups is 1" in " ".join(report.notes)
    asking.sync()
    assert service.looked_up == ["alpha.example", "beta.example"]
    asking.sync()
    assert len(service.looked_up) == 2


def test_what_was_paid_for_is_kept_when_the_credits_end(asking, service):
    """And the next sync, which gets nothing at all, says why it failed."""
    service.credits = 1
    report = asking.sync()["measures"]
    assert asking.ask(COUNTS) == [("a", TODAY, 40.0)]
    assert "no credits left" in " ".join(report.notes)
    assert "402: Your account has no credits left" in failed_of(asking)


def test_a_lookup_that_is_not_done_yet_is_asked_again(asking, service):
    """Clearbit says so, and does not mean that it knows nothing."""
    asking.write("clearbit")
    service.pending = {"alpha.example"}
    asking.sync()
    assert asking.ask(COUNTS) == [("b", TODAY, 7.0)]
    service.pending.clear()
    asking.sync()
    assert asking.ask(COUNTS) == [("a", TODAY, 40.0), ("b", TODAY, 7.0)]


@pytest.mark.parametrize("count", ["many", -1, True, {"a": 1}])
def test_a_count_that_is_none_is_rejected(asking, service, count):
    """The other company's is in."""
    service.companies["alpha.example"] = count
    report = asking.sync()["measures"]
    assert report.rejected == 1
    assert asking.ask(COUNTS) == [("b", TODAY, 7.0)]


def test_answers_without_a_number_are_told(asking, service):
    """The setting that says where it stands is at fault, most likely."""
    asking.write("other", 'url = "https://elsewhere.example/own/{domain}"\nvalue = "people"\n')
    report = asking.sync()["measures"]
    assert "none of 2 answers held a number at people" in " ".join(report.notes)


def test_a_domain_is_only_ever_a_domain(service):
    """Whatever a customer calls itself: it goes encoded, and never where the key is sent."""
    section = Section(service="peopledatalabs", base_url=service.url)
    api = Api(FIRMOGRAPHICS, section, {"FIRMOGRAPHICS_API_KEY": KEY}, domains=["a.example&api_key=x/../?#é"])
    from connectors._vendor import Since

    list(FIRMOGRAPHICS.readings[1].read(api, Since(machine_now(), is_first=True)))
    [asked] = service.asked
    assert asked.query == {"website": "a.example&api_key=x/../?#é"}
    assert asked.path == "/v5/company/enrich"


def test_a_refused_key_is_told_without_it(asking, service, monkeypatch):
    """And a missing one by name."""
    monkeypatch.setenv("FIRMOGRAPHICS_API_KEY", "wrong-key-0000")
    failed = failed_of(asking)
    assert "refused FIRMOGRAPHICS_API_KEY (401)" in failed
    assert "wrong-key" not in failed
    monkeypatch.delenv("FIRMOGRAPHICS_API_KEY")
    assert "needs FIRMOGRAPHICS_API_KEY to ask peopledatalabs" in failed_of(asking)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({}, "needs file, or service", id="nothing"),
        pytest.param({"service": "other", "url": "https://{domain}/x", "value": "a"}, "domain} in its path", id="host"),
        pytest.param({"service": "other", "url": "https://h.example/x", "value": "a"}, "domain} in its path", id="none"),
        pytest.param({"service": "other", "url": "http://h.example/{domain}", "value": "a"}, "https://", id="in the clear"),
        pytest.param({"service": "other", "url": "https://h.example/{domain}"}, "value must say", id="no value"),
        pytest.param({"service": "clearbit", "columns": {"headcount": "n", "size": "x"}}, "columns", id="a column"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_told(given, says):
    """Before anything is asked."""
    with pytest.raises(ConfigError, match=re.escape(says)):
        check_section(Section, given, "outgrown.toml [connectors.firmographics]")


def test_the_check_asks_nothing(asking, service):
    """A lookup is paid for."""
    section = Section(service="clearbit", base_url=service.url)
    api = Api(FIRMOGRAPHICS, section, {"FIRMOGRAPHICS_API_KEY": KEY}, domains=["a.example"])
    assert FIRMOGRAPHICS.check(api) == "clearbit will be asked about 1 domains, 100 a sync"
    assert service.asked == []


def test_the_domains_are_those_of_the_last_sync(asking, service):
    """Written down beside what has landed, test accounts left out; so the first sync of all asks nothing."""
    (asking.folder / ".outgrown" / "landing" / "firmographics" / "domains.json").unlink()
    asking.sync()
    assert service.asked == []
    assert Landing(open_workspace(asking.folder), "firmographics").domains == [
        "alpha.example",
        "beta.example",
    ]


def test_thirty_lookups_are_thirty_pages(desk, monkeypatch):
    """As the fault tests want them."""
    monkeypatch.setenv("FIRMOGRAPHICS_API_KEY", KEY)
    with Firmographics(pages=30) as service:
        rows = [f"acct{n},Company {n},2026-01-01,company{n}.example" for n in range(30)]
        desk.put("accounts.csv", "account_id,name,created_on,domain\n" + "\n".join(rows) + "\n")
        desk.put(
            "subscriptions.csv",
            "subscription_id,account_id,plan_id,mrr_minor,currency,starts_on,status,term\n",
        )
        (desk.folder / "outgrown.toml").write_text(
            f'{COMPANY}[connectors.files]\ndir = "exports"\n{service.workspace()}', encoding="utf-8"
        )
        desk.sync()
        desk.sync()
        assert len(service.asked) == 30
    assert len(desk.ask(COUNTS)) == 30


# A file.


def filed(desk, name, text, more=""):
    """The file, and the settings."""
    (desk.folder / name).write_text(text, encoding="utf-8")
    desk.put("accounts.csv", ACCOUNTS)
    (desk.folder / "outgrown.toml").write_text(
        f'{COMPANY}[connectors.files]\ndir = "exports"\n[connectors.firmographics]\nfile = "{name}"\n{more}',
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("name", "text", "more"),
    [
        pytest.param("h.csv", "domain,day,headcount\nhttps://www.Alpha.example/x,2026-02-01,40\nbeta.example,2026-02-01,7\n", "", id="by domain"),
        pytest.param("h.csv", "account_id,day,headcount,x\na,2026-02-01,40,\nb,2026-02-01,7.0,y\n", "", id="by our id"),
        pytest.param("h.csv", "Website,As of,Staff\nalpha.example,2026-02-01,40\nbeta.example,2026-02-01,7\n",
                     '[connectors.firmographics.columns]\ndomain = "Website"\nday = "As of"\nheadcount = "Staff"\n', id="other names"),
        pytest.param("h.jsonl", '{"domain": "alpha.example", "day": "2026-02-01", "headcount": 40}\n\n'
                     '{"account_id": "b", "domain": null, "day": "2026-02-01", "headcount": 7}\n', "", id="JSON lines"),
    ],
)  # fmt: skip
def test_a_file_is_read(desk, name, text, more):
    """And a second time nothing changes."""
    filed(desk, name, text, more)
    desk.sync()
    assert desk.ask(COUNTS) == [("a", date(2026, 2, 1), 40.0), ("b", date(2026, 2, 1), 7.0)]
    assert not desk.sync()["measures"].changed


def test_a_corrected_file_corrects(desk):
    """Of one company and day the last row counts."""
    filed(desk, "h.csv", "domain,day,headcount\nalpha.example,2026-02-01,40\n")
    desk.sync()
    filed(desk, "h.csv", "domain,day,headcount\nalpha.example,2026-02-01,40\nalpha.example,2026-02-01,41\n")
    desk.sync()
    assert desk.ask(COUNTS) == [("a", date(2026, 2, 1), 41.0)]


def test_bad_rows_of_a_file_are_rejected(desk):
    """Each with its reason."""
    text = "domain,day,headcount\nalpha.example,2026-02-01,40\nalpha.example,soon,1\nalpha.example,2026-02-02,-1\n"
    filed(desk, "h.csv", text + "gmail.com,2026-02-01,5\n,2026-02-01,5\nalpha.example,2026-02-03,nan\n")
    report = desk.sync()["measures"]
    assert (report.new, report.rejected) == (1, 5)
    assert any("is no domain of one" in one.reason for one in report.first_rejections)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        pytest.param(
            "h.csv", b"site,day,headcount\nx,2026-01-01,1\n", "has no column 'domain'", id="no company"
        ),
        pytest.param("h.csv", b"domain,date,headcount\nx,2026-01-01,1\n", "has no column 'day'", id="no day"),
        pytest.param(
            "h.csv", b"domain,day,head_count\nx,2026-01-01,1\n", 'headcount = "head_count"', id="nearly"
        ),
        pytest.param("h.jsonl", b'{"domain": 1}\n{', "line 2 is no JSON object|has no column", id="no JSON"),
        pytest.param(
            "h.csv", b"domain,day,headcount\n\xff\xfe,2026-01-01,1\n", "is not UTF-8 text", id="no UTF-8"
        ),
        pytest.param("h.csv", None, "cannot be read", id="no file"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(desk, name, content, says):
    """Which file, and how to mend it."""
    filed(desk, name, "")
    if content is None:
        (desk.folder / name).unlink()
    else:
        (desk.folder / name).write_bytes(content)
    assert re.search(says, failed_of(desk))
