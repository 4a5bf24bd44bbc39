"""`digest --post`: the week's digest into Slack by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.faces.common import answer
from agent.foundation import clock
from agent.foundation.errors import ConfigError, OutgrownError
from agent.signals.display import day as spoken

if TYPE_CHECKING:
    from agent.wiring import House


def post_by_hand(house: House, *, again: bool, as_json: bool) -> None:
    """Post the week's digest once, and say what became of it.

    Raises ConfigError where Slack is not set up, OutgrownError where another process is posting it just now.
    """
    access = house.workspace.slack
    lacks = [
        name
        for name, is_missing in {
            "SLACK_BOT_TOKEN in .env": access.bot_token is None,
            "channel in [slack] of outgrown.toml": not access.settings.channel,
        }.items()
        if is_missing
    ]
    if lacks:
        raise ConfigError(f"The digest cannot be posted to Slack: set {' and '.join(lacks)}.")
    from agent.faces.slack.client import Pace, Slack
    from agent.faces.slack.digesting import digest_day, post_digest
    from agent.faces.slack.posting import Posting

    day = digest_day(house.settings, clock.now())
    posted = post_digest(house, Posting(house.store, Slack(access), Pace(1.0)), day, again=again)
    if posted.ts is None:
        raise OutgrownError(
            "Another process is posting this week's digest; look into the channel in a minute."
        )
    on = f"{spoken(posted.posted_at.date()).display} at {posted.posted_at:%H:%M} UTC"
    said = (
        "Posted this week's digest."
        if posted.is_new
        else f"This week's digest was posted already, on {on}; `--again` posts it once more."
    )
    answer(as_json, posted.model_dump(mode="json"), said)
