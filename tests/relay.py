"""A bad network in user space: UDP between two WebRTC peers through a relay that loses, delays, narrows and cuts.

Without root and without the kernel's own emulator. Each peer is told of the relay instead of the other peer: the
candidates in offer and answer are rewritten.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CANDIDATE = re.compile(r"a=candidate:(\S+) 1 (udp|UDP) (\d+) (\S+) (\d+) typ host(.*)")
HEADERS = 28
"""Bytes of IP and UDP that the link carries with each datagram."""


@dataclass(slots=True)
class Conditions:
    """What one direction does to its datagrams; may be changed at any time."""

    loss: float = 0.0
    """Probability that one is lost."""
    delay_s: float = 0.0
    jitter_s: float = 0.0
    """At most so much is added, at random; order is kept."""
    rate: float = 0.0
    """bit/s; 0: as fast as the machine."""
    queue_s: float = 0.3
    """Seconds that may wait where `rate` is a limit; what comes then is dropped (drop-tail)."""


@dataclass(slots=True)
class Count:
    """Datagrams of one direction."""

    passed: int = 0
    lost: int = 0
    full: int = 0
    octets: int = 0


@dataclass(slots=True)
class Direction:
    """One way through the relay."""

    conditions: Conditions
    random: random.Random
    count: Count = field(default_factory=Count)
    free_at: float = 0.0
    last_at: float = 0.0

    def when(self, size: int, now: float, cut: bool) -> float | None:
        """The time at which a datagram of `size` bytes arrives, None when it never does."""
        rules = self.conditions
        if cut or self.random.random() < rules.loss:
            self.count.lost += 1
            return None
        at = now
        if rules.rate:
            if self.free_at - now > rules.queue_s:
                self.count.full += 1
                return None
            self.free_at = at = max(now, self.free_at) + (size + HEADERS) * 8 / rules.rate
        at = max(self.last_at, at + rules.delay_s + self.random.random() * rules.jitter_s)
        self.last_at = at
        self.count.passed += 1
        self.count.octets += size + HEADERS
        return at


class Relay:
    """Between the offering peer and the answering one. `up` is from the first to the second, `down` the other way."""

    def __init__(self, up: Conditions | None = None, down: Conditions | None = None, seed: int = 1) -> None:
        self.up = Direction(up or Conditions(), random.Random(seed))
        self.down = Direction(down or Conditions(), random.Random(seed + 1))
        self.cut = False
        """Whether nothing passes in either direction."""
        self._towards_answerer: _Side | None = None
        self._towards_offerer: _Side | None = None

    async def offer(self, sdp: str) -> str:
        """Open the relay, also anew after an earlier call, and give the offer as the answering peer gets it."""
        self.close()
        self._towards_answerer = await _side(self._from_answerer)
        self._towards_offerer = await _side(self._from_offerer)
        self._towards_offerer.peer = first_candidate(sdp)
        return rewritten(sdp, self._towards_answerer.address)

    def answer(self, sdp: str) -> str:
        """The answer as the offering peer gets it."""
        assert self._towards_answerer is not None
        assert self._towards_offerer is not None
        self._towards_answerer.peer = first_candidate(sdp)
        return rewritten(sdp, self._towards_offerer.address)

    def close(self) -> None:
        """Close both sockets."""
        for side in (self._towards_answerer, self._towards_offerer):
            if side is not None:
                side.transport.close()

    def _from_offerer(self, data: bytes) -> None:
        self._pass(data, self.up, self._towards_answerer)

    def _from_answerer(self, data: bytes) -> None:
        self._pass(data, self.down, self._towards_offerer)

    def _pass(self, data: bytes, direction: Direction, side: _Side | None) -> None:
        loop = asyncio.get_running_loop()
        at = direction.when(len(data), loop.time(), self.cut)
        if at is None or side is None:
            return
        if at <= loop.time():
            side.send(data)
        else:
            loop.call_at(at, side.send, data)


class _Side(asyncio.DatagramProtocol):
    """The socket that one peer knows."""

    transport: asyncio.DatagramTransport

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self.peer: tuple[str, int] | None = None
        self._heard = heard

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.transport.get_extra_info("sockname")
        return host, port

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._heard(data)

    def send(self, data: bytes) -> None:
        if self.peer is not None and not self.transport.is_closing():
            self.transport.sendto(data, self.peer)


async def _side(heard: Callable[[bytes], None]) -> _Side:
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(lambda: _Side(heard), local_addr=("127.0.0.1", 0))
    return protocol


def first_candidate(sdp: str) -> tuple[str, int]:
    """Address of the first UDP host candidate."""
    found = CANDIDATE.search(sdp)
    assert found is not None, "no candidate in the description"
    return found[4], int(found[5])


def rewritten(sdp: str, address: tuple[str, int]) -> str:
    """The description with the relay as the only candidate of every section."""
    lines: list[str] = []
    for line in sdp.splitlines():
        found = CANDIDATE.match(line)
        if found is None and not line.startswith("a=candidate:"):
            lines.append(line)
        elif found is not None and not lines[-1].startswith("a=candidate:"):
            lines.append(f"a=candidate:{found[1]} 1 udp {found[3]} {address[0]} {address[1]} typ host")
    return "\r\n".join(lines) + "\r\n"
