"""The strip as the doctor's page draws it: small, and without losing an R peak."""

from __future__ import annotations

import json

import pytest

from cabin_agent.results import Strip, UsualBeat
from cabin_agent.strip_view import MOST_HZ, STEP_MV, strip_view

USUAL = UsualBeat(250.0, ("I", "II"), ((0.0, 1.234, None), (None, None, None)), 1, {"qrs_on": -40.0}, 3.2)
SPIKE = tuple(1.5 if n % 200 == 101 else 0.02 for n in range(1000))


def strip(rate: float = 250.0, **more: object) -> Strip:
    known = {"beats": (101, 301, 501), "used": (104, 301), "usual": USUAL}
    return Strip(rate, ("I", "II"), (SPIKE, (None,) * 1000), **(known | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("rate", "every"), [(100.0, 1), (125.0, 1), (250.0, 2), (360.0, 3), (500.0, 4), (1000.0, 8)])
def test_it_comes_at_125_hertz_or_less(rate: float, every: int) -> None:
    told = strip_view(strip(rate), "I")
    assert told["rate"] == pytest.approx(rate / every)
    assert told["rate"] <= MOST_HZ
    assert len(told["samples"]) == 1000 // every + (1000 % every > 0)


@pytest.mark.parametrize("rate", [250.0, 500.0, 1000.0])
def test_no_peak_loses_height_and_none_is_added(rate: float) -> None:
    samples = strip_view(strip(rate), "I")["samples"]
    assert samples.count(round(1.5 / STEP_MV)) == 5
    assert set(samples) == {150, 2}


def test_a_hole_stays_open_and_a_lead_without_samples_is_not_offered() -> None:
    holed = Strip(250.0, ("I", "II"), ((*SPIKE[:100], *(None,) * 50, *SPIKE[150:]), (None,) * 1000))
    told = strip_view(holed, "I")
    assert told["samples"].count(None) == 25
    assert told["leads"] == ["I"]
    assert set(strip_view(holed, "II")["samples"]) == {None}


def test_beats_are_told_in_seconds_with_those_that_the_median_was_made_of() -> None:
    assert strip_view(strip(), "I")["beats"] == [
        {"s": 0.404, "used": True},
        {"s": 1.204, "used": True},
        {"s": 2.004, "used": False},
    ]


def test_the_usual_beat_comes_with_its_marks_or_is_none() -> None:
    assert strip_view(strip(), "I")["usual"] == {
        "rate": 250.0,
        "leads": ["I", "II"],
        "step_mv": STEP_MV,
        "samples": [[0, 123, None], [None, None, None]],
        "peak": 1,
        "marks_ms": {"qrs_on": -40.0},
        "noise_uv": 3.2,
    }
    assert strip_view(strip(usual=None), "I")["usual"] is None


def test_thirty_seconds_of_one_lead_are_small() -> None:
    row = tuple(0.001 * ((n * 37) % 900) - 0.3 for n in range(15_000))
    long = Strip(500.0, ("II",), (row,), tuple(range(0, 15_000, 400)))
    assert len(json.dumps(strip_view(long, "II"), separators=(",", ":"))) < 20_000
