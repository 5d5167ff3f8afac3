"""The picture of `cabin monitor`: nothing old looks new, nothing simulated looks real."""

from __future__ import annotations

from typing import Any

import pytest

from cabin_agent.event_json import event_json
from cabin_agent.face import Json
from cabin_agent.monitoring.view import picture
from cabin_agent.monitoring.watched import MOST_VALUES, WAVE_S, Watched
from drivers.events import Event, HearingRecord, NoValue, PressureResult, Reading, RoomNoise, Wave
from tests.fake_face import INSTRUMENT

SPO2 = Reading("spo2", 97.0, "%", frozenset({"artifact"}))
CUFF = PressureResult(125.0, 78.0, 94.0, NoValue("missing"), 12)


def watched(*events: Event, now: float = 100.0, **more: Any) -> Watched:
    found = Watched()
    found.told(row(**more), now)
    for event in events:
        found.said(event_json(event), now)
    return found


def row(**more: Any) -> Json:
    return INSTRUMENT | {"reason": ""} | more


def lines(found: Watched, now: float = 100.0, width: int = 80, channels: tuple[str, ...] = ()) -> list[str]:
    return picture(found, now, width, channels).plain.splitlines()


def line(found: Watched, name: str, now: float = 100.0) -> str:
    return next(each for each in lines(found, now) if each.startswith(f"{name} "))


def test_before_anything_is_known() -> None:
    assert lines(Watched()) == ["Waiting for the instrument."]


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        (
            "state",
            {"state": "stale", "reason": "The oximeter has been silent."},
            "stale  The oximeter has been silent.",
        ),
        ("last sample", {"age_s": None}, "never"),
        ("last sample", {"age_s": 0.25}, "0.2 s ago"),
        ("last sample", {"age_s": 125.0}, "2 min ago"),
        ("identity", {"serial": "S7", "firmware": "45"}, "3150  serial S7  firmware 45"),
        ("calibration", {"calibration_due": "2027-01-01"}, "good until 2027-01-01"),
        ("calibration", {"calibration_due": "2026-01-01", "past_due": True}, "PAST since 2026-01-01"),
        ("calibration", {}, "not known"),
        ("self-test", {"self_test": "failed"}, "failed"),
        ("its clock", {"clock_offset_s": -61.0}, "-61 s"),
        ("troubles", {"troubles": {"resync": 2, "checksum": 3}}, "checksum 3, resync 2"),
        ("not confirmed", {"unconfirmed": "its baud rate"}, "its baud rate"),
    ],
)
def test_each_fact(name: str, more: Json, words: str) -> None:
    assert line(watched(**more), name).split(maxsplit=len(name.split()))[-1].rstrip() == words


@pytest.mark.parametrize(("simulated", "mark"), [(True, True), (False, False)])
def test_what_is_simulated_says_so_beside_every_value_and_wave(simulated: bool, mark: bool) -> None:
    wave = Wave("pleth", 0, 75.0, "1", ("pleth",), ((1.0,), (2.0,)))
    told = lines(watched(SPO2, wave, simulated=simulated))
    marked = [each.split()[0] for each in told if "SIMULATED" in each]
    assert marked == (["oximeter", "spo2", "pleth"] if mark else [])


def test_a_value_has_its_unit_and_flags_or_its_reason() -> None:
    found = watched(SPO2, Reading("pulse_rate", NoValue("finger-out"), "/min"), Reading("temperature", 36.17, "Cel"))
    assert "97 %  [artifact]" in line(found, "spo2")
    assert "no value: finger-out" in line(found, "pulse_rate")
    assert "36.17 °C" in line(found, "temperature")


def test_an_old_value_says_how_old_it_is() -> None:
    found = watched(SPO2)
    assert "ago" not in line(found, "spo2", 102.0)
    assert line(found, "spo2", 110.0).endswith("10.0 s ago")


def test_a_cuff_says_its_pressures_or_its_error() -> None:
    found = watched(CUFF)
    told = [found.values[name].text for name in ("systolic", "diastolic", "mean", "pulse_rate")]
    assert told == ["125 mmHg", "78 mmHg", "94 mmHg", "no value: missing"]
    none = NoValue("device-error")
    failed = PressureResult(none, none, none, none, 0, "loose-cuff")
    assert watched(failed).values["blood_pressure"].text == "no value: loose-cuff"


def test_an_audiometer_says_its_thresholds_and_anything_else_its_fields() -> None:
    found = watched(
        HearingRecord("left", {1000: 20.0, 2000: NoValue("no-response")}, 1, 1, 2), RoomNoise(1.5, {500: 30.0})
    )
    assert found.values["left ear"].text == "1000 Hz 20 dB, 2000 Hz no value: no-response"
    assert "at_s 1.5" in found.values["room_noise"].text


def test_the_rate_of_bytes_is_that_of_the_last_second() -> None:
    found = watched(bytes_in=1000)
    for now, count in ((100.5, 1100), (101.0, 1375)):
        found.told(row(bytes_in=count), now)
    assert found.bytes_s == 375
    found.told(row(bytes_in=5), 102.0)  # the core began anew
    found.told(row(bytes_in=15), 103.0)
    assert found.bytes_s == 10


def test_values_that_never_end_do_not_fill_the_memory() -> None:
    found = Watched()
    for number in range(10 * MOST_VALUES):
        found.said({"event": f"strange{number}"}, 1.0)
    assert len(found.values) == MOST_VALUES


def ecg(index: int = 0, count: int = 50) -> Wave:
    return Wave("ecg", index, 250.0, "mV", ("I", "II", "V1"), ((0.1, -1.0, 1.0), (0.2, 1.0, 2.0)) * (count // 2))


def test_a_wave_is_drawn_for_the_channels_that_were_chosen() -> None:
    drawn = {
        names: "\n".join(lines(watched(ecg()), channels=names)) for names in ((), ("II", "V1"), ("all",), ("V9",))
    }
    assert "not drawn: II, V1" in drawn[()] and "0.10..0.20 mV" in drawn[()]
    assert "-1.00..1.00 mV" in drawn["II", "V1"] and "1.00..2.00 mV" in drawn["II", "V1"]
    assert "not drawn" not in drawn[("all",)]
    assert "There is no channel V9; there are: I, II, V1." in drawn[("V9",)]


def test_a_wave_that_stopped_is_stale() -> None:
    found = watched(ecg())
    assert not any("STALE" in each for each in lines(found, 101.0))
    assert any("STALE, 3.0 s ago" in each for each in lines(found, 103.0))


def test_lost_samples_are_a_hole_and_a_stream_that_began_anew_is_empty() -> None:
    found = watched(ecg(0, 50), ecg(60, 50))
    kept = found.lines["ecg"].channel("I")
    assert len(kept) == WAVE_S["ecg"] * 250 and kept[-60:-50] == [None] * 10 and None not in kept[-50:]
    found.said(event_json(ecg(0, 4)), 100.0)
    assert sum(each is not None for each in found.lines["ecg"].channel("I")) == 4


def test_a_device_cannot_command_the_terminal() -> None:
    found = watched(model="evil\x1b[2J", reason="\x07", state="failed")
    assert "\x1b" not in picture(found, 100.0, 80).plain and "evil?[2J" in line(found, "identity")


def test_no_line_is_wider_than_the_terminal_for_the_wave() -> None:
    assert max(len(each) for each in lines(watched(ecg()), width=40) if "⠀" in each) <= 40
