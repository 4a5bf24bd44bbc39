"""Our messages in Slack: which there should be, which there are, and whose turn it is to see to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from agent.approval.states import DeliveryState, DraftState
from agent.approval.tables import AuditLine, Delivery, Draft
from agent.approval.tables_running import Post
from agent.foundation.holder import is_gone
from agent.foundation.store import Store, changed
from agent.signals.finding import Frozen

CARD, RESULT, DIGEST = "card", "result", "digest"
TOLD = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.CANCELLED})
"States of a delivery that are told in the thread of its card."
FINAL = frozenset(
    {DraftState.SENT, DraftState.SKIPPED, DraftState.STALE, DraftState.EXPIRED, DraftState.FAILED}
)
"States of a draft that nothing moves any more."
SETTLED = "done "
"How `shows` begins on the card of a draft that nothing moves any more: it is not looked at again."


class Placed(Frozen):
    """A message of ours, as those who see to it need it."""

    post_id: str
    kind: str
    draft_id: str | None
    channel: str
    ts: str | None
    shows: str
    file_id: str | None
    created_at: datetime
    tried_at: datetime | None
    attempts: int


class Card(Frozen):
    """A card that is there, beside what its draft and the newest delivery have come to."""

    post_id: str
    shows: str
    has_chart: bool
    state: str
    version: int
    moved_at: datetime
    delivery: str = ""
    delivery_state: str = ""
    attempts: int = 0


def card_id(draft_id: str) -> str:
    """The name of a draft's card."""
    return f"{CARD}:{draft_id}"


def result_id(delivery_id: str, state: str) -> str:
    """The name of what tells that a delivery has come to this state."""
    return f"{RESULT}:{delivery_id}:{state}"


def newest_change(store: Store) -> int:
    """A number that grows with every move of a draft or a delivery; cheap to ask for."""
    with store.reading() as session:
        return session.exec(select(func.max(AuditLine.audit_id))).one() or 0


def want_cards(store: Store, channel: str, now: datetime) -> int:
    """Note the cards that are missing: one for each draft that waits for an answer; answers how many were new."""
    with store.reading() as session:
        missing = session.exec(
            select(Draft.draft_id)
            .outerjoin(Post, col(Post.post_id) == CARD + ":" + col(Draft.draft_id))
            .where(col(Draft.state) == str(DraftState.PENDING), col(Post.post_id).is_(None))
        ).all()
    return _want(store, [(card_id(one), CARD, one) for one in missing], channel, now)


def want_results(store: Store, now: datetime) -> int:
    """Note what became of deliveries and was not told yet, for the threads of their cards."""
    about = RESULT + ":" + col(Delivery.delivery_id) + ":"
    # What was asked of a person is rewritten with the answer, not told a second time.
    named = [about + col(Delivery.state), about + str(DeliveryState.UNKNOWN)]
    told = aliased(Post)
    known = select(col(told.post_id)).where(or_(*(col(told.post_id) == one for one in named))).exists()
    with store.reading() as session:
        missing = session.exec(
            select(Delivery.delivery_id, Delivery.state, Delivery.draft_id, Post.channel)
            .join(Post, col(Post.post_id) == CARD + ":" + col(Delivery.draft_id))
            .where(
                col(Delivery.state).in_([str(state) for state in TOLD]),
                col(Post.ts).is_not(None),
                ~known,
            )
        ).all()
    wanted = 0
    for delivery_id, state, draft_id, channel in missing:
        wanted += _want(store, [(result_id(delivery_id, state), RESULT, draft_id)], channel, now)
    return wanted


def want(
    store: Store, post_id: str, kind: str, channel: str, now: datetime, draft_id: str | None = None
) -> bool:
    """Note one message that should be there; False when it was noted before."""
    return _want(store, [(post_id, kind, draft_id)], channel, now) == 1


def _want(store: Store, wanted: Iterable[tuple[str, str, str | None]], channel: str, now: datetime) -> int:
    rows = [
        {
            "post_id": post_id,
            "kind": kind,
            "draft_id": draft_id,
            "channel": channel,
            "shows": "",
            "created_at": now,
            "attempts": 0,
        }
        for post_id, kind, draft_id in wanted
    ]
    if not rows:
        return 0
    dialect: Any = sqlite if store.is_sqlite else postgresql
    statement = dialect.insert(Post).on_conflict_do_nothing().returning(col(Post.post_id))
    with store.writing() as session:
        return len(session.execute(statement, rows).scalars().all())


def unposted(store: Store, now: datetime) -> str | None:
    """The next message to post: results first, then the best drafts; None when nothing is due."""
    with store.reading() as session:
        rows = session.exec(
            select(Post.post_id, Post.leased_by, Post.lease_until)
            .outerjoin(Draft, col(Draft.draft_id) == col(Post.draft_id))
            .where(
                col(Post.ts).is_(None),
                col(Post.kind).in_([CARD, RESULT]),
                or_(col(Post.not_before).is_(None), col(Post.not_before) <= now),
            )
            .order_by(
                (col(Post.kind) == CARD),
                func.coalesce(col(Draft.composite), -1).desc(),
                col(Draft.adds_monthly_minor).desc(),
                col(Post.created_at),
                col(Post.post_id),
            )
            .limit(20)
        ).all()
    return next((post_id for post_id, holder, until in rows if _is_free(holder, until, now)), None)


def missing(store: Store) -> int:
    """How many cards and results are noted and not known to be in Slack."""
    with store.reading() as session:
        return session.exec(
            select(func.count())
            .select_from(Post)
            .where(col(Post.ts).is_(None), col(Post.kind).in_([CARD, RESULT]))
        ).one()


def cards_to_look_at(store: Store) -> tuple[Card, ...]:
    """Cards that are there and whose draft may have moved since, the latest move first."""
    alive = (
        col(Post.kind) == CARD,
        col(Post.ts).is_not(None),
        ~col(Post.shows).startswith(SETTLED),
    )
    with store.reading() as session:
        rows = session.exec(
            select(Post, Draft)
            .join(Draft, col(Draft.draft_id) == col(Post.draft_id))
            .where(*alive)
            .order_by(col(Draft.moved_at).desc(), col(Post.post_id))
        ).all()
        newest = {
            one.draft_id: one
            for one in session.exec(
                select(Delivery)
                .join(Post, col(Delivery.draft_id) == col(Post.draft_id))
                .where(*alive)
                .order_by(col(Delivery.created_at), col(Delivery.delivery_id))
            )
        }
    return tuple(_card(post, draft, newest.get(draft.draft_id)) for post, draft in rows)


def _card(post: Post, draft: Draft, newest: Delivery | None) -> Card:
    return Card(
        post_id=post.post_id,
        shows=post.shows,
        has_chart=post.file_id is not None,
        state=draft.state,
        version=draft.version,
        moved_at=draft.moved_at,
        delivery=newest.delivery_id if newest else "",
        delivery_state=newest.state if newest else "",
        attempts=newest.attempts if newest else 0,
    )


def settled_results(store: Store) -> tuple[str, ...]:
    """Messages that ask what became of a delivery although somebody has said it."""
    with store.reading() as session:
        return tuple(
            session.exec(
                select(Post.post_id)
                .join(Delivery, col(Post.post_id) == RESULT + ":" + col(Delivery.delivery_id) + ":unknown")
                .where(
                    col(Post.ts).is_not(None),
                    col(Post.shows) == str(DeliveryState.UNKNOWN),
                    col(Delivery.state) != str(DeliveryState.UNKNOWN),
                )
            ).all()
        )


def orphans(store: Store) -> tuple[str, ...]:
    """Messages about an account that was forgotten: to be taken out of Slack too."""
    with store.reading() as session:
        return tuple(
            session.exec(
                select(Post.post_id).where(col(Post.kind).in_([CARD, RESULT]), col(Post.draft_id).is_(None))
            ).all()
        )


def claim(store: Store, post_id: str, *, now: datetime, holder: str, lease: timedelta) -> Placed | None:
    """The message, from now on this holder's to see to; None when it is not there or somebody else's."""
    with store.writing() as session:
        post = session.get(Post, post_id, with_for_update=True)
        if post is None or not _is_free(post.leased_by, post.lease_until, now, holder):
            return None
        won = changed(
            session,
            update(Post)
            .where(col(Post.post_id) == post_id, col(Post.leased_by).is_not_distinct_from(post.leased_by))
            .values(leased_by=holder, lease_until=now + lease),
        )
        return Placed.model_validate(post.model_dump(include=set(Placed.model_fields))) if won == 1 else None


def placed(store: Store, post_id: str) -> Placed | None:
    """The message as it is known; None when there is none of that name."""
    with store.reading() as session:
        post = session.get(Post, post_id)
        return Placed.model_validate(post.model_dump(include=set(Placed.model_fields))) if post else None


def handing_over(store: Store, post_id: str, *, now: datetime, holder: str) -> bool:
    """It is about to be given to Slack: from now on it may be there although nobody was told."""
    return _mine(store, post_id, holder, tried_at=now, attempts=Post.attempts + 1)


def arrived(
    store: Store, post_id: str, *, holder: str, ts: str, shows: str, file_id: str | None = None
) -> bool:
    """It is in Slack under this name, and shows this."""
    also = {"file_id": file_id} if file_id else {}
    return _mine(
        store,
        post_id,
        holder,
        ts=ts,
        shows=shows,
        leased_by=None,
        lease_until=None,
        not_before=None,
        last_error=None,
        **also,
    )


def has_file(store: Store, post_id: str, *, holder: str, file_id: str | None) -> bool:
    """Its chart is with Slack; or, with None, it goes without."""
    return _mine(store, post_id, holder, file_id=file_id)


def release(
    store: Store,
    post_id: str,
    *,
    holder: str,
    not_before: datetime | None = None,
    error: str | None = None,
    is_surely_not_there: bool = False,
) -> bool:
    """Leave it to whoever is next; `is_surely_not_there` where Slack itself said that it did not take it."""
    also = {"tried_at": None} if is_surely_not_there else {}
    return _mine(
        store,
        post_id,
        holder,
        leased_by=None,
        lease_until=None,
        not_before=not_before,
        last_error=error,
        **also,
    )


def drop(store: Store, post_id: str) -> None:
    """It is no longer in Slack, and never will be."""
    with store.writing() as session:
        changed(session, delete(Post).where(col(Post.post_id) == post_id))


def _is_free(holder: str | None, until: datetime | None, now: datetime, me: str = "") -> bool:
    return holder in (None, me) or until is None or until <= now or is_gone(holder)


def _mine(store: Store, post_id: str, holder: str, **values: Any) -> bool:
    with store.writing() as session:
        return _update(session, post_id, holder, values) == 1


def _update(session: Session, post_id: str, holder: str, values: dict[str, Any]) -> int:
    return changed(
        session,
        update(Post).where(col(Post.post_id) == post_id, col(Post.leased_by) == holder).values(**values),
    )
