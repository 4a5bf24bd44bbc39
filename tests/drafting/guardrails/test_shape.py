"""When a draft sells before it helps, asks too much, or closes the door."""

import pytest

from tests.builders import BODY, a_brief, a_message, an_offer
from tests.drafting.guardrails.held import all_of, closing, said, violations, words

LAST = (
    "Growth includes 5,000 exports for €99 per month. Shall I switch you over? "
    "Not yet is fine: come back to me when exports pass 90% of the 1,000 in your plan."
)
PROBLEM = "Your team ran into the export limit 5 times in the last 14 days."


@pytest.mark.parametrize(
    "first",
    [
        PROBLEM, "Exports stopped your team five times in two weeks.",
        "At 87% of its exports, your team is running short.",
        "Your exports keep hitting the limit.", "Starter has 1,000 exports, and 870 of them are gone.",
        "Somebody on your team hits the export ceiling most weeks.",
    ],
)  # fmt: skip
def test_a_first_sentence_with_the_problem_passes(first):
    """In the brief's words or in others, with or without its figure."""
    assert words("problem_first", closing(LAST, first)) == []


@pytest.mark.parametrize(
    "first",
    [
        "I hope you are well.", "Great news!", "We are excited to write to you.", "Thank you for it.",
        "Exports are lovely.", "Do you have a minute?", "My name is Dana and I run Acme Docs.",
    ],
)  # fmt: skip
def test_a_first_sentence_without_the_problem_blocks(first):
    """No pleasantries before the problem."""
    assert words("problem_first", closing(LAST, f"{first} {PROBLEM}")) == [first]


@pytest.mark.parametrize(
    ("extra", "pointed"),
    [
        ("An upgrade would help.", ["upgrade"]), ("A bigger plan fits.", ["bigger plan"]),
        ("I have an offer.", ["offer"]), ("The pricing is simple.", ["pricing"]),
        ("You could buy more.", ["buy"]),
        ("Growth has room.", ["Growth"]), ("Growth would take care of that.", ["Growth"]),
        ("Growth\u2019ll help.", ["Growth"]), ("Growth: 5,000 exports.", ["Growth"]), ("Growth, for instance, has room.", ["Growth"]),
        ("Growth has grown on us.", []), ("Growth is slowing.", []),
        ("The Growth plan has room.", ["Growth"]),
        ("With Growth there is room.", ["Growth"]), ("with gr\u043ewth plan", ["gr\u043ewth"]),
        ("Growth has been quick.", []),
        ("Starter was right for you.", []), ("Your growth is quick.", []),
        ("The Starter plan was right.", []),
    ],
)  # fmt: skip
def test_nothing_sells_before_the_last_paragraph(extra, pointed):
    """The offer's name and every word of selling wait; the plan they have may be named."""
    assert words("problem_first", closing(LAST, f"{PROBLEM} {extra}")) == pointed


def test_selling_in_the_subject_blocks():
    """The subject stands before the last paragraph too."""
    assert words("problem_first", a_message(subject="Time to upgrade")) == ["upgrade"]


@pytest.mark.parametrize(
    ("message", "pointed"),
    [
        (a_message(), []),
        (a_message(subject="Growth for €99"), ["€99"]),
        (a_message(subject="Move to Growth"), ["Growth"]),
        (closing(LAST, f"{PROBLEM} It would be €99."), ["€99"]),
        (closing(LAST, f"{PROBLEM} It would be 99 euros with Growth."), ["Growth", "99 euros"]),
        (closing(LAST.replace("for €99 per month", "")), None),
        (closing(LAST.replace("Growth includes", "It includes")), None),
        (closing(LAST.replace("€99", "€89")), None),
        (a_message(body=f"Hi Maya,\n\n{PROBLEM}\n\n{LAST}\n\nBest,\nDana\n\nPS: Growth is €99."), None),
    ],
)  # fmt: skip
def test_offer_and_price_stand_in_the_last_paragraph_alone(message, pointed):
    """There, both; elsewhere, neither. None: the whole last paragraph, or more, is pointed at."""
    found = words("price_last", message)
    assert found == pointed if pointed is not None else found


@pytest.mark.parametrize(
    ("offer", "last"),
    [
        ({"name": "5 more seats"}, "You could have five more seats for €99 a month."),
        ({"name": "Team"}, "The Team plan is €99 a month."),
        ({"name": "Scale plan"}, "Scale is €99 a month."),
        ({"name": "a launch sprint", "per": "once"}, "Our launch sprint is €99 in total."),
        ({"price_minor": 0}, "Growth has room."),
        ({"price_minor": 1250, "per": "seat and month"}, "Growth is €12.50 per seat and month."),
        ({"price_minor": 9900, "currency": "JPY"}, "Growth is ¥9,900 a month."),
        ({"price_minor": 9900, "currency": "AUD"}, "Growth is A$99 a month."),
    ],
)  # fmt: skip
def test_an_offer_may_be_named_in_words(offer, last):
    """Its number in words, its article or 'plan' left out, its price in its own currency."""
    brief = a_brief(offer=offer, figures=tuple(f for f in a_brief().figures if f.figure_id != "offer_price"))
    assert words("price_last", closing(last), brief) == []
    assert words("ungrounded_figure", closing(last), brief) == []


FINE = [
    "Not yet is fine: watch whether exports pass 90% of the 1,000.",
    "Not yet is perfectly fine; keep an eye on the 1,000 exports.",
    "If not yet, that's fine: the sign is when exports reach 90%.",
    "No rush: exports past 90% are the sign.", "If now isn't the right time, watch the 1,000 exports.",
    "“Not yet” is a fine answer too. Look at it again when exports pass 90%.",
    "It is fine to say not yet; watch your 1,000 exports.",
    "It is fine to wait until exports pass 90% of the 1,000.",
    "No need to decide now: come back to me when exports pass 90% of the 1,000.",
    "There is no need to decide anything; watch the 1,000 exports.",
    "You don't have to decide today. When exports pass 90% of the 1,000, look again.",
    "Not yet is okay. When the limit stops you more than 5 times in 14 days, it is time.",
]  # fmt: skip


@pytest.mark.parametrize("close", FINE)
def test_not_yet_may_be_said_in_many_ways(close):
    """With a metric and its figure to watch."""
    assert words("not_yet_close", closing(f"Growth is €99 a month. Shall I? {close}")) == []


@pytest.mark.parametrize(
    "close",
    [
        "Let me know.", "Not yet is fine.", "Not yet is fine: watch your exports.",
        "Not yet is fine: come back when you like.", "Not yet is not fine: exports pass 90%.",
        "Not yet is fine: watch the price of €99.", "Watch whether exports pass 90%.",
        "Exports at 90% mean now.", "Not yet is fine: watch exports pass 80%.",
    ],
)  # fmt: skip
def test_a_close_without_not_yet_or_without_a_metric_blocks(close):
    """Both are needed, and the metric is measured."""
    assert len(words("not_yet_close", closing(f"Growth is €99 a month. Shall I? {close}"))) == 1


def test_not_yet_before_the_last_paragraph_does_not_count():
    """It closes the message."""
    message = closing(
        "Growth is €99 a month. Shall I?", f"{PROBLEM} Not yet is fine: watch for 90% of the 1,000 exports."
    )
    assert len(words("not_yet_close", message)) == 1


@pytest.mark.parametrize(
    ("asked", "pointed"),
    [
        ("Shall I switch you over, as https://acme.example/growth shows?", []),
        ("Shall I switch you over? Or would you like a call?", ["Shall I switch you over?"]),
        ("Shall I switch you over??", []),
        ("Shall I? Book a call with me.", ["Book a"]),
        ("Shall I? Alternatively, take Growth.", ["Alternatively"]),
        ("Shall I? Hands-on support would be an option, too.", ["be an option"]),
        ("Shall I? Support is there as an option, too.", ["option, too"]),
        ("Shall I? Or take more seats instead.", ["Or take more seats instead"]),
        ("Shall I? Or simply get a sprint for it instead.", ["Or simply get a sprint for it instead"]),
        ("Shall I? Instead, you could have seats.", ["Instead, you could"]),
        ("Shall I? Support would do just as well.", ["would do just as well"]),
        ("Shall I? You could also have a sprint.", ["You could also have"]),
        ("Shall I? Or take a sprint.", ["Or take"]),
        ("Shall I switch you, or would you rather wait?", []),
        ("Shall I? Waiting would do as well.", []),
        ("Shall I? Waiting is an option, too.", []),
        ("Shall I? To stay is also an option.", []),
        ("Shall I? You would have five thousand instead of these.", []),
        ("Shall I? See https://acme.example and https://acme.example/a", ["https://acme.example/a"]),
    ],
)
def test_one_question_one_offer_one_link(asked, pointed):
    """A second of any of them is one too many."""
    assert words("one_ask", a_message(body=BODY.replace("Shall I switch you over?", asked))) == pointed


def test_a_message_without_a_question_blocks():
    """There must be one thing to answer."""
    assert len(words("one_ask", a_message(body=BODY.replace("?", ".")))) == 1


def test_a_question_in_the_subject_counts():
    """Two questions are two, wherever they stand."""
    assert words("one_ask", a_message(subject="Out of exports?")) == ["Out of exports?"]


ALLOWED = ("https://acme.example", "https://help.acme.example/docs")
LINKS = [
    ("https://acme.example", True), ("https://acme.example/", True),
    ("https://acme.example/a/b?x=1#y", True), ("HTTPS://ACME.example/a", True),
    ("https://help.acme.example/docs/a", True),
    ("https://acme.example.", True), ("http://acme.example", False), ("https://acme.example:8443/", False),
    ("https://acme.example@evil.example/", False), ("https://acme.example.evil.com", False),
    ("https://evil.com/https://acme.example", False), ("https://xacme.example", False),
    ("https://sub.acme.example", False), ("https://help.acme.example/docsx", False),
    ("https://help.acme.example/docs/../x", False),
    ("https://help.acme.example/docs/%2e%2e/x", False),
    ("https://acme.example/r?to=https://evil.com", False),
    ("https://acme.example/r?to=%2F%2Fevil.com", False), ("https://\u0430cme.example", False),
    ("https://acme\u3002example", False), ("//evil.com", False), ("www.evil.com", False),
    ("evil.com", False), ("evil.com/path", False), ("acme.example", False),
    ("mailto:a@acme.example", False), ("tel:+4930", False),
    ("javascript:alert(1)", False), ("ftp://acme.example", False), ("https://192.168.0.1/a", False),
    ("hxxps://evil.com", False), ("evil(dot)com", False), ("evil dot com", False),
    ("xn--80ak6aa92e.com", False), ("bit.ly/abc", False),
    ("[here](https://evil.com)", False), ("https:/\\evil.com", False),
    ("https://user:pw@acme.example/", False),
]  # fmt: skip


@pytest.mark.parametrize(("link", "ok"), LINKS)
def test_only_links_of_the_allowed_list_pass(link, ok):
    """The very origin, at or below the path; nothing that only looks like it."""
    found = words("one_ask", said(f"Shall I show you {link} then?"), a_brief(allowed_links=ALLOWED))
    assert (found == []) is ok


@pytest.mark.parametrize(
    "text",
    [
        "i.e. this, e.g. that.",
        "It stopped.Then it went on?",
        "3.5 of it",
        "and so on...",
        "Dana & Co. know.",
        "a.m. and p.m.",
    ],
)
def test_stops_are_no_links(text):
    """A full stop without a space is no domain."""
    assert words("one_ask", said(f"{text} Shall I?")) in ([], [f"{text}"], ["It stopped.Then it went on?"])


@pytest.mark.parametrize(("count", "level"), [(120, None), (121, "warn"), (180, "warn"), (181, "block")])
def test_the_body_has_120_words_and_180_at_most(count, level):
    """Greeting and signature count."""
    found = violations("length", a_message(body=" ".join(["word"] * count)))
    assert [one.level.value for one in found] == ([level] if level else [])


@pytest.mark.parametrize(
    ("subject", "ok"),
    [
        ("x" * 60, True),
        ("x" * 61, False),
        ("", False),
        ("  ", False),
        ("a\r\nBcc: all", False),
        ("a\u2028b", False),
        ("x", True),
    ],
)
def test_the_subject_is_one_line_of_60_characters(subject, ok):
    """Nor empty."""
    assert (
        words("length", a_message(subject=subject)) == []
        and violations("length", a_message(subject=subject)) == []
    ) is ok


def test_an_empty_body_blocks():
    """Nothing is no message."""
    assert ("length", "block") in all_of(a_message(body=""))


def test_one_paragraph_is_first_and_last_at_once():
    """The first sentence names the problem, the rest may follow."""
    message = a_message(body=f"Hi Maya,\n\n{PROBLEM} {LAST}")
    assert words("problem_first", message) == []
    assert words("price_last", message) == []


def test_the_offer_of_the_brief_is_meant_and_no_other():
    """With another offer the same text blocks."""
    assert words("price_last", a_message(), a_brief(offer=an_offer(name="Scale"))) != []
