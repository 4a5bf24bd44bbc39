"""A sync: every configured source pulled, and its facts taken through the door.

First the vendors are read, each into its own landing file: that takes as long as their limits make it, and the facts
stay free for others meanwhile. Then the facts are opened, and what landed goes in, one transaction a source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime, time
from functools import partial
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

from agent.facts.door import ALWAYS_ALLOWED, load, nothing_new, transaction
from agent.facts.identities import How, Identity, Matching, company_domain, match
from agent.facts.identity_store import keep_doubts, keep_identities, known_accounts, taken_before
from agent.facts.schema import create_tables
from agent.facts.staged import TableReport
from agent.facts.version import raise_version
from agent.foundation.errors import ConfigError, InputError, OutgrownError, UsageError
from connectors import BUILT_IN, VENDORS, _settled
from connectors._landing import Landed, Landing
from connectors._staging import FACTS
from connectors._words import advice

if TYPE_CHECKING:
    from agent.foundation.settings import Settings, Workspace
    from agent.foundation.warehouse import Warehouse
    from connectors._vendor import Source, Vendor

Progress = Callable[[str], None]
AT_ONCE = 6
"How many vendors are read side by side."
NOTHING = "No source is configured; add [connectors.files] with dir to outgrown.toml, or run `outgrown connect NAME`."


def run(
    workspace: Workspace,
    warehouse: Warehouse,
    names: Sequence[str] = (),
    since: date | None = None,
    *,
    read_at: datetime,
    progress: Progress = lambda _: None,
    landed: Sequence[Landed] | None = None,
) -> list[TableReport]:
    """Pull the sources called `names` (none: all that are configured) and load what they give.

    `landed` is what `fetch` answered, where the vendors were read before. `progress` is told one sentence per step.
    Each source is one transaction.

    Raises UsageError for an unknown name, ConfigError when nothing is configured, InputError and
    TooManyRejected for what cannot be read, once all the other sources are in.
    """
    files, _ = chosen(workspace.settings, names)
    fetched = fetch(workspace, names, since, progress) if landed is None else landed
    reports: list[TableReport] = []
    bad: list[InputError] = []
    for connector in files:
        progress(f"reading {connector.name}")
        try:
            staged = connector.pull(workspace, warehouse.duck, since)
            if not staged:
                continue
            tables = ", ".join(dict.fromkeys(part.table for part in staged))
            progress(f"loading {tables} from {connector.name}")
            reports += load(
                warehouse,
                connector.name,
                staged,
                read_at=read_at,
                max_rejected=connector.max_rejected(workspace.settings),
            )
        except InputError as error:
            bad.append(error)
    if configured(workspace.settings):
        reports += _enter(workspace, warehouse, fetched, read_at=read_at, progress=progress, bad=bad)
    if len(bad) == 1:
        raise bad[0]
    if bad:
        raise InputError(" ".join(str(error) for error in bad))
    return reports


def fetch(
    workspace: Workspace,
    names: Sequence[str] = (),
    since: date | None = None,
    progress: Progress = lambda _: None,
) -> list[Landed]:
    """Read the chosen vendors into their landing files; one that fails says so and stops no other.

    Raises UsageError for an unknown name and ConfigError when nothing is configured.
    """
    from connectors._api import keys_of
    from connectors._landing import parts

    _, vendors = chosen(workspace.settings, names)
    moment = datetime.combine(since, time()) if since else None
    given = [(vendor, keys_of(vendor, workspace)) for vendor in vendors]
    if given:
        parts()
    if len(given) < 2:
        return [_fetch(workspace, vendor, keys, moment, progress) for vendor, keys in given]
    # Side by side: most of the time each of them waits for its own vendor.
    found: dict[str, Landed | BaseException] = {}
    waiting: Queue[tuple[Vendor, dict[str, str]]] = Queue()
    for pair in given:
        waiting.put(pair)

    def work() -> None:
        while True:
            try:
                vendor, keys = waiting.get_nowait()
            except Empty:
                return
            try:
                found[vendor.name] = _fetch(workspace, vendor, keys, moment, progress)
            except BaseException as error:
                found[vendor.name] = error

    # Whoever stops the command does not wait for the vendors.
    workers = [Thread(target=work, daemon=True) for _ in range(min(AT_ONCE, len(given)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    landed = [found[vendor.name] for vendor in vendors]
    for one in landed:
        if isinstance(one, BaseException):
            raise one
    return [one for one in landed if isinstance(one, Landed)]


def _fetch(
    workspace: Workspace,
    vendor: Vendor,
    keys: Mapping[str, str],
    since: datetime | None,
    progress: Progress,
) -> Landed:
    from connectors._api import Api

    landing = Landing(workspace, vendor.name)
    section = section_of(vendor, workspace.settings)
    try:
        with landing.reading(progress):
            progress(f"reading {vendor.name}")
            found = landing.pull(
                vendor,
                section,
                lambda kept: Api(
                    vendor,
                    section,
                    keys,
                    kept=kept,
                    inbox=landing.inbox,
                    landed=landing.ask,
                    domains=landing.domains,
                    folder=workspace.folder,
                ),
                since,
                progress,
            )
    except ConfigError:
        raise
    except OutgrownError as error:
        found = Landed(vendor.name, 0, (), 0.0, 0, failed=str(error))
    if found.failed:
        progress(f"{vendor.name}: {found.failed}")
    else:
        rate = found.rows / found.seconds if found.seconds else 0.0
        progress(
            f"{vendor.name}: {found.rows:,} rows in {found.seconds:.1f} s ({rate:,.0f} a second, "
            f"{found.requests} requests){', went on where it had stopped' if found.resumed else ''}"
        )
    return found


def _enter(
    workspace: Workspace,
    warehouse: Warehouse,
    fetched: Sequence[Landed],
    *,
    read_at: datetime,
    progress: Progress,
    bad: list[InputError] | None = None,
) -> list[TableReport]:
    """Take what landed into the facts: match records to accounts, then load each vendor that was read well.

    What cannot be loaded is added to `bad`, or raised where there is no such list.
    """
    from connectors._staging import Stage

    duck = warehouse.duck
    create_tables(duck)
    well = {one.vendor: one for one in fetched if not one.failed}
    reports: list[TableReport] = []
    with ExitStack() as open_:
        stages: dict[str, Stage] = {}
        for vendor in configured(workspace.settings):
            _never_read(duck, vendor, fetched)
            landing = Landing(workspace, vendor.name)
            if landing.file.is_file():
                open_.enter_context(landing.file_alone())
                stage = open_.enter_context(Stage(duck, vendor, landing).open())
                # One without places has never been read to the end.
                if stage.listed:
                    stages[vendor.name] = stage
        before = taken_before(duck)
        # Whoever carries our own ids comes first: its accounts are there when the others look for theirs.
        ours = {name: stage for name, stage in stages.items() if stage.vendor.own_ids}
        for group in (ours, {name: stage for name, stage in stages.items() if name not in ours}):
            matching = _match(workspace, duck, stages, before)
            for name, stage in group.items():
                if name not in well:
                    continue
                progress(f"loading {name}")
                try:
                    reports += _enter_one(
                        warehouse,
                        stage,
                        section_of(stage.vendor, workspace.settings),
                        matching,
                        before,
                        well[name],
                        read_at,
                    )
                except InputError as error:
                    if bad is None:
                        raise
                    bad.append(error)
        _tell_doubts(duck, matching)
    for vendor in configured(workspace.settings):
        if vendor.asks_about_domains:
            Landing(workspace, vendor.name).keep_domains(_domains(duck))
    return reports


def _enter_one(
    warehouse: Warehouse,
    stage: Any,
    section: Source,
    matching: Matching,
    before: Mapping[tuple[str, str], Identity],
    landed: Landed,
    read_at: datetime,
) -> list[TableReport]:
    """Load one vendor, in one transaction."""
    duck, name = warehouse.duck, stage.vendor.name
    [[taken]] = duck.execute(
        "SELECT coalesce(max(pulled), 0) FROM landings WHERE source = ?", [name]
    ).fetchall()
    found = [one for one in matching.identities if one.record.source == name]
    was = {key[1]: one for key, one in before.items() if key[0] == name}
    is_same = was == {one.record.record_id: one for one in found}
    if is_same and stage.pulled() == taken and not landed.rejected and not landed.notes:
        return nothing_new(warehouse, name, stage.tables, read_at)
    stage.prepare(found, _changed(found, was), taken)
    rejected: dict[str, list[Any]] = {}
    for table, one in landed.rejected:
        rejected.setdefault(table, []).append(one)
    return load(
        warehouse,
        name,
        stage.staged(rejected, landed.notes),
        read_at=read_at,
        max_rejected=section.max_rejected,
        # Whether these are too many was asked before anything landed.
        always_allowed=ALWAYS_ALLOWED + len(landed.rejected),
        first=partial(_keep, stage=stage, name=name, matching=matching),
    )


def _domains(duck: Any) -> list[str]:
    """The domains that paying accounts go by."""
    found = duck.execute("SELECT domain, contact_email FROM accounts WHERE NOT is_test").fetchall()
    return [known for domain, email in found if (known := company_domain(domain, email))]


def forget(workspace: Workspace, warehouse: Warehouse, account_id: str) -> int:
    """Delete what vendors have landed of an account, and the answers kept of unfinished readings; how many rows went.

    A later sync brings back what the vendor still holds: erase there too.
    """
    create_tables(warehouse.duck)
    found = warehouse.duck.execute(
        "SELECT source, record_id FROM identities WHERE account_id = ?", [account_id]
    ).fetchall()
    gone = 0
    for vendor in VENDORS.values():
        landing = Landing(workspace, vendor.name)
        records = [record for source, record in found if source == vendor.name]
        if vendor.own_ids:
            records = [account_id]
        if records and landing.file.is_file():
            gone += landing.forget(records)
    warehouse.duck.execute("DELETE FROM identities WHERE account_id = ?", [account_id])
    warehouse.duck.execute("DELETE FROM identity_doubts WHERE account_id = ?", [account_id])
    return gone


def rematch(workspace: Workspace, warehouse: Warehouse) -> list[TableReport]:
    """Match what has landed anew, after the founder has settled something; nothing is read, nothing grows fresher."""
    duck = warehouse.duck
    create_tables(duck)
    reads = dict(duck.execute("SELECT source, max(read_at) FROM source_reads GROUP BY source").fetchall())
    reports: list[TableReport] = []
    for vendor in configured(workspace.settings):
        if (read_at := reads.get(vendor.name)) is not None:
            landed = [Landed(vendor.name, 0, (), 0.0, 0)]
            reports += _enter(workspace, warehouse, landed, read_at=read_at, progress=lambda _: None)
    return reports


def _never_read(duck: Any, vendor: Vendor, fetched: Sequence[Landed]) -> None:
    """Keep that a vendor was asked and never yet answered: what rests on it is held."""
    failed = any(one.failed for one in fetched if one.vendor == vendor.name)
    [[known]] = duck.execute("SELECT count(*) FROM source_reads WHERE source = ?", [vendor.name]).fetchall()
    if failed and not known:
        tables = [
            FACTS.get(table, table) for table in vendor.tables if table != "records" or vendor.gives_accounts
        ]
        duck.executemany(
            "INSERT INTO source_reads VALUES (?, ?, NULL, 0, 0, 0, 0)",
            [(vendor.name, table) for table in tables],
        )


def _keep(duck: Any, stage: Any, name: str, matching: Matching) -> int:
    """What is written with a vendor's rows, in their transaction."""
    gone: int = stage.withdraw()
    keep_identities(duck, name, matching)
    duck.execute("DELETE FROM landings WHERE source = ?", [name])
    duck.execute("INSERT INTO landings VALUES (?, ?)", [name, stage.pulled()])
    return gone


def _tell_doubts(duck: Any, matching: Matching) -> None:
    with transaction(duck):
        if keep_doubts(duck, matching.doubts):
            raise_version(duck)


def _match(
    workspace: Workspace, duck: Any, stages: Mapping[str, Any], before: Mapping[tuple[str, str], Identity]
) -> Matching:
    payers = [name for name, stage in stages.items() if stage.vendor.gives_accounts]
    records = [record for stage in stages.values() for record in stage.records()]
    kept = {
        key: one.account_id
        for key, one in before.items()
        if key[0] in payers and one.account_id and one.how in (How.OWN, How.ID)
    }
    return match(records, known_accounts(duck, payers), _settled.read(workspace), kept)


def _changed(found: Sequence[Identity], before: Mapping[str, Identity]) -> dict[str, str | None]:
    """Records that are another account than before, one for the first time, or gone, with the account they were."""
    changed: dict[str, str | None] = {}
    for one in found:
        was = before.get(one.record.record_id)
        if was is None or was.account_id != one.account_id:
            changed[one.record.record_id] = was.account_id if was else None
    there = {one.record.record_id for one in found}
    return changed | {name: was.account_id for name, was in before.items() if name not in there}


def configured(settings: Settings) -> list[Vendor]:
    """The vendors that outgrown.toml has a table for.

    Raises ConfigError for a table of no vendor.
    """
    for name in settings.connectors.vendors:
        if name not in VENDORS:
            raise ConfigError(
                f"outgrown.toml: there is no connector '{name}'; {advice(name, ['files', *VENDORS], 'there are')}"
            )
    return [vendor for name, vendor in VENDORS.items() if name in settings.connectors.vendors]


def section_of(vendor: Vendor, settings: Settings) -> Source:
    """What the founder has set for a vendor.

    Raises ConfigError that names the setting at fault.
    """
    from agent.foundation.settings import check_section

    given = settings.connectors.vendors.get(vendor.name, {})
    return check_section(vendor.section, given, f"outgrown.toml [connectors.{vendor.name}]")


def check(settings: Settings) -> None:
    """Raise ConfigError for whatever is wrong under [connectors]."""
    for vendor in configured(settings):
        section_of(vendor, settings)


def chosen(settings: Settings, names: Sequence[str]) -> tuple[list[Any], list[Vendor]]:
    """The file-like sources and the vendors called `names`, or all configured ones."""
    files = {connector.name: connector for connector in BUILT_IN}
    known = [*files, *VENDORS]
    there = {vendor.name: vendor for vendor in configured(settings)}
    set_up = {name for name, one in files.items() if one.configured(settings)} | set(there)
    for name in names:
        if name not in known:
            raise UsageError(f"There is no source called '{name}'; {advice(name, known, 'there are')}")
        if name not in set_up:
            raise ConfigError(
                f"The source '{name}' is not configured; add [connectors.{name}] to outgrown.toml."
            )
    if not set_up:
        raise ConfigError(NOTHING)
    wanted = set(names) or set_up
    return [one for name, one in files.items() if name in wanted], [
        v for name, v in there.items() if name in wanted
    ]
