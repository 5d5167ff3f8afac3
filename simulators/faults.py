"""What can be made to go wrong, by name, and what a worn link does to the bytes on it.

Link faults: `unplug` (the cable is out), `silence` (the port is there, nothing comes or is heard), `bad-checksum` and
`dropped-bytes`. Instrument faults: `finger-out`, `loose-cuff`, `electrode-off` (all leads) and `electrode-off:V3`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from simulators.device import Frames, WrongUse
from simulators.physiology import LEADS

FaultName = Literal["unplug", "silence", "bad-checksum", "dropped-bytes", "finger-out", "loose-cuff", "electrode-off"]


@dataclass(frozen=True, slots=True)
class Wear:
    """How a worn link spoils one instrument's bytes: often enough to be met, seldom enough to be survived."""

    drop_every: int
    """One byte is lost in so many."""
    spoil_every: int = 0
    """One frame is spoilt in so many; 0 where the protocol has no checksum to find it."""
    spoil_at: int = -1
    """Index of the byte that is changed."""


WEAR: Mapping[str, Wear] = {
    "oximeter": Wear(drop_every=397, spoil_every=70),
    "tensiometer": Wear(drop_every=101, spoil_every=3),
    "thermometer": Wear(drop_every=101, spoil_every=5),
    "scale": Wear(drop_every=251),
    "ecg": Wear(drop_every=1009),
    # A byte of the reserved field: the record stays well formed, its sum no longer fits.
    "audiometer": Wear(drop_every=199, spoil_every=3, spoil_at=5),
}

_OWN: Mapping[str, tuple[FaultName, ...]] = {
    "oximeter": ("finger-out",),
    "tensiometer": ("loose-cuff",),
    "ecg": ("electrode-off",),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `lead` only for `electrode-off`, None for all leads."""

    name: FaultName
    lead: str | None = None


def accepted(instrument: str) -> tuple[str, ...]:
    """The faults that an instrument can have."""
    names: list[str] = ["unplug", "silence", "dropped-bytes"]
    if WEAR[instrument].spoil_every:
        names.append("bad-checksum")
    for name in _OWN.get(instrument, ()):
        names += [name, *(f"{name}:{lead}" for lead in LEADS)] if name == "electrode-off" else [name]
    return tuple(names)


def fault_of(instrument: str, text: str) -> Fault:
    """Read the name of a fault; raise `WrongUse` naming the accepted ones."""
    if text not in accepted(instrument):
        names = ", ".join(accepted(instrument))
        raise WrongUse(f"The {instrument} cannot have the fault “{text}”; it can have {names}.")
    name, _, lead = text.partition(":")
    return Fault(name, lead or None)  # type: ignore[arg-type]


class Link:
    """The bytes of one instrument on their way to the host, worn or not; counts go on while it is in order."""

    def __init__(self, wear: Wear) -> None:
        self._wear = wear
        self._frames = 0
        self._bytes = 0
        self.spoils = False
        self.drops = False

    def carry(self, frames: Frames) -> bytes:
        """What arrives of `frames`."""
        if self.spoils and self._wear.spoil_every:
            frames = [self._spoil(frame) for frame in frames]
        data = b"".join(frames)
        return self._drop(data) if self.drops else data

    def _spoil(self, frame: bytes) -> bytes:
        self._frames += 1
        if self._frames % self._wear.spoil_every:
            return frame
        spoilt = bytearray(frame)
        spoilt[self._wear.spoil_at] ^= 0x01
        return bytes(spoilt)

    def _drop(self, data: bytes) -> bytes:
        before = self._bytes
        self._bytes += len(data)
        every = self._wear.drop_every
        return bytes(byte for n, byte in enumerate(data, before + 1) if n % every)
