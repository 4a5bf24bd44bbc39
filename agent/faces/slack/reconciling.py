"""Brings Slack to what the state says: cards that are missing, cards that show yesterday, results not yet told."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from agent.approval import posts
from agent.approval.posts import Card, Placed
from agent.approval.states import DraftState
from agent.approval.switches import sending_stopped
from agent.approval.views import show_draft
from agent.faces.slack.card import CardView, card, result, shows, shows_card
from agent.faces.slack.client import SlackTrouble
from agent.faces.slack.posting import Posting
from agent.faces.slack.showing import card_view, upload_chart
from agent.foundation import clock
from agent.foundation.errors import NotFound, OutgrownError
from agent.foundation.holder import machine_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.wiring import House

log = logging.getLogger("outgrown.slack")

LOOK_EVERY = 0.5
"Seconds between two looks whether anything has moved."
SETTLING = 2.0
"Seconds for which a move is looked at again: on PostgreSQL an older line of the trail may be written later."
WHOLE_LOOK_EVERY = 15.0
"Seconds between two looks at everything, whatever the trail says."
LONGEST_REST = 30.0
CHART_TRIES = 3
CHART_PAUSE = 1.0
"Slack needs a moment before it shows an image it was given."
NO_IMAGE = frozenset({"invalid_blocks", "invalid_arguments", "invalid_attachments"})


class Watch:
    """Says whether the state has moved since it was last asked."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._seen = -1
        self._moved_at = 0.0
        self._looked_at = 0.0

    def has_moved(self) -> bool:
        """Whether it is worth looking at everything again."""
        moment, newest = time.monotonic(), posts.newest_change(self._house.store)
        if newest != self._seen:
            self._seen, self._moved_at = newest, moment
        due = moment - self._looked_at >= WHOLE_LOOK_EVERY
        if moment - self._moved_at <= SETTLING or due:
            self._looked_at = moment
            return True
        return False


class Reconciler:
    """The two hands that keep Slack true: one posts what is missing, slowly, the other rewrites what is old."""

    def __init__(self, house: House, posting: Posting, calm: Callable[[], None]) -> None:
        self._calm = calm
        self.house = house
        self.posting = posting
        self._rewrite_now = threading.Event()
        self._post_now = threading.Event()
        self._charts: dict[str, str] = {}
        self._rests: dict[str, tuple[float, float]] = {}
        self._ended = posting.ended

    def wake(self) -> None:
        """Look now rather than in half a second."""
        self._rewrite_now.set()
        self._post_now.set()

    def is_settled(self) -> bool:
        """Whether every card and result is there, and shows what it should."""
        store = self.house.store
        posts.want_cards(store, self.posting.slack.channel(), clock.now())
        posts.want_results(store, clock.now())
        return not (
            posts.missing(store) or self._old_cards() or posts.settled_results(store) or posts.orphans(store)
        )

    def _old_cards(self) -> list[str]:
        with self.house.store.reading() as session:
            is_stopped = sending_stopped(session) is not None
        looked_at = posts.cards_to_look_at(self.house.store)
        return [one.post_id for one in looked_at if one.shows != _wanted(one, is_stopped)]

    def post_forever(self) -> None:
        """Post what is missing, until everything ends."""
        self._forever(self._post_some, Watch(self.house), self._post_now)

    def rewrite_forever(self) -> None:
        """Rewrite what is old, until everything ends."""
        self._forever(self._rewrite_some, Watch(self.house), self._rewrite_now)

    def _forever(self, some: Callable[[Watch], bool], watch: Watch, woken: threading.Event) -> None:
        rest = LOOK_EVERY
        while not self._ended.is_set():
            try:
                rest = 0.0 if some(watch) else LOOK_EVERY
            except SlackTrouble as trouble:
                log.warning("%s; tried again", trouble)
                rest = trouble.pause or LOOK_EVERY
            except OutgrownError as bad:
                log.warning("Slack cannot be kept up to date: %s", bad)
                rest = min(max(rest, LOOK_EVERY) * 2, LONGEST_REST)
            except Exception:
                log.exception("Slack cannot be kept up to date")
                rest = min(max(rest, LOOK_EVERY) * 2, LONGEST_REST)
            if rest and woken.wait(rest):
                woken.clear()

    # What is missing.

    def _post_some(self, watch: Watch) -> bool:
        """Post one message; False when nothing is missing."""
        if watch.has_moved():
            posts.want_cards(self.house.store, self.posting.slack.channel(), clock.now())
            posts.want_results(self.house.store, clock.now())
        self._calm()
        post_id = posts.unposted(self.house.store, machine_now())
        if post_id is None:
            return False
        post = self.posting.claim(post_id)
        if post is None or post.ts:
            return True
        try:
            if post.kind == posts.RESULT:
                self._post_result(post)
            else:
                self._post_card(post)
        except NotFound:
            # Erased meanwhile: there is nothing to show.
            self.posting.take_out(post)
        return True

    def _post_card(self, post: Placed) -> None:
        view = show_draft(self.house.store, post.draft_id or "")
        if view.line.state is not DraftState.PENDING and post.tried_at is None:
            # Decided before anybody could see it here.
            posts.drop(self.house.store, post.post_id)
            return
        post = self._with_chart(post)
        for attempt in range(CHART_TRIES + 1):
            shown = self._card_view(post)
            try:
                self.posting.put(post, card(shown), shows=_key(shown))
                return
            except SlackTrouble as trouble:
                again = self._without_image(post, trouble, attempt)
                if again is None:
                    raise
                post = again

    def _with_chart(self, post: Placed) -> Placed:
        if post.file_id or post.tried_at or not self.house.settings.slack.charts:
            return post
        view = show_draft(self.house.store, post.draft_id or "")
        made = upload_chart(self.house, self.posting.slack, view)
        if made is None:
            return post
        self._charts[post.post_id] = made[1]
        posts.has_file(self.house.store, post.post_id, holder=self.posting.holder, file_id=made[0])
        return post.model_copy(update={"file_id": made[0]})

    def _without_image(self, post: Placed, trouble: SlackTrouble, attempt: int) -> Placed | None:
        """The message to try once more where its image stood in the way; None where it did not."""
        if not post.file_id or trouble.code not in NO_IMAGE or attempt >= CHART_TRIES:
            return None
        self._ended.wait(CHART_PAUSE)
        mine = self.posting.claim(post.post_id)
        if mine is None:
            return None
        if attempt == CHART_TRIES - 1:
            posts.has_file(self.house.store, post.post_id, holder=self.posting.holder, file_id=None)
            return mine.model_copy(update={"file_id": None})
        return mine

    def _post_result(self, post: Placed) -> None:
        above = posts.placed(self.house.store, posts.card_id(post.draft_id or ""))
        view = show_draft(self.house.store, post.draft_id or "")
        delivery_id = post.post_id.split(":")[1]
        delivery = next(one for one in view.deliveries if one.delivery_id == delivery_id)
        self.posting.put(
            post,
            result(delivery, view),
            shows=str(delivery.state),
            thread_ts=above.ts if above else None,
        )

    # What is old.

    def _rewrite_some(self, watch: Watch) -> bool:
        """Rewrite what is old; False, for it is all looked at in one go."""
        if not watch.has_moved() and not self._rests:
            return False
        for post_id in self._old_cards():
            self._calm()
            if self._ended.is_set():
                return False
            self._one(post_id, self._rewrite_card)
        for post_id in posts.settled_results(self.house.store):
            self._one(post_id, self._rewrite_result)
        for post_id in posts.orphans(self.house.store):
            self._one(post_id, self.posting.take_out)
        return False

    def _one(self, post_id: str, do: Callable[[Placed], None]) -> None:
        """See to one message; one that Slack does not take rests for a while, and holds up no other."""
        until, pause = self._rests.get(post_id, (0.0, LOOK_EVERY))
        if time.monotonic() < until:
            return
        post = self.posting.claim(post_id)
        if post is None:
            return
        try:
            do(post)
            self._rests.pop(post_id, None)
        except NotFound:
            self.posting.take_out(post)
        except SlackTrouble as trouble:
            log.warning("%s is not up to date: %s", post_id, trouble)
            pause = min(pause * 2, LONGEST_REST)
            self._rests[post_id] = (time.monotonic() + max(pause, trouble.pause), pause)

    def _rewrite_card(self, post: Placed) -> None:
        shown = self._card_view(post)
        try:
            self.posting.rewrite(post, card(shown), shows=_key(shown))
        except SlackTrouble as trouble:
            if not post.file_id or trouble.code not in NO_IMAGE:
                raise
            mine = self.posting.claim(post.post_id)
            if mine is None:
                return
            posts.has_file(self.house.store, post.post_id, holder=self.posting.holder, file_id=None)
            shown = shown.model_copy(update={"chart_file": None})
            self.posting.rewrite(mine, card(shown), shows=_key(shown))

    def _rewrite_result(self, post: Placed) -> None:
        view = show_draft(self.house.store, post.draft_id or "")
        delivery_id = post.post_id.split(":")[1]
        delivery = next(one for one in view.deliveries if one.delivery_id == delivery_id)
        self.posting.rewrite(post, result(delivery, view), shows=str(delivery.state))

    def _card_view(self, post: Placed) -> CardView:
        says = self._charts.get(post.post_id, "")
        return card_view(self.house.store, post.draft_id or "", post.file_id, says)


def _key(shown: CardView) -> str:
    """What a card shows, in short; marked when nothing will change it any more."""
    mark = posts.SETTLED if shown.view.line.state in posts.FINAL else ""
    return mark + shows_card(shown)


def _wanted(one: Card, is_stopped: bool) -> str:
    key = shows(
        state=one.state,
        version=one.version,
        moved_at=one.moved_at,
        delivery=one.delivery,
        delivery_state=one.delivery_state,
        attempts=one.attempts,
        stopped=is_stopped,
        chart=one.has_chart,
    )
    return (posts.SETTLED if one.state in posts.FINAL else "") + key
