"""Text a person hands over: a file, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from agent.foundation.errors import InputError


def read_text(path: Path, largest: int) -> str:
    """The text of a file; `-` is standard input.

    Raises InputError for a file that is not there, is not UTF-8 text, or holds more than `largest` bytes.
    """
    try:
        raw = _read(path, largest)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; check the name and the folder.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; name a file in it.") from None
    except UnicodeDecodeError as bad:
        raise InputError(f"{path} is not UTF-8 text (byte {bad.start:,}); save it again as UTF-8.") from None
    except OSError as bad:
        raise InputError(f"{path} cannot be read: {bad.strerror}; mend that or name another file.") from None
    if len(raw) > largest:
        raise InputError(
            f"{path} holds more than {largest:,} bytes, far more than a message; is it the right file?"
        )
    if "\0" in text:
        raise InputError(f"{path} is not text; is it the right file?")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read(path: Path, largest: int) -> bytes:
    # One byte more than allowed shows that there is more, without reading the rest.
    if str(path) == "-":
        return sys.stdin.buffer.read(largest + 1)
    with path.open("rb") as file:
        return file.read(largest + 1)
