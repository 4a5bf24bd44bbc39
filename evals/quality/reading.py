"""How easily a message reads: Flesch's reading ease over its prose, syllables by rule of thumb."""

from __future__ import annotations

import re

GREETING = re.compile(
    r"\A\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b[^\n.!?]{0,80}[,:!]?[ \t]*(?:\n|\Z)",
    re.I,
)
SIGN_OFF_WORDS = 4
"Words a line of the sign-off has at most."
STOP = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n\s*\n")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,:]\d+)*")
VOWELS = re.compile(r"[aeiouyàâäåæéèêëíîïóôöøœúùûüý]+")
# Endings in which the e is silent, or in which two vowels that meet are two syllables.
SILENT = re.compile(r"(?:[^aeiouylr]es|[^aeiouydt]ed|[^aeiouyl]e|[aeiouy]le|[aeiouy]re)$")
APART = re.compile(r"i(?:a(?!l\b|n\b)|o(?!n|us))|ea(?:te|ti)|[aeiou]ing|[aiouy]er\b|uous")


def syllables_by_rule_of_thumb(word: str) -> int:
    """How many syllables an English word has, at least one; a number counts as one.

    Groups of vowels, less silent endings, more for vowels that meet without joining. No dictionary: it is
    one off for a word in ten, which all but evens out over a message.
    """
    low = word.lower().replace("’", "'").removesuffix("'s")
    count = len(VOWELS.findall(low))
    if count > 1 and SILENT.search(low):
        count -= 1
    count += len(APART.findall(low))
    return max(1, count)


def prose(body: str) -> str:
    """The body between the greeting and the sign-off."""
    kept = GREETING.sub("", body, count=1).strip()
    paragraphs = re.split(r"\n\s*\n", kept)
    while len(paragraphs) > 1 and _is_sign_off(paragraphs[-1]):
        paragraphs.pop()
    return "\n\n".join(paragraphs)


def _is_sign_off(paragraph: str) -> bool:
    lines = paragraph.strip().splitlines()
    return all(
        len(line.split()) <= SIGN_OFF_WORDS and not line.rstrip().endswith(("?", ".")) for line in lines
    )


def reading_ease(body: str) -> float | None:
    """Flesch's reading ease: 60 and more is plain English, below 30 is hard; None without a word.

    206.835 − 1.015 × words per sentence − 84.6 × syllables per word.
    """
    text = prose(body)
    words = WORD.findall(text)
    if not words:
        return None
    sentences = sum(1 for one in STOP.split(text) if one and WORD.search(one))
    syllables = sum(map(syllables_by_rule_of_thumb, words))
    return round(206.835 - 1.015 * len(words) / max(1, sentences) - 84.6 * syllables / len(words), 1)
