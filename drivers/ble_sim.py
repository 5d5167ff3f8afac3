"""A backend of bleak that meets emulated instruments over a unix socket, in place of this machine's adapter.

One message is `op u8 | number u16 | length u16 | payload | crc u16`, little-endian; the CRC (CCITT, from 0) stands
for the radio's own. The number is that of a characteristic, or 0.

| op | from | payload | answered by |
|---|---|---|---|
| `D` discover | host | | `D` with `service u16, characteristic u16, properties u16` for each; `X`: no adapter |
| `R` read | host | | `R` with the value, or `E` with one byte, the ATT error code |
| `W` write | host | the value | `W`, or `E` |
| `S` subscribe, `U` unsubscribe | host | | the same, or `E` |
| `N` notify | instrument | the value | |
| `I` indicate | instrument | the value | `A`; the next one waits for it |

A message that is broken ends the connection, as do both ends of the socket. Read `drivers.ble_stream` first: this
file imports bleak, and is only imported where a `ble-sim://` address is opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from binascii import crc_hqx
from typing import Any

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bleak.uuids import normalize_uuid_16

HEAD = struct.Struct("<cHH")
ENTRY = struct.Struct("<HHH")
ANSWER_S = 2.0
"""An ATT request that is not answered in this time ends the connection (30 s on a real one)."""


def encode(op: bytes, number: int = 0, payload: bytes = b"") -> bytes:
    """One message."""
    body = HEAD.pack(op, number, len(payload)) + payload
    return body + crc_hqx(body, 0).to_bytes(2, "little")


class SimulatedClient(BaseBleakClient):
    """One connection to one emulated instrument; `address` is the path of its socket."""

    def __init__(self, address: str, **settings: Any) -> None:
        callback, timeout = settings["disconnected_callback"], settings["timeout"]
        super().__init__(address, disconnected_callback=callback, timeout=timeout)
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._callbacks: dict[int, NotifyCallback] = {}
        self._answer: asyncio.Future[tuple[bytes, bytes]] | None = None
        self._request = asyncio.Lock()

    @property
    def name(self) -> str:
        """The path: it advertises nothing."""
        return self.address

    @property
    def mtu_size(self) -> int:
        """As BlueZ says it of every connection."""
        return 23

    @property
    def is_connected(self) -> bool:
        """Whether the socket is open."""
        return self._writer is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: ARG002 - the interface of bleak
        """Connect and discover; raises as the BlueZ backend does."""
        try:
            reader, self._writer = await asyncio.open_unix_connection(self.address)
        except OSError as error:
            raise BleakDeviceNotFoundError(self.address) from error
        self._listening = asyncio.create_task(self._listen(reader))
        try:
            op, table = await self._ask(b"D")
        except BleakError as error:
            # It has another host already, and is not to be found.
            raise BleakDeviceNotFoundError(self.address) from error
        except BaseException:
            self._hang_up()
            raise
        if op == b"X":
            self._hang_up()
            raise BleakBluetoothNotAvailableError("emulated", BleakBluetoothNotAvailableReason.NO_BLUETOOTH)
        self.services = _services(table)

    async def disconnect(self) -> None:
        """Close the socket, and wait until it is."""
        writer = self._writer
        self._hang_up()
        if writer is not None:
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to pair with."""

    async def unpair(self) -> None:
        """Nothing to forget."""

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> bytearray:
        """Read one value."""
        return bytearray((await self._ask(b"R", characteristic.handle))[1])

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: ARG002
    ) -> None:
        """Write one value; it is always confirmed."""
        await self._ask(b"W", characteristic.handle, bytes(data))

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Subscribe to one characteristic."""
        self._callbacks[characteristic.handle] = callback
        await self._ask(b"S", characteristic.handle)

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """End a subscription."""
        await self._ask(b"U", characteristic.handle)
        self._callbacks.pop(characteristic.handle, None)

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,  # noqa: ARG002
        *,
        use_cached: bool = False,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> bytearray:
        """There are none."""
        raise BleakError("An emulated instrument has no descriptors.")

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:  # noqa: ARG002
        """There are none."""
        raise BleakError("An emulated instrument has no descriptors.")

    async def _ask(self, op: bytes, number: int = 0, payload: bytes = b"") -> tuple[bytes, bytes]:
        """One request and its answer: ATT allows one at a time."""
        async with self._request:
            if self._writer is None:
                raise BleakError("Not connected")
            self._answer = asyncio.get_running_loop().create_future()
            self._writer.write(encode(op, number, payload))
            try:
                async with asyncio.timeout(min(ANSWER_S, self._timeout)):
                    found, said = await self._answer
            except TimeoutError:
                self._hang_up()
                raise
            finally:
                self._answer = None
            if found == b"E":
                raise BleakGATTProtocolError(said[0] if said else 0x0E)
            return found, said

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Take messages until the socket ends or one of them is broken; then the connection is over."""
        with contextlib.suppress(OSError, EOFError, BleakError):
            while True:
                self._take(*await _message(reader))
        self._hang_up()

    def _take(self, op: bytes, number: int, payload: bytes) -> None:
        if op in (b"N", b"I"):
            if op == b"I" and self._writer is not None:
                self._writer.write(encode(b"A", number))
            if number in self._callbacks:
                self._callbacks[number](bytearray(payload))
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result((op, payload))

    def _hang_up(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BleakError("Disconnected"))
        if self._listening is not None and self._listening is not asyncio.current_task():
            self._listening.cancel()
        if self._disconnected_callback is not None:
            self._disconnected_callback()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, int, bytes]:
    """The next message; raises `EOFError` at the end and `BleakError` where it is broken."""
    head = await reader.readexactly(HEAD.size)
    op, number, length = HEAD.unpack(head)
    rest = await reader.readexactly(length + 2)
    if crc_hqx(head + rest[:-2], 0).to_bytes(2, "little") != rest[-2:]:
        raise BleakError("A message is broken")
    return op, number, rest[:-2]


def _services(table: bytes) -> BleakGATTServiceCollection:
    """The tree of services of a discovery; a characteristic's number is its handle."""
    services = BleakGATTServiceCollection()
    for service, number, properties in ENTRY.iter_unpack(table[: len(table) // ENTRY.size * ENTRY.size]):
        owner = services.get_service(service)
        if owner is None:
            owner = BleakGATTService(None, service, normalize_uuid_16(service))
            services.add_service(owner)
        names = sorted(gatt_char_props_to_strs(properties))
        services.add_characteristic(
            BleakGATTCharacteristic(None, number, normalize_uuid_16(number), names, lambda: 20, owner)
        )
    return services
