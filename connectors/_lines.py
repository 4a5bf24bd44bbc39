"""Exports of a JSON object a line: read from disk piece by piece, with what is no such object told and passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from agent.foundation.errors import SourceFailed

if TYPE_CHECKING:
    from connectors._api import Api

PIECE = 1 << 20
LONGEST = 16 << 20
"Bytes of the longest line that is read: no event is that long, and a file without line ends could fill the memory."


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""
        ...


def pages_of(api: Api, file: Readable) -> Iterator[list[dict[str, Any]]]:
    """The objects of what is read, a megabyte's at a time; a line that is none is rejected.

    Raises SourceFailed for a line that is too long to be one.
    """
    rest = b""
    while piece := file.read(PIECE):
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        if len(rest) > LONGEST:
            raise SourceFailed(
                f"{api.vendor.title} sent a line of more than {LONGEST >> 20} MB, which is no event; "
                "nothing was changed: report this to them."
            )
        yield _objects(api, lines)
    yield _objects(api, [rest])


def _objects(api: Api, lines: list[bytes]) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = []
    for line in lines:
        try:
            found = orjson.loads(line)
        except ValueError:
            found = None
        if type(found) is dict:
            objects.append(found)
        elif line.strip():
            api.read += 1
            api.reject(None, "line", line[:200].decode(errors="replace"), "is no JSON object")
    api.read += len(objects)
    return objects


def is_whole(path: Path) -> bool:
    """Whether the last line of a file is all there; an empty file is a whole one."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LONGEST))
        last = file.read().rstrip().rpartition(b"\n")[2]
    if not last:
        return True
    try:
        return isinstance(orjson.loads(last), dict)
    except ValueError:
        return False
