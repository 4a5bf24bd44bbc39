"""When a draft names somebody or something that is not the brief's."""

import pytest

from tests.builders import a_brief, a_message
from tests.drafting.guardrails.held import said, words

OTHERS = {
    "other_names": (
        "Globex",
        "Northwind Traders",
        "Target",
        "Priya Patel",
        "Café Müller",
        "Acme",
        "Maya Lind",
        "Base",
        "Ian",
        "O'Neill Group",
        "bolt.new",
        "Übersee GmbH",
        "Will",
        "Silver Summit",
        "Maple Dental",
        "Grant Hill",
        "Chase Young",
        "Design Works",
    ),
    "other_plans": ("Team", "Business", "Scale Plus", "Pro"),
    "other_features": ("audit_log", "SSO", "search", "API access", "exports"),
}

NAMED = [
    ("Globex hit the same limit.", ["Globex"]), ("as globex did", ["globex"]), ("GLOBEX did", ["GLOBEX"]),
    ("like Globex's team", ["Globex"]),
    ("as Northwind Traders did", ["Northwind Traders"]), ("Northwind did it too.", ["Northwind"]),
    ("as northwind   traders", ["northwind   traders"]),
    ("as Target did", ["Target"]), ("Priya Patel asked.", ["Priya Patel"]), ("ask Priya", ["Priya"]),
    ("like Cafe Muller", ["Cafe Muller"]),
    ("like Gl\u043ebex", ["Gl\u043ebex"]), ("like Ｇlobex", ["Ｇlobex"]),
    ("like Glo\u200bbex", ["Glo\u200bbex"]), ("O'Neill Group too", ["O'Neill Group"]),
    ("uebersee, Übersee GmbH", ["Übersee GmbH"]), ("ask Will about it", ["Will"]),
    ("the Base people", ["Base"]),
    ("the Team plan", ["Team"]), ("our team plan", ["team"]), ("the Business plan", ["Business"]),
    ("the scale plus plan", ["scale plus"]), ("move to Pro", ["Pro"]),
    ("Te\u0430m plan", ["Te\u0430m"]), ("the Platinum plan", ["Platinum"]),
    ("Pro would do it.", ["Pro"]), ("Team includes more.", ["Team"]), ("Business is \u20ac20.", ["Business"]),
    ("on the pro tier", ["pro"]), ("on a business subscription", ["business"]), ("Target had this too.", ["Target"]),
    ("northwind had this too.", ["northwind"]), ("ask NORTHWIND", ["NORTHWIND"]), ("northwind's team", ["northwind"]),
    ("with the audit log", ["audit log"]), ("with SSO", ["SSO"]), ("with API access", ["API access"]),
    ("Zendesk does that", []), ("while Zendesk does that", ["Zendesk"]), ("in Berlin", ["Berlin"]),
    ("and iPhone users", ["iPhone"]), ("says Mr Smith", ["Mr", "Smith"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pointed"), NAMED)
def test_other_names_block(text, pointed):
    """Another customer, an unknown person, another plan or feature, however it is spelled."""
    assert words("wrong_name", said(text), **OTHERS) == pointed


HARMLESS = [
    "Team is working late.", "Business has grown.", "Target is the wrong word.", "Base it on this.",
    "A silver lining, a summit and a maple tree.", "You grant access.", "Those who chase it design it.",
    "Your team is at the base of it, and the target is clear.", "Will you look at the search?",
    "Your business is growing at scale.",
    "Maya, your exports stop at Fernleaf Studio.", "Starter has a limit. Growth has more.",
    "Dana here, from Acme Docs.", "I think I'm right, and I'd ask.",
    "You export CSV and PDF files through the API.", "It said: Please wait.",
    '"Limit reached" is what they see.', "- One thing\n- Another thing",
    "Base your choice on that.", "This is a pro move.", "Brian and guardian are no Ian.", "OK, and then?",
    "Growth plan or not, exports stop on Monday in March.",
    "Starter's limit is near Fernleaf's", "Search is slow. Team work is not.", "you may Export as you wish",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
def test_everyday_words_and_the_briefs_own_names_pass(text):
    """A plan called Team does not forbid the word team."""
    found = words("wrong_name", said(text), **OTHERS)
    assert [one for one in found if one != "Ian"] == []


def test_a_name_inside_one_of_the_briefs_own_passes():
    """Another customer called Acme does not forbid Acme Docs."""
    assert words("wrong_name", said("Acme Docs has it."), **OTHERS) == []
    assert words("wrong_name", said("as Acme has it."), **OTHERS) == ["Acme"]


GREETINGS = [
    ("Hi Maya,", []), ("Hello Maya Chen,", []), ("Dear Ms Chen,", []), ("Hi there,", []), ("Hi team,", []),
    ("Hi Fernleaf Studio team,", []), ("Maya,", []),
    ("Hi maya!", []), ("Good morning Maya,", []), ("Hi Sam,", ["sam"]), ("Hi Maya and Sam,", ["sam"]),
    ("Hello Globex,", ["globex"]), ("Dear Dr Smith,", ["smith"]), ("Hi Máya,", []),
]  # fmt: skip


@pytest.mark.parametrize(("greeting", "pointed"), GREETINGS)
def test_the_greeting_is_to_the_contact(greeting, pointed):
    """Their name, their company's, or nobody's."""
    found = words("wrong_name", a_message(body=f"{greeting}\n\nYour exports stop."))
    assert [one.lower() for one in found] == pointed


def test_without_a_contact_nobody_may_be_greeted_by_name():
    """A name that came from nowhere is the wrong one."""
    brief = a_brief(recipient={"contact_name": None})
    assert words("wrong_name", a_message(), brief) == ["Maya"]


def test_the_signature_is_the_senders():
    """Nobody else signs."""
    assert words("wrong_name", a_message(body="Hi Maya,\n\nYour exports stop.\n\nBest,\nBob")) == ["Bob"]
    assert (
        words(
            "wrong_name",
            a_message(body="Hi Maya,\n\nYour exports stop.\n\nKind regards,\nDana\nFounder, Acme Docs"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("subject", "pointed"),
    [
        ("Your Exports Keep Hitting The Limit", []),
        ("Your Exports And Globex", ["Globex"]),
        ("Exports at Wayne Corp", ["Wayne", "Corp"]),
    ],
)
def test_a_subject_in_title_case_names_nobody(subject, pointed):
    """Capitals of everyday words are no names."""
    assert words("wrong_name", a_message(subject=subject)) == pointed
