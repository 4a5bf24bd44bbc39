"""The founder's own phrases in hostile and ordinary tickets."""

from __future__ import annotations

import time
from datetime import date

import pytest

from agent.signals.tickets.own import OwnPhrases, own_ask_rows
from agent.signals.tickets.port import Catalogue, TicketText

CATALOGUE = Catalogue(features=("sso", "audit_log"))


def found(text: str | None, one: OwnPhrases, **more: str) -> list[str | None]:
    """The features of the rows that a ticket makes; [] when it makes none."""
    ticket = TicketText(ticket_id="t", account_id="a", opened_on=date(2026, 1, 1), text=text, **more)
    rows = own_ask_rows([ticket], [one], CATALOGUE)
    assert {row["ticket_class"] for row in rows} <= {one.name}
    return [row["feature"] for row in rows]


CASES = {
    "word for word": ("please add bulk import", True),
    "as part of a word": ("a bulk importer", False),
    "signs of a pattern mean themselves": ("bulkximport", False),
    "other apostrophes": ("we can't wait: bulk import", True),
    "letters that only look Latin": ("b\u0443lk", False),
    "full-width letters": ("\uff42\uff55\uff4c\uff4b import", True),
    "a quoted line": ("> bulk import\nThanks", False),
    "nothing": (None, False),
    "taken back": ("we do not want bulk import any more", False),
    "taken back elsewhere": ("We do not want to wait. Give us bulk import.", True),
}


@pytest.mark.parametrize(("text", "counts"), CASES.values(), ids=CASES)
def test_a_phrase_counts_where_its_words_stand(text: str | None, counts: bool):
    """Plain reading on both sides, whole words, and no sentence that takes it back."""
    one = OwnPhrases("mine", ("Bulk  Import", "bulk.import"), ("do not want bulk",))
    assert bool(found(text, one)) is counts


def test_what_the_ticket_is_about():
    """The class's own feature, else the column's, else what the sentence names."""
    asks = OwnPhrases("mine", ("need it",))
    assert found("We need it: the audit logs.", asks) == ["audit_log"]
    assert found("We need it: the audit logs and SSO.", asks) == ["audit_log", "sso"]
    assert found("We need it.", asks) == [None]
    assert found("We need it.", asks, feature="Audit-Log") == ["audit_log"]
    assert found("We need it: the audit logs.", OwnPhrases("mine", ("need it",), feature="sso")) == ["sso"]


def test_no_text_makes_matching_slow():
    """Many phrases that nearly match, over a long text that nearly matches them all."""
    many = tuple("a " * n + "b" for n in range(1, 50)) + tuple("a" * n + "b" for n in range(1, 90))
    one = OwnPhrases("mine", many, many)
    start = time.process_time()
    for text in ("a " * 5_000, "a" * 100_000, "(" * 100_000, "a b " * 25_000):
        found(text, one)
    assert time.process_time() - start < 5
