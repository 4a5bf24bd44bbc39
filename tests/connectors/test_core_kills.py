"""Syncs that are killed, and syncs beside other work: nothing is lost, nothing comes twice, nobody waits for the dead."""

import os
import random
import signal
import time

import pytest

from tests.faultrig import Rig, dump, env_of, names_with_stand_ins, use
from tests.nursery import Nursery

pytestmark = pytest.mark.slow
KILLS, IN_A_ROW = 60, 5


@pytest.fixture
def rig(request, tmp_path, monkeypatch):
    """A rig with a nursery that syncs its workspaces."""
    name = getattr(request, "param", "small")
    with Rig(name, tmp_path) as found:
        use(monkeypatch, found)
        with Nursery({f"OUTGROWN_{name.upper()}_URL": found.proxy.url, **env_of(name)}) as nursery:
            found.nursery, found.log = nursery, tmp_path / "log"
            found.log.touch()
            yield found


def synced(rig, workspace):
    """Sync to the end by the command line; what the facts are then."""
    rig.log.write_text("")
    status = rig.nursery.run("sync", "--workspace", workspace.folder, log=rig.log)
    assert status == 0, rig.log.read_text()
    return dump(workspace)


def kill_some(rig, workspace, chance, seconds):
    """Kill syncs at any moment of theirs; how many were still at work."""
    killed = 0
    for _ in range(IN_A_ROW):
        pid = rig.nursery.start("sync", "--workspace", workspace.folder, log=rig.log)
        time.sleep(chance.uniform(0, seconds))
        if rig.nursery.is_running(pid):
            os.kill(pid, signal.SIGKILL)
        killed += rig.nursery.wait(pid) == -signal.SIGKILL
    return killed


@pytest.mark.parametrize(
    "rig", [name for name in names_with_stand_ins() if name in ("small", "zendesk")], indirect=True
)
def test_a_killed_sync_leaves_nothing_half_done(rig):
    """Sixty kills at random moments, some in a row; the next sync ends as one that was never killed."""
    expected_at = rig.desk()
    started = time.perf_counter()
    expected = synced(rig, expected_at)
    seconds = time.perf_counter() - started
    chance, killed, rounds = random.Random(20260302), 0, 0
    while killed < KILLS:
        rounds += 1
        assert rounds < 60, "most syncs ended before they could be killed"
        workspace = rig.desk()
        killed += kill_some(rig, workspace, chance, seconds)
        started = time.perf_counter()
        assert synced(rig, workspace) == expected
        # However busy the machine is just now, most kills hit a sync that is at work.
        seconds = min(seconds, time.perf_counter() - started)


def test_a_killed_second_sync_loses_no_change(rig):
    """What changed between two syncs is there after kills as without them, and what was listed no longer is gone."""
    workspaces = [rig.desk() for _ in range(3)]
    for workspace in workspaces:
        synced(rig, workspace)
    rig.stand_in.put(
        "/bills",
        {
            "id": "in_0003",
            "customer": "cus_0003",
            "amount": 77,
            "paid": True,
            "updated": "2027-03-01T09:00:00",
        },
    )
    rig.stand_in.put(
        "/tickets", {"id": "t_new", "customer": "cus_0003", "text": "new", "updated": "2027-03-01T09:00:00"}
    )
    rig.stand_in.tables["/limits"] = rig.stand_in.tables["/limits"][1:]
    expected = synced(rig, workspaces[0])
    chance = random.Random(7)
    for workspace in workspaces[1:]:
        kill_some(rig, workspace, chance, 1.0)
        assert synced(rig, workspace) == expected


def test_two_syncs_at_once_end_as_one(rig):
    """The second waits for the first, or says why it cannot; the facts are those of one sync."""
    expected = synced(rig, rig.desk())
    for _ in range(3):
        workspace = rig.desk()
        logs = [rig.folder / f"log{number}" for number in range(3)]
        pids = [rig.nursery.start("sync", "--workspace", workspace.folder, log=log) for log in logs]
        for pid, log in zip(pids, logs, strict=True):
            status, said = rig.nursery.wait(pid), log.read_text()
            assert status == 0 or "in use by" in said or "still reading" in said, said
            assert "Traceback" not in said
            log.unlink()
        assert synced(rig, workspace) == expected


def test_one_that_was_killed_holds_nobody_up(rig):
    """A process that died while it read a vendor leaves no lock behind."""
    workspace = rig.desk()
    rig.proxy.seconds = 30
    rig.proxy.reset(lambda question: "late" if question.number == 5 else None)
    first = rig.nursery.start("sync", "--workspace", workspace.folder, log=rig.log)
    wait_until(lambda: len(rig.proxy.asked) >= 5)
    second = rig.nursery.start("sync", "--workspace", workspace.folder, log=rig.log)
    wait_until(lambda: "another sync is reading it" in rig.log.read_text())
    os.kill(first, signal.SIGKILL)
    started = time.perf_counter()
    assert rig.nursery.wait(second) == 0, rig.log.read_text()
    assert time.perf_counter() - started < 25
    assert rig.nursery.wait(first) == -signal.SIGKILL
    assert (
        len({question.target + str(question.body) for question in rig.proxy.asked})
        == len(rig.proxy.asked) - 1
    )


def test_reading_a_vendor_keeps_nobody_from_the_facts(rig):
    """A scan answers at once while a vendor takes its time."""
    workspace = rig.desk()
    synced(rig, workspace)
    rig.proxy.seconds = 20
    rig.proxy.reset(lambda question: "late" if question.number == 3 else None)
    pid = rig.nursery.start("sync", "--workspace", workspace.folder, log=rig.log)
    wait_until(lambda: len(rig.proxy.asked) >= 3)
    other = rig.folder / "scan"
    assert rig.nursery.run("scan", "--json", "--workspace", workspace.folder, log=other, seconds=60) == 0, (
        other.read_text()
    )
    assert rig.nursery.is_running(pid)
    os.kill(pid, signal.SIGKILL)
    rig.nursery.wait(pid)


def test_syncs_and_scans_side_by_side(rig):
    """Many of both at once: every one ends well or says who was in its way, and the facts are right."""
    expected = synced(rig, rig.desk())
    workspace = rig.desk()
    synced(rig, workspace)
    pids = {}
    for number in range(6):
        command = ("sync",) if number % 2 == 0 else ("scan", "--json")
        log = rig.folder / f"side{number}"
        pids[rig.nursery.start(*command, "--workspace", workspace.folder, log=log)] = log
    for pid, log in pids.items():
        status, said = rig.nursery.wait(pid), log.read_text()
        assert status == 0 or "in use by" in said, said
        assert "Traceback" not in said
    assert dump(workspace) == expected


def test_a_sync_beside_a_running_service(rig):
    """A service that keeps the state and looks at the facts, and syncs by hand: all of them end well."""
    expected = synced(rig, rig.desk())
    workspace = rig.desk()
    log = rig.folder / "serve"
    service = rig.nursery.start(
        "serve", "--no-slack", "--port", "0", "--workspace", workspace.folder, log=log
    )
    for _ in range(3):
        said = rig.folder / "sync"
        status = rig.nursery.run("sync", "--workspace", workspace.folder, log=said)
        assert status == 0 or "in use by" in said.read_text(), said.read_text()
    assert rig.nursery.is_running(service), log.read_text()
    os.kill(service, signal.SIGTERM)
    assert rig.nursery.wait(service) in (0, 130, -signal.SIGTERM), log.read_text()
    assert "Traceback" not in log.read_text()
    assert synced(rig, workspace) == expected


def wait_until(is_so, seconds=30):
    """Wait for something to be so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
