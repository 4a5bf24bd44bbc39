"""The door for vendors' webhooks: who may call, what is on the disk before it is acknowledged, and when it is a fact."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from agent.approval import runs
from agent.approval.runs import RunState
from agent.faces.serving.due import Job
from agent.faces.serving.hooks import take_call
from agent.faces.serving.http import LARGEST_BODY, Server
from agent.faces.serving.scheduling import Scheduler
from agent.faces.serving.serving import Serving
from agent.faces.serving.voice import Voice
from agent.foundation import clock
from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from agent.wiring import House
from connectors._inbox import rows, take
from connectors._landing import Landing
from tests.faces.serving.running import ROOT, Served, fetch, wait_for
from tests.faces.serving.workspaces import with_settings
from tests.vendors.segment import SECRET, Segment


@pytest.fixture
def segment():
    """Segment, as it calls."""
    with Segment(groups=3, rows=40) as vendor:
        yield vendor


@pytest.fixture
def said():
    """What the service said."""
    return []


@pytest.fixture
def keyed(monkeypatch):
    """The secret in the environment."""
    monkeypatch.setenv("SEGMENT_SHARED_SECRET", SECRET)


@pytest.fixture
def door(bare, segment, said, keyed):
    """The web server of a workspace with Segment, listening."""
    with_settings(bare, segment.workspace())
    house = House(open_workspace(bare), "outgrown")
    one = Serving(house, with_slack=False, port=0, voice=Voice(said.append))
    one.server = Server(one._application(), "127.0.0.1", 0)
    one.server.start()
    one.url, one.inbox = one.server.address, Landing(house.workspace, "segment").inbox
    yield one
    assert one.server.stop(5)
    house.close()


def call(segment, number=1, **more):
    """One call."""
    return next(iter(segment.tracks(1))) | {"messageId": f"m{number}", **more}


def post(door, body, path="segment", **headers):
    """What the door answers."""
    return fetch(f"{door.url}/webhooks/{path}", body, **headers)


def signed(segment, body):
    """The headers of a genuine call."""
    return {name.replace("-", "_"): value for name, value in segment.signed(body).items()}


def test_a_genuine_call_is_kept(door, segment, said):
    """Acknowledged, and there."""
    body = segment.body(call(segment))
    assert post(door, body, **signed(segment, body)) == (200, '{"ok":true}')
    [row] = rows(take(door.inbox))
    assert (row["type"], row["id"], row["user"]) == ("track", "m1", "user-0-0")
    assert said == []


def test_it_is_on_the_disk_before_it_is_acknowledged(door, segment, monkeypatch):
    """The answer waits for fsync, of the rows and of the new file's name."""
    told, real = [], os.fsync

    def fsync(handle):
        told.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        time.sleep(0.2)
        real(handle)

    monkeypatch.setattr("connectors._inbox.os.fsync", fsync)
    began = time.monotonic()
    body = segment.body(call(segment))
    assert post(door, body, **signed(segment, body))[0] == 200
    assert time.monotonic() - began > 0.4
    assert told == [str(door.inbox / "current.jsonl"), str(door.inbox)]


def test_what_cannot_be_kept_is_not_acknowledged(door, segment, said):
    """503, which makes the vendor send it again; a sentence for us, and nothing of the call in it."""
    door.inbox.parent.mkdir(parents=True)
    door.inbox.write_text("a file where the folder should be")
    body = segment.body(call(segment, userId="secret-person"))
    assert post(door, body, **signed(segment, body))[0] == 503
    assert "cannot be kept" in said[0]
    assert "secret-person" not in said[0]
    door.inbox.unlink()
    assert post(door, body, **signed(segment, body))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        pytest.param("segment", b'{"type":"track"}', {}, 401, id="not signed"),
        pytest.param("segment", b'{"type":"track"}', {"X_Signature": "0" * 40}, 401, id="signed by nobody"),
        pytest.param("zendesk", b"{}", {}, 404, id="not configured"),
        pytest.param("nobody", b"{}", {}, 404, id="no vendor"),
        pytest.param("files", b"{}", {}, 404, id="no webhook"),
        pytest.param("segment%2f..", b"{}", {}, 404, id="a path"),
    ],
)
def test_whoever_may_not_call_is_turned_away(door, path, body, headers, status):
    """And nothing is kept."""
    assert post(door, body, path, **headers)[0] == status
    assert take(door.inbox) == []


@pytest.mark.parametrize(("path", "status"), [("segment", 200), ("zendesk", 404), ("postmark", 404)])
def test_a_vendor_may_look_whether_somebody_is_there(door, path, status):
    """Intercom does, by HEAD, before it takes an address."""
    request = urllib.request.Request(f"{door.url}/webhooks/{path}", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            found = answer.status
    except urllib.error.HTTPError as refused:
        found = refused.code
        refused.close()
    assert found == status


def test_stripe_comes_through_the_same_door(bare, said, monkeypatch):
    """Signed and fresh it is kept; signed too long ago, or for another secret, it is not."""
    from connectors import VENDORS
    from tests.vendors.stripe import SECRET as STRIPE_SECRET

    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET)
    with_settings(bare, "[connectors.stripe]\n")
    house = House(open_workspace(bare), "outgrown")
    body = b'{"id":"evt_1","object":"event","type":"customer.updated","data":{"object":{"id":"cus_1"}}}'

    def called(at, secret):
        stamp = str(int(at))
        signature = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"stripe-signature": f"t={stamp},v1={signature}"}
        return take_call(house, "stripe", headers, body, Voice(said.append))

    assert called(time.time() - 1_000, STRIPE_SECRET) == 401
    assert called(time.time(), "another") == 401
    assert [called(time.time(), STRIPE_SECRET) for _ in range(2)] == [200, 200]
    inbox = Landing(house.workspace, "stripe").inbox
    assert [row["id"] for row in rows(take(inbox))] == ["evt_1", "evt_1"]
    assert {name for name, one in VENDORS.items() if one.hook} >= {"stripe", "intercom", "segment", "zendesk"}
    house.close()


def test_what_is_not_understood_is_told_without_the_customers_text(door, segment, said):
    """400, and a sentence of ours alone."""
    body = b'["Jane Roe, 4111111111111111"]'
    assert post(door, body, **signed(segment, body))[0] == 400
    assert len(said) == 1
    assert "Jane" not in said[0]
    assert "4111" not in said[0]
    assert SECRET not in said[0]
    # Once it is well again, that is told too.
    good = segment.body(call(segment))
    assert post(door, good, **signed(segment, good))[0] == 200
    assert said[1] == "webhook of segment: works again."


def test_without_the_secret_nobody_is_believed(door, segment, said, monkeypatch):
    """The founder is told which name is missing."""
    monkeypatch.delenv("SEGMENT_SHARED_SECRET")
    body = segment.body(call(segment))
    assert post(door, body, **signed(segment, body))[0] == 401
    assert "SEGMENT_SHARED_SECRET" in said[0]


def test_where_the_facts_are_read_in_place_nobody_may_call(door, segment, monkeypatch):
    """Nothing would ever read it."""
    monkeypatch.setenv("OUTGROWN_WAREHOUSE_URL", "duckdb:///somewhere")
    body = segment.body(call(segment))
    assert post(door, body, **signed(segment, body))[0] == 404


def test_a_large_batch_is_taken_and_a_larger_one_is_not(door, segment):
    """Segment's batches are larger than other bodies may be."""
    padded = call(segment, properties={"pad": "x" * 2_000})
    body = segment.body([padded] * 4_000)
    assert LARGEST_BODY < len(body) < 12_000_000
    assert post(door, body, **signed(segment, body))[0] == 200
    host, port = door.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as caller:
        caller.sendall(b"POST /webhooks/segment HTTP/1.1\r\nHost: x\r\nContent-Length: 12000001\r\n\r\n")
        assert caller.recv(100).startswith(b"HTTP/1.1 413")
    assert sum(1 for _ in rows(take(door.inbox))) == 4_000


def test_calls_at_the_same_time_are_all_kept_and_share_the_disk(door, segment, monkeypatch):
    """None is lost, none is broken, and fewer fsyncs than calls are made."""
    count, real = [], os.fsync

    def fsync(handle):
        count.append(1)
        time.sleep(0.02)
        real(handle)

    monkeypatch.setattr("connectors._inbox.os.fsync", fsync)

    def one(number):
        body = segment.body(call(segment, number))
        return post(door, body, **signed(segment, body))[0]

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(one, range(120))) == {200}
    assert {row["id"] for row in rows(take(door.inbox))} == {f"m{number}" for number in range(120)}
    assert len(count) < 90


def test_an_answer_does_not_wait_for_the_callers_acknowledgement(door):
    """Headers and body leave as two pieces: without TCP_NODELAY, which asyncio sets by this number, 40 ms apart."""
    assert door.server._socket.proto == socket.IPPROTO_TCP


# From the inbox to the facts.


@pytest.fixture
def paid(drafted, segment, keyed):
    """A company with Segment; the groups are its own accounts."""
    return with_settings(drafted, segment.workspace())


def account_of(folder):
    """Some account of the company."""
    with open_warehouse(open_workspace(folder).facts_file) as warehouse:
        return warehouse.duck.execute("SELECT min(account_id) FROM accounts").fetchall()[0][0]


def events_of(folder):
    """Segment's events."""
    with open_warehouse(open_workspace(folder).facts_file) as warehouse:
        return warehouse.duck.execute(
            "SELECT event_id, account_id FROM events WHERE starts_with(event_id, 'segment:') ORDER BY 1"
        ).fetchall()


def kept(folder, segment, *calls):
    """Put calls into the inbox as the door does."""
    from agent.wiring.hooking import hooks, keep_call

    workspace = open_workspace(folder)
    body = segment.body(list(calls))
    headers = {name.lower(): value for name, value in segment.signed(body).items()}
    keep_call(workspace, "segment", hooks(workspace)["segment"], headers, body)


@pytest.fixture
def scheduler(paid, said, monkeypatch):
    """The scheduler of that company, and a clock to set."""
    from tests.faces.serving.workspaces import MOMENT

    def at(minutes):
        monkeypatch.setenv("OUTGROWN_NOW", (MOMENT + timedelta(minutes=minutes)).isoformat())

    at(0)
    house = House(open_workspace(paid), "outgrown")
    one = Scheduler(house, Voice(said.append))
    one.at, one.house = at, house
    yield one
    house.close()


def test_an_empty_inbox_costs_nothing(scheduler):
    """No run is written down."""
    assert scheduler.look([Job.HOOKED]) == []
    assert runs.newest(scheduler.house.store, Job.HOOKED) is None


def test_what_came_is_a_fact_within_the_minute(scheduler, paid, segment, said):
    """The first at once, what comes later at the next minute; and that vendor alone is read."""
    account = account_of(paid)
    kept(paid, segment, call(segment, 1, context={"groupId": account}))
    assert scheduler.look([Job.HOOKED]) == [(Job.HOOKED, RunState.DONE)]
    assert events_of(paid) == [("segment:m1", account)]
    assert "segment called: 1 facts new" in said[0]
    kept(paid, segment, call(segment, 2, context={"groupId": account}))
    assert scheduler.look([Job.HOOKED]) == []
    scheduler.at(1)
    assert scheduler.look([Job.HOOKED]) == [(Job.HOOKED, RunState.DONE)]
    assert [name for name, _ in events_of(paid)] == ["segment:m1", "segment:m2"]
    scheduler.at(2)
    assert scheduler.look([Job.HOOKED]) == []


def test_one_process_does_it(scheduler, paid, segment):
    """Another that looks at the same time leaves it alone."""
    kept(paid, segment, call(segment, 1, context={"groupId": account_of(paid)}))
    other = House(open_workspace(paid), "outgrown")
    second = Scheduler(other, Voice(lambda _: None))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: one.look([Job.HOOKED]), (scheduler, second)))
    other.close()
    assert sorted(map(len, found)) == [0, 1]


def test_a_vendor_in_trouble_is_asked_again_with_growing_pauses(scheduler, paid, segment, said, monkeypatch):
    """Not every minute, and what came waits."""
    kept(paid, segment, call(segment, 1, context={"groupId": account_of(paid)}))
    path = paid / "outgrown.toml"
    good = path.read_text()
    inbox = Landing(open_workspace(paid), "segment").inbox
    landed = inbox.parent / "landed.duckdb"
    landed.write_bytes(b"this is no database" * 1000)
    assert scheduler.look([Job.HOOKED]) == [(Job.HOOKED, RunState.FAILED)]
    assert "it is tried again" in said[0]
    for minutes in range(1, 4):
        scheduler.at(minutes)
        assert scheduler.look([Job.HOOKED]) == []
    landed.unlink()
    monkeypatch.setattr(
        "agent.faces.serving.scheduling.machine_now", lambda: clock.now() + timedelta(days=3650)
    )
    assert scheduler.look([Job.HOOKED]) == [(Job.HOOKED, RunState.DONE)]
    assert [name for name, _ in events_of(paid)] == ["segment:m1"]
    assert path.read_text() == good


def test_with_syncs_switched_off_it_waits(paid, segment, said):
    """`sync_every_hours = 0` means never; a sync by hand takes it."""
    with_settings(paid, "[serve]\nsync_every_hours = 0")
    kept(paid, segment, call(segment, 1, context={"groupId": account_of(paid)}))
    house = House(open_workspace(paid), "outgrown")
    assert Scheduler(house, Voice(said.append)).look([Job.HOOKED]) == []
    house.sync(["segment"])
    house.close()
    assert len(events_of(paid)) == 1


@pytest.mark.slow
def test_the_running_service_takes_a_call_and_knows_it(paid, segment):
    """A real process: posted, acknowledged, and a fact soon after; killed between the two, nothing is lost."""
    account = account_of(paid)
    calls = [call(segment, number, context={"groupId": account}) for number in range(20)]
    options = ("--no-slack", "--port", "0")
    with Served(paid, *options, SEGMENT_SHARED_SECRET=SECRET) as served:
        served.said("sync: ")
        assert segment.deliver(served.url, calls[:10], batch=0) == [200] * 10
        wait_for(lambda: len(_read(paid)) == 10, 120, served.tell)
        assert segment.deliver(served.url, calls[10:], batch=0) == [200] * 10
        served.kill()
    with Served(paid, *options, SEGMENT_SHARED_SECRET=SECRET) as served:
        wait_for(lambda: len(_read(paid)) == 20, 120, served.tell)
        assert served.stop() == 0
    assert {name for name, _ in events_of(paid)} == {f"segment:m{number}" for number in range(20)}


def _read(folder):
    """Segment's events; none while somebody is writing."""
    from agent.foundation.errors import StoreBusy

    try:
        return events_of(folder)
    except StoreBusy:
        return []


# How fast.


@pytest.mark.timing
def test_single_calls_come_in_nearly_as_fast_as_plain_receipts(door, segment):
    """Signed, checked, on the disk: measured beside a route that only reads the same bytes and answers."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from agent.faces.serving.http import read_body

    async def receipt(request):
        await read_body(request)
        return JSONResponse({"ok": True})

    plain = Server(Starlette(routes=[Route("/webhooks/segment", receipt, methods=["POST"])]), "127.0.0.1", 0)
    plain.start()
    calls = [call(segment, number) for number in range(1_000)]

    def rate(url, threads):
        began = time.perf_counter()
        workers = [
            threading.Thread(target=segment.deliver, args=(url, calls[n::threads], 0)) for n in range(threads)
        ]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        return len(calls) / (time.perf_counter() - began)

    found = {}
    for threads in (1, 16):
        ours, theirs = rate(door.url, threads), rate(plain.address, threads)
        found[threads] = ours / theirs
        print(f"{threads} callers: {ours:,.0f} calls a second, plain {theirs:,.0f}: {ours / theirs:.0%}")  # noqa: T201
    # One caller waits for the disk each time; many share it.
    assert found[16] > 0.2
    assert plain.stop(5)
    assert sum(1 for _ in rows(take(door.inbox))) == 2_000


@pytest.mark.timing
def test_a_million_events_come_through_the_door_in_time(paid, tmp_path):
    """A million events in batches of a thousand over loopback, then one sync: two minutes, a gigabyte and a half."""
    with open_warehouse(open_workspace(paid).facts_file) as warehouse:
        ids = [
            row[0] for row in warehouse.duck.execute("SELECT account_id FROM accounts ORDER BY 1").fetchall()
        ]
    with_settings(paid, "[serve]\nsync_every_hours = 0")
    many = 1_000_000
    with Segment(groups=len(ids), people=50, rows=many, ids=ids) as segment:
        # Written beforehand: the time it takes us to make them up is not Segment's.
        spool, ends = tmp_path / "bodies", [0]
        with spool.open("wb") as out:
            for body in segment.bodies(segment.calls(), 1_000):
                ends.append(ends[-1] + out.write(body))
        with Served(paid, "--no-slack", "--port", "0", SEGMENT_SHARED_SECRET=SECRET) as served:
            host, port = served.url.removeprefix("http://").split(":")
            line, began = http.client.HTTPConnection(host, int(port), timeout=60), time.perf_counter()
            with spool.open("rb") as bodies:
                for start, end in pairwise(ends):
                    body = bodies.read(end - start)
                    line.request("POST", "/webhooks/segment", body, segment.signed(body))
                    with line.getresponse() as answer:
                        assert answer.read() == b'{"ok":true}'
            posted, door = time.perf_counter() - began, peak(served.process.pid)
            working = processor(served.process.pid)
            line.close()
            assert served.stop() == 0
    began = time.perf_counter()
    sync = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "agent.faces.cli", "sync", "segment", "--workspace", str(paid)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    highest = worked = 0.0
    while sync.poll() is None:
        highest, worked = max(highest, peak(sync.pid)), max(worked, processor(sync.pid))
        time.sleep(0.05)
    synced = time.perf_counter() - began
    said = sync.communicate()[0]
    size = ends[-1] / 2**20
    print(  # noqa: T201
        f"posted {many:,} events ({size:,.0f} MiB) in {posted:.1f} s ({working:.1f} s of processor), at most "
        f"{door:,.0f} MiB; synced in {synced:.1f} s ({worked:.1f} s of processor), at most {highest:,.0f} MiB; "
        f"load {os.getloadavg()[0]:.1f}"
    )
    assert sync.returncode == 0, said
    assert len(events_of(paid)) == many
    assert posted + synced < 120
    assert max(door, highest) < 1536


def peak(pid):
    """The most memory a process has had so far, in MiB; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(
        (int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0
    )


def processor(pid):
    """Seconds of processor that a process has had so far; 0 once it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_rows_are_what_was_sent(door, segment):
    """A batch of everything Segment sends, kept line by line."""
    assert segment.deliver(door.url, segment.calls()) == [200]
    found = list(rows(take(door.inbox)))
    assert len(found) == 2 * 3 * 4 + 40
    assert json.loads(json.dumps(found)) == found
