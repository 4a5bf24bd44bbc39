"""The inbox: what was acknowledged is there, whole, once and in order, whoever is killed in between."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agent.foundation.errors import StoreError
from agent.foundation.holder import machine_now
from connectors import _inbox
from connectors._inbox import NotGenuine, is_empty, is_signed, must_be_recent, put, rows, take

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def inbox(tmp_path):
    """A vendor's inbox."""
    return tmp_path / "stripe" / "inbox"


def ids(inbox):
    """What waits, taken."""
    return [row["id"] for row in rows(take(inbox))]


def test_rows_come_out_as_they_went_in(inbox):
    """In order, across several takings; nobody else may read the folder."""
    put(inbox, [{"id": 1, "text": "line\nbreak \u2028 ü 漢"}, {"id": 2}])
    first = take(inbox)
    put(inbox, [{"id": 3}])
    assert [row["id"] for row in rows(first)] == [1, 2]
    assert next(rows(first))["text"] == "line\nbreak \u2028 ü 漢"
    assert ids(inbox) == [1, 2, 3]
    assert inbox.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in inbox.iterdir())


def test_an_inbox_is_empty_until_something_comes_and_once_it_is_landed(inbox):
    """Taken is not gone: a reading that fails finds it again."""
    assert is_empty(inbox)
    assert take(inbox) == take(None) == []
    put(inbox, [{"id": 1}])
    assert not is_empty(inbox)
    [path] = take(inbox)
    assert not is_empty(inbox)
    assert take(inbox) == [path]
    path.unlink()
    assert is_empty(inbox)


def test_a_line_that_was_never_finished_is_passed_over(inbox):
    """It was never acknowledged; what comes after it stands on a line of its own."""
    put(inbox, [{"id": 1}])
    with (inbox / "current.jsonl").open("ab") as half:
        half.write(b'{"id": 2, "te')
    put(inbox, [{"id": 3}])
    assert ids(inbox) == [1, 3]


@pytest.mark.parametrize("line", [b"7\n", b"[" * 100_000 + b"\n", b"\xff\xfe\n", b"\x00\n", b"\n", b"null\n"])
def test_a_line_that_is_no_row_is_passed_over(inbox, line):
    """Whatever it is."""
    put(inbox, [{"id": 1}])
    with (inbox / "current.jsonl").open("ab") as odd:
        odd.write(line)
    put(inbox, [{"id": 2}])
    assert ids(inbox) == [1, 2]


def test_half_a_character_stops_nothing(inbox):
    """JSON can spell it and UTF-8 cannot."""
    put(inbox, [{"id": 1, "text": json.loads('"a\\ud800b"')}])
    assert next(rows(take(inbox)))["text"] == "a?b"


def test_lines_may_be_left_out_by_how_they_begin(inbox):
    """So that a million events need not be read twice."""
    put(inbox, [{"type": "track", "id": 1}, {"type": "group", "id": 2}])
    assert [row["id"] for row in rows(take(inbox), but=(b'{"type":"track"',))] == [2]


def test_a_failure_is_told_to_everybody_who_waited_for_it(inbox, monkeypatch):
    """Nobody believes that a row is kept which is not; the next call finds the inbox in order."""
    real = os.fsync

    def full(handle):
        time.sleep(0.05)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_inbox.os, "fsync", full)
    told = []

    def call(number):
        try:
            put(inbox, [{"id": number}])
        except StoreError as error:
            told.append(str(error))

    callers = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    assert len(told) == 8
    assert all("No space left on device" in one for one in told)
    monkeypatch.setattr(_inbox.os, "fsync", real)
    put(inbox, [{"id": 99}])
    assert ids(inbox)[-1] == 99


def test_callers_at_the_same_time_share_an_fsync_while_somebody_takes(inbox, monkeypatch):
    """Nothing is lost between the file that is taken and the one that is written."""
    count, real, found = [], os.fsync, []

    def fsync(handle):
        count.append(1)
        time.sleep(0.005)
        real(handle)

    monkeypatch.setattr(_inbox.os, "fsync", fsync)
    callers = [
        threading.Thread(target=lambda n=n: [put(inbox, [{"id": n * 100 + k}]) for k in range(20)])
        for n in range(8)
    ]
    for one in callers:
        one.start()
    while any(one.is_alive() for one in callers):
        for path in take(inbox):
            found += [row["id"] for row in rows([path])]
            path.unlink()
    found += ids(inbox)
    assert sorted(found) == sorted(n * 100 + k for n in range(8) for k in range(20))
    assert len(count) < 160


WRITER = """
import sys
from pathlib import Path
from connectors._inbox import put
for number in range(10 ** 9):
    put(Path(sys.argv[1]), [{"id": number, "pad": "x" * 5000}])
    print(number, flush=True)
"""


@pytest.mark.slow
def test_what_was_acknowledged_outlives_a_kill(inbox):
    """Another process is killed as it writes, again and again."""
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(inbox)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert writer.stdout
        acknowledged = [int(writer.stdout.readline()) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout if line.strip()]
        writer.wait()
        writer.stdout.close()
        files = take(inbox)
        found = [row["id"] for row in rows(files)]
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) <= len(acknowledged) + 1
        for path in files:
            path.unlink()


@pytest.mark.parametrize("digest", ["sha256", "sha1"])
def test_a_signature_is_right_or_wrong(digest):
    """In either case of letters; text that is not ASCII is simply wrong."""
    import hashlib
    import hmac

    right = hmac.new(b"secret", b"body", getattr(hashlib, digest)).hexdigest()
    assert is_signed("secret", b"body", f" {right.upper()} ", digest)
    for wrong in ("", right[:-1], right[:-1] + "é", "0" * len(right)):
        assert not is_signed("secret", b"body", wrong, digest)
    assert not is_signed("other", b"body", right, digest)


def test_an_old_call_is_somebodys_copy():
    """And so is one out of the future."""
    from datetime import UTC

    now = machine_now().replace(tzinfo=UTC).timestamp()
    must_be_recent(now - 200)
    for moment in (now - 400, now + 400):
        with pytest.raises(NotGenuine):
            must_be_recent(moment)
