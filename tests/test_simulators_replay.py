"""Recordings through the wire: the right lead, the right time, the right values."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from simulators.body import Array, Body
from simulators.cyton import Ecg
from simulators.device import SimulatorError
from simulators.nonin import Oximeter
from simulators.physiology import LEADS
from simulators.replay import read_finger, read_leads, resample

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import wfdb

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
"""What wfdb 4.3 and pandas 3.1 have to settle between them."""

AT = np.array([1.003, 2.5, 3.711, 5.0, 6.294, 8.0])
"""Where the made signals have their bumps, s."""


def bumps(rate: float, seconds: float = 10.0, width: float = 0.03) -> Array:
    t = np.arange(0, seconds, 1 / rate)
    return np.asarray(np.exp(-0.5 * ((t[:, None] - AT) / width) ** 2).sum(axis=1))


def centres(x: Array, rate: float) -> Array:
    """Centre of mass of each bump, s: finer than a sample."""
    t = np.arange(len(x)) / rate
    near = [np.abs(t - at) < 0.1 for at in AT]
    return np.array([(t[n] * x[n]).sum() / x[n].sum() for n in near])


def write(folder: Path, name: str, signals: dict[str, Array], rate: float = 360, unit: str = "mV") -> Path:
    samples = np.column_stack(list(signals.values()))
    width = len(signals)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=[unit] * width,
        sig_name=list(signals),
        p_signal=samples,
        fmt=["16"] * width,
        write_dir=str(folder),
    )
    return folder / name


@pytest.mark.parametrize("rate", [125, 128, 200, 250, 360, 500, 1000, 257.3])
@pytest.mark.parametrize("new_rate", [75, 250])
def test_resampling_does_not_shift_time(rate: float, new_rate: float) -> None:
    moved = centres(resample(bumps(rate), rate, new_rate), new_rate) - AT
    assert np.abs(moved).max() < 0.001
    assert abs(moved.mean()) < 0.0003


@pytest.mark.parametrize("rate", [200, 360, 500])
def test_resampling_keeps_height_level_and_length(rate: float) -> None:
    out = resample(bumps(rate) + 3.0, rate, 250)
    assert len(out) == pytest.approx(2500, abs=1)
    assert out.max() == pytest.approx(4.0, abs=0.03)
    assert out[0] == pytest.approx(3.0, abs=0.01)
    assert out[-1] == pytest.approx(3.0, abs=0.01)


def test_a_hole_stays_a_hole() -> None:
    x = bumps(360)
    x[1000:1100] = np.nan
    out = resample(x, 360, 250)
    gone = np.flatnonzero(np.isnan(out)) / 250
    assert gone[0] == pytest.approx(1000 / 360, abs=0.005)
    assert gone[-1] == pytest.approx(1100 / 360, abs=0.005)
    assert np.isnan(resample(np.full(360, np.nan), 360, 250)).all()


def packets(record: Path, seconds: float) -> Array:
    """The eight channels of a replay in mV, NaN where railed, read from the wire by hand."""
    board = Ecg(Body(1), read_leads(record))
    board.receive(b"b", 17.0)
    raw = board.produce(17.0 + seconds)
    counts = np.array([[int.from_bytes(p[n : n + 3], "big", signed=True) for n in range(2, 26, 3)] for p in raw])
    return np.where(counts == 8388607, np.nan, counts * 4500 / 24 / (2**23 - 1))


def worn(millivolts: Array) -> list[str]:
    return [lead for n, lead in enumerate(LEADS) if not np.isnan(millivolts[:, n]).any()]


def test_leads_go_where_their_names_say(tmp_path: Path) -> None:
    record = write(tmp_path, "r", {"V5": bumps(360) * 0.5, "MLII": bumps(360), "RESP": bumps(360)})
    seen = packets(record, 9.0)
    assert worn(seen) == ["II", "V5"]
    assert seen[:, 1].max() == pytest.approx(1.0, abs=0.02)
    assert seen[:, 6].max() == pytest.approx(0.5, abs=0.02)
    assert np.isnan(np.delete(seen, [1, 6], axis=1)).all()
    assert np.abs(centres(seen[:, 1], 250) - AT).max() < 0.001


def test_a_signal_without_a_leads_name_goes_to_ii(tmp_path: Path) -> None:
    record = write(tmp_path, "r", {"PLETH": -bumps(500), "ECG": bumps(500), "ECG2": -bumps(500)}, 500)
    seen = packets(record, 5.0)
    assert worn(seen) == ["II"]
    assert np.nanmax(seen) == pytest.approx(1.0, abs=0.02)


def test_microvolts_are_understood(tmp_path: Path) -> None:
    record = write(tmp_path, "r", {"I": bumps(250) * 800}, 250, "uV")
    assert np.nanmax(packets(record, 5.0)) == pytest.approx(0.8, abs=0.02)


def test_the_end_is_followed_by_the_beginning_and_each_stream_starts_anew(tmp_path: Path) -> None:
    record = write(tmp_path, "r", {"II": bumps(250) + np.linspace(0, 1, 2500)}, 250)
    seen = packets(record, 25.0)
    assert np.allclose(seen[:2500, 1], seen[2500:5000, 1])
    board = Ecg(Body(1), read_leads(record))
    board.receive(b"b", 0.0)
    first = board.produce(3.0)
    board.receive(b"s", 3.0)
    board.receive(b"b", 4.5)
    assert board.produce(7.5) == first


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat"])
def test_a_record_is_named_with_or_without_its_suffix(tmp_path: Path, suffix: str) -> None:
    record = write(tmp_path, "rec1", {"II": bumps(250)}, 250)
    assert worn(packets(Path(f"{record}{suffix}"), 2.0)) == ["II"]


def test_what_cannot_be_played_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"no WFDB record .*\.hea file\.$"):
        read_leads(tmp_path / "absent")
    pleth = write(tmp_path, "pleth", {"PLETH": bumps(125), "RESP": bumps(125)}, 125)
    with pytest.raises(SimulatorError, match=r"no ECG signal; .*\.$"):
        read_leads(pleth)
    lead = write(tmp_path, "lead", {"II": bumps(125)}, 125)
    with pytest.raises(SimulatorError, match=r"no PLETH signal; .*\.$"):
        read_finger(lead)
    (tmp_path / "broken.hea").write_text("broken 2 not a header\n")
    with pytest.raises(SimulatorError, match=r"cannot be read \(.*\.$"):
        read_leads(tmp_path / "broken")


def frames(record: Path, seconds: float) -> list[bytes]:
    module = Oximeter(Body(1), read_finger(record))
    module.opened(40.0)
    return module.produce(40.0 + seconds)


def values(played: list[bytes], second: float) -> tuple[int, int]:
    """Pulse rate and SpO2 of the packet at a second, by the sheet's columns."""
    n = int(second * 3) * 25
    return (played[n][3] & 3) << 7 | played[n + 1][3], played[n + 2][3]


def test_a_pleth_is_scaled_and_keeps_its_time(tmp_path: Path) -> None:
    played = frames(write(tmp_path, "p", {"PLETH,": 0.3 + 0.1 * bumps(125)}, 125, "NU"), 9.0)
    assert all(sum(f[:4]) % 256 == f[4] for f in played)
    pleth = np.array([int.from_bytes(f[1:3], "big") for f in played], dtype=float)
    assert (pleth.min(), pleth.max()) == pytest.approx((5000, 60000), abs=300)
    assert np.abs(centres(pleth - 5000, 75) - AT).max() < 0.003
    assert values(played, 5) == (511, 127)
    assert not any(f[0] & 0x18 for f in played)


def test_values_come_from_the_numerics_beside_the_record(tmp_path: Path) -> None:
    record = write(tmp_path, "p", {"PLETH": bumps(125)}, 125, "NU")
    rows = "Time [s], HR, PULSE, RESP, SpO2\n0,70,71,12,97\n"
    rows += "1,70,72,12,96\n2,70,NaN,12,\n3,70,130,12,94\n4,70,900,12,101\n"
    (tmp_path / "p_numerics.csv").write_text(rows)
    played = frames(record, 9.0)
    assert [values(played, s) for s in (0.4, 1.4, 2.4, 3.4, 4.4)] == [
        (71, 97),
        (72, 96),
        (511, 127),
        (130, 94),
        (511, 127),
    ]


def test_the_finger_can_leave_a_replay_too(tmp_path: Path) -> None:
    record = write(tmp_path, "p", {"PLETH": bumps(125)}, 125, "NU")
    (tmp_path / "p_numerics.csv").write_text("Time [s], PULSE, SpO2\n0,71,97\n")
    body = Body(1)
    module = Oximeter(body, read_finger(record))
    module.opened(0.0)
    assert values(module.produce(6.0), 4) == (71, 97)
    body.change(6.0, {"finger_in": False})
    assert values(module.produce(9.0), 2) == (511, 127)
    body.change(9.0, {"finger_in": True})
    back = module.produce(20.0)
    assert values(back, 1) == (511, 127)
    assert values(back, 9) == (71, 97)


def test_mit_bih_beats_stay_under_their_annotations(cabin_data: Path) -> None:
    record = cabin_data / "mitdb" / "119"
    seen = packets(record, 120.0)
    assert worn(seen) == ["II", "V1"]
    raw = wfdb.rdrecord(str(record), sampto=120 * 360).p_signal[:, 0]
    annotated = wfdb.rdann(str(record), "atr", sampto=119 * 360)
    offsets = []
    for n, symbol in zip(annotated.sample, annotated.symbol, strict=True):
        if symbol == "N" and n > 360:
            before = n - 36 + int(np.argmax(raw[n - 36 : n + 36]))
            at = round(before / 360 * 250)
            after = at - 25 + int(np.argmax(seen[at - 25 : at + 25, 1]))
            offsets.append(after / 250 - before / 360)
    assert len(offsets) > 50
    assert np.abs(offsets).max() <= 0.0045
    assert abs(np.mean(offsets)) < 0.001


def test_bidmc_pleth_and_monitor_values(cabin_data: Path) -> None:
    record = cabin_data / "bidmc" / "bidmc01"
    played = frames(record, 60.0)
    assert values(played, 1.5) == (93, 97)
    pleth = np.array([int.from_bytes(f[1:3], "big") for f in played], dtype=float)
    raw = wfdb.rdrecord(str(record), sampto=60 * 125).p_signal[:, 0]
    there = np.interp(np.arange(len(pleth)) / 75, np.arange(len(raw)) / 125, raw)
    scores = [np.corrcoef(np.roll(pleth, lag)[10:-10], there[10:-10])[0, 1] for lag in range(-5, 6)]
    assert int(np.argmax(scores)) == 5
    assert max(scores) > 0.999
    assert worn(packets(record, 2.0)) == ["II"]


def test_wfdb_and_scipy_are_loaded_only_for_a_replay() -> None:
    code = "import simulators.cli, sys; print([m for m in ('wfdb', 'scipy', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
