"""The core's link to the media process, over a real unix socket: what it carries, and all that can go wrong."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cabin_agent import media_link as module
from cabin_agent import media_peer, media_work
from cabin_agent.broadcast import Broadcast
from cabin_agent.face import Json, Refusal
from cabin_agent.media import wire
from cabin_agent.media.wire import Picture
from cabin_agent.media_link import MediaLink

HELLO: Json = {
    "type": "hello",
    "pid": 4711,
    "camera": "room",
    "cameras": [{"name": "room", "label": "Room", "state": "ready", "reason": "", "simulated": True}],
    "sound": {"microphone": None, "speaker": None, "stethoscope": None},
}
WAVE = b"CW" + b"\0" * 60
SDP = "v=0\r\n"


class FakeCaller:
    """Whoever leads the consultation: notes everything and answers what it is given."""

    def __init__(self) -> None:
        self.asks: list[tuple[str, Json]] = []
        self.pictures: list[Picture] = []
        self.moves: list[tuple[str, str]] = []
        self.links = 0
        self.answer: Json | Exception = {"ok": True}
        self.gate = asyncio.Event()
        self.gate.set()
        self.happened = asyncio.Event()

    async def asked(self, session: str, message: Json) -> Json:
        await self.gate.wait()
        self._note(self.asks, (session, message))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def kept(self, picture: Picture) -> None:
        await self.gate.wait()
        self._note(self.pictures, picture)

    def moved(self, session: str, state: str) -> None:
        self._note(self.moves, (session, state))

    def link_moved(self) -> None:
        self.links += 1
        self.happened.set()

    def _note(self, where: list[Any], what: Any) -> None:
        where.append(what)
        self.happened.set()


class Media:
    """The other end: a media process without media."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._decoder, self._items = wire.Decoder(), list[wire.Item]()

    def say(self, item: wire.Item) -> None:
        self.writer.write(wire.encode(item))

    async def hear(self, *, beats: bool = False) -> wire.Item:
        """The next item, beats left out."""
        async with asyncio.timeout(10):
            while True:
                while self._items:
                    item = self._items.pop(0)
                    if beats or not (isinstance(item, dict) and item["type"] == "beat"):
                        return item
                data = await self.reader.read(65536)
                if not data:
                    raise EOFError
                self._items += self._decoder.feed(data)

    async def message(self, kind: str) -> Json:
        """The next message, which has to be of this type."""
        item = await self.hear()
        assert isinstance(item, dict)
        assert item["type"] == kind
        return item

    async def gone(self) -> None:
        """Wait until the core has let go."""
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                await self.hear()

    async def beat(self) -> None:
        while True:
            self.say({"type": "beat"})
            await asyncio.sleep(wire.BEAT_S / 2)

    def close(self) -> None:
        self.writer.transport.abort()


class House:
    """A link that runs, and what is around it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broadcast, self.caller, self.changes = Broadcast(), FakeCaller(), 0
        self.watching = 0
        self.link = MediaLink(path, self._watch, self.caller, simulated=True, changed=self._changed)

    def _changed(self) -> None:
        self.changes += 1
        self.caller.happened.set()

    @contextmanager
    def _counted(self) -> Iterator[AsyncIterator[Json | bytes]]:
        self.watching += 1
        try:
            with self.broadcast.watch(waves=True) as changes:
                yield changes
        finally:
            self.watching -= 1

    def _watch(self) -> AbstractContextManager[AsyncIterator[Json | bytes]]:
        return self._counted()

    async def until(self, what: Any) -> None:
        """Wait until `what()` holds."""
        async with asyncio.timeout(10):
            while not what():
                self.caller.happened.clear()
                try:
                    async with asyncio.timeout(0.02):
                        await self.caller.happened.wait()
                except TimeoutError:
                    pass

    @asynccontextmanager
    async def media(self, *, hello: bool = True, alive: bool = True) -> AsyncIterator[Media]:
        """A media process that connected, and beats by itself if `alive`."""
        media = Media(*await asyncio.open_unix_connection(self.path))
        beating = asyncio.create_task(media.beat()) if alive else None
        if hello:
            media.say(HELLO)
            assert await media.message("simulated") == {"type": "simulated", "on": True}
        try:
            yield media
        finally:
            if beating is not None:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)
            media.close()

    async def call(self, media: Media, session: str = "s1") -> None:
        """Offer a call and let it connect."""
        offering = asyncio.create_task(self.link.offer(session, SDP, "fr"))
        offer = await media.message("offer")
        media.say({"type": "answer", "re": offer["re"], "sdp": "v=0\r\nanswer"})
        assert await offering == "v=0\r\nanswer"
        media.say({"type": "session", "session": session, "state": "connected"})
        await self.until(lambda: (session, "connected") in self.caller.moves and self.watching)


def there(path: Path) -> bool:
    return path.exists()


@asynccontextmanager
async def housed(path: Path) -> AsyncIterator[House]:
    house = House(path)
    running = asyncio.create_task(house.link.run())
    async with asyncio.timeout(10):
        while not there(path):  # noqa: ASYNC110 - a file is not an event
            await asyncio.sleep(0.005)
    try:
        yield house
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path / "media.sock") as house:
        yield house


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines short enough for a test, in the same proportions."""
    monkeypatch.setattr(wire, "BEAT_S", 0.15)
    monkeypatch.setattr(wire, "DEAD_S", 0.8)


# --- who is there -------------------------------------------------------------------------------------------------


async def test_nobody_is_there_before_the_hello(house: House) -> None:
    assert (house.link.up, house.link.state) == (False, {})
    async with house.media(hello=False) as media:
        assert await media.hear(beats=True) == {"type": "beat"}
        assert not house.link.up
        media.say(HELLO)
        await media.message("simulated")
        await house.until(lambda: house.link.up)
        assert house.caller.links == 1
    await house.until(lambda: not house.link.up)
    assert house.caller.links == 2
    assert house.link.state == {}


async def test_the_state_is_what_it_said_last(house: House) -> None:
    async with house.media() as media:
        assert house.link.state == {key: HELLO[key] for key in ("camera", "cameras", "sound")}
        media.say({**house.link.state, "type": "state", "camera": None})
        await house.until(lambda: house.changes == 1)
        assert house.link.state["camera"] is None
        media.say({**house.link.state, "type": "state"})
        media.say({"type": "session", "session": "?", "state": "closed"})
        await asyncio.sleep(0.05)
        assert house.changes == 1


async def test_the_socket_is_of_this_user_alone_and_goes_with_the_core(tmp_path: Path) -> None:
    path = tmp_path / "media.sock"
    async with housed(path):
        assert os.stat(path).st_mode & 0o777 == 0o600
    assert not os.path.lexists(path)  # noqa: ASYNC240


async def test_a_socket_that_an_earlier_core_left_makes_way(tmp_path: Path) -> None:
    path = tmp_path / "media.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    house = House(path)
    running = asyncio.create_task(house.link.run())
    await asyncio.sleep(0.05)
    async with house.media():
        assert house.link.up
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("where", ["file", "nowhere/media.sock", "x" * 200])
async def test_a_socket_that_cannot_be_is_one_sentence_and_nothing_else(
    tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("somebody's")
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(House(tmp_path / where).link.run(), 5)
    assert len(caplog.records) == 1
    assert "no media process can connect" in caplog.text
    assert (tmp_path / "file").read_text() == "somebody's"


@pytest.mark.parametrize(("uid", "ours"), [(os.geteuid(), True), (0, True), (12345, False)])
def test_only_this_user_and_root_are_listened_to(uid: int, ours: bool) -> None:
    class Connection:
        def getsockopt(self, level: int, option: int, size: int) -> bytes:
            assert (level, option) == (socket.SOL_SOCKET, socket.SO_PEERCRED)
            return struct.pack("3i", 1, uid, 1)

    assert module._ours(Connection()) is ours  # type: ignore[arg-type]


async def test_a_stranger_is_turned_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ours", lambda _: False)
    async with house.media(hello=False) as media:
        await media.gone()
    assert not house.link.up


async def test_the_newest_media_wins(house: House) -> None:
    async with house.media() as old:
        await house.call(old)
        async with house.media() as new:
            await old.gone()
            await house.until(lambda: ("s1", "closed") in house.caller.moves)
            assert house.link.up
            await house.call(new, "s2")
            assert house.watching == 1


async def test_those_who_say_nothing_do_not_push_anybody_out(house: House) -> None:
    async with house.media() as media:
        silent = [await asyncio.open_unix_connection(house.path) for _ in range(3 * module.MOST_PEERS)]
        await house.call(media)
        for _, writer in silent:
            writer.close()
        assert house.link.up


# --- death --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_silence_is_death(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async with house.media(alive=False) as media:
        begun = time.monotonic()
        await media.gone()
        assert 0.6 < time.monotonic() - begun < 4
    await house.until(lambda: not house.link.up)
    assert "the media process is given up: it is silent" in caplog.text


@pytest.mark.usefixtures("quick")
async def test_half_a_frame_is_no_sign_of_life(house: House) -> None:
    async with house.media(alive=False) as media:
        frame = wire.encode({"type": "state", "filler": "x" * 1000})

        async def drip() -> None:
            for byte in frame:
                media.writer.write(bytes([byte]))
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        await asyncio.wait_for(media.gone(), 5)
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


@pytest.mark.usefixtures("quick")
async def test_whoever_beats_lives(house: House) -> None:
    async with house.media() as media:
        for _ in range(9):
            assert await media.hear(beats=True) == {"type": "beat"}
        assert house.link.up


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack("<IB", wire.MOST + 1, wire.JSON),
        struct.pack("<IB", 4, 9) + b"abcd",
        struct.pack("<IB", 2, wire.JSON) + b"[]",
        struct.pack("<IB", 2, wire.JSON) + b"{]",
        wire.encode(WAVE),
        wire.encode({"type": "session", "state": "connected"}),
        wire.encode({"type": "ask", "session": 3, "id": 1}),
    ],
)
async def test_garbage_ends_the_connection_and_nothing_else(house: House, garbage: bytes) -> None:
    async with house.media() as media:
        await house.call(media)
        media.writer.write(garbage)
        await media.gone()
    await house.until(lambda: house.caller.moves[-1] == ("s1", "closed") and not house.link.up)
    async with house.media() as media:
        await house.call(media, "s2")


async def test_a_state_before_the_hello_is_garbage(house: House) -> None:
    async with house.media(hello=False) as media:
        media.say({"type": "state", "camera": None})
        await media.gone()
    assert not house.link.up


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(min_size=1, max_size=60), max_size=6), after_hello=st.booleans())
def test_no_bytes_break_the_link(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], after_hello: bool
) -> None:
    async def throw() -> None:
        async with housed(tmp_path_factory.mktemp("m") / "s") as house:
            async with house.media(hello=after_hello) as media:
                for piece in pieces:
                    media.writer.write(piece)
                    await asyncio.sleep(0)
            async with house.media() as media:
                await house.call(media)

    asyncio.run(throw())


@pytest.mark.usefixtures("quick")
async def test_a_media_that_stops_reading_is_dropped_and_the_core_never_waits(house: House) -> None:
    async with house.media() as media:
        await house.call(media)
        begun, turns = time.monotonic(), 0
        while house.link.up and time.monotonic() - begun < 10:
            for _ in range(20):
                house.broadcast.tell(WAVE + b"\0" * 4000)
            house.broadcast.tell({"type": "changed", "state": "consultation"})
            await asyncio.sleep(0.001)
            turns += 1
        assert not house.link.up
    assert turns > 50
    assert house.caller.moves[-1] == ("s1", "closed")
    assert house.watching == 0


async def test_messages_that_nobody_reads_are_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_peer, "MOST_WAITING", 100_000)
    async with house.media() as media:
        await house.call(media)
        house.caller.answer = {"ok": True, "view": "x" * 50_000}
        for number in range(20):
            media.say({"type": "ask", "session": "s1", "id": number, "do": "view"})
        await house.until(lambda: not house.link.up)


# --- calls --------------------------------------------------------------------------------------------------------


async def test_without_media_there_is_no_call(house: House) -> None:
    with pytest.raises(Refusal) as refused:
        await house.link.offer("s1", SDP, "fr")
    assert refused.value.code == "media-down"
    house.link.close("s1")


async def test_an_offer_is_answered(house: House) -> None:
    async with house.media() as media:
        offering = asyncio.create_task(house.link.offer("s1", SDP, "en"))
        offer = await media.message("offer")
        assert {key: offer[key] for key in ("session", "sdp", "language")} == {
            "session": "s1",
            "sdp": SDP,
            "language": "en",
        }
        for stray in ({"re": 99, "sdp": "x"}, {"re": None, "sdp": "x"}, {"sdp": "x"}):
            media.say({"type": "answer", **stray})
        media.say({"type": "answer", "re": offer["re"], "sdp": "v=0\r\nyes"})
        assert await offering == "v=0\r\nyes"


@pytest.mark.parametrize(("said", "heard"), [("bad-offer", "bad-offer"), ("busy", "busy"), ("strange", "media-down")])
async def test_an_offer_is_refused(house: House, said: str, heard: str) -> None:
    async with house.media() as media:
        offering = asyncio.create_task(house.link.offer("s1", SDP, "fr"))
        offer = await media.message("offer")
        media.say({"type": "refused", "re": offer["re"], "code": said, "text": "Pas ainsi."})
        with pytest.raises(Refusal) as refused:
            await offering
        assert refused.value.code == heard
        assert await media.message("close") == {"type": "close", "session": "s1"}


async def test_an_offer_that_is_never_answered_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_peer, "OFFER_S", 0.1)
    async with house.media() as media:
        offering = asyncio.create_task(house.link.offer("s1", SDP, "fr"))
        offer = await media.message("offer")
        with pytest.raises(Refusal) as refused:
            await offering
        assert refused.value.code == "media-down"
        assert (await media.message("close"))["session"] == "s1"
        media.say({"type": "answer", "re": offer["re"], "sdp": "v=0\r\nlate"})
        await house.call(media, "s2")


async def test_media_that_dies_during_an_offer_is_no_answer(house: House) -> None:
    async with house.media() as media:
        offering = asyncio.create_task(house.link.offer("s1", SDP, "fr"))
        await media.message("offer")
        media.close()
        with pytest.raises(Refusal) as refused:
            await asyncio.wait_for(offering, 5)
        assert refused.value.code == "media-down"
    assert house.caller.moves == []


async def test_whoever_left_during_an_offer_has_no_call(house: House) -> None:
    async with house.media() as media:
        offering = asyncio.create_task(house.link.offer("s1", SDP, "fr"))
        await media.message("offer")
        offering.cancel()
        await asyncio.gather(offering, return_exceptions=True)
        assert (await media.message("close"))["session"] == "s1"


async def test_where_a_call_stands(house: House) -> None:
    async with house.media() as media:
        await house.call(media)
        for state in ("lost", "connected", "of a later version", "closed"):
            media.say({"type": "session", "session": "s1", "state": state})
        await house.until(lambda: ("s1", "closed") in house.caller.moves)
        expected = [("s1", state) for state in ("connected", "lost", "connected", "closed")]
        assert house.caller.moves == expected
        await house.until(lambda: house.watching == 0)


async def test_a_call_that_nobody_here_offered_is_ended(house: House) -> None:
    async with house.media() as media:
        media.say({"type": "session", "session": "of an earlier core", "state": "connected"})
        assert await media.message("close") == {"type": "close", "session": "of an earlier core"}
    assert house.caller.moves == []
    assert house.watching == 0


async def test_a_doctor_whose_call_is_of_an_earlier_core_is_told_and_hung_up(house: House) -> None:
    async with house.media() as media:
        house.caller.answer = {"ok": False, "code": "not-now", "text": "Join again."}
        media.say({"type": "ask", "session": "of an earlier core", "id": 1, "do": "view"})
        assert (await media.message("reply"))["code"] == "not-now"
        assert await media.message("close") == {"type": "close", "session": "of an earlier core"}


async def test_the_core_ends_a_call_once(house: House) -> None:
    async with house.media() as media:
        await house.call(media)
        house.link.close("s1")
        house.link.close("s1")
        house.link.close("unknown")
        assert await media.message("close") == {"type": "close", "session": "s1"}
        await house.until(lambda: house.watching == 0)
        await house.call(media, "s2")


async def test_whoever_ends_the_consultation_is_answered_before_the_call_ends(house: House) -> None:
    async with house.media() as media:
        await house.call(media)
        house.caller.gate.clear()
        media.say({"type": "ask", "session": "s1", "id": 7, "do": "end"})
        await asyncio.sleep(0.05)
        house.link.close("s1")
        house.caller.gate.set()
        assert (await media.message("reply"))["re"] == 7
        assert await media.message("close") == {"type": "close", "session": "s1"}
        await house.until(lambda: house.watching == 0)


async def test_a_question_without_an_answer_holds_no_call_open(house: House) -> None:
    async with house.media() as media:
        await house.call(media)
        house.caller.gate.clear()
        media.say({"type": "ask", "session": "s1", "id": 7, "do": "view"})
        await asyncio.sleep(0.05)
        house.link.close("s1")
        assert await media.message("close") == {"type": "close", "session": "s1"}


async def test_calls_are_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_peer, "MOST_SESSIONS", 2)
    async with house.media() as media:
        await house.call(media, "s1")
        await house.call(media, "s2")
        with pytest.raises(Refusal) as refused:
            await house.link.offer("s3", SDP, "fr")
        assert refused.value.code == "busy"
        house.link.close("s1")
        await media.message("close")
        await house.call(media, "s3")


# --- what goes over -----------------------------------------------------------------------------------------------


async def test_events_and_waves_flow_only_while_somebody_is_connected(house: House) -> None:
    async with house.media() as media:
        house.broadcast.tell({"type": "changed", "state": "ready"})
        assert house.watching == 0
        await house.call(media)
        house.broadcast.tell({"type": "changed", "state": "consultation"})
        assert await media.hear() == {"type": "event", "event": {"type": "changed", "state": "consultation"}}
        house.broadcast.tell(WAVE)
        assert await media.hear() == WAVE
        media.say({"type": "session", "session": "s1", "state": "lost"})
        await house.until(lambda: house.watching == 0)
        house.broadcast.tell(WAVE)
        media.say({"type": "session", "session": "s1", "state": "connected"})
        await house.until(lambda: house.watching == 1)
        house.broadcast.tell({"type": "nurse"})
        assert await media.hear() == {"type": "event", "event": {"type": "nurse"}}


async def test_whoever_connects_is_a_newcomer_to_whom_waves_are_described(house: House) -> None:
    async with house.media() as media:
        await house.call(media, "s1")
        assert house.broadcast.newcomers()
        assert not house.broadcast.newcomers()
        await house.call(media, "s2")
        await house.until(house.broadcast.newcomers)
        assert house.watching == 1


async def test_an_event_that_is_no_json_is_left_out_and_its_content_not_logged(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with house.media() as media:
        await house.call(media)
        house.broadcast.tell({"type": "reading", "value": float("nan"), "name": "Jeanne"})
        house.broadcast.tell({"type": "nurse"})
        assert await media.hear() == {"type": "event", "event": {"type": "nurse"}}
    assert "an event was not passed on: ValueError" in caplog.text
    assert "Jeanne" not in caplog.text


async def test_a_question_of_the_doctor_is_answered_in_order(house: House) -> None:
    async with house.media() as media:
        await house.call(media)
        for number in range(5):
            media.say({"type": "ask", "session": "s1", "id": number, "do": "note", "text": str(number)})
        replies = [await media.message("reply") for _ in range(5)]
        assert replies == [{"type": "reply", "session": "s1", "re": number, "ok": True} for number in range(5)]
        assert [(session, message["text"]) for session, message in house.caller.asks] == [
            ("s1", str(number)) for number in range(5)
        ]


async def test_too_many_questions_are_refused_one_by_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_work, "MOST_ASKS", 3)
    async with house.media() as media:
        await house.call(media)
        house.caller.gate.clear()
        media.say({"type": "ask", "session": "s1", "id": 0, "do": "view"})
        await asyncio.sleep(0.05)
        for number in range(1, 6):
            media.say({"type": "ask", "session": "s1", "id": number, "do": "view"})
        refused = [await media.message("reply") for _ in range(2)]
        assert [(each["re"], each["ok"], each["code"]) for each in refused] == [
            (4, False, "busy"),
            (5, False, "busy"),
        ]
        house.caller.gate.set()
        assert [(await media.message("reply"))["re"] for _ in range(4)] == [0, 1, 2, 3]


async def test_a_defect_behind_a_question_ends_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async with house.media() as media:
        await house.call(media)
        for defect in (KeyError("73.5 kg"), {"ok": True, "value": float("nan")}):
            house.caller.answer = defect
            media.say({"type": "ask", "session": "s1", "id": 1, "do": "view"})
            reply = await media.message("reply")
            assert (reply["ok"], reply["code"]) == (False, "internal")
        house.caller.answer = {"ok": True}
        media.say({"type": "ask", "session": "s1", "id": 2, "do": "view"})
        assert (await media.message("reply"))["ok"] is True
    assert "73.5" not in caplog.text


async def test_a_picture_is_kept_after_what_was_asked_before_it(house: House) -> None:
    picture = Picture({"site": "ear", "side": "left", "camera": "hand"}, b"\xff\xd8" + bytes(300_000))
    async with house.media() as media:
        await house.call(media)
        media.say({"type": "ask", "session": "s1", "id": 1, "do": "note", "text": "x"})
        media.say(picture)
        await house.until(lambda: house.caller.pictures)
        assert house.caller.pictures == [picture]
        assert len(house.caller.asks) == 1
        assert house.link.up


async def test_too_many_pictures_at_once_are_not_kept(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(media_work, "MOST_PICTURES", 2)
    async with house.media() as media:
        await house.call(media)
        house.caller.gate.clear()
        for number in range(6):
            media.say(Picture({"number": number}, b"\xff\xd8"))
            await asyncio.sleep(0.01)
        await house.until(lambda: caplog.text.count("was not kept") == 3)
        house.caller.gate.set()
        await house.until(lambda: len(house.caller.pictures) == 3)


async def test_a_defect_of_the_core_costs_no_more_than_the_link(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("73.5 kg")

    async with house.media() as media:
        await house.call(media)
        for name in ("moved", "link_moved"):
            monkeypatch.setattr(house.caller, name, broken)
        media.say({"type": "session", "session": "s1", "state": "lost"})
        media.say({"type": "ask", "session": "s1", "id": 1, "do": "view"})
        assert (await media.message("reply"))["ok"] is True
        monkeypatch.setattr(house.link, "_changed", broken)
    await house.until(lambda: not house.link.up)
    assert caplog.text.count("KeyError") == 3
    async with house.media() as media:
        media.say({**HELLO, "type": "state", "camera": None})
        await media.gone()
    assert "ended by a defect: KeyError" in caplog.text
    assert "73.5" not in caplog.text
    monkeypatch.undo()
    async with house.media() as media:
        await house.call(media, "s2")


async def test_an_event_is_told_to_one_call_alone(house: House) -> None:
    async with house.media() as media:
        await house.call(media)
        house.link.tell("unknown", {"type": "replaced"})
        house.link.tell("s1", {"type": "replaced"})
        offering = asyncio.create_task(house.link.offer("s2", SDP, "fr"))
        told = await media.message("event")
        assert (told["session"], told["event"]) == ("s1", {"type": "replaced"})
        await media.message("offer")
        offering.cancel()
        await asyncio.gather(offering, return_exceptions=True)
    await house.until(lambda: not house.link.up)
    house.link.tell("s1", {"type": "replaced"})


@pytest.mark.parametrize("asked", [{"type": "ask", "session": "s1", "id": 1, "do": "end"}, Picture({"n": 1}, b"x")])
async def test_what_is_under_way_comes_to_its_end_when_the_media_process_dies(house: House, asked: wire.Item) -> None:
    async with house.media() as media:
        await house.call(media)
        house.caller.gate.clear()
        media.say(asked)
        await asyncio.sleep(0.05)
    await house.until(lambda: not house.link.up)
    house.caller.gate.set()
    await house.until(lambda: house.caller.asks or house.caller.pictures)


async def test_the_core_goes_down_in_order(tmp_path: Path) -> None:
    async with housed(tmp_path / "media.sock") as house, house.media() as media:
        await house.call(media)
        leaving = [task for task in asyncio.all_tasks() if "run" in repr(task.get_coro())]
        assert leaving
        for task in leaving:
            if "MediaLink.run" in repr(task.get_coro()):
                task.cancel()
        await media.gone()
        await house.until(lambda: not house.link.up)
        assert house.caller.moves[-1] == ("s1", "closed")
        assert house.watching == 0
