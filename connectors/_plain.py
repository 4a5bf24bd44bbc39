"""What customers wrote, as plain text: without markup, bounded, and free of characters that no store takes.

Not by the standard library's html.parser: of what somebody leaves open on purpose it makes quadratic time, and of
`<![` an AssertionError. Here every piece of markup ends somewhere, at the latest with the text, so that each
character is looked at once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator

LONGEST = 20_000
"Characters of one piece that are looked at; what comes after is a paste, not a request."
TEXT = 10_000
"Characters of one ticket's text."
PIECES = 30
"Messages of one ticket that are kept."
_UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "textarea"})
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figure", "footer", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul",
    }
)  # fmt: skip
_MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z)"""
    r"""|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^>"'])*+(?:>|\Z)"""
    r"""|<[!?/][^>]*+(?:>|\Z)""",
    re.DOTALL,
)
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def plain(value: Any) -> Any:
    """Text without control characters and half characters; anything else as it is."""
    return _NO_TEXT.sub("", value[:LONGEST]) if isinstance(value, str) else value


def from_html(value: Any) -> Any:
    """What a reader would see of a piece of HTML, line by line; anything but text as it is."""
    if not isinstance(value, str):
        return value
    lines = (" ".join(line.split()) for line in "".join(_seen(value[:LONGEST])).splitlines())
    return plain("\n".join(line for line in lines if line))


def _seen(text: str) -> Iterator[str]:
    place = 0
    while (found := _MARKUP.search(text, place)) is not None:
        yield _unescaped(text[place : found.start()])
        place = found.end()
        name = (found["name"] or "").lower()
        if name in _BLOCKS:
            yield "\n"
        elif name in _UNSEEN and not found["end"] and not found[0].endswith("/>"):
            end = re.compile(rf"</{name}", re.IGNORECASE).search(text, place)
            place = end.start() if end else len(text)
    yield _unescaped(text[place:])


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a character by a number of thousands of digits
        return text


def joined(pieces: Iterable[str | None]) -> str | None:
    """The pieces of one ticket as its text, each once; None where nobody wrote anything."""
    kept = list(dict.fromkeys(piece.strip() for piece in pieces if piece and piece.strip()))
    return "\n\n".join(kept[:PIECES])[:TEXT] or None


Words = Annotated[str, BeforeValidator(plain)]
"What somebody wrote, as plain text."
Html = Annotated[str, BeforeValidator(from_html)]
"What somebody wrote as HTML, as plain text."
