"""What each scan found."""

from __future__ import annotations

from agent.approval.opportunities import newest_opportunity, newest_scan, record_scan
from agent.foundation.store import Store
from agent.scoring.assessment import Status
from tests.approval.made import AS_OF, DAY, NOW, an_assessment


def test_an_assessment_comes_back_as_it_was(store: Store) -> None:
    """Whole, from either database."""
    found = [an_assessment("bolt"), an_assessment("acme", composite=None)]
    record_scan(store, AS_OF, found, NOW)
    assert newest_scan(store) == (AS_OF, (found[1], found[0]))
    assert newest_opportunity(store, "acme") == found[1]


def test_the_same_day_again_replaces_the_day(store: Store) -> None:
    """An account that is gone from the facts is gone from the day."""
    record_scan(store, AS_OF, [an_assessment("acme"), an_assessment("bolt")], NOW)
    record_scan(store, AS_OF, [an_assessment("acme", status=Status.WATCH)], NOW)
    assert newest_scan(store) == (AS_OF, (an_assessment("acme", status=Status.WATCH),))


def test_the_newest_day_is_found_whatever_the_order_of_recording(store: Store) -> None:
    """And an earlier one on request."""
    later = an_assessment("acme", as_of=AS_OF + DAY)
    record_scan(store, AS_OF + DAY, [later], NOW)
    record_scan(store, AS_OF, [an_assessment("acme")], NOW)
    assert newest_scan(store) == (AS_OF + DAY, (later,))
    assert newest_opportunity(store, "acme") == later
    assert newest_scan(store, AS_OF) == (AS_OF, (an_assessment("acme"),))
    assert newest_scan(store, AS_OF - DAY) is None


def test_before_the_first_scan_there_is_nothing(store: Store) -> None:
    """Nothing is not an empty scan."""
    assert newest_scan(store) is None
    assert newest_opportunity(store, "acme") is None
