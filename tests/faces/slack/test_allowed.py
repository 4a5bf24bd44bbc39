"""Who may: workspace, channel and person of everything that is done; what is not known is not allowed."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from agent.faces.slack.allowed import SAYS, Actor, Door, Why, actor_of
from agent.faces.slack.client import Slack, SlackTrouble
from agent.foundation.access import SlackAccess
from agent.foundation.sections_running import Slack as Settings
from tests.slackserver import CHANNEL, TEAM

DANA = "U0DANA"


def slack_of(server, **changes) -> Slack:
    """A Slack with these settings that knows who we are."""
    values = {"channel": CHANNEL, "approvers": (DANA,)} | changes
    access = SlackAccess(
        Settings(**values), SecretStr(server.bot_token), SecretStr(server.app_token), None, server.api_url
    )
    slack = Slack(access)
    slack.identity()
    return slack


def dana(**changes) -> Actor:
    """An approver in the right place."""
    return Actor(**({"team": TEAM, "user": DANA, "home": TEAM, "channel": CHANNEL} | changes))


def test_an_approver_in_the_channel_may(slack):
    """And nothing is asked of Slack to know that."""
    door = Door(slack_of(slack))
    before = len(slack.calls)
    assert door.refuses(dana()) is None
    assert len(slack.calls) == before


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"team": "T0OTHER"}, Why.FOREIGN_TEAM),
        ({"team": ""}, Why.FOREIGN_TEAM),
        ({"home": "T0OTHER"}, Why.FOREIGN_PERSON),
        ({"user": "U0EVE"}, Why.NO_APPROVER),
        ({"user": ""}, Why.NO_APPROVER),
        ({"channel": "C0OTHER"}, Why.WRONG_CHANNEL),
        ({"channel": ""}, Why.WRONG_CHANNEL),
        ({"channel": "D0DANA", "is_private": True}, Why.WRONG_CHANNEL),
    ],
)
def test_anybody_and_anywhere_else_is_refused(slack, changes, why):
    """Each for its own reason, with a word to the person."""
    assert Door(slack_of(slack)).refuses(dana(**changes)) is why
    assert SAYS[why]


def test_a_person_may_ask_in_their_direct_messages(slack):
    """Where nobody else reads the answer."""
    door = Door(slack_of(slack))
    private = dana(channel="D0DANA", is_private=True)
    assert door.refuses(private, also_private=True) is None
    assert door.refuses(dana(channel="C0OTHER"), also_private=True) is Why.WRONG_CHANNEL


def test_an_empty_list_means_nobody(slack):
    """Not everybody."""
    assert Door(slack_of(slack, approvers=())).refuses(dana()) is Why.NO_APPROVERS


def test_another_team_in_the_settings_than_the_tokens_refuses_all(slack):
    """A token pasted from another workspace opens nothing."""
    assert Door(slack_of(slack, team="T0WANTED")).refuses(dana()) is Why.FOREIGN_TEAM


def test_as_long_as_nobody_knows_our_own_team_nobody_may(slack):
    """Slack was not asked yet who we are."""
    slack_ = slack_of(slack)
    slack_._identity = None
    assert Door(slack_).refuses(dana()) is Why.FOREIGN_TEAM


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ({}, None),
        ({"deleted": True}, Why.DEACTIVATED),
        ({"is_bot": True}, Why.IS_BOT),
        ({"is_stranger": True}, Why.FOREIGN_PERSON),
        ({"team_id": "T0OTHER"}, Why.FOREIGN_PERSON),
    ],
)
def test_what_slack_knows_of_a_person_counts(slack, person, why):
    """Asked once in some minutes."""
    slack.person(DANA, **person)
    door = Door(slack_of(slack))
    assert door.refuses_by_slack(DANA) is why
    assert door.refuses_by_slack(DANA) is why
    assert len(slack.calls_of("users.info")) == 1


def test_where_slack_cannot_say_nobody_is_allowed(slack):
    """It is asked again, and meanwhile nothing is decided."""
    slack.person(DANA)
    door = Door(slack_of(slack))
    slack.fail("users.info", "fatal_error", 1)
    with pytest.raises(SlackTrouble):
        door.refuses_by_slack(DANA)
    assert door.refuses_by_slack(DANA) is None


def test_an_id_that_is_none_is_not_repeated_in_the_trail():
    """The trail cannot be erased, so no words of a stranger's get into it."""
    actor = actor_of({"team": {"id": "T1<script>"}, "user": {"id": "somebody's name"}})
    assert actor.who == "slack:?/?"
