"""A consultation in Chromium over the real processes: simulators, core, media, at real speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from cabin_agent.face import Json
from cabin_agent.wording import text
from tests.browser import Screens, screens_at
from tests.browser_doctor import ConsultingCabin, doctor, join, number, video_clock, wave_pixels
from tests.cabin import PATIENCE_S

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


@pytest.fixture
async def screens(chromium_endpoint: str) -> AsyncIterator[Screens]:
    """Screens through a driver of their own, in the loop in which the cabin is led."""
    async with screens_at(chromium_endpoint) as screens:
        yield screens


BACK_MS = 40_000
"""For a call to come back on a loaded machine: five seconds of silence, then a new one."""
LOST = ("status of (401|409|503)", "ERR_CONNECTION_REFUSED", "ERR_SOCKET_NOT_CONNECTED", "ERR_EMPTY_RESPONSE")
"""What a browser says of requests while a process is down or a consultation is over."""


@pytest.fixture
async def cabin() -> AsyncIterator[ConsultingCabin]:
    async with ConsultingCabin() as cabin:
        yield cabin


async def said(cabin: ConsultingCabin, quantity: str) -> Json:
    """The next reading of the core with a value."""
    async with cabin.watching() as (_, events):
        async for event in events:
            if isinstance(event, dict) and event.get("quantity") == quantity and event["value"] is not None:
                return event
    raise AssertionError("the core's stream ended")


async def start(page: Page, cabin: ConsultingCabin, number: int) -> None:
    """The doctor starts an instrument; the agent sits where that is waited for."""
    await page.locator(f"#task-{number}").click()
    await expect(page.locator("#tasks li").nth(number - 1)).to_have_attribute("data-state", "running")
    visit = await cabin.view()
    assert visit["consultation"]["number"] == number, "the agent sees it at the same moment"
    if "seated" in visit["may"]:
        await cabin.tell("seated")


async def test_a_consultation_from_the_first_picture_to_the_record(screens: Screens, cabin: ConsultingCabin) -> None:
    page = await doctor(screens, cabin)
    screens.opened[-1].expect(*LOST)
    await expect(page.locator("#lobby-state")).to_have_text(text("fr", "doctor.lobby.waiting"))
    await join(page)
    await moving_picture(page)
    await waves_on_the_clock_of_the_video(page)
    await the_core_s_numbers(page, cabin)
    await a_pressure_that_rises(page, cabin)
    await a_still(page, cabin)
    await another_camera(page)
    await a_verdict(page, cabin)
    await the_end(page, cabin)


async def moving_picture(page: Page) -> None:
    """The clock in the picture runs, and is not far from the machine's."""
    first = await video_clock(page)
    await page.wait_for_timeout(1000)
    second = await video_clock(page)
    assert 0 < (second[0] - first[0]) % 2**32 < 60_000
    assert (round(time.time() * 1000) - second[0]) % 2**32 < 10_000


async def waves_on_the_clock_of_the_video(page: Page) -> None:
    """The pleth sweeps, marked as simulated, at the capture time of the picture beside it."""
    early = await wave_pixels(page)
    await page.wait_for_timeout(1500)
    late = await wave_pixels(page)
    assert late["pleth"] > 150
    assert late["simulated"] > 300
    assert early["hash"] != late["hash"]
    shared = text("fr", "doctor.clock.shared", ms="").split("(")[0]
    await expect(page.locator("#clock-said")).to_contain_text(shared, timeout=20_000)
    skew = await page.locator("#waves").get_attribute("data-skew-ms")
    assert skew and abs(int(skew)) < 500, "the two are shown for the same moment of the cabin"


async def the_core_s_numbers(page: Page, cabin: ConsultingCabin) -> None:
    """Live values are the core's."""
    for quantity, most in (("spo2", 1.0), ("temperature", 0.2)):
        core = await said(cabin, quantity)
        assert await number(page, quantity) == pytest.approx(core["value"], abs=most)


async def a_pressure_that_rises(page: Page, cabin: ConsultingCabin) -> None:
    """The doctor starts the cuff, sees it rise, and the result with its evidence."""
    await start(page, cabin, 6)
    seen: list[float] = []
    async with asyncio.timeout(PATIENCE_S):
        while not any(mmhg > 100 for mmhg in seen):
            seen.append(await number(page, "cuff_pressure", wait=False))
            await asyncio.sleep(0.2)
    assert any(5 < mmhg < 100 for mmhg in seen), f"it rose before the eyes of the doctor: {seen}"
    card = page.locator('.outcome[data-measure="blood_pressure"]').first
    await expect(card).to_be_visible(timeout=PATIENCE_S * 1000)
    await card.locator("summary").click()
    await expect(card.locator("dl")).to_contain_text(text("fr", "mode.oscillometric"))
    await expect(card.locator("dl")).to_contain_text(text("fr", "simulated.short"))


async def a_still(page: Page, cabin: ConsultingCabin) -> None:
    """Full size, with side and site; the visit keeps it."""
    await page.locator("#still-site").select_option("skin")
    await page.locator("#still-side").select_option("right")
    await page.locator("#still-take").click()
    shot = page.locator("#stills li img")
    await expect(shot).to_be_visible(timeout=PATIENCE_S * 1000)
    assert await shot.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 1280
    await expect(page.locator("#stills li")).to_contain_text("Peau, droite")


async def another_camera(page: Page) -> None:
    """The picture of the other camera comes in the same element, without a new call."""
    before = await page.evaluate("document.getElementById('video').srcObject.id")
    await page.locator("#camera-hand").click()
    await expect(page.locator("#camera-hand")).to_have_attribute("aria-pressed", "true", timeout=10_000)
    await video_clock(page)
    assert await page.evaluate("document.getElementById('video').srcObject.id") == before


async def a_verdict(page: Page, cabin: ConsultingCabin) -> None:
    """Accepted, annotated and rejected; the core has it."""
    card = page.locator('.outcome[data-measure="blood_pressure"]').first
    await card.locator(".outcome-note").fill("Brassard mal placé")
    await card.locator(".rejected").click()
    await expect(card).to_have_attribute("data-verdict", "rejected")
    await expect(card.locator(".outcome-note")).to_have_value("Brassard mal placé")
    await card.locator(".accepted").click()
    await expect(card).to_have_attribute("data-verdict", "accepted")


async def the_end(page: Page, cabin: ConsultingCabin) -> None:
    """Both sides end; the agent goes on to the results."""
    await page.locator("#end-open").click()
    await page.locator("#end-yes").click()
    await expect(page.locator("#over-title")).to_be_visible()
    await cabin.watch_until(lambda visit: visit["state"] == "results")


async def test_one_doctor_at_a_time_and_each_token_once(screens: Screens, cabin: ConsultingCabin) -> None:
    first = await doctor(screens, cabin)
    await join(first)
    second = await doctor(screens, cabin, "second")
    screens.opened[-1].expect(*LOST)
    await expect(second.locator("#lobby-state")).to_have_text(text("fr", "doctor.lobby.taken"))
    await expect(second.locator("#join")).to_be_disabled()
    refused = await second.request.post(
        f"{cabin.url}/api/v1/consultation/token", data={}, headers={"Cabin-Role": "doctor"}
    )
    assert (refused.status, (await refused.json())["code"]) == (409, "taken")
    again = await offers(first, times=2)
    assert [each["status"] for each in again] == [201, 401]
    assert again[1]["code"] == "bad-token"
    screens.opened[0].expect(*LOST)


async def offers(page: Page, times: int) -> list[Json]:
    """Offer with one and the same token several times; what each was answered."""
    answers: list[Json] = await page.evaluate(
        """async (times) => {
          const headers = { "Cabin-Role": "doctor", "Content-Type": "application/json" };
          const token = await fetch("/api/v1/consultation/token", { method: "POST", headers, body: "{}" });
          const { token: once } = await token.json();
          const pc = new RTCPeerConnection({ iceServers: [] });
          pc.addTransceiver("video", { direction: "recvonly" });
          pc.addTransceiver("audio", { direction: "recvonly" });
          pc.createDataChannel("ctl");
          await pc.setLocalDescription(await pc.createOffer());
          const out = [];
          for (let n = 0; n < times; n++) {
            const answer = await fetch("/api/v1/whep", { method: "POST", body: pc.localDescription.sdp,
              headers: { Authorization: `Bearer ${once}`, "Content-Type": "application/sdp" } });
            const problem = answer.ok ? {} : await answer.json();
            out.push({ status: answer.status, code: problem.code ?? null });
          }
          pc.close();
          return out;
        }""",
        times,
    )
    return answers


async def test_media_killed_in_a_call_is_said_and_the_call_comes_back(
    screens: Screens, cabin: ConsultingCabin
) -> None:
    page = await doctor(screens, cabin)
    screens.opened[-1].expect(*LOST)
    await join(page)
    await video_clock(page)
    await start(page, cabin, 6)
    await cabin.kill("media")
    await expect(page.locator("#alert")).to_contain_text(text("fr", "doctor.lost"), timeout=10_000)
    await expect(page.locator('[data-quantity="spo2"]')).to_have_class("tile stale")
    assert (await cabin.view())["consultation"]["number"] == 6, "the measure goes on"
    await cabin.start_media()
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=BACK_MS)
    await video_clock(page)
    assert await number(page, "spo2") > 90
    await expect(page.locator('.outcome[data-measure="blood_pressure"]')).to_be_visible(timeout=PATIENCE_S * 1000)


async def test_core_killed_in_a_call_is_said_and_the_same_consultation_goes_on(
    screens: Screens, cabin: ConsultingCabin
) -> None:
    page = await doctor(screens, cabin)
    screens.opened[-1].expect(*LOST)
    await join(page)
    await video_clock(page)
    await page.locator("#note-text").fill("Avant la coupure")
    await page.locator("#note-add").click()
    await expect(page.locator("#notes li")).to_contain_text("Avant la coupure")
    await cabin.kill("core")
    await expect(page.locator("#alert")).to_be_visible(timeout=10_000)
    await expect(page.locator('[data-quantity="spo2"]')).to_have_class("tile stale")
    await cabin.restart("core")
    await expect(page.locator("#alert")).to_be_hidden(timeout=BACK_MS)
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=BACK_MS)
    await expect(page.locator("#notes li")).to_contain_text("Avant la coupure")
    assert await number(page, "spo2") > 90
    await video_clock(page)
