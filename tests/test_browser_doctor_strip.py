"""The recorded ECG on the doctor's page: facts, the median beat with its marks, one lead with its beats."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from cabin_agent.measuring.ecg import analyse
from cabin_agent.results import Measure
from cabin_agent.views import outcome_json
from cabin_agent.wording import text
from cabin_signal.leads import MEASURED
from tests.browser import ONE_LOOP, Screens
from tests.browser_booth import EVIDENCE, Booth, asked, call, opened
from tests.interval_models import Heart
from tests.visits import ECG, evidence

pytestmark = ONE_LOOP

Json = dict[str, Any]
PIXELS = """(id) => {
  const canvas = document.getElementById(id);
  if (!canvas.width) return 0;
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let n = 0; n < data.length; n += 4) if (data[n + 1] > 180 && data[n] < 80 && data[n + 2] < 160) found++;
  return found;
}"""
"""How many pixels of a canvas have the colour of the ECG."""


@cache
def recorded(fibrillating: bool = False) -> Measure:
    """A strip as the cabin reads it."""
    strip = Heart(leads=8, fs=250, noise=0.005, fibrillating=fibrillating, seed=3).record()
    read = analyse(MEASURED, strip.leads, strip.fs)
    told = read.intervals
    notes = (f"rhythm-{read.rhythm}", "reference-hardware")
    whole = replace(read.strip, beats=read.beats, used=told.used, usual=told.usual)
    return Measure("ecg", told.values, evidence(ECG, notes=notes), missing=told.missing, strip=whole)


def shown(booth: Booth, measure: Measure) -> None:
    """The core has this strip."""
    booth.strip = measure.strip
    told: Json = outcome_json(measure, lambda _: "ECG enregistré, tracé transmis pour relecture médicale")
    told["evidence"]["device"] = EVIDENCE["device"]
    booth.core_view["outcomes"] = [{**told, "index": 0, "review": None, "verdict": None}]


@pytest.fixture
def booth() -> Booth:
    return Booth()


@pytest_asyncio.fixture(loop_scope="session")
async def url(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    async with opened(booth, monkeypatch) as url:
        yield url


async def test_the_strip_is_drawn_with_its_beats_its_median_beat_and_what_was_measured(
    screens: Screens, url: str, booth: Booth
) -> None:
    shown(booth, recorded())
    page = await call(screens, url)
    await page.locator("#outcome-0 .strip-open").click()
    beats = len(recorded().strip.beats)  # type: ignore[union-attr]
    await expect(page.locator("#strip-wave")).to_have_attribute("data-beats", str(beats))
    await expect(page.locator("#strip-usual")).to_have_attribute("data-marks", "p_on qrs_on qrs_off t_end")
    assert await page.evaluate(PIXELS, "strip-usual") > 1000
    assert await page.evaluate(PIXELS, "strip-wave") > 1000
    facts = page.locator("#strip-facts")
    for name in ("pr", "qrs", "qt", "qtc"):
        await expect(facts).to_contain_text(text("fr", f"component.{name}"))
        await expect(facts).to_contain_text(f"{recorded().values[name].value:.0f}\u00a0ms")
    await expect(facts).to_contain_text(text("fr", "note.rhythm-regular"))
    await page.locator("#strip-lead").select_option("V2")
    await expect(page.locator("#strip-wave")).to_have_attribute(
        "aria-label", text("fr", "doctor.strip.wave-alt", lead="V2", seconds=30, beats=beats)
    )
    assert [each["lead"] for each in asked(booth, "strip")] == ["II", "V2"]
    await page.keyboard.press("Escape")
    await expect(page.locator("#strip")).to_be_hidden()


async def test_an_interval_that_was_not_measured_says_why_and_has_no_mark(
    screens: Screens, url: str, booth: Booth
) -> None:
    shown(booth, recorded(fibrillating=True))
    page = await call(screens, url, "en")
    await page.locator("#outcome-0 .strip-open").click()
    why = text("en", "doctor.missing", why=text("en", "interval.no-p"))
    await expect(page.locator("#strip-facts")).to_contain_text(why)
    await expect(page.locator("#strip-facts")).to_contain_text(text("en", "note.rhythm-irregular"))
    marks = await page.locator("#strip-usual").get_attribute("data-marks")
    assert marks is not None
    assert "p_on" not in marks
    await page.keyboard.press("Escape")
    await page.locator("#outcome-0 summary").click()
    await expect(page.locator("#outcome-0 dl")).to_contain_text(why)


async def test_a_strip_that_cannot_be_had_is_one_sentence(screens: Screens, url: str, booth: Booth) -> None:
    shown(booth, recorded())
    booth.refusals["strip"] = ("bad-value", "This outcome has no ECG strip: read the list again.")
    page = await call(screens, url)
    await page.locator("#outcome-0 .strip-open").click()
    await expect(page.locator("#strip-said")).not_to_have_text(text("fr", "doctor.strip.waiting"))
    await expect(page.locator("#strip-said")).not_to_be_empty()


async def test_nothing_of_the_strip_stays_in_the_page_after_the_call(
    screens: Screens, url: str, booth: Booth
) -> None:
    shown(booth, recorded())
    page = await call(screens, url)
    await page.locator("#outcome-0 .strip-open").click()
    await expect(page.locator("#strip-lead option")).to_have_count(12)
    await page.keyboard.press("Escape")
    await page.locator("#leave-open").click()
    assert await page.evaluate("document.getElementById('strip-wave').width") == 0
    await expect(page.locator("#strip-facts")).to_be_empty()
