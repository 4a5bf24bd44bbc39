"""What the rule book concludes about the sample customers is what their stories say."""

import pytest

from agent.facts.sample import OPTED_OUT, PRIOR_PROMPTS, SAMPLE_DAY, SAMPLE_NOW, read_stories, write_sample
from agent.facts.sample.stories import read_ordinary
from agent.facts.schema import create_tables
from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from agent.scoring.assessment import OfferKind
from agent.scoring.holds import ContactFacts
from agent.scoring.scan import scan
from connectors.sync import run
from tests.signals.tickets.catalogue import classes

STORIES = read_stories()


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """The sample, written, synced and scanned."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    workspace = open_workspace(folder)
    contacts = {account_id: ContactFacts(prompted_at=sent_at) for account_id, sent_at in PRIOR_PROMPTS}
    contacts |= {account_id: ContactFacts(opted_out="asked not to be written to") for account_id in OPTED_OUT}
    with open_warehouse(None, write=True) as warehouse:
        create_tables(warehouse.duck)
        reports = run(workspace, warehouse, read_at=SAMPLE_NOW)
        return reports, scan(warehouse, workspace.settings, SAMPLE_DAY, SAMPLE_NOW, contacts)


@pytest.fixture(scope="module")
def assessed(scanned):
    """The assessments by account."""
    return {assessment.account_id: assessment for assessment in scanned[1].accounts}


def test_every_row_is_taken(scanned):
    """Not one of the sample's rows is rejected, and no figure comes out differently the second time."""
    reports, result = scanned
    assert sum(report.rejected for report in reports) == 0
    assert result.mismatches == ()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)
def test_a_story_ends_as_it_says(assessed, story):
    """Status, play, offer, holds, and every trigger that fires."""
    found = assessed[story.id]
    offer = ""
    if found.offer is not None:
        is_plan = found.offer.kind is OfferKind.PLAN_UPGRADE
        offer = found.offer.plan_id if is_plan else found.offer.kind.value
    assert (found.status.value, found.play or "", offer) == (story.status, story.play, story.offer)
    assert {hold.hold for hold in found.holds} == set(story.holds)
    assert {finding.trigger for finding in found.findings} == set(story.fires)


def test_customers_without_a_story_are_left_alone(assessed):
    """Nothing to see is the commonest story."""
    others = [
        found for account_id, found in assessed.items() if account_id not in {story.id for story in STORIES}
    ]
    assert len(others) >= 25
    assert {found.status.value for found in others} == {"stable"}
    assert len({found.points for found in others}) > 1


@pytest.mark.parametrize("text", read_ordinary().tickets)
def test_ordinary_tickets_ask_for_nothing(text):
    """What people write on a quiet day must not look like a signal."""
    assert classes(text) <= {"other", "bug"}
