"""From what has landed to the facts: over several syncs, with records that become another account, and files that go."""

import shutil

import pytest

from connectors import _settled, sync
from connectors._landing import Landing
from tests.faultrig import READ_AT, Rig, dump, use
from tests.vendors.small import SmallServer

pytestmark = pytest.mark.slow
LATER = "2027-03-01T09:00:00"


@pytest.fixture
def rig(tmp_path, monkeypatch):
    """The small vendor, with a dozen pages."""
    with Rig("small", tmp_path, stand_in=SmallServer(pages=12)) as found:
        use(monkeypatch, found)
        found.stand_in.tables["/export"] = found.stand_in.tables["/export"][:60]
        yield found


def ask(workspace, sql):
    """Rows of a query on the facts."""
    from agent.foundation.warehouse import open_warehouse

    with open_warehouse(workspace.facts_file) as warehouse:
        return warehouse.duck.execute(sql).fetchall()


def reports(rig, workspace):
    """What a sync did, by table; tables that it says nothing of have nothing new."""
    landed = sync.fetch(workspace, ["small"])
    assert landed[0].failed == ""
    return {
        one.table: (one.new, one.changed) for one in rig.enter(workspace, landed) if one.new or one.changed
    }


def test_a_sync_without_news_changes_nothing_and_says_so(rig):
    """Nothing is new or changed, the version of the facts stays, and that it was read is kept."""
    workspace = rig.desk()
    rig.sync(workspace)
    before = dump(workspace), ask(workspace, "SELECT version FROM facts_version")
    [[reads]] = ask(workspace, "SELECT count(*) FROM source_reads WHERE source = 'small'")
    assert reports(rig, workspace) == {}
    assert (dump(workspace), ask(workspace, "SELECT version FROM facts_version")) == before
    [[more]] = ask(workspace, "SELECT count(DISTINCT table_name) FROM source_reads WHERE source = 'small'")
    assert more >= 9
    assert ask(workspace, "SELECT count(*) FROM source_reads WHERE source = 'small'") >= [(reads + more,)]


def test_a_second_sync_lands_only_what_changed(rig):
    """Rows that come again because readings overlap are not landed again."""
    workspace = rig.desk()
    rig.sync(workspace)
    landing = Landing(workspace, "small")
    count = "SELECT count(*), max(pulled) FROM vendor.invoices"
    before = landing.ask(count)
    last = rig.stand_in.tables["/bills"][-1]
    rig.stand_in.put("/bills", {**last, "amount": 4711, "updated": LATER})
    assert reports(rig, workspace) == {"invoices": (0, 1)}
    assert landing.ask(count)[0][0] == before[0][0] + 1
    assert reports(rig, workspace) == {}
    assert ask(workspace, "SELECT amount_minor FROM invoices ORDER BY 1 DESC LIMIT 1") == [(4711,)]


def test_an_older_telling_that_comes_late_changes_nothing(rig):
    """Of one key the newest by the vendor's own clock counts."""
    workspace = rig.desk()
    row = rig.stand_in.tables["/bills"][0]
    rig.stand_in.put("/bills", {**row, "amount": 2, "updated": LATER})
    rig.sync(workspace)
    rig.stand_in.tables["/bills"].append({**row, "amount": 1, "updated": "2027-02-01T09:00:00"})
    rig.sync(workspace)
    assert ask(workspace, f"SELECT amount_minor FROM invoices WHERE invoice_id = 'small:{row['id']}'") == [
        (2,)
    ]


def test_of_two_rows_with_one_moment_the_last_counts(rig):
    """Changed twice within the vendor's second, and given on two pages: what came last is what is."""
    workspace = rig.desk()
    for amount in (5, 6, 7):
        rig.stand_in.tables["/bills"].append(
            {"id": "in_x", "customer": "cus_0001", "amount": amount, "paid": True, "updated": LATER}
        )
    rig.sync(workspace)
    assert ask(workspace, "SELECT amount_minor FROM invoices WHERE invoice_id = 'small:in_x'") == [(7,)]


def test_what_is_listed_no_longer_is_gone(rig):
    """Ceilings of plans and of accounts, down to the last; plans stay."""
    workspace = rig.desk()
    rig.sync(workspace)
    limits = rig.stand_in.tables["/limits"]
    for left in ([one for one in limits if one["id"] != "own"], limits[:1], []):
        rig.stand_in.tables["/limits"] = left
        rig.stand_in.tables["/plans"] = rig.stand_in.tables["/plans"][:1]
        rig.sync(workspace)
        [[count]] = ask(workspace, "SELECT count(*) FROM ceilings")
        assert count == len(left)
    assert ask(workspace, "SELECT count(*) FROM plans") == [(4,)]
    rig.stand_in.tables["/limits"] = limits
    rig.sync(workspace)
    assert ask(workspace, "SELECT count(*) FROM ceilings") == [(len(limits),)]


def sums(rig):
    """What the measures must be, from the stand-in's own rows."""
    found = {}
    for row in rig.stand_in.tables["/export"]:
        key = (row["customer"], row["updated"][:10])
        found[key] = found.get(key, 0.0) + row["amount"]
    return found


def measures(workspace):
    rows = ask(
        workspace, "SELECT account_id, CAST(day AS VARCHAR), value FROM measures WHERE metric = 'calls'"
    )
    return {(account, day): value for account, day, value in rows}


def test_metrics_are_summed_over_all_readings(rig):
    """Events that come in later syncs, for the same days and new ones, and some of them twice."""
    workspace = rig.desk()
    rig.sync(workspace)
    assert measures(workspace) == sums(rig)
    for number in range(3):
        for n in range(5):
            day = f"2027-02-{28 - number:02}T10:00:00" if n % 2 else "2027-02-28T11:00:00"
            rig.stand_in.tables["/export"].append(
                {
                    "id": f"late_{number}_{n}",
                    "customer": f"cus_{n:04}",
                    "amount": 0.1 * (n + 1),
                    "updated": day,
                }
            )
        rig.sync(workspace)
        found = measures(workspace)
        assert found == {key: pytest.approx(value) for key, value in sums(rig).items()}


def test_a_record_that_is_settled_elsewhere_takes_everything_along(rig):
    """Under the first account no row is left, nor the account itself; there and back again, the facts are the same."""
    workspace = rig.desk()
    rig.sync(workspace)
    before, own = dump(workspace), ask(workspace, counts("cus_0001"))
    assert all(count for (_, count) in own)
    beside = dict(ask(workspace, counts("cus_0002")))
    _settled.change(workspace, "small", "cus_0001", "cus_0002")
    rig.sync(workspace)
    assert all(count == 0 for (_, count) in ask(workspace, counts("cus_0001")))
    together = dict(ask(workspace, counts("cus_0002")))
    for table, count in own:
        if table not in ("accounts", "measures"):
            assert together[table] == beside[table] + count, table
    expected = {}
    for (customer, day), value in sums(rig).items():
        key = ("cus_0002" if customer == "cus_0001" else customer, day)
        expected[key] = expected.get(key, 0.0) + value
    assert measures(workspace) == expected
    _settled.change(workspace, "small", "cus_0001", None)
    rig.sync(workspace)
    assert dump(workspace) == before


def test_a_record_that_is_left_out_takes_its_rows_along(rig):
    """And they come back when the word is taken back."""
    workspace = rig.desk()
    rig.sync(workspace)
    before = dump(workspace)
    _settled.change(workspace, "small", "cus_0001", "-")
    rig.sync(workspace)
    assert all(count == 0 for (_, count) in ask(workspace, counts("cus_0001")))
    _settled.change(workspace, "small", "cus_0001", None)
    rig.sync(workspace)
    assert dump(workspace) == before


TABLES = ("accounts", "subscriptions", "invoices", "tickets", "measures", "events", "ceilings")


def counts(account):
    """SQL: how many rows of each table an account has."""
    return " UNION ALL ".join(
        f"SELECT '{table}', count(*) FROM {table} WHERE account_id = '{account}'" for table in TABLES
    ) + " ORDER BY 1"  # fmt: skip


def test_without_the_facts_file_everything_comes_back(rig):
    """From what has landed, without asking for anything old."""
    workspace = rig.desk()
    rig.sync(workspace)
    before = dump(workspace)
    shutil.copy(rig.folder / "facts.duckdb", workspace.facts_file)
    rig.proxy.reset()
    rig.sync(workspace)
    assert dump(workspace) == before
    assert len(rig.proxy.asked) <= 8


def test_without_the_landing_file_everything_is_read_again(rig):
    """And the facts are the same, whether the file alone is gone or the folder."""
    workspace = rig.desk()
    rig.sync(workspace)
    before, landing = dump(workspace), Landing(workspace, "small")
    for remove in (landing.file.unlink, lambda: shutil.rmtree(landing.folder), landing.drop):
        remove()
        rig.proxy.reset()
        assert rig.sync(workspace).failed == ""
        assert len(rig.proxy.asked) == 12
        assert dump(workspace) == before


def test_a_clock_set_back_loses_nothing(rig, monkeypatch):
    """Readings are counted up even when our own clock says that time went backwards."""
    import connectors._landing as landing

    workspace = rig.desk()
    rig.sync(workspace)
    monkeypatch.setattr(landing.time, "time_ns", lambda: 1_000)
    rig.stand_in.put(
        "/bills", {"id": "in_x", "customer": "cus_0001", "amount": 5, "paid": True, "updated": LATER}
    )
    assert reports(rig, workspace) == {"invoices": (1, 0)}


def test_reading_from_a_later_day_on_leaves_no_gap(rig):
    """`--since` reads less this once; what lies between comes with the next sync."""
    from datetime import date

    workspace = rig.desk()
    rig.sync(workspace)
    rig.stand_in.put(
        "/bills",
        {"id": "in_x", "customer": "cus_0001", "amount": 5, "paid": True, "updated": "2027-01-15T09:00:00"},
    )
    [landed] = sync.fetch(workspace, ["small"], date(2027, 6, 1))
    rig.enter(workspace, [landed])
    assert ask(workspace, "SELECT count(*) FROM invoices WHERE invoice_id = 'small:in_x'") == [(0,)]
    rig.sync(workspace)
    assert ask(workspace, "SELECT count(*) FROM invoices WHERE invoice_id = 'small:in_x'") == [(1,)]


def test_too_many_bad_rows_land_nothing_now_or_later(rig):
    """A vendor whose rows we no longer understand changes nothing; mended, they are asked for again."""
    workspace = rig.desk()
    rig.sync(workspace)
    before, good = dump(workspace), list(rig.stand_in.tables["/tickets"])
    rig.stand_in.tables["/tickets"] = [{**row, "customer": None, "updated": LATER} for row in good]
    for _ in range(2):
        landed = rig.sync(workspace)
        assert "make no sense" in landed.failed
        assert "max_rejected" in landed.failed
        assert dump(workspace) == before
    rig.stand_in.tables["/tickets"] = [{**row, "text": "mended", "updated": LATER} for row in good]
    assert rig.sync(workspace).failed == ""
    assert ask(workspace, "SELECT DISTINCT text FROM tickets") == [("mended",)]


HOSTILE = [
    {"id": "h1", "customer": "cus_0001", "amount": 10**30, "paid": True, "updated": LATER},
    {"id": "h2", "customer": "cus_0001", "amount": 1, "paid": True, "updated": 1e300},
    {"id": "h3", "customer": "cus_0001", "amount": 1, "paid": True, "updated": "9999-12-31T23:59:59-14:00"},
    {"id": "\ud83d", "customer": "cus_0001", "amount": 1, "paid": "\ud83d", "updated": LATER},
    ["no", "object"],
    None,
    {"id": "'; DROP TABLE invoices; --", "customer": "cus_0001", "amount": 1, "paid": True, "updated": LATER},
]


def test_hostile_rows_are_rejected_one_by_one(rig):
    """Numbers no column holds, moments no calendar has, half characters, rows that are none: the rest comes in."""
    workspace = rig.desk()
    rig.sync(workspace)
    since, table = rig.stand_in._since, rig.stand_in.tables["/bills"]
    rig.stand_in._since = lambda path, query: since(path, query) + (HOSTILE if path == "/bills" else [])
    landed = rig.sync(workspace)
    assert landed.failed == ""
    assert len(landed.rejected) == len(HOSTILE) - 1
    assert ask(workspace, "SELECT count(*) FROM invoices") == [(len(table) + 1,)]
    assert ask(workspace, "SELECT count(*) FROM rejected_rows WHERE source = 'small'") == [
        (len(HOSTILE) - 1,)
    ]


def test_one_source_that_fails_stops_no_other(rig, monkeypatch):
    """Bad exports are told, and the vendor's rows are in all the same."""
    from agent.foundation.errors import InputError
    from agent.foundation.settings import open_workspace
    from agent.foundation.warehouse import open_warehouse

    workspace = rig.desk()
    exports = workspace.folder / "exports"
    exports.mkdir()
    (exports / "accounts.csv").write_text("account_id,name\n1,\n", encoding="utf-8")
    text = (workspace.folder / "outgrown.toml").read_text(encoding="utf-8")
    (workspace.folder / "outgrown.toml").write_text(
        text + '[connectors.files]\ndir = "exports"\n', encoding="utf-8"
    )
    workspace = open_workspace(workspace.folder)
    with (
        open_warehouse(workspace.facts_file, write=True) as warehouse,
        pytest.raises(InputError, match="created_on"),
    ):
        sync.run(workspace, warehouse, read_at=READ_AT)
    assert ask(workspace, "SELECT count(*) > 5 FROM invoices") == [(True,)]


def test_vendors_are_read_side_by_side(rig, monkeypatch):
    """Each waits for its own; one that fails stops no other, and each says its own."""
    import time
    from dataclasses import replace

    from agent.foundation.settings import open_workspace
    from connectors import VENDORS
    from tests.vendors.small import SMALL

    workspace, slow = rig.desk(), rig.stand_in.answer
    text = (workspace.folder / "outgrown.toml").read_text(encoding="utf-8")
    names = ["small", "second", "third", "fourth"]
    for name in names[1:]:
        monkeypatch.setitem(
            VENDORS, name, replace(SMALL, name=name, title=name.title(), gives_accounts=False)
        )
        text += rig.stand_in.workspace().replace("connectors.small", f"connectors.{name}")
        monkeypatch.setenv(f"OUTGROWN_{name.upper()}_URL", rig.stand_in.url)
    monkeypatch.setenv("OUTGROWN_THIRD_URL", "http://127.0.0.1:1")
    (workspace.folder / "outgrown.toml").write_text(text, encoding="utf-8")
    at_once, most = [0], [0]

    def answer(asked):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.03)
        at_once[0] -= 1
        return slow(asked)

    rig.stand_in.answer = answer
    workspace = open_workspace(workspace.folder)
    landed = sync.fetch(workspace)
    assert [one.vendor for one in landed] == names
    assert [bool(one.failed) for one in landed] == [False, False, True, False]
    assert "Third cannot be reached" in landed[2].failed
    assert most[0] >= 2
    rig.enter(workspace, landed)
    [[bills]] = ask(workspace, "SELECT count(*) FROM invoices")
    assert bills == 3 * len(rig.stand_in.tables["/bills"])


@pytest.mark.parametrize("path", ["/customers", "/tickets/search"])
def test_an_answer_of_another_shape_is_told_and_asked_for_again(rig, path):
    """One that says 200 and is an error, or has not what it must: told in a sentence, and not kept for the next time."""
    workspace, answer = rig.desk(), rig.stand_in.answer
    for shape in ({"error": "we are mending things"}, {}, []):
        if path == "/customers" and "error" not in shape:
            continue
        rig.stand_in.answer = lambda asked, shape=shape: shape if asked.path == path else answer(asked)
        landed = rig.sync(workspace)
        assert landed.failed.startswith("Small ")
        assert landed.failed.endswith(".")
        assert ask(workspace, "SELECT count(*) FROM invoices") == [(0,)]
    rig.stand_in.answer = answer
    assert rig.sync(workspace).failed == ""
    assert ask(workspace, "SELECT count(*) FROM invoices") == [(len(rig.stand_in.tables["/bills"]),)]
