"""The JSON that `cabin analyze` prints: its shape, and that it is what the live streams say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cabin_signal.analyze import analyze_cuff, analyze_ecg, analyze_ppg
from cabin_signal.ecg import EcgStream
from tests.cabin_signal_models import Arm, finger, heart, inflate

HEART = heart(np.arange(0.5, 40, 0.8), 250, 40)
FINGER = finger(np.arange(0.5, 40, 0.8), 75, 40)


def test_the_shape_of_an_ecg() -> None:
    out = analyze_ecg(HEART, 250, "II")
    assert list(out) == ["fs", "channel", "beats", "reported", "heart_rate", "quality", "rhythm"]
    assert json.loads(json.dumps(out, allow_nan=False)) == out
    assert (out["fs"], out["channel"]) == (250, "II")
    assert len(out["beats"]) == len(out["reported"]) == 50
    assert all(isinstance(b, int) for b in out["beats"] + out["reported"])
    assert all(r > b for b, r in zip(out["beats"], out["reported"], strict=True))
    assert set(out["heart_rate"][0]) == {"t", "bpm"}
    assert out["heart_rate"][-1]["bpm"] == pytest.approx(75, abs=0.3)
    begun, then = out["quality"]  # nothing is good before the first beat was seen
    assert (begun["start"], begun["grade"], begun["reasons"]) == (0, "usable", ["no-beats"])
    assert then == {"start": begun["end"], "end": 10000, "grade": "good", "reasons": []} and begun["end"] <= 750
    assert out["rhythm"][0] == {"start": out["beats"][0], "end": out["beats"][30], "verdict": "regular"}


def test_an_ecg_is_what_the_live_stream_says() -> None:
    stream = EcgStream(250)
    parts = [stream.update(HEART[i : i + 10]) for i in range(0, len(HEART), 10)]
    parts.append(stream.finish())
    assert analyze_ecg(HEART, 250, "II")["beats"] == [b.sample for p in parts for b in p.beats]


@pytest.mark.parametrize("block", [1, 7, 250, 100_000])
def test_the_block_makes_no_difference(block: int) -> None:
    t, p = inflate(Arm(), 50)
    assert analyze_ecg(HEART, 250, "II", block) == analyze_ecg(HEART, 250, "II")
    assert analyze_ppg(FINGER, 75, "PLETH", block) == analyze_ppg(FINGER, 75, "PLETH")
    assert analyze_cuff(t, p, block) == analyze_cuff(t, p)


def test_the_shape_of_a_pleth() -> None:
    out = analyze_ppg(FINGER, 75, "PLETH")
    assert list(out) == ["fs", "channel", "beats", "reported", "pulse_rate", "perfusion_index", "quality"]
    assert json.loads(json.dumps(out, allow_nan=False)) == out
    assert len(out["beats"]) == len(out["reported"]) == 50
    assert out["pulse_rate"][-1]["bpm"] == pytest.approx(75, abs=1)
    assert out["perfusion_index"] == []
    assert {s["grade"] for s in out["quality"]} == {"good"}


def test_the_perfusion_index_of_raw_light() -> None:
    out = analyze_ppg(1000 - 20 * FINGER, 75, "IR", light=True)
    assert out["perfusion_index"][5]["percent"] == pytest.approx(2, abs=0.15)
    assert set(out["perfusion_index"][0]) == {"t", "percent"}


def test_the_shape_of_a_cuff() -> None:
    out = analyze_cuff(*inflate(Arm()))
    contract = ["systolic", "diastolic", "mean", "pulse_rate", "beats", "verdict", "reasons"]
    assert list(out) == [*contract, "interval", "estimates", "deflation", "irregular"]
    for side in ("systolic", "diastolic"):
        low, high = out["interval"][side]
        assert low < out[side] < high
        assert all(abs(each[side] - out[side]) < 30 for each in out["estimates"].values())
    assert set(out["deflation"]) == {"mmhg_s", "mmhg_beat", "stepped"}
    assert out["irregular"] is False
    assert json.loads(json.dumps(out, allow_nan=False)) == out
    assert out["verdict"] == "ok" and out["reasons"] == []


def test_a_rejected_cuff_has_no_numbers() -> None:
    out = analyze_cuff(*inflate(Arm(), 4))
    assert out == {
        "systolic": None, "diastolic": None, "mean": None, "pulse_rate": None, "beats": 0,
        "verdict": "rejected", "reasons": ["sampling-too-slow"],
        "interval": None, "estimates": {}, "deflation": None, "irregular": None,
    }  # fmt: skip


def test_holes_leave_no_nan_in_the_json() -> None:
    x = HEART.copy()
    x[3000:4000] = np.nan
    out = analyze_ecg(x, 250, "II")
    json.dumps(out, allow_nan=False)
    assert [q["reasons"] for q in out["quality"]] == [["no-beats"], [], ["electrode-off"], []]


def test_an_empty_recording_has_empty_findings() -> None:
    assert analyze_ecg([], 250, "II")["beats"] == []
    assert analyze_ppg([], 75, "PLETH")["quality"] == []
    assert analyze_cuff([], [])["reasons"] == ["no-deflation"]


@pytest.mark.parametrize("block", [0, -3])
def test_a_block_holds_at_least_one_sample(block: int) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        analyze_ecg(HEART, 250, "II", block)
