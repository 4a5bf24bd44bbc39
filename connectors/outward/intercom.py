"""Intercom: a note on the company, which carries our id as a word of its text.

There is no upsert of notes. So after an answer that was lost we read the company's notes and look for our id before
we write again. A note is seen by teammates alone, never by the customer.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from agent.foundation.access import given
from agent.foundation.outward import Outgoing, RecordRefused, Target, TargetBusy, Written
from agent.foundation.sections_outward import IntercomTarget
from connectors.outward._http import LONGEST_WAIT, Http, Reply, address, escaped, shown, trouble

KEY, OWN_URL = "INTERCOM_WRITE_TOKEN", "https://api.intercom.io"
VERSION = "2.16"
"The first with notes on companies that we have read the description of."
MOST_PAGES = 40
SLOW = timedelta(minutes=5)
LONGEST = 5000
MEND = f"put a token that may read and write companies into {KEY}"


class Intercom(Target):
    """Writes notes to one workspace."""

    name = "intercom"
    wants = "intercom"
    settles_in = timedelta(seconds=90)

    def __init__(self, settings: IntercomTarget) -> None:
        self.settings, self.kinds, self.backfill = settings, settings.on, settings.backfill
        self.patience = timedelta(seconds=4 * settings.timeout_seconds)
        self._key = given(KEY)
        self.base_url = address(self.name, settings.base_url, OWN_URL)
        self.lacks = "" if self._key else f"{KEY} in .env"
        self._http = Http("Intercom", settings.timeout_seconds, (self._key,))

    def put(self, outgoing: Outgoing) -> Written:
        """Write the note, unless an earlier attempt has."""
        record = outgoing.record
        company = outgoing.there.get(self.wants, "")
        if not company:
            raise RecordRefused(
                f"Account {shown(record.account_id)} is no company of Intercom's that we know; settle it with "
                "`outgrown identities`, then `outgrown targets retry`."
            )
        path = f"/companies/{quote(company, safe='')}/notes"
        if outgoing.is_repeat:
            found = self._known(path, record.our_id)
            if found:
                return Written(found)
        text = escaped(record.body[:LONGEST])
        body = f"<p><b>{escaped(record.title)}</b></p><p>{text}</p><p>Outgrown record: {record.our_id}</p>"
        author = {"admin_id": self.settings.admin_id} if self.settings.admin_id else {}
        reply = self._ask("POST", path, document={"body": body, **author})
        if reply.is_good and isinstance(reply.document, dict) and reply.document.get("id"):
            return Written(str(reply.document["id"]))
        raise self._failure(reply)

    def look(self) -> str:
        """Whom the key belongs to."""
        reply = self._ask("GET", "/me")
        if not reply.is_good or not isinstance(reply.document, dict):
            raise self._failure(reply)
        app = reply.document.get("app")
        name = app.get("name") if isinstance(app, dict) else ""
        return f"the key works{f', for {shown(str(name))}' if name else ''}"

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _known(self, path: str, our_id: str) -> str:
        """The id of the note with our id among its words; empty where the company has none, newest first."""
        page, ours = 1, re.compile(rf"(?<![\w-]){re.escape(our_id)}(?![\w-])")
        until = time.monotonic() + 2 * self.settings.timeout_seconds
        while page <= MOST_PAGES:
            if time.monotonic() > until:
                raise TargetBusy("Intercom takes too long to look through a company's notes.", pause=SLOW)
            reply = self._ask("GET", path, params={"page": str(page), "per_page": "50"})
            found = reply.document
            if not reply.is_good or not isinstance(found, dict):
                raise self._failure(reply)
            for note in found.get("data") or ():
                if ours.search(str(note.get("body") or "")):
                    return str(note.get("id") or "known")
            pages = found.get("pages")
            total = pages.get("total_pages") if isinstance(pages, dict) else None
            if not isinstance(total, int) or page >= total:
                return ""
            page += 1
        # Somebody who writes thousands of notes may have pushed ours out of sight: better none than two.
        raise RecordRefused(
            "Intercom has too many notes on that company to look through; look there for ours."
        )

    def _ask(
        self, method: str, path: str, *, params: dict[str, str] | None = None, document: Any = None
    ) -> Reply:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Intercom-Version": VERSION,
            "Accept": "application/json",
        }
        return self._http.ask(method, self.base_url + path, headers=headers, params=params, document=document)

    def _failure(self, reply: Reply) -> Exception:
        if reply.status == 429:
            return TargetBusy("Intercom asks us to wait (429).", pause=reply.pause or _until(reply))
        if reply.status == 404:
            return RecordRefused(
                f"Intercom does not have that company or that admin ({reply.says() or 404}); sync, or mend admin_id, "
                "then `outgrown targets retry`."
            )
        return trouble("Intercom", reply, MEND)


def _until(reply: Reply) -> timedelta:
    """How long until X-RateLimit-Reset, seconds since 1970; ten seconds, its window, where it says nothing."""
    text = reply.headers.get("x-ratelimit-reset", "")
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        return timedelta(seconds=10)
    moment = datetime.fromtimestamp(int(text), UTC)
    return min(max(moment - datetime.now(UTC), timedelta(seconds=1)), LONGEST_WAIT)
