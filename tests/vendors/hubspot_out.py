"""A stand-in for HubSpot's CRM as it is written to: properties, batch upsert by a unique one, default associations."""

import re

from tests.vendors.outward import Sink
from tests.vendors.server import Refusal

KEY = "pat-write-token"
ENV = {"HUBSPOT_WRITE_TOKEN": KEY}
MOST = 100
AT = "2026-03-02T09:00:00.000Z"
REQUIRED = {"tasks": {"hs_timestamp"}, "deals": {"dealname", "dealstage"}}
KNOWN = {
    "tasks": {
        "hs_timestamp",
        "hs_task_subject",
        "hs_task_body",
        "hs_task_status",
        "hs_task_type",
        "hubspot_owner_id",
    },
    "deals": {"dealname", "description", "pipeline", "dealstage", "closedate", "amount", "hubspot_owner_id"},
}


def error(category, message):
    """HubSpot's form of an error."""
    return {"status": "error", "message": message, "correlationId": "c", "category": category}


class HubspotOut(Sink):
    """One account."""

    def __init__(self):
        super().__init__()
        self.properties = {"tasks": {}, "deals": {}}
        self.groups = {"tasks": set(), "deals": set()}
        self.objects = {"tasks": {}, "deals": {}}
        "Records by HubSpot's id."
        self.links = set()
        self.companies = None
        "Known companies' ids; None knows every one."
        self.may_make_properties = True
        self.names_ours = True
        "Whether an upsert's answer carries the unique property."
        self.refuses = ""
        "A word that no task's subject may hold."
        self.number = 0

    def is_write(self, asked):
        return asked.path.endswith(("/batch/upsert", "/batch/associate/default"))

    def write(self, asked):
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            raise Refusal(401, error("INVALID_AUTHENTICATION", "Authentication credentials not found"))
        path = asked.path
        if path.startswith("/crm/v3/properties/"):
            return self._properties(asked, path.split("/")[4:])
        if found := re.fullmatch(r"/crm/v3/objects/(\w+)/batch/(upsert|read)", path):
            return getattr(self, f"_{found[2]}")(found[1], asked.json)
        if found := re.fullmatch(r"/crm/v4/associations/(\w+)/companies/batch/associate/default", path):
            return self._associate(found[1], asked.json["inputs"])
        raise Refusal(404, error("OBJECT_NOT_FOUND", path))

    def _properties(self, asked, rest):
        kind = rest[0]
        if asked.method == "GET":
            if rest[1] not in self.properties[kind]:
                raise Refusal(404, error("OBJECT_NOT_FOUND", f"Property {rest[1]} does not exist"))
            return self.properties[kind][rest[1]]
        if not self.may_make_properties:
            raise Refusal(403, error("MISSING_SCOPES", "This app hasn't been granted all required scopes"))
        body = asked.json
        if rest[1:] == ["groups"]:
            if body["name"] in self.groups[kind]:
                raise Refusal(409, error("CONFLICT", "Property group already exists"))
            self.groups[kind].add(body["name"])
            return (
                201,
                {"name": body["name"], "label": body["label"], "archived": False, "displayOrder": -1},
                {},
            )
        if body["groupName"] not in self.groups[kind]:
            raise Refusal(400, error("VALIDATION_ERROR", "no such group"))
        if body["name"] in self.properties[kind]:
            raise Refusal(409, error("CONFLICT", "Property already exists"))
        self.properties[kind][body["name"]] = {
            **body,
            "options": body.get("options") or [],
            "archived": False,
        }
        return 201, self.properties[kind][body["name"]], {}

    def _upsert(self, kind, body):
        inputs = body["inputs"]
        if len(inputs) > MOST:
            raise Refusal(400, error("VALIDATION_ERROR", "too many inputs"))
        for one in inputs:
            unique = self.properties[kind].get(one["idProperty"], {}).get("hasUniqueValue")
            if not unique:
                raise Refusal(400, error("VALIDATION_ERROR", f"{one['idProperty']} is not a unique property"))
            wrong = set(one["properties"]) - KNOWN[kind] or REQUIRED[kind] - set(one["properties"])
            text = one["properties"].get("hs_task_subject", "")
            if wrong or (self.refuses and self.refuses in text):
                raise Refusal(
                    400, error("VALIDATION_ERROR", f"Property values were not valid: {sorted(wrong)}")
                )
        results = []
        for one in reversed(inputs):
            known = next(
                (key for key, value in self.objects[kind].items() if value[one["idProperty"]] == one["id"]),
                None,
            )
            if known is None:
                self.number += 1
                known = str(self.number)
                self.objects[kind][known] = {one["idProperty"]: one["id"]}
                is_new = True
            else:
                is_new = False
            self.objects[kind][known].update(one["properties"])
            shown = dict(self.objects[kind][known]) if self.names_ours else dict(one["properties"])
            results.append(
                {
                    "id": known,
                    "new": is_new,
                    "properties": shown,
                    "createdAt": AT,
                    "updatedAt": AT,
                    "archived": False,
                }
            )
        return self._batch(results)

    def _read(self, kind, body):
        wanted = {one["id"] for one in body["inputs"]}
        rows = [
            {"id": key, "properties": dict(value), "createdAt": AT, "updatedAt": AT, "archived": False}
            for key, value in self.objects[kind].items()
            if value[body["idProperty"]] in wanted
        ]
        return self._batch(rows)

    def _associate(self, kind, inputs):
        gone = [one for one in inputs if self.companies is not None and one["to"]["id"] not in self.companies]
        if gone:
            raise Refusal(404, error("OBJECT_NOT_FOUND", f"No company {gone[0]['to']['id']}"))
        for one in inputs:
            assert one["from"]["id"] in self.objects[kind]
            self.links.add((kind, one["from"]["id"], one["to"]["id"]))
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}
        return self._batch(
            [{"from": one["from"], "to": one["to"], "associationSpec": spec} for one in inputs]
        )

    def _batch(self, results):
        return {"status": "COMPLETE", "results": results, "startedAt": AT, "completedAt": AT}

    def records(self):
        """Every record, by our id."""
        return [one["outgrown_id"] for known in self.objects.values() for one in known.values()]

    def workspace(self):
        """The lines of outgrown.toml for it."""
        return f'[targets.hubspot]\non = ["ready", "sent", "outcome"]\nbase_url = "{self.url}"\n'
