"""Names of other customers that are everyday words, and letters of a currency that are no name."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from agent.drafting.guardrails import check
from agent.drafting.guardrails.words import WORDS
from agent.drafting.message import Message
from agent.drafting.violation import Surroundings
from agent.drafting.wording import TITLES, singular
from agent.drafting.writer import framings, write
from tests.drafting.assessments import CASES, upgrade
from tests.drafting.drafts import a_brief

NOW = datetime(2026, 3, 3, 9)
CURRENCIES = [
    "EUR",
    "USD",
    "GBP",
    "JPY",
    "BRL",
    "AUD",
    "CAD",
    "MXN",
    "NZD",
    "HKD",
    "SGD",
    "CNY",
    "TWD",
    "XAF",
    "XOF",
    "XPF",
    "XCD",
    "INR",
    "KRW",
    "ILS",
    "PHP",
    "VND",
    "CHF",
    "SEK",
    "NOK",
    "DKK",
    "ISK",
    "PLN",
    "CZK",
    "HUF",
    "RON",
    "TRY",
    "ALL",
    "TOP",
    "ZAR",
    "AED",
    "KWD",
    "BHD",
    "CLF",
    "THB",
    "KES",
]


def wrong(message: Message, brief, *others: str) -> list[str]:
    """What is said against a message beside these customers."""
    around = Surroundings(now=NOW, other_names=others)
    return [one.message for one in check(message, brief, around)]


def with_sentence(brief, sentence: str) -> Message:
    """The brief's own message with one more sentence in its first paragraph."""
    message = write(brief)
    greeting, first, *rest = message.body.split("\n\n")
    return message.model_copy(update={"body": "\n\n".join([greeting, f"{first} {sentence}", *rest])})


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("amount", [189000, 12345])
def test_a_price_in_any_currency_is_no_name_and_no_shouting(currency: str, amount: int):
    """R$1,890, FCFA 189,000 and ALL 123.45 are what the offer costs."""
    brief = a_brief(offer=upgrade(currency=currency, price_minor=amount))
    for framing in framings(brief.play):
        assert wrong(write(brief, framing), brief) == []


@pytest.mark.parametrize(
    ("currency", "written"),
    [
        ("BRL", "R$ 149"), ("BRL", "149 reais"), ("BRL", "BRL 149"), ("SEK", "149 kr"), ("NOK", "149 kr"), ("PLN", "149 zł"),
        ("CZK", "149 Kč"), ("CHF", "Fr. 149"), ("KWD", "149.000 KWD"), ("INR", "Rs. 149"), ("TRY", "149 TRY"),
    ],
)  # fmt: skip
def test_the_offers_currency_may_be_written_as_people_write_it(currency: str, written: str):
    """Before the number or after it."""
    brief = a_brief(offer=upgrade(currency=currency, price_minor=149_000 if currency == "KWD" else 14900))
    shown = next(figure.display for figure in brief.figures if figure.figure_id == "offer_price")
    message = write(brief)
    assert wrong(message.model_copy(update={"body": message.body.replace(shown, written)}), brief) == []


@pytest.mark.parametrize(
    ("currency", "written"),
    [("EUR", "R$149"), ("USD", "R$149"), ("USD", "MX$149"), ("EUR", "149 kr"), ("EUR", "KWD 149"), ("BRL", "$149"),
     ("AUD", "NZ$149"), ("BRL", "R$150"), ("TRY", "try 149"), ("EUR", "149 reais")],
)  # fmt: skip
def test_another_currency_and_another_amount_are_wrong(currency: str, written: str):
    """The letters of one currency vouch for no other."""
    brief = a_brief(offer=upgrade(currency=currency, price_minor=14900))
    shown = next(figure.display for figure in brief.figures if figure.figure_id == "offer_price")
    message = write(brief)
    assert wrong(message.model_copy(update={"body": message.body.replace(shown, written)}), brief)


@pytest.mark.parametrize("called", ["Dr. Behr", "Ms. Abara", "Prof. Dr. Behr", "Mr Cole", "Dr. Anna Behr"])
def test_a_greeting_by_title_is_one_greeting(called: str):
    """The full stop of a title ends no sentence, so the problem still comes first."""
    brief = a_brief(contact_name=called)
    message = write(brief)
    body = re.sub(r"^Hi [^,]*,", f"Hi {called},", message.body)
    assert wrong(message.model_copy(update={"body": body}), brief) == []


def test_the_titles_of_a_greeting_are_those_that_are_left_out_of_a_first_name():
    """Every one of them may stand before a name."""
    assert WORDS.titles >= TITLES


@pytest.mark.parametrize("case", CASES)
def test_no_word_of_our_own_messages_is_another_customer(case: str):
    """Whatever other customers are called, what the templates say is not about them."""
    brief = a_brief(case)
    own = " ".join(
        [brief.offer.name, brief.sender.product, brief.sender.company, brief.sender.name, *brief.features]
    )
    own_words = {word.lower() for word in re.findall(r"[^\W\d_]+", own)}
    for framing in framings(brief.play):
        message = write(brief, framing)
        words = {word for word in re.findall(r"[^\W\d_]{2,}", message.text) if word.lower() not in own_words}
        assert wrong(message, brief, *(word.title() for word in words)) == []


@pytest.mark.parametrize(
    "name",
    ["You", "Your Team", "The Team", "Best Wishes", "Kind Regards", "Shorter", "March", "May", "Monday"],
)
def test_everyday_names_stand_in_the_way_of_nobodys_words(name: str):
    """In small letters, at the start of a sentence, in the sign-off, in a date and in the founder's own promise."""
    promise = "exports keep running until Monday"
    brief = a_brief("deadline") if name == "March" else a_brief(offer=upgrade(benefit=promise))
    said = "You asked for a shorter way, and your team may need it. Your team has told us. Shorter is better, you said."
    message = with_sentence(brief, said)
    found = wrong(
        message.model_copy(update={"body": message.body.replace("Best,", "Best wishes,")}), brief, name
    )
    assert not [one for one in found if "another customer" in one]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Shorter", "It was the same with Shorter lately."), ("Your Team", "It was the same with Your Team lately."),
        ("Your Team", "Your Team had the same."), ("March", "We did the same for March lately."), ("March", "March asked for it too."),
        ("The Team", "Ask The Team about it."), ("Best Wishes", "We did it for Best Wishes lately."), ("Monday", "It helps Monday a lot."),
        ("March Foods", "We did the same for March Foods."), ("Northwind", "It was northwind that had it."),
    ],
)  # fmt: skip
def test_everyday_names_are_caught_where_they_are_meant(name: str, said: str):
    """Amid a sentence with their capitals."""
    brief = a_brief()
    assert [one for one in wrong(with_sentence(brief, said), brief, name) if "another customer" in one]


@pytest.mark.parametrize(
    ("plural", "one"),
    [("exports", "export"), ("API calls", "API call"), ("people", "person"), ("queries", "query"), ("GB", "GB"), ("boxes", "box"),
     ("databases", "database"), ("inboxes", "inbox"), ("addresses", "address"), ("series", "series"), ("status", "status"), ("MBs", "MB")],
)  # fmt: skip
def test_what_is_counted_agrees_with_one(plural: str, one: str):
    """The noun after a ceiling of one."""
    assert singular(plural) == one
