"""The kiosk's page over a staged core: what it does with fingers, with a core that is away, and with a newer one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from itertools import product

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, ViewportSize, expect

from cabin_agent.face import Json, Refusal
from cabin_agent.web.stream import Limits
from tests.browser import KIOSK_SIZE, ONE_LOOP, Screen, Screens, served
from tests.browser_kiosk import Kiosk, plain
from tests.stage import SCENES, Doorkeeper, Stage

pytestmark = ONE_LOOP

OUTSIDE = ("ready", "cleaning", "out-of-order")
"""Scenes in which nobody is there."""
STORM = """(times) => {
  const main = document.querySelector("#bar .main");
  for (let n = 0; n < times; n++) {
    main.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
    main.click();
  }
}"""
CROWDED = """() => {
  const boxes = [...document.querySelectorAll("button")].filter((each) => each.offsetParent)
    .map((each) => ({ words: each.innerText, box: each.getBoundingClientRect() }));
  const found = [];
  for (const [n, { words, box }] of boxes.entries()) {
    if (box.width < 64 || box.height < 64) found.push(`${words}: ${box.width} x ${box.height}`);
    if (box.top < 0.15 * innerHeight) found.push(`${words}: too high on the panel`);
    if (box.right > innerWidth || box.bottom > innerHeight) found.push(`${words}: outside the panel`);
    for (const other of boxes.slice(n + 1)) {
      const across = Math.max(other.box.left - box.right, box.left - other.box.right);
      const down = Math.max(other.box.top - box.bottom, box.top - other.box.bottom);
      if (Math.max(across, down) < 15.5) found.push(`${words} and ${other.words}: too near`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("it is wider than the panel");
  return found;
}"""
"""Buttons that a finger would miss, or hit by mistake."""

CORNER = """[...document.querySelectorAll("#bar button.main")]
  .map((each) => JSON.stringify(each.getBoundingClientRect()))"""
"""Where the main button is, if there is one."""
PORTRAIT: ViewportSize = {"width": 1080, "height": 1920}


@pytest.fixture
def stage() -> Stage:
    return Stage("information")


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def url(stage: Stage) -> AsyncIterator[str]:
    """It is there before the screens, and so it outlives them."""
    async with served(stage, Doorkeeper(), limits=Limits(beat_s=0.5)) as url:
        yield url


async def opened(screen: Screen, url: str) -> Kiosk:
    await screen.page.goto(f"{url}/kiosk/#ticket=launch")
    kiosk = Kiosk(screen.page)
    await kiosk.settled()
    return kiosk


def words(stage: Stage) -> list[str]:
    """What the page said to the core, apart from the person's being there."""
    return [each["event"] for each in stage.told if each["event"] != "here"]


async def test_a_storm_of_touches_says_one_word(screens: Screens, url: str, stage: Stage) -> None:
    """The next screen's button stands in the same place and is not pressed by what is left of the storm."""
    kiosk = await opened(await screens.touch(), url)
    stage.then = lambda said: stage.play("consent-measures") if said["event"] == "informed" else None
    await kiosk.page.evaluate(STORM, 50)
    await kiosk.until("consent_measures")
    assert words(stage) == ["informed"]
    await kiosk.page.evaluate(STORM, 50)
    await kiosk.until("consent_measures")
    assert words(stage) == ["informed", "agree"]


async def test_a_second_touch_of_a_double_one_falls_on_nothing(screens: Screens, url: str, stage: Stage) -> None:
    kiosk = await opened(await screens.touch(), url)
    stage.then = lambda said: stage.play("consent-measures") if said["event"] == "informed" else None
    main = kiosk.page.locator("#bar .main")
    box = await main.bounding_box()
    assert box is not None
    await kiosk.page.touchscreen.tap(box["x"] + 40, box["y"] + 40)
    await kiosk.page.touchscreen.tap(box["x"] + 40, box["y"] + 40)
    await kiosk.until("consent_measures")
    assert words(stage) == ["informed"]


async def test_the_person_is_there_is_told_now_and_then(screens: Screens, url: str, stage: Stage) -> None:
    kiosk = await opened(await screens.touch(), url)
    async with kiosk.page.expect_request(lambda each: each.url.endswith("/visit/events")):
        await kiosk.page.touchscreen.tap(300, 400)
    for _ in range(5):
        await kiosk.page.touchscreen.tap(300, 400)
    await kiosk.touch("ask", "leave")
    assert [each["event"] for each in stage.told] == ["here"]


async def test_every_button_can_be_hit_and_none_moves(screens: Screens, url: str, stage: Stage) -> None:
    """At least 64 pixels, 16 apart, none in the upper 15 %, all on the panel; the main one always in its corner.

    On both panels, in both sizes of text.
    """
    kiosk = await opened(await screens.touch(), url)
    places: dict[str, set[str]] = {}
    found = []
    for name in [scene for scene in SCENES if scene not in OUTSIDE]:
        await showing(kiosk, stage, name)
        for text, size in product(("normal", "large"), (KIOSK_SIZE, PORTRAIT)):
            await dress(kiosk.page, text, size)
            look = f"{text}, {size['width']} wide"
            found += [f"{name}, {look}: {each}" for each in await kiosk.page.evaluate(CROWDED)]
            places.setdefault(look, set()).update(await kiosk.evaluate(CORNER))
    assert not found, "\n".join(found)
    assert [look for look, each in places.items() if len(each) != 1] == [], places


async def dress(page: Page, text: str, size: ViewportSize) -> None:
    await page.evaluate("(text) => { document.documentElement.dataset.text = text; }", text)
    await page.set_viewport_size(size)


async def showing(kiosk: Kiosk, stage: Stage, name: str) -> None:
    async with kiosk.page.expect_response(lambda answer: answer.url.endswith("/api/v1/visit")):
        stage.play(name)
    await kiosk.page.evaluate("() => new Promise(requestAnimationFrame)")
    await kiosk.settled()


async def test_what_has_not_changed_is_left_alone(screens: Screens, url: str, stage: Stage) -> None:
    """Focus, canvas and picture survive every look at the core."""
    stage.play("oximetry")
    kiosk = await opened(await screens.touch(), url)
    await kiosk.page.evaluate("""() => {
        for (const each of document.querySelectorAll("canvas, img, button")) each.marked = true;
        document.querySelector("[data-do=call_nurse]").focus();
    }""")
    await showing(kiosk, stage, "oximetry-again")
    await kiosk.shows("2 sur 3")
    kept = "[...document.querySelectorAll('canvas, img, button')].every((each) => each.marked)"
    assert await kiosk.evaluate(kept)
    assert await kiosk.evaluate("document.activeElement.dataset.do") == "call_nurse"


async def test_what_is_wrong_is_told_with_what_to_do(screens: Screens, url: str, stage: Stage) -> None:
    """On the screen, to a screen reader once, and in the canvas' own words."""
    stage.play("oximetry-again")
    kiosk = await opened(await screens.touch(), url)
    message = stage.visit()["messages"][0]
    await kiosk.shows(message["cure"])
    await expect(kiosk.page.locator("#said")).to_contain_text(message["text"])
    canvas = kiosk.page.locator("canvas")
    assert await canvas.get_attribute("role") == "img"
    assert plain(await canvas.get_attribute("aria-label") or "") == kiosk.words("kiosk.wave.pleth.none")


async def test_by_keyboard_alone(screens: Screens, url: str, stage: Stage) -> None:
    """Every button is reached with Tab, Enter presses it, and a held key presses nothing more."""
    kiosk = await opened(await screens.touch(), url)
    reached = []
    for _ in range(12):
        await kiosk.page.keyboard.press("Tab")
        reached.append(await kiosk.evaluate("document.activeElement.dataset.do"))
        if reached[-1] == "informed":
            break
    assert [each for each in reached if each in ("call_nurse", "ask", "informed")] == [
        "call_nurse",
        "ask",
        "informed",
    ]
    ring = "getComputedStyle(document.activeElement).outlineStyle"
    assert await kiosk.evaluate(ring) == "solid"
    await kiosk.settled()
    async with kiosk.page.expect_response(lambda answer: "informed" in (answer.request.post_data or "")):
        await kiosk.page.keyboard.press("Enter")
    assert words(stage) == ["informed"]


async def test_the_code_by_keyboard(screens: Screens, url: str, stage: Stage) -> None:
    """Dots instead of digits on request; what was typed is nowhere but in its place."""
    stage.play("code")
    kiosk = await opened(await screens.touch(), url)
    await kiosk.page.keyboard.type("12x345")
    await kiosk.page.keyboard.press("Backspace")
    shown = kiosk.page.locator(".pad-shown")
    await expect(shown).to_have_text("1234")
    await kiosk.page.locator(".pad-toggle").tap()
    await expect(shown).to_have_text("●●●●")
    await kiosk.page.keyboard.type("56789")
    await expect(shown).to_have_text("●●●●●●")
    assert "123456" not in await kiosk.page.content()
    await kiosk.main()
    await kiosk.settled()
    assert [each for each in stage.told if each["event"] == "code"] == [{"event": "code", "value": "123456"}]


async def test_a_no_of_the_core_is_one_sentence(screens: Screens, url: str, stage: Stage) -> None:
    screen = await screens.touch()
    screen.expect("409")
    kiosk = await opened(screen, url)

    def refuse(said: Json) -> None:
        if said["event"] != "here":
            raise Refusal("busy", "Not now.")

    stage.then = refuse
    await kiosk.main()
    await kiosk.shows(kiosk.words("kiosk.problem.busy"))


async def test_a_browser_that_is_not_the_kiosk_says_how_to_become_it(screens: Screens, url: str) -> None:
    screen = await screens.touch()
    screen.expect("401", "HTTP Authentication")
    await screen.page.goto(f"{url}/kiosk/")
    await expect(screen.page.locator("#screen")).to_contain_text("cabin access kiosk")
    await expect(screen.page.get_by_role("alertdialog")).to_be_hidden()


async def test_a_ticket_that_was_not_judged_is_shown_again(screens: Screens, url: str) -> None:
    """A core that has no time at the launch does not leave the kiosk outside."""
    screen = await screens.touch()
    screen.expect("401", "429", "HTTP Authentication")
    await screen.page.route("**/session", lambda route: route.fulfill(status=429, json={"code": "locked"}), times=2)
    await screen.page.goto(f"{url}/kiosk/#ticket=launch")
    await expect(screen.page.locator("#screen")).to_contain_text("cabin access kiosk")
    await Kiosk(screen.page).until("information")


async def test_a_page_whose_core_ends_while_it_loads_comes_to_life_by_itself(screens: Screens, url: str) -> None:
    screen = await screens.touch()
    await screen.page.route("**/texts/fr.json", lambda route: route.abort("connectionrefused"), times=2)
    await screen.page.goto(f"{url}/kiosk/#ticket=launch")
    await Kiosk(screen.page).until("information")


async def test_a_page_of_an_old_build_loads_itself_anew_once(screens: Screens, url: str) -> None:
    """It takes the person's choices along, and they see the same screen again."""
    screen = await screens.touch()
    screen.expect("LOCAL_NETWORK_ACCESS")  # Chromium does not know where an answer comes from that a test gave
    loads = await aged(screen, old=1)
    await screen.page.goto(f"{url}/kiosk/#ticket=launch&text=large&voice=1")
    kiosk = Kiosk(screen.page)
    await kiosk.until("information")
    assert loads == ["old", "new"]
    assert await kiosk.evaluate("document.documentElement.dataset.text") == "large"
    assert await kiosk.evaluate("location.hash") == ""
    await expect(kiosk.button("again")).to_be_visible()


async def test_a_page_that_stays_old_says_so_and_does_not_load_for_ever(screens: Screens, url: str) -> None:
    screen = await screens.touch()
    screen.expect("LOCAL_NETWORK_ACCESS")  # Chromium does not know where an answer comes from that a test gave
    loads = await aged(screen, old=100)
    await screen.page.goto(f"{url}/kiosk/#ticket=launch")
    await expect(screen.page.get_by_role("alertdialog")).to_contain_text("plus ancien")
    assert loads == ["old", "old"]


async def aged(screen: Screen, old: int) -> list[str]:
    """Give the page the mark of another build, the first `old` times; what was loaded."""
    loads: list[str] = []

    async def answer(route: Route) -> None:
        response = await route.fetch()
        body = await response.text()
        loads.append("old" if len(loads) < old else "new")
        if loads[-1] == "old":
            body = re.sub(r'(name="cabin-build" content=")\w+', r"\1older", body)
        await route.fulfill(response=response, body=body)

    await screen.page.route("**/kiosk/", answer)
    return loads


async def test_too_many_screens_is_said(screens: Screens, stage: Stage) -> None:
    screen = await screens.touch()
    screen.expect("WebSocket", "429", "503")
    async with served(stage, Doorkeeper(), limits=Limits(most=0)) as url:
        await screen.page.goto(f"{url}/kiosk/#ticket=launch")
        over = screen.page.get_by_role("alertdialog")
        kiosk = Kiosk(screen.page)
        await expect(over).to_contain_text(kiosk.words("kiosk.link.busy"))
        await expect(over).to_contain_text(kiosk.words("kiosk.link.kept"))
        await screen.page.goto("about:blank")


async def test_a_core_that_is_gone_is_said(screens: Screens, stage: Stage) -> None:
    screen = await screens.touch()
    screen.expect("WebSocket", "ERR_CONNECTION")
    async with served(stage, Doorkeeper()) as url:
        kiosk = await opened(screen, url)
    over = screen.page.get_by_role("alertdialog")
    await expect(over).to_contain_text(kiosk.words("kiosk.link.unreachable"), timeout=15_000)
    await expect(kiosk.page.locator("#over button")).to_have_count(0)


async def test_a_silent_core_is_said(screens: Screens, stage: Stage) -> None:
    """The connection stands and no heartbeat comes: twelve seconds later, by the page's own clock, it is told."""
    screen = await screens.touch()
    await screen.page.clock.install()
    async with served(stage, Doorkeeper(), limits=Limits(beat_s=600)) as url:
        kiosk = await opened(screen, url)
        await screen.page.clock.fast_forward(13_000)
        await expect(screen.page.get_by_role("alertdialog")).to_contain_text(kiosk.words("kiosk.link.silent"))
        await screen.page.goto("about:blank")


async def test_fingers_do_nothing_that_a_browser_would_do(screens: Screens, url: str) -> None:
    """No menu, no selection, no dragging, no zoom."""
    kiosk = await opened(await screens.touch(), url)
    prevented = """(name) => !document.querySelector("h1").dispatchEvent(
        new Event(name, { bubbles: true, cancelable: true }))"""
    for name in ("contextmenu", "dragstart", "selectstart"):
        assert await kiosk.page.evaluate(prevented, name), name
    style = "(({touchAction, userSelect}) => [touchAction, userSelect])(getComputedStyle(document.documentElement))"
    assert await kiosk.evaluate(style) == ["pan-y", "none"]


async def test_who_sees_and_hears_is_never_in_doubt(screens: Screens, url: str, stage: Stage) -> None:
    stage.play("waiting-for-doctor")
    kiosk = await opened(await screens.touch(), url)
    await kiosk.shows(kiosk.words("kiosk.doctor.waiting"))
    await showing(kiosk, stage, "with-doctor")
    await kiosk.shows(kiosk.words("kiosk.doctor.here", name="dr.martin"))
    await kiosk.shows("Respirez calmement.")
    await showing(kiosk, stage, "doctor-measures")
    assert await kiosk.title() == kiosk.words("kiosk.instrument", number=2, name=kiosk.words("task.oximetry"))
    await kiosk.touch("ask", "hang_up")
    await kiosk.touch("hang_up")
    await kiosk.settled()
    assert words(stage) == ["hang_up"]
