"""Nonin serial formats 2 and 7, the ones with a waveform: frames -> pleth, SpO2, pulse rate; pure.

The frames are in `drivers.nonin_frames`.

Time that was lost is never guessed. Damaged bytes still count, so their frames are known to be missing and the sample
index jumps over them. Where bytes themselves are missing, only the packet timer of the 9560 family tells how many
samples went with them, and it is believed only after it was seen to count packets; without it (OEM III: the content
is reserved) the index starts again at 0. Either way there is a `Trouble("lost-samples")`.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from drivers.events import Event, Identity, NoValue, Reading, Trouble, Value, Wave, Why
from drivers.nonin_frames import (
    ARTF,
    FORMAT_2,
    FORMAT_7,
    FRAMES,
    GPRF,
    HR_RANGE,
    LOW_BATTERY,
    NO_HR,
    NO_SPO2,
    OOT,
    RATE,
    RPRF,
    SLOTS,
    SNSA,
    SNSD,
    SPA,
    SPO2_RANGE,
    Frame,
    Framer,
    Item,
    Layout,
    Loss,
)

WAVE_FRAMES = 5
"""A `Wave` ends at every fifth frame of a packet: 15 a second."""
LONGEST_GAP = 180
"""Packets (60 s): a timer that jumps further was restarted."""


class _PacketTimer:
    """The 9560's count of packets (14 bits, thirds of a second) against the sample index."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self.trusted = False

    def lost(self, timer: int, index: int) -> int:
        """Samples that went unnoticed before the packet that seemed to begin at `index`."""
        last, self._last = self._last, (timer, index) if timer or self._last else None
        if last is None:
            return 0
        unseen = (timer - last[0]) % 2**14 - (index - last[1]) // FRAMES
        if not (self.trusted and 0 < unseen <= LONGEST_GAP):
            self.trusted = unseen == 0
            return 0
        self._last = (timer, index + unseen * FRAMES)
        return unseen * FRAMES

    def begin(self, timer: int) -> int | None:
        """Sample index at which the packet with this timer began; None where the timer cannot tell."""
        if self._last is None or not self.trusted:
            return None
        passed = (timer - self._last[0]) % 2**14
        return self._last[1] + passed * FRAMES if 0 < passed <= LONGEST_GAP else None


class Format7:
    """Format 7 bytes, in any cut -> events; pure.

    `Wave("pleth")` at 75 Hz in counts (0..65535), with the flags "finger-out", "sensor-disconnected", "out-of-track",
    "artifact", "low-perfusion" (red), "marginal-perfusion" (yellow) and "pulse" (the device's own mark of a beat).
    After each whole packet, three a second, one `Reading` of spo2 (%) and one of pulse_rate (/min): the averages of
    four beats, never the display values, and `NoValue` if any of its frames says that the sensor or the finger is not
    in place. `Identity` when the firmware number is first heard, or changes.
    """

    layout: ClassVar[Layout] = FORMAT_7

    def __init__(self) -> None:
        self._framer = Framer(self.layout)
        self._timer = _PacketTimer()
        self._index: int | None = 0
        """Index of the next sample; None while the timer has still to tell it."""
        self._end = 0
        """Index after the last sample before the hole."""
        self._held: list[Frame] = []
        self._wave: list[Frame] = []
        self._packet: list[Frame] = []
        self._firmware: int | None = None

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data` and what was kept before; never raises."""
        events: list[Event] = []
        for item in self._framer.feed(data):
            events += self._take(item)
        return events

    def _take(self, item: Item) -> list[Event]:
        if isinstance(item, Frame):
            return self._frame(item)
        self._packet = []
        events = self._flush()
        return [*events, item] if isinstance(item, Trouble) else [*events, *self._lose(item)]

    def _lose(self, loss: Loss) -> list[Event]:
        self._held = []
        if self._index is None:
            return []
        if loss.frames is not None:
            self._index += loss.frames
            return [Trouble("lost-samples", "damaged frames", loss.frames)]
        self._end, self._index = self._index, None
        return [] if self._timer.trusted else self._restart()

    def _restart(self) -> list[Event]:
        self._timer = _PacketTimer()
        self._index = 0
        return [Trouble("lost-samples", "nobody knows how many: the sample index starts again")]

    def _frame(self, frame: Frame) -> list[Event]:
        if frame.number == 1:
            self._packet = []
        if len(self._packet) == frame.number - 1:
            self._packet.append(frame)
        events = self._clock(frame) if frame.number == SLOTS["tmr"][-1] == len(self._packet) else []
        if self._index is None:
            self._held.append(frame)
        else:
            events += self._sample(frame, self._index)
        return events + self._numbers() if len(self._packet) == FRAMES else events

    def _clock(self, frame: Frame) -> list[Event]:
        """Set the index right by the packet's timer, which is whole with this frame."""
        before = frame.number - 1
        timer = self._number("tmr")
        if self._index is not None:
            unseen = self._timer.lost(timer, self._index - before)
            if not unseen:
                return []
            events = self._flush()
            self._index += unseen
            return [*events, Trouble("lost-samples", "by the timer", unseen)]
        begin = self._timer.begin(timer)
        first = None if begin is None else begin + before - len(self._held)
        if first is None or first < self._end:
            first = 0
            events = self._restart()
        else:
            events = [Trouble("lost-samples", "by the timer", first - self._end)]
        held, self._held = self._held, []
        for index, earlier in enumerate(held, first):
            events += self._sample(earlier, index)
        self._timer.lost(timer, first + len(held) - before)
        return events

    def _sample(self, frame: Frame, index: int) -> list[Event]:
        """Add one sample to the run that makes a wave; a run ends where its flags change."""
        events = self._flush() if self._wave and flags(self._wave[0].status) != flags(frame.status) else []
        self._wave.append(frame)
        self._index = index + 1
        return events + self._flush() if frame.number % WAVE_FRAMES == 0 else events

    def flush(self) -> list[Event]:
        """The samples that still wait for their wave to be full, at the end of a capture."""
        return self._flush()

    def _flush(self) -> list[Event]:
        run, self._wave = self._wave, []
        if not run or self._index is None:
            return []
        samples = tuple((float(frame.pleth),) for frame in run)
        return [Wave("pleth", self._index - len(run), RATE, "1", ("pleth",), samples, flags(run[0].status))]

    def _numbers(self) -> list[Event]:
        """What a whole packet says beside its waveform."""
        status = 0
        said: frozenset[str] = frozenset()
        for frame in self._packet:
            status |= frame.status
            said |= flags(frame.status) - {"pulse"}
        # STAT2 is reserved where there is no timer.
        stat2 = self._number("stat2") if self._timer.trusted else 0
        said |= {name for bit, name in ((SPA, "smartpoint"), (LOW_BATTERY, "low-battery")) if stat2 & bit}
        spo2 = _value(self._number("spo2"), status, NO_SPO2, SPO2_RANGE)
        rate = _value(self._number("hr") & NO_HR, status, NO_HR, HR_RANGE)
        events: list[Event] = [
            Reading("spo2", spo2, "%", said, {"averaging": "4-beat"}),
            Reading("pulse_rate", rate, "/min", said, {"averaging": "4-beat"}),
        ]
        firmware = self._number("srev")
        if firmware != self._firmware:
            self._firmware = firmware
            events.insert(0, Identity(f"Nonin, serial format {self.layout.form}", firmware=str(firmware)))
        self._packet = []
        return events

    def _number(self, name: str) -> int:
        number = 0
        for slot in SLOTS[name]:
            number = number << 7 | self._packet[slot - 1].value & 0x7F
        return number


class Format2(Format7):
    """The same with format 2 bytes: the pleth has 8 bits (0..254)."""

    layout: ClassVar[Layout] = FORMAT_2


_ALARMS: tuple[tuple[int, Why], ...] = (
    (SNSD, "sensor-disconnected"),
    (SNSA, "finger-out"),
    (OOT, "out-of-track"),
)


@cache
def flags(status: int) -> frozenset[str]:
    """The words of one STATUS byte."""
    said: set[str] = {why for bit, why in _ALARMS if status & bit}
    if status & ARTF:
        said.add("artifact")
    match status & (RPRF | GPRF):
        case 0x04:
            said |= {"pulse", "low-perfusion"}
        case 0x06:
            said |= {"pulse", "marginal-perfusion"}
        case 0x02:
            said.add("pulse")
    return frozenset(said)


def _value(number: int, status: int, missing: int, limits: tuple[int, int]) -> Value:
    for bit, why in _ALARMS:
        if status & bit:
            return NoValue(why)
    if number == missing:
        return NoValue("missing")
    return float(number) if limits[0] <= number <= limits[1] else NoValue("out-of-range")
