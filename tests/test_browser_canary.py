"""Nothing of a visit is left: canary words of one person are searched for everywhere after the visit.

Code, identifier, results, the doctor's notes and words, and the ids of the visit: on the page and behind it, in what
the browser keeps (its profile on disk too), in every answer of the API, in the logs of all processes, in every file
of the core, and in all that the next visit sends. What lies at its destination is left out: the printed ticket, the
far end's record, and the file of appointments that came from outside.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, Response, WebSocket, async_playwright, expect

from cabin_agent.demo.site import CODE, SUBJECT_SYSTEM
from tests.browser import CHROMIUM, FLAGS, KIOSK_SIZE, Screen, Screens, open_kiosk, screens_at
from tests.browser_doctor import doctor, join
from tests.browser_kiosk import Kiosk
from tests.cabin import PATIENCE_S, QUICK, Cabin

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


@pytest.fixture
async def screens(chromium_endpoint: str) -> AsyncIterator[Screens]:
    """Screens through a driver of their own, in the loop in which the cabin is led."""
    async with screens_at(chromium_endpoint) as screens:
        yield screens


CANARY_CODE = "853041"
SUBJECT = "2690549588853041"
NOTE = "Canari-Note-Toux-Seche"
SAID = "Canari-Mot-Respirez"
REVIEW = "Canari-Avis-Repeter"
WAIT_MS = PATIENCE_S * 1000
DESTINATIONS = ("appointments.toml", "ticket.escpos", "record.db")
"""Where things of a visit may lie: they came from there, or were sent there."""


class Watched(Cabin):
    """A whole cabin with media, two people expected: one with canaries, and the next."""

    def __init__(self) -> None:
        super().__init__(4.0, kind="consultation", visit={**QUICK, "idle_s": 600})

    async def __aenter__(self) -> Watched:
        await super().__aenter__()
        await self.start_media()
        return self

    def expect(self, *, kind: str = "checkup", measures: tuple[str, ...] = ()) -> None:
        people = ((CANARY_CODE, SUBJECT, "consultation"), (CODE, "190011", "checkup"))
        rows = [
            f'[[appointment]]\ncode = "{code}"\nkind = "{kind}"\nsubject_system = "{SUBJECT_SYSTEM}"\n'
            f'subject = "{subject}"\n'
            for code, subject, kind in people
        ]
        (self.folder / "appointments.toml").write_text("\n".join(rows))


@asynccontextmanager
async def kept(profile: Path) -> AsyncIterator[Screen]:
    """A touch screen whose browser keeps what it can in `profile`: a stricter judge than the kiosk's own, which keeps
    its profile in memory.
    """
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=list(FLAGS[1:-1]), viewport=KIOSK_SIZE, has_touch=True,
            chromium_sandbox=False,
        )  # fmt: skip
        try:
            yield Screen(context, context.pages[0])
        finally:
            await context.close()


async def test_nothing_of_a_visit_is_found_afterwards(screens: Screens, tmp_path: Path) -> None:
    async with Watched() as cabin:
        async with kept(tmp_path / "profile") as screen:
            canaries, mid = await visit(screen, screens, cabin)
            assert await found_in_browser(screen.page, canaries) == []
            assert await found_in_api(cabin, canaries) == []
            canaries += await ids_of(cabin, mid)
            assert await found_in_next_visit(screen, cabin, canaries) == []
        assert found_in_files(tmp_path / "profile", canaries) == []
        assert found_in_files(cabin.folder, canaries, but=DESTINATIONS) == []
        assert list(cabin.folder.glob("core.log")), "the logs were not looked at"


async def test_the_search_would_find_a_canary(tmp_path: Path) -> None:
    """In each of the ways in which a word may be written down."""
    (tmp_path / "deep").mkdir()
    for name, content in {
        "plain": f"before {NOTE} after".encode(),
        "deep/wide": "Poids mesuré".encode("utf-16-le"),
        "escaped": json.dumps("Poids mesuré").encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
    found = found_in_files(tmp_path, [NOTE, "Poids mesuré"])
    assert sorted(each.partition(":")[0] for each in found) == ["deep/wide", "escaped", "plain"]


async def visit(screen: Screen, screens: Screens, cabin: Cabin) -> tuple[list[str], str]:
    """A consultation by touch, with a doctor who measures, writes and judges; the canaries, and the Bundle's id."""
    kiosk = Kiosk(await open_kiosk(screen, cabin))
    await kiosk.walk_to("code")
    await kiosk.type(CANARY_CODE)
    await kiosk.main()
    await kiosk.until("information")
    await kiosk.walk_to("consultation")
    await consult(await doctor(screens, cabin))
    await kiosk.until("results")
    await kiosk.touch("show")
    await expect(kiosk.page.locator(".results li").first).to_be_visible()
    lines = await kiosk.page.locator(".results li .told > span:first-child").all_inner_texts()
    assert any("kg" in line for line in lines), lines
    await kiosk.walk_to("ticket")
    await kiosk.touch("choose", "values")
    await kiosk.walk_to("goodbye")
    await expect(kiosk.button("finish")).not_to_have_attribute("aria-disabled", "true", timeout=WAIT_MS)
    mid = str((await cabin.view())["mid"])
    await kiosk.main()
    await kiosk.until("cleaning")
    return [CANARY_CODE, SUBJECT, NOTE, SAID, REVIEW, *lines], mid


async def consult(page: Page) -> None:
    """What the doctor does."""
    await join(page)
    await page.locator("#task-1").click()
    await expect(page.locator("#outcomes li").first).to_be_visible(timeout=WAIT_MS)
    await page.locator("#note-text").fill(NOTE)
    await page.locator("#note-add").click()
    await expect(page.locator("#notes")).to_contain_text(NOTE)
    await page.locator("#say-text").fill(SAID)
    await page.locator("#say-send").click()
    await expect(page.locator("#told")).to_contain_text(SAID)
    card = page.locator("#outcomes li").first
    await card.locator(".outcome-note").fill(REVIEW)
    await card.get_by_role("button", name="Accepter").click()
    await expect(card).to_contain_text("Accept", ignore_case=True)
    await page.locator("#end-open").click()
    await page.locator("#end-yes").click()
    await expect(page.locator("#over-back")).to_be_visible(timeout=WAIT_MS)


async def ids_of(cabin: Cabin, mid: str) -> list[str]:
    """The ids of the visit, as its record at the far end tells them."""
    bundle = await cabin.delivered(mid)
    return [str(bundle["identifier"]["value"])]


async def found_in_browser(page: Page, canaries: list[str]) -> list[str]:
    """On the page, behind it, and in all that a page can have stored."""
    stores = """async () => JSON.stringify({
        ...localStorage, session: {...sessionStorage}, cookies: document.cookie, name: window.name,
        state: history.state, address: location.href, caches: await caches.keys(),
        databases: await indexedDB.databases(), entries: performance.getEntries().map((each) => each.name),
    })"""
    seen = [await page.content(), await page.evaluate(stores)]
    session = await page.context.new_cdp_session(page)
    for method in ("Page.getNavigationHistory", "Network.getAllCookies"):
        seen.append(json.dumps(await session.send(method), ensure_ascii=False))
    for go in (page.go_back, page.go_back, page.go_forward, page.reload):
        await go()
        seen.append(await page.content())
    return _found("browser", seen, canaries)


async def found_in_api(cabin: Cabin, canaries: list[str]) -> list[str]:
    """In every answer that any role gets now."""
    seen = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {cabin.found().token}"}) as http:
        for path in ("visit", "visit/results", "cabin", "status", "instruments", "deliveries", "consultation"):
            async with http.get(f"{cabin.url}/api/v1/{path}") as answer:
                seen.append(await answer.text())
    return _found("api", seen, canaries)


async def found_in_next_visit(screen: Screen, cabin: Cabin, canaries: list[str]) -> list[str]:
    """In all that the next person's page is sent, from cleaning to measures."""
    seen: list[str] = []
    sent: list[Response] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: seen.append(frame if isinstance(frame, str) else repr(frame)))

    address = screen.page.url
    await screen.page.goto("about:blank")  # what was still on its way is of the visit before
    screen.page.on("websocket", opened)

    def answered(response: Response) -> None:
        sent.append(response)

    screen.page.on("response", answered)
    await screen.page.goto(address)
    async with cabin.client() as core:
        for kind in (await core.visit())["to_clean"]:
            await core.tell("tick", instrument=kind)
    kiosk = Kiosk(screen.page)
    await kiosk.until("ready")
    await kiosk.walk_to("measure")
    seen.append(await screen.page.content())
    answers = [each for each in sent if "/api/" in each.url and each.status == 200]
    assert len(answers) > 5 and len(seen) > 5, "the next visit was not listened to"
    for answer in answers:
        seen.append(await answer.text())
    return _found("next visit", seen, canaries)


def found_in_files(folder: Path, canaries: list[str], but: Iterable[str] = ()) -> list[str]:
    """In the bytes of any file below the folder: places and canaries."""
    found = []
    files = [each for each in folder.rglob("*") if each.is_file() and not each.name.startswith(tuple(but))]
    assert files
    for file in files:
        content = file.read_bytes()
        found += [
            f"{file.relative_to(folder)}: {each}" for each in canaries if any(w in content for w in _ways(each))
        ]
    return found


def _ways(canary: str) -> set[bytes]:
    """How a word may lie in a file: as UTF-8, as UTF-16, as JSON in ASCII."""
    return {canary.encode(), canary.encode("utf-16-le"), json.dumps(canary)[1:-1].encode()}


def _found(place: str, seen: list[Any], canaries: list[str]) -> list[str]:
    return [f"{place}: {canary}" for text in seen for canary in canaries if canary in text]
