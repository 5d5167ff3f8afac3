"""The doctor's page in Chromium over a booth of plain aiortc: what it shows and what it asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from cabin_agent.wording import text
from tests.browser import ONE_LOOP, Screens, sign_in
from tests.browser_booth import CODE, SOON_MS, Booth, asked, call, lobby, opened, outcome, reading, until
from tests.browser_doctor import video_clock, wave_pixels

pytestmark = ONE_LOOP


@pytest.fixture
def booth() -> Booth:
    return Booth()


@pytest_asyncio.fixture(loop_scope="session")
async def url(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    async with opened(booth, monkeypatch) as url:
        yield url


# --- before the call


async def test_a_doctor_signs_in_and_sees_who_waits(screens: Screens, url: str, booth: Booth) -> None:
    screen = await screens.desk()
    screen.expect("401")
    page = screen.page
    await page.goto(f"{url}/doctor/")
    await expect(page.locator("#signin-name")).to_be_focused()
    await page.keyboard.type("doctor")
    await page.keyboard.press("Tab")
    await page.keyboard.type(CODE)
    await page.keyboard.press("Enter")
    await expect(page.locator("#lobby-state")).to_have_text(text("fr", "doctor.lobby.waiting"))
    await expect(page.locator("#simulated")).to_be_visible()
    await expect(page.locator("#microphone-said")).to_have_text(text("fr", "doctor.microphone.ready"))
    await expect(page.locator("#bandwidth-said")).to_contain_text("Mbit/s", timeout=SOON_MS)
    booth.standing = "taken"
    await expect(page.locator("#lobby-state")).to_have_text(text("fr", "doctor.lobby.taken"))
    await expect(page.locator("#join")).to_be_disabled()
    booth.standing = "free"
    await expect(page.locator("#lobby-state")).to_have_text(text("fr", "doctor.lobby.free"))
    await page.locator("#sign-out").click()
    await expect(page.locator("#signin-name")).to_be_focused()


@pytest.mark.parametrize("deaf", [False, True])
async def test_headphones_are_believed_only_when_each_tone_was_heard_where_it_was(
    screens: Screens, url: str, deaf: bool
) -> None:
    page = await lobby(screens, url)
    await page.locator("#headphones-begin").click()
    for _ in range(2):
        tone = await page.locator("#headphones-said").get_attribute("data-tone")
        side = {"440 1": "right", "440 -1": "left"}[tone or ""]
        await page.locator("#headphones-both" if deaf else f"#headphones-{side}").click()
        await expect(page.locator("#headphones-said")).not_to_have_attribute("data-tone", tone or "")
    await page.locator("#headphones-low").click()
    wanted = "doctor.headphones.speakers" if deaf else "doctor.headphones.confirmed"
    await expect(page.locator("#headphones-said")).to_have_text(text("fr", wanted))


async def test_a_microphone_that_is_refused_is_said_and_the_call_goes_on(
    screens: Screens, url: str, booth: Booth
) -> None:
    screen = await screens.desk()
    await screen.context.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page = await sign_in(screen, url, "doctor", "doctor", CODE)
    await expect(page.locator("#microphone-said")).to_have_text(text("fr", "doctor.microphone.refused"))
    await page.locator("#join").click()
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=SOON_MS)
    await expect(page.locator("#mute")).to_have_text(text("fr", "doctor.sound.none"))
    await expect(page.locator("#sound-said")).to_contain_text(text("fr", "doctor.microphone.without"))
    directions = re.findall(r"a=(sendrecv|recvonly)", booth.offers[0])
    assert directions == ["recvonly", "recvonly", "recvonly", "sendrecv"][: len(directions)]


# --- in the call


async def test_the_offer_is_what_the_cabin_expects(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    sections = re.findall(r"m=(\w+)", booth.offers[0])
    assert sections == ["video", "audio", "audio", "application"]
    assert re.findall(r"a=(sendrecv|recvonly|sendonly)", booth.offers[0])[:3] == ["recvonly", "sendrecv", "recvonly"]
    assert booth.joined == [("doctor", "fr")]
    assert "typ host" in booth.offers[0], "no candidate is sent later"
    target = await page.evaluate("document.getElementById('video').srcObject.getVideoTracks().length")
    assert target == 1


async def test_picture_and_waves_move_and_say_that_they_are_simulated(screens: Screens, url: str) -> None:
    page = await call(screens, url)
    first = await video_clock(page)
    early = await wave_pixels(page)
    await page.wait_for_timeout(1500)
    second, late = await video_clock(page), await wave_pixels(page)
    assert (second[1] - first[1]) % 65536 > 3, "the picture moves"
    assert early["hash"] != late["hash"]
    assert late["ecg"] > 200
    assert late["pleth"] > 200
    assert late["simulated"] > 500
    await expect(page.locator("#simulated")).to_be_visible()
    label = await page.locator("#waves").get_attribute("aria-label")
    assert label and text("fr", "doctor.waves.alt.live", stream="ECG") in label


SHOWN_MS = """() => new Promise((done) => {
  const tile = document.querySelector('[data-quantity="spo2"]');
  let since = null;
  new MutationObserver(() => {
    const live = tile.querySelector(".value").textContent !== "—" && !tile.classList.contains("stale");
    if (live && since === null) since = performance.now();
    if (!live && since !== null) done(performance.now() - since);
  }).observe(tile, { subtree: true, childList: true, characterData: true, attributes: true });
  window.watching = true;
})"""
"""How long the saturation stands as a live value, by the page's own clock."""


async def test_a_number_is_live_for_two_seconds_and_then_a_dash(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    tile = page.locator('[data-quantity="spo2"]')
    shown = asyncio.create_task(page.evaluate(SHOWN_MS))
    await page.wait_for_function("window.watching")
    reading(booth, "spo2", 97.0, "%")
    await expect(tile.locator(".value")).to_have_text("97\u00a0%")
    assert 1500 < await shown <= 2050
    await expect(tile.locator(".value")).to_have_text("—")
    await expect(tile).to_have_class(re.compile("stale"))
    reading(booth, "spo2", None, "%", "finger-out")
    await expect(tile.locator(".value")).to_have_text("—")
    await expect(tile.locator(".said")).to_have_text(text("fr", "reason.finger-out"))
    reading(booth, "temperature", 36.84, "Cel")
    await expect(page.locator('[data-quantity="temperature"] .value')).to_have_text("36,8\u00a0°C")
    reading(booth, "heart_rate", 61.6, "/min")
    await expect(page.locator('[data-quantity="heart_rate"] .value')).to_have_text("62\u00a0/min")


async def test_a_number_that_was_long_under_way_is_never_shown_as_live(
    screens: Screens, url: str, booth: Booth
) -> None:
    """After an outage the reliable channel brings everything that waited, in a burst."""
    page = await call(screens, url)
    tile = page.locator('[data-quantity="spo2"]')
    reading(booth, "temperature", 36.8, "Cel")
    await expect(page.locator('[data-quantity="temperature"] .value')).to_have_text("36,8\u00a0°C")
    reading(booth, "spo2", 88.0, "%", late_s=6)
    await expect(tile.locator(".said")).to_have_text(text("fr", "doctor.tile.stale", seconds=6))
    await expect(tile.locator(".value")).to_have_text("—")
    reading(booth, "spo2", 97.0, "%")
    await expect(tile.locator(".value")).to_have_text("97\u00a0%")


async def test_an_outcome_shows_its_evidence_and_is_accepted_rejected_annotated(
    screens: Screens, url: str, booth: Booth
) -> None:
    values = {"systolic": (128.0, "mm[Hg]"), "diastolic": (79.0, "mm[Hg]")}
    booth.core_view["outcomes"] = [outcome(0, "blood_pressure", "Pression 128/79 mmHg", **values)]
    page = await call(screens, url)
    card = page.locator("#outcome-0")
    await expect(card.locator(".grade")).to_contain_text(text("fr", "grade.usable"))
    await page.locator('[data-quantity="cuff_pressure"] .measured').click()
    for words in ("SN-0042", "repos 5 min", "bras gauche", "3", "4\u00a0mmHg", text("fr", "note.extra-reading")):
        await expect(card.locator("dl")).to_contain_text(words)
    await card.locator(".accepted").click()
    await expect(card).to_have_attribute("data-verdict", "accepted")
    await expect(page.locator("#outcomes-left")).to_have_text("")
    await card.locator(".outcome-note").fill("Bras plié")
    await page.keyboard.press("Tab")
    await card.locator(".rejected").click()
    await expect(card).to_have_attribute("data-verdict", "rejected")
    assert asked(booth, "review")[-1] == {"index": 0, "verdict": "rejected", "note": "Bras plié"}
    await expect(page.locator('[data-quantity="cuff_pressure"] .measured')).to_be_hidden()
    await card.locator(".rejected").click()
    await expect(card).to_have_attribute("data-verdict", "none")


async def test_a_note_never_takes_a_verdict_back_and_one_that_failed_stays_in_its_field(
    screens: Screens, url: str, booth: Booth
) -> None:
    booth.core_view["outcomes"] = [outcome(0, "weight", "Poids mesuré : 72,4 kg", value=(72.4, "kg"))]
    page = await call(screens, url)
    card = page.locator("#outcome-0")
    await page.evaluate(
        """() => { document.querySelector("#outcome-0 .accepted").click();
            const note = document.querySelector("#outcome-0 .outcome-note");
            note.value = "Avec chaussures"; note.dispatchEvent(new Event("change")); }"""
    )  # before the core has answered
    await expect(card).to_have_attribute("data-verdict", "accepted")
    assert [each["verdict"] for each in asked(booth, "review")] == ["accepted", "accepted"]
    booth.refusals["review"] = ("not-ready", "The disk is full.")
    await card.locator(".outcome-note").fill("Sans chaussures")
    await page.keyboard.press("Tab")
    await expect(card.get_by_role("alert")).to_have_text(text("fr", "doctor.problem.not-ready"))
    booth.core_view["outcomes"][0]["reasons"] = ["movement", "noise"]
    booth.send("changed")
    await expect(card.locator(".grade")).to_contain_text(text("fr", "reason.noise"))
    await expect(card.locator(".outcome-note")).to_have_value("Sans chaussures")
    await expect(card).to_have_attribute("data-verdict", "accepted")


async def test_instruments_are_started_and_stopped_by_number_and_keyboard(
    screens: Screens, url: str, booth: Booth
) -> None:
    page = await call(screens, url)
    await expect(page.locator("#tasks li")).to_have_count(6)
    await page.keyboard.press("6")
    await expect(page.locator("#task-6")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator('[data-task="pressure"]')).to_have_attribute("data-state", "running")
    await expect(page.locator("#task-1")).to_be_disabled()
    await page.locator("#task-6").click()
    await expect(page.locator('[data-task="pressure"]')).to_have_attribute("data-state", "usable")
    assert (asked(booth, "start"), asked(booth, "stop")) == ([{"task": "pressure"}], [{"task": "pressure"}])
    booth.refusals["start"] = ("not-ready", "The instrument is not ready.")
    await page.locator("#task-2").click()
    await expect(page.locator("#tasks-said")).to_have_text(text("fr", "doctor.problem.not-ready"))


async def test_what_the_doctor_writes_reaches_the_agent_and_the_record(
    screens: Screens, url: str, booth: Booth
) -> None:
    page = await call(screens, url)
    await page.keyboard.press("a")
    await page.keyboard.type("Respirez calmement f")
    await page.keyboard.press("Enter")
    await expect(page.locator("#told-said")).to_contain_text("Respirez calmement f")
    await page.locator("#note-text").fill("<b>Toux</b> depuis trois jours")
    await page.locator("#note-add").click()
    await expect(page.locator("#notes li")).to_contain_text("<b>Toux</b> depuis trois jours")
    assert await page.locator("#notes b").count() == 0
    await until(lambda: asked(booth, "say") == [{"text": "Respirez calmement f"}], "what the agent is told")


async def test_a_camera_is_chosen_and_one_that_is_missing_says_why(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    await expect(page.locator("#camera-ear")).to_contain_text("Débranché")
    await expect(page.locator("#camera-room")).to_contain_text(text("fr", "simulated.short"))
    await page.locator("#camera-skin").click()
    await expect(page.locator("#camera-skin")).to_have_attribute("aria-pressed", "true")
    await page.locator("#waves").focus()
    await page.keyboard.press("c")
    await expect(page.locator("#camera-room")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#stethoscope")).to_be_disabled()
    await expect(page.locator("#sound-said")).to_contain_text("Aucune carte son : branchez-la.")


async def test_a_still_needs_side_and_site_and_comes_with_its_label(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    await expect(page.locator("#still-take")).to_be_disabled()
    await page.locator("#waves").focus()
    await page.keyboard.press("p")
    await expect(page.locator("#still-said")).to_have_text(text("fr", "doctor.still.missing"))
    assert asked(booth, "still") == []
    await page.locator("#still-site").select_option("ear")
    await page.locator("#still-side").select_option("left")
    await page.locator("#still-take").click()
    shot = page.locator("#stills li")
    await expect(shot).to_contain_text("Oreille, gauche")
    await expect(shot).to_contain_text("160 × 90")
    assert asked(booth, "still") == [{"site": "ear", "side": "left"}]
    await shot.locator("button").click()
    assert (
        await page.locator("#picture-large").evaluate("image => image.decode().then(() => image.naturalWidth)") == 160
    )
    await page.keyboard.press("Escape")
    await expect(page.locator("#picture-dialog")).to_be_hidden()
    await expect(page.locator("#still-take")).to_be_disabled()
    assert (await page.locator("#still-site").input_value(), await page.locator("#still-side").input_value()) == (
        "",
        "",
    )


async def test_the_strip_says_which_pictures_the_record_will_hold(screens: Screens, url: str, booth: Booth) -> None:
    """One of before the call was lost stands in words; one that was seen here is marked when the core has it."""
    taken_ms = 1_790_000_000_000
    earlier = {"number": 1, "camera": "room", "site": "skin", "side": "none", "at_ms": taken_ms - 60_000}
    booth.core_view["stills"] = [earlier]
    page = await call(screens, url)
    await expect(page.locator("#stills li")).to_contain_text("Peau, ")
    await page.locator("#still-site").select_option("ear")
    await page.locator("#still-side").select_option("left")
    await page.locator("#still-take").click()
    await expect(page.locator("#stills li")).to_have_count(2)
    await expect(page.locator("#stills .kept")).to_have_count(1)
    booth.core_view["stills"] = [earlier, {**earlier, "site": "ear", "side": "left", "at_ms": taken_ms}]
    booth.send("changed")
    await expect(page.locator("#stills li").first.locator(".kept")).to_have_text(text("fr", "doctor.still.kept"))
    await expect(page.locator("#stills li")).to_have_count(2)


async def test_leads_freeze_and_scale_by_keyboard(screens: Screens, url: str) -> None:
    page = await call(screens, url)
    await page.locator("#leads").select_option("12")
    one_square = text("fr", "doctor.scale.square", mv="0,1")
    await expect(page.locator("#scale-said")).to_contain_text(one_square)
    await page.locator("#calibrate-open").click()
    await page.locator("#card-width").focus()
    await page.keyboard.press("ArrowRight")
    await page.locator("#calibrate-yes").click()
    await expect(page.locator("#scale-said")).to_contain_text(text("fr", "doctor.scale.true", mm=10))
    await page.wait_for_timeout(600)
    await page.locator("#waves").focus()
    await page.keyboard.press("f")
    await expect(page.locator("#freeze")).to_have_attribute("aria-pressed", "true")
    still = await wave_pixels(page)
    await page.wait_for_timeout(400)
    assert (await wave_pixels(page))["hash"] == still["hash"]
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#back-said")).to_contain_text("2,0")
    assert (await wave_pixels(page))["hash"] != still["hash"]
    await page.keyboard.press("f")
    await expect(page.locator("#back-label")).to_be_hidden()


async def test_shortcuts_are_listed_and_can_be_switched_off(screens: Screens, url: str) -> None:
    page = await call(screens, url)
    await page.locator("#waves").focus()
    await page.keyboard.press("?")
    await expect(page.locator("#help-keys dt")).to_have_count(15)
    await page.locator("#help-on").uncheck()
    await page.keyboard.press("Escape")
    await page.locator("#waves").focus()
    await page.keyboard.press("m")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "false")


async def test_everything_is_reached_by_the_tab_key(screens: Screens, url: str) -> None:
    page = await call(screens, url)
    wanted = await page.evaluate(
        """() => [...document.querySelectorAll("#call button, #call input, #call select, header button")]
            .filter((each) => !each.disabled && each.offsetParent && each.id).map((each) => each.id)"""
    )
    await page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(len(wanted) + 30):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.id"))
    assert set(wanted) <= reached, set(wanted) - reached


async def test_the_end_lists_what_nobody_reviewed_and_leaves_nothing_in_the_page(
    screens: Screens, url: str, booth: Booth
) -> None:
    booth.core_view["outcomes"] = [outcome(0, "weight", "Poids mesuré : 72,4 kg", value=(72.4, "kg"))]
    booth.core_view["notes"] = [{"at_ms": 1_790_000_000_000, "text": "Note de test"}]
    page = await call(screens, url)
    await expect(page.locator("#outcome-0")).to_be_visible()
    reading(booth, "spo2", 97.0, "%")
    await expect(page.locator("#waves")).to_have_attribute("aria-label", re.compile("97"))
    await page.locator("#end-open").click()
    await expect(page.locator("#end-open-values")).to_contain_text("72,4 kg")
    await page.locator("#end-no").click()
    assert asked(booth, "end") == []
    await page.locator("#end-open").click()
    await page.locator("#end-yes").click()
    await expect(page.locator("#over-said")).to_have_text(text("fr", "doctor.over.ended"))
    await until(lambda: asked(booth, "end") == [{}], "the end")
    left = await page.evaluate(
        """async () => [document.body.innerText, document.documentElement.innerHTML, localStorage.length,
            sessionStorage.length, (await caches.keys()).length, (await indexedDB.databases()).length]"""
    )
    assert "72,4" not in left[1]
    assert "97" not in str(await page.locator("#waves").get_attribute("aria-label"))
    assert await page.evaluate("document.getElementById('waves').width") == 0
    assert "Note de test" not in left[1]
    assert left[2:] == [0, 0, 0, 0], "nothing is stored in the browser"
    assert booth.hung_up == [], "the core has ended it already"


async def test_a_note_that_is_not_added_yet_is_said_and_added_before_the_end(
    screens: Screens, url: str, booth: Booth
) -> None:
    page = await call(screens, url)
    await page.locator("#note-text").fill("Toux sèche")
    await page.locator("#end-open").click()
    await expect(page.locator("#end-open-values")).to_contain_text("Toux sèche")
    await page.locator("#end-yes").click()
    await expect(page.locator("#over-said")).to_have_text(text("fr", "doctor.over.ended"))
    await until(lambda: [each["do"] for each in booth.asked if each["do"] != "view"] == ["note", "end"], "note, end")
    assert asked(booth, "note") == [{"text": "Toux sèche"}]


async def test_a_consultation_is_ended_past_a_call_that_is_down(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    screens.opened[0].expect("ERR_FAILED")
    asks: list[str] = []
    await page.route("**/api/v1/consultation/token", lambda route: route.abort())
    await page.route("**/api/v1/consultation/end", lambda route: _ended(route, asks))
    await booth.lose()
    await expect(page.locator("#link")).to_have_attribute("data-state", "lost", timeout=SOON_MS)
    await page.locator("#end-open").click()
    await page.locator("#end-yes").click()
    await expect(page.locator("#over-said")).to_have_text(text("fr", "doctor.over.ended"))
    assert asks == ["POST"]


async def _ended(route: Route, asks: list[str]) -> None:
    asks.append(route.request.method)
    await route.fulfill(status=204)


async def test_a_doctor_may_leave_the_call_and_come_back_with_everything_as_new(
    screens: Screens, url: str, booth: Booth
) -> None:
    """Neither a muted microphone nor a chosen site goes into the next call unseen."""
    page = await call(screens, url)
    await page.locator("#mute").click()
    await expect(page.locator("#mute")).to_have_text(text("fr", "doctor.sound.muted"))
    await page.locator("#still-site").select_option("ear")
    await page.locator("#still-side").select_option("left")
    await page.locator("#leave-open").click()
    await until(lambda: booth.hung_up == [("doctor", "session-1")], "the call is hung up")
    await expect(page.locator("#lobby")).to_be_visible()
    await expect(page.locator("#microphone-level")).not_to_have_attribute("value", "0")
    await page.locator("#join").click()
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=SOON_MS)
    await expect(page.locator("#mute")).to_have_text(text("fr", "doctor.sound.mute"))
    assert await page.locator("#still-site").input_value() == ""
    assert await booth.hears(), "the microphone is open again"


async def test_a_call_that_was_taken_elsewhere_is_over_here(screens: Screens, url: str, booth: Booth) -> None:
    """The same account in another window: this page does not take the call back."""
    page = await call(screens, url)
    booth.send("replaced")
    await expect(page.locator("#over-said")).to_have_text(text("fr", "doctor.problem.replaced"))
    await booth.lose()
    await page.wait_for_timeout(1000)
    assert len(booth.joined) == 1


async def test_what_happened_once_stands_until_it_was_read(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    booth.send("nurse")
    await expect(page.locator("#notice-said")).to_have_text(text("fr", "doctor.nurse"))
    booth.send("core", up=False)
    await expect(page.locator("#alert")).to_have_text(text("fr", "doctor.core-away"))
    booth.send("core", up=True)
    await expect(page.locator("#alert")).to_be_hidden()
    await expect(page.locator("#notice-said")).to_have_text(text("fr", "doctor.nurse"))
    await page.locator("#notice-read").click()
    await expect(page.locator("#notice")).to_be_hidden()


async def test_a_microphone_that_nobody_allowed_yet_is_asked_for_before_the_call(
    screens: Screens, url: str, booth: Booth
) -> None:
    screen = await screens.desk(permissions=[])
    await screen.context.add_init_script(
        """navigator.permissions.query = async () => ({ state: "prompt" });
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wanted) => new Promise((done) => {
          window.allow = () => done(ask(wanted)); });"""
    )
    page = await sign_in(screen, url, "doctor", "doctor", CODE)
    await expect(page.locator("#microphone-said")).to_have_text(text("fr", "doctor.microphone.unknown"))
    await page.locator("#join").click()
    await expect(page.locator("#lobby-state")).to_have_text(text("fr", "doctor.microphone.answer"))
    assert booth.offers == []
    await page.evaluate("window.allow()")
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=SOON_MS)
    assert re.findall(r"a=(sendrecv|recvonly|sendonly)", booth.offers[0])[:2] == ["recvonly", "sendrecv"]


async def test_a_long_way_is_no_narrow_one(screens: Screens, url: str) -> None:
    """The flow is counted from its first bytes: what a question takes to come back does not count."""
    screen = await screens.desk()
    await screen.context.route("**/measure.bin", _slow_to_begin)
    page = await sign_in(screen, url, "doctor", "doctor", CODE)
    await expect(page.locator("#check-bandwidth")).to_have_attribute("data-state", "good", timeout=SOON_MS)


async def _slow_to_begin(route: Route) -> None:
    await asyncio.sleep(0.6)
    await route.continue_()


async def test_a_page_that_is_closed_hangs_up(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url)
    await page.close()
    await until(lambda: booth.hung_up == [("doctor", "session-1")], "the call is hung up")


async def test_the_page_speaks_english_too(screens: Screens, url: str, booth: Booth) -> None:
    page = await call(screens, url, "en")
    await expect(page.locator("#tasks-title")).to_have_text(text("en", "doctor.tasks"))
    assert booth.joined == [("doctor", "en")]
    await page.locator("#language").click()
    await expect(page.locator("#tasks-title")).to_have_text(text("fr", "doctor.tasks"))
    await until(lambda: booth.joined[-1] == ("doctor", "fr"), "the cabin is told")
    await expect(page.locator("#link")).to_have_attribute("data-state", "up", timeout=SOON_MS)
    assert "⟦" not in await page.inner_text("body")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1920, 1080)])
async def test_nothing_essential_is_scrolled(screens: Screens, url: str, width: int, height: int) -> None:
    page = await call(screens, url)
    await page.set_viewport_size({"width": width, "height": height})
    await page.wait_for_timeout(300)
    outside = await page.evaluate(
        """() => [...document.querySelectorAll("#call button, #call input, #call select, #waves, #video, .tile")]
            .filter((each) => each.offsetParent && !each.closest("#outcomes, #stills"))
            .filter((each) => { const r = each.getBoundingClientRect();
              return r.left < 0 || r.top < 0 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1; })
            .map((each) => each.id || each.className)"""
    )
    assert outside == []
    assert await page.evaluate("document.scrollingElement.scrollHeight") <= height
