"""Contec CMS50D+/E/F pulse oximeters of both generations: which one is there, and the driver.

Protocol sheet contec-cms50, sections 1 and 4. Both are sold under the same names with the same USB bridge, so they
are probed at run time: the new one (V7.0, 115200 8N1) is asked to begin, the old one (19200 8O1) pushes. What comes
decides, not the line that it came by. Neither has a clock that can be read.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from drivers.contec_old import Old
from drivers.contec_v7 import ASK_ID, KEEP_ALIVE, START, STOP, V7, encode_command
from drivers.errors import OtherLine
from drivers.events import Event, Identity, Trouble
from drivers.instrument import Emit
from drivers.stream import Line, Stream
from drivers.together import together

LINES = (Line(115_200), Line(19_200, parity="O"))
"""Of the new generation, and of the old one."""
PROBE_S = 1.0
"""How long a generation is waited for; one that was found is looked for again after twice that."""
KEEP_ALIVE_S = 5.0
PATIENCE = 1024
"""Bytes without a message of either generation after which the decoder says so."""
UNCONFIRMED = "what the device does without keep-alive, and what an old one sends as numbers without a finger"


class Decoder:
    """Bytes of either generation, in any cut -> the events of `V7` or `Old`, whichever proves itself first; pure."""

    def __init__(self) -> None:
        self._both: tuple[V7, Old] = (V7(), Old())
        self._found: V7 | Old | None = None
        self._strange = 0

    @property
    def generation(self) -> type[V7] | type[Old] | None:
        """The one that was found; None while it is looked for."""
        return None if self._found is None else type(self._found)

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept before; never raises."""
        events: list[Event] = []
        for at in range(len(data)):
            if self._found is not None:
                return events + self._found.feed(data[at:])
            events += self._search(data[at : at + 1])
        return events

    def flush(self) -> list[Event]:
        """The samples that still wait for their wave to be full."""
        return [] if self._found is None else self._found.flush()

    def _search(self, byte: bytes) -> list[Event]:
        for decoder in self._both:
            events = decoder.feed(byte)
            if any(isinstance(event, Identity) for event in events):
                self._found = decoder
                return events
        self._strange += 1
        if self._strange % PATIENCE:
            return []
        return [Trouble("resync", "no Contec oximeter of either generation: check the port and the device", PATIENCE)]


class Oximeter:
    """One oximeter on one stream. While nothing of it is heard its port is opened with each line in turn."""

    kind: ClassVar[str] = "oximeter"
    protocol: ClassVar[str] = "contec"
    takes: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.line = LINES[0]
        self._decoder = Decoder()
        self._heard = asyncio.Event()

    @property
    def quiet_s(self) -> float | None:
        """A second where the device was found; before, a little more than both lines take."""
        return PROBE_S if self._decoder.generation else 1.5 * PROBE_S * len(LINES)

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Ask and listen; ends by `Unplugged`, by `OtherLine` after silence, or by being cancelled."""
        self._decoder = Decoder()
        await together(self._listen(stream, emit), self._ask(stream), self._watch())

    async def start(self) -> None:
        """An oximeter always measures."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def _listen(self, stream: Stream, emit: Emit) -> None:
        warned = False
        while True:
            for event in self._decoder.feed(await stream.read()):
                if isinstance(event, Identity) and not warned:
                    warned = True
                    emit(Trouble("unconfirmed", UNCONFIRMED))
                if not isinstance(event, Trouble):
                    self._heard.set()
                emit(event)

    async def _ask(self, stream: Stream) -> None:
        """Begin a new one, where the line is its; then keep it alive."""
        if self.line == LINES[0]:
            for command in (STOP, ASK_ID, START):
                await stream.write(encode_command(command))
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            if self._decoder.generation is V7:
                await stream.write(encode_command(KEEP_ALIVE))

    async def _watch(self) -> None:
        """Have the port opened with the other line when nothing is heard by this one."""
        while True:
            self._heard.clear()
            try:
                async with asyncio.timeout(PROBE_S if self._decoder.generation is None else 2 * PROBE_S):
                    await self._heard.wait()
            except TimeoutError:
                break
        self.line = LINES[1 - LINES.index(self.line)]
        raise OtherLine("The oximeter says nothing: it is tried with the other line of its makers.")
