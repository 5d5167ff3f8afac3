"""An ECG of one lead in counts of unknown size: its rate and rhythm are told, its millivolts never."""

from __future__ import annotations

import json

import cbor2
import numpy as np
import pytest

from cabin_agent.fhir.bundle import build_bundle
from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.measuring.ecg import SETTLE_S, STRIP_S, measure
from cabin_agent.measuring.ecg_counts import relative
from cabin_agent.measuring.running_lead import RunningLead, off
from cabin_agent.results import Measure, NotMeasured
from cabin_agent.stored import from_json, to_json
from cabin_agent.views import outcome_json
from cabin_agent.wording import catalogue
from drivers.events import Wave
from tests.bedside_fakes import bedside
from tests.cabin_signal_models import heart
from tests.visits import visit

RATE = 128.0
SECONDS = STRIP_S + SETTLE_S + 1
LEAD = ("I",)


def lead(interval: float = 0.8, per_mv: float = 20_000.0, zero: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(3)
    clean = heart(np.arange(0.3, SECONDS, interval), RATE, SECONDS)
    return np.rint(zero + per_mv * (clean + rng.normal(0.0, 0.01, len(clean))))


def counted(row: np.ndarray, first: int = 0, flags: frozenset[str] = frozenset()) -> list[Wave]:
    return [
        Wave("ecg", first + at, RATE, "1", LEAD, tuple((float(v),) for v in row[at : at + 5]), flags)
        for at in range(0, len(row), 5)
    ]


@pytest.mark.parametrize("per_mv", [32.0, 20_000.0, 2e6])
@pytest.mark.parametrize("interval", [0.5, 0.8, 1.3])
async def test_rate_and_rhythm_are_read_whatever_a_count_is(per_mv: float, interval: float) -> None:
    ecg, rate = await measure(bedside(*counted(lead(interval, per_mv, 128.0))), ())
    assert isinstance(ecg, Measure) and isinstance(rate, Measure)
    assert rate.values["value"].value == pytest.approx(60 / interval, abs=0.6)
    assert "rhythm-regular" in ecg.evidence.notes
    assert (ecg.evidence.quality, ecg.strip, ecg.values) == ("good", None, {})
    assert "scale-unknown" in ecg.evidence.notes
    assert set(ecg.missing.values()) == {"scale-unknown"}
    assert from_json(Measure, to_json(ecg)) == ecg


async def test_the_raw_recording_keeps_counts_and_nobody_says_millivolt() -> None:
    side = bedside(*counted(lead()))
    ecg, rate = await measure(side, ())
    (track,) = (cbor2.loads(each) for each in side.packed)
    assert (track["unit"], track["scale"], track["channels"]) == ("1", 1.0, ["I"])
    told = outcome_json(ecg, lambda _: "") | {"rate": outcome_json(rate, lambda _: "")}
    assert "strip" not in told
    assert "mV" not in str(told) and "millivolts" not in str(told)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_both_languages_have_the_words(language: str) -> None:
    assert {"note.scale-unknown", "interval.scale-unknown", "ecg.unscaled"} <= catalogue(language).keys()


async def test_an_index_that_starts_again_starts_the_strip_again() -> None:
    row = lead()
    ecg, rate = await measure(bedside(*counted(row[:1500]), *counted(row)), ())
    assert isinstance(ecg, Measure) and isinstance(rate, Measure)
    assert rate.values["value"].value == pytest.approx(75.0, abs=0.6)
    assert ecg.evidence.reasons == ()


@pytest.mark.parametrize("kind", ["white", "mains", "flat", "drift"])
async def test_what_is_no_heart_gives_no_rate(kind: str) -> None:
    n = np.arange(int(SECONDS * RATE))
    rng = np.random.default_rng(5)
    row = {
        "white": np.rint(120 * rng.standard_normal(len(n))),
        "mains": np.rint(3000 * np.sin(2 * np.pi * 50 * n / RATE) + 20 * rng.standard_normal(len(n))),
        "flat": np.full(len(n), 128.0),
        "drift": np.rint(np.cumsum(50 * rng.standard_normal(len(n)))),
    }[kind]
    ecg, rate = await measure(bedside(*counted(row)), ())
    assert isinstance(ecg, Measure)
    assert ecg.evidence.quality == "bad"
    assert isinstance(rate, NotMeasured) or rate.evidence.quality == "bad"


async def test_with_its_electrode_off_there_is_nothing() -> None:
    blocks = counted(lead(), flags=frozenset({"lead-off:I"}))
    assert off(blocks[0]) == {"I"}
    with pytest.raises(Unmeasured, match="electrode-off"):
        await measure(bedside(*blocks), ())


def test_an_open_and_a_flat_channel_stay_what_they_are() -> None:
    channels = np.array([[np.nan] * 8, [5.0] * 8, [0.0, 4.0] * 4])
    found = relative(channels, 1.0)
    assert np.isnan(found[0]).all()
    assert (found[1] == 0).all()
    assert found[2].tolist() == [-0.5, 0.5] * 4


def test_no_running_rate_is_counted_on_counts() -> None:
    running = RunningLead()
    assert all(running.heard(wave) is None for wave in counted(lead()))
    assert running.heart_rate is None


async def test_the_record_says_that_the_scale_is_not_known() -> None:
    ecg, rate = await measure(bedside(*counted(lead())), ())
    bundle = json.loads(build_bundle(visit(outcomes=(ecg, rate), language="en")))
    found = [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == "Observation"]
    assert len(found) == 2
    assert "scale of the tracing unknown" in str(found[0])
    assert all("dataAbsentReason" in component for component in found[0]["component"])
    assert "mV" not in str(found) and "SampledData" not in str(found)
