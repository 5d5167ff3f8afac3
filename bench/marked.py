"""Instruments whose every sample says which one it is, so that it is known again at the other end; pure.

They speak as the real ones do (Nonin format 7, OpenBCI Cyton), but sample number n has the value n: in counts on the
oximeter, in steps of `STEP_MV` on every lead of the ECG. Up to `MOST` samples cross a wave frame unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from drivers import cyton_packets, nonin_frames
from simulators.cyton_commands import Board

MOST = 32_000
STEP_MV = 0.001


class Marked(Protocol):
    """One instrument: what it answers, and its next sample."""

    name: str
    stream: str
    """Name of its waveform on the API."""
    rate: float

    def receive(self, data: bytes, now: float) -> bytes:
        """The answer to what the host wrote."""
        ...

    def sample(self, index: int) -> bytes:
        """The bytes of sample `index`, from 0."""
        ...

    def streaming(self) -> bool:
        """Whether samples flow."""
        ...

    def index(self, value: float) -> int:
        """The sample that has this value in the unit of the stream; raises ValueError for a value that none has."""
        ...


class MarkedOximeter:
    """A Nonin module that pushes from the first moment."""

    name = "oximeter"
    stream = "pleth"
    rate = nonin_frames.RATE

    def __init__(self) -> None:
        self._floats = nonin_frames.encode_floats({"hr": 60, "spo2": 97, "e_hr": 60, "e_spo2": 97})

    def receive(self, data: bytes, now: float) -> bytes:  # noqa: ARG002
        """Nothing: the module takes no command."""
        return b""

    def sample(self, index: int) -> bytes:
        """One frame."""
        place = index % nonin_frames.FRAMES
        return nonin_frames.encode_frame(0 if place else nonin_frames.SYNC, index, self._floats[place])

    def streaming(self) -> bool:
        """Always."""
        return True

    def index(self, value: float) -> int:
        """A count is its own number."""
        return whole(value)


class MarkedEcg:
    """A Cyton board that streams when it is told to."""

    name = "ecg"
    stream = "ecg"
    rate = cyton_packets.RATE

    def __init__(self) -> None:
        self._board = Board()

    def receive(self, data: bytes, now: float) -> bytes:
        """What the board answers."""
        return "".join(self._board.feed(data, now)).encode("ascii")

    def sample(self, index: int) -> bytes:
        """One packet, the same voltage on every channel."""
        counts = [cyton_packets.counts(index * STEP_MV, channel.gain) for channel in self._board.channels]
        return cyton_packets.encode_packet(index, counts)

    def streaming(self) -> bool:
        """Between the board's `b` and `s`."""
        return self._board.streaming

    def index(self, value: float) -> int:
        """A voltage is a number of steps."""
        return whole(value / STEP_MV)


def whole(value: float) -> int:
    """The whole number that this is but for rounding on the way; raises ValueError where it is none."""
    if abs(value - round(value)) > 0.3:
        raise ValueError("a value that no sample has")
    return round(value)


def known_again(instrument: Marked, values: Sequence[float | None]) -> list[int]:
    """The numbers of the samples of one frame; raises ValueError unless they follow each other."""
    if None in values:
        raise ValueError("a frame without a sample")
    numbers = [instrument.index(value) for value in values if value is not None]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise ValueError("samples that do not follow each other")
    return numbers
