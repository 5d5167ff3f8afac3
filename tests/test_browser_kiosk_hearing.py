"""The kiosk's screen of the hearing test that the cabin makes: by finger and by key, quiet while it listens."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser import ONE_LOOP, Screens, served
from tests.browser_kiosk import Kiosk
from tests.stage import Doorkeeper, Stage

pytestmark = ONE_LOOP


@pytest.fixture
def stage() -> Stage:
    return Stage("hearing-ready")


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def url(stage: Stage) -> AsyncIterator[str]:
    """It is there before the screens, and so it outlives them."""
    async with served(stage, Doorkeeper()) as url:
        yield url


async def opened(screens: Screens, url: str) -> Kiosk:
    screen = await screens.touch()
    await screen.page.goto(f"{url}/kiosk/#ticket=launch")
    kiosk = Kiosk(screen.page)
    await kiosk.settled()
    return kiosk


def presses(stage: Stage) -> list[str]:
    return [each["event"] for each in stage.told if each["event"] in ("press", "release")]


async def pressed(kiosk: Kiosk, how: str) -> None:
    async with kiosk.page.expect_response(lambda answer: answer.url.endswith("/visit/events")):
        if how == "finger":
            await kiosk.page.locator(".press").tap()
        else:
            await kiosk.page.keyboard.press("Space")


async def test_the_person_is_told_what_to_do_and_begins_by_the_button(
    screens: Screens, url: str, stage: Stage
) -> None:
    kiosk = await opened(screens, url)
    assert await kiosk.key() == "measure-hearing-ready"
    await kiosk.shows(kiosk.words("kiosk.hearing.how"))
    stage.then = lambda said: stage.play("hearing-listen") if said["event"] == "press" else None
    await pressed(kiosk, "finger")
    await kiosk.until("measure-hearing-listen")
    assert presses(stage)[0] == "press"


@pytest.mark.parametrize("how", ["finger", "key"])
async def test_every_answer_is_told_once_down_and_once_up(screens: Screens, url: str, stage: Stage, how: str) -> None:
    stage.play("hearing-listen")
    kiosk = await opened(screens, url)
    for _ in range(3):
        await pressed(kiosk, how)
    await expect(kiosk.page.locator(".press.down")).to_have_count(0)
    assert presses(stage) == ["press", "release"] * 3


async def test_the_ear_that_listens_is_said_in_words_colour_and_place(
    screens: Screens, url: str, stage: Stage
) -> None:
    stage.play("hearing-listen")
    kiosk = await opened(screens, url)
    await kiosk.shows(kiosk.words("kiosk.hearing.ear.left"))
    await expect(kiosk.page.locator(".phone.left.on")).to_be_visible()
    await expect(kiosk.page.locator(".phone.right.on")).to_have_count(0)
    assert await kiosk.page.locator("progress").get_attribute("value") == "64"


async def test_the_test_can_be_refused_and_a_held_key_on_that_button_is_no_answer(
    screens: Screens, url: str, stage: Stage
) -> None:
    stage.play("hearing-listen")
    kiosk = await opened(screens, url)
    await kiosk.button("skip", "hearing").focus()
    await kiosk.page.keyboard.press("Space")
    await expect(kiosk.page.locator("#screen")).to_have_attribute("aria-busy", "false")
    assert presses(stage) == []
    assert "skip" in [each["event"] for each in stage.told]
