"""Every record of every vector file, through `cabin decode` as a technician runs it.

What each record means is tested beside its driver; here the command prints exactly what the decoder says, never a
value for a record that must be refused, and never a traceback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cabin_agent.__main__ import main
from cabin_agent.captures import decode
from cabin_agent.event_json import event_name, plain
from drivers import DECODERS
from drivers.events import HearingRecord, NoValue, PressureResult, Reading, Wave
from drivers.gatt_records import record
from tests.protocol_vectors import Vector, read_vectors

FILES: Mapping[str, tuple[str, ...]] = {
    "ble": ("ble-thermometer",),
    "contec": ("contec-v7", "contec-old", "contec"),
    "cyton": ("cyton",),
    "gymcu90614": ("gymcu90614", "gymcu90615"),
    "healthometer": ("healthometer", "healthometer-2595kl", "a-and-d", "mt-sics", "detecto"),
    "healthypi": ("healthypi-v5", "healthypi-v4"),
    "ieee11073": ("ieee11073",),
    "medlab_ecg": ("medlab-1", "medlab-2"),
    "nonin": ("nonin", "nonin-df1", "nonin-df2", "nonin-df7", "nonin-df8", "nonin-df13"),
    "omron_hid": ("omron-hem790it",),
    "suntech": ("suntech",),
    "tm262": ("tm262", "fipp"),
}
"""Vector file -> the protocols whose bytes it holds; a record is tried as each of them."""
AGAIN = (1, 2)
"""How often a record is sent: what has no checksum is believed when it comes again."""


def test_no_file_of_vectors_and_no_protocol_is_left_out(maker_vectors: Path) -> None:
    sessions = {"omron_hem790it_sessions"}
    assert {file.stem for file in maker_vectors.glob("*.txt")} - sessions == set(FILES)
    tried = {protocol for protocols in FILES.values() for protocol in protocols}
    same = {"ble-tensiometer", "ble-oximeter", "ble-scale", "ble-heart-rate"}
    same |= {"phd-oximeter", "phd-tensiometer", "phd-thermometer", "phd-scale", "headphone"}
    assert set(DECODERS) - same == tried


def sent(file: str, vector: Vector) -> bytes:
    """The record's bytes as a capture holds them: a characteristic's value travels in a record of its own."""
    if file != "ble":
        return vector.data
    return record(int(vector.expect["char"], 16), vector.data) if "char" in vector.expect else vector.data


def values(events: list[Any]) -> Iterator[object]:
    """Everything in `events` that would be taken for a measured value."""
    for event in events:
        match event:
            case Reading():
                yield from () if isinstance(event.value, NoValue) else (event.value,)
            case PressureResult():
                yield from () if isinstance(event.systolic, NoValue) else (event.systolic,)
            case HearingRecord() | Wave():
                yield event


@pytest.mark.parametrize("file", sorted(FILES))
def test_the_command_prints_what_the_decoder_says(
    maker_vectors: Path, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors = read_vectors(maker_vectors / f"{file}.txt")
    assert vectors
    capture = tmp_path / "capture.bin"
    for vector in vectors:
        refused = isinstance(vector.expect, dict) and bool({"reject", "malformed"} & set(vector.expect))
        for protocol in FILES[file]:
            for times in AGAIN:
                capture.write_bytes(sent(file, vector) * times)
                code = main(["decode", protocol, str(capture), "--form", "binary"])
                out, err = capsys.readouterr()
                events = decode(DECODERS[protocol], capture.read_bytes())
                said = [{"event": event_name(event), **plain(event)} for event in events]
                assert [json.loads(line) for line in out.splitlines()] == json.loads(json.dumps(said)), vector.ident
                assert err.count("\n") == (1 if code else 0), vector.ident
                assert code == 1 or (code == 0 and events), vector.ident
                if refused:
                    assert code == 1, f"{vector.ident} must be refused"
                    assert not list(values(events)), f"{vector.ident} gives a value"
