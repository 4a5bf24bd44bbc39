"""Salesforce: tasks on the account, or closed opportunities, upserted by an external id of ours.

PATCH /sobjects/Task/Outgrown_Id__c/ID makes the record or changes the one that has that id, however often it is told.
Without the field the org answers NOT_FOUND, and nothing is told until somebody has made it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from agent.foundation.access import given
from agent.foundation.outward import (
    AnswerLost,
    Outgoing,
    OutwardKind,
    OutwardRecord,
    OutwardResult,
    RecordRefused,
    Target,
    TargetBusy,
    TargetDown,
    Written,
)
from agent.foundation.sections_outward import SalesforceTarget
from connectors.outward._http import Http, Reply, address, trouble

TOKEN = "SALESFORCE_WRITE_TOKEN"  # noqa: S105 - the name of a variable
CLIENT, CLIENT_SECRET = "SALESFORCE_WRITE_CLIENT_ID", "SALESFORCE_WRITE_CLIENT_SECRET"
LONGEST = {"Subject": 255, "Name": 120, "Description": 32_000}
LATER = {"UNABLE_TO_LOCK_ROW", "CONCURRENT_REQUESTS_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE"}
TOMORROW = timedelta(hours=1)
"Until the org's daily requests may be counted anew."
RIGHTS = (
    "let the connected app's user read accounts and create and edit tasks (and opportunities), with access to the "
    "field Outgrown_Id__c"
)


class Salesforce(Target):
    """Writes tasks and opportunities to one org."""

    name = "salesforce"
    wants = "salesforce"

    def __init__(self, settings: SalesforceTarget) -> None:
        self.settings, self.kinds, self.backfill = settings, settings.on, settings.backfill
        self.patience = timedelta(seconds=4 * settings.timeout_seconds)
        self._token, self._client, self._secret = given(TOKEN), given(CLIENT), given(CLIENT_SECRET)
        self.base_url = address(self.name, settings.base_url, "")
        missing = {
            "base_url in [targets.salesforce]": not self.base_url,
            f"{CLIENT} and {CLIENT_SECRET} in .env (or {TOKEN})": not (
                self._token or (self._client and self._secret)
            ),
        }
        self.lacks = " and ".join(name for name, is_missing in missing.items() if is_missing)
        self._http = Http("Salesforce", settings.timeout_seconds, (self._token, self._secret))
        self._access = ""

    def put(self, outgoing: Outgoing) -> Written:
        """Upsert the record by our id."""
        record = outgoing.record
        kind, fields = self._fields(record, outgoing.there.get(self.wants, ""))
        path = f"sobjects/{kind}/{self.settings.id_field}/{quote(record.our_id, safe='')}"
        reply = self._ask("PATCH", path, fields)
        if reply.status in (200, 201) and isinstance(reply.document, dict):
            return Written(str(reply.document.get("id") or ""))
        if reply.status == 204:
            # Versions before 46.0 say no more of a record that was there.
            return Written("")
        raise self._failure(reply, kind)

    def look(self) -> str:
        """Whether the key works and the field is there, unique and an external id."""
        for kind in self._kinds():
            reply = self._ask("GET", f"sobjects/{kind}/describe", None)
            if not reply.is_good or not isinstance(reply.document, dict):
                raise self._failure(reply, kind)
            fields = {one.get("name"): one for one in reply.document.get("fields", [])}
            found = fields.get(self.settings.id_field)
            if found is None:
                raise TargetDown(self._no_field(kind))
            if not found.get("externalId") or not found.get("unique"):
                raise TargetDown(
                    f"Salesforce: {self.settings.id_field} on {kind} is not both External ID and Unique; tick both."
                )
        return f"the key works, and {' and '.join(self._kinds())} have {self.settings.id_field}"

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _kinds(self) -> tuple[str, ...]:
        return ("Task", "Opportunity") if self.settings.outcomes_as == "deal" else ("Task",)

    def _fields(self, record: OutwardRecord, account: str) -> tuple[str, dict[str, Any]]:
        settings = self.settings
        day = f"{record.at:%Y-%m-%d}"
        owner = {"OwnerId": settings.owner_id} if settings.owner_id else {}
        if (
            settings.outcomes_as == "deal"
            and record.kind is OutwardKind.OUTCOME
            and record.result is not OutwardResult.OPEN
        ):
            is_won = record.result is OutwardResult.WON
            fields = {
                "Name": record.title[: LONGEST["Name"]],
                "Description": record.body[: LONGEST["Description"]],
                "CloseDate": day,
                "StageName": settings.won_stage if is_won else settings.lost_stage,
                **owner,
            }
            if record.amount is not None and (
                settings.multi_currency or record.currency == settings.currency
            ):
                fields["Amount"] = record.amount
            if record.amount is not None and settings.multi_currency:
                fields["CurrencyIsoCode"] = record.currency or ""
            return "Opportunity", fields | ({"AccountId": account} if account else {})
        is_open = record.kind is OutwardKind.READY
        fields = {
            "Subject": record.title[: LONGEST["Subject"]],
            "Description": record.body[: LONGEST["Description"]],
            "ActivityDate": day,
            "Status": "Not Started" if is_open else "Completed",
            "Priority": "Normal",
            **owner,
        }
        return "Task", fields | ({"WhatId": account} if account else {})

    def _ask(self, method: str, path: str, fields: dict[str, Any] | None) -> Reply:
        """Ask with an access token, a new one where the old one has run out."""
        url = f"{self.base_url}/services/data/v{self.settings.version}/{path}"
        fresh = not self._access
        reply = self._http.ask(method, url, headers=self._bearer(), document=fields)
        if reply.status == 401 and not self._token and not fresh:
            self._access = ""
            reply = self._http.ask(method, url, headers=self._bearer(), document=fields)
        return reply

    def _bearer(self) -> dict[str, str]:
        if not self._access:
            self._access = self._token or self._new_token()
        return {"Authorization": f"Bearer {self._access}", "Accept": "application/json"}

    def _new_token(self) -> str:
        """An access token by the OAuth client credentials flow; asking for one writes nothing."""
        form = {"grant_type": "client_credentials", "client_id": self._client, "client_secret": self._secret}
        try:
            reply = self._http.ask("POST", f"{self.base_url}/services/oauth2/token", form=form)
        except AnswerLost as why:
            raise TargetDown(str(why), pause=timedelta(minutes=1)) from None
        found = reply.document.get("access_token") if isinstance(reply.document, dict) else None
        if reply.is_good and isinstance(found, str) and found:
            return found
        if reply.status == 429 or reply.status >= 500:
            raise TargetBusy(
                f"Salesforce gives out no token now ({reply.status}).", pause=timedelta(minutes=1)
            )
        raise TargetDown(
            f"Salesforce does not take {CLIENT} and {CLIENT_SECRET} ({reply.status}"
            f"{': ' + reply.says() if reply.says() else ''}); mend them, and switch on the client credentials flow."
        )

    def _failure(self, reply: Reply, kind: str) -> Exception:
        errors = reply.document if isinstance(reply.document, list) else []
        codes = {str(one.get("errorCode")) for one in errors if isinstance(one, dict)}
        if reply.status == 300:
            return RecordRefused(
                f"Salesforce has several {kind} records of that {self.settings.id_field}; make the field unique there."
            )
        if reply.status in (400, 404) and codes & {"NOT_FOUND", "INVALID_FIELD", "INVALID_TYPE"}:
            return TargetDown(f"{self._no_field(kind)} ({reply.says()})")
        if "REQUEST_LIMIT_EXCEEDED" in codes:
            return TargetBusy("Salesforce has had the org's requests for today.", pause=TOMORROW)
        if reply.status in (400, 403, 503) and codes & LATER:
            pause = reply.pause or timedelta(seconds=5)
            return TargetBusy(f"Salesforce asks us to wait ({reply.says()}).", pause=pause)
        return trouble("Salesforce", reply, RIGHTS)

    def _no_field(self, kind: str) -> str:
        where = "Activity" if kind == "Task" else kind
        return (
            f"Salesforce has no field {self.settings.id_field} on {where} that we may use; make one (Text 60, External "
            "ID, Unique) and give the user access to it"
        )
