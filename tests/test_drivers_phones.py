"""The calibration file of headphones: levels, limits, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from drivers.errors import PortError
from drivers.phones import RELATIVE, TONES, read_phones

EXAMPLE = Path(__file__).resolve().parent.parent / "docs" / "headphone.toml"


def written(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    told = EXAMPLE.read_text()
    for before, after in changes:
        assert before in told
        told = told.replace(before, after)
    (tmp_path / "headphone.toml").write_text(told)
    return tmp_path / "headphone.toml"


def test_the_example_of_the_documentation_is_read() -> None:
    phones = read_phones(EXAMPLE)
    assert (phones.model, phones.serial, phones.calibrated) == ("simulated headphones", "SIM-0001", date(2026, 1, 15))
    assert {hz for _, hz in phones.zero_dbfs} == {*TONES}
    assert phones.microphone_db == 110.0
    assert phones.attenuation[1000] == 28.5


def test_a_level_is_what_the_reference_computes(tmp_path: Path) -> None:
    """Clinical reference 5.4: HDA 200 at 1 kHz, 110 dB at full scale, 40 dB HL: -64.5 dBFS."""
    phones = read_phones(written(tmp_path, ("1000 = 112.0", "1000 = 110.0")))
    assert phones.dbfs("left", 1000, 40) == pytest.approx(-64.5)


def test_the_loudest_level_is_what_the_card_can_and_nobody_may_exceed(tmp_path: Path) -> None:
    phones = read_phones(written(tmp_path, ("125 = 112.0", "125 = 80.0")))
    assert phones.loudest["left", 1000] == 80
    assert phones.loudest["right", 8000] == 75
    assert phones.loudest["left", 125] == 45  # 80 - 30.5 - 1 of headroom, in steps of five
    assert all(phones.dbfs(*place, top) <= -1 for place, top in phones.loudest.items())


def test_without_a_file_every_level_is_relative_and_capped() -> None:
    assert RELATIVE.calibrated is None
    assert set(RELATIVE.loudest.values()) == {80}
    assert RELATIVE.dbfs("left", 1000, 80) == -20


def test_a_frequency_that_lacks_either_figure_cannot_be_played(tmp_path: Path) -> None:
    phones = read_phones(written(tmp_path, ("750 = 6.0\n", ""), ("3000 = 111.5\n", "")))
    assert ("left", 750) not in phones.zero_dbfs
    assert ("right", 3000) not in phones.zero_dbfs
    assert ("left", 3000) in phones.zero_dbfs


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("date = 2026-01-15", 'date = "2026-01-15"'),
        ("date = 2026-01-15", "date = 2026-01-15T10:00:00"),
        ("date = 2026-01-15", ""),
        ('model = "simulated headphones"', 'model = ""'),
        ('serial = "SIM-0001"', "serial = 1"),
        ("[retspl]", "[reference]"),
        ("1000 = 5.5", "1001 = 5.5"),
        ("1000 = 5.5", "1000 = true"),
        ("1000 = 5.5", 'aaa = "5.5"'),
        ("1000 = 5.5", "1000 = nan"),
        ("8000 = 75", "8000 = 140"),
        ("full_scale = 110.0", "full_scale = 11.0"),
        ("[left]", "[left"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path, before: str, after: str) -> None:
    with pytest.raises(PortError, match=r"calibration .*(see|as) docs/headphone\.toml"):
        read_phones(written(tmp_path, (before, after)))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortError, match="cannot be read"):
        read_phones(tmp_path / "none.toml")


def test_a_full_scale_that_leaves_no_level_offers_none(tmp_path: Path) -> None:
    few = read_phones(written(tmp_path, ("1000 = 112.0", "1000 = 2.0")))
    assert ("left", 1000) not in few.loudest


@pytest.mark.parametrize("path", ["/dev/zero", "/dev"])
def test_what_is_no_file_is_not_read(path: str) -> None:
    with pytest.raises(PortError):
        read_phones(Path(path))


def test_no_more_than_a_calibration_is_read(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_bytes(b"#" * (1 << 22))
    with pytest.raises(PortError, match="not complete"):
        read_phones(tmp_path / "long.toml")
