"""An OpenBCI Cyton board with its dongle: eight channels of 24 bits, 250 packets of 33 bytes a second once started.

Protocol sheet ecg-cyton (OpenBCI_Cyton_Library, MIT): channels 1 to 8 carry I, II, V1 to V6. A channel whose
electrode is off is railed at full scale. The radio link of the dongle carries 250 samples a second and no other rate.
"""

from __future__ import annotations

from math import ceil
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.body import Array, Body
from simulators.cyton_commands import BANNER, Board
from simulators.device import BodyFault, Frames, Wear
from simulators.physiology import LEADS

RATE = 250
VREF_V = 4.5
FULL = (1 << 23) - 1
RAILED = FULL
NOISE_MV = 0.006
"""Muscle and amplifier, RMS."""
HUM_MV = 0.01
HUM_HZ = 50.0
OFFSET_MV = 1.5
"""Contact potential of an electrode: each lead stands a little off zero, and drifts with the breath."""
TEST_MV = 1000 * VREF_V / 2400
"""Amplitude of the internal test signal (ADS1299)."""
GRAVITY = 8192
"""1 g on the accelerometer, 0.002/16 g per count; sent with every tenth packet."""
BURST, BURST_EVERY = 60, 500
"""Packets that a radio burst costs, and of how many."""
OFF = "Failure: Communications timeout - Device failed to poll Host$$$"


class Leads(Protocol):
    """Where the electrodes lead to: the body, or a recording of one."""

    def start(self, now: float) -> int:
        """Index, at `RATE`, of the first sample of a stream that starts at `now`."""
        ...

    def leads(self, first: int, count: int) -> Array:
        """`LEADS` in mV, shape (count, 8); NaN where there is no electrode."""
        ...


class BodyLeads:
    """The chest of the synthetic person, with what real electrodes add."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rng = np.random.default_rng((body.seed, 250))
        self._offset = OFFSET_MV * self._rng.uniform(-1, 1, len(LEADS))

    def start(self, now: float) -> int:
        """The body is where it is."""
        return ceil(now * RATE)

    def leads(self, first: int, count: int) -> Array:
        """The body's leads with contact potential, breath, mains and noise."""
        t = np.arange(first, first + count) / RATE
        breath = 0.05 * np.sin(2 * np.pi * 0.25 * t) + HUM_MV * np.sin(2 * np.pi * HUM_HZ * t)
        noise = NOISE_MV * self._rng.standard_normal((count, len(LEADS)))
        return np.asarray(self._body.ecg(t) + breath[:, None] + self._offset + noise)


class Ecg:
    """The board; `leads` replaces the body's chest by a recording.

    Its own faults: "radio-burst" (a quarter of a second is lost every two), "board-off" (only the dongle answers),
    "no-banner" (a reset is not answered), "railed" (the amplifier of V1 stands at its end), "wrong-channel" (each
    setting is answered for another channel) and "wrong-rate" (it says that it measures at another rate).
    """

    kind: ClassVar[str] = "ecg"
    wear: ClassVar[Wear] = Wear(drop_every=1009)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ("electrode-off",)
    own_faults: ClassVar[tuple[str, ...]] = (
        "radio-burst",
        "board-off",
        "no-banner",
        "railed",
        "wrong-channel",
        "wrong-rate",
    )

    def __init__(self, body: Body, leads: Leads | None = None) -> None:
        self._body = body
        self._leads: Leads = leads or BodyLeads(body)
        self._board = Board()
        self._began = 0.0
        self._first = self._next = 0
        self._sent = 0
        self._wrong: set[str] = set()

    def opened(self, now: float) -> None:
        """The board does not notice: it goes on with what it was told before."""

    def receive(self, data: bytes, now: float) -> Frames:
        """Obey the commands; the answers end with `$$$`. While it streams only data is sent."""
        if "board-off" in self._wrong:
            return [OFF.encode("ascii")] if data.strip(b"bs") else []
        starts = self._board.starts
        answers = self._board.feed(data, now)
        if self._board.starts > starts:
            self._first = self._next = self._leads.start(now)
            self._began, self._sent = now, 0
        return [answer.encode("ascii") for answer in map(self._spoilt, answers) if answer]

    def fail(self, fault: str, wrong: bool, now: float) -> None:  # noqa: ARG002
        """Begin or end one of its own faults; a board that is switched off has forgotten its settings."""
        (self._wrong.add if wrong else self._wrong.discard)(fault)
        if fault == "board-off" and wrong:
            self._board = Board()

    def _spoilt(self, answer: str) -> str:
        """What is said in place of a right answer."""
        if "no-banner" in self._wrong and answer == BANNER:
            return ""
        if "wrong-channel" in self._wrong and answer.startswith("Success: Channel set for"):
            return "Success: Channel set for 9$$$"
        if "wrong-rate" in self._wrong and "Sample rate" in answer:
            return "Sample rate is 1000Hz$$$"
        return answer

    def produce(self, now: float) -> Frames:
        """Packets up to `now` while streaming."""
        said = [answer.encode("ascii") for answer in self._board.expire(now)]
        if not self._board.streaming:
            return said
        due = self._first + int((now - self._began) * RATE) - self._next
        if due <= 0:
            return said
        packets = self._packets(self._counts(due))
        if "radio-burst" in self._wrong:
            number = np.arange(self._sent, self._sent + due)
            packets = packets[number % BURST_EVERY >= BURST]
        self._next += due
        self._sent += due
        data = packets.tobytes()
        return said + [data[i : i + 33] for i in range(0, len(data), 33)]

    def _counts(self, due: int) -> NDArray[np.int64]:
        t = np.arange(self._next, self._next + due) / RATE
        volts = self._leads.leads(self._next, due)
        counts = np.zeros((due, len(LEADS)), dtype=np.int64)
        for n, (lead, channel) in enumerate(zip(LEADS, self._board.channels, strict=True)):
            scale = channel.gain * FULL / (1000 * VREF_V)
            if channel.source == "electrodes":
                worn = lead in self._body.presence.electrodes_on
                counts[:, n] = _quantise(volts[:, n] if worn else np.full(due, np.nan), scale)
            elif channel.source == "test":
                counts[:, n] = _quantise(_square(t, self._board.test_height, self._board.test_hz), scale)
        if "railed" in self._wrong:
            counts[:, LEADS.index("V1")] = RAILED
        return counts

    def _packets(self, counts: NDArray[np.int64]) -> NDArray[np.uint8]:
        number = np.arange(self._sent, self._sent + len(counts))
        rows = np.zeros((len(counts), 33), dtype=np.uint8)
        rows[:, 0] = 0xA0
        rows[:, 1] = number & 0xFF
        for byte, shift in enumerate((16, 8, 0)):
            rows[:, 2 + byte : 26 : 3] = (counts >> shift) & 0xFF
        if self._board.stamped:
            # C4: two bytes of one axis, here the upright one in its turn, then the board's milliseconds.
            rows[number % 10 == 9, 26:28] = divmod(GRAVITY, 256)
            stamps = ((self._next + np.arange(len(counts))) * 1000 // RATE).astype(">u4")
            rows[:, 28:32], rows[:, 32] = stamps.view(np.uint8).reshape(-1, 4), 0xC4
        else:
            rows[number % 10 == 0, 30:32] = divmod(GRAVITY, 256)
            rows[:, 32] = 0xC0
        return rows


def _quantise(millivolts: Array, scale: float) -> NDArray[np.int64]:
    """Counts of the converter, clipped at its ends; NaN is an open input, railed."""
    open_input = np.isnan(millivolts)
    counts = np.clip(np.rint(np.where(open_input, 0.0, millivolts) * scale), -FULL - 1, FULL).astype(np.int64)
    counts[open_input] = RAILED
    return counts


def _square(t: Array, height: int, hertz: float) -> Array:
    """The internal test signal in mV; a rate of 0 is a steady level."""
    if not hertz:
        return np.full(len(t), height * TEST_MV)
    return np.asarray(height * TEST_MV * np.where((t * hertz) % 1.0 < 0.5, 1.0, -1.0))
