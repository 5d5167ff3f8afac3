"""From the finished visit to the outbox: whatever its size, it is handed over, and what was left out is said."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import cbor2
import pytest

from cabin_agent import delivery as module
from cabin_agent.delivery import Delivery
from cabin_agent.face import Json
from cabin_agent.fhir.bundle import build_bundle
from cabin_agent.media.wire import Picture
from cabin_agent.results import CabinIdentity, Consent, Subject
from cabin_agent.room import most_of
from cabin_agent.still import JPEG, taken
from cabin_agent.visit import Visit
from cabin_agent.visit_table import State
from sync.envelope import FHIR, MAX_CONTENT, RECORDING, bucket
from sync.uplink import UplinkStatus
from tests.bundles import is_test, observations, resources
from tests.visits import DEMO_NIR, LOCAL, OXIMETER, evidence, outcomes, single

CABIN = CabinIdentity("Cabine 07", "CAB-0007", "1.0", simulated=False)
ABOUT: Json = {"site": "ear", "side": "left", "camera": "Otoscope", "width": 640, "height": 480, "simulated": False}
SAMPLES = cbor2.dumps({"stream": "ecg", "samples": bytes(1000)}, canonical=True)
MOST = 60_000
"""Bytes of one delivery in most of these tests."""


class Sent:
    """The sender: refuses what is too large, as sync does, and keeps the rest by its type."""

    outbox = None

    def __init__(self, most: int) -> None:
        self._most = most
        self.content: dict[str, bytes] = {}

    def send(self, mid: bytes, content_type: str, content: bytes) -> None:
        if len(content) > self._most:
            raise ValueError("The content is larger than 32 MiB: send it in parts.")
        self.content[content_type] = content

    @property
    def bundle(self) -> Json:
        told: Json = json.loads(self.content[FHIR])
        return told

    @property
    def recording(self) -> Json:
        told: Json = cbor2.loads(self.content[RECORDING])
        return told


def visit(*, subject: Subject = LOCAL, **more: Any) -> Visit:
    known: Json = {
        "state": State.GOODBYE,
        "visit_id": "6e7a5c1d",
        "mid": "00" * 16,
        "recording_mid": "11" * 16,
        "language": "en",
        "kind": "consultation",
        "subject": subject,
        "consents": (Consent("remote-act", True, 1, "1"),),
        "ended_by": "completed",
        "started_ms": 1000,
        "ended_ms": 2000,
    }
    return Visit(**known | more)


async def handed_over(told: Visit, tracks: list[bytes], most: int = MAX_CONTENT) -> Sent:
    sent: Any = Sent(most)
    await Delivery(sent, Mock(), most).seal(told, CABIN, tracks)
    assert isinstance(sent, Sent)
    return sent


def pictures(*sizes: int, **more: Any) -> tuple[Visit, list[bytes]]:
    """A visit with a picture of each size, and its tracks."""
    found = [
        taken(Picture({**ABOUT, "taken_ms": number, **more}, JPEG + os.urandom(size)))
        for number, size in enumerate(sizes)
    ]
    return visit(stills=tuple(still for still, _ in found)), [track for _, track in found]


async def test_pictures_that_are_too_large_together_are_left_out_and_the_visit_is_delivered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of 40 pictures of a real size, as an earlier version kept them: the true limit and the true Bundle."""
    told, tracks = pictures(*[11 << 20] * 3)
    sent = await handed_over(told, [SAMPLES, *tracks])
    assert [track["stream"] for track in sent.recording["tracks"]] == ["ecg", "still", "still"]
    assert sent.recording["left_out"] == {"pictures": 1, "stretches": 0}
    digest = hashlib.sha256(sent.content[RECORDING]).hexdigest()
    *kept, lost = resources(sent.bundle, "Media")
    assert [part["valueString"] for each in kept for part in each["extension"][0]["extension"]][1::2] == [digest] * 2
    assert [part["url"] for part in lost["extension"][0]["extension"]] == ["sha256"]
    assert lost["note"] == [{"text": "Picture too large to be delivered: it is not kept."}]
    assert all("note" not in each for each in kept)
    assert "1 pictures and 0 stretches of samples were left out" in caplog.text


async def test_samples_are_left_out_last_and_the_values_say_so() -> None:
    told, (picture,) = pictures(20_000)
    (spo2,) = [each for each in outcomes() if each.name == "spo2"]
    samples = cbor2.dumps({"stream": "ecg", "samples": bytes(40_000)}, canonical=True)
    sent = await handed_over(replace(told, outcomes=(spo2,)), [samples, picture, samples], MOST)
    assert [track["stream"] for track in sent.recording["tracks"]] == ["ecg"]
    assert sent.recording["left_out"] == {"pictures": 1, "stretches": 1}
    (value,) = observations(sent.bundle, "spo2")
    assert "raw recording incomplete, too large to be delivered" in [each["text"] for each in value["note"]]


async def test_a_bundle_that_is_too_large_goes_without_its_strips() -> None:
    (ecg,) = [each for each in outcomes() if each.name == "ecg"]
    sent = await handed_over(visit(outcomes=(ecg,)), [SAMPLES], 20_000)
    (told,) = observations(sent.bundle, "ecg")
    assert "tracing too large to be attached" in [each["text"] for each in told["note"]]
    assert len(sent.recording["tracks"]) == 1


async def test_what_fits_is_whole_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    told, tracks = pictures(1000)
    sent = await handed_over(replace(told, outcomes=outcomes()), [SAMPLES, *tracks])
    assert "left_out" not in sent.recording
    assert "left out" not in caplog.text + sent.content[FHIR].decode()


@pytest.mark.parametrize("simulated", [False, True])
async def test_a_simulated_picture_makes_record_and_recording_simulated(simulated: bool) -> None:
    told, tracks = pictures(1000, simulated=simulated)
    sent = await handed_over(replace(told, subject=DEMO_NIR if simulated else LOCAL), tracks)
    assert sent.recording["simulated"] is simulated
    assert [is_test(each["resource"]) for each in sent.bundle["entry"]] == [simulated] * len(sent.bundle["entry"])


async def test_an_instrument_that_is_simulated_is_said_in_the_recording_too() -> None:
    fake = single("spo2", 97.0, "%", evidence(replace(OXIMETER, simulated=True), recording=None))
    sent = await handed_over(visit(subject=DEMO_NIR, outcomes=(fake,)), [SAMPLES])
    assert sent.recording["simulated"] is True


@pytest.mark.parametrize("quota_mb", [8, 9, 31, 68, 69, 512])
def test_an_empty_outbox_of_any_size_takes_a_visit(quota_mb: int) -> None:
    most = most_of(quota_mb << 20)
    assert 0 < most <= MAX_CONTENT
    assert 2 * (bucket(most + 16_384) + 4096) <= quota_mb << 20, "signatures and header stand around the content"


async def test_nobody_named_nothing_handed_over() -> None:
    assert (await handed_over(replace(visit(), subject=None), [SAMPLES])).content == {}


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The Bundle is built in this process: the other one would take a second of each test."""

    async def built(record: Any) -> bytes:
        return build_bundle(record)

    monkeypatch.setattr(module, "_built", built)


def test_a_fault_of_the_link_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    made: list[Any] = []
    Delivery(Sent(MOST), lambda told: made.append(told) or Mock())  # type: ignore[arg-type, func-returns-value]
    (told,) = made
    for _ in range(100):
        told(UplinkStatus(fault="the broker accepts no connection"))
        told(UplinkStatus(connected=True))
    told(UplinkStatus(fault="no subscriber"))
    assert [record.message for record in caplog.records] == [
        "delivery waits: the broker accepts no connection",
        "delivery waits: no subscriber",
    ]
