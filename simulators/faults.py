"""What can be made to go wrong, by name, and what a worn link does to the bytes on it.

Link faults: `unplug` (the cable is out), `silence` (the port is there, nothing comes or is heard), `bad-checksum` and
`dropped-bytes`; on USB also `stall`, `busy` and `usb-timeout`. Instrument faults: `finger-out`, `loose-cuff`,
`electrode-off` (all leads) and `electrode-off:V3`.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.device import Device, Frames, Wear, WrongUse, usb_of
from simulators.physiology import LEADS

LINK_FAULTS = ("unplug", "silence", "dropped-bytes")
"""Those that every instrument can have."""
USB_FAULTS = ("stall", "busy", "usb-timeout")
"""Those that every instrument on USB can have as well."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `lead` only for `electrode-off`, None for all leads."""

    name: str
    lead: str | None = None


def accepted(device: type[Device]) -> tuple[str, ...]:
    """The faults that an instrument can have."""
    names: list[str] = [*LINK_FAULTS, *(USB_FAULTS if usb_of(device) else ())]
    if device.wear.spoil_every:
        names.append("bad-checksum")
    for name in device.body_faults:
        names += [name, *(f"{name}:{lead}" for lead in LEADS)] if name == "electrode-off" else [name]
    return (*names, *device.own_faults)


def fault_of(instrument: str, device: type[Device], text: str) -> Fault:
    """Read the name of a fault of `instrument`; raise `WrongUse` naming the accepted ones."""
    if text not in accepted(device):
        names = ", ".join(accepted(device))
        raise WrongUse(f"The {instrument} cannot have the fault “{text}”; it can have {names}.")
    name, _, lead = text.partition(":")
    return Fault(name, lead or None) if name == "electrode-off" else Fault(text)


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
        return b"".join(self.pieces(frames))

    def pieces(self, frames: Frames) -> Frames:
        """What arrives of each of `frames`."""
        if self.spoils and self._wear.spoil_every:
            frames = [self._spoil(frame) for frame in frames]
        return [self._drop(frame) for frame in frames] if self.drops else frames

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
