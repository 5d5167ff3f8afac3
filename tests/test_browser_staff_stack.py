"""The nurse and the technician at a real cabin: signed in through the form with the code of an account."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, WebSocket, expect

from cabin_agent.demo.site import KINDS
from cabin_agent.wording import text
from tests.browser import Screens, screens_at
from tests.browser_kiosk import Kiosk
from tests.cabin import PATIENCE_S, SIZE, Cabin

pytestmark = pytest.mark.processes


@pytest.fixture
async def screens(chromium_endpoint: str) -> AsyncIterator[Screens]:
    """Screens through a driver of their own, in the loop in which the cabin is led."""
    async with screens_at(chromium_endpoint) as screens:
        yield screens


LONG_MS = PATIENCE_S * 1000
UNASKED = ("status of 401", "HTTP Authentication")
"""What a browser says of a page that asks whether somebody is signed in."""
PLETH = """() => {
  const canvas = document.querySelector("canvas.preview");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = { wave: 0, hash: 0 };
  for (let n = 0; n < data.length; n += 4) {
    const [r, g, b] = [data[n], data[n + 1], data[n + 2]];
    if (b > 200 && g > 140 && r < 120) found.wave++;
    found.hash = (found.hash * 31 + r + 256 * g + 65536 * b) | 0;
  }
  return found;
}"""
"""Pixels of the preview that have the colour of the pleth, and a hash of it all."""


async def test_the_nurse_readies_a_cabin_that_was_left_and_the_technician_looks_at_it(screens: Screens) -> None:
    touch, desk = await screens.touch(), await screens.desk()
    for screen in (touch, desk):
        screen.expect(*UNASKED)
    async with Cabin(measures=SIZE) as cabin:
        kiosk = await Kiosk.of(touch, cabin)
        await kiosk.walk_to("code")
        await kiosk.touch("ask", "leave")
        await kiosk.touch("leave")
        await kiosk.until("goodbye")
        await kiosk.main()
        await kiosk.until("cleaning")
        await clean(kiosk, cabin.codes["nurse"])
        await look(desk.page, f"{cabin.url}/technician/", cabin.codes["technician"])


async def clean(kiosk: Kiosk, code: str) -> None:
    """From the kiosk's own screen and back to it, by touch alone; afterwards nobody is signed in there."""
    page = kiosk.page
    await kiosk.touch("staff")
    for field, letters in (("name", "nurse"), ("code", code)):
        await page.locator(f"#signin-{field}").tap(timeout=LONG_MS)
        for letter in letters:
            await page.locator(f'[data-key="{letter}"]').tap()
    await page.locator("#signin-submit").tap()
    for left in range(len(KINDS), 0, -1):
        await expect(page.locator("#cleaning")).to_have_text(text("fr", "staff.nurse.cleaning", left=left))
        await page.locator(".clean button").first.tap()
    await expect(page.locator("#standing")).to_have_text(text("fr", "staff.state.ready"))
    await page.locator("#tool-kiosk").tap()
    await kiosk.until("ready")
    assert [each["name"] for each in await page.context.cookies() if each["value"]] == ["cabin_kiosk"]


async def look(page: Page, address: str, code: str) -> None:
    """Every instrument is there, and one that is started draws what it sends, frame after frame."""
    frames: list[bytes | str] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda each: frames.append(each))

    page.on("websocket", opened)
    await page.goto(address)
    await page.fill("#signin-name", "technician")
    await page.fill("#signin-code", code)
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(len(KINDS))
    await page.locator("#preview-oximeter").click()
    await page.locator("#start-oximeter").click()
    await expect(page.locator("#readings")).to_contain_text("%", timeout=LONG_MS)
    await page.wait_for_function(f"() => ({PLETH})().wave > 100", timeout=LONG_MS)
    before, count = await page.evaluate(PLETH), sum(isinstance(each, bytes) for each in frames)
    await page.wait_for_function(f"(before) => ({PLETH})().hash !== before", arg=before["hash"], timeout=LONG_MS)
    assert sum(isinstance(each, bytes) for each in frames) > count > 0, "the canvas moved without a frame"
    await page.goto("about:blank")
