"""The doctor's page when the link, the core, the picture or the waves fail, over a booth of plain aiortc."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from cabin_agent.wording import text
from tests.browser import ONE_LOOP, Screens
from tests.browser_booth import SOON_MS, Booth, call, opened, reading, until
from tests.browser_doctor import video_clock, wave_pixels

pytestmark = ONE_LOOP


@pytest.fixture
def booth() -> Booth:
    return Booth()


@pytest_asyncio.fixture(loop_scope="session")
async def url(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    async with opened(booth, monkeypatch) as url:
        yield url


async def test_a_lost_link_is_said_at_once_and_the_call_comes_back_by_itself(
    screens: Screens, url: str, booth: Booth
) -> None:
    page = await call(screens, url)
    reading(booth, "spo2", 97.0, "%")
    await expect(page.locator('[data-quantity="spo2"] .value')).to_contain_text("97")
    await booth.lose()
    await expect(page.locator("#alert")).to_contain_text(text("fr", "doctor.lost"), timeout=2000)
    await expect(page.locator('[data-quantity="spo2"] .value')).to_have_text("—")
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=SOON_MS)
    await expect(page.locator("#alert")).to_be_hidden()
    assert len(booth.joined) == 2, "a new token for a new offer"
    assert len(booth.offers) == 2
    reading(booth, "spo2", 95.0, "%")
    await expect(page.locator('[data-quantity="spo2"] .value')).to_contain_text("95")


async def test_silence_of_two_seconds_is_said_and_of_five_makes_the_call_anew(
    screens: Screens, url: str, booth: Booth
) -> None:
    page = await call(screens, url)
    booth.beating = booth.answering = False
    await expect(page.locator("#link")).to_have_attribute("data-state", "silent", timeout=5000)
    await expect(page.locator("#alert")).to_be_visible()
    booth.beating = booth.answering = True
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=5000)
    assert len(booth.offers) == 1, "a short silence costs nothing"
    booth.beating = booth.answering = False
    await until(lambda: len(booth.offers) == 2, "a new offer after five seconds")
    booth.beating = booth.answering = True
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=SOON_MS)


async def test_a_picture_that_stands_still_is_said(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    await video_clock(page)
    assert booth.video is not None
    booth.video.moves.clear()
    await expect(page.locator("#picture-said")).to_have_text(
        re.compile(text("fr", "doctor.video.frozen", seconds=r"\d+")), timeout=6000
    )
    booth.video.moves.set()
    await expect(page.locator("#picture-said")).to_be_hidden(timeout=SOON_MS)


async def test_waves_that_stop_are_said_and_greyed(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    await page.wait_for_timeout(800)
    booth.waves_on = False
    stale = text("fr", "doctor.waves.alt.stale", stream="ECG")
    await expect(page.locator("#waves")).to_have_attribute("aria-label", re.compile(stale), timeout=5000)
    assert (await wave_pixels(page))["ecg"] == 0


async def test_a_core_that_restarts_is_said_while_the_picture_goes_on(
    screens: Screens, url: str, booth: Booth
) -> None:
    page = await call(screens, url)
    booth.send("core", up=False)
    await expect(page.locator("#alert")).to_have_text(text("fr", "doctor.core-away"))
    booth.send("core", up=True)
    await expect(page.locator("#alert")).to_be_hidden()


async def test_a_consultation_that_is_over_is_not_rejoined(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    screens.opened[-1].expect("409")
    booth.standing = "free"
    await booth.lose()
    await expect(page.locator("#over-said")).to_have_text(text("fr", "doctor.problem.not-now"), timeout=SOON_MS)
    await page.locator("#over-back").click()
    await expect(page.locator("#lobby-state")).to_have_text(text("fr", "doctor.lobby.free"))
