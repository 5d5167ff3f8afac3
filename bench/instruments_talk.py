"""What each simulated instrument says in a minute of its own time, frame by frame: the same bytes every time.

Instrument and driver stand face to face without a wire, in virtual time. A Bluetooth instrument is subscribed to, and
its values become the records of `drivers.gatt_records`. The one protocol without an instrument, FIPP, is spoken by
the encoder of its own file.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from drivers import DRIVERS, fipp, gatt_records
from drivers.errors import DriverError
from drivers.instrument import Instrument
from drivers.virtual_time import run
from simulators import ble_server
from simulators.body import Body
from simulators.device import Device, usb_of
from simulators.rack import MODELS
from simulators.usb_setup import Setup

TICK_S = 0.02
SETTLE_S, FAULT_S = 3.0, 4.0
LIKE = {"ieee11073": "phd-oximeter", "contec": "contec-v7"}
"""Decoders of several instruments, and the one that is listened to."""


class Facing:
    """A `drivers.stream.UsbPort` with the device itself behind it; keeps the frames that the device gave."""

    simulated = True
    interface = 0

    def __init__(self, device: Device) -> None:
        self._device = device
        self._waiting: deque[bytes] = deque()
        self.frames: list[bytes] = []
        usb = usb_of(device)
        self.extra = usb.extra if usb else b""

    async def read(self) -> bytes:
        """The next frame; looks for it every `TICK_S`."""
        while not self._waiting:
            await asyncio.sleep(TICK_S)
            self._take(self._device.produce(_now()))
        return self._waiting.popleft()

    async def write(self, data: bytes) -> None:
        """Tell the device."""
        self._take(self._device.receive(data, _now()))
        await asyncio.sleep(0)

    async def control(self, request_type: int, request: int, value: int, index: int, payload: bytes | int) -> bytes:
        """Ask the device, where it is on USB; one that does not know the request is silent."""
        sent = payload if isinstance(payload, bytes) else b""
        setup = Setup(request_type, request, value, index, len(sent) if isinstance(payload, bytes) else payload)
        asked = getattr(self._device, "control", None)
        return (asked(setup, sent, _now()) if asked else None) or b""

    def close(self) -> None:
        """Nothing is to be given back."""

    def _take(self, frames: Iterable[bytes]) -> None:
        new = list(frames)
        self._waiting.extend(new)
        self.frames += new


def driver_of(model: str) -> type[Instrument] | None:
    """The driver of a simulated instrument: its own, or that of its family; None where it is only decoded."""
    return DRIVERS.get(model) or DRIVERS.get(model.partition("-")[0])


def talk(protocol: str, seconds: float = 60.0, faults: bool = False) -> tuple[bytes, ...]:
    """The frames of a decoder's instrument in order; with `faults` each of its own comes and goes behind."""
    model = LIKE.get(protocol, protocol)
    if model == "fipp":
        return _fipp(int(seconds))
    device = MODELS[model](Body())
    if isinstance(device, ble_server.Server):
        return _radio(device, seconds, faults)
    driver = driver_of(model)
    if driver is None:
        raise KeyError(model)
    return tuple(run(_driven(device, driver(), seconds, faults)))


async def _driven(device: Device, driver: Instrument, seconds: float, faults: bool) -> list[bytes]:
    facing = Facing(device)
    device.opened(_now())
    running = asyncio.create_task(driver.run(facing, lambda _: None))
    orders = asyncio.create_task(_ordered(driver))
    await asyncio.sleep(seconds)
    for fault in device.own_faults if faults else ():
        for wrong in (True, False):
            device.fail(fault, wrong, _now())
            await asyncio.sleep(FAULT_S)
    frames = list(facing.frames)
    for task in (running, orders):
        task.cancel()
    await asyncio.gather(running, orders, return_exceptions=True)
    return frames


async def _ordered(driver: Instrument) -> None:
    """Start it, again whenever it has ended."""
    while True:
        await asyncio.sleep(SETTLE_S)
        with suppress(DriverError):
            await driver.start()


def _radio(device: ble_server.Server, seconds: float, faults: bool) -> tuple[bytes, ...]:
    """All that can be read, then all that it tells."""
    device.opened(0.0)
    records = [*_asked(device, b"R", [number for _, number, _ in ble_server.COMMON])]
    records += _asked(device, b"S", [number for _, number, bits in device.measures if bits != ble_server.READ])
    records.append(gatt_records.record(gatt_records.SETTLED, b""))
    own = [(fault, wrong) for fault in device.own_faults for wrong in (True, False)] if faults else []
    for tick in range(int((seconds + FAULT_S * len(own)) / TICK_S)):
        now = tick * TICK_S
        if own and now >= seconds and (now - seconds) % FAULT_S < TICK_S:
            device.fail(*own[min(len(own) - 1, int((now - seconds) / FAULT_S))], now)
        records += _heard(device, device.produce(now), now)
    return tuple(records)


def _asked(device: ble_server.Server, op: bytes, numbers: Iterable[int]) -> list[bytes]:
    return [
        each
        for number in numbers
        for each in _heard(device, device.receive(ble_server.message(op, number), 0.0), 0.0)
    ]


def _heard(device: ble_server.Server, messages: Iterable[bytes], now: float) -> list[bytes]:
    """The records of what it told, each acknowledged at once."""
    records, told = [], deque(messages)
    while told:
        message = told.popleft()
        number = int.from_bytes(message[1:3], "little")
        if message[:1] in (b"R", b"N", b"I") and number in gatt_records.LENGTHS:
            records.append(gatt_records.record(number, message[5:-2]))
        if message[:1] == b"I":
            told.extend(device.receive(ble_server.message(b"A", number), now))
    return records


def _fipp(count: int) -> tuple[bytes, ...]:
    version = fipp.encode_answer(fipp.COMMANDS["version"], 312, 0, 0, 0, 0, 102)
    status = fipp.encode_answer(fipp.COMMANDS["status"], 1, 2)
    return (version, status) * count


def _now() -> float:
    return asyncio.get_running_loop().time()
