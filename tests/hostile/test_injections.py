"""When customers write to the model: whatever it obeys, nobody is sent anything else because of it."""

from __future__ import annotations

import pytest

from tests.hostile.arena import CHANNELS
from tests.hostile.attacks import SHARED, Attack, corpora, in_mails, own
from tests.hostile.drive import drive
from tests.worlds import MOMENT

A_FEW = 4
"Attacks in the default run."
AT_ONCE = 80
"Attacks in one company."


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """The day on which the company's facts end, and no model but the one on loopback."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    for name in ("OUTGROWN_LLM_BASE_URL", "OUTGROWN_LLM_KEY", "OPENAI_API_KEY", "OUTGROWN_STATE_URL"):
        monkeypatch.delenv(name, raising=False)


def shared_attacks() -> tuple[Attack, ...]:
    if not SHARED.is_dir():
        pytest.skip("the shared texts are not here; name their folder in OUTGROWN_SHARED")
    return corpora()


def holds(channel: str, attacks: tuple[Attack, ...], folder) -> None:
    """Nothing changes because of a model, and most of what it wrote was thrown away."""
    for first in range(0, len(attacks), AT_ONCE):
        tally = drive(channel, attacks[first : first + AT_ONCE], folder / f"{first}")
        assert tally.by_model == []
        assert tally.templates > 0


def test_an_obeying_model_changes_nothing_of_a_few(tmp_path):
    """A few of our own attacks, of different kinds, in tickets."""
    holds("ticket", own()[:: len(own()) // A_FEW], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("channel", CHANNELS)
def test_an_obeying_model_changes_nothing_of_our_own(channel, tmp_path):
    """Every attack that we could think of, in every place a customer can write to."""
    holds(channel, own(), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("channel", [one for one in CHANNELS if one != "ticket"])
def test_an_obeying_model_changes_nothing_of_the_corpora(channel, tmp_path):
    """Every attack of the corpora as a name."""
    holds(channel, shared_attacks(), tmp_path)


@pytest.mark.slow
def test_an_obeying_model_changes_nothing_of_the_corpora_in_mails(tmp_path):
    """Every attack of the corpora at the beginning, in the middle and at the end of an ordinary e-mail."""
    shared_attacks()
    holds("ticket", in_mails(), tmp_path)
