"""A call between our session and a doctor played by plain aiortc, on 127.0.0.1 and without a browser."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCPeerConnection

from cabin_agent.media import session as media_session
from cabin_agent.media import steering
from cabin_agent.media.encoders import TunedVp8
from cabin_agent.media.refusal import Refused
from cabin_agent.media.session import Session
from cabin_agent.media.why import Why, sentence
from cabin_agent.media.wire import Picture
from tests import doctor
from tests.doctor import Call, Doctor, Json, rig, wave_frame

pytestmark = pytest.mark.processes
JPEG = (b"\xff\xd8", b"\xff\xd9")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds of a call in one, and a page that pings as often."""
    for name in ("SECOND_S", "LOST_S", "SILENT_S"):
        monkeypatch.setattr(media_session, name, vars(media_session)[name] / 10)
    monkeypatch.setattr(doctor, "PING_S", 0.1)


@pytest.fixture
async def call() -> AsyncIterator[Call]:
    """One running call in which a picture has come."""
    async with Call() as running:
        await running.doctor.pictures(1)
        yield running


@pytest.fixture
async def alone() -> AsyncIterator[Session]:
    """A session that has answered nothing yet."""
    ours = rig()
    session = Session("s1", "en", ours, lambda item: True, lambda: None)
    yield session
    await session.close()
    ours.cameras.close()


def stills(pieces: list[bytes], size: int) -> bytes:
    """The picture put together from its pieces, which may come in any order."""
    jpeg = bytearray(size)
    for piece in pieces:
        magic, _, offset = struct.unpack_from("<2sHI", piece)
        assert magic == b"ST"
        assert len(piece) - 8 <= 16_000
        jpeg[offset : offset + len(piece) - 8] = piece[8:]
    return bytes(jpeg)


# --- picture, sound and waves


async def test_the_doctor_sees_moving_pictures_in_h264_and_hears(call: Call) -> None:
    await call.doctor.pictures(10)
    video = vars(call.session)["_peer"].getTransceivers()[0]
    assert vars(video)["_codecs"][0].mimeType == "video/H264"
    assert vars(video)["_codecs"][0].parameters["profile-level-id"] == "42e01f"
    read = [late for _, late in call.doctor.frames[-10:] if late is not None]
    assert len(read) >= 8
    assert max(read) < 2
    assert call.states() == ["connected"]


async def test_picture_speech_and_heart_are_streams_of_their_own(call: Call) -> None:
    lines = [line for line in call.doctor.peer.remoteDescription.sdp.splitlines() if line.startswith("a=msid:")]
    assert len({line.split()[0] for line in lines}) == len(lines) == 3


async def test_waves_arrive_fresh_beside_the_video(call: Call) -> None:
    figures = await call.measure(0.8)
    assert figures.waves >= 10
    assert figures.wave_p50 < 300


async def test_a_browser_without_microphone_and_one_without_stethoscope_are_served() -> None:
    async with Call(doctor=Doctor(microphone=False, sections=("video", "audio"))) as call:
        await call.doctor.pictures(3)
        assert call.doctor.peer.getTransceivers()[1].currentDirection == "recvonly"


async def test_a_browser_that_knows_only_vp8_sees_pictures_too() -> None:
    async with Call(doctor=Doctor(codec="video/VP8")) as call:
        await call.doctor.pictures(10, 20)
        assert type(call.session.sender.encoder) is TunedVp8
        assert any(late is not None for _, late in call.doctor.frames)


async def test_the_stethoscope_that_is_off_sends_nothing_at_all_and_one_that_is_on_is_heard(
    quick: None, call: Call
) -> None:
    heart, ear = vars(call.session)["_peer"].getSenders()[2], call.doctor.peer.getReceivers()[2]
    await call.doctor.event("heartbeat")
    assert heart.frames == 0
    await call.doctor.answered(call.doctor.ask("stethoscope", on=True))
    async with asyncio.timeout(10):
        while heart.frames < 5 or not any(each.type == "inbound-rtp" for each in (await ear.getStats()).values()):
            call.doctor.said.clear()
            await call.doctor.event("heartbeat")
    await call.doctor.answered(call.doctor.ask("stethoscope", on=False))
    assert heart.muted


async def test_the_clock_event_names_the_capture_time_of_the_timestamp_on_the_wire(quick: None, call: Call) -> None:
    clock = await call.doctor.event("clock")
    await call.doctor.pictures(3)
    wall_minus_mono_ms = time.time() * 1000 - time.monotonic() * 1000
    for rtp, shown_ms in call.doctor.stamps[-3:]:
        since = ((rtp - clock["rtp"] + 2**31) % 2**32 - 2**31) / 90
        captured_ms = clock["mono_us"] / 1000 + since + wall_minus_mono_ms
        assert (captured_ms - shown_ms + 2**31) % 2**32 - 2**31 == pytest.approx(0, abs=60)


async def test_no_stun_server_is_ever_asked(call: Call) -> None:
    inside = vars(call.session)["_peer"]
    for transport in vars(inside)["_RTCPeerConnection__iceTransports"]:
        assert transport._connection.stun_server is None
        assert {each.host for each in transport._connection.local_candidates} == {"127.0.0.1"}


# --- what the page asks


async def test_a_ping_is_answered_with_its_own_value(call: Call) -> None:
    answer = await call.doctor.answered(call.doctor.ask("ping", t=12345))
    assert answer["ok"] is True
    assert answer["t"] == 12345


async def test_the_page_is_told_of_cameras_and_may_choose_another(call: Call) -> None:
    told = await call.doctor.event("media")
    assert [each["name"] for each in told["cameras"]] == ["room", "hand"]
    assert [told["sound"][card] for card in ("microphone", "speaker", "stethoscope")] == [None] * 3
    assert told["sound"]["why"]["speaker"] == sentence(Why.NOT_NAMED, "en")
    await call.doctor.answered(call.doctor.ask("camera", name="hand"))
    assert call.rig.cameras.chosen == "hand"
    seen = len(call.doctor.frames)
    await call.doctor.pictures(5)
    assert call.doctor.frames[-1][0] > call.doctor.frames[seen - 1][0]
    state = await call.doctor.answered(call.doctor.ask("state"))
    assert state["camera"] == "hand"


REFUSED: tuple[tuple[str, Json, str], ...] = (
    ("camera", {"name": "cellar"}, "bad-value"),
    ("camera", {"name": 7}, "bad-value"),
    ("still", {"site": "ear"}, "bad-value"),
    ("still", {"site": "heart", "side": "left"}, "bad-value"),
    ("still", {"site": "ear", "side": "up"}, "bad-value"),
    ("still", {"site": ["ear"], "side": "left"}, "bad-value"),
    ("stethoscope", {"on": "yes"}, "bad-value"),
    ("dance", {}, "bad-request"),
)


async def test_what_cannot_be_done_is_refused_in_one_sentence(call: Call) -> None:
    for do, fields, code in REFUSED:
        answer = await call.doctor.answered(call.doctor.ask(do, **fields))
        assert (answer["ok"], answer["code"]) == (False, code), (do, fields)
        assert answer["text"].endswith(".")


async def test_nonsense_on_the_channel_is_refused_and_the_call_goes_on(call: Call) -> None:
    for nonsense in (
        "",
        "[",
        "[1]",
        '{"id": "x", "do": "ping"}',
        '{"id": true, "do": "ping"}',
        "[" * 5000,
        "9" * 9000,
    ):
        call.doctor.ctl.send(nonsense)
    call.doctor.ctl.send(b"\x00\x01")
    await call.doctor.answered(call.doctor.ask("ping", t=1))
    refused = [each for each in call.doctor.said if each.get("re", 0) is None]
    assert len(refused) == 8
    assert {each["code"] for each in refused} == {"bad-request"}


async def test_the_stethoscope_is_silent_until_asked_for(call: Call) -> None:
    heart = vars(call.session)["_heart"]
    assert heart.listening is False
    await call.doctor.answered(call.doctor.ask("stethoscope", on=True))
    assert heart.listening is True


async def test_a_still_picture_reaches_page_and_core_at_the_cameras_full_size(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "still_rate", lambda governor: 8e6)
    answer = await call.doctor.answered(call.doctor.ask("still", site="ear", side="left"))
    about = await call.doctor.event("still")
    kept = next(each for each in call.told if isinstance(each, Picture))
    assert (about["width"], about["height"]) == (1280, 720)
    assert (about["number"], about["site"], about["side"]) == (answer["number"], "ear", "left")
    assert kept.about["session"] == "s1"
    assert kept.about["simulated"] is True
    async with asyncio.timeout(20):
        while sum(len(each) - 8 for each in call.doctor.pieces) < about["bytes"]:
            await call.doctor.event("heartbeat")
            await asyncio.sleep(0.05)
    assert stills(call.doctor.pieces, about["bytes"]) == kept.jpeg
    assert (kept.jpeg[:2], kept.jpeg[-2:]) == JPEG


async def test_a_second_still_waits_for_the_first(call: Call) -> None:
    first, second = (
        call.doctor.ask("still", site="ear", side="left"),
        call.doctor.ask("still", site="ear", side="right"),
    )
    assert (await call.doctor.answered(first))["ok"] is True
    assert (await call.doctor.answered(second))["code"] == "busy"


async def test_without_a_picture_a_still_is_refused(call: Call) -> None:
    call.rig.cameras.choose(None)
    answer = await call.doctor.answered(call.doctor.ask("still", site="ear", side="left"))
    assert answer["code"] == "no-picture"


# --- the core behind it


async def test_questions_to_the_core_are_passed_on_and_answered(call: Call) -> None:
    asked = call.doctor.ask("start", to="core", task="pressure")
    found = await call.told_that(lambda each: each["type"] == "ask")
    assert found == {"type": "ask", "session": "s1", "id": asked, "do": "start", "task": "pressure"}
    call.session.reply({"type": "reply", "session": "s1", "re": asked, "ok": True, "began": 1})
    assert await call.doctor.answered(asked) == {"re": asked, "ok": True, "began": 1}
    call.session.reply({"type": "reply", "session": "s1", "re": asked, "ok": True, "again": 1})
    call.session.reply({"type": "reply", "session": "s1", "re": [], "ok": True})
    await call.doctor.answered(call.doctor.ask("ping"))
    assert not [each for each in call.doctor.said if "again" in each]


async def test_a_core_that_goes_leaves_the_picture_and_says_so(call: Call) -> None:
    open_question = call.doctor.ask("view", to="core")
    await call.doctor.answered(call.doctor.ask("ping"))
    call.core_up = False
    call.session.core(False)
    assert (await call.doctor.answered(open_question))["code"] == "core-down"
    assert (await call.doctor.answered(call.doctor.ask("view", to="core")))["code"] == "core-down"
    assert (await call.doctor.event("core"))["up"] is False
    await call.doctor.pictures(3)
    call.core_up = True
    call.session.core(True)
    await call.doctor.until(lambda each: each.get("event") == "core" and each["up"])
    assert call.states() == ["connected", "connected"]


async def test_events_of_the_core_reach_the_page_under_their_own_name(call: Call) -> None:
    call.session.event({"type": "reading", "kind": "spo2", "value": 97})
    assert await call.doctor.event("reading") == {"event": "reading", "kind": "spo2", "value": 97}


# --- its end


async def test_a_page_that_falls_silent_is_lost_and_then_closed(quick: None, call: Call) -> None:
    call.relay.cut = True
    async with asyncio.timeout(8):
        await call.ended.wait()
    assert call.states()[-2:] == ["lost", "closed"]


async def test_a_page_that_comes_back_in_time_is_connected_again(
    quick: None, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_session, "SILENT_S", 8)
    call.relay.cut = True
    await call.told_that(lambda each: each.get("state") == "lost")
    call.told.clear()
    call.relay.cut = False
    await call.told_that(lambda each: each.get("state") == "connected")


async def test_a_page_that_hangs_up_ends_the_call(call: Call) -> None:
    await call.doctor.peer.close()
    async with asyncio.timeout(10):
        await call.ended.wait()
    assert call.states()[-1] == "closed"


async def test_a_closed_call_stays_closed(call: Call) -> None:
    await call.session.close()
    await call.session.close()
    call.session.event({"type": "changed"})
    call.session.wave(wave_frame())
    call.session.core(False)
    assert call.states() == ["connected", "closed"]


@pytest.mark.parametrize(
    "sdp", ["", "x", "v=0\r\n", "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "a" * 70_000, "v=0\r\nm=video x y z\r\n"]
)
async def test_an_offer_that_is_none_is_refused_and_leaves_nothing(alone: Session, sdp: str) -> None:
    before = len(asyncio.all_tasks())
    with pytest.raises(Refused) as refused:
        await alone.answer(sdp)
    await alone.close()
    assert refused.value.code == "bad-offer"
    assert len(asyncio.all_tasks()) <= before
    assert alone.state == "closed"


async def test_an_offer_of_something_else_is_refused(alone: Session) -> None:
    """A browser that wants to send video, or wants no data channel."""
    peer = RTCPeerConnection()
    peer.addTransceiver("video", direction="sendonly")
    peer.addTransceiver("audio")
    peer.createDataChannel("ctl")
    await peer.setLocalDescription(await peer.createOffer())
    with pytest.raises(Refused):
        await alone.answer(peer.localDescription.sdp)
    await peer.close()
