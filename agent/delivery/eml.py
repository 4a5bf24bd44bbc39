"""The first channel: one .eml file per delivery in the outbox folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from agent.delivery.channel import Announce, Channel, Envelope, TemporaryFailure, unannounced
from agent.delivery.mime import compose
from agent.foundation.settings import Company

_ID = re.compile(r"[A-Za-z0-9-]+")


class EmlChannel(Channel):
    """Writes each message whole or not at all; the same delivery again is the same file."""

    name = "eml"
    reaches_customers = False

    def __init__(self, folder: Path, company: Company) -> None:
        self._folder = folder
        self._company = company

    def path(self, delivery_id: str) -> Path:
        """Where the message of a delivery lies."""
        if not _ID.fullmatch(delivery_id):
            raise ValueError("a delivery id has letters, digits and hyphens")
        return self._folder / f"{delivery_id}.eml"

    def deliver(self, envelope: Envelope, announce: Announce = unannounced) -> None:  # noqa: ARG002 - a file can be looked for
        """Write the file, to the disk and not only to its cache, under its name last.

        Raises TemporaryFailure when it cannot be written, PermanentFailure for an address without mail.
        """
        message = compose(envelope, self._company)
        final = self.path(envelope.delivery_id)
        if final.exists():
            return
        unfinished = final.with_name(f".{final.stem}.{os.getpid()}.part")
        try:
            with unfinished.open("wb") as file:
                file.write(message)
                file.flush()
                os.fsync(file.fileno())
            unfinished.chmod(0o600)
            unfinished.replace(final)
            _sync_folder(self._folder)
            self._sweep(envelope.delivery_id)
        except OSError as why:
            unfinished.unlink(missing_ok=True)
            if final.exists():
                return
            raise TemporaryFailure(f"{final.name} cannot be written: {why.strerror or why}.") from why

    def was_delivered(self, delivery_id: str) -> bool:
        """Whether the file is there; a worker that wakes up late would only find it again."""
        return self.path(delivery_id).exists()

    def erase(self, delivery_id: str) -> None:
        """Delete the file, and what an interrupted writing left."""
        self.path(delivery_id).unlink(missing_ok=True)
        self._sweep(delivery_id)

    def _sweep(self, delivery_id: str) -> None:
        """Remove what interrupted attempts left."""
        for path in self._folder.glob(f".{delivery_id}.*.part"):
            path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
