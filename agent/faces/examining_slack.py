"""The doctor's look at Slack: tokens, workspace, socket, channel, approvers; each with how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from agent.foundation.errors import OutgrownError

if TYPE_CHECKING:
    from agent.faces.examining import Check
    from agent.faces.slack.client import Slack
    from agent.foundation.settings import Workspace

SWITCH_ON = (
    "create the app from `outgrown slack manifest` and put SLACK_BOT_TOKEN and SLACK_APP_TOKEN into .env"
)
WRONG_TOKEN = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
    }
)
REINSTALL = "install the app again from `outgrown slack manifest`, so that it has every scope"


def checks(workspace: Workspace) -> Iterator[Check]:
    """Every check of Slack that can be made; asking changes nothing there."""
    try:
        access = workspace.slack
    except OutgrownError as error:
        yield _check("fail", str(error))
        return
    if not access.is_on:
        yield _check("ok", f"off, so drafts wait for `outgrown review`; to switch it on, {SWITCH_ON}")
        return
    if access.lacks:
        yield _check("fail", f"{', '.join(access.lacks)} missing; add it")
        return
    from agent.faces.slack.client import Slack

    slack = Slack(access)
    found = list(_identity(slack))
    yield from found
    if any(one.state == "fail" for one in found):
        return
    if access.settings.mode == "socket":
        yield from _socket(slack)
    yield from _channel(slack)
    yield from _approvers(slack)


def _check(state: Literal["ok", "warn", "fail"], says: str, name: str = "slack") -> Check:
    from agent.faces.examining import Check

    return Check(name=name, state=state, says=says)


def _identity(slack: Slack) -> Iterator[Check]:
    from agent.faces.slack.client import SlackTrouble

    try:
        known = slack.identity()
    except SlackTrouble as trouble:
        if trouble.code in WRONG_TOKEN:
            yield _check(
                "fail",
                f"the bot token is not accepted ({trouble.code}); copy SLACK_BOT_TOKEN anew from your Slack app",
            )
        else:
            yield _check("fail", f"{trouble}; see whether this machine reaches {slack.access.api_url}")
        return
    wanted = slack.access.settings.team
    if wanted and wanted not in (known.team, known.enterprise):
        yield _check("fail", f"the bot is in workspace {known.team}, [slack] says team = {wanted}; mend one")
        return
    yield _check("ok", f"the bot is in workspace {known.team}")


def _socket(slack: Slack) -> Iterator[Check]:
    from agent.faces.slack.client import SlackTrouble, asked

    token = slack.access.app_token
    try:
        asked(lambda: slack.once.apps_connections_open(app_token=token.get_secret_value() if token else ""))
    except SlackTrouble as trouble:
        mend = (
            "make a new app-level token with connections:write and put it into SLACK_APP_TOKEN"
            if trouble.code in WRONG_TOKEN | {"missing_scope", "no_permission"}
            else "switch Socket Mode on in your Slack app, then try again"
        )
        yield _check("fail", f"no socket can be opened ({trouble}); {mend}", "slack socket")
    else:
        yield _check("ok", "a socket can be opened", "slack socket")


def _channel(slack: Slack) -> Iterator[Check]:
    """Whether the channel is there, the bot is in it, and may read what it wrote: all three by one question."""
    from agent.faces.slack.client import SlackTrouble, asked

    configured, name = slack.access.settings.channel, "slack channel"
    try:
        channel = slack.channel()
        asked(lambda: slack.safe.conversations_history(channel=channel, limit=1, include_all_metadata=True))
    except SlackTrouble as trouble:
        mend = {
            "channel_not_found": "mend channel in [slack] (its id, not its name), or invite the app into it",
            "not_in_channel": "invite the app into it: /invite @Outgrown",
            "missing_scope": REINSTALL,
            "user_not_found": "mend channel in [slack]: there is no such person",
            "is_archived": "choose another channel",
        }.get(trouble.code, "try again")
        yield _check("fail", f"{configured} cannot be used ({trouble}); {mend}", name)
    else:
        where = "direct messages to" if configured.startswith(("U", "W")) else "cards go to"
        yield _check("ok", f"{where} {configured}, and the bot reads there what it wrote", name)


def _approvers(slack: Slack) -> Iterator[Check]:
    from agent.faces.slack.allowed import Door
    from agent.faces.slack.client import SlackTrouble

    door, good, name = Door(slack), [], "slack approvers"
    for user in slack.access.settings.approvers:
        try:
            why = door.refuses_by_slack(user)
        except SlackTrouble as trouble:
            mend = REINSTALL if trouble.code == "missing_scope" else "try again"
            yield _check("fail", f"nobody can say who {user} is ({trouble}); {mend}", name)
            return
        if why is None:
            good.append(user)
        else:
            yield _check("warn", f"{user} may not decide ({why}); take it out of approvers in [slack]", name)
    if good:
        yield _check("ok", f"{len(good)} may decide", name)
    else:
        yield _check("fail", "nobody who is active may decide; mend approvers in [slack]", name)
