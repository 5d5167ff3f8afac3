"""A person at the kiosk's touch panel: sees what the page shows, touches only what can be touched now.

kiosk = await Kiosk.of(screen, cabin)        # or Kiosk(screen.page) on a page that is open
await kiosk.walk_to("exclusions")            # by touch, through everything before it
await kiosk.touch("agree")
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

from playwright.async_api import Locator, Page, expect

from cabin_agent.demo.site import CODE
from cabin_agent.wording import Language, text
from tests.browser import Screen, open_kiosk
from tests.cabin import Cabin

SETTLED = '#screen[aria-busy="false"]'
LONG_MS = 60_000
"""What a step of a visit may take on a loaded machine."""
MAIN = "#bar .main"
WATCH = """() => {
  const note = () => window.passed.add(document.querySelector("#screen .body")?.dataset.key);
  window.passed = new Set();
  note();
  new MutationObserver(note).observe(document.getElementById("screen"), { childList: true });
}"""
"""Which screens are shown; a measure may be over before a test looks."""


def plain(words: str) -> str:
    """Words as a locator compares them: every space is a space."""
    return re.sub(r"\s+", " ", words)


class Kiosk:
    """The page as a person uses it."""

    def __init__(self, page: Page, language: Language = "fr") -> None:
        self.page, self.language = page, language

    @classmethod
    async def of(cls, screen: Screen, cabin: Cabin, language: Language = "fr") -> Self:
        """The kiosk of a running cabin, launched with its ticket."""
        kiosk = cls(await open_kiosk(screen, cabin), language)
        await kiosk.page.evaluate(WATCH)
        return kiosk

    def words(self, key: str, **places: object) -> str:
        """A text of the catalogue, as it stands on the screen."""
        return plain(text(self.language, key, **places))

    async def settled(self) -> None:
        """Wait until touches count."""
        await self.page.locator(SETTLED).wait_for(state="attached", timeout=LONG_MS)

    async def key(self) -> str:
        """Which screen is shown."""
        return str(await self.page.locator("#screen .body").get_attribute("data-key", timeout=LONG_MS))

    async def title(self) -> str:
        """What stands in the header."""
        return plain(await self.page.locator("h1").inner_text(timeout=LONG_MS))

    def button(self, does: str, value: str | None = None) -> Locator:
        """The button that does this."""
        of = f'[data-value="{value}"]' if value is not None else ""
        return self.page.locator(f'[data-do="{does}"]{of}')

    async def touch(self, does: str, value: str | None = None) -> None:
        """Touch a button once the screen has settled."""
        await self.settled()
        await self.button(does, value).first.tap(timeout=LONG_MS)

    async def main(self) -> None:
        """Touch the one thing to do."""
        await expect(self.page.locator(MAIN)).not_to_have_attribute("aria-disabled", "true", timeout=LONG_MS)
        await self.settled()
        await self.page.locator(MAIN).tap(timeout=LONG_MS)

    async def until(self, *keys: str) -> str:
        """Wait until one of these screens is shown and takes touches; which one."""
        either = ", ".join(f'#screen .body[data-key^="{key}"]' for key in keys)
        await self.page.locator(either).wait_for(state="attached", timeout=LONG_MS)
        await self.settled()
        return await self.key()

    async def type(self, digits: str) -> None:
        """Touch digits of the pad."""
        await self.settled()
        for digit in digits:
            await self.page.locator(".pad-digit", has_text=digit).tap()

    async def shows(self, words: str) -> None:
        """Wait until the page shows these words."""
        await expect(self.page.locator("#screen")).to_contain_text(plain(words), timeout=LONG_MS)

    async def step(self) -> str:
        """Do the ordinary thing on the screen that is shown; wait for the next one. Its key."""
        key = await self.key()
        await (next((do for name, do in ORDINARY.items() if key.startswith(name)), _wait))(self)
        await self.page.wait_for_function(
            "(before) => document.querySelector('#screen .body')?.dataset.key !== before", arg=key, timeout=LONG_MS
        )
        await self.settled()
        return await self.key()

    async def walk_to(self, key: str) -> str:
        """Do the ordinary thing until this screen is shown."""
        while not (shown := await self.key()).startswith(key):
            await self.step()
        await self.settled()
        return shown

    async def passed(self) -> set[str]:
        """Every screen that was shown since the page was opened, by its key; also one that nobody could touch."""
        return set(await self.page.evaluate("[...window.passed]"))

    async def view(self) -> Any:
        """The visit as the page is told of it."""
        asked = "fetch('/api/v1/visit', {headers: {'Cabin-Role': 'kiosk'}})"
        return await self.page.evaluate(f"{asked}.then((answer) => answer.json())")

    async def evaluate(self, script: str) -> Any:
        """The value of an expression of the page."""
        return await self.page.evaluate(script)


async def _wait(_: Kiosk) -> None:
    """A measure goes on by itself."""


async def _welcome(kiosk: Kiosk) -> None:
    await kiosk.touch("speak", kiosk.language)
    await kiosk.main()


async def _code(kiosk: Kiosk) -> None:
    await kiosk.type(CODE)
    await kiosk.main()


async def _no(kiosk: Kiosk) -> None:
    await kiosk.touch("answer", "no")


async def _mark(kiosk: Kiosk) -> None:
    await kiosk.touch("mark", "4")
    await kiosk.main()


ORDINARY: dict[str, Callable[[Kiosk], Any]] = {
    "ready": Kiosk.main,
    "welcome": _welcome,
    "code": _code,
    "information": Kiosk.main,
    "consent_": Kiosk.main,
    "exclusions": _no,
    "sit": Kiosk.main,
    "results": Kiosk.main,
    "ticket": Kiosk.main,
    "satisfaction": _mark,
    "goodbye": Kiosk.main,
}
"""What somebody does who agrees to everything and is well; on any other screen nothing."""
