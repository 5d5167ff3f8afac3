"""One simulated instrument on its wire, with the faults that somebody has put there."""

from __future__ import annotations

from collections.abc import Callable

from simulators.body import Body
from simulators.device import Clock, Device, Frames, usb_of
from simulators.faults import USB_FAULTS, Fault, Link, accepted, fault_of
from simulators.physiology import LEADS
from simulators.usb_setup import Setup
from simulators.usb_wire import UsbWire
from simulators.wire import Host, Wire


class Station:
    """A device, its wire and its faults; `tick` is called again and again by whoever has the loop."""

    def __init__(self, device: Device, make_wire: Callable[[Host], Wire], body: Body, clock: Clock) -> None:
        self._device, self._body, self._clock = device, body, clock
        self._link = Link(device.wear)
        self._silent = False
        self._wire = make_wire(Host(self._opened, self._wrote, self._control))

    @property
    def url(self) -> str:
        """What a driver opens."""
        return self._wire.url

    def fault_of(self, instrument: str, text: str) -> Fault:
        """One of its faults by name; raises `WrongUse` naming them."""
        return fault_of(instrument, type(self._device), text)

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of those that it can have."""
        return accepted(type(self._device))

    def plug(self) -> None:
        """Put the wire in; raise `SimulatorError` when its place is taken."""
        self._wire.plug()

    def unplug(self) -> None:
        """Take the wire out; nothing of it is left."""
        self._wire.unplug()

    def tick(self) -> None:
        """Send what has fallen due."""
        self._wire.poll()
        self._deliver(self._device.produce(self._clock.now()))

    def apply(self, fault: Fault) -> None:
        """Make `fault` happen; again is no different from once."""
        self._set(fault, wrong=True)

    def clear(self, fault: Fault) -> None:
        """End `fault`; nothing happens when it was not there."""
        self._set(fault, wrong=False)

    def _set(self, fault: Fault, wrong: bool) -> None:
        match fault.name:
            case "unplug":
                self._wire.unplug() if wrong else self._wire.plug()
            case "silence":
                self._silent = wrong
            case port if port in USB_FAULTS and isinstance(self._wire, UsbWire):
                self._wire.fail(port, wrong)
            case "bad-checksum":
                self._link.spoils = wrong
            case "dropped-bytes":
                self._link.drops = wrong
            case "finger-out":
                self._touch("finger_in", not wrong)
            case "loose-cuff":
                self._touch("cuff_on", not wrong)
            case "electrode-off":
                leads = {fault.lead} if fault.lead else set(LEADS)
                worn = self._body.presence.electrodes_on
                self._touch("electrodes_on", worn - leads if wrong else worn | leads)
            case own:
                self._device.fail(own, wrong, self._clock.now())

    def _touch(self, name: str, value: object) -> None:
        self._body.change(self._clock.now(), {name: value})

    def _opened(self) -> None:
        self._device.opened(self._clock.now())

    def _wrote(self, data: bytes) -> None:
        if not self._silent:
            self._deliver(self._device.receive(data, self._clock.now()))

    def _control(self, setup: Setup, data: bytes) -> bytes | None:
        """A control request; a deaf device acknowledges, and answers with nothing."""
        if self._silent:
            return b""
        hook: Callable[[Setup, bytes, float], bytes | None] | None = getattr(self._device, "control", None)
        return hook(setup, data, self._clock.now()) if hook else None

    def _deliver(self, frames: Frames) -> None:
        if not frames or self._silent:
            return
        # On USB a frame is a transfer of its own; on a serial line nobody sees where one ends.
        whole = self._link.pieces(frames) if usb_of(self._device) else [self._link.carry(frames)]
        for data in whole:
            self._wire.send(data)
