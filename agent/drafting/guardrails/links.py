"""Links and addresses in a text, however they are written, and whether a link is on the allowed list."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from agent.drafting.brief import Brief
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.words import WORDS

_DOMAINS = "|".join(sorted(set(WORDS.domains), key=len, reverse=True))
LINK = re.compile(
    r"(?<![\w])(?:[a-z][a-z0-9+.-]{1,20}:\s?//+|h(?:tt|xx|tx)ps?:|mailto:|tel:|sms:|javascript:|data:(?=\S)|vbscript:|file:(?=\S))[^\s<>|\"']*"
    r"|(?<![\w@.])www\d?\.[^\s<>|\"']+"
    r"|(?<![\w@.-])(?:\d{1,3}\.){3}\d{1,3}(?!\w)(?:[:/][^\s<>|\"']*)?"
    rf"|(?<![\w@.-])(?:[\w-]+\.)+(?:{_DOMAINS}|xn--[\w-]+)(?![\w-]|\.\w)(?:[:/?#][^\s<>|\"']*)?"
    r"|(?<!\w)h\s?t\s?t\s?p\s?s?\s?:[^\n.]*|(?<!\w)www\d?\s+\.\s*[\w-]+(?:\s*\.\s*[\w-]+)*"
    rf"|(?<!\w)[\w-]+\s?(?:\(dot\)|\[dot\]|\[\.\]|\(\.\)|\sdot\s)\s?(?:{_DOMAINS})(?!\w)"
)
MAIL = re.compile(
    r"(?<![\w.+-])[\w.+%-]+\s?(?:@|\(at\)|\[at\]|\{at\})\s?[\w-]+(?:\s?(?:\.|\(dot\)|\[dot\])\s?[\w-]+)+"
    r"|(?<!\w)[\w.+-]+\sat\s[\w-]+\sdot\s(?:com|net|org|io|example|co|eu|de|uk)(?!\w)"
    r"|(?<!\w)[\w.+-]+@[\w-]+"
)
# Most messages have neither; these are looked for first because they cost little.
LINK_HINT = re.compile(r"[\w-]\.[\w-]|h t t p|www|//|:\S|dot|\[\.|\(\.")
MAIL_HINT = re.compile(r"@|[(\[{]at|dot")
TRAILING = ".,;:!?)]}'\"*_~"


class Link(NamedTuple):
    """A link by its place in the folded text, and as it was written."""

    start: int
    end: int
    written: str


def mails_in(text: Text) -> tuple[Part, ...]:
    """Every mail address."""
    return text.memo("mails", lambda: tuple(text.find(MAIL)) if MAIL_HINT.search(text.lower) else ())


def links_in(text: Text) -> tuple[Link, ...]:
    """Every link: with a scheme, bare domains, disguised ones; mail addresses aside."""

    def make() -> tuple[Link, ...]:
        if not LINK_HINT.search(text.lower):
            return ()
        mails = mails_in(text)
        found = []
        for start, end in text.find(LINK):
            while end > start and text.lower[end - 1] in TRAILING:
                end -= 1
            has_scheme = re.match(r"[a-z+.-]+:", text.lower[start:end])
            if end - start < 4 or (
                not has_scheme and any(mail.start < end and start < mail.end for mail in mails)
            ):
                continue
            found.append(Link(start, end, text.original(Part(start, end))))
        return tuple(found)

    return text.memo("links", make)


def foreign_links(text: Text, brief: Brief) -> tuple[Link, ...]:
    """The links that are not on the allowed list."""
    own = {name.lower() for name in (brief.sender.company, brief.sender.product)}
    return tuple(
        link
        for link in links_in(text)
        if link.written.lower() not in own and not is_allowed(link.written, brief.allowed_links)
    )


def is_allowed(written: str, allowed: tuple[str, ...]) -> bool:
    """Whether a link has the origin of an allowed one and lies at or below its path."""
    if not written.isascii() or re.search(r"[\s\\]", written):
        return False
    link = _split(written)
    if link is None or link.scheme not in ("http", "https") or not link.netloc or "@" in link.netloc:
        return False
    return any(_covers(base, link) for one in allowed if (base := _split(one)) is not None)


def _covers(base: SplitResult, link: SplitResult) -> bool:
    if (base.scheme, base.hostname, base.port) != (link.scheme, link.hostname, link.port):
        return False
    path = unquote(unquote(link.path))
    if ".." in path or "//" in path or "\\" in path or any(ord(c) < 33 for c in path):
        return False
    # A query that holds another address is how an open redirect is used.
    rest = unquote(unquote(f"{link.query} {link.fragment}")).lower()
    if "//" in rest or "http" in rest or "\\" in rest:
        return False
    root = base.path.rstrip("/")
    return path == root or path.startswith(f"{root}/")


def _split(written: str) -> SplitResult | None:
    try:
        parts = urlsplit(written)
        _ = parts.port
    except ValueError:
        return None
    return parts
