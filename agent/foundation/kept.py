"""Arrays that take long to compute, kept in files by a hash of all they were computed from."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOST_FILES, MOST_BYTES = 8, 512 * 2**20
"What a folder keeps; the oldest go first."
SEAL = "seal"


class Kept:
    """A memory of arrays by name; losing it costs time and nothing else. Without a folder it keeps nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def get(self, key: str) -> dict[str, Any] | None:
        """The arrays kept under that key; None when there are none, or when the file is not what was written."""
        import numpy as np

        if self._folder is None:
            return None
        path = self._folder / f"{key}.npz"
        # Whatever is wrong with the file, computing again is the answer: zip, header and data fail in many ways.
        with (
            contextlib.suppress(Exception),
            path.open("rb") as opened,
            np.load(opened, allow_pickle=False) as file,
        ):
            found = {name: file[name] for name in file.files}
            seal = found.pop(SEAL)
            if seal.tobytes() == _seal(key, found):
                os.utime(path)
                return found
        return None

    def put(self, key: str, arrays: Mapping[str, Any]) -> None:
        """Keep the arrays under that key, whole or not at all."""
        import numpy as np

        if self._folder is None or sum(array.nbytes for array in arrays.values()) > MOST_BYTES:
            return
        sealed: Any = {**arrays, SEAL: np.frombuffer(_seal(key, arrays), dtype="uint8")}
        # A folder that cannot be written to costs time at the next run, no more.
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    np.savez(file, **sealed)
                Path(name).replace(self._folder / f"{key}.npz")
            finally:
                Path(name).unlink(missing_ok=True)
            self._prune()

    def clear(self) -> None:
        """Forget everything."""
        if self._folder is not None:
            for path in self._folder.glob("*"):
                path.unlink(missing_ok=True)

    def _prune(self) -> None:
        assert self._folder is not None  # noqa: S101 - asked by `put`
        newest = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        size = 0
        for place, path in enumerate(newest):
            size += path.stat().st_size
            if place and (place >= MOST_FILES or size > MOST_BYTES):
                path.unlink(missing_ok=True)


def _seal(key: str, arrays: Mapping[str, Any]) -> bytes:
    """A hash of the key and of every array: its name, type, shape and bytes."""
    digest = hashlib.blake2b(key.encode(), digest_size=32)
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.digest()


def texts_as_arrays(texts: Any) -> tuple[Any, Any]:
    """Texts as one array of bytes and one of lengths in characters."""
    import numpy as np

    lengths = np.fromiter((len(text) for text in texts), dtype="int64", count=len(texts))
    return np.frombuffer("".join(texts).encode(), dtype="uint8"), lengths


def texts_of_arrays(letters: Any, lengths: Any) -> list[str]:
    """The texts again; ValueError where the two do not fit together."""
    import numpy as np

    text = letters.tobytes().decode()
    ends = np.cumsum(lengths).tolist()
    if (lengths < 0).any() or (ends[-1] if ends else 0) != len(text):
        raise ValueError("texts and lengths do not fit together")
    return [text[first:last] for first, last in zip([0, *ends], ends, strict=False)]
