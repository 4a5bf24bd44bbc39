"""What is told, once, and what becomes of it when a target does not play along; on both databases."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, delete

from agent.approval.tables import ContactRule, Outcome
from agent.delivery import outward_ledger as ledger
from agent.delivery.outward import MOST_ATTEMPTS, PushResult, would_push
from agent.delivery.outward_making import switch_off
from agent.delivery.outward_states import MOVES, OutwardState, check_move
from agent.delivery.outward_words import RESULTS
from agent.foundation.errors import MoveRefused, StoreBusy
from agent.foundation.outward import AnswerLost, OutwardKind, RecordRefused, TargetBusy, TargetDown
from agent.foundation.store import Store
from agent.learning.outcomes import OutcomeKind
from agent.scoring.assessment import Status
from tests.delivery.outward_made import (
    AS_OF,
    DAY,
    NOW,
    ScriptedTarget,
    Ticking,
    came_of_it,
    rows,
    scanned,
    sent,
    states,
    told,
)

READY, WATCH = Status.READY, Status.WATCH


def switched_on(store: Store, *targets: ScriptedTarget) -> None:
    """The founder switches them on, and nothing has happened yet."""
    assert told(store, *targets, now=NOW - DAY) == ()


def kinds(target: ScriptedTarget) -> list[OutwardKind]:
    """What it was told."""
    return [record.kind for record in target.there.values()]


def test_each_thing_is_told_once(store: Store) -> None:
    """A ready account, a prompt that left, an outcome; however often somebody pushes."""
    target = ScriptedTarget()
    switched_on(store, target)
    scanned(store, AS_OF, NOW, acme=READY, other=WATCH)
    sent(store, "acme")
    came_of_it(store, "acme", amount_minor=4900, currency="EUR")
    done = told(store, target)
    assert [one.result for one in done] == [PushResult.DONE] * 3
    assert set(kinds(target)) == set(OutwardKind)
    for again in range(3):
        scanned(store, AS_OF + again * DAY, NOW + again * DAY, acme=READY)
        assert told(store, target, now=NOW + again * DAY) == ()
    assert len(target.puts) == 3
    assert {row.their_id for row in rows(store)} == {"their-1", "their-2", "their-3"}
    assert {row.document for row in rows(store)} == {""}


def test_every_target_is_told_for_itself(store: Store) -> None:
    """And only what it is to be told."""
    one, two = ScriptedTarget(), ScriptedTarget(name="hook", kinds=(OutwardKind.OUTCOME,))
    switched_on(store, one, two)
    scanned(store, AS_OF, NOW, acme=READY)
    came_of_it(store, "acme")
    told(store, one, two)
    assert len(one.there) == 2
    assert kinds(two) == [OutwardKind.OUTCOME]


def test_what_happened_before_is_not_told(store: Store) -> None:
    """Neither a prompt nor an outcome nor an account that was ready already, until it is ready anew."""
    target = ScriptedTarget()
    sent(store, "acme", NOW - 2 * DAY)
    came_of_it(store, "acme", now=NOW - 2 * DAY)
    scanned(store, AS_OF - DAY, NOW - 2 * DAY, acme=READY)
    switched_on(store, target)
    scanned(store, AS_OF, NOW, acme=READY, new=READY)
    assert [one.account_id for one in told(store, target)] == ["new"]
    scanned(store, AS_OF + DAY, NOW + DAY, acme=WATCH, new=READY)
    scanned(store, AS_OF + 2 * DAY, NOW + 2 * DAY, acme=READY, new=READY)
    assert [one.account_id for one in told(store, target, now=NOW + 2 * DAY)] == ["acme"]


def test_an_account_that_is_ready_on_the_day_of_switching_on_is_told(store: Store) -> None:
    """A later scan of the same day may find others than the one before it."""
    target = ScriptedTarget()
    scanned(store, AS_OF, NOW - 2 * DAY, acme=READY, other=WATCH)
    switched_on(store, target)
    scanned(store, AS_OF, NOW, acme=READY, other=READY)
    assert [one.account_id for one in told(store, target)] == ["other"]


def test_backfill_tells_all_of_it(store: Store) -> None:
    """Where the founder asks for it."""
    target = ScriptedTarget(backfill=True)
    sent(store, "acme", NOW - 2 * DAY)
    came_of_it(store, "acme", now=NOW - 2 * DAY)
    scanned(store, AS_OF - DAY, NOW - 2 * DAY, acme=READY)
    assert len(told(store, target, now=NOW - DAY)) == 3


def test_switched_off_and_on_again_begins_anew(store: Store) -> None:
    """What happened meanwhile is not told."""
    target = ScriptedTarget()
    switched_on(store, target)
    assert switch_off(store, {"crm": list(OutwardKind)}) == 0
    assert switch_off(store, {"crm": []}) == 3
    came_of_it(store, "acme")
    assert told(store, target, now=NOW + DAY) == ()
    came_of_it(store, "acme", now=NOW + 2 * DAY)
    assert len(told(store, target, now=NOW + 2 * DAY)) == 1


def test_an_account_that_comes_and_goes_is_told_once_in_thirty_days(store: Store) -> None:
    """A day below the bar makes no new opportunity of it; a month later it does."""
    target = ScriptedTarget(kinds=(OutwardKind.READY,))
    switched_on(store, target)
    for day in range(40):
        scanned(store, AS_OF + day * DAY, NOW + day * DAY, acme=WATCH if day % 2 else READY)
        told(store, target, now=NOW + day * DAY)
    assert len(target.there) == 2


def test_an_account_that_stays_ready_for_months_is_told_once(store: Store) -> None:
    """It is the same opportunity."""
    target = ScriptedTarget(kinds=(OutwardKind.READY,))
    switched_on(store, target)
    for day in range(0, 90, 10):
        scanned(store, AS_OF + day * DAY, NOW + day * DAY, acme=READY)
        told(store, target, now=NOW + day * DAY)
    assert len(target.there) == 1


def one_outcome(store: Store, target: ScriptedTarget) -> None:
    """One record waits."""
    switched_on(store, target)
    came_of_it(store, "acme")


def test_a_lost_answer_is_told_again_later(store: Store) -> None:
    """As a repetition, with growing pauses, until somebody knows."""
    clock, target = Ticking(), ScriptedTarget(AnswerLost("gone"), AnswerLost("gone"))
    one_outcome(store, target)
    assert [one.result for one in told(store, target, clock=clock)] == [PushResult.UNKNOWN]
    assert told(store, target, clock=clock) == ()
    clock.pass_(seconds=31)
    assert [one.result for one in told(store, target, clock=clock)] == [PushResult.UNKNOWN]
    clock.pass_(seconds=31)
    assert told(store, target, clock=clock) == ()
    clock.pass_(seconds=31)
    assert [one.result for one in told(store, target, clock=clock)] == [PushResult.DONE]
    assert [one.is_repeat for one in target.puts] == [False, True, True]


def test_it_is_given_up_after_many_attempts(store: Store) -> None:
    """And told again when a person asks."""
    clock, target = Ticking(), ScriptedTarget(*[AnswerLost("gone")] * MOST_ATTEMPTS)
    one_outcome(store, target)
    for _ in range(MOST_ATTEMPTS):
        told(store, target, clock=clock)
        clock.pass_(hours=7)
    assert states(store) == [OutwardState.FAILED]
    assert "may be there" in rows(store)[0].says
    assert told(store, target, clock=clock) == ()
    assert ledger.retry(store) == 1
    assert [one.result for one in told(store, target, clock=clock)] == [PushResult.DONE]
    assert target.puts[-1].is_repeat


def test_what_is_refused_has_failed_and_is_told_again_on_request(store: Store) -> None:
    """As new: it was certainly not written."""
    target = ScriptedTarget(RecordRefused("no such stage"))
    one_outcome(store, target)
    [done] = told(store, target)
    assert (done.result, done.says) == (PushResult.FAILED, "no such stage")
    assert ledger.retry(store, "other") == 0
    assert ledger.retry(store, "crm") == 1
    told(store, target)
    assert not target.puts[-1].is_repeat
    assert states(store) == [OutwardState.DONE]


def test_a_target_that_is_down_is_asked_once_and_counts_no_attempt(store: Store) -> None:
    """The other records wait with it; a person who has mended it need not."""
    clock, target = Ticking(), ScriptedTarget(*[TargetDown("bad key")] * 20)
    switched_on(store, target)
    for number in range(5):
        came_of_it(store, f"a{number}")
    for _ in range(MOST_ATTEMPTS + 2):
        assert [one.result for one in told(store, target, clock=clock)] == [PushResult.RETRIED]
        assert told(store, target, clock=clock) == ()
        clock.pass_(minutes=16)
    assert len(target.puts) == MOST_ATTEMPTS + 2
    assert {row.attempts for row in rows(store)} == {0}
    assert {row.says for row in rows(store)} == {"bad key"}
    target.script.clear()
    told(store, target, clock=clock)
    assert set(states(store)) == {OutwardState.DONE}
    assert not any(one.is_repeat for one in target.puts)


def test_what_waits_for_a_pause_is_told_at_once_on_request(store: Store) -> None:
    """After the key was mended."""
    target = ScriptedTarget(TargetDown("bad key"))
    one_outcome(store, target)
    told(store, target)
    assert ledger.retry(store) == 1
    assert [one.result for one in told(store, target)] == [PushResult.DONE]


def test_what_may_be_there_since_a_moment_keeps_its_pause(store: Store) -> None:
    """A person's impatience must not make two of it; five minutes later it may be told at once."""
    clock, target = Ticking(), ScriptedTarget(AnswerLost("gone", pause=timedelta(hours=1)))
    one_outcome(store, target)
    told(store, target, clock=clock)
    clock.pass_(minutes=4)
    assert ledger.retry(store, moment=clock()) == 0
    clock.pass_(minutes=2)
    assert ledger.retry(store, moment=clock()) == 1
    assert [one.result for one in told(store, target, clock=clock)] == [PushResult.DONE]


def test_a_short_pause_is_waited_for_and_a_long_one_ends_the_run(store: Store) -> None:
    """Retry-After is kept to; one run waits for half a minute in all."""
    waits: list[float] = []
    short, long = (
        TargetBusy("later", pause=timedelta(seconds=8)),
        TargetBusy("later", pause=timedelta(minutes=3)),
    )
    clock, target = Ticking(), ScriptedTarget(short, short, long)
    switched_on(store, target)
    for number in range(3):
        came_of_it(store, f"a{number}")
    from agent.delivery.outward import push

    found = push(store, [target], now=NOW, clock=clock, sleep=waits.append)
    assert waits == [8.0, 8.0]
    assert [one.result for one in found] == [PushResult.RETRIED] * 3
    assert told(store, target, clock=clock) == ()
    clock.pass_(minutes=3)
    assert [one.result for one in told(store, target, clock=clock)] == [PushResult.DONE] * 3
    assert not any(one.is_repeat for one in target.puts)


def test_what_nobody_foresaw_is_no_certainty(store: Store) -> None:
    """A bug in a target leaves open what became of the record, and its words are not kept."""
    target = ScriptedTarget(KeyError("sk-secret"))
    one_outcome(store, target)
    [done] = told(store, target)
    assert (done.result, done.says) == (PushResult.UNKNOWN, "KeyError")


def test_a_target_that_is_not_set_up_keeps_its_records(store: Store) -> None:
    """They wait until it is."""
    target = ScriptedTarget(lacks="CRM_KEY in .env")
    one_outcome(store, target)
    assert told(store, target) == ()
    assert states(store) == [OutwardState.WAITING]
    target.lacks = ""
    assert len(told(store, target)) == 1


def test_facts_that_are_busy_keep_what_needs_them(store: Store) -> None:
    """Nothing is told without its links because somebody was at the facts."""

    def busy(accounts: Any) -> Any:
        raise StoreBusy("in use")

    clock, target = Ticking(), ScriptedTarget(wants="crm")
    one_outcome(store, target)
    assert [one.result for one in told(store, target, clock=clock, lookup=busy)] == [PushResult.RETRIED]
    clock.pass_(minutes=1)
    told(store, target, clock=clock, lookup=lambda accounts: {"acme": {"crm": "77"}})
    assert [one.there for one in target.puts] == [{"crm": "77"}]


def test_a_limit_is_kept_and_the_rest_follows(store: Store) -> None:
    """Oldest first."""
    target = ScriptedTarget()
    switched_on(store, target)
    for number in range(5):
        came_of_it(store, f"a{number}", now=NOW + number * DAY)
    assert [one.account_id for one in told(store, target, limit=2)] == ["a0", "a1"]
    assert states(store).count(OutwardState.WAITING) == 3
    assert len(told(store, target)) == 3


def test_an_ending_run_gives_back_what_it_has_not_told(store: Store) -> None:
    """As if it had never taken it."""
    target = ScriptedTarget()
    switched_on(store, target)
    for number in range(5):
        came_of_it(store, f"a{number}")
    told(store, target, is_ending=lambda: len(target.puts) >= 2)
    assert sorted(states(store)) == [OutwardState.DONE] * 2 + [OutwardState.WAITING] * 3
    assert {row.tried_at for row in rows(store) if row.state == OutwardState.WAITING} == {None}


def test_a_dry_run_changes_nothing(store: Store) -> None:
    """It tells what waits and what has happened."""
    target = ScriptedTarget(AnswerLost("gone"))
    one_outcome(store, target)
    told(store, target)
    scanned(store, AS_OF, NOW, acme=READY)
    before = [row.model_dump() for row in rows(store)]
    seen = would_push(store, [target], NOW)
    assert [one.kind for one in seen["crm"]] == [OutwardKind.OUTCOME, OutwardKind.READY]
    assert [row.model_dump() for row in rows(store)] == before
    assert len(target.puts) == 1


def test_what_is_told_holds_no_scores_no_addresses_and_no_links(store: Store) -> None:
    """And hostile names are plain words."""
    target = ScriptedTarget(backfill=True)
    from agent.approval.opportunities import record_scan
    from tests.approval.made import a_finding, an_assessment, an_offer

    name = '=HYPERLINK("https://evil.example","x")\r\nBcc: all@evil.example\u202e'
    offer = an_offer(price_minor=4900, currency="JPY", adds_monthly_minor=2000)
    finding = a_finding(says="5 limit hits, see https://evil.example and www.evil.example")
    record_scan(store, AS_OF, [an_assessment(name=name, offer=offer, findings=(finding,))], NOW)
    told(store, target)
    [record] = target.there.values()
    whole = record.model_dump_json()
    assert "://" not in whole.replace("https ://", "")
    assert "www.evil" not in whole
    assert "ann@acme" not in whole
    for score in ("78", "points", "expansion_ready", "composite"):
        assert score not in whole
    assert record.account_name.startswith("'=")
    assert all(
        not line.startswith(("=", "+", "-", "@")) for line in (record.title, *record.body.split("\n")[1:])
    )
    assert "\r" not in record.title + record.account_name
    assert "\u202e" not in whole
    assert "Bcc" in record.title  # on one line, where it is no header
    assert "¥4,900 a month (adds about ¥2,000 a month)" in record.body
    assert "Why now: 5 limit hits" in record.body


@pytest.mark.parametrize(
    ("minor", "currency", "amount", "shown"),
    [(4900, "EUR", "49.00", "€49"), (4900, "JPY", "4900", "¥4,900"), (12500, "KWD", "12.500", "KWD 12.500")],
)
def test_money_in_its_own_decimals(store: Store, minor: int, currency: str, amount: str, shown: str) -> None:
    """Some currencies have none, some three."""
    target = ScriptedTarget(backfill=True)
    came_of_it(store, "acme", amount_minor=minor, currency=currency)
    told(store, target)
    [record] = target.there.values()
    assert (record.amount, record.amount_minor, record.currency) == (amount, minor, currency)
    assert shown in record.body


def test_every_outcome_has_a_place_in_a_pipeline() -> None:
    """Only what is no answer leaves it open."""
    assert set(OutcomeKind) - set(RESULTS) == {OutcomeKind.NO_ANSWER}


def test_only_the_moves_of_the_table_are_allowed() -> None:
    """Every other is refused by name."""
    for before, after in itertools.product(OutwardState, OutwardState):
        if after in MOVES[before]:
            check_move(before, after)
        else:
            with pytest.raises(MoveRefused, match=f"{before} cannot become {after}"):
                check_move(before, after)


def test_forgetting_drops_the_text_and_keeps_the_ids(store: Store) -> None:
    """What was never told is gone; of the rest the founder sees where it was told."""
    clock, target = Ticking(), ScriptedTarget(None, AnswerLost("Acme was here"), RecordRefused("Acme is bad"))
    switched_on(store, target)
    for number in range(4):
        came_of_it(store, "acme", now=NOW + number * DAY)
    came_of_it(store, "other", now=NOW + 5 * DAY)
    told(store, target, clock=clock, limit=3)
    with store.writing() as session:
        session.execute(delete(Outcome).where(col(Outcome.account_id) == "acme"))
        assert ledger.forget_outward(session, "acme") == 4
    mine = [row for row in rows(store) if row.account_id == "acme"]
    assert {(row.document, row.says, row.source_id) for row in mine} == {("", "", "")}
    assert sorted(row.state for row in mine) == ["done", "failed"]
    assert {(one.target, one.their_id) for one in ledger.told_elsewhere(store, "acme")} == {
        ("crm", "their-1"),
        ("crm", None),
    }
    clock.pass_(hours=12)
    assert [one.account_id for one in told(store, target, clock=clock)] == ["other"]
    assert ledger.retry(store) == 0
    with store.writing() as session:
        session.add(ContactRule(account_id="acme"))  # the state still takes writes


def test_what_is_forgotten_while_it_is_told_is_not_told_again(store: Store) -> None:
    """Its holder ended; nobody has its text any more."""
    clock, target = Ticking(), ScriptedTarget()
    one_outcome(store, target)
    from agent.delivery.outward_making import enter

    enter(store, [target], NOW)
    with store.writing() as session:
        until = clock() + timedelta(minutes=5)
        ledger.take(session, target, most=1, moment=clock(), until=until, holder="elsewhere/1/x")
    with store.writing() as session:
        ledger.forget_outward(session, "acme")
    clock.pass_(minutes=6)
    [done] = told(store, target, clock=clock)
    assert (done.result, done.says) == (PushResult.FAILED, ledger.FORGOTTEN)
    assert target.puts == []


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_told_so(store: Store) -> None:
    """Whoever wakes up late writes nothing down."""
    clock, target = Ticking(), ScriptedTarget()
    one_outcome(store, target)
    from agent.delivery.outward_making import enter

    enter(store, [target], NOW)
    with store.writing() as session:
        until = clock() + timedelta(minutes=5)
        [(held, _)] = ledger.take(
            session, target, most=1, moment=clock(), until=until, holder="elsewhere/1/x"
        )
    assert told(store, target, clock=clock) == ()
    clock.pass_(minutes=6)
    assert [one.result for one in told(store, target, clock=clock)] == [PushResult.DONE]
    assert target.puts[0].is_repeat
    with store.writing() as session:
        assert not ledger.begun(session, held, clock())
        assert not ledger.done(session, held, clock(), "late", "")
    assert rows(store)[0].their_id == "their-1"


def test_an_older_state_gets_its_ledger(store: Store, state_url: str) -> None:
    """From the migration before, with what was in it."""
    from sqlalchemy import text

    from agent.foundation.store import open_store

    came_of_it(store, "acme")
    with store.writing() as session:
        session.execute(text("DROP TABLE outward"))
        session.execute(text("DROP TABLE outward_switches"))
        session.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    with open_store(state_url) as opened:
        assert len(told(opened, ScriptedTarget(backfill=True))) == 1
