"""The figures of the protocol, as one cabin has them: from its settings, and from what its instruments can do."""

from __future__ import annotations

from dataclasses import replace

from cabin_agent.config import Config
from cabin_agent.plan import TASKS, Rules
from drivers import by_hand

TONE_BY_TONE_S = 600.0
"""A hearing test that the cabin makes itself: six tones and a retest in each ear."""


def rules_of(config: Config) -> Rules:
    """The protocol's figures, as configured."""
    visit = config.visit
    theirs = {each.driver for each in config.instruments if by_hand(each.protocol)}
    tasks = frozenset(name for name, task in TASKS.items() if task.instrument in theirs)
    rules = Rules(visit.rest_s, visit.rest_minimum_s, visit.reading_gap_s, visit.budget_s, by_hand=tasks)
    tone_by_tone = any(each.protocol == "headphone" for each in config.instruments)
    return replace(rules, hearing_s=TONE_BY_TONE_S) if tone_by_tone else rules
