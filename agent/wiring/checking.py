"""Checking: an account's brief, its surroundings, and the guardrails' verdict on a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from agent.approval.views import show_draft
from agent.delivery.contacts import ContactState, contact_state
from agent.drafting import guardrails
from agent.drafting.brief import Brief
from agent.drafting.ledger import make_brief
from agent.drafting.message import Message
from agent.drafting.violation import Surroundings, Violation
from agent.drafting.vocabulary import Vocabulary, vocabulary
from agent.foundation import clock
from agent.foundation.warehouse import fetch
from agent.scoring.assessment import Assessment, Status
from agent.signals.library import internal_names, library_of
from agent.signals.world import plain_source, read_book
from agent.wiring.looking import Looking

BY_OFFER = {"nothing_to_offer"}
"Holds that follow from findings, which an unfinished day does not have."


@dataclass(frozen=True)
class People:
    """Names of the company's customers, plans and features: what a message to another must not contain."""

    accounts: dict[str, tuple[str, ...]]
    addresses: dict[str, str]
    plans: tuple[str, ...]
    features: tuple[str, ...]
    vocabulary: Vocabulary
    tickets: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Checking(Looking):
    """What holds a text against what may be said to an account."""

    @cached_property
    def people(self) -> People:
        """The names and recent words of the company's customers, read once."""
        with self.warehouse() as warehouse:
            accounts = fetch(
                warehouse.table("accounts").select("account_id", "name", "contact_name", "contact_email")
            )
            plans = fetch(warehouse.table("plans").select("name"))
            features = fetch(warehouse.table("plan_features").select("feature").distinct())
            names = vocabulary(read_book(plain_source(warehouse).tables), self.settings)
            since = clock.now() - timedelta(days=90)
            t = warehouse.table("tickets")
            t = t.filter((t.opened_at > since) & t.text.notnull()).order_by("ticket_id")
            tickets: dict[str, list[str]] = {}
            for row in fetch(t.select("account_id", "text")):
                tickets.setdefault(row["account_id"], []).append(row["text"])
        return People(
            accounts={
                row["account_id"]: tuple(n for n in (row["name"], row["contact_name"]) if n)
                for row in accounts
            },
            addresses={row["account_id"]: row["contact_email"] for row in accounts if row["contact_email"]},
            plans=tuple(sorted({row["name"] for row in plans})),
            features=tuple(sorted(row["feature"] for row in features)),
            vocabulary=names,
            tickets={account: tuple(texts) for account, texts in tickets.items()},
        )

    @cached_property
    def internal_names(self) -> tuple[str, ...]:
        """What the founder's own triggers and groups are called among ourselves."""
        return internal_names(library_of(self.settings))

    def surroundings(self, account_id: str) -> Surroundings:
        """What the guardrails need to know of an account besides the brief."""
        now = clock.now()
        address = self.people.addresses.get(account_id)
        known = {account_id: address} if address else {}
        state = contact_state(self.store, [account_id], now, addresses=known).get(account_id, ContactState())
        return self._around(account_id, state, now)

    def _around(self, account_id: str, state: ContactState, now: datetime) -> Surroundings:
        people = self.people
        own = people.accounts.get(account_id, ())
        return Surroundings(
            now=now,
            prompts=tuple(p for p in state.prompts if p.sent_at > now - timedelta(days=30)),
            second_prompt=self.settings.guardrails.second_prompt,
            suppressed=state.opted_out,
            other_names=tuple(
                sorted(
                    {n for a, names in people.accounts.items() if a != account_id for n in names} - set(own)
                )
            ),
            other_plans=people.plans,
            other_features=people.features,
            other_offers=tuple(dict.fromkeys(offer.name for offer in self.settings.offers)),
            internal_names=self.internal_names,
            customer_text=people.tickets.get(account_id, ()),
        )

    def check(self, message: Message, brief: Brief, around: Surroundings) -> list[Violation]:
        """The guardrails' verdict on a text."""
        return guardrails.check(message, brief, _besides(brief, around))

    def brief_of(self, assessment: Assessment) -> Brief:
        """The brief of an assessment that has an offer."""
        return make_brief(assessment, self.settings, self.people.vocabulary)

    def current_brief(self, account_id: str) -> Brief:
        """The brief an account would be written to with now, whether it is ready or held."""
        return self.brief_of(self.assess(account_id))

    def check_text(self, account_id: str, message: Message) -> list[Violation]:
        """The guardrails' verdict on a text for an account, against the brief it would have now."""
        return self.check(message, self.current_brief(account_id), self.surroundings(account_id))

    def check_draft(self, draft_id: str, message: Message) -> list[Violation]:
        """The guardrails' verdict on a text, against the brief of a draft."""
        view = show_draft(self.store, draft_id)
        return self.check(message, view.brief, self.surroundings(view.line.account_id))

    def look_again(self, account_id: str) -> Assessment:
        """The account as of now, for the moment of approval; its findings in the words of a brief.

        Findings rest on complete days. A reason to stay silent counts from the moment it is known, so the holds
        of the day that has only begun are looked at as well.
        """
        now = clock.now()
        seen = self.scan(None, account_id).accounts[0]
        today = self._scan(now.date(), now, account_id).accounts[0]
        return self._with_today(seen, today)

    def _with_today(self, seen: Assessment, today: Assessment) -> Assessment:
        known = {hold.hold for hold in seen.holds}
        holds = seen.holds + tuple(hold for hold in today.holds if hold.hold not in known | BY_OFFER)
        seen = seen.model_copy(update={"holds": holds, "status": Status.HELD if holds else seen.status})
        if seen.play is None or seen.offer is None:
            return seen
        return seen.model_copy(update={"findings": self.brief_of(seen).findings})


def _besides(brief: Brief, around: Surroundings) -> Surroundings:
    """The surroundings without the names the brief itself uses."""
    features = {name.lower().replace("_", " ") for name in brief.features}
    plans = {name for name in (brief.plan_name, brief.offer.name) if name}
    return around.model_copy(
        update={
            "other_plans": tuple(name for name in around.other_plans if name not in plans),
            "other_offers": tuple(name for name in around.other_offers if name != brief.offer.name),
            "other_features": tuple(
                name for name in around.other_features if name.lower().replace("_", " ") not in features
            ),
        }
    )
