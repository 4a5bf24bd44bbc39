"""When vendors fail while they are read: at any page, in any way, the facts end as if nothing had happened."""

from datetime import timedelta

import pytest

from connectors import VENDORS, _api
from tests.faultproxy import EXPIRED, HARMLESS, PASSING
from tests.faultrig import IS_THOROUGH, Rig, dump, env_of, names_with_stand_ins, use

pytestmark = pytest.mark.slow
NAMES = names_with_stand_ins()
SYNCS = 4
STAYING = ("503", "cut before the body", "truncated", "429 in seconds", "wrong gzip")
PAGING = [name for name in NAMES if name == "small" or not VENDORS[name].asks_about_domains]
"Not those that ask one paid question a company: they have no cursor, a 404 is an answer, and they keep what was paid for."
THOROUGH = NAMES if IS_THOROUGH else ["small"]
"Vendors that meet every fault at every page; the others meet two at a page (all of them with OUTGROWN_ALL_FAULTS=1)."


@pytest.fixture(scope="module")
def rigs(tmp_path_factory):
    """One rig per vendor, with what a sync without faults gives."""
    made = {}

    def of(name, monkeypatch):
        if name not in made:
            rig = Rig(name, tmp_path_factory.mktemp(name)).__enter__()
            made[name] = rig
        rig = made[name]
        waited = use(monkeypatch, rig)
        if not hasattr(rig, "expected"):
            monkeypatch.setattr(_api, "TIMEOUT", (5.0, 30.0))
            rig.proxy.reset()
            workspace = rig.desk()
            landed = rig.sync(workspace)
            assert landed.failed == ""
            rig.expected, rig.questions = dump(workspace), list(rig.proxy.asked)
            rig.rejected = len(landed.rejected)
            monkeypatch.setattr(_api, "TIMEOUT", (5.0, 0.2))
        rig.proxy.reset()
        return rig, waited

    yield of
    for rig in made.values():
        rig.__exit__(None, None, None)


@pytest.fixture(params=NAMES)
def rig(request, rigs, monkeypatch):
    """Every vendor in turn."""
    found, found.waited = rigs(request.param, monkeypatch)
    return found


@pytest.fixture(params=PAGING)
def paging_rig(request, rigs, monkeypatch):
    """Every vendor whose rows come in pages."""
    found, found.waited = rigs(request.param, monkeypatch)
    return found


def cases():
    """Vendor and the number by which the faults are turned."""
    for name in NAMES:
        step = 1 if name in THOROUGH else 6
        yield from (pytest.param(name, shift, id=f"{name}-{shift}") for shift in range(0, len(PASSING), step))


def test_the_sync_has_thirty_pages_and_brings_facts(rig):
    """What the other tests rest on."""
    assert len(rig.questions) >= 25
    assert sum(count for count, _ in rig.expected.values()) > 10


@pytest.mark.parametrize(("name", "shift"), list(cases()))
def test_a_fault_that_passes_at_every_page_changes_nothing(name, shift, rigs, monkeypatch):
    """Each page fails once, each in another way; turned by one each time, so that every page meets every fault."""
    rig, _ = rigs(name, monkeypatch)
    pages = {}

    def plan(question):
        key = (question.method, question.target, question.body)
        number = pages.setdefault(key, len(pages))
        return PASSING[(number + shift) % len(PASSING)] if question.tries == 0 else None

    rig.proxy.reset(plan)
    workspace = rig.desk()
    landed = rig.sync(workspace)
    assert landed.failed == ""
    assert dump(workspace) == rig.expected
    assert len(rig.proxy.asked) >= 2 * len(pages)


@pytest.mark.parametrize("fault", HARMLESS)
def test_pages_that_come_twice_disordered_or_slowly_change_nothing(rig, fault):
    """Rows are told apart by their key and the time of their change, not by where they stand."""
    rig.proxy.reset(lambda question: fault)
    workspace = rig.desk()
    assert rig.sync(workspace).failed == ""
    assert dump(workspace) == rig.expected


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_wrong_changes_nothing(rig, hours):
    """The vendor's clock is two hours off ours."""
    rig.proxy.skew = timedelta(hours=hours)
    workspace = rig.desk()
    assert rig.sync(workspace).failed == ""
    assert dump(workspace) == rig.expected


def follow_ups(questions):
    """The questions that ask for a page after the first, by stream."""
    seen, found = set(), {}
    for question in questions:
        stream = (question.method, question.path)
        if stream in seen:
            found.setdefault(stream, []).append((question.method, question.target, question.body))
        seen.add(stream)
    return list(found.values())


def test_an_expired_cursor_begins_the_stream_again(paging_rig):
    """At every further page, one in each stream at a time; it is read anew in the same sync, or else in the next."""
    rig = paging_rig
    streams = follow_ups(rig.questions)
    deepest = max(len(pages) for pages in streams)
    step = 1 if rig.name in THOROUGH else max(1, deepest // 3)
    for number in range(0, deepest, step):
        keys = {pages[number] for pages in streams if number < len(pages)}
        # A 404 is Amplitude's word for hours in which nothing happened.
        known = [one for one in EXPIRED if (rig.name, one) != ("amplitude", "404")]
        status = known[number // step % len(known)]

        def plan(question, keys=keys, status=status):
            is_it = (question.method, question.target, question.body) in keys and question.tries == 0
            return status if is_it else None

        rig.proxy.reset(plan)
        workspace = rig.desk()
        # A stream that asks of several things begins again once a sync: each sync gets past one of them.
        for _ in range(SYNCS):
            landed = rig.sync(workspace)
            if not landed.failed:
                break
        assert landed.failed == "", (status, number)
        assert dump(workspace) == rig.expected, (status, number)


def test_a_fault_that_stays_is_told_and_the_next_sync_goes_on(paging_rig):
    """At every page; what was read is not asked for again, and the facts stay as they were until the end."""
    rig = paging_rig
    workspace = rig.desk()
    before = dump(workspace)
    answered, failed = [], 0
    pages = 1 if rig.name in THOROUGH else 3
    while True:
        fault = STAYING[failed % len(STAYING)]
        rig.proxy.reset(lambda question, fault=fault: None if question.number <= pages else fault)
        landed = rig.sync(workspace) if failed % 10 == 0 else rig_fetch(rig, workspace)
        answered += [(one.method, one.target, one.body) for one in rig.proxy.asked[:pages]]
        assert len(set(answered)) == len(answered)
        if not landed.failed:
            break
        failed += 1
        assert landed.failed.count("\n") == 0
        assert landed.failed.endswith(".")
        assert all(value not in landed.failed for value in env_of(rig.name).values())
        if failed % 10 == 1:
            assert dump(workspace) == before
        assert failed < 200
    rig.enter(workspace, [landed])
    assert dump(workspace) == rig.expected
    assert failed >= (len(rig.questions) - 1) // pages


def rig_fetch(rig, workspace):
    """Reading alone, without the facts."""
    from connectors import sync

    [landed] = sync.fetch(workspace, [rig.name])
    return landed


def test_a_revoked_key_is_named_and_a_new_one_goes_on(paging_rig):
    """From the middle of the reading on the key is refused; with it back, only the rest is asked for."""
    rig = paging_rig
    half = len(rig.questions) // 2
    workspace = rig.desk()
    before = dump(workspace)
    rig.proxy.reset(lambda question: "401" if question.number > half else None)
    landed = rig.sync(workspace)
    assert any(name in landed.failed for name in env_of(rig.name))
    assert len(rig.proxy.asked) <= half + 2
    assert dump(workspace) == before
    rig.proxy.reset()
    again = rig.sync(workspace)
    assert again.failed == ""
    assert again.resumed
    assert len(rig.proxy.asked) <= len(rig.questions) - half + 2
    assert dump(workspace) == rig.expected


def test_what_the_vendor_asks_us_to_wait_is_waited(rigs, monkeypatch):
    """In seconds, as a date, and as a moment: two seconds at least, and never much longer."""
    rig, waited = rigs("small", monkeypatch)
    for fault in ("429 in seconds", "429 by date", "429 by reset"):
        waited.clear()
        rig.proxy.reset(lambda question, fault=fault: fault if question.number == 3 else None)
        assert rig.sync(rig.desk()).failed == ""
        assert [wait for wait in waited if wait] == [pytest.approx(2.5, abs=1.6)], fault
