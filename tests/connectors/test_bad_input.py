"""Bad files: one clear sentence each, and the facts as they were."""

import gzip

import pytest

from agent.foundation.errors import OutgrownError, UsageError

HEADER = "account_id,day,metric,value\n"
GOOD = HEADER + "a,2026-01-02,docs,5\n"
MANY = "".join(f"a{n},{n % 28 + 1:02}/03/2026,docs,5\nb{n},3/{n % 28 + 1}/26,docs,5\n" for n in range(20))


def remove(name):
    """Take a file away."""
    return lambda desk: (desk.exports / name).unlink()


def put(name, content):
    """Put a file there."""
    return lambda desk: desk.put(name, content)


def sparse(name):
    """Put a file of 2 GB there that takes no room and cannot be read as CSV."""

    def make(desk):
        with (desk.exports / name).open("wb") as file:
            file.truncate(2 * 1024**3)
        (desk.exports / "measures.csv").unlink()

    return make


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        pytest.param(
            remove("accounts.csv"),
            ["accounts is missing in ", "accounts.csv, accounts.csv.gz", "[connectors.files.map.accounts]"],
            id="missing file",
        ),
        pytest.param(
            put("accounts.csv", "acount_id,name,created_on\na,A,2026-01-01\n"),
            ["accounts.csv line 1: column 'acount_id'", "did you mean 'account_id'?"],
            id="misspelt column",
        ),
        pytest.param(
            put("accounts.csv", "Account ID,name,created_on\na,A,2026-01-01\n"),
            ["column 'Account ID'", "did you mean 'account_id'?"],
            id="column in other case",
        ),
        pytest.param(
            put("accounts.csv", "account_id,name,created_at\na,A,2026-01-01\n"),
            ["the column 'created_on' is missing", "(perhaps it is 'created_at')"],
            id="missing column",
        ),
        pytest.param(
            put("accounts.csv", "account_id,name,name,created_on\na,A,A,2026-01-01\n"),
            ["accounts.csv line 1: the column 'name' appears twice"],
            id="a column twice",
        ),
        pytest.param(
            put("measures.csv", HEADER + MANY),
            [
                "40 of 40 rows for measures are bad",
                "line 2, line 3, line 4: day '01/03/2026', '3/1/26', '02/03/2026' is not a date like",
                "dates in",
            ],
            id="dates in three formats",
        ),
        pytest.param(
            put(
                "measures.csv",
                b"\xef\xbb\xbf" + HEADER.replace(",", ";").encode() + b"a;2026-01-02;docs;1,5\n" * 11,
            ),
            ["line 2, line 3, line 4: value '1,5', '1,5', '1,5' is not a number (a decimal point"],
            id="BOM, semicolons and decimal commas",
        ),
        pytest.param(put("accounts.csv", b""), ["accounts.csv is empty (0 bytes)"], id="nothing in it"),
        pytest.param(
            put("accounts.csv", "\n\n"), ["accounts.csv is empty, without even a header"], id="blank"
        ),
        pytest.param(
            put("accounts.csv", "account_id,name,created_on\n"),
            ["accounts.csv has a header and no rows, and accounts are needed"],
            id="an empty table",
        ),
        pytest.param(
            sparse("measure.csv"),
            ["measure.csv in ", "is not the name of a table; did you mean measures.csv?"],
            id="a 2 GB file with a wrong name",
        ),
        pytest.param(sparse("Measures.CSV"), ["did you mean measures.csv?"], id="a file name in capitals"),
        pytest.param(
            put("measures.csv", (GOOD + "b,2026-01-02,caf\u00e9,5\n").encode("latin-1")),
            ["measures.csv line 3 is not UTF-8 text; save the file as UTF-8"],
            id="not UTF-8",
        ),
        pytest.param(
            put("measures.csv", GOOD.encode("utf-16")), ["measures.csv line 1 is not UTF-8 text"], id="UTF-16"
        ),
        pytest.param(
            put("measures.csv", GOOD + 'b,2026-01-02,"docs,5\nb,2026-01-03,docs,5\n'),
            ["measures.csv line 3: a quote is opened and never closed"],
            id="open quote",
        ),
        pytest.param(
            put("measures.csv", GOOD + 'b,2026-01-02,"do"cs,5\nb,2026-01-03,docs\n'),
            ["measures.csv line 3 cannot be read as CSV: Value with unterminated quote found; mend it"],
            id="a quote inside a cell",
        ),
        pytest.param(
            put("measures.csv", GOOD + "b,2026-01-02,docs,5\r\nb,2026-01-03,docs,5\n"),
            ["measures.csv line 3 ends otherwise than the lines before (CRLF or LF)"],
            id="mixed line ends",
        ),
        pytest.param(
            put(
                "measures.csv",
                GOOD.replace("\n", "\r\n") + 'b,2026-01-02,"do\ncs",5\nb,2026-01-03,docs,5\r\n',
            ),
            ["measures.csv line 4 ends otherwise than the lines before (CRLF or LF)"],
            id="mixed line ends after a quoted one",
        ),
        pytest.param(
            put("measures.csv", GOOD + "b,2026-01-02,do\rcs,5\nb,2026-01-03,docs\n"),
            ["measures.csv line 3 has a carriage return (CR) outside quotes; remove it"],
            id="a CR inside a cell without quotes",
        ),
        pytest.param(
            put("measures.csv", GOOD + 'b,2026-01-02,"do\rcs",5\nb,2026-01-03,docs,5\rb,2026-01-04,docs,5\n'),
            ["measures.csv line 4 has a carriage return (CR) outside quotes"],
            id="a CR for a line end",
        ),
        pytest.param(
            put("measures.csv", GOOD.replace("\n", "\r") + "b,2026-01-02,docs,5\n"),
            ["measures.csv line 3 ends otherwise than the lines before"],
            id="CR, then LF",
        ),
        pytest.param(
            put("measures.csv", '"' + GOOD * 9_000),
            ["measures.csv line 1: the header cannot be read"],
            id="an open quote in the header",
        ),
        pytest.param(
            put("measures.csv", GOOD + "b,2026-01-02," + "x" * 17_000_000 + ",5\n"),
            ["measures.csv line 3 cannot be read as CSV: Maximum line size"],
            id="an endless cell",
        ),
        pytest.param(
            put("measures.parquet", b"PAR1 and no more"),
            ["measures.csv and measures.parquet both give"],
            id="two",
        ),
        pytest.param(
            put("members.parquet", b"no parquet"), ["members.parquet cannot be read"], id="no Parquet"
        ),
        pytest.param(
            put("members.jsonl", '{"account_id": "a"}\n{"account_id": \n'),
            ["members.jsonl line 2 is not a JSON object"],
            id="broken JSON",
        ),
        pytest.param(put("events.csv.gz", b"not compressed"), ["events.csv.gz cannot be read"], id="no gzip"),
        pytest.param(
            put("events.csv.gz", gzip.compress(b"event_id,account_id,at,kind\n" * 999)[:-20]),
            ["events.csv.gz"],
            id="gzip cut short",
        ),
    ],
)
def test_a_bad_file_is_one_clear_sentence(desk, break_it, says):
    """The sentence says what, where and how to mend it; the facts stay as they were."""
    desk.put("measures.csv", GOOD)
    desk.sync()
    before = desk.ask("SELECT * FROM measures") + desk.ask("SELECT * FROM source_reads")
    break_it(desk)
    with pytest.raises(OutgrownError) as refused:
        desk.sync()
    message = str(refused.value)
    for part in says:
        assert part in message
    assert len(message.splitlines()) == 1
    assert refused.value.exit_code in (1, 2)
    assert desk.ask("SELECT * FROM measures") + desk.ask("SELECT * FROM source_reads") == before


def test_a_missing_folder_is_a_setting(desk):
    """A dir that is not there names the setting to mend."""
    desk.exports.rename(desk.folder / "elsewhere")
    with pytest.raises(UsageError, match=r"There is no folder .*exports; .*mend dir in \[connectors.files\]"):
        desk.sync()
