"""A page and a core that do not fit: an old page says so and renews itself, and every answer gives a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

import cabin_agent.web.pages
from cabin_agent.web.pages import Pages, installed_pages
from cabin_agent.wording import LANGUAGES, catalogue, text
from tests.browser import ONE_LOOP, Screen, Screens, served
from tests.stage import SIGN_IN_CODE, Doorkeeper, Stage

pytestmark = ONE_LOOP

OLD = "0123456789abcdef"
ROLES = ("kiosk", "nurse", "technician", "doctor")
STATES = {"kiosk": "visit", "nurse": "cabin", "technician": "cabin", "doctor": "consultation"}
"""What each page asks for first."""
ASKED = r"Failed to load resource|HTTP Authentication failed"


@pytest.fixture
def stage() -> Stage:
    return Stage("information")


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def url(stage: Stage) -> AsyncIterator[str]:
    """It is there before the screens, and so it outlives them."""
    async with served(stage, Doorkeeper()) as url:
        yield url


class OldPages:
    """Serves the page of another build: the first `times`, or always."""

    def __init__(self, times: int | None) -> None:
        self.times, self.served = times, 0

    async def __call__(self, route: Route) -> None:
        self.served += 1
        if self.times is not None and self.served > self.times:
            await route.continue_()
            return
        answer = await route.fetch()
        body = re.sub(r'(name="cabin-build" content=")[0-9a-f]+', rf"\g<1>{OLD}", await answer.text())
        assert OLD in body
        await route.fulfill(response=answer, body=body)


async def enter(screen: Screen, url: str, role: str) -> Page:
    """Let a screen in to the page of a role."""
    screen.expect(ASKED)
    if role == "kiosk":
        await screen.page.goto(f"{url}/kiosk/#ticket=launch")
        return screen.page
    said = {"name": "sam", "code": SIGN_IN_CODE, "role": role}
    assert (await screen.context.request.post(f"{url}/api/v1/sign-in", data=said)).status == 204
    await screen.page.goto(f"{url}/{role}/")
    return screen.page


async def works(page: Page, role: str) -> None:
    """The page shows what it is for, and nothing of a fault."""
    inside = {"kiosk": "#bar .main", "nurse": "#main .card", "technician": "tbody tr", "doctor": "#join"}
    await expect(page.locator(inside[role]).first).to_be_visible(timeout=15_000)
    await expect(page.locator("dialog[open], #notice-link .note, #alert:not([hidden])")).to_have_count(
        0, timeout=15_000
    )


@pytest.mark.parametrize("role", ROLES)
async def test_an_old_page_renews_itself(role: str, screens: Screens, url: str) -> None:
    screen = await (screens.touch() if role == "kiosk" else screens.desk())
    old = OldPages(times=1)
    await screen.page.route(f"**/{role}/", old)
    page = await enter(screen, url, role)
    await expect(page.locator("meta[name=cabin-build]")).not_to_have_attribute("content", OLD, timeout=20_000)
    await works(page, role)
    assert old.served == 2


@pytest.mark.parametrize("role", ["kiosk", "nurse", "technician"])
async def test_each_newer_core_behind_an_open_page_renews_it(role: str, screens: Screens) -> None:
    """Two updates and nobody who does anything in between."""
    stage, door = Stage("information"), Doorkeeper()
    screen = await (screens.touch() if role == "kiosk" else screens.desk())
    async with served(stage, door, pages=older_pages("before yesterday")) as url:
        page = await enter(screen, url, role)
        await works(page, role)
    for pages in (older_pages("yesterday"), installed_pages()):
        async with served(stage, door, port=int(url.rpartition(":")[2]), pages=pages):
            build = page.locator("meta[name=cabin-build]")
            await expect(build).to_have_attribute("content", pages.build, timeout=20_000)
            await works(page, role)


def older_pages(day: str) -> Pages:
    """Today's pages with one file more: another build."""
    folder = Path(cabin_agent.web.pages.__file__).parent / "pages"
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    texts = {
        f"texts/{language}.json": json.dumps(dict(catalogue(language)), ensure_ascii=False).encode()
        for language in LANGUAGES
    }
    return Pages({**files, **texts, "older.css": f"/* of {day} */".encode()})


async def test_a_kiosk_older_than_its_core_works_again_when_the_core_is_of_its_build(
    screens: Screens, url: str, stage: Stage
) -> None:
    """An update that was taken back needs nobody who comes."""
    screen = await screens.touch()
    await screen.page.route("**/kiosk/", OldPages(times=None))
    page = await enter(screen, url, "kiosk")
    await expect(page.get_by_role("alertdialog")).to_contain_text(text("fr", "kiosk.updated.again"), timeout=15_000)

    async def downgraded(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "build": OLD})

    await page.route("**/api/v1/visit", downgraded)
    stage.say()
    await works(page, "kiosk")


@pytest.mark.parametrize("role", ROLES)
async def test_a_page_that_stays_old_says_so_and_does_not_load_for_ever(
    role: str, screens: Screens, url: str
) -> None:
    screen = await (screens.touch() if role == "kiosk" else screens.desk())
    old = OldPages(times=None)
    await screen.page.route(f"**/{role}/", old)
    page = await enter(screen, url, role)
    key = "kiosk.updated.again" if role == "kiosk" else "staff.old-page"
    await expect(page.locator("body")).to_contain_text(text("fr", key), timeout=15_000)
    count = old.served
    await page.wait_for_timeout(1500)
    assert old.served == count <= 3


def problem(status: int, code: str) -> dict[str, Any]:
    body = {"type": f"urn:cabin:problem:{code}", "code": code, "status": status, "title": "x", "detail": "x"}
    return {"status": status, "body": json.dumps(body), "content_type": "application/problem+json"}


ANSWERS: dict[str, dict[str, Any]] = {
    "401": problem(401, "no-token"),
    "403": problem(403, "forbidden"),
    "503": problem(503, "too-many-streams"),
    "proxy": {"status": 502, "body": "<h1>Bad Gateway</h1>", "content_type": "text/html"},
    "garbage": {"status": 200, "body": "\x00{not json", "content_type": "application/json"},
}
SAID = {
    "kiosk": "dialog[open] h2, #screen .note.danger, #top h1",
    "nurse": "#notice-link .note, #signin-name",
    "technician": "#notice-link .note, #signin-name",
    "doctor": "#lobby-state, [role=alert] .note, #signin-name",
}
"""Where each page says what is wrong, or lets one sign in anew."""


@pytest.mark.parametrize("role", ROLES)
async def test_every_answer_gives_a_sentence_and_the_page_recovers(role: str, screens: Screens, url: str) -> None:
    for name, answer in ANSWERS.items():
        screen = await (screens.touch() if role == "kiosk" else screens.desk())
        await screen.page.route(f"**/api/v1/{STATES[role]}", partial(wrong, answer))
        page = await enter(screen, url, role)
        await expect(page.locator(SAID[role]).first, name).to_be_visible(timeout=15_000)
        words = await page.locator("body").inner_text()
        assert len(words.split()) > 4, f"{name}: a page without a sentence: {words!r}"
        assert not re.search(r"⟦|undefined|SyntaxError|TypeError|Bad Gateway", words), name
        await page.unroute(f"**/api/v1/{STATES[role]}")
        if name in ("401", "403") or role == "doctor":
            await page.reload()  # a doctor is asked to sign in again, and may as well load the page again
        await works(page, role)
        await page.goto("about:blank")


async def wrong(answer: dict[str, Any], route: Route) -> None:
    """Answer with this in place of the core."""
    await route.fulfill(**answer)
