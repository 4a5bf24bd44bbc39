"""When an account may not be written to at all."""

from datetime import UTC, timedelta

import pytest

from agent.drafting.violation import SentPrompt
from agent.scoring.assessment import OfferKind
from tests.builders import NOW, a_brief, a_finding, a_message
from tests.drafting.guardrails.held import violations

DAY = timedelta(days=1)


def sent(days: float, *groups: str, kind: OfferKind = OfferKind.SEAT_EXPANSION) -> SentPrompt:
    """A prompt sent so many days ago."""
    return SentPrompt(sent_at=NOW - days * DAY, groups=groups or ("commercial",), offer_kind=kind)


@pytest.mark.parametrize(
    ("prompts", "second", "allowed"),
    [
        ((), False, True),
        ((sent(30),), False, True),
        ((sent(29.99),), False, False),
        ((sent(0),), False, False),
        ((sent(-1),), False, False),
        ((sent(5),), True, True),
        ((sent(5, "usage_pressure", "growth"),), True, False),
        ((sent(5, kind=OfferKind.PLAN_UPGRADE),), True, False),
        ((sent(5), sent(10)), True, False),
        ((sent(5), sent(31)), True, True),
        ((sent(31), sent(45)), False, True),
    ],
)
def test_one_prompt_in_thirty_days(prompts, second, allowed):
    """A second only if switched on, for another group and another kind of offer; a third never."""
    found = violations("contact_cap", a_message(), prompts=prompts, second_prompt=second)
    assert (found == []) is allowed
    assert all(one.hard and one.level == "block" for one in found)


def test_times_with_a_zone_are_compared_as_utc():
    """A prompt stored with its zone counts all the same."""
    prompt = SentPrompt(
        sent_at=(NOW - 5 * DAY).replace(tzinfo=UTC), groups=("growth",), offer_kind="seat_expansion"
    )
    assert len(violations("contact_cap", a_message(), prompts=(prompt,))) == 1


def test_the_group_of_a_second_prompt_is_its_plays_own():
    """The first finding is what the message is about."""
    brief = a_brief(findings=(a_finding(group="growth"),))
    assert (
        violations(
            "contact_cap", a_message(), brief, prompts=(sent(5, "usage_pressure"),), second_prompt=True
        )
        == []
    )
    assert (
        len(violations("contact_cap", a_message(), brief, prompts=(sent(5, "growth"),), second_prompt=True))
        == 1
    )


def test_suppressed_addresses_get_nothing():
    """The reason is said, and nobody can confirm past it."""
    assert violations("suppressed", a_message()) == []
    (found,) = violations("suppressed", a_message(), suppressed="bounced")
    assert found.hard
    assert "bounced" in found.message
