"""The account-level columns that scores and holds read, asked of the same passes as the triggers."""

from __future__ import annotations

from agent.signals.formula import ASKS, EVENTS, INVOICES, MEASURES, MEMBERS, TICKETS, Leaf

HEALTH_DAYS = 90
USE_DAYS = 30
OVERDUE_DAYS = 7

HEALTH_SCORE = MEASURES.last(HEALTH_DAYS).where(metric="health_score").newest_value("value")
NPS = MEASURES.where(metric="nps").newest_value("value")
SENTIMENT = TICKETS.last(30).mean("sentiment")
NEWEST_SENTIMENT = TICKETS.last(14).newest_value("sentiment")
URGENT_OPEN = TICKETS.where(priority="urgent", open=True).count()
URGENT_OPEN_LONG = TICKETS.where(priority="urgent", open=True).above("age", 3).count()
TICKETS_EVER = TICKETS.ever()
HEALTH_EVER = MEASURES.where(metric=("health_score", "nps")).ever()
UNHAPPY_ASKS = ASKS.last(30).where(ticket_class=("leaving", "price_complaint")).count()
OVERDUE_INVOICES = INVOICES.where(open=True).above("overdue", OVERDUE_DAYS).count()
USES = EVENTS.last(USE_DAYS).where(kind="used").count()
USES_EVER = EVENTS.where(kind="used").ever()
EVENTS_EVER = EVENTS.ever()
AMOUNTS = MEASURES.last(USE_DAYS).where(usage=True).above("value", 0).count()
AMOUNTS_EVER = MEASURES.where(usage=True).ever()
HIGHER_TRIED = EVENTS.last(30).where(kind=("blocked", "previewed", "used"), higher=True).count()
MEMBERS_EVER = MEMBERS.ever()
HEADCOUNTS_EVER = MEASURES.where(metric="headcount").ever()

ALL: list[Leaf] = [
    HEALTH_SCORE, HEALTH_EVER, NPS, SENTIMENT, NEWEST_SENTIMENT, URGENT_OPEN, URGENT_OPEN_LONG, TICKETS_EVER, UNHAPPY_ASKS,
    OVERDUE_INVOICES, USES, USES_EVER, EVENTS_EVER, AMOUNTS, AMOUNTS_EVER, HIGHER_TRIED, MEMBERS_EVER, HEADCOUNTS_EVER,
]  # fmt: skip
