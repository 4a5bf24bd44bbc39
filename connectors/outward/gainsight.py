"""Gainsight: calls to action in Cockpit, told apart by a text field of your own that carries our id.

The Cockpit API makes CTAs (POST /v2/cockpit/cta) and changes those whose Gsid one knows; it has no upsert by a key of
ours. So after an answer that was lost we look for our id (POST /v2/cockpit/cta/list) before we write again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agent.foundation.access import given
from agent.foundation.outward import (
    AnswerLost,
    Outgoing,
    OutwardKind,
    OutwardRecord,
    RecordRefused,
    Target,
    TargetDown,
    Written,
)
from agent.foundation.sections_outward import GainsightTarget
from connectors.outward._http import Http, Reply, address, escaped, shown, trouble

KEY = "GAINSIGHT_ACCESS_KEY"
LIST, CTA = "/v2/cockpit/cta/list", "/v2/cockpit/cta"
LONGEST_NAME, LONGEST_COMMENT = 200, 10_000
MEND = f"put the tenant's access key into {KEY} (Administration > Connectors 2.0 > Gainsight API)"
DUE_IN = timedelta(days=7)


class Gainsight(Target):
    """Writes calls to action to one tenant."""

    name = "gainsight"
    wants = "gainsight"
    settles_in = timedelta(seconds=90)

    def __init__(self, settings: GainsightTarget) -> None:
        self.settings, self.kinds, self.backfill = settings, settings.on, settings.backfill
        self.patience = timedelta(seconds=4 * settings.timeout_seconds)
        self._key = given(KEY)
        self.base_url = address(self.name, settings.base_url, "")
        missing = {"base_url in [targets.gainsight]": not self.base_url, f"{KEY} in .env": not self._key}
        self.lacks = " and ".join(name for name, is_missing in missing.items() if is_missing)
        self._http = Http("Gainsight", settings.timeout_seconds, (self._key,))

    def put(self, outgoing: Outgoing) -> Written:
        """Make the call to action, unless an earlier attempt has."""
        record = outgoing.record
        if outgoing.is_repeat:
            found = self._known(record.our_id)
            if found:
                return Written(found)
        company = outgoing.there.get(self.wants, "")
        if not company:
            raise RecordRefused(
                f"Account {shown(record.account_id)} is no company of Gainsight's that we know; settle it with "
                "`outgrown identities`, then `outgrown targets retry`."
            )
        body: dict[str, Any] = {"requests": [{"record": self._record(record, company)}]}
        if self.settings.owner_email:
            body["lookups"] = {
                "OwnerId": {
                    "fields": {"OwnerEmail": "Email"},
                    "lookupField": "Gsid",
                    "objectName": "gsuser",
                    "multiMatchOption": "FIRSTMATCH",
                    "onNoMatch": "ERROR",
                }
            }
        reply = self._ask(CTA, body)
        data = reply.document.get("data") if isinstance(reply.document, dict) else None
        if not reply.is_good or not isinstance(data, dict):
            raise self._failure(reply)
        their_id = _entry(data.get("success"), record.our_id)
        if their_id:
            return Written(their_id)
        why = _entry(data.get("failure") or data.get("error"), record.our_id)
        if why:
            raise RecordRefused(
                f"Gainsight refuses the call to action ({shown(why)}); mend [targets.gainsight], then "
                "`outgrown targets retry`."
            )
        raise AnswerLost("Gainsight did not say what became of the call to action")

    def look(self) -> str:
        """Whether the key works and the field is there: a search for what is nowhere."""
        self._known("og-nowhere")
        return f"the key works, and Call to Action has {self.settings.id_field}"

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _record(self, record: OutwardRecord, company: str) -> dict[str, str]:
        settings = self.settings
        is_open = record.kind is OutwardKind.READY
        owner = {"OwnerEmail": settings.owner_email} if settings.owner_email else {}
        return {
            "referenceId": record.our_id,
            settings.id_field: record.our_id,
            "Name": record.title[:LONGEST_NAME],
            "CompanyId": company,
            "DueDate": f"{record.at + DUE_IN if is_open else record.at:%Y-%m-%d}",
            "type": settings.type,
            "reason": settings.reason,
            "status": settings.status if is_open else settings.done_status,
            "priority": settings.priority,
            # A rich text field: Gainsight asks whoever writes to it to see that nothing in it is markup.
            "Comments": escaped(record.body[:LONGEST_COMMENT]),
            **owner,
        }

    def _known(self, our_id: str) -> str:
        """What Gainsight calls the call to action with our id; empty where it has none."""
        field = self.settings.id_field
        reply = self._ask(
            LIST,
            {
                "select": ["Gsid", "Name", field],
                "where": {
                    "conditions": [{"fieldName": field, "alias": "A", "value": [our_id], "operator": "EQ"}],
                    "expression": "A",
                },
                "pageSize": 10,
                "pageNumber": 1,
            },
        )
        found = reply.document
        if not reply.is_good or not isinstance(found, dict) or found.get("result") is not True:
            raise self._failure(reply)
        rows = found.get("data")
        if isinstance(rows, dict):
            rows = rows.get("records") or rows.get("data")
        for row in rows or ():
            if isinstance(row, dict) and row.get(field) == our_id:
                return str(row.get("Gsid") or row.get("gsid") or "known")
        return ""

    def _ask(self, path: str, body: dict[str, Any]) -> Reply:
        return self._http.ask("POST", self.base_url + path, headers={"accesskey": self._key}, document=body)

    def _failure(self, reply: Reply) -> Exception:
        found = reply.document if isinstance(reply.document, dict) else {}
        code = shown(str(found.get("errorCode") or ""))
        if found.get("result") is False and reply.status < 429 and reply.status not in (401, 403):
            return TargetDown(
                f"Gainsight refuses what we ask ({code or reply.status}{': ' + reply.says() if reply.says() else ''}); "
                f"see that Call to Action has the text field {self.settings.id_field}."
            )
        if reply.is_good:
            return AnswerLost("Gainsight answered what we do not understand")
        return trouble("Gainsight", reply, MEND)


def _entry(entries: Any, our_id: str) -> str:
    """What a list of answers says of our record: {OUR-ID: what} each, or with names of their own."""
    for one in [entries] if isinstance(entries, dict) else entries or ():
        if not isinstance(one, dict):
            continue
        if our_id in one:
            found = one[our_id]
            return (
                str(found.get("message") or found.get("errorDesc") or found)
                if isinstance(found, dict)
                else str(found)
            )
        if one.get("referenceId") == our_id:
            return str(one.get("Gsid") or one.get("gsid") or one.get("message") or one.get("errorDesc") or "")
    return ""
