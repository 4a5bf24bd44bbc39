"""The files connector: exports with the canonical names, as people and programs write them."""

import gzip
from datetime import date

import duckdb
import pytest

from agent.foundation.errors import ConfigError, UsageError

HEADER = "account_id,day,metric,value\n"


def test_a_folder_of_exports_becomes_facts(desk):
    """Every canonical file is read, and a second sync changes nothing."""
    desk.put("measures.csv", HEADER + "a,2026-01-02,docs,5\n")
    first = desk.sync()
    assert {table: report.new for table, report in first.items()} == {
        "accounts": 2, "plans": 1, "subscriptions": 2, "measures": 1,
    }  # fmt: skip
    assert all(report.new == report.changed == 0 for report in desk.sync().values())
    assert desk.ask("SELECT * FROM measures") == [("a", date(2026, 1, 2), "docs", 5.0)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"account_id;day;metric;value\na;2026-01-02;docs;5\n", id="semicolons"),
        pytest.param(b"account_id\tday\tmetric\tvalue\na\t2026-01-02\tdocs\t5\n", id="tabs"),
        pytest.param(b"account_id|day|metric|value\na|2026-01-02|docs|5\n", id="bars"),
        pytest.param(
            b"\xef\xbb\xbfaccount_id;day;metric;value\r\na;2026-01-02;docs;5\r\n", id="BOM and CRLF"
        ),
        pytest.param(
            b'"account_id","day","metric","value"\n"a","2026-01-02","docs","5"', id="all quoted, no end"
        ),
        pytest.param(b"value,metric,day,account_id\n5,docs,2026-01-02,a\n", id="another order"),
        pytest.param(b"\n\n\naccount_id,day,metric,value\n\na,2026-01-02,docs,5\n\n", id="blank lines"),
        pytest.param(b" account_id , day,metric,value\n a, 2026-01-02 ,docs , 5\n", id="blanks"),
    ],
)
def test_csv_is_read_as_spreadsheets_write_it(desk, content):
    """Delimiters, marks, line ends and blanks make no difference."""
    desk.put("measures.csv", content)
    report = desk.sync()["measures"]
    assert (report.read, report.new) == (1, 1)
    assert desk.ask("SELECT * FROM measures") == [("a", date(2026, 1, 2), "docs", 5.0)]


def test_compressed_parquet_and_json_lines_are_read(desk):
    """The same rows in three more kinds of file."""
    desk.put("measures.csv.gz", gzip.compress((HEADER + "a,2026-01-02,docs,5\n").encode()))
    desk.put(
        "metrics.jsonl",
        '{"metric": "docs", "label": "documents", "unit": "documents", "kind": "gauge", "core": true}\n\n',
    )
    path = desk.exports / "members.parquet"
    duckdb.execute(
        f"COPY (SELECT 'a' AS account_id, 7 AS user_id, 'member' AS role, DATE '2026-01-02' AS joined_on) "
        f"TO '{path}' (FORMAT parquet)"
    )
    assert {table: report.new for table, report in desk.sync().items()}["measures"] == 1
    assert desk.ask("SELECT metric, core FROM metrics") == [("docs", True)]
    assert desk.ask("SELECT user_id, joined_on FROM members") == [("7", date(2026, 1, 2))]


def test_ids_that_look_like_dates_stay_text_in_json(desk):
    """JSON values are not guessed at."""
    rows = '{"account_id": "a", "day": "2026-01-02", "metric": "2026-01-01", "value": 5}\n'
    desk.put(
        "measures.jsonl", rows + '{"account_id": "007", "day": "2026-01-02", "metric": "m", "value": 1.5}\n'
    )
    desk.sync()
    assert desk.ask("SELECT account_id, metric, value FROM measures ORDER BY ALL") == [
        ("007", "m", 1.5),
        ("a", "2026-01-01", 5.0),
    ]


def test_lines_are_counted_through_quoted_newlines(desk):
    """A rejected row is named by the line it starts on, whatever stands before it."""
    rows = [
        'a,2026-01-02,"two\nlines",5',
        "",
        'a,2026-01-03,"three\r\nmore\r\nlines",5',
        "a,yesterday,docs,5",
    ]
    desk.put("measures.csv", HEADER + "\n".join(rows) + "\n")
    found = desk.sync()["measures"].first_rejections
    assert [(rejection.line, rejection.value) for rejection in found] == [(8, "yesterday")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("within", ["\n", "\r\n", "\r"])
def test_line_breaks_in_cells_are_kept_whatever_ends_the_lines(desk, end, within):
    """In a row and in the header, also of a file with a row to be kept aside; nothing is lost."""
    lines = [
        f'"account_id","day","metric","value","a{within}note"',
        f'a,2026-01-02,"two{within}lines",5,x',
        "a,2026-01-03,docs",
        "a,2026-01-04,docs,7,x",
    ]
    desk.put("measures.csv", end.join((*lines, "")))
    report = desk.sync()["measures"]
    assert (report.read, report.new, report.rejected) == (3, 2, 1)
    assert desk.ask("SELECT metric, value FROM measures ORDER BY day") == [
        (f"two{within}lines", 5.0),
        ("docs", 7.0),
    ]
    assert report.first_rejections[0].reason == "has 3 cells where the header has 5"


def test_a_carriage_return_in_a_cell_starts_no_line(desk):
    """Where lines end in LF, a row after it is named by the line an editor shows."""
    desk.put("measures.csv", HEADER + 'a,2026-01-02,"do\rcs",5\na,2026-01-03,docs\na,yesterday,docs,5\n')
    assert [rejection.line for rejection in desk.sync()["measures"].first_rejections] == [3, 4]


def test_a_row_of_many_megabytes_is_read(desk):
    """A pasted document in a cell is a long row and no broken one."""
    long = "words " * 2_000_000
    desk.put(
        "measures.csv",
        f'account_id,day,metric,value,note\na,2026-01-02,docs,5,"{long}"\na,2026-01-03,docs,6,x\n',
    )
    report = desk.sync()["measures"]
    assert (report.read, report.new, report.rejected) == (2, 2, 0)


def test_a_wrong_value_far_down_is_found_by_its_line(desk):
    """Line 4,711 of a long file is named exactly, and the other rows enter."""
    days = [f"a{number},2026-01-02,docs,{number}" for number in range(2, 20_000)]
    days[4711 - 2] = "a4711,2026-01-02,docs,many"
    desk.put("measures.csv", HEADER + "\n".join(days) + "\n")
    report = desk.sync()["measures"]
    assert (report.rejected, report.new) == (1, 19_997)
    assert report.first_rejections[0].line == 4711
    assert report.first_rejections[0].value == "many"


def test_ragged_rows_are_kept_aside(desk):
    """A row with too few or too many cells is rejected with its line; the lines of others stay right."""
    rows = ["a,2026-01-02,docs,5", "a,2026-01-03,docs", "a,2026-01-04,docs,5,6", "a,2026-01-05,docs,x"]
    desk.put("measures.csv", HEADER + "\n".join(rows) + "\n")
    report = desk.sync()["measures"]
    assert (report.read, report.new, report.rejected) == (4, 1, 3)
    assert [(r.line, r.reason) for r in report.first_rejections[:2]] == [
        (3, "has 3 cells where the header has 4"),
        (4, "has 5 cells where the header has 4"),
    ]
    assert report.first_rejections[2].line == 5


def test_extra_columns_are_ignored_and_said(desk):
    """A column that means nothing here is named in the report."""
    desk.put("measures.csv", "account_id,day,metric,value,colour,\na,2026-01-02,docs,5,red,\n")
    assert "ignored columns: colour, (no name)" in desk.sync()["measures"].notes


def test_a_header_without_rows_is_an_empty_table(desk):
    """A table that is not needed may have no rows."""
    desk.put("measures.csv", HEADER)
    report = desk.sync()["measures"]
    assert (report.read, report.notes) == (0, ("no rows",))


def test_other_files_are_left_alone_and_said(desk):
    """A file that is no table is not read, and its name stands in the report; hidden files do not."""
    for name in ("customers.csv", "accounts (1).csv", ".accounts.csv", "~$accounts.csv", "notes.txt"):
        desk.put(name, "x")
    notes = desk.sync()["accounts"].notes
    assert "other files in the folder, not read: accounts (1).csv, customers.csv" in notes


def test_wildcards_in_a_folder_are_letters(desk):
    """A folder called a[1]* is that folder."""
    odd = desk.folder / "a[1]*?"
    desk.exports.rename(odd)
    text = (desk.folder / "outgrown.toml").read_text().replace('"exports"', '"a[1]*?"')
    (desk.folder / "outgrown.toml").write_text(text)
    assert desk.sync()["accounts"].new == 2


def test_sources_are_chosen_by_name(desk):
    """A name is a source's name, and a wrong one is answered with the nearest."""
    assert desk.sync(names=["files"])["accounts"].new == 2
    with pytest.raises(UsageError, match="There is no source called 'file'; did you mean 'files'"):
        desk.sync(names=["file"])


def test_a_workspace_without_sources_says_so(desk):
    """Nothing configured is a mistake of the settings."""
    text = (desk.folder / "outgrown.toml").read_text().split("[connectors.files]")[0]
    (desk.folder / "outgrown.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"No source is configured; add \[connectors.files\]"):
        desk.sync()


def test_progress_is_told(desk):
    """What is being read and loaded is said as it goes."""
    said = []
    desk.sync(progress=said.append)
    assert said == ["reading files", "loading accounts, plans, subscriptions from files"]
