"""The nurse's and the technician's pages in Chromium: by touch and by keyboard, over a fake face."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from cabin_agent.face import Json, Refusal
from cabin_agent.frames import describe_wave, encode_wave
from cabin_agent.web.stream import Limits
from cabin_agent.wording import text
from drivers.events import Wave
from tests.browser import ONE_LOOP, Screen, Screens, served, sign_in
from tests.browser_kiosk import Kiosk, plain
from tests.gallery import CUFF_RESULT
from tests.stage import KINDS, SIGN_IN_CODE, Doorkeeper, Stage, instrument

pytestmark = ONE_LOOP

CAMERA = text("fr", "staff.cure.camera")
DENIED = "status of (401|403|409|429|503)|WebSocket .* failed: HTTP Authentication"


class Altered(Stage):
    """A stage whose cabin says more than usual."""

    def __init__(self, scene: str) -> None:
        super().__init__(scene)
        self.more: Json = {}

    def cabin(self) -> Json:
        """See `Face.cabin`."""
        return super().cabin() | self.more


@pytest.fixture
def stage() -> Altered:
    return Altered("ready")


@pytest.fixture
def door() -> Doorkeeper:
    return Doorkeeper()


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def url(stage: Stage, door: Doorkeeper) -> AsyncIterator[str]:
    """It is there before the screens, and so it outlives them."""
    async with served(stage, door, limits=Limits(beat_s=0.2)) as url:
        yield url


async def nurse(screens: Screens, url: str) -> Page:
    return await sign_in(await screens.touch(), url, "nurse", "anna", SIGN_IN_CODE)


async def technician(screens: Screens, url: str) -> Page:
    return await sign_in(await screens.desk(), url, "technician", "tom", SIGN_IN_CODE)


async def type_by_touch(page: Page, field: str, letters: str) -> None:
    await page.locator(f"#signin-{field}").tap()
    for letter in letters:
        await page.locator(f'[data-key="{letter}"]').tap()


async def form(screen: Screen, url: str, role: str = "nurse") -> Page:
    """The page of a role, not signed in."""
    screen.expect(DENIED)
    await screen.page.goto(f"{url}/{role}/")
    await expect(screen.page.locator("#signin-name")).to_be_focused()
    return screen.page


async def test_a_nurse_signs_in_by_touch_alone_and_out_again(screens: Screens, url: str, door: Doorkeeper) -> None:
    page = await form(await screens.touch(), url)
    await type_by_touch(page, "name", "annax")
    await page.locator("#signin-erase").tap()
    await type_by_touch(page, "code", SIGN_IN_CODE)
    await page.locator("#signin-submit").tap()
    await expect(page.locator("#standing")).to_have_text(text("fr", "staff.state.ready"))
    assert [account.name for account in door.tokens.values()] == ["anna"]
    await page.locator("#tool-out").tap()
    await expect(page.locator("#signin-name")).to_be_visible()
    assert door.tokens == {}
    assert await page.locator("#signin-name").input_value() == ""


async def test_a_technician_signs_in_by_keyboard(screens: Screens, url: str) -> None:
    page = await form(await screens.desk(), url, "technician")
    assert await page.locator("#signin-keys").count() == 0
    await page.keyboard.type("tom")
    await page.keyboard.press("Tab")
    await page.keyboard.type("12345 67890".replace(" ", ""))
    await page.keyboard.press("Enter")
    await expect(page.locator("#instruments")).to_be_visible()


@pytest.mark.parametrize("code", ["wrong-code", "locked", "unreachable"])
async def test_a_sign_in_that_fails_says_why_in_one_sentence(
    code: str, screens: Screens, url: str, door: Doorkeeper
) -> None:
    page = await form(await screens.desk(), url, "technician")
    door.locked = code == "locked"
    if code == "unreachable":
        await page.route("**/sign-in", lambda route: route.abort("connectionrefused"))
    await page.fill("#signin-name", "tom")
    await page.fill("#signin-code", "0000000000")
    await page.click("#signin-submit")
    await expect(page.get_by_role("alert")).to_have_text(text("fr", f"staff.problem.{code}"))
    await expect(page.locator("#signin-code")).to_be_focused()
    assert await page.locator("#signin-code").input_value() == "", "the code is not left on the screen"


async def test_a_missing_name_is_asked_for(screens: Screens, url: str) -> None:
    page = await form(await screens.desk(), url, "technician")
    await page.click("#signin-submit")
    await expect(page.get_by_role("alert")).to_have_text(text("fr", "staff.signin.missing.name"))


async def test_the_code_is_never_shown_in_the_address_or_as_text(screens: Screens, url: str) -> None:
    page = await form(await screens.desk(), url, "technician")
    await page.fill("#signin-name", "tom")
    await page.fill("#signin-code", SIGN_IN_CODE)
    assert SIGN_IN_CODE not in await page.inner_text("body")
    await page.keyboard.press("Enter")
    await expect(page.locator("#instruments")).to_be_visible()
    assert SIGN_IN_CODE not in page.url + await page.content()


async def test_a_call_is_said_at_once_and_the_nurse_who_came_says_so(
    screens: Screens, url: str, stage: Stage
) -> None:
    page = await nurse(screens, url)
    await expect(page.locator("#calls")).to_have_text("")
    stage.nurse_called, stage.cabin_state = True, "stopped"
    stage.say("nurse")
    await expect(page.locator("#calls")).to_contain_text(text("fr", "staff.nurse.stopped"))
    assert await page.locator("#calls").get_attribute("role") == "alert"

    def came(_: Json) -> None:
        stage.nurse_called, stage.cabin_state = False, "goodbye"

    stage.then = came
    await page.locator("#came").tap()
    await expect(page.locator("#calls")).to_have_text("")
    assert stage.told == [{"event": "nurse_came"}]


async def test_the_bell_rings_only_where_it_was_turned_on(screens: Screens, url: str, stage: Stage) -> None:
    screen = await screens.touch()
    count = """window.rung = 0; const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...at) { window.rung++; return start.apply(this, at); };"""
    await screen.context.add_init_script(count)
    page = await sign_in(screen, url, "nurse", "anna", SIGN_IN_CODE)
    await expect(page.locator("#standing")).to_be_visible()
    stage.nurse_called = True
    stage.say("nurse")
    await expect(page.locator("#calls")).to_contain_text(text("fr", "staff.nurse.call"))
    assert await page.evaluate("window.rung") == 0
    await page.locator("#tool-sound").tap()
    once = await page.evaluate("window.rung")
    stage.say("nurse")
    await page.wait_for_function(f"() => window.rung > {once}")
    assert once > 0, "turning it on lets it be heard"


async def test_each_touched_instrument_is_ticked_until_the_cabin_is_ready(
    screens: Screens, url: str, stage: Stage
) -> None:
    stage.cabin_state, stage.to_clean = "cleaning", list(KINDS)

    def tick(message: Json) -> None:
        stage.to_clean.remove(message["instrument"])
        stage.cleaned.append(message["instrument"])
        if not stage.to_clean:
            stage.cabin_state, stage.cleaned = "ready", []

    stage.then = tick
    page = await nurse(screens, url)
    await expect(page.locator(".clean li")).to_have_count(len(KINDS))
    for done, kind in enumerate(KINDS, start=1):
        before = await page.locator(".clean li strong:first-child").all_inner_texts()
        await page.get_by_role("button", name=text("fr", f"staff.instrument.{kind}")).tap()
        if done < len(KINDS):
            await expect(page.locator(".cleaned")).to_have_count(done)
            after = await page.locator(".clean li > div strong").all_inner_texts()
            assert [each for each in before if each in after] == after, "no row moves under a finger"
    await expect(page.locator("#standing")).to_have_text(text("fr", "staff.state.ready"))
    await expect(page.locator("#turnaround")).to_contain_text(re.compile(r"Remise en état en 0 min \d+ s"))
    assert [each["instrument"] for each in stage.told] == list(KINDS)


async def test_out_of_order_is_asked_twice_and_can_be_undone(screens: Screens, url: str, stage: Stage) -> None:
    def told(message: Json) -> None:
        stage.cabin_state = {"out_of_order": "out_of_order", "restored": "cleaning"}[message["event"]]
        stage.to_clean = ["scale"] if message["event"] == "restored" else []

    stage.then = told
    page = await nurse(screens, url)
    await page.locator("#out").tap()
    await page.locator("#question-no").tap()
    assert stage.told == []
    await page.locator("#out").tap()
    await expect(page.get_by_role("dialog")).to_contain_text(text("fr", "staff.nurse.out-question"))
    await page.locator("#question-yes").tap()
    await expect(page.locator("#standing")).to_have_text(text("fr", "staff.state.out_of_order"))
    await page.locator("#restored").tap()
    await expect(page.locator("#tick-scale")).to_be_visible()
    assert [each["event"] for each in stage.told] == ["out_of_order", "restored"]


async def test_what_the_core_refuses_is_said_and_the_page_goes_on(screens: Screens, url: str, stage: Stage) -> None:
    stage.cabin_state, stage.to_clean = "cleaning", ["scale"]

    def refuse(_: Json) -> None:
        raise Refusal("not-now", "No.")

    stage.then = refuse
    screen = await screens.touch()
    screen.expect(DENIED)
    page = await sign_in(screen, url, "nurse", "anna", SIGN_IN_CODE)
    await page.locator("#tick-scale").tap()
    await expect(page.locator("#notice-done")).to_have_text(text("fr", "staff.problem.not-now"))
    await expect(page.locator("#tick-scale")).to_be_enabled()


async def test_silence_signs_a_nurse_out_after_a_warning(screens: Screens, url: str, door: Doorkeeper) -> None:
    screen = await screens.touch()
    screen.expect(DENIED)
    await screen.page.clock.install()
    page = await sign_in(screen, url, "nurse", "anna", SIGN_IN_CODE)
    await expect(page.locator("#standing")).to_be_visible()
    await page.clock.run_for(101_000)
    await expect(page.locator("#notice-idle")).to_contain_text("20 secondes")
    await page.locator("#title").tap()
    await expect(page.locator("#notice-idle")).to_have_text("")
    await page.clock.run_for(119_000)
    assert door.tokens
    await page.clock.run_for(2_000)
    await page.wait_for_url(f"{url}/kiosk/")
    assert door.tokens == {}
    await page.go_back()
    await expect(page.locator("#standing")).to_have_count(0)


async def test_back_to_the_patients_screen_ends_the_session(screens: Screens, url: str, door: Doorkeeper) -> None:
    screen = await screens.touch()
    screen.expect(DENIED)
    page = await sign_in(screen, url, "nurse", "anna", SIGN_IN_CODE)
    await page.locator("#tool-kiosk").tap()
    await page.wait_for_url(f"{url}/kiosk/")
    assert door.tokens == {}


@pytest.mark.parametrize("way", ["button", "silence"])
async def test_the_way_to_the_patients_screen_opens_when_the_core_has_closed_the_session(
    way: str, screens: Screens, url: str, door: Doorkeeper
) -> None:
    """A session outlives a core that is away: until it is closed the page says so and shows nothing of the cabin."""
    screen = await screens.touch()
    screen.expect(DENIED)
    await screen.page.clock.install()
    page = await sign_in(screen, url, "nurse", "anna", SIGN_IN_CODE)
    await expect(page.locator("#standing")).to_be_visible()
    await page.route("**/sign-out", lambda route: route.abort("connectionrefused"))
    if way == "button":
        await page.locator("#tool-kiosk").tap()
    else:
        await page.clock.run_for(121_000)
    await expect(page.locator("#notice-link")).to_have_text(text("fr", "staff.sign-out-waits"))
    await page.clock.run_for(5_000)
    await expect(page.locator("#main")).to_have_text(text("fr", "staff.signing-out"))
    assert await page.locator("button, .card").count() == 0
    assert page.url == f"{url}/nurse/" and len(door.tokens) == 1
    await page.unroute("**/sign-out")
    await page.clock.run_for(2_000)
    await page.wait_for_url(f"{url}/kiosk/")
    assert door.tokens == {}


async def test_signing_out_waits_for_the_core_before_it_asks_to_sign_in(
    screens: Screens, url: str, door: Doorkeeper
) -> None:
    page = await nurse(screens, url)
    await page.route("**/sign-out", lambda route: route.fulfill(status=503, body="x"), times=1)
    screens.opened[-1].expect(DENIED)
    await page.locator("#tool-out").tap()
    await expect(page.locator("#notice-link")).to_have_text(text("fr", "staff.sign-out-waits"))
    await expect(page.locator("#signin-name")).to_be_visible()
    await expect(page.locator("#notice-link")).to_have_text("")
    assert door.tokens == {}


@pytest.mark.parametrize("entry", ["/kiosk/#ticket=launch", "/kiosk/"], ids=["launch", "page"])
async def test_the_kiosks_page_ends_the_staffs_sessions_of_its_browser(
    entry: str, screens: Screens, url: str, door: Doorkeeper
) -> None:
    """However a page of the staff was left: the next who touches "Staff" has to sign in."""
    screen = await screens.touch()
    screen.expect(DENIED)
    await sign_in(screen, url, "technician", "tom", SIGN_IN_CODE)
    await sign_in(screen, url, "nurse", "anna", SIGN_IN_CODE)
    await screen.page.goto("about:blank")
    assert {account.role for account in door.tokens.values()} == {"technician", "nurse"}
    async with screen.page.expect_response(lambda answer: answer.url.endswith("/visit")):
        await screen.page.goto(url + entry)
    until = "() => fetch('/api/v1/cabin', {headers: {'Cabin-Role': 'nurse'}}).then(({status}) => status === 401)"
    await screen.page.wait_for_function(until)
    assert {account.role for account in door.tokens.values()} <= {"kiosk"}


async def test_the_button_of_the_staff_waits_until_nobody_of_them_is_signed_in(
    screens: Screens, url: str, stage: Stage, door: Doorkeeper
) -> None:
    stage.play("cleaning")
    screen = await screens.touch()
    screen.expect(DENIED)
    page = await sign_in(screen, url, "nurse", "anna", SIGN_IN_CODE)
    await page.route("**/sign-out", lambda route: route.abort("connectionrefused"))
    await page.goto(f"{url}/kiosk/#ticket=launch")
    kiosk = Kiosk(page)
    await kiosk.touch("staff")
    await page.wait_for_timeout(500)
    assert page.url == f"{url}/kiosk/"
    await page.unroute("**/sign-out")
    await page.wait_for_url(f"{url}/nurse/")
    await expect(page.locator("#signin-name")).to_be_visible()
    assert {account.role for account in door.tokens.values()} == {"kiosk"}


async def test_what_the_core_warns_of_stands_on_the_nurses_page(screens: Screens, url: str, stage: Altered) -> None:
    """In this page's language where the words are known; a core that warns of nothing is no fault."""
    page = await nurse(screens, url)
    await expect(page.locator("#standing")).to_be_visible()
    await expect(page.locator("#warnings")).to_have_count(0)
    stuck = {"code": "reason.not-deflated", "text": "incomplete deflation", "cure": "Open the cuff."}
    strange = {"code": "reason.of-tomorrow", "text": "something new", "cure": None}
    stage.more = {"warnings": [stuck, strange]}
    stage.say()
    lines = page.locator("#warnings li")
    await expect(lines).to_have_count(2)
    await expect(lines.first).to_have_text(f"Dégonflage incomplet. {text('fr', 'cure.not-deflated')}")
    await expect(lines.last).to_have_text("Something new.")
    stage.more = {"warnings": []}
    stage.say()
    await expect(lines).to_have_count(0)


async def test_a_nurse_sees_only_her_own_words(screens: Screens, url: str, stage: Stage) -> None:
    """A doctor's or technician's session in the same browser is not hers."""
    screen = await screens.touch()
    screen.expect(DENIED)
    await sign_in(screen, url, "technician", "tom", SIGN_IN_CODE)
    await screen.page.goto(f"{url}/nurse/")
    await expect(screen.page.locator("#signin-name")).to_be_visible()


async def test_the_technician_sees_every_instrument_and_commands_it(screens: Screens, url: str, stage: Stage) -> None:
    page = await technician(screens, url)
    await expect(page.locator("tbody tr")).to_have_count(len(KINDS))
    await expect(page.locator("#instrument-ecg")).to_contain_text("SN-ecg")
    await page.get_by_role("button", name=text("fr", "staff.tech.start-name", name="Électrodes (ECG)")).click()
    await page.get_by_role("button", name=text("fr", "staff.tech.stop-name", name="Électrodes (ECG)")).click()
    await expect(page.locator("#notice-done")).to_have_text("")
    assert stage.commands == [("ecg", "start"), ("ecg", "stop")]


async def test_each_fault_says_what_to_do(screens: Screens, url: str, stage: Stage) -> None:
    page = await technician(screens, url)
    stage.media = stage.media | {"sound": dict.fromkeys(("microphone", "speaker", "stethoscope"), "USB Audio")}
    stage.say("instrument")
    await expect(page.locator("#section-faults")).to_contain_text(text("fr", "staff.tech.no-fault"))
    broken = {
        "thermometer": "absent",
        "oximeter": "stale",
        "ecg": "failed",
        "audiometer": "opening",
        "scale": "probing",
    }
    stage.instrument_rows = [
        instrument(kind, state=broken.get(kind, "ready"), age_s=None if kind == "thermometer" else 75.0)
        for kind in KINDS
    ]
    stage.media = {"up": False}
    stage.say("instrument")
    await expect(page.locator("#section-faults li")).to_have_count(len(broken) + 1)
    for kind, state in broken.items():
        line = text("fr", f"staff.fault.instrument-{state}", name=text("fr", f"staff.instrument.{kind}"), detail="")
        cure = text("fr", f"staff.cure.instrument-{state}")
        await expect(page.locator("#section-faults")).to_contain_text(f"{line} {cure}")
    await expect(page.locator("#section-faults")).to_contain_text(text("fr", "staff.cure.media-down"))
    await expect(page.locator("#instrument-thermometer")).to_contain_text(text("fr", "staff.tech.never"))
    await expect(page.locator("#instrument-oximeter")).to_contain_text("il y a 1 min")


WHY = "La carte son est introuvable : vérifiez son câble et son nom dans les réglages."


async def test_a_camera_or_a_card_that_is_not_there_says_why(screens: Screens, url: str, stage: Stage) -> None:
    """One of which nothing is told is a fault all the same."""
    cameras = [{"name": n, "label": n, "state": n, "reason": why, "simulated": False} for n, why in (
        ("live", ""), ("closed", ""), ("missing", "Câble débranché."), ("lost", "Plus de réponse."),
    )]  # fmt: skip
    sound: Json = {"microphone": None, "speaker": None, "stethoscope": "USB"}
    stage.media = {"up": True, "camera": "live", "cameras": cameras, "sound": {**sound, "why": {"microphone": WHY}}}
    page = await technician(screens, url)
    found = page.locator("#section-faults li")
    await expect(found).to_have_count(4)
    assert [plain(each) for each in await found.all_inner_texts()] == [
        plain(f"{text('fr', 'staff.fault.camera', name='missing', detail=' (Câble débranché)')} {CAMERA}"),
        plain(f"{text('fr', 'staff.fault.camera', name='lost', detail=' (Plus de réponse)')} {CAMERA}"),
        plain(f"{text('fr', 'staff.fault.card', name='Microphone')} {WHY}"),
        plain(f"{text('fr', 'staff.fault.no-sound', parts='Haut-parleur')} {text('fr', 'staff.cure.no-sound')}"),
    ]
    await expect(page.locator("#section-media")).to_contain_text(WHY)


async def test_the_wave_of_a_chosen_instrument_moves_and_its_values_are_told(
    screens: Screens, url: str, stage: Stage
) -> None:
    page = await technician(screens, url)
    await page.locator("#preview-oximeter").click()
    await expect(page.locator("#preview-said")).to_have_text(text("fr", "staff.tech.preview-wait"))
    await page.wait_for_function("() => document.querySelector('canvas.preview').width > 100")
    while not any(stage.waves_asked):
        await page.wait_for_timeout(20)
    before = await page.locator("canvas.preview").screenshot()
    for block in range(40):
        samples = tuple((float((block * 15 + n) % 75),) for n in range(15))
        wave = Wave("pleth", block * 15, 75.0, "1", ("pleth",), samples)
        stage.tell_all(describe_wave(wave))
        for frame in encode_wave(wave, block, block * 200_000, simulated=True):
            stage.tell_all(frame)
    reading = {"type": "reading", "instrument": "oximeter", "quantity": "spo2", "value": 97, "why": None, "unit": "%"}
    stage.tell_all({**reading, "flags": [], "simulated": True})
    stage.tell_all({**reading, "quantity": "pulse_rate", "value": None, "why": "finger-out", "unit": "/min",
                    "flags": [], "simulated": True})  # fmt: skip
    await expect(page.locator("#readings")).to_contain_text("97 %")
    await expect(page.locator("#readings")).to_contain_text(text("fr", "reason.finger-out"))
    await expect(page.locator("#preview-said")).to_have_text("")
    assert await page.locator("canvas.preview").screenshot() != before
    await page.locator("#preview-oximeter").click()
    await expect(page.locator("canvas.preview")).to_have_count(0)


async def test_the_page_of_an_instrument_says_what_is_known_of_it(screens: Screens, url: str, stage: Stage) -> None:
    past = {"past_due": True, "calibration_due": "2026-11-01", "self_test": "failed", "clock_offset_s": -90.0}
    more = {"old_readings": 3, "troubles": {"checksum": 2}, "state": "stale", "reason": "It is silent."}
    stage.instrument_rows = [instrument(kind, **(past | more if kind == "scale" else {})) for kind in KINDS]
    page = await technician(screens, url)
    await page.locator("#preview-ecg").click()
    await page.locator("#preview-scale").click()
    await expect(page.locator("#preview")).to_have_text(text("fr", "staff.tech.preview-of", name="Balance et toise"))
    said = plain(await page.locator("#device-facts").inner_text())
    for words in ("muet – It is silent.", "dépassé depuis le 2026\u201111\u201101", "échoué", "retard de 90 s",
                  "7 avec valeur, 1 sans", "somme de contrôle fausse (2)", "SN-scale"):  # fmt: skip
        assert plain(words) in said, words
    for fault in ("past-due", "self-test"):
        words = text("fr", f"staff.fault.{fault}", name="Balance et toise", date="2026-11-01")
        await expect(page.locator("#section-faults")).to_contain_text(words)


async def test_a_cuff_inflates_after_a_question_and_says_its_result(screens: Screens, url: str, stage: Stage) -> None:
    page = await technician(screens, url)
    await page.locator("#preview-tensiometer").focus()
    await page.keyboard.press("Enter")
    for button in ("#device-start", "#start-tensiometer"):
        await page.locator(button).click()
        await expect(page.get_by_role("dialog")).to_contain_text(text("fr", "staff.tech.cuff-question"))
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    assert stage.commands == []
    await page.locator("#device-start").click()
    await page.locator("#question-yes").click()
    await expect(page.locator("#notice-done")).to_have_text("")
    stage.tell_all(CUFF_RESULT)
    await expect(page.locator("#readings")).to_contain_text("125/78")
    await expect(page.locator("#readings")).to_contain_text(text("fr", "simulated.short"))
    assert stage.commands == [("tensiometer", "start")]


async def test_a_visit_locks_the_instruments_of_the_page(screens: Screens, url: str, stage: Stage) -> None:
    page = await technician(screens, url)
    await page.locator("#preview-ecg").click()
    await expect(page.locator("#device-start")).to_be_enabled()
    stage.cabin_state = "measures"
    stage.say()
    await expect(page.locator("#locked")).to_have_text(text("fr", "staff.tech.locked"))
    for button in ("#device-start", "#device-stop", "#start-ecg", "#stop-ecg"):
        await expect(page.locator(button)).to_be_disabled()
    stage.cabin_state = "cleaning"
    stage.say()
    await expect(page.locator("#locked")).to_have_count(0)
    await expect(page.locator("#device-start")).to_be_enabled()


async def test_a_real_visit_hides_the_preview_which_says_so_and_comes_back(
    screens: Screens, door: Doorkeeper
) -> None:
    stage = Stage("ready", simulated=False)
    screen = await screens.desk()
    value = {
        "type": "reading",
        "instrument": "ecg",
        "quantity": "heart_rate",
        "value": 61,
        "why": None,
        "unit": "/min",
    }
    value |= {"flags": [], "simulated": False}
    async with served(stage, door) as url:
        page = await sign_in(screen, url, "technician", "tom", SIGN_IN_CODE)
        said, readings = page.locator("#preview-said"), page.locator("#readings")
        await page.locator("#preview-ecg").click()
        await expect(said).to_have_text(text("fr", "staff.tech.preview-wait"))
        while not any(stage.waves_asked):
            await page.wait_for_timeout(20)
        stage.tell_all(value)
        await expect(readings).to_contain_text("61")
        stage.cabin_state = "measures"
        stage.say()
        await expect(said).to_have_text(text("fr", "staff.tech.preview-visit"))
        await expect(readings).to_have_text("")
        stage.tell_all(value | {"value": 62})
        stage.cabin_state = "cleaning"
        stage.say()
        await expect(said).to_have_text(text("fr", "staff.tech.preview-wait"))
        stage.tell_all(value | {"value": 63})
        await expect(readings).to_contain_text("63")
        await expect(page.locator("#simulated")).to_be_hidden()


@pytest.mark.parametrize("role", ["nurse", "technician"])
async def test_a_lost_core_is_said_and_found_again(role: str, screens: Screens, stage: Stage) -> None:
    door = Doorkeeper()
    screen = await screens.desk()
    screen.expect("WebSocket|status of 401")
    async with served(stage, door) as url:
        page = await sign_in(screen, url, role, "sam", SIGN_IN_CODE)
        await expect(page.locator("main .card").first).to_be_visible()
        port = int(url.rpartition(":")[2])
    await expect(page.locator("#notice-link")).to_have_text(text("fr", "staff.away.unreachable"), timeout=15_000)
    async with served(stage, door, port=port):
        await expect(page.locator("#notice-link")).to_have_text("", timeout=15_000)


@pytest.mark.parametrize("role", ["nurse", "technician"])
async def test_a_session_that_ended_elsewhere_leads_to_the_sign_in(
    role: str, screens: Screens, url: str, door: Doorkeeper
) -> None:
    screen = await screens.desk()
    screen.expect(DENIED)
    page = await sign_in(screen, url, role, "sam", SIGN_IN_CODE)
    await expect(page.locator("main .card").first).to_be_visible()
    door.tokens.clear()
    await expect(page.locator("#signin-name")).to_be_visible(timeout=10_000)
    await expect(page.locator("#simulated")).to_be_hidden()


@pytest.mark.parametrize("role", ["nurse", "technician"])
async def test_the_language_changes_in_place(role: str, screens: Screens, url: str) -> None:
    page = await sign_in(await screens.desk(), url, role, "sam", SIGN_IN_CODE)
    await expect(page.locator("#title")).to_have_text(text("fr", f"staff.{role}.title"))
    await page.locator("#tool-language").click()
    await expect(page.locator("#title")).to_have_text(text("en", f"staff.{role}.title"))
    assert await page.evaluate("document.documentElement.lang") == "en"
    assert "⟦" not in await page.inner_text("body")


async def test_focus_stays_where_it_was_when_the_page_is_drawn_anew(screens: Screens, url: str, stage: Stage) -> None:
    page = await technician(screens, url)
    await page.locator("#start-ecg").focus()
    stage.instrument_rows[3] = instrument("ecg", state="measuring", age_s=70.0)
    stage.say("instrument")
    await expect(page.locator("#instrument-ecg")).to_contain_text(text("fr", "staff.link.measuring"))
    await expect(page.locator("#start-ecg")).to_be_focused()
