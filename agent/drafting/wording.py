"""Words for a message: outside text made harmless, names made fit for a greeting."""

from __future__ import annotations

import re
import unicodedata

from agent.scoring.assessment import OfferKind

NAME_LENGTH = 40
TEXT_LENGTH = 200
TEAMS = {"accounting", "finance", "it", "office", "purchasing", "sales", "support"}
TITLES = {"dr", "prof", "mr", "mrs", "ms", "mx", "miss", "sir", "herr", "frau", "mme", "ing", "dipl-ing"}
NO_PERSON = {
    "account", "accounting", "accounts", "admin", "administrator", "billing", "contact", "customer",
    "default", "finance", "fixme", "hello", "info", "ipsum", "it", "lorem", "mail", "na", "nan", "none",
    "null", "office", "owner", "placeholder", "purchasing", "sales", "support", "tbc", "tbd", "team",
    "test", "todo", "undefined", "unknown", "user", "xxx",
}  # fmt: skip
MARKUP = r"[{}<>\[\]|\\`*_~^=@#$%:;!?\"“”„]|//|www\.|\.[a-z]{2,}\b"
UNSAFE = re.compile(MARKUP, re.IGNORECASE)
IN_NAMES = " .,&'’-"
PRICE_PER = {"month": "a month", "once": "in total", "seat and month": "per seat and month"}
ONE_OF = {
    "people": "person",
    "series": "series",
    "movies": "movie",
    "cookies": "cookie",
    "caches": "cache",
    "analyses": "analysis",
}
"Plurals that no ending tells."
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
UNREADABLE = {"Cc", "Cs", "Co", "Cn"}
"Characters nobody can read: a name with one cannot be repeated as it is meant."
PICTURES = {"So", "Sk", "Me"}
VARIATIONS = {chr(number) for number in range(0xFE00, 0xFE10)}


def clean(text: str, limit: int = TEXT_LENGTH) -> str:
    """`text` on one line, without control, bidirectional and zero-width characters, cut at a word."""
    composed = unicodedata.normalize("NFC", text)
    seen = "".join(" " if unicodedata.category(c) in UNSEEN - {"Cf"} else c for c in composed)
    seen = "".join(c for c in seen if unicodedata.category(c) != "Cf")
    line = " ".join(seen.split())
    if len(line) <= limit:
        return line
    cut = line[: limit + 1].rpartition(" ")[0]
    return (cut or line[:limit]).rstrip(" ,;:-")


def safe_name(text: str | None) -> str | None:
    """A customer's word for a person or team; None for digits, markup, addresses, or one too long."""
    name = _plain(text)
    return name if name and all(_is_letter(c) or c in IN_NAMES for c in name) else None


def team_name(text: str | None) -> str | None:
    """What members of an account typed as their team: at most two words that are no place holder."""
    name = safe_name(text)
    words = (name or "").lower().split()
    return name if 0 < len(words) <= 2 and not (NO_PERSON - TEAMS) & set(words) else None


def label(text: str | None, *, common: bool = False) -> str | None:
    """A metric or feature in a sentence: 'bulk_export' as 'bulk export'; a `common` noun begins small."""
    name = _plain(re.sub(r"_+", " ", text or ""))
    if name is None or not common or name[1:2].isupper():
        return name
    return name[:1].lower() + name[1:]


def first_name(contact: str | None) -> str | None:
    """What to call a person: 'Maya' for 'Maya Chen' and 'Chen, Maya'; None for what is no person's name."""
    name = safe_name(contact)
    if name is None:
        return None
    last, comma, given = name.partition(",")
    words = (given.split() if comma and given.strip() else []) or last.replace(",", " ").split()
    titles = [word for word in words if word.rstrip(".").lower() in TITLES and len(words) > 1]
    words = [word for word in words if word not in titles]
    if not words or any(word.lower() in NO_PERSON for word in words):
        return None
    if titles and len(words) == 1 and not comma and words[0].isalpha():
        return f"{titles[-1]} {_cased(words[0])}"
    if len(words[0]) == 1 or "." in words[0] or "&" in words[0]:
        return None
    return _cased(words[0])


def sentence(text: str) -> str:
    """`text` as a sentence of its own, ended by one full stop."""
    return initial(text.strip().rstrip(".!?;,: ")) + "."


def singular(plural: str) -> str:
    """What is counted, of one: 'export' of 'exports', 'person' of 'people', 'GB' of 'GB'."""
    *before, last = plural.split(" ")
    lower = last.lower()
    if lower in ONE_OF:
        last = ONE_OF[lower]
    elif lower.endswith("ies") and len(last) > 4:
        last = f"{last[:-3]}y"
    elif lower.endswith(("sses", "xes", "ches", "shes")):
        last = last[:-2]
    elif lower.endswith("s") and not lower.endswith(("ss", "us", "is")) and len(last) > 2:
        last = last[:-1]
    return " ".join((*before, last))


def initial(text: str) -> str:
    """`text` with its first letter large."""
    return text[:1].upper() + text[1:]


def price(amount: str, per: str) -> str:
    """'€49 a month', '€4,500 in total', '€12 per seat and month'."""
    return f"{amount} {PRICE_PER.get(per, f'per {per}')}"


def offer_words(name: str, kind: OfferKind) -> str:
    """The offer's name as it follows 'the' or 'our': an upgrade is called a plan, an article goes."""
    if kind is OfferKind.PLAN_UPGRADE:
        return name if name.lower().endswith(" plan") else f"{name} plan"
    if kind in {OfferKind.SEAT_EXPANSION, OfferKind.CROSS_SELL}:
        return name
    return re.sub(r"^(a|an|the|our)\s+", "", name, flags=re.IGNORECASE)


def _plain(text: str | None) -> str | None:
    if any(unicodedata.category(c) in UNREADABLE and not c.isspace() for c in text or ""):
        return None
    seen = "".join(
        c
        for c in clean(text or "", 10_000)
        if unicodedata.category(c) not in PICTURES and c not in VARIATIONS
    )
    plain = " ".join(seen.split()).strip(" -–—.,'")
    if not plain or len(plain) > NAME_LENGTH or UNSAFE.search(plain) or not any(c.isalpha() for c in plain):
        return None
    return plain


def _is_letter(c: str) -> bool:
    return c.isalpha() or unicodedata.category(c) in {"Mn", "Mc"}


def _cased(word: str) -> str:
    """MAYA and maya as Maya; McKenna, O'Brien and Anne-Marie as they are."""
    if len(word) > 2 and (word.isupper() or word.islower()):
        return "-".join(part.capitalize() for part in word.split("-"))
    return word
