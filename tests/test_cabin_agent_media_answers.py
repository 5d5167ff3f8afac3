"""A still picture is announced to the page only when the core has it, and no fault leaves the next one waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, cast

import cv2
import pytest

from cabin_agent.media import wire
from cabin_agent.media.answers import Answers, Call
from cabin_agent.media.rig import Rig
from cabin_agent.media.still import NoPicture, Still
from cabin_agent.media.why import Why, sentence

PICTURE = Still(b"jpeg", 1280, 720, 1_700_000_000_000, "room", simulated=True)
ASKED = {"id": 1, "do": "still", "site": "ear", "side": "left"}


class Asking:
    """The answering side of a call whose camera, core and page are played; `said` is what the page was told."""

    def __init__(self, still: Callable[[], Still] = lambda: PICTURE) -> None:
        self.core_up = self.core_takes = True
        self.taken = 0
        self.told: list[wire.Item] = []
        self.said: list[dict[str, Any]] = []
        self.still = still
        self.tasks: set[asyncio.Task[None]] = set()
        rig = SimpleNamespace(cameras=SimpleNamespace(still=self._still))
        call = Call("s1", "fr", self._tell, lambda: self.core_up, self._start, lambda on: None, lambda: 1e6)
        self.answers = Answers(call, cast(Rig, rig))
        self.answers.ctl = cast(Any, SimpleNamespace(send=self.said.append, still=self._pieces))

    async def ask(self, **fields: object) -> dict[str, Any]:
        """What the page is answered."""
        self.said.clear()
        self.answers.heard({**ASKED, **fields})
        await asyncio.gather(*self.tasks)
        await asyncio.gather(*self.tasks)
        (answer,) = [each for each in self.said if "re" in each]
        return answer

    def announced(self) -> list[dict[str, Any]]:
        return [each for each in self.said if each.get("event") == "still"]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.add(asyncio.create_task(work))

    def _tell(self, item: wire.Item) -> bool:
        wire.encode(item)
        self.told.append(item)
        return self.core_takes

    async def _still(self) -> Still:
        self.taken += 1
        return self.still()

    async def _pieces(self, number: int, jpeg: bytes, rate: Callable[[], float]) -> None:
        self.said.append({"pieces": number})


def failing(error: Exception) -> Callable[[], Still]:
    def still() -> Still:
        raise error

    return still


async def test_a_still_goes_to_the_core_and_is_announced() -> None:
    asking = Asking()
    assert await asking.ask() == {"re": 1, "ok": True, "number": 1}
    assert [next(iter(each)) for each in asking.said] == ["re", "event", "pieces"]
    (kept,) = asking.told
    assert isinstance(kept, wire.Picture) and kept.about["session"] == "s1"
    assert (await asking.ask())["number"] == 2


async def test_while_the_core_is_down_no_still_is_taken() -> None:
    asking = Asking()
    asking.core_up = False
    answer = await asking.ask()
    assert (answer["ok"], answer["code"], asking.taken, asking.told) == (False, "core-down", 0, [])
    asking.core_up = True
    assert (await asking.ask())["ok"] is True


async def test_a_still_that_the_core_never_got_is_not_announced() -> None:
    asking = Asking()
    asking.core_takes = False
    answer = await asking.ask()
    assert (answer["ok"], answer["code"], asking.announced()) == (False, "core-down", [])
    asking.core_takes = True
    assert (await asking.ask())["ok"] is True


@pytest.mark.parametrize("error", [cv2.error("no"), MemoryError(), NoPicture(Why.STALLED)])
async def test_a_camera_that_fails_is_told_and_the_next_still_is_taken(error: Exception) -> None:
    asking = Asking(failing(error))
    answer = await asking.ask()
    assert (answer["ok"], answer["code"]) == (False, "no-picture")
    assert answer["text"].endswith(".")
    asking.still = lambda: PICTURE
    assert (await asking.ask())["ok"] is True


async def test_the_reason_of_the_camera_is_what_the_page_is_told() -> None:
    answer = await Asking(failing(NoPicture(Why.STALLED))).ask()
    assert answer["text"] == sentence(Why.STALLED, "fr")


async def test_a_still_too_large_for_the_socket_is_refused() -> None:
    asking = Asking(lambda: Still(bytes(wire.MOST), 9000, 9000, 0, "room", simulated=False))
    assert (await asking.ask())["code"] == "no-picture"
    asking.still = lambda: PICTURE
    assert (await asking.ask())["ok"] is True
