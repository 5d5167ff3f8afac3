"""OpenBCI Cyton as an electrocardiograph: reset, set the channels, stream while it is asked to.

Source: protocol sheet "OpenBCI Cyton", sections 2 and 5; the packets are in `drivers.cyton_packets`. The board is a
reference instrument of the open literature and not a medical device.

Unconfirmed: how the listing of the registers is laid out, so that a gain which the board accepted is not read back.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import ClassVar

from drivers import cyton_answers, cyton_packets
from drivers.cyton_packets import Decoder as Decoder
from drivers.cyton_packets import Packet
from drivers.errors import DriverError, Unplugged
from drivers.events import Identity, Trouble
from drivers.instrument import Emit
from drivers.stream import Line, Stream
from drivers.together import together

STREAM_QUIET_S = 0.5
"""Longest healthy silence of a stream. The sheet says 0.2 s, which is the board's; on top come the latency timer of
the USB bridge (16 ms), the radio's repeats and a busy host's event loop, and a false alarm would cost a lead."""
IDLE_QUIET_S = 5.0
MOST_TEXTS = 16
"""Answers that wait for whoever asked; nobody asks for more."""
TRIES = 3


class Ecg:
    """One Cyton board on one stream.

    Emits `Wave` "ecg" (see `drivers.cyton_packets.Blocks`) only between `start` and `stop`; its index is 0 at each
    start. An idle board is asked for its version every `alive_s` seconds, and each answer is told as its `Identity`.
    `gain` is one of `drivers.cyton_packets.GAINS`; 6 leaves room for the offset of chest electrodes. Seconds:
    `reset_s` is how long the banner may take, `reply_s` any other answer, and the first sample.
    """

    kind: ClassVar[str] = "ecg"
    protocol: ClassVar[str] = "cyton"
    line: ClassVar[Line] = Line(115200)
    takes: ClassVar[tuple[str, ...]] = ("gain",)

    def __init__(self, *, gain: int = 6, reset_s: float = 3.0, reply_s: float = 1.0, alive_s: float = 2.0) -> None:
        if gain not in cyton_packets.GAINS:
            raise DriverError(
                f"The ECG board has no gain {gain}: choose one of {', '.join(map(str, cyton_packets.GAINS))}."
            )
        self._gain = gain
        self._reset_s = reset_s
        self._reply_s = reply_s
        self._alive_s = alive_s
        self._stream: Stream | None = None
        self._ready = False
        self._streaming = False
        self._unasked = False
        self._framer = cyton_packets.Framer()
        self._blocks = cyton_packets.Blocks(gain)
        self._texts: asyncio.Queue[str | None] = asyncio.Queue(MOST_TEXTS)
        """Answers of this session; None after its last."""
        self._flowing = asyncio.Event()
        self._flowed = False
        """Whether a sample came since somebody looked."""

    @property
    def quiet_s(self) -> float | None:
        """0.5 s once samples flow, else 5 s."""
        return STREAM_QUIET_S if self._flowing.is_set() else IDLE_QUIET_S

    async def run(self, stream: Stream, emit: Emit) -> None:
        """Set the board up and keep it company until the stream ends; the board is told to stop at the end."""
        self._stream, self._framer, self._blocks = stream, cyton_packets.Framer(), cyton_packets.Blocks(self._gain)
        try:
            await together(self._listen(stream, emit), self._converse(stream, emit))
        finally:
            self._stream, self._ready, self._streaming = None, False, False
            self._hang_up()
            with suppress(Unplugged):
                await stream.write(cyton_packets.STOP)

    async def start(self) -> None:
        """Set the channels and begin to stream; returns when the first sample has come.

        Raises `DriverError` when none does. A board that lost its power meanwhile has forgotten its gain, and does
        not say so: every sample would be wrong by a factor.
        """
        if self._stream is None or not self._ready:
            raise DriverError("The ECG board is not ready: switch it on and wait until it is.")
        if self._streaming:
            return
        stream = self._stream
        self._blocks, self._streaming = cyton_packets.Blocks(self._gain), True
        try:
            await self._begin(stream)
        except BaseException:
            if self._stream is stream:
                await self.stop()
            raise

    async def stop(self) -> None:
        """Stop streaming; idempotent."""
        self._streaming = False
        self._flowing.clear()
        if self._stream is not None:
            with suppress(Unplugged):
                await self._stream.write(cyton_packets.STOP)

    async def _begin(self, stream: Stream) -> None:
        if not await self._set_channels(stream):
            raise DriverError("The ECG board does not take its settings: switch it off and on, then try again.")
        for _ in range(TRIES):
            await stream.write(cyton_packets.BEGIN)
            with suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it may swallow a cancellation.
                async with asyncio.timeout(self._reply_s):
                    await self._flowing.wait()
                if self._stream is not stream:
                    raise _unplugged()
                return
        raise DriverError("The ECG board sends no samples: check its battery, then switch it off and on.")

    def _hang_up(self) -> None:
        """Wake whoever waits for the board: a start that was cut short must not take the next session's answers."""
        waited_for, self._texts = self._texts, asyncio.Queue(MOST_TEXTS)
        if waited_for.full():
            waited_for.get_nowait()
        waited_for.put_nowait(None)
        self._flowing.set()
        self._flowing.clear()

    async def _listen(self, stream: Stream, emit: Emit) -> None:
        while True:
            self._hear(self._framer.feed(await stream.read()), emit)

    def _hear(self, found: list[Packet | str | Trouble], emit: Emit) -> None:
        """Sort what came: samples only when they were asked for, texts also to whoever waits for an answer."""
        if any(isinstance(item, Packet) for item in found):
            self._unasked = not self._streaming
            self._flowed = True
            if self._streaming:
                self._flowing.set()
        for item in found:
            if isinstance(item, str):
                if self._texts.full():
                    self._texts.get_nowait()
                self._texts.put_nowait(item)
        wanted = [item for item in found if self._streaming or not isinstance(item, Packet)]
        for event in self._blocks.take(wanted):
            # The banner is no sign of life yet: whoever hears one may order a stream at once.
            if self._ready or not isinstance(event, Identity):
                emit(event)

    async def _converse(self, stream: Stream, emit: Emit) -> None:
        while True:
            if not self._ready:
                self._ready = await self._set_up(stream, emit)
            if self._ready and not self._streaming:
                await self._ask_for_life(stream, emit)
            elif self._flowing.is_set():
                await self._look_after(stream)
            await asyncio.sleep(min(self._alive_s, STREAM_QUIET_S) if self._streaming else self._alive_s)

    async def _look_after(self, stream: Stream) -> None:
        """Raise `Unplugged` where a board that should stream has time to answer: it lost its power, and its gain."""
        flowed, self._flowed = self._flowed, False
        if flowed:
            return
        answer = await self._answer(stream, cyton_packets.VERSION, self._reply_s)
        if answer is not None and self._streaming and not self._flowed:
            raise Unplugged("The ECG board stopped by itself: check its battery, it is set up again once it is on.")

    async def _set_up(self, stream: Stream, emit: Emit) -> bool:
        """Reset the board and set its channels; False when it did not answer as it should."""
        banner = await self._answer(stream, cyton_packets.RESET, self._reset_s)
        if banner is None or "Failure" in banner:
            emit(Trouble("no-reply", "the ECG board did not answer a reset"))
            return False
        await stream.write(cyton_packets.STOP)
        if not await self._keeps_time(stream):
            emit(Trouble("refused", f"the ECG board does not measure {cyton_packets.RATE:g} times a second"))
            return False
        if not await self._set_channels(stream):
            emit(Trouble("no-reply", "the ECG board did not accept a channel setting"))
            return False
        return True

    async def _set_channels(self, stream: Stream) -> bool:
        for channel in range(1, len(cyton_packets.CHANNELS) + 1):
            if not await self._set_channel(stream, channel):
                return False
        return True

    async def _keeps_time(self, stream: Stream) -> bool:
        """Whether the board has the rate that its samples are timed by, after one try to set it.

        Older firmware knows no other rate, nor the question.
        """
        for command in (cyton_packets.ASK_RATE, cyton_packets.SET_RATE):
            rate = cyton_answers.rate_said(await self._answer(stream, command, self._reply_s) or "")
            if rate in (None, cyton_packets.RATE):
                return True
        return False

    async def _set_channel(self, stream: Stream, channel: int) -> bool:
        command = cyton_packets.encode_channel(channel, self._gain)
        for _ in range(TRIES):
            if cyton_answers.accepts(await self._answer(stream, command, self._reply_s) or "", channel):
                return True
        return False

    async def _answer(self, stream: Stream, command: bytes, seconds: float) -> str | None:
        """The text that answers `command`; what came before it was sent is no answer."""
        if self._stream is not stream:
            raise _unplugged()
        texts = self._texts
        while not texts.empty():
            texts.get_nowait()
        await stream.write(command)
        try:
            async with asyncio.timeout(seconds):
                text = await texts.get()
        except TimeoutError:
            return None
        if text is None:
            raise _unplugged()
        return text

    async def _ask_for_life(self, stream: Stream, emit: Emit) -> None:
        # After this silence nothing completes a packet that a stop cut short; it would hide the answer.
        self._hear(self._framer.flush(), emit)
        # A board that streams unasked has missed its stop, and answers nothing until it has one.
        again = cyton_packets.STOP if self._unasked else b""
        self._unasked = False
        await stream.write(again + cyton_packets.VERSION)


def _unplugged() -> Unplugged:
    return Unplugged("The ECG board was unplugged before it measured: plug it in and wait until it is ready.")
