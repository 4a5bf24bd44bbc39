"""The kinds a trigger of the founder's own can be: each a table of outgrown.toml that becomes a rule."""

from __future__ import annotations

from agent.signals.own.counts import CountInWindow, FirstSeen
from agent.signals.own.growth import GrowthAgainstBaseline
from agent.signals.own.kind import Kind
from agent.signals.own.levels import ShareOfCeiling, Streak
from agent.signals.own.phrases import PhraseInTicket

KINDS: dict[str, type[Kind]] = {
    "count_in_window": CountInWindow,
    "share_of_ceiling": ShareOfCeiling,
    "streak": Streak,
    "growth_against_baseline": GrowthAgainstBaseline,
    "first_seen": FirstSeen,
    "phrase_in_ticket": PhraseInTicket,
}
