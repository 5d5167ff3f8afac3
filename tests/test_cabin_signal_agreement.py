"""Heart beats and pulses of the same minutes: pairs, delay, deficit, rates and verdict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.agreement import BeatAgreement, pairs, pulse_against_heart, pulses_of_beats
from cabin_signal.ecg import EcgStream
from cabin_signal.ppg import PlethStream
from tests.cabin_signal_models import heart
from tests.pleths import pleth

HEART = np.arange(1.0, 31.0, 0.8).tolist()


def after(beats: list[float], delay: float = 0.25, seed: int = 0, spread: float = 0.01) -> list[float]:
    rng = np.random.default_rng(seed)
    return [b + delay + float(rng.uniform(-spread, spread)) for b in beats]


def test_each_beat_has_its_pulse() -> None:
    assert pairs([1.0, 2.0, 3.0], [1.25, 2.3, 3.2]) == [(0, 0), (1, 1), (2, 2)]
    assert pairs([1.0, 2.0, 3.0], [1.25, 3.2]) == [(0, 0), (1, None), (2, 1)]
    assert pairs([1.0, 2.0], [1.05, 2.6]) == [(0, None), (1, None)]
    assert pairs([], [1.0]) == []
    assert pairs([1.0], []) == [(0, None)]


def test_in_a_fast_heart_a_pulse_is_of_the_beat_with_the_usual_delay() -> None:
    beats = [1.0 + 0.33 * k for k in range(20)]
    pulses = [b + 0.4 for k, b in enumerate(beats) if k != 9]
    matched = dict(pairs(beats, pulses))
    assert matched[9] is None
    assert all(matched[k] is not None for k in range(20) if k != 9)


def test_all_beats_arrive() -> None:
    found = pulses_of_beats(HEART, after(HEART))
    assert (found.verdict, found.missing, found.deficit) == ("agree", 0, 0.0)
    assert found.judged == len(HEART)
    assert found.heart_rate == pytest.approx(75)
    assert found.pulse_rate == pytest.approx(75)
    assert found.delay_ms == pytest.approx(250, abs=4)
    assert found.spread_ms == pytest.approx(5, abs=3)


@pytest.mark.parametrize(("every", "verdict"), [(30, "agree"), (15, "near"), (5, "differ"), (2, "differ")])
def test_beats_that_reach_no_finger_are_the_deficit(every: int, verdict: str) -> None:
    beats = [0.8 * k for k in range(1, 61)]
    pulses = [p for k, p in enumerate(after(beats)) if (k + 1) % every]
    found = pulses_of_beats(beats, pulses)
    assert found.missing == 60 // every
    assert found.deficit == pytest.approx(100 / every)
    assert found.verdict == verdict
    assert found.heart_rate == pytest.approx(75)


def test_where_the_finger_could_not_be_seen_nothing_is_missing() -> None:
    pulses = [p for p in after(HEART) if not 10 <= p < 15]
    blind = pulses_of_beats(HEART, pulses)
    assert blind.missing == len(HEART) - len(pulses)
    seen = pulses_of_beats(HEART, pulses, [(10.0, 15.0)])
    assert (seen.missing, seen.verdict) == (0, "agree")
    assert seen.judged < len(HEART)
    assert seen.pulse_rate == pytest.approx(75)


@pytest.mark.parametrize(
    ("beats", "pulses", "unseen"),
    [
        ([], [], []),
        (HEART[:9], after(HEART[:9]), []),
        (HEART, [], []),
        (HEART, after(HEART), [(0.0, 20.0)]),
        (HEART, np.arange(1.0, 31.0, 0.37).tolist(), []),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_not(
    beats: list[float], pulses: list[float], unseen: list[tuple[float, float]]
) -> None:
    found = pulses_of_beats(beats, pulses, unseen)
    assert found.verdict == "cannot-tell"
    assert (found.pulse_rate, found.heart_rate, found.delay_ms, found.spread_ms, found.deficit) == (None,) * 5


@given(
    st.lists(st.floats(0.3, 2.0), min_size=1, max_size=40),
    st.lists(st.floats(0.2, 2.0), max_size=40),
    st.lists(st.tuples(st.floats(0, 40), st.floats(0, 40)), max_size=3),
)
def test_nothing_goes_wrong_with_any_lists(
    steps: list[float], others: list[float], unseen: list[tuple[float, float]]
) -> None:
    beats, pulses = np.cumsum(steps).tolist(), np.cumsum(others).tolist()
    found = pulses_of_beats(beats, pulses, unseen)
    assert isinstance(found, BeatAgreement)
    assert 0 <= found.missing <= found.judged <= len(beats)
    taken = [j for _, j in pairs(beats, pulses) if j is not None]
    assert taken == sorted(set(taken))
    assert all(0.1 <= pulses[j] - beats[i] <= 0.5 for i, j in pairs(beats, pulses) if j is not None)


def test_from_two_waveforms_to_the_delay_between_them() -> None:
    """The systolic peak of Tang's pulse stands 0.2587 of an interval after its begin."""
    r = np.arange(0.6, 40.0, 0.8)
    ecg, finger = EcgStream(250), PlethStream(125)
    lead, wave = heart(r, 250, 40), pleth(r + 0.05, 125, 40)
    beats = [b.sample / 250 for b in (*ecg.update(lead).beats, *ecg.finish().beats)]
    pulses = [b.sample / 125 for b in (*finger.update(wave).beats, *finger.finish().beats)]
    found = pulses_of_beats(beats[:-2], pulses)
    assert found.verdict == "agree"
    assert found.delay_ms == pytest.approx(50 + 800 * 0.2587, abs=12)


@pytest.mark.parametrize(
    ("pulse", "heart_rate", "verdict"), [(63, 60, "agree"), (66, 60, "near"), (67, 60, "differ")]
)
def test_two_rates_alone(pulse: float, heart_rate: float, verdict: str) -> None:
    assert pulse_against_heart(pulse, heart_rate).verdict == verdict
