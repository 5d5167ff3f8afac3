"""An emulated USB host for pyusb: a backend whose bus has one port, the unix socket of a simulated device.

pyusb and `drivers.usb_stream` run unchanged on it. It fails as libusb fails, with the kernel's error numbers: 19 once
the device is pulled out, for everything and for good; 16 where somebody else holds the interface; 32 on a halted
endpoint; a time-out where the device does not answer. Faults are made at the device's end of the wire
(`drivers.usb_sim_wire`), never here.
"""

from __future__ import annotations

import array
import errno
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TypeVar

import usb.backend
import usb.core

from drivers import usb_descriptors
from drivers.usb_sim_wire import (
    NO_SETUP,
    Halted,
    Hello,
    Message,
    Op,
    Reply,
    Request,
    Splitter,
    Transfer,
    WireError,
    encode,
)

PATIENCE_S = 1.0
"""Longest wait for what a real host controller would know at once."""
FULL_SPEED = 2

T = TypeVar("T")


class Found:
    """What a bus enumeration met at the socket."""

    def __init__(self, path: str, hello: Hello) -> None:
        self.path = path
        self.hello = hello
        self.device = usb_descriptors.device(hello.device)
        self.configuration = usb_descriptors.configuration(hello.configuration)


class Handle:
    """One opened device: requests that are answered, and the transfers that came in meanwhile. One thread uses it."""

    def __init__(self, path: str) -> None:
        self._socket: socket.socket | None = _connected(path)
        self._splitter = Splitter()
        self._hello: Hello | None = None
        self._arrived: dict[int, deque[bytes]] = {}
        self._replies: dict[int, Reply] = {}
        self._halted: set[int] = set()
        self._number = 0
        self._clearing = (0, 0)
        """Request that clears a halt, and the endpoint."""
        try:
            self.hello = self._wait(lambda: self._hello, PATIENCE_S)
        except usb.core.USBError:
            self.close()
            raise

    def close(self) -> None:
        """Hang up; idempotent."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(
        self, op: Op, target: int = 0, setup: bytes = NO_SETUP, data: bytes = b"", wait_s: float = PATIENCE_S
    ) -> bytes:
        """The answer to a request; raises `USBError`, or `USBTimeoutError` when none comes."""
        number = self._say(op, target, setup, data)
        try:
            reply = self._wait(lambda: self._replies.get(number), wait_s)
        except usb.core.USBTimeoutError:
            reply = self._cancelled(number)
        finally:
            self._replies.clear()
        if reply.errno:
            raise _failed(reply.errno)
        return reply.data

    def _say(self, op: Op, target: int, setup: bytes, data: bytes) -> int:
        self._number += 1
        if op is Op.CLEAR_HALT:
            self._clearing = (self._number, target)
        self._send(encode(Request(self._number, op, target, setup, data)))
        return self._number

    def _cancelled(self, number: int) -> Reply:
        """The reply after all, where it crossed with the cancellation; raises `USBTimeoutError` where there is none.

        A controller that gives a transfer up knows whether it was taken: it is never done twice.
        """
        cancel = self._say(Op.CANCEL, 0, NO_SETUP, b"")
        self._wait(lambda: self._replies.get(cancel), PATIENCE_S)
        if number in self._replies:
            return self._replies[number]
        raise _timed_out()

    def read(self, endpoint: int, size: int, wait_s: float) -> bytes:
        """At most `size` bytes of the next transfer; the rest of it is met by the next read."""
        waiting = self._arrived.setdefault(endpoint, deque())

        def first() -> bytes | None:
            if endpoint in self._halted:
                raise _failed(errno.EPIPE)
            return waiting.popleft() if waiting else None

        whole = self._wait(first, wait_s)
        if whole[size:]:
            waiting.appendleft(whole[size:])
        return whole[:size]

    def _wait(self, look: Callable[[], T | None], wait_s: float) -> T:
        end = time.monotonic() + wait_s
        while True:
            if (found := look()) is not None:
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise _timed_out()
            self._receive(left)

    def _sort(self, message: Message) -> None:
        match message:
            case Hello():
                self._hello = message
            case Reply(number):
                self._replies[number] = message
                # At once: the endpoint may halt again in the next message.
                if number == self._clearing[0]:
                    self._halted.discard(self._clearing[1])
            case Transfer(endpoint, data):
                self._arrived.setdefault(endpoint, deque()).append(data)
            case Halted(endpoint):
                self._halted.add(endpoint)

    def _receive(self, wait_s: float) -> None:
        try:
            port = self._port()
            port.settimeout(max(wait_s, 0.001))
            data = port.recv(65536)
            if not data:
                raise _failed(errno.ENODEV)
            for message in self._splitter.feed(data):
                self._sort(message)
        except TimeoutError:
            return
        except (OSError, WireError) as error:
            self.close()
            raise _failed(errno.ENODEV) from error

    def _send(self, data: bytes) -> None:
        try:
            port = self._port()
            port.settimeout(PATIENCE_S)
            port.sendall(data)
        except OSError as error:
            self.close()
            raise _failed(errno.ENODEV) from error

    def _port(self) -> socket.socket:
        if self._socket is None:
            raise _failed(errno.ENODEV)
        return self._socket


class Backend(usb.backend.IBackend):  # type: ignore[misc]  # pyusb has no types
    """What `usb.core.find(backend=...)` takes: a bus whose only port is the socket at `path`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def enumerate_devices(self) -> Iterator[Found]:
        """The device that is plugged in, if one is."""
        try:
            handle = Handle(self._path)
        except usb.core.USBError:
            return
        handle.close()
        yield Found(self._path, handle.hello)

    def get_parent(self, dev: Found) -> None:  # noqa: ARG002
        """There is no hub."""
        return

    def get_device_descriptor(self, dev: Found) -> SimpleNamespace:
        """Its device descriptor, and where it is plugged in."""
        bus, _, ports = dev.hello.port.partition("-")
        numbers = tuple(int(number) for number in ports.split("."))
        place = {"bus": int(bus), "address": 1, "port_number": numbers[-1], "port_numbers": numbers}
        return SimpleNamespace(**dev.device.fields, **place, speed=FULL_SPEED)

    def get_configuration_descriptor(self, dev: Found, config: int) -> SimpleNamespace:
        """Its one configuration."""
        return _shown([dev.configuration][config])

    def get_interface_descriptor(self, dev: Found, intf: int, alt: int, config: int) -> SimpleNamespace:
        """One interface; there are no alternate settings."""
        return _shown([[dev.configuration][config].children[intf]][alt])

    def get_endpoint_descriptor(self, dev: Found, ep: int, intf: int, alt: int, config: int) -> SimpleNamespace:
        """One endpoint."""
        shown = _shown([[dev.configuration][config].children[intf]][alt].children[ep])
        shown.bRefresh = shown.bSynchAddress = 0
        return shown

    def open_device(self, dev: Found) -> Handle:
        """A connection of its own; error 19 when the device has gone."""
        return Handle(dev.path)

    def close_device(self, dev_handle: Handle) -> None:
        """Hang up."""
        dev_handle.close()

    def set_configuration(self, dev_handle: Handle, config_value: int) -> None:
        """Error 16 while an interface is claimed."""
        dev_handle.ask(Op.SET_CONFIGURATION, config_value)

    def get_configuration(self, dev_handle: Handle) -> int:
        """0 when none is set."""
        return dev_handle.ask(Op.GET_CONFIGURATION)[0]

    def claim_interface(self, dev_handle: Handle, intf: int) -> None:
        """Error 16 when a driver of the kernel or another program has it."""
        dev_handle.ask(Op.CLAIM, intf)

    def release_interface(self, dev_handle: Handle, intf: int) -> None:
        """Give it back."""
        dev_handle.ask(Op.RELEASE, intf)

    def is_kernel_driver_active(self, dev_handle: Handle, intf: int) -> bool:
        """Whether a driver of the kernel has the interface."""
        return dev_handle.ask(Op.KERNEL_DRIVER, intf) == b"\x01"

    def detach_kernel_driver(self, dev_handle: Handle, intf: int) -> None:
        """Take the interface from the kernel."""
        dev_handle.ask(Op.DETACH, intf)

    def bulk_write(self, dev_handle: Handle, ep: int, intf: int, data: array.array[int], timeout: int) -> int:  # noqa: ARG002
        """One OUT transfer."""
        dev_handle.ask(Op.OUT, ep, data=data.tobytes(), wait_s=timeout / 1000)
        return len(data)

    def bulk_read(self, dev_handle: Handle, ep: int, intf: int, buff: array.array[int], timeout: int) -> int:  # noqa: ARG002
        """One IN transfer into `buff`."""
        data = dev_handle.read(ep, len(buff), timeout / 1000)
        buff[: len(data)] = array.array("B", data)
        return len(data)

    intr_write, intr_read = bulk_write, bulk_read

    def ctrl_transfer(
        self,
        dev_handle: Handle,
        bmRequestType: int,  # noqa: N803 - pyusb's own names
        bRequest: int,  # noqa: N803
        wValue: int,  # noqa: N803
        wIndex: int,  # noqa: N803
        data: array.array[int],
        timeout: int,
    ) -> int:
        """One control transfer; error 32 when the device does not know the request."""
        setup = struct.pack("<BBHHH", bmRequestType, bRequest, wValue, wIndex, len(data))
        inward = bool(bmRequestType & 0x80)
        sent = b"" if inward else data.tobytes()
        answer = dev_handle.ask(Op.CONTROL, setup=setup, data=sent, wait_s=timeout / 1000)
        if not inward:
            return len(data)
        answer = answer[: len(data)]
        data[: len(answer)] = array.array("B", answer)
        return len(answer)

    def clear_halt(self, dev_handle: Handle, ep: int) -> None:
        """Let a halted endpoint go on."""
        dev_handle.ask(Op.CLEAR_HALT, ep)


def _shown(descriptor: usb_descriptors.Descriptor) -> SimpleNamespace:
    return SimpleNamespace(**descriptor.fields, extra_descriptors=list(descriptor.extra))


def _connected(path: str) -> socket.socket:
    port = socket.socket(socket.AF_UNIX)
    port.settimeout(PATIENCE_S)
    try:
        port.connect(path)
    except OSError as error:
        port.close()
        raise _failed(errno.ENODEV) from error
    return port


def _failed(number: int) -> usb.core.USBError:
    """As libusb's back end of pyusb says it: text, libusb's own code, the system's error number."""
    codes = {errno.EACCES: -3, errno.ENODEV: -4, errno.EBUSY: -6, errno.EPIPE: -9}
    return usb.core.USBError(os.strerror(number), codes.get(number, -99), number)


def _timed_out() -> usb.core.USBTimeoutError:
    return usb.core.USBTimeoutError(os.strerror(errno.ETIMEDOUT), -7, errno.ETIMEDOUT)
