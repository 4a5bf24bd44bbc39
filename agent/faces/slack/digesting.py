"""The week's digest into Slack, once: whoever asks, by hand or by the clock, in however many processes."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from agent.approval import posts
from agent.approval.posts import Placed
from agent.faces.digesting import digest_view
from agent.faces.slack.chart_png import chart_png, chart_words
from agent.faces.slack.client import Slack, SlackTrouble, asked
from agent.faces.slack.digest_blocks import digest_blocks
from agent.faces.slack.escaping import plain
from agent.faces.slack.naming import PostKind
from agent.foundation import clock
from agent.foundation.errors import OutgrownError
from agent.signals.finding import Frozen

if TYPE_CHECKING:
    from agent.faces.digest import DigestView
    from agent.faces.slack.posting import Posting
    from agent.foundation.settings import Settings
    from agent.foundation.store import Store
    from agent.wiring import House

log = logging.getLogger("outgrown.slack")

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NO_IMAGE = frozenset({"invalid_blocks", "invalid_arguments", "invalid_attachments"})
"What Slack says of an image that it was given but cannot show yet, or ever."
CHART_TRIES = 3
CHART_PAUSE = 1.0
"Slack needs a moment before it shows an image it was given."


class PostedDigest(Frozen):
    """What became of a digest that was to be posted."""

    post_id: str
    day: date
    ts: str | None
    "Slack's name of the message; None while another process is at it."
    is_new: bool
    "False where the week's digest was there before."
    posted_at: datetime
    "When it was first wanted, in UTC."


def digest_day(settings: Settings, now: datetime) -> date:
    """The last complete day of the newest digest that was due by `now`: until the next is due, it is the same."""
    zone = ZoneInfo(settings.company.time_zone)
    today = now.replace(tzinfo=UTC).astimezone(zone).date()
    back = (today.weekday() - WEEKDAYS.index(settings.digest.weekday)) % 7
    for days in (back, back + 7):
        at = datetime.combine(today - timedelta(days=days), settings.digest.at, zone)
        due = at.astimezone(UTC).replace(tzinfo=None)
        if due <= now:
            break
    return clock.last_complete_day(due)


def digest_id(day: date, number: int = 1) -> str:
    """The name of a week's digest; of one that was posted again on purpose, with its number."""
    return f"{PostKind.DIGEST}:{day.isoformat()}" + (f":{number}" if number > 1 else "")


def post_digest(house: House, posting: Posting, day: date, *, again: bool = False) -> PostedDigest:
    """Post the week's digest, unless it is there; `again` posts one more on purpose.

    `day` names the digest, see `digest_day`; what it shows is as of now.

    Raises SlackTrouble when it is not there yet, or nobody knows: calling once more finds it or posts it.
    """
    post_id = _free_id(house.store, day) if again else digest_id(day)
    posts.want(house.store, post_id, PostKind.DIGEST, posting.slack.channel(), clock.now())
    known = posts.placed(house.store, post_id)
    if known is not None and known.ts is not None:
        return _answer(post_id, day, known, is_new=False)
    post = posting.claim(post_id)
    if post is None or post.ts is not None:
        return _answer(post_id, day, post or known, is_new=False)
    try:
        view = digest_view(house)
        pictures = _pictures(posting.slack, view) if house.settings.slack.charts else {}
        links = _card_links(house, posting.slack, view)
    except BaseException as why:
        posts.release(house.store, post_id, holder=posting.holder, error=str(why)[:500])
        raise
    return _answer(post_id, day, post, is_new=True, ts=_put(posting, post, view, pictures, links))


def _put(
    posting: Posting, post: Placed, view: DigestView, pictures: dict[str, str], links: dict[str, str]
) -> str | None:
    """Post it; where Slack does not show the pictures in time, without them."""
    for attempt in range(CHART_TRIES + 1):
        try:
            return posting.put(post, digest_blocks(view, pictures, links))
        except SlackTrouble as trouble:
            mine = posting.claim(post.post_id) if pictures and trouble.code in NO_IMAGE else None
            if mine is None:
                raise
            post = mine
        posting.ended.wait(CHART_PAUSE)
        if attempt == CHART_TRIES - 1:
            pictures = {}
    return None


def _pictures(slack: Slack, view: DigestView) -> dict[str, str]:
    """The charts' ids with Slack, by account; a chart never keeps the digest back."""
    found: dict[str, str] = {}
    for entry in view.top:
        if entry.chart is None or not entry.chart.points:
            continue
        upload = partial(
            slack.safe.files_upload_v2,
            content=chart_png(entry.chart),
            filename="chart.png",
            title=plain(entry.chart.label, 80) or "Chart",
            alt_txt=chart_words(entry.chart)[:900],
        )
        try:
            found[entry.assessment.account_id] = str(asked(upload)["files"][0]["id"])
        except (OutgrownError, KeyError, IndexError) as why:
            log.info("the digest goes without a chart: %s", why)
    return found


def _card_links(house: House, slack: Slack, view: DigestView) -> dict[str, str]:
    """The addresses of the cards that are in Slack, by account; without them the digest only lacks links."""
    cards = {
        entry.assessment.account_id: card
        for entry in view.top
        if entry.draft_id is not None
        and (card := posts.placed(house.store, posts.card_id(entry.draft_id))) is not None
        and card.ts
    }
    if not cards:
        return {}
    try:
        home = str(asked(lambda: slack.safe.auth_test()).get("url", ""))
    except OutgrownError as why:
        log.info("the digest goes without links to its cards: %s", why)
        return {}
    return {account: link_to(home, card.channel, card.ts or "") for account, card in cards.items()}


def link_to(home: str, channel: str, ts: str) -> str:
    """The address of a message in the Slack whose address is `home`."""
    return f"https://{urlsplit(home).netloc}/archives/{channel}/p{ts.replace('.', '')}"


def _free_id(store: Store, day: date) -> str:
    """The first name of that week's digest that nothing was posted under."""
    number = 1
    while (known := posts.placed(store, digest_id(day, number))) is not None and known.ts:
        number += 1
    return digest_id(day, number)


def _answer(
    post_id: str, day: date, post: Placed | None, *, is_new: bool, ts: str | None = None
) -> PostedDigest:
    return PostedDigest(
        post_id=post_id,
        day=day,
        ts=ts or (post.ts if post else None),
        is_new=is_new and ts is not None,
        posted_at=post.created_at if post else clock.now(),
    )
