"""What must never leave the house: text that came in as an instruction, secrets, and unfilled places."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from agent.drafting.brief import Brief
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.links import foreign_links, links_in, mails_in
from agent.drafting.guardrails.rule import Fault, rule
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.words import WORDS
from agent.drafting.violation import Level, Surroundings

UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
MARKS_IN_A_ROW = 3
SHINGLE = 4
"Words in a row that make a copy of an order in a ticket."
PHONE = re.compile(
    r"(?<![\w.,])(?:\+|00)\d[\d\s().-]{6,17}\d(?!\w)|(?<![\w.,+-])\(?0?\d{2,5}\)?[\s./-]\d{2,4}[\s./-]?\d{2,4}(?:[\s.-]\d{2,4})*(?![\w])|(?<![\w.,])\d{8,15}(?![\w,.%]*\d)"
)
NO_PHONE = re.compile(
    r"\d{1,3}(?:[ .,']\d{3})+|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})"
    r"|\d{1,4}[./-]\d{1,4}|\d{1,3}\s?[-/]\s?\d{1,4}"
)
MARKUP = re.compile(
    r"<[/!?@#a-z][^<>\n]{0,200}>?|&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,6});|\*\*[^*\n]{1,200}\*\*|(?<![\w*])\*[^\s*][^*\n]{0,200}\*(?![\w*])"
    r"|(?<!\w)__?[^\s_][^_\n]{0,200}__?(?!\w)|~~[^~\n]{1,200}~~|`+[^`\n]{0,200}`*|!?\[[^\]\[\n]{0,200}\]\([^)\n]{0,500}\)?|\[[^\]\[\n]{1,200}\]\[[^\]\n]{0,200}\]|(?<!\w)@(?:channel|here|everyone|[a-z][\w.-]+)"
    r"|(?<=\n)#{1,6}\s|(?<=\n)>\s|(?<=\n)(?:---+|===+|```)|\|[^|\n]{1,200}\|"
)
MARKUP_HINT = re.compile(r"[<&*_~`\[@#|>]|--|==")
TEMPLATE = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}|\$\{|<%|%>")
PLACE = re.compile(
    r"\{[^{}\n]*\}|\[[^\]\n]{1,40}\](?!\()|<[a-z][\w .-]{0,40}>|<<[^>\n]*>>"
    r"|\{\{|\}\}|[{}]|%%[^%\n]+%%|(?<![\w$])\$[a-z_]{3,}(?!\w)"
)
CARD = re.compile(r"(?<![\w])\d(?:[ -]?\d){12,18}(?![\w])")
KEY = re.compile(
    r"(?<!\w)(?:[sprk]k_(?:live|test)_\w{6,}|sk-[\w-]{16,}|(?:akia|asia)[a-z0-9]{12,}|gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{8,}|"
    r"xapp-[\w-]{8,}|aiza[\w-]{20,}|sg\.[\w-]{12,}\.[\w-]{12,}|whsec_\w{8,}|ya29\.[\w-]{12,}|npm_\w{20,}|pypi-[\w-]{16,}|shpat_\w{12,}|key-[0-9a-f]{24,}|eyj[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?)"
    r"|-----begin [a-z ]*private key-----"
    r"|(?<!\w)(?:password|passwort|passwd|api[ _-]?key|secret(?:[ _-]?key)?|access[ _-]?token|bearer)"
    r"\s?(?:is|:|=)\s?\S{4,}"
)
IBAN = re.compile(r"(?<!\w)[a-z]{2}\d{2}(?:\s?[a-z0-9]{4}){2,7}(?:\s?[a-z0-9]{1,3})?(?!\w)")
UNPLAIN = re.compile(r"[^\x20-\x7e\t]")
NOT_ASCII = re.compile(r"(?<!\w)\w*[^\W\x00-\x7f]\w*")
NOT_ASCII = re.compile(r"(?<!\w)\w*[^\W\x00-\x7f]\w*")
LATIN, GREEK, CYRILLIC = "LATIN", "GREEK", "CYRILLIC"


@rule(Level.BLOCK)
def no_injection(text: Text, brief: Brief, around: Surroundings) -> Iterable[Fault]:
    """Nothing that came in as an instruction: no address, link, phone number, markup or unseen character."""
    yield from _unseen(text)
    yield from _mixed_letters(text)
    for mail in mails_in(text):
        yield Fault(*mail, f"'{_shown(text, mail)}' is an address; take it out, they can simply reply.")
    for link in foreign_links(text, brief):
        yield Fault(link.start, link.end, f"The link '{link.written}' is not yours; take it out.")
    links = [Part(link.start, link.end) for link in links_in(text)]
    for phone in text.find(PHONE):
        said = text.of(phone).strip()
        if sum(c.isdigit() for c in said) >= 7 and not NO_PHONE.fullmatch(said) and not _within(phone, links):
            yield Fault(*phone, f"'{_shown(text, phone)}' reads as a phone number; take it out.")
    for markup in text.find(MARKUP) if MARKUP_HINT.search(text.lower) else ():
        if not _within(markup, links):
            yield Fault(*markup, f"'{_shown(text, markup)[:40]}' is markup; write plain text.")
    for template in text.find(TEMPLATE):
        yield Fault(*template, "This is template language; write plain text.")
    for order in text.find(WORDS.instructions):
        yield Fault(
            *order, f"'{_shown(text, order)}' reads as an instruction to a writing machine; take it out."
        )
    yield from _copied(text, around)


@rule(Level.BLOCK)
def no_secrets(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """No card numbers, no keys, no other people's addresses."""
    for card in text.find(CARD):
        digits = [int(c) for c in text.of(card) if c.isdigit()]
        if _luhn(digits):
            yield Fault(*card, "This is a card number; take it out.")
    for key in text.find(KEY):
        yield Fault(*key, "This looks like a key or a password; take it out.")
    for account in text.find(IBAN):
        if _is_iban(text.of(account)):
            yield Fault(*account, "This is a bank account number; take it out.")
    own = {plain(address) for address in (brief.sender.email, brief.recipient.contact_email or "")}
    for mail in mails_in(text):
        if text.of(mail) not in own:
            yield Fault(*mail, f"'{_shown(text, mail)}' is somebody's address; take it out.")


@rule(Level.BLOCK)
def unfilled(text: Text, _brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """No placeholder is left."""
    seen: list[Part] = []
    for pattern in (PLACE, WORDS.placeholders):
        for place in text.find(pattern):
            if not any(one.start < place.end and place.start < one.end for one in seen):
                seen.append(place)
                yield Fault(
                    *place, f"'{_shown(text, place)}' is a place nobody filled; fill it or take it out."
                )
    if text.greeting is not None:
        greeting = text.of(text.greeting).strip()
        if re.fullmatch(r"(?:hi|hello|hey|dear)\s*[,!.:;-]*", greeting) and re.search(r"\s[,!.]", greeting):
            yield Fault(*text.greeting, "The greeting has no name; write one, or 'Hi there'.")
        if re.search(r"(?<!\w)none(?!\w)", greeting):
            yield Fault(*text.greeting, "The greeting has no name; write one, or 'Hi there'.")


def _shown(text: Text, part: Part) -> str:
    return text.folded[part.start : part.end]


def _within(part: Part, others: Iterable[Part]) -> bool:
    return any(other.start <= part.start < other.end for other in others)


def _unseen(text: Text) -> Iterator[Fault]:
    """Control, bidirectional and zero-width characters, and letters buried under marks."""
    marks, after = 0, -1
    for match in UNPLAIN.finditer(text.raw):
        place, letter = match.start(), match.group()
        category = unicodedata.category(letter)
        is_mark = category in ("Mn", "Me")
        marks = (marks + 1 if place == after else 1) if is_mark else 0
        after = place + 1
        if category in UNSEEN and (letter != "\n" or place < len(text.message.subject)):
            message = f"There is an unseen character (U+{ord(letter):04X}) here; delete it."
            yield Fault(place, place + 1, message, is_raw=True)
        elif marks == MARKS_IN_A_ROW:
            message = "A letter here carries a pile of marks; write it plainly."
            yield Fault(place - marks + 1, place + 1, message, is_raw=True)


def _mixed_letters(text: Text) -> Iterator[Fault]:
    """Words that mix alphabets to look like others: a Cyrillic letter in a Latin name."""
    if text.raw.isascii():
        return
    for match in NOT_ASCII.finditer(text.raw):
        scripts = {
            name.split(" ")[0] for c in match.group() if c.isalpha() and (name := unicodedata.name(c, ""))
        }
        odd = {"MATHEMATICAL", "FULLWIDTH"} & scripts
        if len(scripts & {LATIN, GREEK, CYRILLIC}) > 1 or odd:
            message = f"'{match.group()}' has letters that only look like Latin ones; type it anew."
            yield Fault(*match.span(), message, is_raw=True)


def _copied(text: Text, around: Surroundings) -> Iterator[Fault]:
    """Words in a row that a ticket gave as an order."""
    orders = _orders(around.customer_text)
    if not orders:
        return
    words = [Part(*match.span()) for match in re.finditer(r"[a-z0-9']+", text.lower)]
    said = [text.of(word) for word in words]
    i = 0
    while i <= len(said) - SHINGLE:
        if tuple(said[i : i + SHINGLE]) not in orders:
            i += 1
            continue
        start = i
        while i <= len(said) - SHINGLE and tuple(said[i : i + SHINGLE]) in orders:
            i += 1
        end = i + SHINGLE - 1
        message = "These words were given as an order in a ticket; say it in your own."
        yield Fault(words[start].start, words[end - 1].end, message)
        i = end


@lru_cache(maxsize=8)
def _orders(tickets: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Every few words in a row of every sentence in a ticket that orders something written."""
    orders: set[tuple[str, ...]] = set()
    for ticket in tickets:
        for sentence in re.split(r"[.!?\n]+", plain_lines(ticket)):
            if any(True for _ in WORDS.ticket_orders.finditer(sentence)):
                words = re.findall(r"[a-z0-9']+", sentence)
                orders |= {tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}
    return frozenset(orders)


def plain_lines(ticket: str) -> str:
    """A ticket folded, in lower case, its lines kept."""
    return "\n".join(plain(line) for line in ticket.splitlines())


def _luhn(digits: list[int]) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and len(set(digits)) > 1


def _is_iban(said: str) -> bool:
    bare = re.sub(r"\s", "", said)
    if not 15 <= len(bare) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1
