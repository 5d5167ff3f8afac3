"""At most one call: what the core closes stays closed whenever the word comes, and a rejoin keeps the camera."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cabin_agent.media import calls as media_calls
from cabin_agent.media import wire
from cabin_agent.media.address import SoundSettings
from cabin_agent.media.calls import CLOSED, Calls
from cabin_agent.media.cameras import Cameras
from cabin_agent.media.rig import Rig
from cabin_agent.media.sound import Sound
from tests.mjpeg import HAND, ROOM, wait_for_threads


class Session:
    """In place of the real one: it answers and closes when it is let."""

    made: list[Session]

    def __init__(self, name: str, language: str, rig: Rig, tell: object, ended: Callable[[], None]) -> None:
        self.name, self.ended = name, ended
        self.may_answer, self.may_close = asyncio.Event(), asyncio.Event()
        self.asked = self.closed = False
        self.ups: list[bool] = []
        self.may_close.set()
        Session.made.append(self)

    async def answer(self, sdp: str) -> str:
        self.asked = True
        await self.may_answer.wait()
        return "answer " + sdp

    async def close(self) -> None:
        await self.may_close.wait()
        if not self.closed:
            self.closed = True
            self.ended()

    def core(self, up: bool) -> None:
        self.ups.append(up)


class Booth:
    """Calls with two drawn cameras; `told` is what the core hears."""

    def __init__(self) -> None:
        self.cameras = Cameras([ROOM, HAND], lambda: None)
        self.told: list[Any] = []
        self.core_takes = True
        sound = Sound(SoundSettings(), lambda: None)
        self.calls = Calls(Rig(self.cameras, "room", sound, lambda: 0.0), self._tell)
        self.offers = 0

    def _tell(self, item: wire.Item) -> bool:
        self.told.append(item)
        return self.core_takes

    async def offer(self, name: str) -> Session:
        """An offer that is being answered now."""
        self.offers += 1
        self.calls.heard({"type": "offer", "re": self.offers, "session": name, "sdp": name, "language": "en"})
        await settled()
        return Session.made[-1]

    async def call(self, name: str) -> Session:
        """A call that was answered."""
        session = await self.offer(name)
        session.may_answer.set()
        await settled()
        assert self.told[-1]["type"] == "answer"
        return session

    async def close(self, name: str) -> None:
        self.calls.heard({"type": "close", "session": name})
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def booth(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Booth]:
    Session.made = []
    monkeypatch.setattr(media_calls, "Session", Session)
    booth = Booth()
    yield booth
    for session in Session.made:
        session.may_close.set()
    await booth.calls.close()
    booth.cameras.close()
    wait_for_threads(0)


async def test_a_call_opens_the_first_camera_and_its_end_closes_it(booth: Booth) -> None:
    session = await booth.call("s1")
    assert booth.cameras.chosen == "room"
    await booth.close("s1")
    assert session.closed and booth.cameras.chosen is None


async def test_a_call_closed_while_it_is_being_answered_never_begins(booth: Booth) -> None:
    session = await booth.offer("s1")
    await booth.close("s1")
    session.may_answer.set()
    await settled()
    assert session.closed and booth.cameras.chosen is None
    assert booth.told == [{**booth.told[0], "type": "refused", "re": 1, "code": "bad-offer"}]
    await booth.call("s2")
    assert booth.cameras.chosen == "room"


async def test_a_call_closed_while_it_is_being_answered_leaves_the_one_before(booth: Booth) -> None:
    first = await booth.call("s1")
    second = await booth.offer("s2")
    await booth.close("s2")
    second.may_answer.set()
    await settled()
    assert second.closed and not first.closed
    assert booth.cameras.chosen == "room"


async def test_a_call_closed_while_it_waits_for_its_turn_is_not_answered(booth: Booth) -> None:
    first = await booth.offer("s1")
    await booth.offer("s2")
    await booth.close("s2")
    first.may_answer.set()
    await settled()
    assert [each.name for each in Session.made] == ["s1"]
    assert booth.told[-1]["type"] == "refused"


async def test_a_call_closed_while_the_one_before_ends_leaves_no_camera_on(booth: Booth) -> None:
    first = await booth.call("s1")
    first.may_close.clear()
    second = await booth.offer("s2")
    second.may_answer.set()
    await settled()
    await booth.close("s2")
    assert booth.cameras.chosen is None
    first.may_close.set()
    await settled()
    assert first.closed and second.closed and booth.cameras.chosen is None
    assert booth.told[-1]["type"] == "refused"


async def test_an_answer_that_no_core_takes_leaves_no_call_and_no_camera(booth: Booth) -> None:
    booth.core_takes = False
    session = await booth.offer("s1")
    session.may_answer.set()
    await settled()
    assert session.closed and booth.cameras.chosen is None


async def test_a_core_that_went_during_the_answer_is_known_to_the_call(booth: Booth) -> None:
    session = await booth.offer("s1")
    booth.calls.core(False)
    session.may_answer.set()
    await settled()
    booth.calls.core(True)
    assert session.ups == [False, True]


async def test_a_rejoin_in_place_of_a_call_keeps_the_chosen_camera(booth: Booth) -> None:
    await booth.call("s1")
    booth.cameras.choose("hand")
    await booth.call("s2")
    assert booth.cameras.chosen == "hand"


async def test_a_rejoin_for_which_the_core_closes_the_call_first_keeps_it_too(booth: Booth) -> None:
    first = await booth.call("s1")
    booth.cameras.choose("hand")
    first.may_close.clear()
    booth.calls.heard({"type": "close", "session": "s1"})
    second = await booth.offer("s2")
    assert booth.cameras.chosen is None, "while nobody sees it, no camera is open"
    second.may_answer.set()
    await settled()
    assert booth.cameras.chosen == "hand"


async def test_a_call_that_ends_while_its_successor_is_answered_hands_its_camera_over(booth: Booth) -> None:
    await booth.call("s1")
    booth.cameras.choose("hand")
    second = await booth.offer("s2")
    await booth.close("s1")
    second.may_answer.set()
    await settled()
    assert booth.cameras.chosen == "hand"


async def test_a_call_later_on_begins_with_the_first_camera(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_calls, "REJOIN_S", 0.0)
    await booth.call("s1")
    booth.cameras.choose("hand")
    await booth.close("s1")
    await booth.call("s2")
    assert booth.cameras.chosen == "room"


async def test_the_end_of_all_waits_for_calls_that_are_ending(booth: Booth) -> None:
    first = await booth.call("s1")
    first.may_close.clear()
    second = await booth.offer("s2")
    second.may_answer.set()
    await settled()
    second.may_close.clear()
    await booth.close("s2")
    ending = asyncio.create_task(booth.calls.close())
    await settled()
    first.may_close.set()
    second.may_close.set()
    await asyncio.wait_for(ending, 1)
    assert first.closed and second.closed


async def test_what_is_remembered_of_closed_calls_is_bounded(booth: Booth) -> None:
    for number in range(3 * CLOSED):
        await booth.close(f"n{number}")
    assert len(vars(booth.calls)["_closed"]) == CLOSED
