"""Text on the terminal: outside words made harmless, letters it lacks written otherwise, a reader who left."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from pathlib import Path

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"Unicode categories that move the cursor, hide, or reorder what is read."
LONGEST = 1_000
NAME = 60
ASCII = {
    "·": "-",
    "•": "*",
    "…": "...",
    "→": "->",
    "«": '"',
    "»": '"',
    "–": "-",
    "’": "'",
    "€": "EUR ",
    "£": "GBP ",
}
ASCII |= {block: str(height) for height, block in enumerate("▁▂▃▄▅▆▇█", start=1)}
HANDLER = "outgrown.nearest"


class ReaderGone(BaseException):
    """The other end of the pipe has closed; no library may mistake it for an error of its own."""


class Output(io.TextIOWrapper):
    """A standard stream that says when its reader has gone."""

    def write(self, text: str) -> int:
        """Write, or raise ReaderGone."""
        try:
            return super().write(text)
        except BrokenPipeError as gone:
            raise ReaderGone from gone

    def flush(self) -> None:
        """Flush, or raise ReaderGone."""
        try:
            super().flush()
        except BrokenPipeError as gone:
            raise ReaderGone from gone


def prepare() -> None:
    """Make the standard streams fit for any name, whatever the terminal's encoding."""
    codecs.register_error(HANDLER, _nearest)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open as long as we run
        elif isinstance(stream, io.TextIOWrapper):
            lines = stream.line_buffering
            encoding = stream.encoding
            made = Output(stream.detach(), encoding=encoding, errors=HANDLER, line_buffering=lines)
            setattr(sys, name, made)


def forget_reader() -> None:
    """Send what is still to be written nowhere, so that closing the stream raises nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """What a terminal without these letters shows instead: 'ö' as 'o', '→' as '->', else '?'."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ascii(letter) for letter in error.object[error.start : error.end]), error.end


def _ascii(letter: str) -> str:
    if letter in ASCII:
        return ASCII[letter]
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if part.isascii())
    return bare or ("" if unicodedata.combining(letter) else "?")


def plain(text: str, longest: int = LONGEST) -> str:
    """`text` on one line without control, bidirectional and zero-width characters, cut where it is too long."""
    text = text[: longest + 1]
    if not text.isprintable():
        text = "".join(
            " " if letter.isspace() else letter
            for letter in text
            if letter.isspace() or unicodedata.category(letter) not in HIDDEN
        )
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def letter_text(text: str) -> str:
    """A message as it will be read: its line ends kept, everything else as in `plain`."""
    return "\n".join(plain(line, 10_000) for line in text.split("\n"))


def shown(text: str, longest: int = LONGEST) -> str:
    """`plain` text for a Rich console: no markup of its own."""
    from rich.markup import escape

    return escape(plain(text, longest))
