"""axe-core finds nothing on any page: its RGAA, EN 301 549 and WCAG 2.2 AA rules, in each theme and language.

These are the rules that a program can check (67 of RGAA's); the rest of RGAA is for people. axe is injected through
the debugger, so that the page's own policy stays as strict as it is.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from playwright.async_api import Page

from cabin_agent.wording import Language
from tests.browser import Screens
from tests.gallery import LANGUAGES, ROOMS, THEMES, Theme, dress

pytestmark = pytest.mark.timeout(240)  # every picture of the kiosk, on a loaded machine

TAGS = ("RGAAv4", "EN-301-549", "wcag2a", "wcag2aa", "wcag21aa", "wcag22aa")
RUN = "(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })"


@cache
def axe_source() -> str:
    """axe-core's own text, as the package ships it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


async def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is now: rule and elements."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe_source())
    found: dict[str, Any] = await page.evaluate(RUN, list(TAGS))
    return [
        f"{each['id']}: {node['html'][:160]} ({node['any'][0]['message'] if node['any'] else ''})"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS)
async def test_axe_finds_nothing(room: str, language: Language, theme: Theme, screens: Screens) -> None:
    found = []
    async for name, page in ROOMS[room](screens, language):
        await dress(page, theme)
        found += [f"{name}: {each}" for each in await violations(page)]
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
