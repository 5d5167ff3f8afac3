"""A consultation on a whole cabin: the doctor orders a pressure, the core is killed in it, and both go on together.

The media process is stood in for: its end of the socket is here, and everything between socket and record is real.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import pytest

from cabin_agent.access import Access
from cabin_agent.face import Json
from cabin_agent.media import wire
from sync.envelope import RECORDING
from tests.bundles import observations, resources
from tests.cabin import PATIENCE_S, SIZE, Cabin, in_state

pytestmark = pytest.mark.processes

OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
ABOUT: Json = {
    "site": "ear", "side": "left", "camera": "otoscope", "width": 1280, "height": 720, "taken_ms": 1_795_254_120_000,
    "simulated": True,
}  # fmt: skip


class Media:
    """The media process of a call that needs no picture: it answers offers and carries what the doctor asks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies: dict[int, asyncio.Future[Json]] = {}
        self._numbers = itertools.count(1)
        self.session = ""
        self.seen: list[str] = []
        """Types of what came of the core's broadcast."""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_unix_connection(str(self._path))
        self._send({"type": "hello", "pid": 1, "cameras": [], "camera": None, "sound": {}})
        self._work = [asyncio.create_task(self._read()), asyncio.create_task(self._beat())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        self._writer.transport.abort()

    async def ask(self, do: str, **more: Any) -> Json:
        number = next(self._numbers)
        self._replies[number] = asyncio.get_running_loop().create_future()
        self._send({"type": "ask", "session": self.session, "id": number, "do": do, **more})
        async with asyncio.timeout(PATIENCE_S):
            return await self._replies[number]

    async def view(self) -> Json:
        return dict((await self.ask("view"))["view"])

    def picture(self) -> None:
        about = {**ABOUT, "session": self.session}
        self._writer.write(wire.encode(wire.Picture(about, b"\xff\xd8\xff a picture \xff\xd9")))

    def _send(self, message: Json) -> None:
        self._writer.write(wire.encode(message))

    async def _beat(self) -> None:
        while True:
            self._send({"type": "beat"})
            await asyncio.sleep(wire.BEAT_S)

    async def _read(self) -> None:
        decoder = wire.Decoder()
        while data := await self._reader.read(65536):
            for item in decoder.feed(data):
                self._take(item)

    def _take(self, item: wire.Item) -> None:
        assert isinstance(item, dict | bytes)
        if isinstance(item, dict):
            self._heard(item)

    def _heard(self, item: Json) -> None:
        match item:
            case {"type": "offer", "re": number, "session": session}:
                self.session = session
                self._send({"type": "answer", "re": number, "sdp": OFFER})
                self._send({"type": "session", "session": session, "state": "connected"})
            case {"type": "reply", "re": number}:
                self._replies.pop(number).set_result(item)
            case {"type": "event", "event": {"type": kind}}:
                self.seen.append(kind)


class Doctor:
    """The doctor's own requests, with an account of the cabin."""

    def __init__(self, cabin: Cabin) -> None:
        self._cabin = cabin
        granted = Access(cabin.folder / "state" / "access.json").grant("dr-test", "doctor")
        self._headers = {"Authorization": f"Bearer {granted.token}"}

    async def consultation(self) -> Json:
        async with aiohttp.ClientSession(headers=self._headers) as http:
            return dict(await (await http.get(f"{self._cabin.url}/api/v1/consultation")).json())

    async def join(self) -> None:
        async with aiohttp.ClientSession() as http:
            address = f"{self._cabin.url}/api/v1"
            told = await http.post(f"{address}/consultation/token", json={}, headers=self._headers)
            bearer = {"Authorization": f"Bearer {(await told.json())['token']}", "Content-Type": "application/sdp"}
            answer = await http.post(f"{address}/whep", data=OFFER, headers=bearer)
            assert (answer.status, await answer.text()) == (201, OFFER)


async def measured(cabin: Cabin, media: Media, task: str) -> None:
    """Order a measure, let the agent sit if asked to, and wait until it is over."""
    assert (await media.ask("start", task=task))["ok"] is True
    view = await cabin.watch_until(lambda visit: "seated" in visit["may"] or not visit["consultation"]["task"])
    if "seated" in view["may"]:
        await cabin.tell("seated")
        await cabin.watch_until(lambda visit: not visit["consultation"]["task"])


async def test_a_consultation_survives_the_core_and_reaches_the_record_as_the_doctor_judged_it() -> None:
    async with Cabin(20, kind="consultation") as cabin:
        await cabin.lead(in_state("consultation"))
        doctor, socket = Doctor(cabin), cabin.site.runtime / "media.sock"
        async with Media(socket) as media:
            await cabin.watch_until(lambda visit: visit["prompt"]["key"] == "state.consultation")
            await doctor.join()
            await cabin.watch_until(lambda visit: visit["consultation"]["connected"])
            await measured(cabin, media, "size")
            assert [each["measure"] for each in (await media.view())["outcomes"]] == [*SIZE]
            assert (await media.ask("note", text="Comes back in a month."))["ok"] is True
            media.picture()
            await media.ask("start", task="pressure")
            await cabin.watch_until(lambda visit: "seated" in visit["may"])
            shown = await cabin.tell("seated")
            assert (shown["consultation"]["number"], shown["consultation"]["doctor"]) == (6, "dr-test")
            await cabin.until_squeezed(60)
            assert {"changed", "reading"} <= {*media.seen}
            await cabin.kill("core")
        await cabin.restart("core")
        assert (await doctor.consultation())["state"] == "yours"
        async with Media(socket) as media:
            await doctor.join()
            await cabin.watch_until(lambda visit: visit["consultation"]["connected"])
            view = await media.view()
            assert [each["measure"] for each in view["outcomes"]] == [*SIZE]
            assert [note["text"] for note in view["notes"]] == ["Comes back in a month."]
            assert len(view["stills"]) == 1
            await measured(cabin, media, "pressure")
            (reading,) = [each for each in (await media.view())["outcomes"] if each["measure"] == "blood_pressure"]
            assert (reading["status"], reading["evidence"]["rest_s"] > 0) == ("measured", True)
            await media.ask("review", index=reading["index"], verdict="accepted", note="")
            await media.ask("review", index=0, verdict="rejected", note="shoes on")
            assert (await media.ask("end"))["ok"] is True
        assert (await cabin.view())["state"] == "results"
        bundle = await cabin.delivered(await cabin.finish())
        assert [each.content_type for each in cabin.records()].count(RECORDING) == 1
    statuses = {name: [each["status"] for each in observations(bundle, name)] for name in (*SIZE, "blood_pressure")}
    assert statuses == {
        "weight": ["cancelled"], "height": ["preliminary"], "bmi": ["cancelled"], "blood_pressure": ["final"],
    }, "a rejected weight takes with it what was computed from it"  # fmt: skip
    assert len(resources(bundle, "Media")) == 1
