"""Debian's Chromium for tests: one process a session, one fresh context a screen, and nothing that goes wrong unseen.

A test asks for the fixture `screens` (tests/conftest.py), is marked `ONE_LOOP`, and opens what it needs:

    kiosk = await screens.touch()                      # 1280x800, touch; `screens.desk()`: 1440x900, mouse
    await kiosk.page.goto(f"{url}/kiosk/#ticket=launch")
    kiosk.expect("401")                                # console errors that this test wants, as regular expressions

Every console error, uncaught exception and violation of the page's policy of any screen fails the test at its end,
unless it was expected. That a server cannot be reached is no such error: the page has to say it, and tests look
there. `served(face, access)` serves the pages and the API over a fake face in this process; `open_kiosk` and
`sign_in` let a screen into a `tests.cabin.Cabin`. Chromium resolves no name but this machine's.
"""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, async_playwright, expect

from cabin_agent.face import Face
from cabin_agent.web import make_app, serve
from cabin_agent.web.guard import Access
from cabin_agent.web.pages import Pages
from cabin_agent.web.stream import Limits
from tests.cabin import Cabin

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
    "--disable-client-side-phishing-detection",
    "--disable-domain-reliability",
    "--disable-field-trial-config",
    "--disable-search-engine-choice-screen",
    "--disable-breakpad",
    "--metrics-recording-only",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns,Translate,LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,"
    "SpareRendererForSitePerProcess,OptimizationHints,AutofillServerCommunication,MediaRouter,DialMediaRouteProvider,"
    "GlobalMediaControls,LensOverlay,DestroyProfileOnBrowserClose",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--password-store=basic",
    "--remote-debugging-port=0",
)
"""It works as root, without a display, speaks to nobody but this machine, and does nothing that no page asked for."""
START_S = 30.0
# What comes comes at once, but for a machine that is busy.
expect.set_options(timeout=20_000)
ONE_LOOP = pytest.mark.asyncio(loop_scope="session")
"""Of tests of pages without a cabin: a worker has one driver of Playwright, which lives in one loop and takes half a
second of CPU to start. Each test has contexts of its own all the same. Asynchronous fixtures beside `screens` need
that loop too: `@pytest_asyncio.fixture(loop_scope="session")`.
"""
LOCALE = {"fr": "fr-FR", "en": "en-GB"}

KIOSK_SIZE: ViewportSize = {"width": 1280, "height": 800}
DESK_SIZE: ViewportSize = {"width": 1440, "height": 900}

GONE = re.compile(r"net::ERR_(CONNECTION_|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED|INTERNET_DISCONNECTED|ABORTED)")
"""What Chromium says when a core ends: many tests end it on purpose, and each of them at its own end."""

_TELL_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', (e) =>"
    " console.error(`policy: ${e.violatedDirective} refused ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));"
)


@contextmanager
def chromium(*more: str) -> Iterator[str]:
    """One Chromium with a fresh profile; its debugging address. Nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="cabin-chromium-", ignore_cleanup_errors=True) as profile:
        words = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *more, "about:blank"]
        process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield f"http://127.0.0.1:{_port(process, Path(profile) / 'DevToolsActivePort')}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(process: subprocess.Popen[bytes], file: Path) -> int:
    """The port that Chromium chose; it says so in a file and by no event."""
    until = time.monotonic() + START_S
    while not (file.exists() and (lines := file.read_text().splitlines())):
        assert process.poll() is None, f"Chromium ended with {process.returncode}: is it installed? (make chromium)"
        assert time.monotonic() < until, f"Chromium did not start within {START_S} s"
        time.sleep(0.02)
    return int(lines[0])


class Screen:
    """One browser context with one page, and everything that went wrong in any page of it."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context, self.page = context, page
        self.troubles: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.troubles.append(f"uncaught: {error.error}"))

    def expect(self, *patterns: str) -> None:
        """Console errors and exceptions that the test provokes on purpose."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def unexpected(self) -> list[str]:
        """What went wrong and was not expected."""
        known = (GONE, *self._expected)
        return [trouble for trouble in self.troubles if not any(each.search(trouble) for each in known)]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = message.location
            self.troubles.append(f"console: {message.text} ({place.get('url', '')}:{place.get('lineNumber', '')})")


class Screens:
    """Opens screens and keeps them until the test ends."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.browser, self._options = browser, options
        self.opened: list[Screen] = []
        self._scripts = [_TELL_VIOLATIONS]

    def before_any_script(self, script: str) -> None:
        """Run this in every page that will be opened, before the page's own scripts."""
        self._scripts.append(script)

    async def touch(self, language: str = "fr", **options: Any) -> Screen:
        """The kiosk's own screen: 1280x800 with touch."""
        return await self.open(viewport=KIOSK_SIZE, has_touch=True, locale=LOCALE[language], **options)

    async def desk(self, language: str = "fr", **options: Any) -> Screen:
        """A doctor's or technician's screen: 1440x900 with a mouse; the microphone is allowed."""
        options = {"permissions": ["microphone"], **options}
        return await self.open(viewport=DESK_SIZE, locale=LOCALE[language], **options)

    async def open(self, **options: Any) -> Screen:
        """A fresh context: no cookie, no cache, no history of another; drawings stand still by default."""
        still = {"reduced_motion": "reduce"}
        context = await self.browser.new_context(**{**still, **self._options, **options})
        for script in self._scripts:
            await context.add_init_script(script)
        screen = Screen(context, await context.new_page())
        self.opened.append(screen)
        return screen

    async def close(self) -> None:
        """Close every screen."""
        for screen in self.opened:
            await screen.context.close()

    def check(self) -> None:
        """Fail for whatever went wrong and nobody expected."""
        troubles = [trouble for screen in self.opened for trouble in screen.unexpected()]
        assert not troubles, "\n".join(["a page complained:", *troubles])


@asynccontextmanager
async def connected(endpoint: str) -> AsyncIterator[Browser]:
    """The Chromium at this debugging address, through a driver of Playwright's."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(endpoint)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def screens_of(browser: Browser, **options: Any) -> AsyncIterator[Screens]:
    """Screens of this browser, all with these options; at the end they are closed and checked."""
    screens = Screens(browser, **options)
    try:
        yield screens
    finally:
        await screens.close()
    screens.check()


@asynccontextmanager
async def screens_at(endpoint: str, **options: Any) -> AsyncIterator[Screens]:
    """Screens of the Chromium at this debugging address, through a driver of their own."""
    async with connected(endpoint) as browser, screens_of(browser, **options) as screens:
        yield screens


@asynccontextmanager
async def served(
    face: Face, access: Access, *, limits: Limits | None = None, port: int = 0, pages: Pages | None = None
) -> AsyncIterator[str]:
    """The pages (or others) and the API over a fake face, in this process; the address. Port 0 is any free one."""
    async with AsyncExitStack() as stack:
        app = make_app(face, access, frozenset({"127.0.0.1"}), limits=limits, pages=pages)
        yield await stack.enter_async_context(serve(app, port))


async def open_kiosk(screen: Screen, cabin: Cabin) -> Page:
    """The kiosk's page of a cabin, let in by its launch ticket."""
    ticket = (cabin.site.runtime / "kiosk.ticket").read_text().strip()
    await screen.page.goto(f"{cabin.url}/kiosk/#ticket={ticket}")
    return screen.page


async def sign_in(screen: Screen, url: str, role: str, name: str, code: str) -> Page:
    """The page of a role ("nurse", "technician", "doctor") of the cabin at `url`, signed in beside its form."""
    said = {"name": name, "code": code, "role": role}
    answer = await screen.context.request.post(f"{url}/api/v1/sign-in", data=said)
    assert answer.status == 204, f"sign-in answered {answer.status}"
    await screen.page.goto(f"{url}/{role}/")
    return screen.page
