"""A stand-in for Gainsight's Cockpit: calls to action that are made, and listed by a condition; no upsert."""

from tests.vendors.outward import Sink
from tests.vendors.server import Refusal

KEY = "gs-access-key"
ENV = {"GAINSIGHT_ACCESS_KEY": KEY}
FIELD = "Outgrown_Id__gc"
STANDARD = {
    "referenceId", "Name", "CompanyId", "DueDate", "type", "reason", "status", "priority", "Comments", "OwnerEmail",
}  # fmt: skip


class Gainsight(Sink):
    """One tenant."""

    def __init__(self):
        super().__init__()
        self.ctas = []
        self.companies = None
        "Known companies' Gsids; None knows every one."
        self.reasons = {"Upsell Opportunity"}
        self.field = FIELD

    def is_write(self, asked):
        return asked.path == "/v2/cockpit/cta"

    def write(self, asked):
        if asked.headers.get("accesskey") != KEY:
            raise Refusal(401, self._envelope(None, "GSAPI_401", "Invalid access key"))
        if asked.path == "/v2/cockpit/cta/list":
            return self._list(asked.json)
        success, failure = [], []
        for request in asked.json["requests"]:
            record = request["record"]
            reference, why = record["referenceId"], self._wrong(record)
            if why:
                failure.append({reference: why})
                continue
            gsid = f"1S01{len(self.ctas):032d}"
            self.ctas.append({**record, "Gsid": gsid})
            success.append({reference: gsid})
        return self._envelope({"success": success, "failure": failure})

    def _wrong(self, record):
        unknown = set(record) - STANDARD - {self.field}
        if unknown:
            return f"COCKPIT_5103: Invalid fields {sorted(unknown)}"
        if not record.get("CompanyId") or (
            self.companies is not None and record["CompanyId"] not in self.companies
        ):
            return "COCKPIT_9700: Missing mandatory fields for create - CompanyId"
        return "" if record["reason"] in self.reasons else f"COCKPIT_9712: Invalid reason {record['reason']}"

    def _list(self, body):
        if not body.get("select"):
            raise Refusal(400, self._envelope(None, "COCKPIT_5101", "Please add fields in the select clause"))
        if set(body["select"]) - {"Gsid", "Name", self.field}:
            raise Refusal(400, self._envelope(None, "COCKPIT_5102", "Invalid fields in the select clause"))
        [condition] = body["where"]["conditions"]
        assert condition["operator"] == "EQ"
        rows = [one for one in self.ctas if one.get(condition["fieldName"]) in condition["value"]]
        start = (body["pageNumber"] - 1) * body["pageSize"]
        return self._envelope(
            [
                {name: one.get(name) for name in body["select"]}
                for one in rows[start : start + body["pageSize"]]
            ]
        )

    def _envelope(self, data, code=None, says=None):
        return {"result": code is None, "errorCode": code, "errorDesc": says, "requestId": "r", "data": data}

    def records(self):
        """Every call to action, by our id."""
        return [one[self.field] for one in self.ctas]

    def workspace(self):
        """The lines of outgrown.toml for it."""
        return f'[targets.gainsight]\non = ["ready", "sent", "outcome"]\nbase_url = "{self.url}"\n'
