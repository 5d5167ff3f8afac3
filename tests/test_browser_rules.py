"""Every picture that a page can show keeps the rules: those of axe-core, and those of our own lint.

axe-core's rules for RGAA, EN 301 549 and WCAG 2.2 AA are those that a program can check (67 of RGAA's); the rest of
RGAA is for people. axe is injected through the debugger, so that the page's own policy stays as strict as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from playwright.async_api import Page

from cabin_agent.wording import Language
from tests.browser import ONE_LOOP, Screens
from tests.gallery import LANGUAGES, ROOMS, Theme, dress
from tests.page_lint import WATCH_CLICKS, faults

pytestmark = [ONE_LOOP, pytest.mark.timeout(240)]  # every picture of the kiosk, on a loaded machine

TAGS = ("RGAAv4", "EN-301-549", "wcag2a", "wcag2aa", "wcag21aa", "wcag22aa")
EVERY_RULE: dict[str, Any] = {"type": "tag", "values": TAGS}
OF_A_THEME: Mapping[Theme, dict[str, Any]] = {
    "normal": EVERY_RULE,
    "large": {"type": "rule", "values": ("target-size", "color-contrast", "scrollable-region-focusable")},
    "contrast": {"type": "rule", "values": ("color-contrast", "link-in-text-block")},
}
"""A theme changes sizes or colours, and nothing else that axe looks at."""
OF_THE_LINT: tuple[Theme, ...] = ("normal", "large")
"""High contrast changes no size."""
RUN = "(only) => axe.run(document, { runOnly: only, resultTypes: ['violations'] })"


@cache
def axe_source() -> str:
    """axe-core's own text, as the package ships it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


async def violations(page: Page, only: dict[str, Any] = EVERY_RULE) -> list[str]:
    """What axe finds on the page as it is now: rule and elements."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe_source())
    found: dict[str, Any] = await page.evaluate(RUN, only)
    return [
        f"{each['id']}: {node['html'][:160]} ({node['any'][0]['message'] if node['any'] else ''})"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS)
async def test_every_picture_keeps_the_rules(room: str, language: Language, screens: Screens) -> None:
    screens.before_any_script(WATCH_CLICKS)
    found = []
    async for name, page in ROOMS[room](screens, language):
        for theme, only in OF_A_THEME.items():
            await dress(page, theme)
            told = await violations(page, only)
            told += await faults(page, room) if theme in OF_THE_LINT else []
            found += [f"{name}, {theme}: {each}" for each in told]
        await dress(page, "normal")
    assert not found, "\n".join(found)


async def test_axe_would_find_something(screens: Screens) -> None:
    """A page with faults, so that the test above is known to be able to fail."""
    screen = await screens.desk()
    await screen.page.set_content('<html lang="fr"><title>x</title><img src="data:,"><p style="color:#ccc">pâle</p>')
    found = " ".join(await violations(screen.page))
    assert "image-alt" in found and "color-contrast" in found


async def test_axe_has_the_rules_of_rgaa(screens: Screens) -> None:
    screen = await screens.desk()
    await screen.page.evaluate(axe_source())
    rules = await screen.page.evaluate("axe.getRules(['RGAAv4']).length")
    assert rules >= 60


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
