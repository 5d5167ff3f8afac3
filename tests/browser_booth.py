"""A booth of plain aiortc behind the doctor's page: a core and a media process in one, for the page alone.

It answers one offer at a time with a moving picture that carries a clock, silence, waves and the answers that it was
given. The real ones are tested by `test_browser_doctor_stack.py`.
"""

from __future__ import annotations

import asyncio
import fractions
import json
import math
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import aioice.ice
import cv2
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from av import AudioFrame, VideoFrame
from playwright.async_api import Page, expect

from cabin_agent.face import Json, Refusal
from cabin_agent.frames import describe_wave, encode_wave
from cabin_agent.media import barcode
from cabin_agent.media.picture import Pixels
from cabin_agent.results import Strip
from cabin_agent.strip_view import strip_view
from drivers.events import Wave
from tests.browser import Screens, served, sign_in
from tests.fake_face import FakeAccess, FakeFace

CODE = "0123456789"
SOON_MS = 20_000
SIZE = (640, 360)
FPS = 12
BATCH_S = 0.04
ECG_HZ, PLETH_HZ = 250, 75
CHANNELS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
PIECE = struct.Struct("<2sHI")
TASKS = ("scale", "oximeter", "thermometer", "ecg", "audiometer", "tensiometer")
NAMES = ("size", "oximetry", "temperature", "ecg", "hearing", "pressure")
DEVICE: Json = {
    "kind": "tensiometer", "protocol": "suntech", "model": "Motion BP", "serial": "SN-0042", "firmware": "1.2",
    "simulated": True,
}  # fmt: skip
EVIDENCE: Json = {
    "device": DEVICE, "started_ms": 1_790_000_000_000, "ended_ms": 1_790_000_030_000, "rest_s": 305.0, "readings": 3,
    "spread": 4.0, "site": "left-arm", "mode": "oscillometric", "recording": None, "notes": ["extra-reading"],
}  # fmt: skip


def outcome(index: int, measure: str, text: str, **values: tuple[float, str]) -> Json:
    """One measured outcome as the core shows it to the doctor."""
    told = {part: {"value": value, "unit": unit} for part, (value, unit) in values.items()}
    return {
        "index": index, "measure": measure, "status": "measured", "values": told, "quality": "usable",
        "reasons": ["movement"], "evidence": EVIDENCE, "derived_from": [], "text": text, "review": None,
    }  # fmt: skip


class Moving(MediaStreamTrack):
    """A grey picture with a moving bar and the clock of `cabin_agent.media.barcode`."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.moves = asyncio.Event()
        self.moves.set()
        self.began = time.monotonic()

    async def recv(self) -> VideoFrame:
        self.number += 1
        await asyncio.sleep(max(0.0, self.began + self.number / FPS - time.monotonic()))
        await self.moves.wait()
        picture: Pixels = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        picture[:200, self.number * 7 % SIZE[0] :][:, :40] = 200
        barcode.draw(picture, round(time.time() * 1000), self.number)
        frame = VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts, frame.time_base = round((time.monotonic() - self.began) * 90000), fractions.Fraction(1, 90000)
        return frame


class Booth(FakeFace):
    """A cabin with one waiting agent. `asked` is everything the page asked; `view` what the core shows."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Json] = []
        self.refusals: dict[str, tuple[str, str]] = {}
        self.standing = "waiting"
        self.peers: list[RTCPeerConnection] = []
        self.ctl: RTCDataChannel | None = None
        self.video: Moving | None = None
        self.microphone: MediaStreamTrack | None = None
        self.waves_on, self.beating, self.answering = True, True, True
        self.camera = "room"
        self.strip: Strip | None = None
        """What was recorded of the ECG."""
        self._tasks: list[asyncio.Task[None]] = []
        self._token = 0
        self.core_view: Json = {
            "visit": {
                "state": "consultation", "plan": [], "running": [], "doing": None, "messages": [],
                "prompt": {"key": "state.consultation", "text": "Le médecin est là.", "detail": []},
                "consultation": {
                    "doctor": "doctor", "connected": True, "hears": True, "message": None, "waiting_to_sit": False,
                },
            },
            "tasks": [
                {"number": n, "task": task, "instrument": kind, "name": f"Instrument {n}", "state": "ready",
                 "reason": "", "usable": True, "running": False, "age_s": 0.1}
                for n, (task, kind) in enumerate(zip(NAMES, TASKS, strict=True), 1)
            ],
            "outcomes": [], "notes": [], "stills": [], "cabin": "Cabine 07", "simulated": True, "doctor": "doctor",
        }  # fmt: skip

    # --- the face

    def consultation(self, doctor: str) -> Json:
        return {**super().consultation(doctor), "state": self.standing, "waiting": self.standing == "waiting"}

    async def join(self, doctor: str, language: str = "fr") -> Json:
        if self.standing == "free":
            raise Refusal("not-now", "Nobody waits for a doctor in this cabin.")
        if self.standing == "taken":
            raise Refusal("taken", "Another doctor has this consultation: wait until it is over.")
        self._token += 1
        self.joined.append((doctor, language))
        return {"token": f"once-{self._token}", "expires_s": 30.0}

    async def offer(self, token: str, sdp: str) -> tuple[str, str]:
        if token != f"once-{self._token}":
            raise Refusal("bad-token", "This token is unknown or already used: ask for another one.")
        await self.lose()
        self.offers.append(sdp)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peers.append(peer)
        peer.on("datachannel", self._channel)
        peer.on("track", self._spoken)
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        self.video = Moving()
        for track in (self.video, AudioStreamTrack(), AudioStreamTrack()):
            peer.addTrack(track)
        await peer.setLocalDescription(await peer.createAnswer())
        return f"session-{len(self.peers)}", peer.localDescription.sdp

    async def lose(self) -> None:
        """The call breaks, as when the media process dies."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        self.ctl = None
        while self.peers and self.peers[-1].connectionState != "closed":
            await self.peers[-1].close()

    # --- the call

    def _spoken(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self.microphone = track

    async def hears(self) -> bool:
        """Whether there is a sound in what the doctor's microphone sends now (Chromium's fake one beeps)."""
        assert self.microphone is not None
        async with asyncio.timeout(SOON_MS / 1000):
            while True:
                frame = await self.microphone.recv()
                if isinstance(frame, AudioFrame) and np.abs(frame.to_ndarray()).max() > 100:
                    return True

    def _channel(self, channel: RTCDataChannel) -> None:
        if channel.label == "ctl":
            self.ctl = channel
            channel.on("message", partial(self._heard, channel))
            self.send("core", up=True)
            self.media()
            self._tasks.append(asyncio.create_task(self._beat()))
        else:
            self._tasks.append(asyncio.create_task(self._flow(channel)))

    def send(self, event: str, **fields: Any) -> None:
        """One event to the page."""
        if self.ctl is not None and self.ctl.readyState == "open":
            self.ctl.send(json.dumps({"event": event, **fields}))

    def media(self) -> None:
        """Which cameras and cards there are."""
        cameras = [
            {"name": "room", "label": "Cabine", "state": "live", "reason": "", "simulated": True},
            {"name": "skin", "label": "Peau", "state": "closed", "reason": "", "simulated": True},
            {"name": "ear", "label": "Otoscope", "state": "missing", "reason": "Débranché", "simulated": False},
        ]
        why = {"microphone": "", "speaker": "", "stethoscope": "Aucune carte son : branchez-la."}
        sound = {"microphone": "USB", "speaker": "USB", "stethoscope": None, "why": why}
        self.send("media", camera=self.camera, cameras=cameras, sound=sound)

    def _heard(self, channel: RTCDataChannel, text: str | bytes) -> None:
        """Answer over the channel that asked: its call may have been lost since, and another be there."""
        message = json.loads(text)
        if not self.answering or channel.readyState != "open":
            return
        if message["do"] != "ping":
            self.asked.append(message)
        refusal = self.refusals.get(message["do"])
        answer = (
            {"ok": False, "code": refusal[0], "text": refusal[1]}
            if refusal
            else {"ok": True, **self._answer(message)}
        )
        channel.send(json.dumps({"re": message["id"], **answer}))

    def _answer(self, message: Json) -> Json:
        match message["do"]:
            case "view":
                return {"view": self.core_view}
            case "camera":
                self.camera = message["name"]
                self.media()
            case "still":
                asyncio.get_running_loop().call_soon(self._picture, message)
            case "start" | "stop":
                for task in self.core_view["tasks"]:
                    task["running"] = message["do"] == "start" and task["task"] == message["task"]
                self.send("changed")
            case "strip":
                assert self.strip is not None
                return {"strip": strip_view(self.strip, message["lead"])}
            case "review":
                review = {"verdict": message["verdict"], "note": message["note"]}
                self.core_view["outcomes"][message["index"]]["review"] = review
                self.send("changed")
            case "note":
                self.core_view["notes"].append({"at_ms": 1_790_000_000_000, "text": message["text"]})
                self.send("changed")
            case "say":
                self.core_view["visit"]["consultation"]["message"] = message["text"]
                self.send("changed")
        return {}

    def _picture(self, message: Json) -> None:
        """A still picture in three pieces, the last one first."""
        jpeg = cv2.imencode(".jpg", np.full((90, 160, 3), 128, np.uint8))[1].tobytes()
        third = math.ceil(len(jpeg) / 3)
        about = {"number": 9, "camera": "room", "width": 160, "height": 90, "bytes": len(jpeg), "simulated": True}
        self.send("still", **about, site=message["site"], side=message["side"], taken_ms=1_790_000_000_000)
        assert self.ctl is not None
        for offset in (2 * third, 0, third):
            self.ctl.send(PIECE.pack(b"ST", 9, offset) + jpeg[offset : offset + third])

    async def _beat(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(0.5)
            number += 1
            if self.beating:
                self.send("heartbeat", n=number)
                self.send("quality", kbps=400, fps=12.0, width=640, height=360, rtt_ms=3, loss=0.0)

    async def _flow(self, channel: RTCDataChannel) -> None:
        """ECG and pleth as frames of 40 ms."""
        began, batch, sequence = time.monotonic(), 0, 0
        for wave in (_ecg(0), _pleth(0)):
            self.send("wave", **{key: value for key, value in describe_wave(wave).items() if key != "type"})
        while True:
            batch += 1
            await asyncio.sleep(max(0.0, began + batch * BATCH_S - time.monotonic()))
            if channel.readyState != "open":
                return
            if not self.waves_on:
                continue
            for wave in (_ecg(batch - 1), _pleth(batch - 1)):
                for frame in encode_wave(wave, sequence, round(wave.index / wave.rate * 1e6), simulated=True):
                    channel.send(frame)
                    sequence += 1


def _ecg(batch: int) -> Wave:
    count = round(ECG_HZ * BATCH_S)
    times = [(batch * count + n) / ECG_HZ for n in range(count)]
    rows = tuple(tuple(_beat_at(t) * (1 - 0.1 * channel) for channel in range(len(CHANNELS))) for t in times)
    return Wave("ecg", batch * count, float(ECG_HZ), "mV", CHANNELS, rows)


def _beat_at(t: float) -> float:
    phase = t % 0.8
    return 1.2 * math.exp(-(((phase - 0.3) / 0.01) ** 2)) + 0.25 * math.exp(-(((phase - 0.55) / 0.04) ** 2))


def _pleth(batch: int) -> Wave:
    count = round(PLETH_HZ * BATCH_S)
    rows = tuple((32000 + 9000 * math.sin(2 * math.pi * (batch * count + n) / PLETH_HZ),) for n in range(count))
    return Wave("pleth", batch * count, float(PLETH_HZ), "1", ("pleth",), rows)


@asynccontextmanager
async def opened(booth: Booth, patch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The pages over this booth, on the loopback interface alone; the address. The call ends with the block."""
    patch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    async with served(booth, FakeAccess()) as url:
        try:
            yield url
        finally:
            await booth.lose()


async def lobby(screens: Screens, url: str, language: str = "fr") -> Page:
    """The page of a doctor who has signed in."""
    screen = await screens.desk(language)
    return await sign_in(screen, url, "doctor", "doctor", CODE)


async def call(screens: Screens, url: str, language: str = "fr") -> Page:
    """The page in a call."""
    page = await lobby(screens, url, language)
    await page.locator("#join").click()
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=SOON_MS)
    return page


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that the page does to the booth."""
    async with asyncio.timeout(SOON_MS / 1000):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.03)
    assert true(), what


def asked(booth: Booth, what: str) -> list[dict[str, object]]:
    """What the page asked by this name, without its number and addressee."""
    return [
        {key: value for key, value in each.items() if key not in ("id", "to", "do")}
        for each in booth.asked
        if each["do"] == what
    ]


def reading(
    booth: Booth, quantity: str, value: float | None, unit: str, why: str | None = None, *, late_s: float = 0.0
) -> None:
    """One value, heard by the cabin `late_s` seconds ago."""
    fields = {"instrument": "x", "quantity": quantity, "value": value, "why": why, "unit": unit}
    at_us = round((time.monotonic() - late_s) * 1e6)
    booth.send("reading", **fields, flags=[], simulated=True, at_us=at_us)
