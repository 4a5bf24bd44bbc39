"""Which account a vendor's record is: never guessed, whatever the order, and as the founder has said."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.facts.identities import NO_ACCOUNT, OWN_ACCOUNT, How, Record, State, company_domain, match

ACCOUNTS = ("a", "b", "c")
DOMAINS = ("alpha.example", "beta.example", None)


def record(source, number, own_id=None, domain=None, payer=False):
    """A record of a vendor."""
    return Record(source, f"{source}{number}", "", own_id, domain, gives_accounts=payer)


@st.composite
def worlds(draw):
    """Records of two billing systems and two other vendors, known accounts, the founder's word, earlier matches."""
    found = []
    for source, is_payer in (("bill", True), ("pay", True), ("desk", False), ("use", False)):
        for number in range(draw(st.integers(0, 3))):
            own = draw(st.sampled_from((None, None, *ACCOUNTS, "bill0", "unknown")))
            found.append(record(source, number, own, draw(st.sampled_from(DOMAINS)), is_payer))
    accounts = {name: draw(st.sampled_from(DOMAINS)) for name in draw(st.sets(st.sampled_from(ACCOUNTS)))}
    words = st.sampled_from((NO_ACCOUNT, OWN_ACCOUNT, *ACCOUNTS))
    keys = [(one.source, one.record_id) for one in found]
    some = st.lists(st.sampled_from(keys), unique=True) if keys else st.just([])
    settled = {
        key: draw(words.filter(lambda word, key=key: word != OWN_ACCOUNT or key[0] in ("bill", "pay")))
        for key in draw(some)
    }
    payers = [key for key in keys if key[0] in ("bill", "pay")]
    before = {}
    if payers:
        for key in draw(st.lists(st.sampled_from(payers), unique=True)):
            before[key] = draw(st.sampled_from((key[1], *ACCOUNTS)))
    return found, accounts, settled, before


def by_key(matching):
    """Identities by source and record."""
    return {(one.record.source, one.record.record_id): one for one in matching.identities}


@settings(deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_order_does_not_matter(world, chance):
    """Records and accounts in any order give the same identities and doubts."""
    records, accounts, settled, before = world
    there = match(records, accounts, settled, before)
    mixed = list(records)
    chance.shuffle(mixed)
    turned = dict(reversed(accounts.items()))
    assert match(mixed, turned, dict(reversed(settled.items())), dict(reversed(before.items()))) == there


@settings(deadline=None)
@given(worlds())
def test_every_record_is_told_once(world):
    """No record is lost, and each state says what it must."""
    records, accounts, settled, before = world
    matching = match(records, accounts, settled, before)
    assert sorted(one.record for one in matching.identities) == sorted(records)
    for one in matching.identities:
        assert (one.account_id is not None) == (one.state is State.MATCHED)
        assert (one.state is State.AMBIGUOUS) == bool(one.candidates)
        assert (one.state in (State.AMBIGUOUS, State.UNMATCHED)) <= bool(one.says)
        assert (one.how is not None) == (one.state in (State.MATCHED, State.IGNORED))


@settings(deadline=None)
@given(worlds())
def test_the_founders_word_wins(world):
    """Over ids, domains, and what was taken before."""
    records, accounts, settled, before = world
    found = by_key(match(records, accounts, settled, before))
    for key, word in settled.items():
        one = found[key]
        if word == NO_ACCOUNT:
            assert one.state is State.IGNORED
        else:
            assert (one.how, one.account_id) == (How.SETTLED, key[1] if word == OWN_ACCOUNT else word)


@settings(deadline=None)
@given(worlds())
def test_a_domain_alone_is_never_a_guess(world):
    """Only where one account has it, and no other record of that vendor that was not left out."""
    records, accounts, settled, before = world
    matching = match(records, accounts, settled, before)
    alike = Counter(
        (one.source, one.domain) for one in records if settled.get((one.source, one.record_id)) != NO_ACCOUNT
    )
    others = {
        one.record: one.account_id
        for one in matching.identities
        if one.record.gives_accounts and one.account_id
    }
    for one in matching.identities:
        if one.how is not How.DOMAIN:
            continue
        with_domain = {name for name, domain in accounts.items() if domain == one.record.domain} | {
            account
            for payer, account in others.items()
            if payer.domain == one.record.domain and payer != one.record and payer.source != one.record.source
            and (not one.record.gives_accounts or payer_was_sure(payer, settled, before))
        }  # fmt: skip
        assert alike[one.record.source, one.record.domain] == 1
        assert with_domain == {one.account_id}


def payer_was_sure(payer, settled, before):
    """Whether a customer was an account before any domain was looked at."""
    key = (payer.source, payer.record_id)
    return key in settled or key in before or bool(payer.own_id)


@settings(deadline=None)
@given(worlds())
def test_customers_stay_what_they_were(world):
    """A customer that was matched once stays that account, whatever its domain or id becomes, unless it is settled."""
    records, accounts, settled, before = world
    found = by_key(match(records, accounts, settled, before))
    for key, account in before.items():
        if key not in settled:
            assert found[key].account_id == account
            names_other = found[key].record.own_id not in (None, account)
            assert bool(found[key].says) == names_other


@settings(deadline=None)
@given(worlds())
def test_a_second_matching_changes_nothing(world):
    """With what the first one found kept, the same records give the same accounts."""
    records, accounts, settled, before = world
    first = match(records, accounts, settled, before)
    kept = {
        (one.record.source, one.record.record_id): one.account_id
        for one in first.identities
        if one.record.gives_accounts and one.account_id and one.how in (How.OWN, How.ID)
    }
    second = match(records, accounts, settled, kept)
    assert [
        (one.record, one.state, one.account_id) for one in second.identities if one.record.gives_accounts
    ] == [(one.record, one.state, one.account_id) for one in first.identities if one.record.gives_accounts]


@settings(deadline=None)
@given(worlds())
def test_whoever_is_doubtful_is_held(world):
    """Every account a record could be, and every two customers who could be one, have a doubt that says how to settle it."""
    records, accounts, settled, before = world
    matching = match(records, accounts, settled, before)
    held = {(one.account_id, one.source, one.record_id) for one in matching.doubts}
    for one in matching.identities:
        for account in one.candidates:
            assert (account, one.record.source, one.record.record_id) in held
    assert all("outgrown identities settle" in one.says for one in matching.doubts)


def test_two_customers_of_one_domain_are_held_and_not_merged():
    """They may be two departments, or one customer who signed up twice."""
    found = match(
        [
            record("bill", 1, domain="d.example", payer=True),
            record("bill", 2, domain="d.example", payer=True),
        ],
        {},
        {},
    )
    assert [one.account_id for one in found.identities] == ["bill1", "bill2"]
    assert {one.account_id for one in found.doubts} == {"bill1", "bill2"}


def test_a_customer_that_comes_later_is_no_other_than_one_that_came_at_once():
    """A second customer of a domain is an account of its own and held, whether the first was there before or not."""
    both = [
        record("bill", 1, domain="d.example", payer=True),
        record("bill", 2, domain="d.example", payer=True),
    ]
    at_once = match(both, {}, {})
    later = match(both, {}, {}, {("bill", "bill1"): "bill1"})
    assert at_once == later


def test_settling_one_of_two_says_nothing_about_the_other():
    """The other record of the domain stays in doubt."""
    both = [record("desk", 1, domain="d.example"), record("desk", 2, domain="d.example")]
    found = by_key(match(both, {"a": "d.example"}, {("desk", "desk1"): "a"}))
    assert found["desk", "desk2"].state is State.AMBIGUOUS
    found = by_key(match(both, {"a": "d.example"}, {("desk", "desk1"): NO_ACCOUNT}))
    assert (found["desk", "desk2"].account_id, found["desk", "desk2"].how) == ("a", How.DOMAIN)


def test_an_id_of_the_billing_system_stands_for_its_account():
    """A help desk may have been told the customer's id there instead of ours."""
    records = [record("bill", 1, own_id="a", payer=True), record("desk", 1, own_id="bill1")]
    found = by_key(match(records, {"a": None}, {}))
    assert (found["desk", "desk1"].account_id, found["desk", "desk1"].how) == ("a", How.ID)


def test_many_customers_are_matched_quickly():
    """Twenty thousand customers, all with a domain somebody else has, in a moment."""
    import time

    records = [record("bill", n, domain=f"d{n // 2}.example", payer=True) for n in range(20_000)]
    random.Random(1).shuffle(records)
    accounts = {f"acc{n}": f"d{n}.example" for n in range(10_000)}
    started = time.process_time()
    found = match(records, accounts, {})
    assert time.process_time() - started < 5
    assert {one.state for one in found.identities} == {State.AMBIGUOUS}


@pytest.mark.parametrize(
    ("domain", "email", "found"),
    [
        ("https://www.Alpha.example/about?x=1", None, "alpha.example"),
        ("alpha.example.", None, "alpha.example"),
        ("Alpha.Example:8080", None, "alpha.example"),
        (None, "Dana@Alpha.example", "alpha.example"),
        ("gmail.com", "dana@alpha.example", "alpha.example"),
        ("gmail.com", "dana@gmail.com", None),
        ("localhost", None, None),
        ("", "", None),
        ("not a domain", None, None),
        ("'; DROP TABLE accounts; --", None, None),
        ("xn--mnchen-3ya.example", None, "xn--mnchen-3ya.example"),
    ],
)
def test_the_domain_a_company_goes_by(domain, email, found):
    """From addresses as people type them; free mail says nothing."""
    assert company_domain(domain, email) == found
