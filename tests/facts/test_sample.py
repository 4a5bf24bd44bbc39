"""The sample company: plausible, the same every time, and safe to show."""

import csv
import subprocess
import sys
import time
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import pytest

from agent.facts.sample import OPTED_OUT, PRIOR_PROMPTS, SAMPLE_DAY, SAMPLE_NOW, read_stories, write_sample
from agent.facts.sample.write import sample_rows
from agent.facts.tables import MODELS, TABLES
from agent.foundation.clock import last_complete_day
from agent.foundation.settings import open_workspace


@pytest.fixture(scope="module")
def rows():
    """Every row of the sample, by table."""
    return sample_rows(SAMPLE_DAY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A written workspace."""
    path = tmp_path_factory.mktemp("sample")
    write_sample(path)
    return path


def _files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_day_gives_the_same_bytes(folder, tmp_path):
    """Screens in the documentation match what a reader gets."""
    write_sample(tmp_path)
    assert _files(tmp_path) == _files(folder)


def test_another_day_moves_every_date(rows):
    """The sample hangs on its day, not on the calendar: only weekends fall differently."""
    later = sample_rows(SAMPLE_DAY + timedelta(days=7))
    moved = [row["starts_on"] + timedelta(days=7) for row in rows["subscriptions"]]
    assert moved == [row["starts_on"] for row in later["subscriptions"]]
    assert [row["value"] for row in rows["measures"]] == [row["value"] for row in later["measures"]]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.TABLE)
def test_every_row_is_a_canonical_one(rows, model):
    """The columns and values of rule book §2, no key twice, nothing from after the sample's day."""
    made = [
        model.model_validate({name: None if value == "" else value for name, value in row.items()})
        for row in rows[model.TABLE]
    ]
    assert made
    assert max(Counter(tuple(getattr(row, name) for name in model.KEY) for row in made).values()) == 1
    if model.KNOWN_FROM:
        newest = max(getattr(row, model.KNOWN_FROM) for row in made)
        assert (newest.date() if isinstance(newest, datetime) else newest) <= SAMPLE_DAY


def test_the_size_is_that_of_a_small_company(rows):
    """About 60 accounts and 26 weeks: enough to look real, little enough to load in a blink."""
    assert 55 <= len(rows["accounts"]) <= 65
    assert len(rows["measures"]) <= 40_000
    assert len(rows["events"]) <= 30_000
    days = {row["day"] for row in rows["measures"]}
    assert (max(days) - min(days)).days + 1 == 182


def test_weekends_are_quiet(rows):
    """Offices export from Monday to Friday."""
    by_weekday = defaultdict(list)
    for row in rows["measures"]:
        if row["metric"] == "exports":
            by_weekday[row["day"].weekday()].append(row["value"])
    mean = {weekday: sum(values) / len(values) for weekday, values in by_weekday.items()}
    assert max(mean[5], mean[6]) < 0.4 * min(mean[day] for day in range(5))


def test_the_exports_read_back_as_written(folder, rows):
    """Quotes, commas, umlauts, formulas and emoji survive the file."""
    for table, model in TABLES.items():
        with (folder / "exports" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            read = list(csv.DictReader(file))
        assert list(read[0]) == list(model.model_fields)
        assert len(read) == len(rows[table])
        if table == "accounts":
            assert [row["name"] for row in read] == [row["name"] for row in rows["accounts"]]
            assert {"Café Sol ☀️", 'O\'Brien & Söhne "GmbH"'} <= {row["name"] for row in read}


def test_the_workspace_opens(folder):
    """Its outgrown.toml is one a founder could have written."""
    settings = open_workspace(folder).settings
    assert settings.company.name == "Ledgerly"
    assert {offer.kind for offer in settings.offers} == {
        "seat_expansion", "service_addon", "sprint_package", "scope_agreement", "cross_sell",
    }  # fmt: skip
    assert set(settings.benefits) == {row["plan_id"] for row in sample_rows(SAMPLE_DAY)["plans"]} - {
        "starter",
        "classic",
    }


def test_nobody_real_can_be_written_to(rows):
    """Every address is at a domain that is reserved for examples."""
    addresses = [row["contact_email"] for row in rows["accounts"] if row["contact_email"]]
    assert len(addresses) == len(rows["accounts"]) - 1
    assert all(address.endswith(".example") for address in addresses)


def test_what_the_demo_must_be_told_beside_the_facts():
    """Earlier prompts and wishes live in the state; their accounts are the stories that say so."""
    holds = {story.id: story.holds for story in read_stories()}
    assert [holds[account_id] for account_id, _ in PRIOR_PROMPTS] == [("prompted_recently",)]
    assert [holds[account_id] for account_id in OPTED_OUT] == [("opted_out",)]
    assert last_complete_day(SAMPLE_NOW) == SAMPLE_DAY == date(2026, 6, 14)


def test_writing_is_quick(tmp_path):
    """The demo waits for nothing; measured 0.3 seconds."""
    start = time.process_time()
    write_sample(tmp_path)
    assert time.process_time() - start < 1.5


def test_nothing_heavy_is_imported():
    """The sample can be written before any engine is loaded."""
    code = (
        "import sys, agent.facts.sample; "
        "print([name for name in ('duckdb', 'ibis', 'sqlalchemy', 'jinja2', 'babel') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
