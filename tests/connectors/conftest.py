"""Workspaces with exports, and the loading of them."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors.sync import run

READ_AT = datetime(2026, 3, 2, 9)
COMPANY = (
    '[company]\nname = "Acme"\nproduct = "Acme"\nsender_name = "Dana"\nsender_email = "dana@acme.example"\n'
)
MINIMUM = {
    "accounts.csv": "account_id,name,created_on\na,Alpha,2026-01-01\nb,Beta,2026-01-01\n",
    "plans.csv": "plan_id,name,tier,price_minor,currency,per_seat\np,Pro,1,4900,EUR,false\n",
    "subscriptions.csv": (
        "subscription_id,account_id,plan_id,mrr_minor,currency,starts_on,status,term\n"
        "s1,a,p,4900,EUR,2026-01-01,active,month\ns2,b,p,4900,EUR,2026-01-01,active,year\n"
    ),
}


class Desk:
    """A workspace one can put files into and sync."""

    def __init__(self, folder):
        self.folder = folder
        self.exports = folder / "exports"
        self.exports.mkdir()
        self.settings()
        for name, text in MINIMUM.items():
            self.put(name, text)

    def settings(self, files=""):
        """Write outgrown.toml; `files` is what stands under [connectors.files]."""
        text = COMPANY + '[connectors.files]\ndir = "exports"\n' + files
        (self.folder / "outgrown.toml").write_text(text, encoding="utf-8")

    def put(self, name, content):
        """Write one export."""
        data = content if isinstance(content, bytes) else content.encode()
        (self.exports / name).write_bytes(data)

    def sync(self, **given):
        """Sync; the reports by table, the last one where a table has several."""
        return {report.table: report for report in self.reports(**given)}

    def reports(self, **given):
        """Sync; all reports."""
        workspace = open_workspace(self.folder)
        with open_warehouse(workspace.facts_file, write=True) as warehouse:
            return run(workspace, warehouse, read_at=READ_AT, **given)

    def ask(self, sql):
        """Rows of a query on the facts."""
        with open_warehouse(open_workspace(self.folder).facts_file) as warehouse:
            return warehouse.duck.execute(sql).fetchall()


@pytest.fixture
def desk(tmp_path):
    """A workspace with the three tables that are always needed."""
    return Desk(tmp_path)


@pytest.fixture(scope="session")
def shared():
    """The folder of data nobody here wrote, where there is one."""
    beside = Path(__file__).parents[2].parent / "shared"
    folder = Path(os.environ.get("OUTGROWN_SHARED", beside))
    if not (folder / "data").is_dir():
        pytest.skip("the shared data is not here; set OUTGROWN_SHARED to its folder")
    return folder
