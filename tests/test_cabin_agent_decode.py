"""`cabin decode` and captures: binary and hex give the same events, and a cut is told from silence."""

from __future__ import annotations

import io
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabin_agent.__main__ import main
from cabin_agent.captures import CaptureError, capture_bytes, decode, unfinished
from cabin_agent.commands.output import print_json
from cabin_agent.event_json import event_name, plain
from drivers import DECODERS
from drivers.events import HearingRecord, Identity, NoValue, PressureResult, Reading, Trouble, Wave
from drivers.gatt_records import CURRENT_TIME, SETTLED, WEIGHT, record

THERMOMETER = bytes.fromhex("5a5a45040c780d19a7")
"""31.92 and 33.53 degrees, from the board's description."""
SKIN = bytes.fromhex("5a5a45040d84096f06")
CUFF = bytes.fromhex("3e050201ba")
"""258 mmHg."""
ACK = bytes.fromhex("3e044f6f")
"""The module's "received": a whole frame that is no event."""
BUSY = bytes.fromhex("3e04427c")
CYTON = bytes.fromhex("a000" + "00" * 24 + "00" * 6 + "c0")
SCALE = b"\x1bR\x1bI0000000000\x1bW072.40\x1bH175.00\x1bB23.60\x1bNm\x1bE"
WEIGHED = record(WEIGHT, bytes.fromhex("028638ea070b15161e05"))
EAR = b":" + b"0" * 59
CAPTURES = {
    "gymcu90614": THERMOMETER + SKIN,
    "suntech": CUFF + ACK + CUFF,
    "cyton": b"".join(CYTON[:1] + bytes([number]) + CYTON[2:] for number in range(3)),
    "healthometer": SCALE + SCALE,
    "ble-scale": WEIGHED + WEIGHED,
}


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[dict[str, Any]], str]:
    code = main(["decode", *map(str, words)])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "capture"


def test_each_event_is_one_line_of_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(THERMOMETER)
    code, events, err = run(capsys, "gymcu90614", file)
    assert (code, err) == (0, "")
    assert [event["event"] for event in events] == ["reading", "reading"]
    assert (events[0]["quantity"], events[0]["value"], events[0]["unit"]) == ("temperature", 31.92, "Cel")
    assert events[0]["detail"] == {"mode": "object", "site": "forehead"}
    assert events[0]["flags"] == []
    assert (events[1]["quantity"], events[1]["value"]) == ("ambient_temperature", 33.53)


@pytest.mark.parametrize(
    "text",
    [
        "5a5a45040c780d19a7",
        "5A 5A 45 04 0C 78 0D 19 A7\n",
        "5a:5a:45:04:0c:78:0d:19:a7",
        "0x5a, 0x5a, 0x45, 0x04,\r\n0x0C, 0X78, 0x0d, 0x19, 0xa7",
        "# the example of the board's description\n5a5a 4504  # header\n0c780d19a7\n",
    ],
)
def test_hex_text_is_seen_and_read(
    text: str, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(text, newline="")
    code, events, _ = run(capsys, "gymcu90614", file)
    assert code == 0
    assert events[0]["value"] == 31.92
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run(capsys, "gymcu90614", "-")[1] == events


def test_no_value_is_an_object_and_never_a_number(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(bytes.fromhex("3e05ffffbf"))
    code, events, _ = run(capsys, "suntech", file)
    assert code == 0
    assert events[0]["value"] == {"no_value": "missing"}


def test_times_of_an_instrument_are_text(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = record(CURRENT_TIME, bytes.fromhex("ea070b15161e05000000"))
    file.write_bytes(clock + record(SETTLED, b"") + WEIGHED)
    code, events, err = run(capsys, "ble-scale", file)
    assert (code, err) == (0, "")
    assert events[0] == {"event": "device_clock", "shows": "2026-11-21T22:30:05"}
    assert (events[1]["value"], events[1]["taken"]) == (72.35, "2026-11-21T22:30:05")


@pytest.mark.parametrize(("protocol", "capture"), CAPTURES.items())
def test_a_truncated_capture_gives_its_whole_events_and_exit_code_1(
    protocol: str, capture: bytes, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(capture)
    code, whole, err = run(capsys, protocol, file)
    assert (code, err) == (0, "")
    file.write_bytes(capture[:-2])
    code, events, err = run(capsys, protocol, file)
    assert code == 1
    assert err.startswith("cabin decode: The capture is cut short: the last ")
    assert err.count("\n") == 1
    assert events
    assert len(events) <= len(whole)
    assert all(event["event"] != "trouble" for event in events)


@pytest.mark.parametrize(("protocol", "capture"), CAPTURES.items())
def test_a_cut_is_seen_at_every_byte_and_the_rest_is_told(protocol: str, capture: bytes) -> None:
    new = DECODERS[protocol]
    assert unfinished(new, capture) == b""
    cut = [len(unfinished(new, capture[:end])) for end in range(len(capture) + 1)]
    boundaries = [end for end, rest in enumerate(cut) if rest == 0]
    assert boundaries[0] == 0
    frames = {
        "gymcu90614": [9, 9],
        "suntech": [5, 4, 5],
        "cyton": [33] * 3,
        "healthometer": [len(SCALE)] * 2,
        "ble-scale": [len(WEIGHED)] * 2,
    }[protocol]
    assert boundaries == [sum(frames[:count]) for count in range(len(frames) + 1)]
    for before, after in pairwise(boundaries):
        # The rest begins behind the last event: a whole frame without one lies in it.
        silent = len(ACK) if protocol == "suntech" and before == len(CUFF + ACK) else 0
        assert cut[before + 1 : after] == list(range(silent + 1, silent + after - before))


def test_whole_frames_without_an_event_are_no_cut() -> None:
    suntech = DECODERS["suntech"]
    assert unfinished(suntech, CUFF + ACK + ACK) == b""
    assert unfinished(suntech, CUFF + ACK + ACK[:3]) != b""
    # A sensor that is stuck: the same frame again and again is told once.
    thermometer = DECODERS["gymcu90614"]
    assert unfinished(thermometer, SKIN * 33) == b""
    assert unfinished(thermometer, SKIN * 33 + SKIN[:4]) != b""


def test_damaged_frames_are_shown_and_exit_code_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(THERMOMETER[:-1] + b"\x00" + SKIN)
    code, events, err = run(capsys, "gymcu90614", file)
    assert code == 1
    assert events[0]["event"] == "trouble"
    assert events[0]["code"] == "checksum"
    assert events[-1]["quantity"] == "ambient_temperature"
    assert "Damaged frames were refused (1 in all)" in err


def test_a_capture_that_begins_inside_a_frame_is_not_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(THERMOMETER[4:] + SKIN)
    code, events, err = run(capsys, "gymcu90614", file)
    assert (code, err) == (0, "")
    assert [event["quantity"] for event in events] == ["temperature", "ambient_temperature"]


def test_what_an_instrument_refused_is_its_word_and_no_damage(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(BUSY)
    code, events, err = run(capsys, "suntech", file)
    assert (code, err) == (0, "")
    assert events[0]["code"] == "refused"


@pytest.mark.parametrize("content", [b"", b"\n", b"\x00\x01\x02", THERMOMETER[:5], bytes(3000)])
def test_a_capture_without_an_event(content: bytes, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(content)
    for protocol in DECODERS:
        code, events, err = run(capsys, protocol, file)
        assert code == 1
        assert all(event["event"] == "trouble" for event in events)
        assert f"holds no whole event of {protocol}" in err
        assert err.count("\n") == 1


def test_errors_are_one_sentence(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, events, err = run(capsys, "suntech", tmp_path / "none")
    assert (code, events) == (3, [])
    assert "cannot be read: No such file or directory." in err
    code, events, err = run(capsys, "suntech", tmp_path)
    assert (code, events) == (3, [])
    file.write_text("3e 05 02 01 ba\n3e 05 02 xx ba\n")
    code, events, err = run(capsys, "suntech", file)
    assert (code, events) == (1, [])
    assert "Line 2 is not hex text: 'xx'" in err


@pytest.mark.parametrize("words", [[], ["nonin-df9", "x"], ["suntech"], ["suntech", "x", "--form", "base64"]])
def test_used_wrongly(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["decode", *words])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


# The form of a capture.


@given(st.binary(max_size=300), st.sampled_from(["", " ", ":", ", ", "\n"]))
def test_hex_text_gives_back_the_bytes(data: bytes, between: str) -> None:
    text = between.join(f"{byte:02x}" for byte in data).encode()
    assert capture_bytes(text, "hex") == data
    assert capture_bytes(text) == data


@given(st.binary(max_size=300))
def test_bytes_that_are_told_to_be_binary_stay_as_they_are(data: bytes) -> None:
    assert capture_bytes(data, "binary") == data


@pytest.mark.parametrize("data", [EAR, EAR[:58] + b"\r\n", b"OpenBCI V3 8-16 channel$$$", SCALE, THERMOMETER, b""])
def test_instruments_that_speak_in_characters_are_not_taken_for_hex(data: bytes) -> None:
    assert capture_bytes(data) == data


@pytest.mark.parametrize(
    ("text", "line"), [(b"00 11\n22 3", 2), (b"00 11 22 3g\n", 1), (b"00\n11\n:22", 3), (b"00 11 22 0x", 1)]
)
def test_hex_text_with_a_mistake_is_told_its_line(text: bytes, line: int) -> None:
    with pytest.raises(CaptureError, match=f"^Line {line} is not hex text"):
        capture_bytes(text)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=700))
def test_soup_raises_nothing_and_the_rest_is_its_end(protocol: str, soup: bytes) -> None:
    rest = unfinished(DECODERS[protocol], soup)
    assert soup.endswith(rest)
    decode(DECODERS[protocol], soup)


# JSON.


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (Wave("pleth", 0, 75.0, "1", ("pleth",), ((1.0,),)), "wave"),
        (Reading("spo2", 97.0, "%"), "reading"),
        (PressureResult(NoValue("aborted"), NoValue("aborted"), NoValue("aborted"), 70.0, 3, "x"), "pressure_result"),
        (HearingRecord("left", {1000: 5.0, 2000: NoValue("not-tested")}, 1, 1, 2), "hearing_record"),
        (Identity("model"), "identity"),
        (Trouble("checksum"), "trouble"),
    ],
)
def test_every_event_has_a_name_and_is_json(event: Any, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert event_name(event) == name
    print_json({"event": name, **plain(event)})
    assert json.loads(capsys.readouterr().out)["event"] == name


def test_plain_values() -> None:
    record = HearingRecord("left", {1000: 5.0, 2000: NoValue("not-tested")}, 1, 1, 2, frozenset({"b", "a"}))
    assert plain(record) == {
        "ear": "left",
        "thresholds": {"1000": 5.0, "2000": {"no_value": "not-tested"}},
        "sequence": 1,
        "index": 1,
        "total": 2,
        "flags": ["a", "b"],
    }
    assert plain(Wave("ecg", 5, 250.0, "mV", ("I", "II"), ((0.5, -1.0),)))["samples"] == [[0.5, -1.0]]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_printed(number: float, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"value": number})
    assert capsys.readouterr().out == ""


# Captured bytes of a real oximeter, where they are at hand.


def test_a_captured_packet_of_an_oximeter(
    maker_vectors: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (maker_vectors / "nonin.txt").read_text()
    packet = text.split("@id nonin-df7-packet-3\n")[1].split("@hex ")[1].splitlines()[0]
    file.write_text(packet)
    code, events, err = run(capsys, "nonin-df7", file)
    assert (code, err) == (0, "")
    assert [event["value"] for event in events if event["event"] == "reading"] == [96.0, 94.0]
    file.write_bytes(bytes.fromhex(packet)[:-2])
    code, events, err = run(capsys, "nonin-df7", file)
    assert code == 1
    assert "cut short" in err
    assert {event["event"] for event in events} == {"wave"}
