"""The screen: whether a core runs here, is ready, and serves the kiosk's page."""

from __future__ import annotations

import aiohttp

from cabin_agent.checks.line import Line, ok, unknown, wrong
from cabin_agent.face import Json

PART = "screen"
ANSWER_S = 5.0
RESTART = "Look at the log of the core ('journalctl -u cabin-agent'), then restart it."


async def lines(url: str, status: Json) -> list[Line]:
    """Of the core at `url`, which gave this `Status` of docs/api.yaml."""
    if not status["ready"]:
        return [wrong(PART, "The core answers, but is not ready for a visit.", RESTART)]
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as http,
            http.get(f"{url}/kiosk/") as page,
        ):
            served = page.status == 200 and page.content_type == "text/html"
    except (aiohttp.ClientError, TimeoutError, OSError):
        served = False
    if not served:
        return [wrong(PART, f"The kiosk's page is not served at {url}.", RESTART)]
    marked = ", with simulated instruments accepted" if status["simulated"] else ""
    return [ok(PART, f"The core {status['version']} is ready and serves the kiosk at {url}{marked}.")]


def without_core() -> list[Line]:
    """Where no core runs, nothing is served."""
    return [unknown(PART, "No core runs here: the instruments were opened by this check.")]


def delivery(status: Json, *, broker_answers: bool) -> list[Line]:
    """Whether the core is logged in where its broker answers; else the broker's own line says what is wrong."""
    if not broker_answers or status["delivery"]["connected"]:
        return []
    says = "The broker answers, but the core is not logged in there."
    return [wrong("delivery", says, "Wait five minutes; then have the cabin's name and certificate let in there.")]
