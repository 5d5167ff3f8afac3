"""Declining, leaving, a wrong code, a yes to a question, silence: ordinary ways of a visit at the kiosk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import expect

from cabin_agent.wording import Language
from tests.browser import Screens, screens_at
from tests.browser_kiosk import Kiosk
from tests.bundles import absent, measured
from tests.cabin import SIZE, Cabin, in_state

pytestmark = pytest.mark.processes


@pytest.fixture
async def screens(chromium_endpoint: str) -> AsyncIterator[Screens]:
    """Screens through a driver of their own, in the loop in which the cabin is led."""
    async with screens_at(chromium_endpoint) as screens:
        yield screens


FEW = (*SIZE, "ecg", "temperature")


async def test_one_measure_is_declined_while_it_runs(screens: Screens) -> None:
    """The others are made; the record says that the person did not want this one."""
    screen = await screens.touch()
    async with Cabin(10, measures=FEW) as cabin:
        kiosk = await Kiosk.of(screen, cabin)
        await kiosk.walk_to("measure-ecg")
        await kiosk.touch("skip", "ecg")
        await kiosk.walk_to("goodbye")
        await expect(kiosk.button("finish")).not_to_have_attribute("aria-disabled", "true", timeout=30_000)
        mid = (await cabin.view())["mid"]
        bundle = await cabin.delivered(mid)
    assert absent(bundle, "ecg")[0] == "asked-declined"
    assert all(measured(bundle, name) for name in (*SIZE, "temperature"))


async def test_every_way_out_of_a_visit_is_open_and_leads_to_the_next_one(screens: Screens) -> None:
    """One after the other in one cabin, cleaned in between."""
    screen = await screens.touch()
    async with Cabin(measures=SIZE) as cabin:
        kiosk = await Kiosk.of(screen, cabin)
        for way, language in WAYS:
            kiosk.language = language
            await way(kiosk, cabin)
            await cabin.lead(in_state("ready"))
            await kiosk.until("ready")


async def declined(kiosk: Kiosk, _: Cabin) -> None:
    """Who does not want to be measured is told good-bye."""
    await kiosk.walk_to("consent_measures")
    await kiosk.shows(kiosk.words("consent.measures.text").split(". ")[0])
    await kiosk.touch("decline")
    await kiosk.until("goodbye")
    assert await kiosk.title() == kiosk.words("title.goodbye")


async def left(kiosk: Kiosk, cabin: Cabin) -> None:
    """Leaving is asked once and can be taken back."""
    await kiosk.walk_to("information")
    await kiosk.touch("ask", "leave")
    await expect(kiosk.page.get_by_role("alertdialog")).to_be_visible()
    await kiosk.touch("unask")
    await expect(kiosk.page.get_by_role("alertdialog")).to_be_hidden()
    assert (await cabin.view())["state"] == "information"
    await kiosk.touch("ask", "leave")
    await kiosk.touch("leave")
    await kiosk.until("goodbye")


async def guessed(kiosk: Kiosk, cabin: Cabin) -> None:
    """Each wrong code is told; its digits are gone from the screen; after the third somebody comes."""
    await kiosk.walk_to("code")
    await expect(kiosk.button("enter")).to_have_attribute("aria-disabled", "true")
    for _ in range(2):
        await kiosk.type("000000")
        await kiosk.main()
        await kiosk.shows(kiosk.words("code.wrong"))
        await expect(kiosk.page.locator(".pad-shown")).to_have_text("")
    await kiosk.type("000000")
    await kiosk.main()
    await kiosk.until("goodbye")
    await kiosk.shows(kiosk.words("code.exhausted"))
    assert (await cabin.view())["nurse_called"]


async def called(kiosk: Kiosk, cabin: Cabin) -> None:
    """The nurse is called once, and the visit goes on."""
    await kiosk.walk_to("code")
    await kiosk.touch("call_nurse")
    await kiosk.shows(kiosk.words("nurse.called"))
    await expect(kiosk.button("call_nurse")).to_have_attribute("aria-disabled", "true")
    assert (await cabin.view())["nurse_called"]
    await kiosk.touch("ask", "leave")
    await kiosk.touch("leave")
    await kiosk.until("goodbye")


async def answered_yes(kiosk: Kiosk, cabin: Cabin) -> None:
    """All questions are asked, so that no answer is made up; then somebody comes, and nothing else is offered."""
    await kiosk.walk_to("exclusions-1")
    await kiosk.touch("answer", "yes")
    while (await kiosk.key()).startswith("exclusions"):
        await kiosk.step()
    await kiosk.until("stopped")
    await kiosk.shows("15 ou le 112")
    assert await kiosk.page.locator("button").all_inner_texts() == [kiosk.words("kiosk.staff")]
    assert (await cabin.view())["nurse_called"]
    await cabin.tell("nurse_came")


WAYS: tuple[tuple[Callable[[Kiosk, Cabin], Awaitable[None]], Language], ...] = (
    (declined, "fr"), (left, "fr"), (guessed, "en"), (called, "fr"), (answered_yes, "fr"),
)  # fmt: skip


async def test_silence_is_asked_about_and_then_ends_the_visit(screens: Screens) -> None:
    """Real seconds, at any speed: ten until the question; a touch answers it; without one the visit is over."""
    screen = await screens.touch()
    async with Cabin(measures=SIZE, visit={"idle_s": 10, "idle_grace_s": 20}) as cabin:
        kiosk = await Kiosk.of(screen, cabin)
        await kiosk.walk_to("information")
        asks = kiosk.page.get_by_role("alertdialog")
        await expect(asks).to_contain_text(kiosk.words("kiosk.idle.title"), timeout=20_000)
        await kiosk.touch("here")
        await expect(asks).to_be_hidden()
        assert (await cabin.view())["state"] == "information"
        await expect(asks).to_be_visible(timeout=20_000)
        await cabin.watch_until(in_state("goodbye"))
        await kiosk.until("goodbye")
