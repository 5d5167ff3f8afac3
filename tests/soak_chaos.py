"""One seed of chaos: real processes killed again and again, then all alive, then drained; the driver of it.

The driver forks its children itself, having imported everything: a cabin is back some milliseconds after its death.
It has one thread, so that forking is safe, and waits for deaths, not for time.
"""

from __future__ import annotations

import gc
import os
import random
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cabin_agent.demo.processes import free_port
from tests.postgres import Postgres
from tests.soak_adversary import adversary
from tests.soak_broker import MANNERS, Mosquitto
from tests.soak_children import COUNTED, QUIET, Place, cabin, fork, gateway
from tests.soak_points import Board, Slot
from tests.soak_relay import relay
from tests.soak_victims import Victim

_CABIN, _ADVERSARY, _RELAY, _BROKER, _GATEWAY = range(5)
"""Slots of the board; gateways take those from the last on."""
_WEIGHTS = {"cabin": 8, "gateway": 4, "broker": 1}
_TICK_S = 0.02
DRAIN_S = 600.0
"""Patience with the drain, which takes some seconds on a machine that does nothing else."""
_STOP_S = 60.0
_TELL_EVERY = 100


@dataclass(slots=True)
class Course:
    """What a seed did, and what went wrong on the way."""

    kills: dict[str, dict[str, int]] = field(default_factory=dict)
    """By kind of victim and kill point."""
    idle_kills: int = 0
    recoveries: int = 0
    """How often PostgreSQL was ended without a word and recovered; no SIGKILL, and not counted as one."""
    chaos_s: float = 0.0
    drain_s: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(sum(each.values()) for each in self.kills.values())


class Chaos:
    """All processes of one seed."""

    def __init__(self, place: Place, gateways: int, database: Postgres | None = None) -> None:
        self.place, self.course = place, Course()
        self._database = database
        self._dice = random.Random(place.seed)
        self._board = Board(_GATEWAY + gateways)
        self._broker = Mosquitto(place.broker, place.store)
        self._kept = "keeping" if place.seed % 2 else "forgetful"
        self._manner = self._kept
        for folder in (place.outbox.parent, place.record.parent, place.store):
            folder.mkdir(parents=True)
        # A child that collects garbage must not copy every page of what its driver has imported.
        gc.collect()
        gc.freeze()
        self._ear, bell = os.pipe2(os.O_NONBLOCK)
        os.set_blocking(bell, False)
        signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        heard = self._board.slot(_ADVERSARY)
        self._helpers = {
            "relay": self._child("relay", _RELAY, relay)(),
            "adversary": self._child("adversary", _ADVERSARY, adversary)(),
        }
        self._victims = [
            Victim("broker", self._board.slot(_BROKER), self._start_broker, steps=lambda: heard.steps),
            Victim("cabin", self._slot(_CABIN), self._child("cabin", _CABIN, cabin), place.points("cabin")),
            *(self._gateway(number) for number in range(gateways)),
        ]

    def _gateway(self, number: int) -> Victim:
        role, slot = f"gateway-{number}", _GATEWAY + number
        return Victim(role, self._slot(slot), self._child(role, slot, gateway(number)), self.place.points("gateway"))

    def _slot(self, number: int) -> Slot:
        return self._board.slot(number)

    def _child(self, role: str, slot: int, work: Callable[[Place, Slot], None]) -> Callable[[], int]:
        return lambda: fork(role, self.place, self._slot(slot), work)

    def _start_broker(self) -> int:
        return self._broker.start(self._manner)

    def run(self, kills: int, until: float) -> Course:
        """Chaos up to that number of kills or monotonic time, then the drain."""
        began = time.monotonic()
        try:
            told = 0
            while self._killed() < kills and time.monotonic() < until and not self.course.problems:
                self._turn()
                if self._killed() >= told + _TELL_EVERY:
                    told = self._killed()
                    print(f"seed {self.place.seed}: {told} of {kills} kills", file=sys.stderr, flush=True)
            self.course.chaos_s = time.monotonic() - began
            if not self.course.problems:
                self._drain()
        finally:
            self._end()
        for victim in self._victims:
            total = Counter(self.course.kills.get(victim.kind)) + victim.kills
            self.course.kills[victim.kind] = dict(total)
            self.course.idle_kills += victim.idle_kills
        return self.course

    def _killed(self) -> int:
        return sum(victim.kills.total() for victim in self._victims)

    def _turn(self) -> None:
        """Bury, revive, and perhaps kill."""
        now = time.monotonic()
        self._bury(now)
        if self._database is not None and self._dice.random() < 0.01:
            self._database.kill()
            self._database.start()
            self.course.recoveries += 1
        for victim in self._victims:
            if not victim.pid and now >= victim.back_at:
                if victim.role == "broker":
                    self._manner = self._dice.choice((self._kept, self._kept, self._kept, *MANNERS))
                victim.revive()
            if victim.pid and now >= victim.doomed_at:
                victim.shoot()
        ready = [each for each in self._victims if each.at_work() and each.doomed_at == float("inf")]
        if len(ready) > 1 or (ready and self._dice.random() < 0.02):
            self._dice.choices(ready, [_WEIGHTS[each.kind] for each in ready])[0].aim(self._dice, now)
        self._wait(self._dice.uniform(0, 0.06) if self._dice.random() < 0.95 else self._dice.uniform(0.3, 1.2))

    def _wait(self, seconds: float) -> None:
        """At most so long, less where a child dies."""
        if select.select([self._ear], [], [], seconds)[0]:
            os.read(self._ear, 4096)

    def _bury(self, now: float) -> None:
        for victim in self._victims:
            status = self._status(victim)
            if status is None:
                continue
            problem = victim.died(status)
            if problem:
                self.course.problems.append(problem)
            victim.back_at = now + self._dice.choice((0.0, 0.0, 0.0, 0.1, 0.4))

    def _status(self, victim: Victim) -> int | None:
        """The wait status of a victim that has died since the last look."""
        if not victim.pid:
            return None
        if victim.role == "broker":
            code = self._broker.ended()
            return None if code is None else -code if code < 0 else code << 8
        pid, status = os.waitpid(victim.pid, os.WNOHANG)
        return status if pid else None

    def _drain(self) -> None:
        """Everything alive and honest: wait until the record has said its word on every letter."""
        began = time.monotonic()
        for number in (_RELAY, _ADVERSARY):
            self._slot(number).flag = QUIET
        for victim in self._victims:
            victim.slot.armed = 0
            if victim.role == "broker" and victim.pid and self._manner != self._kept:
                victim.shoot()
        self._manner = self._kept
        mark = self._slot(_CABIN)
        mark.flag = QUIET
        while not (mark.flag == COUNTED and mark.waiting == 0):
            now = time.monotonic()
            self._bury(now)
            for victim in self._victims:
                if not victim.pid:
                    victim.revive()
            if self.course.problems or now - began > DRAIN_S:
                self.course.problems.append(f"not drained: {mark.waiting} letters wait after {now - began:.0f} s")
                return
            self._wait(_TICK_S)
        self.course.drain_s = time.monotonic() - began

    def _end(self) -> None:
        """SIGTERM to everything; whoever does not end in good order is a problem."""
        pids = {victim.role: victim.pid for victim in self._victims if victim.pid and victim.role != "broker"}
        for role, pid in {**pids, **self._helpers}.items():
            os.kill(pid, signal.SIGTERM)
            code = _join(pid)
            if code:
                self.course.problems.append(f"{role} ended with {code} when asked to stop")
        broker = self._victims[0]
        if broker.pid and self._broker.ended() is None:
            os.kill(broker.pid, signal.SIGTERM)
            while self._broker.ended() is None:
                self._wait(_TICK_S)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _join(pid: int) -> int:
    """The exit code of a child that was asked to end; it is killed where it does not in time."""
    end = time.monotonic() + _STOP_S
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -signal.SIGKILL


def place_of(seed: int, folder: Path, pace: float, postgres: str = "") -> Place:
    """A place with free ports in an empty folder."""
    return Place(seed, folder, free_port(), free_port(), pace, postgres)
