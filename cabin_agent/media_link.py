"""The core's end of the unix socket to the media process (`cabin media`): it listens, and takes one at a time.

The media process may come late, crash, hang or be replaced: the link says whether it is there (`up`), and restarts
nothing. Whoever connects has to be of this user or root (`SO_PEERCRED`), and the newest that introduces itself wins.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cabin_agent.call_link import media_down
from cabin_agent.face import Json
from cabin_agent.media_peer import Peer, Watch
from cabin_agent.media_work import Caller

__all__ = ["SOCKET", "MediaLink"]

log = logging.getLogger(__name__)

SOCKET = "media.sock"
"""Name of the socket in the runtime folder."""
MOST_PEERS = 4
"""Connections at the same time: the one that serves, and others that have not introduced themselves yet."""
BUFFER = 32768
"""Bytes that the kernel may hold for a media process: what waits longer is told as late, not shown late."""
_CREDENTIALS = struct.Struct("3i")


class MediaLink:
    """Where the core meets its media process; see `call_link.Link`.

    `watch` gives what changes, `caller` leads the consultation, `changed` tells the screens to look again.
    """

    def __init__(
        self, path: Path, watch: Watch, caller: Caller, *, simulated: bool, changed: Callable[[], None]
    ) -> None:
        self._path, self._watch, self._caller = path, watch, caller
        self._simulated, self._changed = simulated, changed
        self._peer: Peer | None = None
        self._serving: dict[Peer, asyncio.Task[None] | None] = {}

    @property
    def up(self) -> bool:
        """Whether a media process is there."""
        return self._peer is not None

    @property
    def state(self) -> Json:
        """What it said last of its cameras and sound; empty where there is none."""
        return self._peer.state if self._peer is not None else {}

    async def run(self) -> None:
        """Listen until cancelled; where that is impossible, say so once and return: measures need no picture."""
        try:
            self._make_way()
            server = await asyncio.start_unix_server(self._came, self._path)
            self._path.chmod(0o600)
        except (OSError, ValueError) as error:
            log.error("no media process can connect to %s: %s", self._path, getattr(error, "strerror", None) or error)
            return
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            serving = list(self._serving.items())
            for peer, _ in serving:
                peer.abort()
            await asyncio.gather(*(task for _, task in serving if task is not None), return_exceptions=True)
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    async def offer(self, session: str, sdp: str, language: str, /) -> str:
        """The answer to a browser's offer; raises `Refusal` "media-down", "bad-offer" or "busy"."""
        if self._peer is None:
            raise media_down()
        return await self._peer.offer(session, sdp, language)

    def tell(self, session: str, event: Json, /) -> None:
        """Tell one event to the page of one call alone; nothing happens where that call is over."""
        if self._peer is not None:
            self._peer.tell(session, event)

    def close(self, session: str, /) -> None:
        """End one call; nothing happens where it is over already."""
        if self._peer is not None:
            self._peer.close(session)

    def _make_way(self) -> None:
        """Remove the socket that an earlier core left; anything else is left alone, and listening fails."""
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(os.lstat(self._path).st_mode):
                self._path.unlink()

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._serving) >= MOST_PEERS or not _ours(writer.get_extra_info("socket")):
            writer.transport.abort()
            return
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        writer.transport.set_write_buffer_limits(high=BUFFER)
        peer = Peer(reader, writer, self._watch, self._caller, self._introduced, self._changed)
        self._serving[peer] = asyncio.current_task()
        try:
            await peer.run()
        finally:
            del self._serving[peer]
            self._left(peer)

    def _introduced(self, peer: Peer) -> None:
        """The newest wins: the older one is either dead or about to learn that it was replaced."""
        former, self._peer = self._peer, peer
        peer.send({"type": "simulated", "on": self._simulated})
        if former is not None and former is not peer:
            former.abort()
        log.info("the media process is there")
        self._moved()

    def _left(self, peer: Peer) -> None:
        if self._peer is peer:
            self._peer = None
            log.warning("the media process is gone")
            self._moved()

    def _moved(self) -> None:
        try:
            self._caller.link_moved()
        except Exception as defect:
            log.error("the consultation could not follow the media process: %s", type(defect).__name__)


def _ours(connection: socket.socket) -> bool:
    """Whether the process at the other end is of this user or of root; the folder's mode keeps out everybody else."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return uid in (os.geteuid(), 0)
