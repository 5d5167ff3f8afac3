"""What goes wrong at a real cabin, as the person sees it: a bad signal, a dead instrument, a killed core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Self

import pytest
from playwright.async_api import expect

from cabin_agent.demo.processes import free_port
from cabin_agent.wording import catalogue
from tests.browser import Screens, screens_at
from tests.browser_kiosk import Kiosk, plain
from tests.cabin import SIZE, Cabin, running

pytestmark = pytest.mark.processes


@pytest.fixture
async def screens(chromium_endpoint: str) -> AsyncIterator[Screens]:
    """Screens through a driver of their own, in the loop in which the cabin is led."""
    async with screens_at(chromium_endpoint) as screens:
        yield screens


class Standing(Cabin):
    """A cabin whose core comes back at the same address."""

    async def __aenter__(self) -> Self:
        """See `Cabin`."""
        self._api_port = free_port()
        await super().__aenter__()
        return self


async def test_a_finger_that_is_out_is_told_and_put_back(screens: Screens) -> None:
    """What is wrong and what to do stand there while it lasts, and go when it is good again."""
    screen = await screens.touch()
    async with Cabin(5, measures=("spo2",)) as cabin:
        kiosk = await Kiosk.of(screen, cabin)
        await cabin.simulate(fault="finger-out", instrument="oximeter")
        await kiosk.walk_to("measure-oximetry")
        cure = plain(catalogue("fr")["cure.finger-out"])
        await kiosk.shows(cure)
        await cabin.simulate(clear="finger-out", instrument="oximeter")
        await expect(kiosk.page.locator("#screen")).not_to_contain_text(cure, timeout=20_000)
        await kiosk.shows(kiosk.words("kiosk.signal.good"))
        await kiosk.walk_to("results")
        await kiosk.touch("show")
        await kiosk.shows("97")


async def test_three_tries_and_then_the_visit_goes_on(screens: Screens) -> None:
    """The number of the try is told from the second on; the result says why there is none."""
    screen = await screens.touch()
    async with Cabin(10, measures=("ecg", "heart_rate", "temperature")) as cabin:
        kiosk = await Kiosk.of(screen, cabin)
        await cabin.simulate(fault="electrode-off", instrument="ecg")
        await kiosk.walk_to("measure-ecg")
        await expect(kiosk.page.locator(".attempts")).to_have_count(0)
        for number in (2, 3):
            await kiosk.shows(kiosk.words("kiosk.attempt", number=number, of=3))
        await kiosk.walk_to("results")
        await kiosk.touch("show")
        name = kiosk.words("measure.ecg.name")
        await expect(kiosk.page.locator(".results li").first).to_be_visible()
        lines = [plain(each) for each in await kiosk.page.locator(".results li.not-measured").all_inner_texts()]
        assert any(each.startswith(name) for each in lines), lines


async def test_the_core_is_killed_in_a_measure_and_comes_back(screens: Screens) -> None:
    """The page says that the core is away and that nothing is lost, then shows the same measure, by itself."""
    screen = await screens.touch()
    screen.expect("WebSocket", "ERR_CONNECTION", "ERR_EMPTY")
    async with Standing(5, measures=(*SIZE, "spo2", "temperature")) as cabin:
        kiosk = await Kiosk.of(screen, cabin)
        await kiosk.walk_to("measure-oximetry")
        await cabin.watch_until(running("oximetry"))
        await cabin.kill("core")
        over = kiosk.page.get_by_role("alertdialog")
        await expect(over).to_contain_text(kiosk.words("kiosk.link.unreachable"), timeout=15_000)
        await expect(over).to_contain_text(kiosk.words("kiosk.link.kept"))
        await cabin.restart("core")
        await expect(over).to_be_hidden(timeout=20_000)
        await kiosk.walk_to("goodbye")
        await kiosk.main()
        await kiosk.until("cleaning")


async def test_an_instrument_that_is_pulled_out_holds_nobody_up(screens: Screens) -> None:
    screen = await screens.touch()
    async with Cabin(measures=(*SIZE, "temperature")) as cabin:
        await cabin.simulate(fault="unplug", instrument="thermometer")
        await cabin.until_instrument("thermometer", "absent")
        kiosk = await Kiosk.of(screen, cabin)
        await kiosk.walk_to("results")
        await kiosk.touch("show")
        await expect(kiosk.page.locator(".results .not-measured")).to_have_count(1)
