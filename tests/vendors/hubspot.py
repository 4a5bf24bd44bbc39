"""A stand-in of HubSpot: searches with filters and sorting, associations, pipelines, owners, deleted objects."""

from datetime import UTC, datetime, timedelta

from tests.vendors.server import Refusal, Vendor

TOKEN = "pat-na1-7d2c90"
ENV = {"HUBSPOT_ACCESS_TOKEN": TOKEN}
ALPHA, BETA = 801, 802
CEILING = 10_000


def now():
    """The vendor's clock."""
    found = datetime.now(UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def text(moment):
    """As HubSpot writes a moment."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(value):
    """Of a moment as HubSpot writes it."""
    return round(datetime.fromisoformat(value).timestamp() * 1000)


class HubSpot(Vendor):
    """Two companies, one known by our id and one by its domain; `pages` pages of tickets between them."""

    def __init__(self, pages=0, page=20):
        super().__init__()
        self.page = page
        "Rows to a page, whatever is asked for."
        self.token = TOKEN
        self.slow = 0
        "How many further requests are told to wait a second."
        self.companies, self.tickets, self.associations, self.archived = (
            {},
            {},
            {},
            {"companies": {}, "tickets": {}},
        )
        self.owners = [
            {
                "id": "31",
                "firstName": "Ada",
                "lastName": "Byron",
                "email": "ada@acme.example",
                "archived": False,
            }
        ]
        self.company(ALPHA, name="Alpha", account_id="a", hubspot_owner_id="31")
        self.company(BETA, name="Beta", domain="beta.example")
        # The last row of a page is the first of the next.
        for number in range(pages * (page - 1) + 1 if pages else 0):
            self.ticket(
                2000 + number, company=(ALPHA, BETA)[number % 2], subject=f"Question {number}",
                at=now() - timedelta(days=20) + timedelta(seconds=number),
            )  # fmt: skip

    def workspace(self):
        """The lines of outgrown.toml."""
        return f'[connectors.hubspot]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n'

    def company(self, number, *, at=None, **given):
        """Add or change a company."""
        return self._put(self.companies, number, at or now() - timedelta(days=400), given)

    def ticket(self, number, *, company=ALPHA, at=None, **given):
        """Add or change a ticket; it is its company's primary one."""
        self.associations[number] = [(company, 26)] if isinstance(company, int) else list(company)
        there = {
            "subject": "Help",
            "content": "It does not work.",
            "hs_pipeline": "0",
            "hs_pipeline_stage": "1",
        }
        return self._put(
            self.tickets,
            number,
            at or now() - timedelta(hours=2),
            {**({} if number in self.tickets else there), **given},
        )

    def _put(self, table, number, at, given):
        row = table.setdefault(number, {"createdate": text(at), "hs_object_id": str(number)})
        row.update({"hs_lastmodifieddate": text(at), **given})
        return row

    def delete(self, kind, number, at=None):
        """Delete an object, as its table is called."""
        del getattr(self, kind)[number]
        self.archived[kind][number] = text(at or now())

    def answer(self, asked):
        """Route one request."""
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, _error("INVALID_AUTHENTICATION", "Authentication credentials not found."))
        if self.slow > 0:
            self.slow -= 1
            raise Refusal(429, _error("RATE_LIMITS", "You have reached your secondly limit."), Retry_After=1)
        match (asked.method, *asked.path.strip("/").split("/")):
            case ("POST", "crm", "v3", "objects", ("companies" | "tickets") as kind, "search"):
                return self._search(asked.json, getattr(self, kind))
            case ("GET", "crm", "v3", "objects", ("companies" | "tickets") as kind):
                assert asked.query["archived"] == "true"
                rows = [
                    {"id": str(number), "properties": {}, "archived": True, "archivedAt": at}
                    for number, at in sorted(self.archived[kind].items())
                ]
                return self._listed(rows, asked, 100)
            case ("GET", "crm", "v3", "owners"):
                return self._listed(self.owners, asked, 500)
            case ("GET", "crm", "v3", "pipelines", "tickets"):
                stages = [
                    {"id": "1", "label": "New", "metadata": {"ticketState": "OPEN", "isClosed": "false"}},
                    {"id": "4", "label": "Closed", "metadata": {"ticketState": "CLOSED", "isClosed": "true"}},
                ]
                return {"results": [{"id": "0", "label": "Support", "stages": stages}]}
            case ("POST", "crm", "v4", "associations", "tickets", "companies", "batch", "read"):
                return self._associated([int(one["id"]) for one in asked.json["inputs"]])
        raise Refusal(404, _error("OBJECT_NOT_FOUND", "resource not found"))

    def _listed(self, rows, asked, most):
        first, size = int(asked.query.get("after", 0)), min(int(asked.query["limit"]), self.page)
        assert int(asked.query["limit"]) <= most
        return {"results": rows[first : first + size]} | _following(first + size, len(rows))

    def _associated(self, numbers):
        assert len(numbers) <= 1000
        found = [
            {
                "from": {"id": str(number)},
                "to": [
                    {
                        "toObjectId": to,
                        "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": kind, "label": None}],
                    }
                    for to, kind in self.associations[number]
                ],
            }
            for number in numbers
            if self.associations.get(number)
        ]
        lacking = [number for number in numbers if not self.associations.get(number)]
        if not lacking:
            return {"status": "COMPLETE", "results": found}
        errors = [
            {
                "status": "error",
                "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                "context": {"fromObjectId": lacking},
            }
        ]
        return 207, {"status": "COMPLETE", "results": found, "numErrors": len(errors), "errors": errors}, {}

    def _search(self, body, table):
        limit = body.get("limit", 10)
        assert limit <= 200
        assert len(body.get("sorts", ())) <= 1
        rows = list(table.values())
        for group in body.get("filterGroups", ())[:1]:
            rows = [row for row in rows if all(_fits(row, one) for one in group["filters"])]
        for sort in body.get("sorts", ()):
            rows.sort(key=lambda row, by=sort["propertyName"]: _value(row, by))
        first, size = int(body.get("after", 0)), min(limit, self.page)
        if first + size > CEILING:
            raise Refusal(400, _error("VALIDATION_ERROR", "The limit on total results is 10,000"))
        names = {"hs_object_id", "createdate", "hs_lastmodifieddate", *body.get("properties", ())}
        results = [
            {
                "id": row["hs_object_id"], "properties": {name: row.get(name) for name in sorted(names)},
                "createdAt": row["createdate"], "updatedAt": row["hs_lastmodifieddate"], "archived": False,
            }
            for row in rows[first : first + size]
        ]  # fmt: skip
        return {"total": len(rows), "results": results} | _following(first + size, len(rows))


def _following(after, total):
    return (
        {"paging": {"next": {"after": str(after), "link": "https://elsewhere.example/"}}}
        if after < total
        else {}
    )


def _value(row, name):
    value = row.get(name)
    return int(value) if name == "hs_object_id" else milliseconds(value) if "date" in name else value


def _fits(row, one):
    there, value = _value(row, one["propertyName"]), int(one["value"])
    return {"GTE": there >= value, "GT": there > value, "EQ": there == value}[one["operator"]]


def _error(category, message):
    return {"status": "error", "message": message, "correlationId": "c1", "category": category}
