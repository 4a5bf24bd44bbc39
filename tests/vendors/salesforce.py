"""A stand-in for Salesforce: OAuth client credentials, describe, and upsert by an external id that may be missing."""

import json
from urllib.parse import parse_qs, unquote

from tests.vendors.outward import Sink
from tests.vendors.server import Refusal

ENV = {"SALESFORCE_WRITE_CLIENT_ID": "client", "SALESFORCE_WRITE_CLIENT_SECRET": "sf-secret"}
FIELDS = {
    "Task": {"Subject", "Description", "ActivityDate", "Status", "Priority", "WhatId", "OwnerId"},
    "Opportunity": {
        "Name",
        "Description",
        "CloseDate",
        "StageName",
        "Amount",
        "AccountId",
        "OwnerId",
        "CurrencyIsoCode",
    },
}
LONGEST = {"Subject": 255, "Name": 120, "Description": 32_000}


class Salesforce(Sink):
    """One org."""

    def __init__(self):
        super().__init__()
        self.tokens = 0
        self.valid = set()
        self.id_field = "Outgrown_Id__c"
        self.unique = True
        self.sobjects = {"Task": {}, "Opportunity": {}}
        "Records by our id."

    def is_write(self, asked):
        return asked.method == "PATCH"

    def write(self, asked):
        if asked.path == "/services/oauth2/token":
            return self._token(parse_qs(asked.body.decode()))
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            raise Refusal(401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
        parts = [unquote(part) for part in asked.target.split("/")]
        assert parts[1:3] == ["services", "data"]
        assert parts[4] == "sobjects"
        if parts[-1] == "describe":
            names = sorted(FIELDS[parts[5]])
            own = (
                [{"name": self.id_field, "externalId": True, "unique": self.unique}] if self.id_field else []
            )
            return {"fields": [{"name": name, "externalId": False, "unique": False} for name in names] + own}
        kind, field, our_id = parts[5:8]
        if field != self.id_field:
            message = f"Provided external ID field does not exist or is not accessible: {field}"
            raise Refusal(404, [{"message": message, "errorCode": "NOT_FOUND"}])
        return self._upsert(kind, our_id, asked.json)

    def _token(self, form):
        given = {name: values[0] for name, values in form.items()}
        if given != {"grant_type": "client_credentials", "client_id": "client", "client_secret": "sf-secret"}:
            raise Refusal(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
        self.tokens += 1
        token = f"00D-token-{self.tokens}"
        self.valid.add(token)
        return {"access_token": token, "instance_url": self.url, "token_type": "Bearer"}

    def _upsert(self, kind, our_id, fields):
        unknown = set(fields) - FIELDS[kind]
        if unknown:
            raise Refusal(400, [{"message": f"No such column {unknown}", "errorCode": "INVALID_FIELD"}])
        for name, longest in LONGEST.items():
            if len(fields.get(name, "")) > longest:
                raise Refusal(
                    400, [{"message": f"{name}: data value too large", "errorCode": "STRING_TOO_LONG"}]
                )
        if any(not fields.get(name, "x") for name in ("WhatId", "AccountId")):
            raise Refusal(400, [{"message": "malformed id", "errorCode": "MALFORMED_ID"}])
        known = self.sobjects[kind]
        if our_id in known:
            known[our_id]["fields"].update(fields)
            return 200, {"id": known[our_id]["id"], "success": True, "errors": [], "created": False}, {}
        number = f"{'00T' if kind == 'Task' else '006'}{len(known) + 1:015d}"
        known[our_id] = {"id": number, "fields": json.loads(json.dumps(fields))}
        return 201, {"id": number, "success": True, "errors": [], "created": True}, {}

    def records(self):
        """Every record, by our id."""
        return [our_id for known in self.sobjects.values() for our_id in known]

    def workspace(self):
        """The lines of outgrown.toml for it."""
        return f'[targets.salesforce]\non = ["ready", "sent", "outcome"]\nbase_url = "{self.url}"\n'
