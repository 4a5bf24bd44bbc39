"""Texts that take time to make, kept by a hash of all they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

KEPT = 32
"Files kept in a folder; the oldest go first."


class Memo:
    """A memory of texts; with a folder, it outlives the process. Losing it costs time and nothing else."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._texts: dict[str, str] = {}

    @staticmethod
    def key(*made_from: object) -> str:
        """The key of what is made from these: equal for equal, different for different."""
        return hashlib.blake2b(repr(made_from).encode(), digest_size=16).hexdigest()

    def get(self, key: str) -> str | None:
        """The text of that key, if it is remembered."""
        if key not in self._texts and self._folder is not None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                self._texts[key] = (self._folder / key).read_text(encoding="utf-8")
        return self._texts.get(key)

    def put(self, key: str, text: str) -> None:
        """Remember a text."""
        self._texts[key] = text
        if self._folder is None:
            return
        # A folder that cannot be written to costs time at the next start, no more.
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(self._folder / key)
            by_age = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
            for path in by_age[:-KEPT]:
                path.unlink(missing_ok=True)
