"""The verdict on the instrument's own reading: it never replaces it, and says when it cannot tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_signal.cuff import CuffFindings
from cabin_signal.cuff_combined import Interval
from cabin_signal.cuff_verdict import ALLOWED_MMHG, DeviceVerdict, Stated, device_verdict

OURS = CuffFindings(
    "ok", (), 122.0, 78.0, 93.0, 66.0, 30, Interval(122.0, 110.0, 134.0, 2.0), Interval(78.0, 68.0, 88.0, 2.0)
)
SAID = Stated(120.0, 80.0, 94.0, 67.0)


def test_inside_of_both_intervals_it_agrees() -> None:
    assert device_verdict(SAID, OURS) == DeviceVerdict("agrees")
    assert device_verdict(Stated(134.0, 68.0), OURS) == DeviceVerdict("agrees")


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [
        (Stated(136.0, 80.0), DeviceVerdict("cannot-tell", ("near-edge",))),
        (Stated(142.0, 80.0), DeviceVerdict("cannot-tell", ("near-edge",))),
        (Stated(143.0, 80.0), DeviceVerdict("disagrees", ("systolic-outside",))),
        (Stated(100.0, 80.0), DeviceVerdict("disagrees", ("systolic-outside",))),
        (Stated(120.0, 97.0), DeviceVerdict("disagrees", ("diastolic-outside",))),
        (Stated(150.0, 100.0), DeviceVerdict("disagrees", ("systolic-outside", "diastolic-outside"))),
        (Stated(120.0, 80.0, 116.0), DeviceVerdict("disagrees", ("mean-outside",))),
    ],
)
def test_outside_it_depends_on_how_far(stated: Stated, verdict: DeviceVerdict) -> None:
    assert device_verdict(stated, OURS) == verdict


@pytest.mark.parametrize("reason", ["sampling-too-slow", "resolution-too-coarse", "movement"])
def test_without_an_estimate_it_cannot_tell_and_says_why(reason: str) -> None:
    nothing = CuffFindings("rejected", (reason,))  # type: ignore[arg-type]
    assert device_verdict(SAID, nothing) == DeviceVerdict("cannot-tell", (reason,))  # type: ignore[arg-type]


def test_rates_of_the_same_minute_that_differ_are_a_disagreement() -> None:
    assert device_verdict(replace(SAID, pulse_rate=90.0), OURS).reasons == ("pulse-rate-differs",)
    assert device_verdict(SAID, OURS, heart_rate=90.0) == DeviceVerdict("disagrees", ("pulse-heart-differ",))
    assert device_verdict(SAID, OURS, heart_rate=71.0).verdict == "agrees"
    polled = CuffFindings("rejected", ("sampling-too-slow",))
    assert device_verdict(SAID, polled, heart_rate=90.0) == DeviceVerdict(
        "disagrees", ("pulse-heart-differ", "sampling-too-slow")
    )


def test_uneven_beats_have_no_one_rate_and_are_told() -> None:
    uneven = replace(OURS, reasons=("irregular-pulse",), irregular=True)
    assert device_verdict(replace(SAID, pulse_rate=90.0), uneven, 80.0) == DeviceVerdict(
        "agrees", ("irregular-pulse",)
    )


def test_an_interval_that_holds_everything_tells_nothing() -> None:
    wide = replace(OURS, systolic_interval=Interval(122.0, 97.0, 147.0, 9.0))
    assert device_verdict(SAID, wide) == DeviceVerdict("cannot-tell", ("interval-wide",))


@given(st.floats(60, 250), st.floats(30, 150))
def test_agreeing_is_inside_and_disagreeing_is_far_outside(systolic: float, diastolic: float) -> None:
    found = device_verdict(Stated(systolic, diastolic), OURS).verdict
    inside = 110 <= systolic <= 134 and 68 <= diastolic <= 88
    assert (found == "agrees") == inside
    far = max(110 - systolic, systolic - 134, 68 - diastolic, diastolic - 88) > ALLOWED_MMHG
    assert (found == "disagrees") == far
