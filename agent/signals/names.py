"""Names as a customer may read them: control and hidden characters gone, one line, not endless."""

from __future__ import annotations

import unicodedata

LONGEST = 80
ACRONYMS = {
    "2fa", "ai", "api", "crm", "csv", "dns", "edi", "erp", "gdpr", "html", "http", "ip", "json", "kpi", "ldap", "mfa",
    "nps", "ocr", "pdf", "pos", "rbac", "rest", "rss", "saml", "scim", "sdk", "seo", "sftp", "sla", "sms", "soap", "sql",
    "ssl", "sso", "tls", "ui", "url", "vat", "vpn", "xls", "xml",
}  # fmt: skip
"Written in capitals wherever an identifier is shown to a person."
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = {"\u200d"}


def clean(name: str, longest: int = LONGEST) -> str:
    """`name` without control, bidirectional and zero-width characters, its spaces folded, cut at `longest`.

    The joiner between two emoji stays, since without it one picture becomes two.
    """
    kept = []
    text = unicodedata.normalize("NFC", name)
    for place, letter in enumerate(text):
        if letter in "\t\n\r\v\f":
            kept.append(" ")
        elif unicodedata.category(letter) not in _HIDDEN or (
            letter in _JOINERS and _between_symbols(text, place)
        ):
            kept.append(letter)
    folded = " ".join("".join(kept).split())
    return folded if len(folded) <= longest else folded[: longest - 1].rstrip() + "…"


def readable(name: str) -> str:
    """An identifier as words: 'audit_log' is 'audit log', 'sso' is 'SSO'; anything with a space or a capital stays as it is."""
    text = clean(name)
    if text != text.lower() or " " in text:
        return text
    return " ".join(word.upper() if word in ACRONYMS else word for word in text.replace("_", " ").split())


def _between_symbols(text: str, place: int) -> bool:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    return bool(before and after) and all(
        unicodedata.category(c) in {"So", "Mn", "Sk"} for c in (before, after)
    )
