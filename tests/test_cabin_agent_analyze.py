"""`cabin analyze`: the JSON of the contract, the same for any block, and a table for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cabin_agent.__main__ import main
from cabin_signal.analyze import analyze_cuff, analyze_ecg, analyze_ppg

FS = 250


def write(base: Path, name: str, unit: str, wave: np.ndarray[Any, np.dtype[np.float64]], fs: int = FS) -> Path:
    counts = np.round(wave * 1000).astype("<i2")
    base.with_name(f"{base.name}.hea").write_text(
        f"{base.name} 1 {fs} {len(counts)}\n{base.name}.dat 16 1000(0)/{unit} 16 0 0 0 0 {name}\n"
    )
    base.with_name(f"{base.name}.dat").write_bytes(counts.tobytes())
    return base


@pytest.fixture
def ecg(tmp_path: Path) -> Path:
    """A minute of narrow R waves of 1 mV at 75 per minute."""
    t = np.arange(60 * FS) / FS
    return write(tmp_path / "heart", "II", "mV", np.exp(-0.5 * ((t % 0.8 - 0.4) / 0.012) ** 2))


@pytest.fixture
def ppg(tmp_path: Path) -> Path:
    """A minute of pulses at 60 per minute."""
    t = np.arange(60 * FS) / FS % 1.0
    return write(tmp_path / "pulse", "PLETH", "NU", 5 * np.exp(-0.5 * ((t - 0.3) / 0.1) ** 2))


@pytest.fixture
def cuff(tmp_path: Path) -> Path:
    """A cuff that is let down slowly over a pulse whose oscillations grow and fade around 95 mmHg."""
    t = np.arange(0, 50, 0.01)
    pressure = np.where(t < 5, 36 * t, 180 - 3.2 * (t - 5))
    swing = np.where(t < 5, 0, 2 * np.exp(-0.5 * ((pressure - 95) / 22) ** 2))
    wave = pressure + swing * np.sin(2 * np.pi * 1.2 * t)
    path = tmp_path / "cuff.csv"
    path.write_text("t_s,mmHg\n" + "".join(f"{s:.2f},{p:.3f}\n" for s, p in zip(t, wave, strict=True)))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["analyze", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_intervals_are_given_where_they_are_asked_for(ecg: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "ecg", ecg, "--json", "--intervals")
    found = json.loads(out)
    assert code == 0
    assert [(one["start"], one["end"]) for one in found["intervals"]] == [(0, 30 * FS), (30 * FS, 60 * FS)]
    assert {one["reasons"]["pr"] for one in found["intervals"]} == {"no-p"}
    assert "intervals" not in json.loads(run(capsys, "ecg", ecg, "--json")[1])
    assert "PR" in run(capsys, "ecg", ecg, "--intervals")[1]


def test_intervals_of_a_pleth_are_refused(ppg: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "ppg", ppg, "--intervals")
    assert code == 2
    assert "--intervals" in err


def test_ecg_as_json(ecg: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "ecg", ecg, "--json")
    found = json.loads(out)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert set(found) == {"fs", "channel", "beats", "reported", "heart_rate", "quality", "rhythm"}
    assert (found["fs"], found["channel"]) == (FS, "II")
    assert 72 <= len(found["beats"]) <= 75
    assert len(found["reported"]) == len(found["beats"])
    assert all(late >= at for at, late in zip(found["beats"], found["reported"], strict=True))
    assert all(abs(at / FS % 0.8 - 0.4) < 0.02 for at in found["beats"])
    assert found["heart_rate"][-1]["bpm"] == pytest.approx(75, abs=1)
    assert {span["grade"] for span in found["quality"]} <= {"good", "usable", "bad"}
    assert {span["verdict"] for span in found["rhythm"]} <= {"regular", "irregular", "unanalysable"}


def test_ppg_as_json(ppg: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "ppg", ppg, "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert set(found) == {"fs", "channel", "beats", "reported", "pulse_rate", "perfusion_index", "quality"}
    assert found["channel"] == "PLETH"
    assert found["pulse_rate"][-1]["bpm"] == pytest.approx(60, abs=1)


def test_cuff_as_json(cuff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "cuff", cuff, "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    contract = {"systolic", "diastolic", "mean", "pulse_rate", "beats", "verdict", "reasons"}
    assert set(found) == contract | {"interval", "estimates", "deflation", "irregular"}
    for side in ("systolic", "diastolic"):
        low, high = found["interval"][side]
        assert low < found[side] < high
    assert set(found["estimates"]) == {"ratios", "slopes", "artery", "pulses"}
    assert found["deflation"]["mmhg_s"] == pytest.approx(3.2, abs=0.1)
    assert found["irregular"] is False
    assert found["verdict"] == "ok"
    assert found["diastolic"] < found["mean"] < found["systolic"]
    assert found["mean"] == pytest.approx(95, abs=8)
    assert found["pulse_rate"] == pytest.approx(72, abs=2)


def test_it_is_the_analysis_itself_and_any_block_gives_the_same(
    ecg: Path, ppg: Path, cuff: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, path in (("ecg", ecg), ("ppg", ppg), ("cuff", cuff)):
        whole = run(capsys, kind, path, "--json")[1]
        for block in (1, 37, 10**9):
            assert run(capsys, kind, path, "--json", "--block", block)[1] == whole
    counts = np.fromfile(ecg.with_name("heart.dat"), dtype="<i2") / 1000
    assert json.loads(run(capsys, "ecg", ecg, "--json")[1]) == analyze_ecg(counts, FS, "II")
    counts = np.fromfile(ppg.with_name("pulse.dat"), dtype="<i2") / 1000
    assert json.loads(run(capsys, "ppg", ppg, "--json")[1]) == analyze_ppg(counts, FS, "PLETH")
    table = np.loadtxt(cuff, delimiter=",", skiprows=1)
    assert json.loads(run(capsys, "cuff", cuff, "--json")[1]) == analyze_cuff(table[:, 0], table[:, 1])


def test_tables_for_people(ecg: Path, ppg: Path, cuff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = {line.split()[0]: line for line in run(capsys, "ecg", ecg)[1].splitlines()}
    assert "II, 250 Hz, 60 s" in lines["channel"]
    assert " 75 (" in lines["rate"]
    assert "regular 81 %, unanalysable 19 %" in lines["rhythm"]
    lines = {line.split()[0]: line for line in run(capsys, "ppg", ppg)[1].splitlines()}
    assert " 60 (" in lines["rate"]
    assert "perfusion" in lines
    assert "rhythm" not in lines
    code, out, _ = run(capsys, "cuff", cuff)
    assert code == 0
    assert "mmHg" in out
    assert "verdict" in out


def test_nothing_in_a_flat_line_is_said_as_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flat = write(tmp_path / "flat", "II", "mV", np.zeros(20 * FS))
    code, out, _ = run(capsys, "ecg", flat)
    assert code == 0
    assert "no value" in out
    assert json.loads(run(capsys, "ecg", flat, "--json")[1])["beats"] == []
    path = tmp_path / "flat.csv"
    path.write_text("".join(f"{second},100\n" for second in range(60)))
    code, out, _ = run(capsys, "cuff", path)
    assert code == 0
    assert "rejected" in out
    assert out.count("no value") == 4


def test_a_recording_too_short_to_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = write(tmp_path / "short", "II", "mV", np.zeros(3))
    code, out, _ = run(capsys, "ecg", short)
    assert code == 0
    assert "beats" in out
    assert json.loads(run(capsys, "ecg", short, "--json")[1])["heart_rate"] == []


def test_what_cannot_be_read_is_one_sentence_on_stderr(
    ecg: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = write(tmp_path / "slow", "II", "mV", np.zeros(100), fs=10)
    broken = tmp_path / "broken.csv"
    broken.write_text("t_s,mmHg\n0,180\nx,1\n")
    for words, expected, said in (
        (("ecg", tmp_path / "none"), 3, "There is no record"),
        (("ecg", ecg, "--channel", "V6"), 2, "has no channel 'V6': it has II."),
        (("ppg", ecg), 2, "name one of II"),
        (("ecg", slow), 3, "an ECG has 100 to 10000 samples a second, not 10."),
        (("cuff", broken), 1, "line 3"),
        (("cuff", broken, "--channel", "II"), 2, "leave --channel out"),
    ):
        code, out, err = run(capsys, *words)
        assert (code, out) == (expected, "")
        assert err.startswith("cabin analyze: ")
        assert said in err
        assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["eeg", "x"], ["ecg"], ["ecg", "x", "--block", "0"], ["ecg", "x", "--block", "²"]])
def test_used_wrongly(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["analyze", *words])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


def test_a_real_record_with_each_channel(cabin_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "ecg", cabin_data / "bidmc" / "bidmc01.hea", "--json")[1])
    pulse = json.loads(run(capsys, "ppg", cabin_data / "bidmc" / "bidmc01", "--channel", "pleth", "--json")[1])
    assert found["channel"] == "II"
    assert pulse["channel"] == "PLETH"
    # Heart and pulse of one person over eight minutes: as many beats, give or take what motion hides.
    assert len(found["beats"]) == pytest.approx(len(pulse["beats"]), rel=0.05)
