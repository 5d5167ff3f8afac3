"""What the tests of the doctor's page share: readers of what it shows, and a cabin whose agent waits."""

from __future__ import annotations

import base64
import math
import sys
from typing import Any, Self

import numpy as np
from playwright.async_api import Page, expect

from cabin_agent.access import make_accounts
from cabin_agent.demo.processes import free_port
from cabin_agent.face import Json
from cabin_agent.media import barcode
from tests.browser import Screens, sign_in
from tests.cabin import PATIENCE_S, QUICK, Cabin, in_state

_VIDEO_PIXELS = """() => {
  const video = document.getElementById("video");
  if (!video.videoWidth) return null;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, {width: video.videoWidth, height: video.videoHeight});
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0);
  const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
  const grey = new Uint8Array(canvas.width * canvas.height);
  for (let n = 0; n < grey.length; n++) grey[n] = data[4 * n + 1];
  let text = "";
  for (let n = 0; n < grey.length; n += 8192) text += String.fromCharCode(...grey.subarray(n, n + 8192));
  return {width: canvas.width, height: canvas.height, pixels: btoa(text)};
}"""


async def video_clock(page: Page, *, tries: int = 40) -> tuple[int, int]:
    """Milliseconds and counter that stand in the picture which the page shows now; a damaged one is read again."""
    for _ in range(tries):
        shot = await page.evaluate(_VIDEO_PIXELS)
        if shot is not None:
            grey = np.frombuffer(base64.b64decode(shot["pixels"]), np.uint8).reshape(shot["height"], shot["width"])
            if (read := barcode.read(grey)) is not None:
                return read
        await page.wait_for_timeout(100)
    raise AssertionError("no picture with a readable clock was shown")


async def wave_pixels(page: Page) -> Json:
    """How many pixels of the canvas have the colour of each wave, and a hash of it all."""
    pixels: Json = await page.evaluate(
        """() => {
          const canvas = document.getElementById("waves");
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const found = {ecg: 0, pleth: 0, simulated: 0, hash: 0};
          for (let n = 0; n < data.length; n += 4) {
            const [r, g, b] = [data[n], data[n + 1], data[n + 2]];
            if (g > 180 && r < 80 && b < 160) found.ecg++;
            if (b > 200 && g > 140 && r < 120) found.pleth++;
            if (r > 70 && g > 60 && b < 40 && r > g) found.simulated++;
            found.hash = (found.hash * 31 + r + 256 * g + 65536 * b) | 0;
          }
          return found;
        }"""
    )
    return pixels


class ConsultingCabin(Cabin):
    """A whole cabin with media at real speed, and one agent who has agreed to a remote consultation and waits."""

    def __init__(self) -> None:
        super().__init__(1.0, kind="consultation", visit={**QUICK, "idle_s": 600})
        self._api_port = free_port()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self.start_media()
            await self.lead(in_state("consultation"))
        except BaseException:
            await self.__aexit__(*sys.exc_info())
            raise
        return self

    async def start_simulators(self) -> None:
        """The moment when the accounts may still be made: a second doctor too."""
        self.codes |= make_accounts(self.site.folder / "state", {"second": "doctor"})
        await super().start_simulators()


async def doctor(screens: Screens, cabin: Cabin, name: str = "doctor", **options: Any) -> Page:
    """The lobby of a doctor who has signed in."""
    screen = await screens.desk(**options)
    return await sign_in(screen, cabin.url, "doctor", name, cabin.codes[name])


async def join(page: Page) -> None:
    """Join the consultation, and wait until the call stands."""
    await page.locator("#join").click()
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=PATIENCE_S * 1000)


async def number(page: Page, quantity: str, *, wait: bool = True) -> float:
    """The live value that a tile shows; NaN for a dash, unless it is waited for."""
    value = page.locator(f'[data-quantity="{quantity}"] .value')
    if wait:
        await expect(value).not_to_have_text("—", timeout=PATIENCE_S * 1000)
    shown = (await value.inner_text()).split("\u00a0")[0].replace(",", ".").strip()
    return math.nan if shown == "—" else float(shown)
