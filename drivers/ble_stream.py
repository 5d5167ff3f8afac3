"""A Bluetooth LE connection as a stream: `ble://AA:BB:CC:DD:EE:FF` by this machine's adapter, `ble-sim://PATH`.

Opening connects, reads what the instrument says of itself (device information, battery, clock) and subscribes to the
values that the driver's `BleLine` names; all of that is done again each time. Each value becomes one record of
`drivers.gatt_records`. Once no stored value has come for `RUSH_S` the record `SETTLED` follows. The Bluetooth service
of the machine confirms indications itself. An emulated instrument meets the very same code on another backend of
bleak.

Instruments that measure only for whom they are paired with are paired beforehand (`bluetoothctl pair`): the cabin has
no agent that could be asked for a number.

An adapter makes one connection at a time, although it may hold several: connecting waits for its turn.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from drivers import gatt_records as gatt
from drivers.errors import Absent, DriverError, PortError, Unplugged
from drivers.stream import BleLine

if TYPE_CHECKING:  # bleak takes its time to load, and most cabins do without
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.client import BaseBleakClient

CONNECT_S = 10.0
"""Longest wait for an instrument to be found: one that sleeps must not keep the others from their turn for long."""
OPEN_S = 20.0
"""Longest time for the whole of an opening."""
WRITE_S = 3.0
RUSH_S = 5.0
"""So long after the last value that may have been stored, the instrument's memory is taken to be empty."""
MOST_WAITING = 1000
"""Records kept for a reader that does not come."""

READ_FIRST = (
    gatt.MAKER,
    gatt.MODEL,
    gatt.SERIAL,
    gatt.FIRMWARE,
    gatt.BATTERY,
    gatt.CURRENT_TIME,
    gatt.DATE_TIME,
    gatt.TEMPERATURE_TYPE,
)
"""What is read at each opening, where the instrument has it."""

_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_CLOSING: set[asyncio.Task[None]] = set()


async def open_ble(url: str, line: BleLine) -> BleStream:
    """Connect and subscribe. Raises `Absent` when the instrument does not answer, `PortError` for everything else."""
    kind, _, address = url.partition("://")
    if kind == "ble" and not _ADDRESS.fullmatch(address):
        raise PortError(f"{url!r} is no Bluetooth address: give one such as ble://AA:BB:CC:DD:EE:FF.")
    stream = BleStream(url, address, _emulated() if kind == "ble-sim" else None)
    try:
        await _given_back()
        async with _turn(), _sentences(url, stream.is_connected), asyncio.timeout(OPEN_S):
            await stream.connect(line)
    except BaseException:
        stream.close()
        raise
    return stream


def _emulated() -> type[BaseBleakClient]:
    from drivers.ble_sim import SimulatedClient

    return SimulatedClient


async def _given_back() -> None:
    """Wait for the connections that are ending: an instrument with two of them at once answers neither."""
    loop = asyncio.get_running_loop()
    ending = [task for task in _CLOSING if task.get_loop() is loop]
    if ending:
        await asyncio.wait(ending)


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """One connection is made, or ended, at a time."""
    async with _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        yield


@asynccontextmanager
async def _sentences(url: str, is_connected: Callable[[], bool]) -> AsyncIterator[None]:
    """Turn what bleak and the system say while connecting into this house's errors."""
    from bleak.exc import BleakBluetoothNotAvailableError, BleakDeviceNotFoundError, BleakError

    try:
        yield
    except DriverError:
        raise
    except BleakBluetoothNotAvailableError as error:
        raise PortError(_no_bluetooth("DENIED" in error.reason.name)) from error
    except (BleakDeviceNotFoundError, TimeoutError) as error:
        raise Absent(
            f"No instrument answers at {url}: switch it on beside the cabin, or correct the address."
        ) from error
    except BleakError as error:
        # One that hangs up by itself may only have been carried away.
        kind = PortError if is_connected() else Absent
        raise kind(f"The instrument at {url} refused: pair it with this machine alone, and keep it near.") from error
    except (OSError, EOFError) as error:
        raise PortError(
            "The Bluetooth service of this machine does not answer: install bluez, and start bluetooth.service."
        ) from error


def _no_bluetooth(denied: bool) -> str:
    if denied:
        return "Bluetooth is forbidden to this account: add it to the group bluetooth."
    return "This machine has no Bluetooth adapter that is switched on: plug one in, and start bluetooth.service."


class BleStream:
    """A connection; `read` returns whole records."""

    def __init__(self, url: str, address: str, backend: type[BaseBleakClient] | None) -> None:
        from bleak import BleakClient

        self.simulated = backend is not None
        self._url = url
        self._client = BleakClient(address, lambda _: self._end(), timeout=CONNECT_S, backend=backend)
        self._waiting: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._more = asyncio.Event()
        self._open, self._closed, self._reading = True, False, False
        self._rush: asyncio.TimerHandle | None = None

    async def connect(self, line: BleLine) -> None:
        """Connect, read what it says of itself, subscribe; raises what bleak raises, and `PortError`."""
        await self._client.connect()
        wanted = [one for each in line.characteristics for one in self._found(each, {"notify", "indicate"})]
        if not wanted:
            raise PortError(
                f"The instrument at {self._url} does not measure that: correct the address or the protocol."
            )
        for characteristic in (one for each in READ_FIRST for one in self._found(each, {"read"})):
            await self._read_first(characteristic)
        for characteristic in wanted:
            await self._client.start_notify(characteristic, self._told)
        self._expect_more()

    def is_connected(self) -> bool:
        """Whether the radio holds the connection."""
        return self._client.is_connected

    async def read(self) -> bytes:
        """Wait for a record and return it; raise `Unplugged` when the connection ended."""
        if self._reading:
            raise PortError(f"{self._url} is being read already: give each connection one reader.")
        self._reading = True
        try:
            while not self._waiting:
                if not self._open:
                    raise self._gone()
                self._more.clear()
                await self._more.wait()
            return self._waiting.popleft()
        finally:
            self._reading = False

    async def write(self, data: bytes) -> None:
        """Write the characteristic of each record in `data`; raise `DriverError` where the instrument refuses."""
        from bleak.exc import BleakError

        for found in gatt.Records().feed(data):
            if not self._open:
                raise self._gone()
            if isinstance(found, int):
                raise DriverError("What was to be written is no record: give a characteristic and its value.")
            try:
                async with asyncio.timeout(WRITE_S):
                    await self._client.write_gatt_char(_uuid(found[0]), found[1], response=True)
            except (BleakError, TimeoutError, OSError) as error:
                raise self._refused() from error

    def close(self) -> None:
        """Give the connection back; it ends in its own turn. Idempotent."""
        self._end()
        if not self._closed:
            self._closed = True
            task = asyncio.get_running_loop().create_task(self._disconnect())
            _CLOSING.add(task)
            task.add_done_callback(_CLOSING.discard)

    async def _disconnect(self) -> None:
        # A connection that will not end is none of the next one's business.
        with suppress(Exception):
            async with _turn(), asyncio.timeout(CONNECT_S):
                await self._client.disconnect()

    def _found(self, number: int, properties: set[str]) -> Iterator[BleakGATTCharacteristic]:
        """The characteristics of a number that can do one of these; an instrument may have several."""
        for one in self._client.services.characteristics.values():
            if one.uuid == _uuid(number) and properties & set(one.properties):
                yield one

    async def _read_first(self, characteristic: BleakGATTCharacteristic) -> None:
        from bleak.exc import BleakError

        # Some instruments keep these to whom they are paired with, and measure for everybody.
        with suppress(BleakError):
            self._put(characteristic, await self._client.read_gatt_char(characteristic))

    def _told(self, characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
        self._put(characteristic, value)
        if self._rush is not None and "indicate" in characteristic.properties:
            self._expect_more()

    def _expect_more(self) -> None:
        """Values that may have been stored are indicated; wait until no more of them come."""
        if self._rush is not None:
            self._rush.cancel()
        self._rush = asyncio.get_running_loop().call_later(RUSH_S, self._settled)

    def _settled(self) -> None:
        self._rush = None
        self._waiting.append(gatt.record(gatt.SETTLED, b""))
        self._more.set()

    def _put(self, characteristic: BleakGATTCharacteristic, value: bytes | bytearray) -> None:
        self._waiting.append(gatt.record(int(characteristic.uuid[:8], 16), bytes(value)))
        self._more.set()

    def _end(self) -> None:
        """The connection is over: what came before is still read."""
        self._open = False
        if self._rush is not None:
            self._rush.cancel()
            self._rush = None
        self._more.set()

    def _gone(self) -> Unplugged:
        return Unplugged(f"The instrument at {self._url} ended its connection: switch it on beside the cabin.")

    def _refused(self) -> DriverError:
        if not self._open:
            return self._gone()
        return DriverError(f"The instrument at {self._url} does not let itself be set: set it by its own buttons.")


def _uuid(number: int) -> str:
    """A 16-bit number as Bluetooth writes it in full."""
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"
