"""Which account a vendor's record is: by the founder's word, by id, by domain, or not settled. Pure.

A record that could be two accounts, and two records that could be one account, are doubts: nothing is guessed, and
the accounts they are about are held (`ambiguous_identity`, rule book §6) until somebody settles them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

FREE_MAIL = frozenset(Path(__file__).with_name("free_mail.txt").read_text(encoding="utf-8").split())
"Domains that say nothing about who somebody works for."
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
OWN_ACCOUNT, NO_ACCOUNT = "+", "-"
"In place of an account in the mapping file: the record is an account by itself; the record is to be left out."


class State(StrEnum):
    """What is known of a record."""

    MATCHED = "matched"
    AMBIGUOUS = "ambiguous"
    UNMATCHED = "unmatched"
    IGNORED = "ignored"


class How(StrEnum):
    """Why it is taken for that account."""

    SETTLED = "settled"
    ID = "id"
    DOMAIN = "domain"
    OWN = "own"
    "A paying customer nobody knew yet: an account by itself."


@dataclass(frozen=True, order=True)
class Record:
    """One vendor's record of a company. `gives_accounts`: it is a paying customer of ours."""

    source: str
    record_id: str
    name: str = ""
    own_id: str | None = None
    domain: str | None = None
    "As `company_domain` gives it."
    gives_accounts: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Identity:
    """What one record was taken for."""

    record: Record
    state: State
    account_id: str | None = None
    how: How | None = None
    candidates: tuple[str, ...] = ()
    says: str = ""
    "Why it is not settled, or what to know all the same; a sentence."


@dataclass(frozen=True)
class Doubt:
    """Why an account is held."""

    account_id: str
    source: str
    record_id: str
    says: str


@dataclass(frozen=True)
class Matching:
    """Every record's identity, and the doubts that hold accounts."""

    identities: tuple[Identity, ...]
    doubts: tuple[Doubt, ...]


def company_domain(domain: str | None, email: str | None = None) -> str | None:
    """The domain a company goes by, from a web or e-mail address; None for free mail and for what is no domain."""
    for given in (domain, email):
        text = (given or "").strip().lower()
        text = re.sub(r"^[a-z]+://", "", text).rpartition("@")[2]
        text = re.split(r"[/:?#]", text)[0].removeprefix("www.").rstrip(".")
        if _DOMAIN.fullmatch(text) and text not in FREE_MAIL:
            return text
    return None


def match(
    records: Iterable[Record],
    accounts: Mapping[str, str | None],
    settled: Mapping[tuple[str, str], str],
    before: Mapping[tuple[str, str], str] | None = None,
) -> Matching:
    """Match records to accounts.

    `accounts` are those known otherwise, with their domains; `settled` is the founder's word by (source, record):
    an account, OWN_ACCOUNT or NO_ACCOUNT; `before` are the accounts that paying customers were taken for earlier,
    which they stay: messages and opt-outs are remembered by account.
    """
    return _Matcher(accounts, settled, before or {}).run(sorted(records))


class _Matcher:
    def __init__(
        self,
        accounts: Mapping[str, str | None],
        settled: Mapping[tuple[str, str], str],
        before: Mapping[tuple[str, str], str],
    ) -> None:
        self.settled, self.before = settled, before
        self.known = set(accounts)
        self.by_domain: dict[str, set[str]] = defaultdict(set)
        for account, domain in accounts.items():
            if domain:
                self.by_domain[domain].add(account)
        self.aliases: dict[str, str] = {}
        "Ids of paying customers at their vendors, which other vendors may be told instead of ours."
        self.doubts: list[Doubt] = []

    def run(self, records: list[Record]) -> Matching:
        self.of_domain = Counter(
            (record.source, record.domain)
            for record in records
            if record.domain and self.settled.get((record.source, record.record_id)) != NO_ACCOUNT
        )
        payers = [record for record in records if record.gives_accounts]
        found = [*self._paying(payers), *self._others([r for r in records if not r.gives_accounts])]
        return Matching(tuple(sorted(found, key=lambda one: one.record)), tuple(self.doubts))

    def _paying(self, payers: list[Record]) -> Iterator[Identity]:
        first: list[Identity] = []
        left: list[Record] = []
        for record in payers:
            identity = self._by_word(record) or self._as_before(record) or self._by_own_id(record)
            if identity is None:
                left.append(record)
            else:
                first.append(identity)
        # Domains of accounts that others brought; those of a vendor's own customers do not merge by themselves.
        elsewhere: dict[tuple[str | None, str], set[str]] = defaultdict(set)
        for domain, accounts in self.by_domain.items():
            elsewhere[None, domain] |= accounts
        for identity in first:
            self._learn(identity)
            if identity.account_id and identity.record.domain:
                elsewhere[identity.record.source, identity.record.domain].add(identity.account_id)
        sources = {None, *(record.source for record in payers)}

        def there(record: Record) -> set[str]:
            domain = record.domain or ""
            return set[str]().union(*(elsewhere.get((one, domain), ()) for one in sources - {record.source}))

        nobodys = [record for record in left if not there(record)]
        for record in nobodys:
            first.append(Identity(record, State.MATCHED, record.record_id, How.OWN))
            self._learn(first[-1])
        # What they became counts for the others as it will the next time.
        for record in nobodys:
            if record.domain:
                elsewhere[record.source, record.domain].add(record.record_id)
        own = set(nobodys)
        for record in left:
            if record in own:
                continue
            found = there(record)
            if len(found) == 1 and not self._has_twin(record):
                first.append(Identity(record, State.MATCHED, min(found), How.DOMAIN))
            else:
                first.append(self._ambiguous(record, found))
            self._learn(first[-1])
        self._doubt_twins(first)
        yield from first

    def _has_twin(self, record: Record) -> bool:
        """Whether another record of the same vendor goes by the same domain, and was not left out by word."""
        return self.of_domain[record.source, record.domain or ""] > 1

    def _doubt_twins(self, found: list[Identity]) -> None:
        """Two customers of one domain that are two accounts, and nobody has said that they should be."""
        twins: dict[str, list[Identity]] = defaultdict(list)
        for identity in found:
            if identity.record.domain and identity.account_id:
                twins[identity.record.domain].append(identity)
        for domain, same in twins.items():
            open_ = [one for one in same if one.how in (How.OWN, How.DOMAIN)]
            if not open_ or len({one.account_id for one in same}) < 2:
                continue
            for one in same:
                other = next(two for two in same if two.account_id != one.account_id)
                asked = one if one in open_ else open_[0]
                self._doubt(
                    one.account_id,
                    asked.record,
                    f"{_shown(one.record)} and {_shown(other.record)} share the domain {domain} "
                    f"and could be one customer",
                )

    def _others(self, records: list[Record]) -> Iterator[Identity]:
        for record in records:
            sure = self._sure(record)
            if sure is not None:
                yield sure
                continue
            there = self.by_domain.get(record.domain or "", set())
            if not there:
                yield Identity(record, State.UNMATCHED, says="no account has its id or its domain")
            elif len(there) > 1 or self._has_twin(record):
                yield self._ambiguous(record, there)
            else:
                yield Identity(record, State.MATCHED, min(there), How.DOMAIN)

    def _sure(self, record: Record) -> Identity | None:
        identity = self._by_word(record)
        if identity is not None or not record.own_id:
            return identity
        account = record.own_id if record.own_id in self.known else self.aliases.get(record.own_id)
        return Identity(record, State.MATCHED, account, How.ID) if account else None

    def _by_word(self, record: Record) -> Identity | None:
        word = self.settled.get((record.source, record.record_id))
        if word is None:
            return None
        if word == NO_ACCOUNT:
            return Identity(record, State.IGNORED, how=How.SETTLED)
        account = record.record_id if word == OWN_ACCOUNT else word
        return Identity(record, State.MATCHED, account, How.SETTLED)

    def _as_before(self, record: Record) -> Identity | None:
        account = self.before.get((record.source, record.record_id))
        if account is None:
            return None
        if record.own_id and record.own_id != account:
            says = (
                f"it now names account {record.own_id} and stays {account}; to move it, "
                f"`outgrown identities settle {record.source} {record.record_id} {record.own_id}`"
            )
            return Identity(record, State.MATCHED, account, How.ID, says=says)
        how = How.OWN if account == record.record_id and not record.own_id else How.ID
        return Identity(record, State.MATCHED, account, how)

    def _by_own_id(self, record: Record) -> Identity | None:
        return Identity(record, State.MATCHED, record.own_id, How.ID) if record.own_id else None

    def _learn(self, identity: Identity) -> None:
        if identity.account_id is None:
            return
        self.known.add(identity.account_id)
        self.aliases[identity.record.record_id] = identity.account_id
        if identity.record.domain:
            self.by_domain[identity.record.domain].add(identity.account_id)

    def _ambiguous(self, record: Record, there: Iterable[str]) -> Identity:
        candidates = tuple(sorted(there))
        if len(candidates) > 1:
            says = f"{_shown(record)} could be any of the accounts {', '.join(candidates[:5])}"
        else:
            says = f"{_shown(record)} is not the only record there with the domain of {candidates[0]}"
        for account in candidates:
            self._doubt(account, record, says)
        return Identity(record, State.AMBIGUOUS, candidates=candidates, says=says)

    def _doubt(self, account: str | None, record: Record, says: str) -> None:
        if account is None:
            return
        settle = f"settle it with `outgrown identities settle {record.source} {record.record_id} ACCOUNT`"
        self.doubts.append(Doubt(account, record.source, record.record_id, f"{says}; {settle}"))


def _shown(record: Record) -> str:
    name = f" ({record.name})" if record.name else ""
    return f"{record.source} {record.record_id}{name}"
