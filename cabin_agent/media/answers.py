"""What the doctor's page asks over `ctl`, met here or passed to the core, and the answers that go back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

from cabin_agent.media import wire
from cabin_agent.media.channels import Ctl, Json
from cabin_agent.media.refusal import Refused
from cabin_agent.media.rig import Rig
from cabin_agent.media.still import NoPicture, Still

log = logging.getLogger(__name__)

SITES = ("ear", "eye", "throat", "skin", "other")
SIDES = ("left", "right", "none")
"""What a still picture must say of itself."""
MOST_ASKED = 64
"""Questions that may wait for the core at a time."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is used of the call whose page asks."""

    name: str
    language: str
    tell: Callable[[wire.Item], bool]
    """Sends to the core, and says whether one is there."""
    core_up: Callable[[], bool]
    """Whether the core is there."""
    start: Callable[[Coroutine[Any, Any, None]], None]
    """Runs something for as long as the call lasts."""
    auscultate: Callable[[bool], None]
    still_rate: Callable[[], float]
    """byte/s for a still picture now."""


class Answers:
    """The answering side of one call."""

    def __init__(self, call: Call, rig: Rig) -> None:
        self.ctl: Ctl | None = None
        self._call = call
        self._rig = rig
        self._waiting: set[int] = set()
        self._stills = 0
        self._sending = False

    def send(self, message: Json) -> None:
        """Send to the page, where its channel is open."""
        if self.ctl is not None:
            self.ctl.send(message)

    def event(self, name: str, **fields: object) -> None:
        """Tell the page that something happened."""
        self.send({"event": name, **fields})

    def media(self) -> Json:
        """Cameras and cards, as the page is told of them."""
        return self._rig.view(self._call.language)

    def heard(self, message: Json | None) -> None:
        """Meet one message of the page; None is one that could not be read."""
        if message is None or type(message.get("id")) is not int or not isinstance(message.get("do"), str):
            self._refuse(None, Refused("bad-request"))
        elif message.get("to") == "core":
            self._ask(message)
        else:
            self._call.start(self._meet(message))

    def replied(self, message: Json) -> None:
        """Pass on the core's answer."""
        asked = message.get("re")
        if isinstance(asked, int) and asked in self._waiting:
            self._waiting.discard(asked)
            self.send({key: value for key, value in message.items() if key not in ("type", "session")})

    def core_gone(self) -> None:
        """Nobody will answer what was asked of the core."""
        waiting, self._waiting = sorted(self._waiting), set()
        for asked in waiting:
            self._refuse(asked, Refused("core-down"))

    def _ask(self, message: Json) -> None:
        asked = message["id"]
        if len(self._waiting) >= MOST_ASKED:
            self._refuse(asked, Refused("bad-request"))
            return
        self._waiting.add(asked)
        passed = {key: value for key, value in message.items() if key != "to"}
        if not self._call.tell({**passed, "type": "ask", "session": self._call.name}):
            self.core_gone()

    async def _meet(self, message: Json) -> None:
        try:
            found = await self._do(message)
        except Refused as refused:
            self._refuse(message["id"], refused)
        else:
            self.send({"re": message["id"], "ok": True, **found})

    async def _do(self, message: Json) -> Json:
        match message["do"]:
            case "ping":
                return {"t": message.get("t")}
            case "state":
                return self.media()
            case "camera":
                return self._choose(message.get("name"))
            case "stethoscope":
                return self._auscultate(message.get("on"))
            case "still":
                return await self._still(message.get("site"), message.get("side"))
        raise Refused("bad-request")

    def _choose(self, name: object) -> Json:
        try:
            self._rig.cameras.choose(name if isinstance(name, str) else "")
        except KeyError:
            raise Refused("bad-value") from None
        return {"camera": name}

    def _auscultate(self, on: object) -> Json:
        if not isinstance(on, bool):
            raise Refused("bad-value")
        self._call.auscultate(on)
        return {"on": on}

    async def _still(self, site: object, side: object) -> Json:
        """Take a picture at the camera's full size, hand it to the core, and begin to send it to the page."""
        if site not in SITES or side not in SIDES:
            raise Refused("bad-value")
        if self._sending:
            raise Refused("busy")
        if not self._call.core_up():
            raise Refused("core-down")
        self._sending = True
        try:
            about, jpeg = self._handed_over(await self._taken(), site, side)
        except BaseException:
            self._sending = False
            raise
        self._call.start(self._show(about, jpeg))
        return {"number": about["number"]}

    async def _taken(self) -> Still:
        try:
            return await self._rig.cameras.still()
        except NoPicture as error:
            raise Refused("no-picture", error.sentence(self._call.language)) from None
        # OpenCV's own errors, and a full-size picture for which there is no memory.
        except Exception as error:
            log.error("a still picture could not be taken: %s", type(error).__name__)
            raise Refused("no-picture") from None

    def _handed_over(self, still: Still, site: object, side: object) -> tuple[Json, bytes]:
        """What is known of a picture, and its JPEG, once the core has it: only what is kept is shown."""
        self._stills += 1
        about: Json = {
            "number": self._stills, "site": site, "side": side, "camera": still.camera, "width": still.width,
            "height": still.height, "taken_ms": still.taken_ms, "simulated": still.simulated,
        }  # fmt: skip
        try:
            kept = self._call.tell(wire.Picture({**about, "session": self._call.name}, still.jpeg))
        except ValueError:  # longer than a frame of the socket
            raise Refused("no-picture") from None
        if not kept:
            raise Refused("core-down")
        return about, still.jpeg

    async def _show(self, about: Json, jpeg: bytes) -> None:
        """Announce the picture to the page, and send it piece by piece."""
        self.event("still", **about, bytes=len(jpeg))
        try:
            if self.ctl is not None:
                await self.ctl.still(cast(int, about["number"]), jpeg, self._call.still_rate)
        finally:
            self._sending = False

    def _refuse(self, asked: int | None, refused: Refused) -> None:
        self.send({"re": asked, "ok": False, "code": refused.code, "text": refused.sentence(self._call.language)})
