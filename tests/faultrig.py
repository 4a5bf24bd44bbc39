"""A vendor's stand-in behind a fault proxy, and workspaces that are synced through it."""

import hashlib
import importlib
import inspect
import os
import shutil
from datetime import date, datetime
from pathlib import Path

from agent.facts.door import add_facts
from agent.facts.tables import TABLES, Account, Plan
from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors import VENDORS, sync
from connectors._landing import Landing
from tests.connectors.conftest import COMPANY
from tests.faultproxy import FaultProxy
from tests.vendors import server
from tests.vendors.small import SMALL, SmallServer

READ_AT = datetime(2026, 3, 2, 9)


def stand_in_of(name):
    """The stand-in's class for a vendor that is asked page by page, or None."""
    if name == "small":
        return SmallServer
    try:
        module = importlib.import_module(f"tests.vendors.{name}")
    except ImportError:
        return None
    for found in vars(module).values():
        is_ours = (
            inspect.isclass(found)
            and issubclass(found, server.Vendor)
            and found.__module__ == module.__name__
        )
        if is_ours and "pages" in inspect.signature(found).parameters and hasattr(found, "workspace"):
            return found
    return None


def names_with_stand_ins():
    """Every vendor that can be tried here, the smallest first."""
    return ["small", *(name for name in VENDORS if stand_in_of(name) is not None)]


def env_of(name):
    """The fake keys of a stand-in."""
    found = stand_in_of(name)
    return dict(getattr(found, "ENV", None) or importlib.import_module(f"tests.vendors.{name}").ENV)


class Rig:
    """One vendor with its stand-in and proxy, and as many workspaces as are wanted."""

    def __init__(self, name, folder, pages=30, stand_in=None):
        self.name, self.folder = name, Path(folder)
        self.stand_in = stand_in or stand_in_of(name)(pages=pages)
        self.proxy = FaultProxy(self.stand_in.url)
        self._made = 0

    def __enter__(self):
        self.stand_in.__enter__()
        self.proxy.__enter__()
        return self

    def __exit__(self, *error):
        self.proxy.__exit__(*error)
        self.stand_in.__exit__(*error)

    def desk(self):
        """A fresh workspace, with two accounts."""
        self._made += 1
        folder = self.folder / f"desk{self._made}"
        folder.mkdir(parents=True)
        (folder / "outgrown.toml").write_text(COMPANY + self.stand_in.workspace(), encoding="utf-8")
        template = self.folder / "facts.duckdb"
        workspace = open_workspace(folder)
        if not template.exists():
            with open_warehouse(template, write=True) as warehouse:
                add_facts(warehouse, [*ACCOUNTS, *(account_of(domain) for domain in self.domains)])
        workspace.facts_file.parent.mkdir(exist_ok=True)
        shutil.copy(template, workspace.facts_file)
        if self.domains:
            Landing(workspace, self.name).keep_domains(self.domains)
        return workspace

    @property
    def domains(self):
        """The domains of accounts that a vendor is asked about, one by one; none for most vendors."""
        vendor = VENDORS.get(self.name)
        return list(self.stand_in.companies) if vendor is not None and vendor.asks_about_domains else []

    def sync(self, workspace):
        """One sync; what came of the reading."""
        [landed] = sync.fetch(workspace, [self.name])
        self.enter(workspace, [landed])
        return landed

    def enter(self, workspace, landed):
        """What landed goes into the facts."""
        with open_warehouse(workspace.facts_file, write=True) as warehouse:
            return sync.run(workspace, warehouse, [self.name], read_at=READ_AT, landed=landed)


ACCOUNTS = [
    Account(account_id="a", name="Alpha", created_on=date(2024, 1, 1), domain="alpha.example"),
    Account(account_id="b", name="Beta", created_on=date(2024, 1, 1), domain="beta.example"),
    Plan(plan_id="p", name="Pro", tier=1, price_minor=4900, currency="EUR", per_seat=False),
]


def account_of(domain):
    """An account that goes by a domain."""
    return Account(account_id=domain, name=domain, created_on=date(2024, 1, 1), domain=domain)


def dump(workspace):
    """Every canonical table as a hash of its rows in order."""
    with open_warehouse(workspace.facts_file) as warehouse:
        return {
            table: (len(rows), hashlib.sha256(repr(rows).encode()).hexdigest())
            for table in TABLES
            for rows in [warehouse.duck.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()]
        }


def use(monkeypatch, rig):
    """The environment in which the vendor is asked through the proxy, and nobody waits for long."""
    import tenacity.nap

    from connectors import _api

    monkeypatch.setitem(VENDORS, "small", SMALL)
    for name, value in env_of(rig.name).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(f"OUTGROWN_{rig.name.upper()}_URL", rig.proxy.url)
    monkeypatch.setattr(_api, "BACKOFF", 0.0)
    monkeypatch.setattr(_api, "TIMEOUT", (5.0, 0.2))
    waited = []
    monkeypatch.setattr(tenacity.nap, "time", type("Clock", (), {"sleep": staticmethod(waited.append)}))
    return waited


IS_THOROUGH = bool(os.environ.get("OUTGROWN_ALL_FAULTS"))
