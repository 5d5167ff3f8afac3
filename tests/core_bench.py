"""A real core on a real journal and outbox, without instruments or broker: what tests of the core stand on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from cabin_agent.config import load_config
from cabin_agent.core import Core
from cabin_agent.delivery import Delivery
from cabin_agent.face import Json
from cabin_agent.journal import Journal
from cabin_agent.open_visit import OpenVisit
from cabin_agent.trail import Note, silent
from cabin_agent.visit import EXCLUSIONS
from sync.envelope import Stamp
from sync.keys import RecipientKey, SigningPair
from sync.outbox import Outbox, Room
from sync.sender import Sender
from sync.uplink import Uplink, UplinkSettings

CODE, CONSULTATION = "246810", "135790"
RECIPIENT = RecipientKey.generate(demo=True)
CABIN_KEYS = SigningPair.generate(demo=True)

TOML = """
[cabin]
name = "Cabine d'essai"
serial = "TEST-1"
state_dir = "{folder}/state"
runtime_dir = "{folder}/run"
accept_simulated = true
speed = 60

[visit]
rest_s = 0
reading_gap_s = 0
idle_s = 10
idle_grace_s = 20
appointments = "{folder}/appointments.toml"

[instruments.scale]
driver = "scale"
url = "{folder}/nothing/scale"

[instruments.oximeter]
driver = "oximeter"
url = "{folder}/nothing/oximeter"
"""

APPOINTMENTS = """
[[appointment]]
code = "246810"
kind = "checkup"
subject_system = "urn:oid:1.2.250.1.213.1.4.11"
subject = "269054958800042"

[[appointment]]
code = "135790"
kind = "consultation"
subject_system = "urn:oid:1.2.250.1.213.1.4.11"
subject = "269054958800042"
"""

UP_TO: dict[str, list[Json]] = {
    "welcome": [{"event": "begin"}],
    "code": [{"event": "language", "value": "fr"}],
    "information": [{"event": "code", "value": CODE}],
    "consent_measures": [{"event": "informed"}],
    "exclusions": [{"event": "agree"}],
    "measures": [{"event": "answers", "answers": dict.fromkeys(EXCLUSIONS, False)}],
}
"""What is said to come from one state to the next, in order."""


CONSULTING: list[Json] = [
    *UP_TO["welcome"], *UP_TO["code"], {"event": "code", "value": CONSULTATION}, {"event": "informed"},
    {"event": "agree"}, {"event": "agree"}, *UP_TO["measures"],
]  # fmt: skip
"""What is said to come from ready to a consultation."""


def prepare(folder: Path) -> None:
    """Write the settings and the appointments of a test cabin."""
    (folder / "state").mkdir(mode=0o700)
    (folder / "cabin.toml").write_text(TOML.format(folder=folder))
    (folder / "appointments.toml").write_text(APPOINTMENTS)


@asynccontextmanager
async def running_core(folder: Path, room: Room | None = None, note: Note = silent) -> AsyncIterator[Core]:
    """A core that runs until the block is left, as after `cabin run`; state stays in `folder`."""
    config = load_config(folder / "cabin.toml")
    settings = UplinkSettings(host="127.0.0.1", port=1, client_id="test", backoff_most=1.0)
    outbox = Outbox(folder / "state" / "outbox.db", room)
    sender = Sender(outbox, RECIPIENT.public, CABIN_KEYS, lambda: Stamp(0, "unset", bytes(16), (0, bytes(32))))
    delivery = Delivery(sender, lambda on_status: Uplink(outbox, settings, {}, on_status))
    with Journal(folder / "state") as journal:
        core, ready = Core(config, OpenVisit(journal), delivery, note=note), asyncio.Event()
        running = asyncio.create_task(core.run(ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        try:
            yield core
        finally:
            waiting.cancel()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def say(core: Core, *words: Json) -> None:
    """Say several things one after the other."""
    for word in words:
        await core.said(word)


async def come_to(core: Core, state: str) -> None:
    """Lead a visit from ready to one of the states of `UP_TO`."""
    for reached, words in UP_TO.items():
        await say(core, *words)
        if reached == state:
            return


async def until(core: Core, true: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Wait for changes of the core until something is true."""
    with core.broadcast.watch(waves=False) as events:
        async with asyncio.timeout(limit_s):
            while not true():
                await anext(events)
