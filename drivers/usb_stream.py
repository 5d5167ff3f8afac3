"""A USB device as a stream: `usb://VID:PID` on this machine's bus, `usb-sim://PATH` on an emulated one.

`usb://0590:0028` is the only device with these ids; `usb://0590:0028/SERIAL` the one with that serial number, and
`usb://0590:0028?port=1-1.2` the one in that socket of the machine (bus, then the ports of the hubs, as the kernel
writes it). An emulated device runs the very same code on another backend of pyusb.

pyusb blocks, so all of it runs on one thread per open device. An IN transfer is waited for in slices, between which
that thread writes; one that arrives when nobody waits for it any more is kept for the next `read`. The traps of
pyusb are met here: a kernel driver is detached first, no configuration is set where one is, and after any error the
handle is disposed of, so that a device that comes back is found anew.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import usb.backend.libusb1
import usb.core
import usb.util

from drivers.errors import Absent, DriverError, PortError, Unplugged
from drivers.stream import UsbLine
from drivers.usb_address import UsbAddress, read_address

SLICE_S, QUICK_S = 0.02, 0.002
"""Longest wait for an IN transfer before the thread looks what else there is to do: idle, and in a conversation."""
CONVERSATION_S = 0.1
"""How long after something was sent more is likely to be."""
SLICES = 50
"""After so many the thread is free, so that a stream that nobody closed does not keep a program from its end."""
WRITE_SLICE_S = 0.1
CONTROL_S = 1.0
"""A control request is answered at once or not at all."""
BUSY_S = 0.2
"""How long an interface may still be held by whoever is giving it back."""
KINDS = {"bulk": usb.util.ENDPOINT_TYPE_BULK, "interrupt": usb.util.ENDPOINT_TYPE_INTR}

T = TypeVar("T")


def hardware() -> Any:
    """pyusb's own backend; raises `PortError` where its library is not installed."""
    backend = usb.backend.libusb1.get_backend()
    if backend is None:
        raise PortError("USB cannot be used, since the library libusb is missing: install libusb-1.0-0.")
    return backend


async def open_usb(url: str, line: UsbLine) -> UsbStream:
    """Find the device at `url` and claim its interface; raises `Absent` or `PortError`."""
    address = read_address(url)
    thread = ThreadPoolExecutor(1, thread_name_prefix="usb")
    opening = thread.submit(_open, address, line)
    try:
        return UsbStream(url, line, address.simulated, await asyncio.wrap_future(opening), thread)
    except BaseException:
        # A cancelled opening may still succeed: what it opened is given back.
        thread.submit(_give_back, opening)
        thread.shutdown(wait=False)
        raise


@dataclass(frozen=True, slots=True)
class Opened:
    """A claimed interface with its two endpoints, as pyusb knows them."""

    device: Any
    interface: Any
    inward: int
    outward: int


class UsbStream:
    """One claimed USB interface: a `drivers.stream.UsbPort`."""

    def __init__(self, url: str, line: UsbLine, simulated: bool, opened: Opened, thread: ThreadPoolExecutor) -> None:
        self.simulated = simulated
        self.interface: int = opened.interface.bInterfaceNumber
        self.extra = bytes(opened.interface.extra_descriptors)
        self._url, self._line, self._usb, self._thread = url, line, opened, thread
        self._arrived: deque[bytes] = deque()
        self._reading: asyncio.Future[None] | None = None
        self._ended: DriverError | None = None
        self._to_send = 0
        """How many wait for the thread to send something."""
        self._sent_at = -CONVERSATION_S

    async def read(self) -> bytes:
        """The bytes of one IN transfer; a transfer without bytes is not told."""
        while not self._arrived:
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._run(self._slice))
                self._reading.add_done_callback(self._kept)
            # Who stops waiting does not stop the transfer: what arrives then is read next.
            await asyncio.shield(self._reading)
        return self._arrived.popleft()

    async def write(self, data: bytes) -> None:
        """One OUT transfer, also an empty one."""
        await self._send_on_thread(lambda: self._put(data))

    async def control(self, request_type: int, request: int, value: int, index: int, payload: bytes | int) -> bytes:
        """One control transfer: `payload` is what is sent, or how many bytes are asked for.

        Raises `DriverError` when the device does not know the request; the stream goes on.
        """
        return await self._send_on_thread(lambda: self._ask(request_type, request, value, index, payload))

    def close(self) -> None:
        """Give the interface back, once the thread has ended what it is at; idempotent."""
        if self._ended is None:
            self._end(_gone(self._url))

    async def _send_on_thread(self, work: Callable[[], T]) -> T:
        self._to_send += 1
        try:
            return await self._run(work)
        finally:
            self._to_send -= 1
            self._sent_at = time.monotonic()

    async def _run(self, work: Callable[[], T]) -> T:
        if self._ended is not None:
            raise self._ended
        try:
            return await asyncio.wrap_future(self._thread.submit(self._alive, work))
        except _RequestRefused as refused:
            raise DriverError(str(refused)) from None
        except usb.core.USBError as error:
            told = self._ended or failure(self._url, error)
            self._end(told)
            raise told from error

    def _alive(self, work: Callable[[], T]) -> T:
        """On the thread: what was asked for before the end is not begun after it."""
        if self._ended is not None:
            raise usb.core.USBError("closed", errno=errno.ENODEV)
        return work()

    def _end(self, told: DriverError) -> None:
        if self._ended is None:
            self._ended = told
            self._thread.submit(usb.util.dispose_resources, self._usb.device)
            self._thread.shutdown(wait=False)

    def _kept(self, reading: asyncio.Future[None]) -> None:
        self._reading = None
        if not reading.cancelled():
            # Nobody may be waiting for it: then the next call says the same.
            reading.exception()

    def _slice(self) -> None:
        """On the thread: wait for an IN transfer, in slices, as long as there is nothing to send."""
        for _ in range(SLICES):
            quick = time.monotonic() - self._sent_at < CONVERSATION_S
            data = self._unhalted(self._usb.inward, partial(self._get, QUICK_S if quick else SLICE_S))
            if data:
                self._arrived.append(data)
            if data or self._to_send or self._ended is not None:
                return

    def _get(self, wait_s: float) -> bytes:
        try:
            return bytes(self._usb.device.read(self._usb.inward, self._line.read_bytes, _ms(wait_s)))
        except usb.core.USBTimeoutError:
            return b""

    def _put(self, data: bytes) -> None:
        """On the thread: send all of `data`, unless the stream is closed meanwhile."""
        end = time.monotonic() + self._line.write_s
        sent = self._send(data)
        while sent is None or sent < len(data):
            if sent is None and (self._ended is not None or time.monotonic() > end):
                raise usb.core.USBTimeoutError("nothing was taken", errno=errno.ETIMEDOUT)
            data = data[sent or 0 :]
            sent = self._send(data)

    def _send(self, data: bytes) -> int | None:
        """How many bytes were taken; None when not even an empty transfer was."""
        try:
            return int(self._unhalted(self._usb.outward, partial(
                self._usb.device.write, self._usb.outward, data, _ms(WRITE_SLICE_S))))  # fmt: skip
        except usb.core.USBTimeoutError:
            return None

    def _ask(self, request_type: int, request: int, value: int, index: int, payload: bytes | int) -> bytes:
        try:
            answer = self._usb.device.ctrl_transfer(request_type, request, value, index, payload, _ms(CONTROL_S))
        except usb.core.USBError as error:
            if error.errno == errno.EPIPE:
                raise _RequestRefused(
                    f"The instrument at {self._url} does not know a request of its driver: it is of another model."
                ) from error
            raise
        return bytes(answer) if isinstance(payload, int) else b""

    def _unhalted(self, endpoint: int, transfer: Callable[[], T]) -> T:
        """A transfer, tried once more when its endpoint was halted: some devices stall after a reset."""
        try:
            return transfer()
        except usb.core.USBError as error:
            if error.errno != errno.EPIPE:
                raise
        self._usb.device.clear_halt(endpoint)
        return transfer()


class _RequestRefused(Exception):
    """A control request was stalled, which ends nothing."""


def failure(url: str, error: usb.core.USBError) -> DriverError:
    """What an error of pyusb means for whoever reads it, by its error number."""
    match error.errno:
        case errno.EBUSY:
            return PortError(f"The instrument at {url} is used by another program: end that program.")
        case errno.EACCES | errno.EPERM:
            return PortError(
                f"The instrument at {url} is forbidden to this user: install the udev rules 70-cabin.rules, "
                "then plug it in again."
            )
        case errno.EPIPE:
            return PortError(f"The instrument at {url} refuses every transfer: unplug it, then plug it in again.")
        case errno.ETIMEDOUT:
            return Unplugged(f"The instrument at {url} takes no bytes: check its cable and its power.")
        case errno.ENODEV | errno.ENOENT | errno.EIO | errno.EPROTO | errno.ESHUTDOWN:
            return _gone(url)
    if "no such device" in str(error).lower():
        return _gone(url)
    return PortError(f"USB failed at {url} ({error.strerror}): unplug the instrument, then plug it in again.")


def _gone(url: str) -> Unplugged:
    return Unplugged(f"The instrument at {url} was unplugged: plug it in again.")


def _open(address: UsbAddress, line: UsbLine) -> Opened:
    try:
        device = _find(address)
        try:
            return _claim(address.url, device, line)
        except BaseException:
            usb.util.dispose_resources(device)
            raise
    except usb.core.USBError as error:
        told = failure(address.url, error)
        raise Absent(str(told)) if isinstance(told, Unplugged) else told from error


def _find(address: UsbAddress) -> Any:
    """The one device that the address means."""
    if address.path:
        from drivers.usb_sim import Backend

        backend = Backend(address.path)
    else:
        backend = hardware()
    found = [device for device in usb.core.find(find_all=True, backend=backend) if _is_meant(address, device)]
    if not found:
        raise Absent(f"Nothing is at {address.url}: plug the instrument in and switch it on.")
    if len(found) > 1:
        raise PortError(
            f"Several devices are at {address.url}: say which, by its serial number (usb://VID:PID/SERIAL) or by its "
            "place (usb://VID:PID?port=1-1.2)."
        )
    return found[0]


def _is_meant(address: UsbAddress, device: Any) -> bool:
    if address.path:
        return True
    if (device.idVendor, device.idProduct) != (address.vendor, address.product):
        return False
    if address.port and address.port != f"{device.bus}-{'.'.join(map(str, device.port_numbers or ()))}":
        return False
    return not address.serial or address.serial == _serial(device)


def _serial(device: Any) -> str | None:
    try:
        return str(device.serial_number)
    except ValueError:
        # pyusb's word for a device whose strings this user may not read.
        raise usb.core.USBError("no permission", errno=errno.EACCES) from None
    finally:
        usb.util.dispose_resources(device)


def _claim(url: str, device: Any, line: UsbLine) -> Opened:
    if (line.vendor, line.product) != (None, None) and (line.vendor, line.product) != (
        device.idVendor,
        device.idProduct,
    ):
        raise PortError(f"The device at {url} is another instrument than the configured one: correct the url.")
    interface, inward, outward = _interface(url, device, line)
    number = interface.bInterfaceNumber
    try:
        if device.is_kernel_driver_active(number):
            device.detach_kernel_driver(number)
    except NotImplementedError:
        pass
    _claim_patiently(device, number)
    return Opened(device, interface, inward, outward)


def _claim_patiently(device: Any, number: int) -> None:
    """Claim an interface, which whoever had it last may be about to give back."""
    end = time.monotonic() + BUSY_S
    while True:
        try:
            usb.util.claim_interface(device, number)
            return
        except usb.core.USBError as error:
            if error.errno != errno.EBUSY or time.monotonic() > end:
                raise
        time.sleep(SLICE_S)


def _interface(url: str, device: Any, line: UsbLine) -> tuple[Any, int, int]:
    """The interface that the driver's line means, with its two endpoints."""
    for interface in _configuration(device):
        if line.interface_class not in (None, interface.bInterfaceClass) or interface.bAlternateSetting:
            continue
        inward = _endpoint(interface, usb.util.ENDPOINT_IN, line.inward)
        outward = _endpoint(interface, usb.util.ENDPOINT_OUT, line.outward)
        if inward is not None and outward is not None:
            return interface, inward, outward
    raise PortError(f"The device at {url} has not the interface of the configured instrument: correct the url.")


def _configuration(device: Any) -> Any:
    try:
        return device.get_active_configuration()
    except usb.core.USBError as error:
        # Only pyusb's own "Configuration not set" has no number: setting one where one is, is refused as busy.
        if error.errno is not None:
            raise
    device.set_configuration()
    return device.get_active_configuration()


def _endpoint(interface: Any, direction: int, kind: str) -> int | None:
    for endpoint in interface:
        address = endpoint.bEndpointAddress
        if usb.util.endpoint_direction(address) == direction and endpoint.bmAttributes & 3 == KINDS[kind]:
            return int(address)
    return None


def _give_back(opening: Any) -> None:
    if not opening.cancelled() and opening.exception() is None:
        usb.util.dispose_resources(opening.result().device)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
