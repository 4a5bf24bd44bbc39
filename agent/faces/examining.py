"""The doctor: one check after the other, each with what is wrong and how to mend it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from agent.foundation import clock
from agent.foundation.errors import OutgrownError
from agent.foundation.settings import ModelAccess, Workspace, open_workspace

if TYPE_CHECKING:
    from agent.wiring import House


class Check(BaseModel):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    says: str


def examine(given: Path | None) -> list[Check]:
    """Every check that can be made; the later ones need the earlier."""
    try:
        workspace = open_workspace(given)
    except OutgrownError as error:
        return [Check(name="configuration", state="fail", says=str(error))]
    from agent.faces import examining_slack
    from agent.faces.examining_connectors import connector_checks
    from agent.faces.examining_delivery import delivery_checks
    from agent.faces.examining_targets import target_checks
    from agent.signals.library import library_of
    from agent.wiring import House

    house = House(workspace)
    checks = [Check(name="configuration", state="ok", says=str(workspace.folder / "outgrown.toml"))]
    checks += _clock()
    checks += _try("triggers", lambda: f"{len(library_of(workspace.settings).entries)} switched on")
    checks += _try("warehouse", lambda: _warehouse(house)) if _in_place(workspace) else _files(workspace)
    checks += connector_checks(house)
    checks += _facts(house)
    checks += _coverage(house)
    checks += _metrics(house)
    checks += _try(
        "state", lambda: f"open and up to date ({'SQLite' if house.store.is_sqlite else 'PostgreSQL'})"
    )
    checks += delivery_checks(house)
    checks += examining_slack.checks(workspace)
    checks += target_checks(house)
    checks += _model(house)
    return checks


def _try(name: str, look: Callable[[], str]) -> list[Check]:
    try:
        return [Check(name=name, state="ok", says=look())]
    except OutgrownError as error:
        return [Check(name=name, state="fail", says=str(error))]


def _clock() -> Iterator[Check]:
    if os.environ.get(clock.SETTING):
        yield Check(
            name="clock",
            state="warn",
            says=f"set to {clock.now():%Y-%m-%d %H:%M} by {clock.SETTING}, not the machine's",
        )


def _in_place(workspace: Workspace) -> bool:
    """Whether a warehouse is named; one whose URL cannot be read is, too."""
    try:
        return bool(workspace.warehouse_url)
    except OutgrownError:
        return True


def _warehouse(house: House) -> str:
    """That every trigger can be evaluated where the facts are, with what a reader may make there."""
    from agent.foundation.warehouse import create_temporary, drop_temporary, shown_url, title_of
    from agent.scoring import columns
    from agent.signals.library import library_of
    from agent.signals.plan import Wanted, plan_for
    from agent.signals.world import plain_source

    with house.warehouse() as warehouse:
        plan_for(plain_source(warehouse), library_of(house.settings), Wanted(tuple(columns.ALL)))
        create_temporary(warehouse.con, "TABLE", "outgrown_doctor", "SELECT 1 AS one")
        drop_temporary(warehouse.con, "TABLE", "outgrown_doctor")
        title = title_of(warehouse.con)
    unused = ", so [connectors.files] is not used" if house.settings.connectors.files else ""
    where = shown_url(house.workspace.warehouse_url)
    return f"{title} at {where}, read in place{unused}; every trigger can be evaluated there"


def _files(workspace: Workspace) -> Iterator[Check]:
    files = workspace.settings.connectors.files
    if files is None:
        if not workspace.settings.connectors.vendors:
            says = "no [connectors.…] in outgrown.toml, so nothing is read; `outgrown connect` lists what there is"
            yield Check(name="files", state="warn", says=says)
        return
    folder = workspace.folder / files.dir
    if not folder.is_dir():
        yield Check(
            name="files",
            state="fail",
            says=f"there is no folder {folder}; make it and put your exports there",
        )
        return
    exports = [path for path in folder.iterdir() if path.is_file()]
    if not exports and workspace.settings.connectors.vendors:
        yield Check(name="files", state="ok", says=f"none in {folder}; the facts come from your tools")
        return
    state: Literal["ok", "fail"] = "ok" if exports else "fail"
    yield Check(
        name="files",
        state=state,
        says=f"{len(exports)} files in {folder}" if exports else f"{folder} is empty",
    )


def _facts(house: House) -> Iterator[Check]:
    files = house.settings.connectors.files
    limit = files.stale_after_hours if files else 48.0
    read, mend = "read", "run `outgrown sync`"
    if _in_place(house.workspace):
        limit = house.settings.warehouse.fresh_within_hours or math.inf
        read, mend = "the newest row", "see to what loads your warehouse"
    from agent.foundation.warehouse import scalar

    try:
        with house.warehouse() as warehouse:
            accounts = scalar(warehouse.table("accounts").count())
            newest = scalar(warehouse.table("source_reads").read_at.max())
    except OutgrownError as error:
        missing = not (_in_place(house.workspace) or house.workspace.facts_file.is_file())
        yield Check(name="facts", state="warn" if missing else "fail", says=str(error))
        return
    age = (clock.now() - newest).total_seconds() / 3600 if newest else None
    if age is None:
        said = "nothing has been read yet" if mend.startswith("run") else "nothing says when they were loaded"
        yield Check(name="facts", state="warn", says=f"{said}; {mend}")
    elif age > limit:
        yield Check(
            name="facts",
            state="warn",
            says=f"{accounts:,} accounts, {read} {age:.0f} hours ago: over {limit:g} hours, so every message is held; "
            f"{mend}",
        )
    else:
        yield Check(
            name="facts", state="ok", says=f"{accounts:,} accounts, {read} {max(age, 0):.0f} hours ago"
        )


SLEEPING = {
    ("metrics", "measures", "ceilings"): "nothing can be said of how close an account comes to its limits",
    ("members",): "nothing can be said of growing teams and taken seats",
    ("events", "plan_features"): "nothing can be said of features that were tried or refused",
    (
        "tickets",
    ): "nothing can be said of requests, budgets and dates, and no anger or farewell holds a message",
    ("invoices",): "an unpaid bill holds no message",
}
"What the product cannot see while one of these tables is empty."


def _coverage(house: House) -> Iterator[Check]:
    """Which tables are empty, and what that costs; silent while nothing has been read."""
    from agent.foundation.warehouse import fetch, scalar

    try:
        with house.warehouse() as warehouse:
            if not scalar(warehouse.table("accounts").count()):
                return
            empty = {
                name for tables in SLEEPING for name in tables if not scalar(warehouse.table(name).count())
            }
            plans = {row["plan_id"] for row in fetch(warehouse.table("plans").select("plan_id"))}
    except OutgrownError:
        return
    for tables, cost in SLEEPING.items():
        missing = [name for name in tables if name in empty]
        if missing:
            yield Check(name="tables", state="warn", says=f"no {' and no '.join(missing)}: {cost}")
    for plan_id in sorted(set(house.settings.benefits) - plans):
        yield Check(
            name="benefits",
            state="warn",
            says=f"[benefits] speaks of plan '{plan_id}', which plans does not have",
        )


def _metrics(house: House) -> Iterator[Check]:
    """Triggers about metrics that the company does not have; silent where there are none."""
    from agent.foundation.errors import ConfigError
    from agent.signals.library import library_of
    from agent.signals.own.metrics import check_metrics
    from agent.signals.world import plain_source

    try:
        with house.warehouse() as warehouse:
            check_metrics(library_of(house.settings), plain_source(warehouse).book)
    except ConfigError as error:
        yield Check(name="triggers", state="fail", says=str(error))
    except OutgrownError:
        return


SWITCH_ON = "put OPENAI_API_KEY=... into .env, or base_url of a server of your own into [llm]"


def _model(house: House) -> Iterator[Check]:
    """Whether a language model is switched on, answers, and may still be paid; asking that costs nothing."""
    from agent.approval.spending import WARN_AT
    from agent.faces.digest_words import model_budget, model_limit

    try:
        access = house.workspace.model
    except OutgrownError as error:
        yield Check(name="model", state="fail", says=str(error))
        return
    if not access.is_on:
        how = SWITCH_ON if access.llm.model else "name one in [llm] model"
        yield Check(
            name="model", state="ok", says=f"off, so templates write every message; to switch it on, {how}"
        )
        return
    state, problem = _sight(access)
    name = f"{access.llm.model} at {_without_secrets(access.url)}"
    try:
        spent = house.spending.month()
    except OutgrownError:
        # The check of the state has said why.
        yield Check(name="model", state=state, says=f"{name}{problem}")
        return
    if state == "ok" and (spent.is_at_limit or spent.share >= WARN_AT):
        state = "warn"
    at_limit = f"; {model_limit(spent)}" if spent.is_at_limit else ""
    yield Check(
        name="model", state=state, says=f"{name}, {model_budget(spent)}{_unpriced(access)}{at_limit}{problem}"
    )


def _sight(access: ModelAccess) -> tuple[Literal["ok", "warn", "fail"], str]:
    """What can be seen of the model from here: whether the server takes the key and has the model."""
    from agent.foundation.llm.port import NoAnswer, Why
    from agent.foundation.llm.prices import bare
    from agent.foundation.llm.seeing import offered_models

    try:
        offered = offered_models(access)
    except NoAnswer as error:
        if error.why in (Why.UNKNOWN_MODEL, Why.MALFORMED):
            return "ok", ""  # A server need not be able to list its models.
        state: Literal["warn", "fail"] = "fail" if error.why is Why.BAD_KEY else "warn"
        return state, f". {error} Meanwhile templates write every message"
    if offered and bare(access.llm.model) not in offered:
        return "fail", ". The server does not have that model; mend model in [llm]"
    return "ok", ""


def _unpriced(access: ModelAccess) -> str:
    from agent.foundation.llm.prices import price_of

    if price_of(access.llm) is not None:
        return ""
    return "; its price is not known, so only its tokens are bounded (name a price in [llm.prices])"


def _without_secrets(url: str) -> str:
    """A URL without the name, the password and the query that it may carry."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
