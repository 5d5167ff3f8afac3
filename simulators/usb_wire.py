"""A USB port with one simulated device in it, met by the emulated host over a unix socket: `usb-sim://<path>`.

The device is a plain `simulators.device.Device` with a class variable `usb: UsbDescription`. What it produces leaves
by its first IN endpoint, one frame a transfer; each OUT transfer is given to its `receive`. Class and vendor requests
go to its `control(setup, data, now) -> bytes | None`, if it has one: the answer of an IN request, b"" for an OUT
request that is obeyed, None for one that it does not know (the host sees a stall).

Faults of the port: `stall` (every transfer halts its endpoint), `busy` (another program holds the interface),
`usb-timeout` (nothing is acknowledged and nothing comes).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import Path

from drivers.usb_sim_wire import Halted, Hello, Message, Op, Reply, Request, Splitter, Transfer, WireError, encode
from simulators.device import SimulatorError
from simulators.usb_description import UsbDescription
from simulators.usb_setup import GET_DESCRIPTOR, read_setup
from simulators.wire import Conversation, Host


class _Peer:
    """One program of the host that has opened the device."""

    def __init__(self, port: socket.socket, ask: Callable[[_Peer, Request], None], gone: Callable[[_Peer], None]):
        self._port = port
        self._ask, self._gone = ask, gone
        self._splitter = Splitter()
        port.setblocking(False)
        self._talk = Conversation(port.fileno(), self._heard, lambda: gone(self))

    def say(self, *messages: Message) -> None:
        self._talk.send(b"".join(map(encode, messages)))

    def end(self) -> None:
        self._talk.end()
        self._port.close()

    def _heard(self, data: bytes) -> None:
        try:
            requests = self._splitter.feed(data)
        except WireError:
            self._gone(self)
            return
        for request in requests:
            if isinstance(request, Request):
                self._ask(self, request)


class UsbWire:
    """A `simulators.wire.Wire`; several programs may look at the device, one at a time can claim it."""

    def __init__(self, path: Path, usb: UsbDescription, host: Host) -> None:
        self._path, self._usb, self._host = path, usb, host
        self._server: socket.socket | None = None
        self._peers: list[_Peer] = []
        self._faults: set[str] = set()
        self._settle()

    @property
    def url(self) -> str:
        """`usb-sim://` and the path of the socket."""
        return f"usb-sim://{self._path}"

    def plug(self) -> None:
        """Listen; a socket left there by a killed simulator is replaced."""
        if self._server is not None:
            return
        server = socket.socket(socket.AF_UNIX)
        try:
            if self._path.is_socket() and not _answers(self._path):
                self._path.unlink()
            server.bind(str(self._path))
        except OSError as error:
            server.close()
            raise SimulatorError(
                f"Cannot make the socket {self._path} ({error.strerror or error}); free that path."
            ) from None
        server.listen()
        server.setblocking(False)
        self._server = server
        self._settle()
        asyncio.get_running_loop().add_reader(server, self._accept)

    def unplug(self) -> None:
        """Every program loses the device at once."""
        for peer in list(self._peers):
            self._leave(peer)
        if self._server is not None:
            asyncio.get_running_loop().remove_reader(self._server)
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    def poll(self) -> None:
        """Nothing to look for: a socket says by itself who comes and goes."""

    def send(self, data: bytes) -> None:
        """One IN transfer for the program that has claimed the device; lost when there is none."""
        if self._owner is not None and not self._faults & {"busy", "usb-timeout", "stall"}:
            self._owner.say(Transfer(self._usb.inward, data))

    def fail(self, fault: str, wrong: bool) -> None:
        """Begin or end "stall", "busy" or "usb-timeout"; again is no different from once."""
        if wrong and fault not in self._faults and fault == "stall":
            self.halt(*(endpoint.address for endpoint in self._usb.endpoints))
        (self._faults.add if wrong else self._faults.discard)(fault)

    def halt(self, *endpoints: int) -> None:
        """Let endpoints stall once, until their halt is cleared."""
        self._halted.update(endpoints)
        if self._owner is not None:
            self._owner.say(*map(Halted, endpoints))

    def _settle(self) -> None:
        """As the device is after it was plugged in."""
        self._owner: _Peer | None = None
        self._halted: set[int] = set()
        self._kernel = self._usb.kernel_driver
        self._configured = int(self._usb.configured)
        if "stall" in self._faults:
            self._halted.update(endpoint.address for endpoint in self._usb.endpoints)

    def _accept(self) -> None:
        if self._server is None:
            return
        peer = _Peer(self._server.accept()[0], self._asked, self._leave)
        self._peers.append(peer)
        peer.say(Hello(self._usb.device(), self._usb.configuration(), self._usb.port, self._usb.kernel_driver))

    def _leave(self, peer: _Peer) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            peer.end()
        if peer is self._owner:
            self._owner = None

    def _asked(self, peer: _Peer, request: Request) -> None:
        match request.op:
            case Op.CONTROL:
                self._control(peer, request)
            case Op.OUT:
                self._out(peer, request)
            case Op.CLEAR_HALT:
                self._clear(peer, request)
            case _:
                number, data = self._managed(peer, request)
                peer.say(Reply(request.number, number, data))

    def _managed(self, peer: _Peer, request: Request) -> tuple[int, bytes]:
        """What the host's own kernel answers, without the device: error number and data."""
        taken = self._owner not in (None, peer) or "busy" in self._faults
        match request.op:
            case Op.CLAIM if taken or self._kernel:
                return errno.EBUSY, b""
            case Op.CLAIM:
                self._claim(peer)
            case Op.RELEASE if self._owner is peer:
                self._owner = None
            case Op.KERNEL_DRIVER:
                return 0, bytes([self._kernel])
            case Op.DETACH:
                self._kernel = False
            case Op.GET_CONFIGURATION:
                return 0, bytes([self._configured])
            case Op.SET_CONFIGURATION if taken or self._kernel or self._owner is not None:
                return errno.EBUSY, b""
            case Op.SET_CONFIGURATION:
                self._configured = request.target
        return 0, b""

    def _claim(self, peer: _Peer) -> None:
        if self._owner is peer:
            return
        self._owner = peer
        if self._halted:
            peer.say(*map(Halted, sorted(self._halted)))
        self._host.opened()

    def _control(self, peer: _Peer, request: Request) -> None:
        setup = read_setup(request.setup)
        if (setup.request_type, setup.request) == (0x80, GET_DESCRIPTOR):
            # The kernel lets every program read descriptors.
            answer = self._usb.string(setup.value & 0xFF) if setup.value >> 8 == 3 else None
        elif self._refused(peer, request):
            return
        else:
            answer = self._host.control(setup, request.data) if self._host.control else None
        peer.say(Reply(request.number, errno.EPIPE if answer is None else 0, (answer or b"")[: setup.length]))

    def _out(self, peer: _Peer, request: Request) -> None:
        if self._refused(peer, request):
            return
        if "stall" in self._faults or request.target in self._halted:
            self._halted.add(request.target)
            peer.say(Reply(request.number, errno.EPIPE))
            return
        peer.say(Reply(request.number))
        self._host.wrote(request.data)

    def _refused(self, peer: _Peer, request: Request) -> bool:
        """Whether a transfer does not reach the device; what does not answer is not answered for."""
        if peer is not self._owner or "busy" in self._faults:
            peer.say(Reply(request.number, errno.EBUSY))
            return True
        return "usb-timeout" in self._faults

    def _clear(self, peer: _Peer, request: Request) -> None:
        peer.say(Reply(request.number))
        self._halted.discard(request.target)
        if "stall" in self._faults:
            self.halt(request.target)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as port:
        return port.connect_ex(str(path)) == 0
