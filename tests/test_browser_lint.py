"""What axe does not see: a canvas without words, a click on what is no button, targets too small, too near or too
high, texts outside the catalogue, words of the other language, words that do not fit their button.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page

from cabin_agent.wording import Language, catalogue
from tests.browser import Screens
from tests.gallery import LANGUAGES, ROOMS, Theme, dress

pytestmark = pytest.mark.timeout(240)  # every picture of the kiosk, on a loaded machine


@dataclass(frozen=True, slots=True)
class Rules:
    """What a page owes to those who work with it, in CSS pixels."""

    target: int
    gap: int = 0
    top: float = 0.0
    """Part of the screen, from above, in which nothing may be touched."""


SIZES: tuple[Theme, ...] = ("large", "normal")
TOUCH = Rules(64, gap=16, top=0.15)
DESK = Rules(24)
RULES = {"kiosk": TOUCH, "unpaired": TOUCH, "nurse": Rules(64, gap=16)}

WATCH_CLICKS = """
window.clickedOn = [];
const listen = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (name, ...more) {
  const pointing = ["click", "dblclick", "mousedown", "mouseup", "pointerup", "touchend"].includes(name);
  if (pointing && this instanceof Element) window.clickedOn.push(this);
  return listen.call(this, name, ...more);
};
"""
"""Before any script of the page: who listens to clicks. One listener of the whole document is no element's."""

LINT = (Path(__file__).parent / "page_lint.js").read_text(encoding="utf-8")
"""The lint itself: a function of the page."""


def of_the_other(language: str) -> list[str]:
    """Whole texts that only the other language has, and that could not be mistaken for a name."""
    ours, other = (catalogue(each) for each in (("fr", "en") if language == "fr" else ("en", "fr")))
    mine = {text.casefold() for text in ours.values()}
    return [text for text in other.values() if text.casefold() not in mine and "{" not in text and len(text) > 3]


async def faults(page: Page, room: str) -> list[str]:
    """What the lint finds on the page as it is now."""
    language = await page.evaluate("document.documentElement.lang")
    assert language in LANGUAGES
    rules = asdict(RULES.get(room, DESK))
    found: list[str] = await page.evaluate(LINT, {"rules": rules, "other": of_the_other(language)})
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS)
async def test_the_lint_finds_nothing(room: str, language: Language, screens: Screens) -> None:
    """High contrast changes no size, large text does."""
    screens.before_any_script(WATCH_CLICKS)
    found = []
    async for name, page in ROOMS[room](screens, language):
        for theme in SIZES:
            await dress(page, theme)
            found += [f"{name}, {theme}: {each}" for each in await faults(page, room)]
    assert not found, "\n".join(found)


BAD = """<!doctype html><html lang="fr"><title>x</title><body>
<p><button>11</button></p><canvas></canvas><img src="data:,">
<div id="pressed">press</div><button style="width:30px;height:30px;padding:0">a</button>
<button style="width:90px;height:90px">b</button><p>Thank you</p><p>\u27e6nurse.call\u27e7</p>
<button style="width:70px;height:70px;overflow:hidden">unbreakablelongword</button></body></html>"""


async def test_the_lint_would_find_each_of_these(screens: Screens) -> None:
    screens.before_any_script(WATCH_CLICKS)
    screen = await screens.touch()
    await screen.page.goto("about:blank")
    await screen.page.set_content(BAD)
    await screen.page.evaluate("document.getElementById('pressed').addEventListener('click', () => {})")
    found = "\n".join(await faults(screen.page, "kiosk"))
    for words in (
        "a canvas without words",
        "an image without alt",
        "listens to clicks",
        "30x30 px",
        "in the top of the screen",
        "px apart",
        "'Thank you': of the other language",
        "not a text of the catalogue",
        "its words do not fit",
    ):
        assert words in found, f"{words}\n{found}"
