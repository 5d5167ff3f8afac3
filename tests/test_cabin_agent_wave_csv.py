"""ECG and PPG from CSV: header, units, rate, lost samples, and one sentence for each thing that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_agent.__main__ import main
from cabin_agent.recording_error import RecordingError
from cabin_agent.recordings import read_wave
from cabin_agent.wave_csv import read_table
from tests.cabin_signal_models import heart


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def rows(
    t: np.ndarray[tuple[int], np.dtype[np.float64]], *columns: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> str:
    return "\n".join(",".join(f"{v:.6g}" for v in row) for row in zip(t, *columns, strict=True)) + "\n"


@pytest.mark.parametrize("fs", [125.0, 250.0, 360.0, 500.0])
@pytest.mark.parametrize("digits", [3, 6])
def test_the_rate_is_that_of_the_times_however_few_their_digits(tmp_path: Path, fs: float, digits: int) -> None:
    t = np.round(np.arange(2000) / fs, digits)
    file = write(tmp_path / "r.csv", "t_s,II\n" + "\n".join(f"{a:.{digits}f},0" for a in t) + "\n")
    _, _, found, samples = read_table(file)
    assert found == pytest.approx(fs, rel=2e-3)
    assert samples.shape == (1, 2000)


@pytest.mark.parametrize(
    ("header", "names", "units"),
    [
        ("t_s,II", ["II"], [""]),
        ("Time [s], II (mV), PLETH", ["II", "PLETH"], ["mV", ""]),
        ("time,V5 [uV],ABP [mmHg]", ["V5", "ABP"], ["uV", "mmHg"]),
    ],
)
def test_names_and_units(tmp_path: Path, header: str, names: list[str], units: list[str]) -> None:
    cells = ",1" * len(names)
    file = write(tmp_path / "r.csv", f"{header}\n0{cells}\n0.004{cells}\n0.008{cells}\n")
    assert read_table(file)[:3] == (names, units, 250.0)


def test_an_ecg_of_microvolts_is_read_in_millivolts(tmp_path: Path) -> None:
    file = write(tmp_path / "r.csv", "t_s,II (uV)\n0,100\n0.004,200\n0.008,-50\n")
    np.testing.assert_allclose(read_wave(file, "ecg").samples, [0.1, 0.2, -0.05])


@pytest.mark.parametrize("lost", ["", "nan", "NaN"])
def test_an_empty_cell_is_a_lost_sample(tmp_path: Path, lost: str) -> None:
    file = write(tmp_path / "r.csv", f"t_s,II,V1\n0,1,2\n0.004,{lost},3\n0.008,4,5\n")
    np.testing.assert_array_equal(read_table(file)[3], [[1, np.nan, 4], [2, 3, 5]])


def test_a_time_that_jumps_has_lost_samples_before_it(tmp_path: Path) -> None:
    file = write(tmp_path / "r.csv", "t_s,II\n0,1\n0.004,2\n0.020,3\n0.024,4\n0.028,5\n")
    np.testing.assert_array_equal(read_table(file)[3], [[1, 2, np.nan, np.nan, np.nan, 3, 4, 5]])


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 1, "a header line is needed"),
        ("0,1\n0.004,2\n", 1, "a header line is needed"),
        ("t_s\n0\n", 1, "a header line is needed"),
        ("t_s,II\n0,1\n", 1, "fewer than two samples"),
        ("t_s,II\n0,1\n0.004,x\n", 1, "line 3: 2 numbers are needed"),
        ("t_s,II\n0,1\n0.004\n", 1, "line 3: 2 numbers are needed"),
        ("t_s,II\n0,1\ninf,2\n", 1, "line 3: 2 numbers are needed"),
        ("t_s,II\n0,1\n,2\n", 1, "line 3: 2 numbers are needed"),
        ("t_s,II\n0,1\n0.004,1\n0.004,1\n", 1, "row 3: the time does not rise"),
        ("t_s,II\n0,1\n1,1\n9000,1\n", 1, "the first column is in seconds"),
        ("t_s,PLETH\n0,1\n0.004,1\n", 2, "no channel that is plainly ECG"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, code: int, said: str) -> None:
    with pytest.raises(RecordingError) as refused:
        read_wave(write(tmp_path / "r.csv", text), "ecg")
    assert refused.value.code == code and said in str(refused.value)


def test_a_file_that_is_absent_or_binary(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be read: No such file"):
        read_wave(tmp_path / "none.csv", "ecg")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(RecordingError, match="no CSV text"):
        read_wave(tmp_path / "b.csv", "ecg")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_no_text_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "r.csv"
    file.write_text(text, encoding="utf-8")
    try:
        read_wave(file, "ecg")
    except RecordingError as error:
        assert str(error).endswith(".")


def test_the_same_beats_as_from_a_record_for_any_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    t = np.arange(20 * 250) / 250
    file = write(tmp_path / "r.csv", "t_s,II (mV)\n" + rows(t, heart(np.arange(0.6, 20, 0.8), 250, 20)))
    outs = []
    for block in ("1", "14", "360"):
        assert main(["analyze", "ecg", str(file), "--json", "--block", block]) == 0
        outs.append(capsys.readouterr().out)
    assert outs[0] == outs[1] == outs[2]
    assert json.loads(outs[0])["beats"] == [round(at * 250) for at in np.arange(0.6, 20, 0.8)]
