"""A TCP link that can be frozen: nothing passes any more, and no end hears of it, as when a radio link goes away."""

from __future__ import annotations

import select
import socket
import threading


class TcpRelay:
    """Listens on a port of its own and carries every connection to `target` on this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._frozen: set[socket.socket] = set()
        self.frozen = False
        """Whether connections that are made from now on are frozen as well."""
        self.accepted = 0
        self._bell, self._ear = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def freeze(self) -> None:
        """Nothing passes on any connection that there is, now and for ever; nobody is told."""
        self._frozen.update(list(self._pairs))
        self._bell.send(b"\0")

    def close(self) -> None:
        """End the relay and all its connections."""
        self._bell.close()
        self._thread.join(5)
        for each in (self._server, self._ear, *self._pairs):
            each.close()

    def _run(self) -> None:
        while True:
            listening = [one for one in self._pairs if one not in self._frozen]
            readable, _, _ = select.select([self._ear, self._server, *listening], [], [])
            if self._ear in readable and not self._ear.recv(4096):
                return
            if self._server in readable:
                self._accept()
            for one in readable:
                if one in self._pairs and one not in self._frozen:
                    self._carry(one)

    def _accept(self) -> None:
        near, _ = self._server.accept()
        self.accepted += 1
        try:
            far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            near.close()
            return
        self._pairs[near], self._pairs[far] = far, near
        if self.frozen:
            self._frozen.update((near, far))

    def _carry(self, one: socket.socket) -> None:
        other = self._pairs[one]
        try:
            data = one.recv(65536)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        for end in (one, other):
            self._pairs.pop(end, None)
            end.close()
