"""Every picture that a page of the cabin can show, one after the other, for whoever looks: axe, the lint, a camera.

Each generator opens one screen and yields (name, page) for each picture of it; the pages speak `language`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

from playwright.async_api import Page, Route, expect

from cabin_agent.face import Json
from cabin_agent.frames import Stream
from cabin_agent.screen import results_view
from cabin_agent.visit import Visit
from cabin_agent.wording import Language, text
from tests.browser import Screen, Screens, served
from tests.browser_booth import Booth, reading
from tests.signals import flowing
from tests.stage import KINDS, NAME, SCENES, SIGN_IN_CODE, Doorkeeper, Stage, instrument, told_outcomes

Theme = Literal["normal", "contrast", "large"]
THEMES: tuple[Theme, ...] = ("normal", "contrast", "large")
LANGUAGES: tuple[Language, ...] = ("fr", "en")
Picture = tuple[str, Page]

_ANSWERED = """() => fetch("/api/v1/status", { headers: { "Cabin-Role": "kiosk" } })
    .then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))"""
"""What the page was told before is drawn when this is over."""
_SETTLED = "() => document.querySelector('#screen[aria-busy=false]') !== null"
"""The page takes touches again."""
BETWEEN_VISITS = ("ready", "cleaning", "out-of-order")
"""Scenes without a person: the kiosk's page loads itself anew when a visit gives way to one of them."""
WAVES: Mapping[str, Stream] = {"oximetry": "pleth", "doctor-measures": "pleth", "ecg": "ecg", "pressure": "cuff"}
"""Which scenes show a wave."""
LIVE = (("spo2", 97.0, "%"), ("pulse_rate", 71.0, "/min"), ("heart_rate", 71.4, "/min"), ("temperature", 36.8, "Cel"))
"""What the instruments say while the doctor's page is looked at."""
OVER_THE_CALL = (
    ("doctor-calibrate", "#calibrate-open", "#card"),
    ("doctor-leads", "#leads-open", "#leads-boxes"),
    ("doctor-end", "#end-open", "#end-yes"),
)
"""Name, the button that opens it, what is then seen."""
DRAWN_MS = 400
"""A canvas says to nobody when it has drawn what came."""
EXPECTED = "status of (401|403|409)|HTTP Authentication failed"
"""What Chromium writes when a page asks whether it is signed in."""


async def dress(page: Page, theme: Theme) -> None:
    """Put a theme on, as the page's own buttons do."""
    attributes = {"normal": {}, "contrast": {"contrast": "high"}, "large": {"text": "large"}}[theme]
    await page.evaluate(
        """(wanted) => { for (const name of ["contrast", "text"]) {
            if (wanted[name]) document.documentElement.dataset[name] = wanted[name];
            else delete document.documentElement.dataset[name]; } }""",
        attributes,
    )


async def kiosk(screens: Screens, language: Language) -> AsyncIterator[Picture]:
    """Every scene of the kiosk, and what may lie over it."""
    stage = Stage("ready", language)
    screen = await _touch(screens, language)
    async with served(stage, Doorkeeper()) as url:
        page = screen.page
        for name in sorted(SCENES, key=lambda name: name not in BETWEEN_VISITS):
            if name in BETWEEN_VISITS:
                stage.play(name)
                await page.goto("about:blank")
                await page.goto(f"{url}/kiosk/#ticket=launch")
            else:
                async with page.expect_response(lambda answer: answer.url.endswith("/api/v1/visit")):
                    stage.play(name)
            await _settled(page)
            async with _signal(stage, name, page):
                yield name, page
            if name == "information":
                await page.locator('[data-do="ask"][data-value="leave"]').tap()
                await expect(page.locator("dialog[open]")).to_be_visible()
                yield "leave-question", page
                await _settled(page)
                await page.locator('[data-do="unask"]').tap()
            elif name == "with-doctor":
                await page.locator('[data-do="ask"][data-value="hang_up"]').tap()
                await expect(page.locator("dialog[open]")).to_be_visible()
                yield "hang-up-question", page
                await _settled(page)
                await page.locator('[data-do="unask"]').tap()
            elif name == "results-hidden":
                await page.locator('[data-do="show"]').tap()
                await expect(page.locator(".results li").first).to_be_visible()
                await _settled(page)
                yield "results-shown", page
    await expect(page.locator("dialog[open]")).to_be_visible(timeout=15_000)
    yield "not-connected", page


@asynccontextmanager
async def _signal(stage: Stage, name: str, page: Page) -> AsyncIterator[None]:
    """What the instrument of this scene sends, if it sends a wave, from when the page asks for it."""
    stream = next((stream for task, stream in WAVES.items() if name.startswith(task)), None)
    if stream is None:
        yield
        return
    async with flowing(stage, stream):
        await page.wait_for_timeout(DRAWN_MS)
        yield


async def unpaired(screens: Screens, language: Language) -> AsyncIterator[Picture]:
    """A browser that is not the kiosk's."""
    screen = await _touch(screens, language)
    async with served(Stage("ready", language), Doorkeeper()) as url:
        await screen.page.goto(f"{url}/kiosk/")
        await _settled(screen.page)
        yield "unpaired", screen.page


async def updated(screens: Screens, language: Language) -> AsyncIterator[Picture]:
    """A page of another build than the core's, which stays so when it was loaded anew."""
    screen = await _touch(screens, language)
    await screen.page.route("**/kiosk/", _of_another_build)
    async with served(Stage("welcome", language), Doorkeeper()) as url:
        await screen.page.goto(f"{url}/kiosk/#ticket=launch&language={language}")
        again = text(language, "kiosk.updated.again")
        await expect(screen.page.locator("dialog[open]")).to_contain_text(again, timeout=15_000)
        yield "updated", screen.page


async def _of_another_build(route: Route) -> None:
    page = await route.fetch()
    older = re.sub('name="cabin-build" content="[^"]*"', 'name="cabin-build" content="0000"', await page.text())
    await route.fulfill(response=page, body=older)


async def nurse(screens: Screens, language: Language) -> AsyncIterator[Picture]:
    """Sign-in, the cabin in each of its states, a call, and the question before it goes out of order."""
    stage = Stage("ready", language)
    screen = await _touch(screens, language)
    page = screen.page
    async with served(stage, Doorkeeper()) as url:
        await page.goto(f"{url}/nurse/#{language}")
        yield "nurse-sign-in", await _shown(page, "#signin-name")
        await _sign_in(page, "anna")
        yield "nurse-ready", await _shown(page, "#out")
        await page.locator("#out").click()
        yield "nurse-question", await _shown(page, "#question-no")
        await page.locator("#question-no").click()
        stage.cabin_state, stage.to_clean, stage.cleaned = "cleaning", list(KINDS[2:]), list(KINDS[:2])
        stage.say()
        yield "nurse-cleaning", await _shown(page, ".clean")
        stage.cabin_state, stage.to_clean, stage.cleaned, stage.nurse_called = "stopped", [], [], True
        stage.say("nurse")
        yield "nurse-called", await _shown(page, "#came")
        stage.cabin_state, stage.nurse_called = "out_of_order", False
        stage.say()
        yield "nurse-out-of-order", await _shown(page, "#restored")


CUFF_RESULT: Json = {
    "type": "said",
    "instrument": "tensiometer",
    "said": {
        "event": "pressure_result",
        "systolic": 125.0,
        "diastolic": 78.0,
        "mean": 94.0,
        "pulse_rate": {"no_value": "missing"},
        "beats": 12,
        "error": None,
        "flags": [],
        "taken": None,
        "detail": {},
    },
    "simulated": True,
    "at_us": 0,
}
"""What a cuff says when it has measured."""


async def technician(screens: Screens, language: Language) -> AsyncIterator[Picture]:
    """Sign-in, a cabin without fault, and one with every fault and a look at an instrument."""
    stage = Stage("ready", language)
    screen = await _desk(screens, language)
    page = screen.page
    async with served(stage, Doorkeeper()) as url:
        await page.goto(f"{url}/technician/#{language}")
        yield "technician-sign-in", await _shown(page, "#signin-name")
        stage.media = stage.media | {"sound": dict.fromkeys(("microphone", "speaker", "stethoscope"), "USB Audio")}
        await _sign_in(page, "tom")
        yield "technician-well", await _shown(page, "tbody tr")
        broken = {"thermometer": "absent", "oximeter": "stale", "audiometer": "failed"}
        past = {"past_due": True, "calibration_due": "2026-11-01", "self_test": "failed", "troubles": {"checksum": 3}}
        stage.instrument_rows = [
            instrument(kind, state=broken.get(kind, "ready"), **(past if kind == "ecg" else {})) for kind in KINDS
        ]
        stage.media = {"up": False}
        stage.say("instrument")
        yield "technician-faults", await _shown(page, "#section-faults li")
        await page.locator("#preview-ecg").click()
        async with flowing(stage, "ecg"):
            await page.locator("#section-preview").scroll_into_view_if_needed()
            await page.wait_for_timeout(DRAWN_MS)
            yield "technician-preview", await _shown(page, "canvas.preview")
        await page.locator("#preview-tensiometer").click()
        stage.tell_all(CUFF_RESULT)
        await page.locator("#device-start").click()
        yield "technician-cuff", await _shown(page, "#question-no")
        await page.keyboard.press("Escape")
        stage.cabin_state = "measures"
        stage.say()
        yield "technician-locked", await _shown(page, "#locked")


async def doctor(screens: Screens, language: Language) -> AsyncIterator[Picture]:
    """Sign-in and the lobby; the call itself needs a whole cabin."""
    stage = Stage("ready", language)
    screen = await _desk(screens, language)
    page = screen.page
    async with served(stage, Doorkeeper()) as url:
        await page.goto(f"{url}/doctor/")
        yield "doctor-sign-in", await _shown(page, "#signin-name")
        await _sign_in(page, "dr.martin")
        await expect(page.locator("#title")).to_contain_text(NAME)
        yield "doctor-free", await _shown(page, "#join")
        stage.consultation_state = "waiting"
        await expect(page.locator("#join")).to_be_enabled()
        yield "doctor-waiting", page
        await page.locator("#help-open").click()
        yield "doctor-help", await _shown(page, "#help-keys")
        await page.keyboard.press("Escape")
        for state in ("yours", "taken"):
            stage.consultation_state = state
            await expect(page.locator("#lobby-state")).to_contain_text(text(language, f"doctor.lobby.{state}"))
            yield f"doctor-{state}", page


async def call(screens: Screens, language: Language) -> AsyncIterator[Picture]:
    """The consultation over a booth that sends pictures and waves, then the same when the link is lost."""
    booth = Booth()
    booth.core_view["outcomes"] = _outcomes(language)
    screen = await _desk(screens, language)
    page = screen.page
    async with served(booth, Doorkeeper()) as url:
        await page.goto(f"{url}/doctor/")
        await _sign_in(page, "dr.martin")
        await page.locator("#join").click()
        await page.wait_for_function("() => document.getElementById('video').videoWidth > 0")
        await expect(page.locator("#outcomes li").first).to_be_visible()
        for quantity, value, unit in LIVE:
            reading(booth, quantity, value, unit)
        await page.wait_for_timeout(2 * DRAWN_MS)
        yield "doctor-call", page
        async for picture in _dialogs(page):
            yield picture
        booth.send("nurse")
        await page.locator("#leads").select_option("12")
        await page.locator("#freeze").click()
        yield "doctor-frozen", await _shown(page, "#notice")
        await page.locator("#freeze").click()
        await booth.lose()  # and with no token to be had it stays lost
        booth.standing = "free"
        await expect(page.locator("#over")).to_be_visible(timeout=15_000)
        yield "doctor-over", page


async def _dialogs(page: Page) -> AsyncIterator[Picture]:
    """Everything that may lie over the call, with a picture that was taken."""
    await page.locator("#still-site").select_option("ear")
    await page.locator("#still-side").select_option("left")
    await page.locator("#still-take").click()
    await page.locator("#stills button").click()
    yield "doctor-still", await _shown(page, "#picture-large")
    await page.keyboard.press("Escape")
    for name, button, shown in OVER_THE_CALL:
        await page.locator(button).click()
        yield name, await _shown(page, shown)
        await page.keyboard.press("Escape")


async def lost(screens: Screens, language: Language) -> AsyncIterator[Picture]:
    """The consultation when its link is lost, and the core with it."""
    booth = Booth()
    screen = await _desk(screens, language)
    page = screen.page
    async with served(booth, Doorkeeper()) as url:
        await page.goto(f"{url}/doctor/")
        await _sign_in(page, "dr.martin")
        await page.locator("#join").click()
        await page.wait_for_function("() => document.getElementById('video').videoWidth > 0")
    await booth.lose()
    await expect(page.locator("#alert")).to_be_visible(timeout=15_000)
    yield "doctor-link-lost", page


def _outcomes(language: Language) -> list[Json]:
    """Two results as the doctor sees them."""
    told = results_view(Visit(outcomes=told_outcomes()), language)["outcomes"]
    return [{**each, "index": index} for index, each in enumerate(told)]


ROOMS = {
    "kiosk": kiosk,
    "unpaired": unpaired,
    "updated": updated,
    "nurse": nurse,
    "technician": technician,
    "doctor": doctor,
    "call": call,
    "lost": lost,
}
"""Every generator by its name."""


async def _settled(page: Page) -> None:
    await page.evaluate(_ANSWERED)
    await page.wait_for_function(_SETTLED)


async def _touch(screens: Screens, language: Language) -> Screen:
    screen = await screens.touch(language)
    screen.expect(EXPECTED)
    return screen


async def _desk(screens: Screens, language: Language) -> Screen:
    screen = await screens.desk(language)
    screen.expect(EXPECTED)
    return screen


async def _shown(page: Page, selector: str) -> Page:
    await expect(page.locator(selector).first).to_be_visible()
    return page


async def _sign_in(page: Page, name: str) -> None:
    await page.locator("#signin-name").fill(name)
    await page.locator("#signin-code").fill(SIGN_IN_CODE)
    await page.locator("#signin-submit").click()
