"""What stands on the kiosk while nobody may be there: a dead core, an unanswered question; and what always stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from cabin_agent.face import Json
from cabin_agent.visit_table import State
from cabin_agent.web.stream import Limits
from cabin_agent.wording import Language, text
from tests.browser import ONE_LOOP, Screen, Screens, served
from tests.browser_kiosk import Kiosk, plain
from tests.stage import SCENES, Doorkeeper, Stage

pytestmark = ONE_LOOP

NOBODYS = {State.READY, State.CLEANING, State.OUT_OF_ORDER}
PEOPLES = (
    "welcome", "code", "information", "consent-measures", "consent-remote", "exclusions", "oximetry", "sit", "rest",
    "waiting-for-doctor", "doctor-measures", "results-hidden", "ticket", "satisfaction", "goodbye", "stopped",
)  # fmt: skip
"""Every screen with a person that is drawn in a way of its own."""
STUCK = {"code": "reason.not-deflated", "text": "dégonflage incomplet", "cure": "Ouvrez le brassard et retirez-le."}
LOST = ("WebSocket", "ERR_CONNECTION")
VEIL = "getComputedStyle(document.getElementById('over'), '::backdrop').backgroundColor"
IN_SIGHT = """(note) => {
  const { top, bottom, left, right } = note.getBoundingClientRect();
  const middle = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return top >= 0 && bottom <= innerHeight && note.contains(middle);
}"""
"""Whether a note can be read where it stands: on the panel, and scrolled out of sight by nothing."""


class Altered(Stage):
    """A stage whose views are changed by `alter` before anybody sees them."""

    def __init__(self, scene: str = "ready") -> None:
        super().__init__(scene)
        self.alter: Callable[[Json], Json] = lambda view: view

    def visit(self) -> Json:
        """See `Face.visit`."""
        return self.alter(super().visit())


@pytest.fixture
def stage() -> Altered:
    return Altered("results-hidden")


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def url(stage: Altered) -> AsyncIterator[str]:
    """It is there before the screens, and so it outlives them."""
    async with served(stage, Doorkeeper(), limits=Limits(beat_s=0.5)) as url:
        yield url


async def opened(screen: Screen, url: str) -> Kiosk:
    await screen.page.goto(f"{url}/kiosk/#ticket=launch")
    kiosk = Kiosk(screen.page)
    await kiosk.settled()
    return kiosk


async def shown(kiosk: Kiosk, stage: Stage, scene: str) -> None:
    """Another scene, drawn."""
    async with kiosk.page.expect_response(lambda answer: answer.url.endswith("/api/v1/visit")):
        stage.play(scene)
    await kiosk.page.evaluate("() => new Promise(requestAnimationFrame)")
    await kiosk.settled()


async def results(kiosk: Kiosk) -> Locator:
    """The person's results, on the screen."""
    lines = kiosk.page.locator(".results li")
    await kiosk.touch("show")
    await expect(lines.first).to_be_visible()
    return lines


async def veiled(kiosk: Kiosk, words: str) -> None:
    """These words lie over the screen, and nothing shows through beside them."""
    await expect(kiosk.page.get_by_role("alertdialog")).to_contain_text(words, timeout=15_000)
    assert await kiosk.evaluate(VEIL) == "rgb(244, 246, 245)", "it is not opaque"


async def test_results_are_hidden_again_when_the_core_dies(screens: Screens) -> None:
    screen = await screens.touch()
    screen.expect(*LOST)
    stage, door = Altered("results-hidden"), Doorkeeper()
    async with served(stage, door) as url:
        kiosk = await opened(screen, url)
        lines = await results(kiosk)
        told = [plain(each) for each in await lines.all_inner_texts()]
    await veiled(kiosk, kiosk.words("kiosk.link.unreachable"))
    assert len(told) > 5 and not [line for line in told if line in plain(await kiosk.page.content())]
    async with served(stage, door, port=int(url.rpartition(":")[2])):
        await expect(kiosk.page.get_by_role("alertdialog")).to_be_hidden(timeout=15_000)
        await expect(lines).to_have_count(0)
        await results(kiosk)


async def test_results_are_hidden_again_when_nobody_seems_to_be_there(
    screens: Screens, url: str, stage: Altered
) -> None:
    kiosk = await opened(await screens.touch(), url)
    lines = await results(kiosk)
    stage.alter = lambda view: view | {"idle": {"warning": True, "grace_s": 30}}
    stage.say()
    await veiled(kiosk, kiosk.words("kiosk.idle.title"))
    await expect(lines).to_have_count(0)
    stage.alter = lambda view: view
    await kiosk.touch("here")
    await expect(kiosk.page.get_by_role("alertdialog")).to_be_hidden()
    await expect(lines).to_have_count(0)
    await results(kiosk)


async def test_digits_of_the_code_are_dots_when_nobody_seems_to_be_there(
    screens: Screens, url: str, stage: Altered
) -> None:
    """They are not lost, and can be made visible again."""
    stage.play("code")
    kiosk = await opened(await screens.touch(), url)
    await kiosk.type("1234")
    stage.alter = lambda view: view | {"idle": {"warning": True, "grace_s": 30}}
    stage.say()
    await veiled(kiosk, kiosk.words("kiosk.idle.title"))
    await expect(kiosk.page.locator(".pad-shown")).to_have_text("●●●●")
    stage.alter = lambda view: view
    await kiosk.touch("here")
    await kiosk.page.locator(".pad-toggle").tap()
    await expect(kiosk.page.locator(".pad-shown")).to_have_text("1234")


async def test_what_the_core_warns_of_is_told_in_every_state(screens: Screens, url: str, stage: Altered) -> None:
    """A cuff that does not deflate is no matter of one screen: reason and cure stand there until it is over."""
    stage.alter = lambda view: view | {"messages": [*view["messages"], STUCK]}
    stage.play("welcome")
    kiosk = await opened(await screens.touch(), url)
    note = kiosk.page.locator('.note[data-key="reason.not-deflated"]')
    unseen = []
    assert {SCENES[scene].state for scene in PEOPLES} == {*State} - NOBODYS
    for scene in PEOPLES:
        await shown(kiosk, stage, scene)
        await expect(note, scene).to_have_text(plain(f"Dégonflage incomplet. {STUCK['cure']}"))
        if not await note.evaluate(IN_SIGHT):
            unseen.append(scene)
    assert unseen == []
    await shown(kiosk, stage, "results-hidden")
    await results(kiosk)
    assert await note.evaluate(IN_SIGHT)


PRESENT: tuple[tuple[Json, str, bool], ...] = (
    ({"hears": True}, "here", False),
    ({"hears": False}, "seen", False),
    ({"sees": False, "hears": True}, "heard", False),
    ({"sees": False, "hears": False}, "neither", False),
    ({"sees": True, "hears": True, "speaks": False}, "here", True),
    ({"sees": False, "hears": False, "speaks": False}, "neither", True),
    ({"connected": False, "speaks": False}, "away", False),
)
"""What the core says of the call, what the person reads, and whether it adds that the doctor cannot be heard."""


def saying(said: Json, view: Json) -> Json:
    """The view of a consultation of which the core says this."""
    return view | {"consultation": {**view["consultation"], **said}}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_who_sees_and_hears_and_is_heard_is_never_in_doubt(
    language: Language, screens: Screens, url: str, stage: Altered
) -> None:
    stage.language = language
    stage.play("with-doctor")
    kiosk = await opened(await screens.touch(language), url)
    presence = kiosk.page.locator('[data-key="presence"]')
    for said, key, mute in PRESENT:
        stage.alter = partial(saying, said)
        stage.say()
        words = text(language, f"kiosk.doctor.{key}", name="dr.martin")
        if mute:
            words += f" {text(language, 'kiosk.doctor.mute')}"
        await expect(presence).to_have_text(plain(words))
        well = key == "here" and not mute
        assert await presence.get_attribute("class") == f"note presence {'ok' if well else 'warn'}"
