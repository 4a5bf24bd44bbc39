"""A workspace that reads one billing vendor's stand-in, through the real path into real facts.

A reading takes a second or more: so tests share one world that is read once, and ask its facts.
"""

import shutil
from datetime import datetime

from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors.sync import fetch, run

COMPANY = (
    '[company]\nname = "Acme"\nproduct = "Acme"\nsender_name = "Dana"\nsender_email = "dana@acme.example"\n'
)


class Facts:
    """Facts to be asked."""

    def __init__(self, file, vendor):
        self.file, self.vendor = file, vendor

    def ask(self, sql):
        """Rows of a query."""
        with open_warehouse(self.file) as warehouse:
            return warehouse.duck.execute(sql).fetchall()

    def one(self, sub, what):
        """Columns of the open period of a subscription."""
        [row] = self.ask(
            f"SELECT {what} FROM subscriptions WHERE subscription_id = '{self.vendor}:{sub['id']}' AND ends_on IS NULL"
        )
        return row

    def ends(self, sub, more=""):
        """When the last period of a subscription, or of one of its further items, ends."""
        name = f"{self.vendor}:{sub['id']}{more}"
        found = self.ask(
            f"SELECT ends_on FROM subscriptions WHERE subscription_id = '{name}' ORDER BY starts_on DESC LIMIT 1"
        )
        return found[0][0]

    def life(self, sub, more=""):
        """(starts, plan, seats, mrr, status) of each period in which one of these differs from the one before."""
        found = []
        for starts, *rest in self.ask(
            "SELECT starts_on, plan_id, seats, mrr_minor, status FROM subscriptions "
            f"WHERE subscription_id = '{self.vendor}:{sub['id']}{more}' ORDER BY starts_on"
        ):
            if not found or found[-1][1:] != tuple(rest):
                found.append((starts, *rest))
        return found

    def plans(self):
        """Plans by id: (name, tier, price, currency, per seat, product, sold)."""
        rows = self.ask(
            "SELECT plan_id, name, tier, price_minor, currency, per_seat, product, sold FROM plans"
        )
        return {row[0]: row[1:] for row in rows}

    def invoice(self, bill):
        """(amount, currency, issued, due, paid, status) of one invoice; None where there is none."""
        found = self.ask(
            "SELECT amount_minor, currency, issued_on, due_on, paid_on, status FROM invoices "
            f"WHERE invoice_id = '{self.vendor}:{bill['id']}'"
        )
        return found[0] if found else None


class Books:
    """A workspace beside a vendor."""

    def __init__(self, folder, vendor, name, more=""):
        """`more` are further lines of the vendor's table in outgrown.toml."""
        self.folder, self.vendor, self.name = folder, vendor, name
        (folder / "outgrown.toml").write_text(COMPANY + vendor.workspace() + more, encoding="utf-8")
        self.landed = None
        self.said = []
        self.copies = 0

    def sync(self, since=None):
        """Sync; the reports by table. The vendor's log of questions begins anew."""
        self.vendor.asked.clear()
        workspace = open_workspace(self.folder)
        self.landed = fetch(workspace, since=since, progress=self.said.append)
        with open_warehouse(workspace.facts_file, write=True) as warehouse:
            reports = run(workspace, warehouse, read_at=datetime(2026, 3, 2, 9), landed=self.landed)
        return {report.table: report for report in reports}

    @property
    def failed(self):
        """Why the reading failed; empty when it went well."""
        return self.landed[0].failed

    @property
    def rejected(self):
        """(table, reason) of the rows that were rejected."""
        return [(table, one.reason) for table, one in self.landed[0].rejected]

    @property
    def facts(self):
        """The facts as they are."""
        return Facts(open_workspace(self.folder).facts_file, self.name)

    def copy(self):
        """The facts as they are now, whatever comes."""
        self.copies += 1
        there = self.folder / f"facts{self.copies}.duckdb"
        shutil.copy(open_workspace(self.folder).facts_file, there)
        return Facts(there, self.name)
