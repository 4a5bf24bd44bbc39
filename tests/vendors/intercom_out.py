"""A stand-in for Intercom's notes on companies (description 2.16): written, listed newest first, never upserted."""

import html
import re
from urllib.parse import unquote

from tests.vendors.outward import Sink
from tests.vendors.server import Refusal

KEY = "ic-write-token"
ENV = {"INTERCOM_WRITE_TOKEN": KEY}


class IntercomNotes(Sink):
    """One workspace."""

    def __init__(self):
        super().__init__()
        self.notes = []
        self.companies = None
        "Known companies' ids; None knows every one."

    def is_write(self, asked):
        return asked.method == "POST"

    def write(self, asked):
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            raise Refusal(
                401,
                {
                    "type": "error.list",
                    "errors": [{"code": "unauthorized", "message": "Access Token Invalid"}],
                },
            )
        assert asked.headers.get("intercom-version") == "2.16"
        if asked.path == "/me":
            return {"type": "admin", "id": "1", "app": {"type": "app", "name": "Docs"}}
        found = re.fullmatch(r"/companies/([^/]+)/notes", asked.path)
        company = unquote(found[1]) if found else None
        if company is None or (self.companies is not None and company not in self.companies):
            message = {"code": "company_not_found", "message": "Company Not Found"}
            raise Refusal(404, {"type": "error.list", "errors": [message]})
        if asked.method == "POST":
            note = {
                "type": "note",
                "id": str(len(self.notes) + 1),
                "company": {"type": "company", "id": company},
                "body": asked.json["body"],
                "admin_id": asked.json.get("admin_id"),
            }
            self.notes.append(note)
            return note
        mine = [one for one in reversed(self.notes) if one["company"]["id"] == company]
        page, size = int(asked.query.get("page", 1)), int(asked.query.get("per_page", 50))
        total = -(-len(mine) // size)
        return {
            "type": "list",
            "data": mine[(page - 1) * size : page * size],
            "total_count": len(mine),
            "pages": {"type": "pages", "next": None, "page": page, "per_page": size, "total_pages": total},
        }

    def records(self):
        """Every note of ours, by our id."""
        found = [
            re.search(r"Outgrown record: (og-[a-z0-9-]+)", html.unescape(one["body"])) for one in self.notes
        ]
        return [one[1] for one in found if one]

    def workspace(self):
        """The lines of outgrown.toml for it."""
        return f'[targets.intercom]\non = ["ready", "sent", "outcome"]\nbase_url = "{self.url}"\n'
