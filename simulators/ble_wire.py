"""A simulated Bluetooth instrument within reach: `ble-sim://<path>`, a unix socket for one host at a time.

What goes over it is described in `drivers/ble_sim.py`; the instrument speaks it itself (`simulators/ble_server.py`).
Unplugged, the instrument is switched off or out of reach: the socket is gone, as is the connection.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from simulators.device import SimulatorError
from simulators.wire import Conversation, Host


class BleWire:
    """A `simulators.wire.Wire` on a unix socket."""

    def __init__(self, path: Path, host: Host) -> None:
        self._path, self._host = path, host
        self._server: socket.socket | None = None
        self._peer: socket.socket | None = None
        self._talk: Conversation | None = None

    @property
    def url(self) -> str:
        """`ble-sim://` and the path of the socket."""
        return f"ble-sim://{self._path}"

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
            reason = error.strerror or error
            raise SimulatorError(f"Cannot make the socket {self._path} ({reason}); free that path.") from None
        server.listen()
        server.setblocking(False)
        self._server = server
        asyncio.get_running_loop().add_reader(server, self._accept)

    def unplug(self) -> None:
        """End the connection and take the socket away."""
        self._leave()
        if self._server is not None:
            asyncio.get_running_loop().remove_reader(self._server)
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    def poll(self) -> None:
        """Nothing to look for: a socket says by itself who comes and goes."""

    def send(self, data: bytes) -> None:
        """Give bytes to the host, if there is one."""
        if self._talk is not None:
            self._talk.send(data)

    def _accept(self) -> None:
        if self._server is None:
            return
        peer, _ = self._server.accept()
        # A health instrument has one connection; while it has, nobody else finds it.
        if self._peer is not None and not _hung_up(self._peer):
            peer.close()
            return
        self._leave()
        peer.setblocking(False)
        self._peer = peer
        self._talk = Conversation(peer.fileno(), self._host.wrote, self._leave)
        self._host.opened()

    def _leave(self) -> None:
        if self._talk is not None:
            self._talk.end()
            self._talk = None
        if self._peer is not None:
            self._peer.close()
            self._peer = None


def _hung_up(peer: socket.socket) -> bool:
    """Whether a host has gone, although nobody has noticed yet."""
    try:
        return not peer.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
