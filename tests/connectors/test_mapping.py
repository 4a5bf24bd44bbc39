"""Maps: foreign exports made canonical, step by step."""

from datetime import date, datetime

import pytest

from agent.foundation.errors import InputError, TooManyRejected

USAGE = """\
Customer,Date,Kind,Users,Searches
a,02/01/2026,daily,5,10
b,03/01/2026,daily,,20
b,2026-01-04,weekly,1,
"""
MAPPED = """
[connectors.files.map.measures]
file = "usage.csv"
columns = { account_id = "Customer", day = "Date" }
dates = { day = ["%d/%m/%Y"] }
unpivot = { columns = ["Users", "Searches"], name = "metric", value = "value" }
values = { metric = { Users = "users", Searches = "searches" } }
"""


def test_wide_columns_become_rows(desk):
    """Unpivot, a date format, ISO dates beside it, and translated values."""
    desk.settings(MAPPED)
    desk.put("usage.csv", USAGE)
    report = desk.sync()["measures"]
    assert desk.ask("SELECT * FROM measures ORDER BY ALL") == [
        ("a", date(2026, 1, 2), "searches", 10.0),
        ("a", date(2026, 1, 2), "users", 5.0),
        ("b", date(2026, 1, 3), "searches", 20.0),
        ("b", date(2026, 1, 4), "users", 1.0),
    ]
    assert "2 empty cells of Users, Searches give no row" in report.notes


def test_a_value_the_map_cannot_read_is_rejected_with_its_line(desk):
    """What a format or a translation does not know is shown as it stands in the file."""
    desk.settings(MAPPED)
    desk.put("usage.csv", USAGE + "c,2026/01/05,daily,1,\n")
    found = desk.sync()["measures"].first_rejections
    assert [(rejection.line, rejection.column, rejection.value) for rejection in found] == [
        (5, "day", "2026/01/05")
    ]


def test_where_leaves_out_and_counts(desk):
    """Rows that a condition leaves out are counted, and so are those one only asks about."""
    more = 'where = "Kind = \'daily\'"\ncount = { "of customer b" = "Customer = \'b\'" }\n'
    desk.settings(MAPPED + more)
    desk.put("usage.csv", USAGE)
    notes = desk.sync()["measures"].notes
    assert any(note.startswith("1 row is left out by where") for note in notes)
    assert "1 row is of customer b" in notes


def test_constants_scales_and_derived_columns(desk):
    """Whole units become minor units exactly, and an expression makes a column of others."""
    desk.settings(
        """
[connectors.files.map.invoices]
file = "bills.csv"
columns = { invoice_id = "no", account_id = "who", amount_minor = "total" }
constants = { currency = "EUR", status = "open" }
scale = { amount_minor = 100 }
[connectors.files.map.invoices.derive]
issued_on = "try_strptime(day, '%d.%m.%Y')"
due_on = "try_strptime(day, '%d.%m.%Y') + interval 14 day"
"""
    )
    desk.put(
        "bills.csv", "no,who,total,day\n1,a,49.99,02.01.2026\n2,a,-0.1,02.01.2026\n3,a,1.005,02.01.2026\n"
    )
    report = desk.sync()["invoices"]
    assert desk.ask("SELECT invoice_id, amount_minor, issued_on, due_on FROM invoices ORDER BY 1") == [
        ("1", 4999, date(2026, 1, 2), date(2026, 1, 16)),
        ("2", -10, date(2026, 1, 2), date(2026, 1, 16)),
    ]
    assert [(r.line, r.value) for r in report.first_rejections] == [(4, "100.5")]


def test_zoned_formats_become_utc(desk):
    """A format with %z is converted to UTC."""
    desk.settings(
        """
[connectors.files.map.events]
file = "log.csv"
columns = { account_id = "who", at = "when" }
constants = { kind = "used" }
dates = { at = ["%d/%m/%Y %H:%M %z"] }
"""
    )
    desk.put("log.csv", "event_id,who,when\n1,a,02/01/2026 01:30 +0200\n2,a,2026-01-02T01:30:00Z\n")
    desk.sync()
    assert desk.ask('SELECT "at" FROM events ORDER BY event_id') == [
        (datetime(2026, 1, 1, 23, 30),),
        (datetime(2026, 1, 2, 1, 30),),
    ]


JOINED = """
[connectors.files.map.measures]
file = "usage.csv"
columns = { day = "date", value = "n" }
constants = { metric = "uses" }
group = { value = "sum" }
[connectors.files.map.measures.join]
file = "subs.csv"
on = { sub = "id" }
take = { account_id = "account" }
"""


def test_ids_are_looked_up_and_rows_grouped(desk):
    """A second file gives the account, and rows of one key are summed; what finds none is rejected."""
    desk.settings(JOINED)
    desk.put("usage.csv", "sub,date,n\n1,2026-01-02,2\n2,2026-01-02,3\n9,2026-01-02,7\n1,2026-01-03,4\n")
    desk.put("subs.csv", "id,account\n1,x\n1,a\n2,a\n")
    report = desk.sync()["measures"]
    assert desk.ask("SELECT account_id, day, value FROM measures ORDER BY ALL") == [
        ("a", date(2026, 1, 2), 5.0),
        ("a", date(2026, 1, 3), 4.0),
    ]
    assert "1 row has no row in subs.csv" in report.notes
    assert "4 rows are grouped into 3 (sum of value)" in report.notes
    assert [(r.line, r.column) for r in report.first_rejections] == [(4, "account_id")]


def test_a_word_among_summed_numbers_is_rejected(desk):
    """A group with a cell that is no number is kept aside whole, not summed without it."""
    desk.settings(JOINED)
    desk.put("usage.csv", "sub,date,n\n1,2026-01-02,2\n1,2026-01-02,many\n")
    desk.put("subs.csv", "id,account\n1,a\n")
    report = desk.sync()["measures"]
    assert [(r.column, r.value) for r in report.first_rejections] == [("value", "many")]


PERIODS = """
[connectors.files.map.subscriptions]
file = "periods.csv"
columns = { starts_on = "from", ends_on = "to" }
constants = { currency = "EUR", mrr_minor = 0, status = "active", term = "month" }
derive = { subscription_id = "account_id" }
periods = "join"
"""


@pytest.mark.parametrize(
    ("periods", "joined"),
    [
        pytest.param(["p,01-01,02-01", "p,02-01,03-01"], [("p", "01-01", "03-01")], id="touching"),
        pytest.param(["p,02-01,03-01", "p,01-01,02-01"], [("p", "01-01", "03-01")], id="in any order"),
        pytest.param(["p,01-01,03-01", "p,02-01,02-15"], [("p", "01-01", "03-01")], id="one inside"),
        pytest.param(["p,01-01,02-01", "p,02-01,"], [("p", "01-01", None)], id="open end"),
        pytest.param(["p,01-01,", "p,02-01,03-01"], [("p", "01-01", None)], id="open end over another"),
        pytest.param(
            ["p,01-01,02-01", "p,02-02,03-01"], [("p", "01-01", "02-01"), ("p", "02-02", "03-01")], id="a gap"
        ),
        pytest.param(
            ["p,01-01,02-01", "q,02-01,03-01", "p,03-01,04-01"],
            [("p", "01-01", "02-01"), ("p", "03-01", "04-01"), ("q", "02-01", "03-01")],
            id="another plan between",
        ),
    ],
)
def test_periods_are_joined(desk, periods, joined):
    """Periods that touch or overlap and are otherwise equal become one."""
    desk.settings(PERIODS)
    lines = []
    for line in periods:
        plan, first, last = line.split(",")
        lines.append(f"a,{plan},2026-{first},{'2026-' + last if last else ''}")
    desk.put("periods.csv", "account_id,plan_id,from,to\n" + "\n".join(lines) + "\n")
    (desk.exports / "subscriptions.csv").unlink()
    desk.sync()
    found = desk.ask("SELECT plan_id, starts_on, ends_on FROM subscriptions ORDER BY ALL")
    assert [(p, f"{a:%m-%d}", f"{z:%m-%d}" if z else None) for p, a, z in found] == joined


def test_a_period_without_a_readable_date_is_rejected_alone(desk):
    """Joining does not hide a bad date."""
    desk.settings(PERIODS)
    desk.put("periods.csv", "account_id,plan_id,from,to\na,p,2026-01-01,2026-02-01\na,p,soon,2026-03-01\n")
    (desk.exports / "subscriptions.csv").unlink()
    report = desk.sync()["subscriptions"]
    assert (report.new, [(r.line, r.value) for r in report.first_rejections]) == (1, [(3, "soon")])


def test_ragged_rows_of_a_mapped_file_are_kept_aside(desk):
    """The same care as for a canonical file."""
    desk.settings(JOINED)
    desk.put("usage.csv", "sub,date,n\n1,2026-01-02,2\n1,2026-01-03\n")
    desk.put("subs.csv", "id,account\n1,a\n")
    report = desk.sync()["measures"]
    assert (report.new, report.rejected, report.first_rejections[0].line) == (1, 1, 3)


def test_rows_may_stand_in_the_settings(desk):
    """What an export lacks is given inline, typed as TOML types."""
    desk.settings(
        """
[connectors.files.rows]
plans = [
  { plan_id = "p", name = "It's Pro", tier = 1, price_minor = 4900, currency = "EUR", per_seat = true },
  { plan_id = "q", name = "Team", tier = 2, price_minor = 0, currency = "EUR", per_seat = false, sold = 0 },
]
"""
    )
    (desk.exports / "plans.csv").unlink()
    assert desk.sync()["plans"].new == 2
    assert desk.ask("SELECT name, per_seat, sold FROM plans ORDER BY 1") == [
        ("It's Pro", True, True),
        ("Team", False, False),
    ]


def test_a_file_a_map_and_given_rows_add_up(desk):
    """A table may come from a canonical file, a map and the settings at once; later ones win."""
    desk.settings(
        """
[connectors.files.map.plans]
file = "old.csv"
constants = { tier = 1, currency = "EUR", per_seat = false, sold = false, price_minor = 0 }
[connectors.files.rows]
plans = [{ plan_id = "p", name = "Pro!", tier = 1, price_minor = 4900, currency = "EUR", per_seat = false }]
"""
    )
    desk.put("old.csv", "plan_id,name\no,Old\n")
    reports = [report for report in desk.reports() if report.table == "plans"]
    assert [(report.new, report.rejected) for report in reports] == [(0, 1), (1, 0), (1, 0)]
    assert desk.ask("SELECT name, sold FROM plans ORDER BY 1") == [("Old", False), ("Pro!", True)]


HOSTILE = "'); DROP TABLE accounts; --\" $$ \\"


def test_hostile_names_and_values_never_become_sql(desk):
    """Quotes in headers, cells, constants and translations are letters."""
    column = "a\"'); DROP TABLE accounts; --"
    desk.settings(
        f"""
[connectors.files.map.tickets]
file = "t.csv"
columns = {{ ticket_id = '''{column}''' }}
constants = {{ topic = '''{HOSTILE}''', opened_at = "2026-01-01", priority = "x" }}
values = {{ priority = {{ x = "low" }}, text = {{ "it's" = '''{HOSTILE}''' }} }}
"""
    )
    quoted = column.replace('"', '""')
    desk.put("t.csv", f'"{quoted}",account_id,text\n1,a,it\'s\n2,"\'; --",x\n')
    desk.sync()
    assert desk.ask("SELECT ticket_id, account_id, topic, text FROM tickets ORDER BY 1") == [
        ("1", "a", HOSTILE, HOSTILE),
        ("2", "'; --", HOSTILE, "x"),
    ]


def test_an_expression_that_fails_on_a_row_is_one_sentence(desk):
    """A cast that cannot be done stops the sync without a trace of SQL."""
    desk.settings(
        JOINED.replace(
            "[connectors.files.map.measures.join]",
            'where = "cast(n AS bigint) > 0"\n[connectors.files.map.measures.join]',
        )
    )
    desk.put("usage.csv", "sub,date,n\n1,2026-01-02,many\n")
    desk.put("subs.csv", "id,account\n1,a\n")
    with pytest.raises(InputError, match=r"usage\.csv could not be read") as refused:
        desk.sync()
    assert not isinstance(refused.value, TooManyRejected)
    assert len(str(refused.value).splitlines()) == 1
