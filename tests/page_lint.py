"""The lint of the pages, for what axe does not see: a canvas without words, a click on what is no button, targets too
small, too near or too high, texts outside the catalogue, words of the other language, words that do not fit their
button. `page_lint.js` is the lint itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.async_api import Page

from cabin_agent.wording import catalogue
from tests.gallery import LANGUAGES


@dataclass(frozen=True, slots=True)
class Rules:
    """What a page owes to those who work with it, in CSS pixels."""

    target: int
    gap: int = 0
    top: float = 0.0
    """Part of the screen, from above, in which nothing may be touched."""


TOUCH = Rules(64, gap=16, top=0.15)
DESK = Rules(24)
RULES = {"kiosk": TOUCH, "unpaired": TOUCH, "updated": TOUCH, "nurse": Rules(64, gap=16)}

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
