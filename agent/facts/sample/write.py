"""Writes the sample company's workspace: outgrown.toml, and the exports it reads."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from random import Random

from agent.facts.sample.catalogue import PlanSold, Row, read_plans
from agent.facts.sample.lives import Customer, write_life
from agent.facts.sample.stories import Letter, Life, Ordinary, read_ordinary, read_stories
from agent.facts.tables import MODELS

SAMPLE_NOW = datetime(2026, 6, 15, 8, 0)  # noqa: DTZ001 - UTC without a zone mark, as the clock has it
"The sample's clock: a Monday morning."
SAMPLE_DAY = SAMPLE_NOW.date() - timedelta(days=1)
PRIOR_PROMPTS = (("kestrel-legal", SAMPLE_NOW - timedelta(days=7)),)
"Upgrade prompts that were sent before the demo begins: account and time."
OPTED_OUT = ("maple-dental",)
"Accounts that asked not to be written to."

_SEED = "ledgerly"


def write_sample(folder: Path, as_of: date = SAMPLE_DAY) -> None:
    """Write `outgrown.toml` and `exports/*.csv` into `folder`, the same to the byte for the same day."""
    exports = folder / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    settings = files(__package__).joinpath("workspace.toml").read_bytes()
    (folder / "outgrown.toml").write_bytes(settings)
    for table, rows in sample_rows(as_of).items():
        columns = next(list(model.model_fields) for model in MODELS if table == model.TABLE)
        with (exports / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)


def _cell(value: object) -> object:
    """A value as the exports write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return "" if value is None else value


def sample_rows(as_of: date) -> dict[str, list[Row]]:
    """Every row of every table, in a fixed order."""
    plans, reference = read_plans()
    ordinary = read_ordinary()
    rows: dict[str, list[Row]] = {model.TABLE: list(reference.get(model.TABLE, ())) for model in MODELS}
    told: list[tuple[str, str, Life | None]] = [
        (story.id, story.name, story.life) for story in read_stories()
    ]
    told += [(_slug(name), name, None) for name in ordinary.names]
    for account_id, name, life in sorted(told, key=lambda one: one[0]):
        rng = Random(f"{_SEED}:{account_id}")  # noqa: S311 - a fixed seed is the point
        customer = _customer(
            account_id, name, life or _ordinary_life(rng, ordinary), rng, plans, ordinary, as_of
        )
        for table, written in write_life(customer).items():
            rows[table].extend(written)
    return rows


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


def _customer(
    account_id: str,
    name: str,
    life: Life,
    rng: Random,
    plans: dict[str, PlanSold],
    ordinary: Ordinary,
    as_of: date,
) -> Customer:
    contact = rng.choice(ordinary.contacts) if life.contact is None else life.contact
    teams = ordinary.teams[: 1 if life.members < 5 else 2 if life.members < 9 else 3]
    return Customer(account_id, name, contact, life, plans[life.plan], plans, teams, as_of, rng)


def _ordinary_life(rng: Random, ordinary: Ordinary) -> Life:
    """A customer with room to spare: some grow, some hire, some shrink, none is near a limit."""
    plan, members = rng.choice(
        (("starter", 3), ("starter", 4), ("starter", 5), ("growth", 8), ("growth", 11))
    )
    now = round(rng.uniform(0.15, 0.7), 2)
    term = rng.choice(("month", "month", "year"))
    return Life(
        plan=plan,
        age=rng.randint(200, 1_100),
        members=members + rng.randint(0, 1),
        exports=(round(now * rng.uniform(0.75, 1.2), 2), now),
        storage=(round(rng.uniform(0.1, 0.3), 2), round(rng.uniform(0.3, 0.65), 2)),
        api=(round(rng.uniform(0.05, 0.3), 2), round(rng.uniform(0.05, 0.4), 2)),
        term=term,
        renews_in=rng.randint(5, 340) if term == "year" else None,
        joined=(11, 3) if members in (3, 8) and rng.random() < 0.4 else (),
        discount=rng.choice((None, None, None, 10, 15)),
        health=rng.choice((None, rng.randint(62, 95), rng.randint(68, 92))),
        nps=rng.choice((None, None, 7, 8, 9, 10)),
        tickets=tuple(_ordinary_ticket(rng, ordinary) for _ in range(rng.choice((0, 0, 1, 1, 2)))),
    )


def _ordinary_ticket(rng: Random, ordinary: Ordinary) -> Letter:
    return Letter(
        days_ago=rng.randint(1, 120),
        text=rng.choice(ordinary.tickets),
        topic=rng.choice(("question", "how_to", "account")),
        priority=rng.choice(("low", "normal", "normal", "high")),
        minutes=rng.randint(4, 25),
        sentiment=round(rng.uniform(-0.1, 0.8), 1),
    )
