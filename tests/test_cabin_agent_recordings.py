"""Recordings: which channel is read, in which unit and at which rate, and one sentence for whatever is wrong."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.recording_error import RecordingError
from cabin_agent.recordings import read_cuff, read_wave

ROOT = Path(__file__).resolve().parent.parent


def write_record(
    base: Path,
    channels: dict[str, tuple[str, list[int]]],
    gain: float = 1000.0,
    fs: float = 250.0,
    per_frame: dict[str, int] | None = None,
) -> Path:
    """A WFDB record of format 16 written by hand, as header(5) describes it: name -> (unit, counts)."""
    frames = min(len(counts) // (per_frame or {}).get(name, 1) for name, (_, counts) in channels.items())
    lines = [f"{base.name} {len(channels)} {fs:g} {frames}"]
    rows: list[list[int]] = [[] for _ in range(frames)]
    for name, (unit, counts) in channels.items():
        each = (per_frame or {}).get(name, 1)
        spf = f"x{each}" if each > 1 else ""
        lines.append(f"{base.name}.dat 16{spf} {gain:g}(0)/{unit} 16 0 {counts[0]} 0 0 {name}")
        for frame in range(frames):
            rows[frame] += counts[frame * each : (frame + 1) * each]
    base.with_name(f"{base.name}.hea").write_text("\n".join(lines) + "\n")
    flat = [count for row in rows for count in row]
    base.with_name(f"{base.name}.dat").write_bytes(np.asarray(flat, dtype="<i2").tobytes())
    return base


RAMP = list(range(-500, 500))
FLAT = [7] * 1000


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return write_record(tmp_path / "r1", {"RESP": ("NU", FLAT), "PLETH": ("NU", FLAT), "II": ("mV", RAMP)})


def refusal(path: Path, kind: str = "ecg", channel: str | None = None) -> tuple[str, int]:
    with pytest.raises(RecordingError) as caught:
        if kind == "cuff":
            read_cuff(path)
        else:
            read_wave(path, "ecg" if kind == "ecg" else "ppg", channel)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value), caught.value.code


@pytest.mark.parametrize("extension", ["", ".hea", ".dat", ".atr"])
def test_a_record_is_named_with_or_without_extension(record: Path, extension: str) -> None:
    found = read_wave(Path(f"{record}{extension}"), "ecg")
    assert (found.channel, found.fs) == ("II", 250.0)
    np.testing.assert_allclose(found.samples, np.asarray(RAMP) / 1000)


def test_the_first_channel_of_the_kind(record: Path) -> None:
    assert read_wave(record, "ecg").channel == "II"
    assert read_wave(record, "ppg").channel == "PLETH"


@pytest.mark.parametrize("channel", ["II", "ii", "2"])
def test_a_channel_by_name_in_any_case_or_by_number(record: Path, channel: str) -> None:
    assert read_wave(record, "ecg", channel).channel == "II"


def test_the_exact_name_wins_over_the_same_letters_and_the_number(tmp_path: Path) -> None:
    base = write_record(tmp_path / "r", {"v1": ("mV", FLAT), "V1": ("mV", RAMP), "0": ("mV", FLAT)})
    assert read_wave(base, "ecg", "V1").channel == "V1"
    assert read_wave(base, "ecg", "v1").channel == "v1"
    assert read_wave(base, "ecg", "0").channel == "0"


@pytest.mark.parametrize(
    ("channels", "kind", "chosen"),
    [
        ({"RESP": "mV", "ECG": "mV"}, "ecg", "ECG"),
        ({"ABP": "mmHg", "MLII": "mV"}, "ecg", "MLII"),
        ({"ABP": "mmHg", "aVF": "NU"}, "ecg", "aVF"),
        ({"ABP": "mmHg", "chest": "uV"}, "ecg", "chest"),
        ({"PLETH": "mV", "chest": "mV"}, "ecg", "chest"),
        ({"unknown": "NU"}, "ecg", "unknown"),
        ({"unknown": "NU"}, "ppg", "unknown"),
        ({"V": "mV", "PPG_red": "NU"}, "ppg", "PPG_red"),
        ({"II,": "mV", "PLETH,": "NU"}, "ppg", "PLETH"),
        ({"ABP": "mmHg", "RESP": "NU"}, "ecg", None),
        ({"PLETH": "NU"}, "ecg", None),
        ({"II": "mV"}, "ppg", None),
        ({"II": "mV", "ABP": "mmHg"}, "ppg", None),
    ],
)
def test_which_channel_is_meant(tmp_path: Path, channels: dict[str, str], kind: str, chosen: str | None) -> None:
    base = write_record(tmp_path / "r", {name: (unit, RAMP) for name, unit in channels.items()})
    if chosen is not None:
        assert read_wave(base, "ecg" if kind == "ecg" else "ppg").channel == chosen
        return
    sentence, code = refusal(base, kind)
    assert code == 2
    assert f"plainly {kind.upper()}: name one of {', '.join(channels)}" in sentence


@pytest.mark.parametrize(("unit", "scale"), [("V", 1e3), ("mV", 1.0), ("uV", 1e-3), ("nV", 1e-6), ("NU", 1.0)])
def test_an_ecg_is_in_millivolts(tmp_path: Path, unit: str, scale: float) -> None:
    short = RAMP[:200]  # not a second of it: nobody can say that it moves too much
    base = write_record(tmp_path / "r", {"II": (unit, short)}, gain=1.0)
    np.testing.assert_allclose(read_wave(base, "ecg").samples, np.asarray(short) * scale)


def test_a_channel_that_is_no_voltage_is_no_ecg(tmp_path: Path) -> None:
    base = write_record(tmp_path / "r", {"II": ("mV", RAMP), "ABP": ("mmHg", RAMP)})
    with pytest.raises(RecordingError, match="The channel ABP is in mmHg: an ECG is a voltage") as refused:
        read_wave(base, "ecg", "ABP")
    assert refused.value.code == 2


def test_microvolts_under_the_name_of_millivolts_are_refused(tmp_path: Path) -> None:
    beats = [1000 if i % 250 == 100 else 0 for i in range(2500)]
    base = write_record(tmp_path / "r", {"II": ("mV", beats)}, gain=1.0)
    with pytest.raises(RecordingError, match=r"more than 100 mV in most seconds, .*: mV is not its unit"):
        read_wave(base, "ecg")


def test_a_ppg_keeps_its_scale(tmp_path: Path) -> None:
    base = write_record(tmp_path / "r", {"PLETH": ("uV", RAMP)}, gain=1.0)
    np.testing.assert_allclose(read_wave(base, "ppg").samples, np.asarray(RAMP, dtype=float))


def test_a_channel_sampled_faster_than_the_others_keeps_its_own_rate(tmp_path: Path) -> None:
    base = write_record(
        tmp_path / "r", {"II": ("mV", RAMP), "PLETH": ("NU", FLAT)}, fs=125, per_frame={"II": 4}
    )  # fmt: skip
    ecg, ppg = read_wave(base, "ecg"), read_wave(base, "ppg")
    assert (ecg.fs, len(ecg.samples)) == (500.0, 1000)
    assert (ppg.fs, len(ppg.samples)) == (125.0, 250)
    np.testing.assert_allclose(ecg.samples, np.asarray(RAMP) / 1000)


def test_a_lost_sample_is_not_a_number(tmp_path: Path) -> None:
    base = write_record(tmp_path / "r", {"II": ("mV", [0, -32768, 5, 6])})
    samples = read_wave(base, "ecg").samples
    assert math.isnan(samples[1])
    np.testing.assert_allclose(samples[[0, 2, 3]], [0, 0.005, 0.006])


def test_two_segments_are_one_recording(tmp_path: Path) -> None:
    for name in ("s1", "s2"):
        write_record(tmp_path / name, {"II": ("mV", RAMP)})
    (tmp_path / "whole.hea").write_text("whole/2 1 250 2000\ns1 1000\ns2 1000\n")
    assert len(read_wave(tmp_path / "whole", "ecg").samples) == 2000


def test_an_unknown_channel_is_told_those_there_are(record: Path) -> None:
    for name in ("V9", "3", "-1", "²", ""):
        sentence, code = refusal(record, channel=name)
        assert f"has no channel '{name}': it has RESP, PLETH, II." in sentence
        assert code == 2


def test_an_unknown_record(tmp_path: Path) -> None:
    sentence, code = refusal(tmp_path / "nothing")
    assert "There is no record" in sentence
    assert "nothing.hea" in sentence
    assert code == 3


def test_a_header_without_its_signal_file(record: Path) -> None:
    record.with_name("r1.dat").unlink()
    sentence, code = refusal(record)
    assert "lacks its file r1.dat" in sentence
    assert code == 3


@pytest.mark.parametrize("left", [0, 1, 100, 5999])
def test_a_truncated_record(record: Path, left: int) -> None:
    data = record.with_name("r1.dat")
    data.write_bytes(data.read_bytes()[:left])
    sentence, code = refusal(record)
    assert "truncated or damaged" in sentence
    assert code == 1


@pytest.mark.parametrize("header", ["", "hello\n", "# nothing\n", "r1 1 250 1000\n", "\x00\x01"])
def test_a_damaged_header(record: Path, header: str) -> None:
    record.with_name("r1.hea").write_text(header)
    sentence, code = refusal(record)
    assert "damaged" in sentence
    assert code == 1


def test_a_record_of_annotations_alone(tmp_path: Path) -> None:
    (tmp_path / "rr.hea").write_text("rr 0 128 0\n")
    sentence, code = refusal(tmp_path / "rr")
    assert "has no signals" in sentence
    assert code == 3


def test_reading_a_cuff_file_does_not_load_wfdb() -> None:
    """wfdb brings pandas and takes half a second: only who reads a record pays for it."""
    program = "import sys, cabin_agent.recordings; sys.exit('wfdb' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_no_warning_of_wfdb_reaches_the_user(record: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_wave(record, "ecg")
    assert caught == []


# The cuff's CSV.


def csv(folder: Path, text: str) -> Path:
    path = folder / "cuff.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "t_s,mmHg\n0,180\n0.5,179.25\n",
        "0,180\n0.5,179.25\n",
        "\ufefft_s,mmHg\r\n0, 180\r\n0.5, 179.25\r\n\r\n",
        'T_S, MMHG\n"0","180"\n\n5e-1,1.7925e2',
    ],
)
def test_a_cuff_file(tmp_path: Path, text: str) -> None:
    t, mmhg = read_cuff(csv(tmp_path, text))
    np.testing.assert_array_equal(t, [0, 0.5])
    np.testing.assert_array_equal(mmhg, [180, 179.25])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("t_s,mmHg\n0,180\n1,x\n2,178\n", "line 3: two numbers are needed"),
        ("t_s,mmHg\n0,180\n1\n", "line 3: two numbers are needed"),
        ("t_s,mmHg\n0,180,5\n", "line 2: two numbers are needed"),
        ("t_s;mmHg\n0;180\n", "line 1: two numbers are needed"),
        ("time,pressure\n0,180\n", "line 1: two numbers are needed"),
        ("t_s,mmHg\n0,180\nt_s,mmHg\n", "line 3: two numbers are needed"),
        ("t_s,mmHg\n0,180\n\n0,179\n", "line 4: the time does not rise"),
        ("t_s,mmHg\n0,180\n-1,179\n", "line 3: the time does not rise"),
        ("t_s,mmHg\n0,nan\n", "line 2: a time or a pressure is not finite"),
        ("t_s,mmHg\ninf,180\n", "line 2: a time or a pressure is not finite"),
        ("t_s,mmHg\n", "fewer than two samples"),
        ("t_s,mmHg\n0,180\n", "fewer than two samples"),
        ("", "fewer than two samples"),
    ],
)
def test_a_wrong_cuff_file_is_told_its_line(tmp_path: Path, text: str, said: str) -> None:
    sentence, code = refusal(csv(tmp_path, text), "cuff")
    assert said in sentence
    assert code == 1


def test_a_cuff_file_that_is_absent_or_binary(tmp_path: Path) -> None:
    sentence, code = refusal(tmp_path / "none.csv", "cuff")
    assert "cannot be read: No such file" in sentence
    assert code == 3
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    sentence, code = refusal(tmp_path / "b.csv", "cuff")
    assert "not a text file" in sentence
    assert code == 1


@given(st.text(max_size=80))
def test_no_text_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        t, mmhg = read_cuff(path)
    except RecordingError as error:
        assert error.code == 1
    else:
        assert len(t) == len(mmhg) >= 2
        assert np.all(np.diff(t) > 0)


# Real recordings.


def test_real_records_are_read_at_their_own_rate(cabin_data: Path) -> None:
    for name, kind, channel, fs, count in (
        ("mitdb/102", "ecg", "V5", 360, 650_000),
        ("nstdb/118e12", "ecg", "MLII", 360, 650_000),
        ("cpsc2019/c00014", "ecg", "ECG", 500, 5000),
        ("cpsc2021/data_21_7", "ecg", "I", 200, 47_201),
        ("bidmc/bidmc01", "ecg", "II", 125, 60_001),
        ("bidmc/bidmc01", "ppg", "PLETH", 125, 60_001),
    ):
        found = read_wave(cabin_data / name, "ecg" if kind == "ecg" else "ppg")
        assert (found.channel, found.fs, len(found.samples)) == (channel, fs, count)
        assert np.isfinite(found.samples).all()


def test_a_real_record_cut_in_half(cabin_data: Path, tmp_path: Path) -> None:
    for extension in (".hea", ".dat"):
        shutil.copyfile(cabin_data / f"mitdb/102{extension}", tmp_path / f"102{extension}")
    data = tmp_path / "102.dat"
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    sentence, code = refusal(tmp_path / "102")
    assert "truncated or damaged" in sentence
    assert code == 1
