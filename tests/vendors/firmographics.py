"""The three services that sell headcounts, as each answers about a domain; every lookup is counted, for it costs money."""

from tests.vendors.server import Refusal, Vendor

KEY = "firmographics-key-000"
ENV = {"FIRMOGRAPHICS_API_KEY": KEY}


class Firmographics(Vendor):
    """Clearbit, ZoomInfo and People Data Labs on one address, each at its own path; `companies` by domain."""

    ENV = ENV

    def __init__(self, pages=0):
        super().__init__()
        self.companies = {f"company{number}.example": 10 + number for number in range(pages)}
        "How many people work there now; one lookup is one page."
        self.months = {}
        "Counts by month, by domain: People Data Labs alone has them."
        self.pending = set()
        "Domains that Clearbit is still looking up."
        self.credits = None
        "Lookups that are still paid for; None for any number."
        self.looked_up = []

    def workspace(self, service="peopledatalabs", more=""):
        """The lines of outgrown.toml."""
        return f'[connectors.firmographics]\nservice = "{service}"\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n{more}'

    def answer(self, asked):
        """As the service does whose path it is."""
        if asked.path == "/v2/companies/find":
            self._signed(
                asked,
                "authorization",
                f"Bearer {KEY}",
                {"error": {"type": "auth_invalid", "message": "Invalid API key"}},
            )
            return self._clearbit(asked.query["domain"])
        if asked.path == "/v5/company/enrich":
            self._signed(
                asked,
                "x-api-key",
                KEY,
                {"status": 401, "error": {"type": ["authentication_error"], "message": "Invalid API key"}},
            )
            return self._peopledatalabs(asked.query["website"])
        if asked.path == "/gtm/data/v1/companies/enrich":
            self._signed(asked, "authorization", f"Bearer {KEY}", {"errors": [{"title": "Unauthorized"}]})
            return self._zoominfo(asked.json["data"]["attributes"])
        if asked.path.startswith("/own/"):
            return {"size": [{"staff": self._count(asked.path.removeprefix("/own/"))}]}
        raise Refusal(404, {"error": "no such path"})

    def _signed(self, asked, header, wanted, refusal):
        if asked.headers.get(header) != wanted:
            raise Refusal(401, refusal)

    def _count(self, domain):
        if self.credits is not None and self.credits <= 0:
            raise Refusal(
                402,
                {
                    "status": 402,
                    "error": {"type": "payment_required", "message": "Your account has no credits left"},
                },
            )
        self.looked_up.append(domain)
        if domain in self.companies:
            if self.credits is not None:
                self.credits -= 1
            return self.companies[domain]
        return None

    def _clearbit(self, domain):
        if domain in self.pending:
            return 202, {"error": {"type": "queued", "message": "We're looking this up"}}, {}
        count = self._count(domain)
        if count is None:
            raise Refusal(404, {"error": {"type": "unknown_record", "message": "Unknown company."}})
        return {
            "id": "c1",
            "name": "A company",
            "domain": domain,
            "metrics": {"employees": count, "employeesRange": "11-50"},
        }

    def _peopledatalabs(self, website):
        count = self._count(website)
        if count is None:
            raise Refusal(
                404,
                {
                    "status": 404,
                    "error": {"type": "not_found", "message": "No records were found matching your request"},
                },
            )
        return {"status": 200, "likelihood": 9, "name": "a company", "website": website, "size": "11-50", "employee_count": count,
                "employee_count_by_month": self.months.get(website)}  # fmt: skip

    def _zoominfo(self, attributes):
        [company] = attributes["matchCompanyInput"]
        assert "employeeCount" in attributes["outputFields"]
        count = self._count(company["companyWebsite"])
        if count is None:
            return {"data": []}
        found = {"name": "A company", "website": company["companyWebsite"], "employeeCount": count}
        return {
            "data": [
                {
                    "id": "344589814",
                    "type": "Company",
                    "attributes": found,
                    "meta": {"matchStatus": "FULL_MATCH"},
                }
            ]
        }
