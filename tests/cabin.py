"""A whole cabin for tests: the demonstration's own processes, which may be killed, started again and made faulty.

Nothing here sleeps to be in step: a test waits for what the core's stream, a receipt or a process says, with a limit.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cabin_agent.checkup import receipt_of
from cabin_agent.client import CoreClient
from cabin_agent.demo import processes as run
from cabin_agent.demo.cabin import READY, DemoCabin, Replays
from cabin_agent.demo.processes import Child
from cabin_agent.demo.site import CODE, SUBJECT_SYSTEM, Site
from cabin_agent.face import Json
from cabin_agent.person import Person, SimulatedPerson
from sync.envelope import FHIR, RECORDING
from sync.store import Record
from sync.store_sqlite import SqliteStore

PATIENCE_S = 60.0
"""Real seconds that any one thing may take on a loaded machine."""
QUICK: Mapping[str, object] = {"rest_s": 0, "reading_gap_s": 2}
"""[visit] of a cabin whose test is not about the rest."""
SIZE = ("weight", "height", "bmi")
Seen = Callable[[Json], bool]
"""Whether a view of the visit is the one that a test waits for."""


class Cabin(DemoCabin):
    """The demonstration's cabin in a folder of its own; an async context manager that leaves nothing behind.

    `visit` are keys of [visit] in the core's settings, `measures` and `kind` those of the one appointment.
    """

    def __init__(
        self,
        speed: float = 30.0,
        *,
        measures: tuple[str, ...] = (),
        kind: str = "checkup",
        visit: Mapping[str, object] = QUICK,
        replays: Replays | None = None,
        folder: Path | None = None,
        reserve_mb: int = 64,
    ) -> None:
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="cabin-test-"))
        super().__init__(Site(self.folder, self.folder / "run"), speed, replays or Replays(), 0)
        self._settings: dict[str, Mapping[str, object]] = {"visit": visit, "record": {"reserve_mb": reserve_mb}}
        self._measures, self._kind = measures, kind

    async def __aenter__(self) -> Self:
        try:
            await super().__aenter__()
            await self.until_seen()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        left = processes_of(self.folder)
        if self._own_folder:
            shutil.rmtree(self.folder)
        assert error is not None or not left, f"processes outlive their cabin: {left}"

    async def start_simulators(self) -> None:
        """The settings are written and nothing reads them yet: the moment to change them."""
        for section, keys in self._settings.items():
            edit(self.site.cabin_toml, section, keys)
        self.expect(kind=self._kind, measures=self._measures)
        await super().start_simulators()

    def expect(self, *, kind: str = "checkup", measures: tuple[str, ...] = ()) -> None:
        """One appointment, in place of the demonstration's."""
        lines = [f'code = "{CODE}"', f'kind = "{kind}"', f'subject_system = "{SUBJECT_SYSTEM}"', 'subject = "190011"']
        lines += [f"measures = {json.dumps(list(measures))}"] if measures else []
        (self.folder / "appointments.toml").write_text("\n".join(["[[appointment]]", *lines, ""]))

    def child(self, name: str) -> Child:
        """One of the processes."""
        return next(child for child in self.processes.children if child.name == name)

    async def kill(self, name: str) -> None:
        """SIGKILL, as a power cut would, and wait until the process is no more."""
        child = self.child(name)
        os.kill(child.pid, signal.SIGKILL)
        await child.process.wait()
        self.processes.children.remove(child)

    async def said(self, name: str, words: str) -> None:
        """Wait until a process that is running says something more on its standard output."""
        stdout = self.child(name).process.stdout
        assert stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while words not in (line := (await stdout.readline()).decode()):
                assert line, f"the {name} ended"

    async def restart(self, name: str) -> None:
        """Start what was killed again, as systemd would: nothing is put in order before."""
        match name:
            case "core":
                await self.start_core()
            case "gateway":
                await self.start_gateway()
            case "broker":
                await run.broker(self.processes, self.site, self.broker_port)

    async def broker_back(self) -> None:
        """Start the broker again, and let the gateway be there before the cabin.

        In the other order nothing is lost either, but a broker without memory drops what nobody has subscribed to,
        and the cabin sends it again only after half a minute.
        """
        core = self.child("core").process
        core.send_signal(signal.SIGSTOP)
        await self.restart("broker")
        if any(child.name == "gateway" for child in self.processes.children):
            await self.said("gateway", READY)
        else:
            await self.restart("gateway")
        core.send_signal(signal.SIGCONT)

    async def bounce(self, name: str) -> None:
        """Kill and start again."""
        await self.kill(name)
        await self.restart(name)

    async def logged(self, name: str, words: str) -> None:
        """Wait until a process has written these words to its log."""
        log = self.child(name).log
        async with asyncio.timeout(PATIENCE_S):
            # A file has no event that Python can await without a thread, and a glance is cheap.
            while words not in log.read_text(errors="replace"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def simulate(self, **command: object) -> None:
        """One command to the simulators: `fault=..., instrument=...`, `clear=...` or `body={...}`."""
        reader, writer = await asyncio.open_unix_connection(str(self.site.instruments / "control.sock"))
        writer.write(json.dumps(command).encode() + b"\n")
        answer = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
        assert answer == {"ok": True}, answer

    @asynccontextmanager
    async def watching(self, waves: bool = False) -> AsyncIterator[tuple[CoreClient, AsyncGenerator[Json | bytes]]]:
        """A client and its stream, already open, so that no change is missed; within the limit of patience."""
        async with asyncio.timeout(PATIENCE_S), self.client() as core, aclosing(core.stream(waves)) as events:
            await anext(events)
            yield core, events

    async def until_seen(self, *states: str, but: tuple[str, ...] = ()) -> None:
        """Wait until every instrument except `but` is in one of these states (default: ready or measuring)."""
        wanted = states or ("ready", "measuring")
        async with self.watching() as (core, events):
            while not all(each["state"] in wanted for each in await core.instruments() if each["kind"] not in but):
                await _told(events, "instrument")

    async def until_instrument(self, kind: str, state: str) -> Json:
        """Wait until one instrument is in this state; how it looks then."""
        async with self.watching() as (core, events):
            while (found := next(each for each in await core.instruments() if each["kind"] == kind))[
                "state"
            ] != state:
                await _told(events, "instrument")
        return found

    async def lead(self, until: Seen, person: Person | None = None) -> Json:
        """Lead a person through the visit until a view of it is the one waited for; that view."""
        who = person or SimulatedPerson(CODE)
        async with self.watching() as (core, events):
            visit = await core.visit()
            while not until(visit):
                said = {"event": "results_read"} if visit["state"] == "results" else who.answer(visit)
                visit = await (core.tell(**said) if said else self._next(core, events))
        return visit

    async def watch_until(self, until: Seen) -> Json:
        """Say nothing until the visit looks as it is waited for."""
        async with self.watching() as (core, events):
            while not until(visit := await core.visit()):
                await _told(events, "changed")
        return visit

    async def until_squeezed(self, mmhg: float) -> None:
        """Wait until the cuff holds at least this pressure."""
        async with self.watching() as (_, events):
            while True:
                reading = await _told(events, "reading")
                if reading["quantity"] == "cuff_pressure" and (reading["value"] or 0) >= mmhg:
                    return

    async def finish(self, person: Person | None = None) -> str:
        """Lead the visit from where it is to the clean cabin; the Bundle's message id, "" where there is none."""
        done = await self.lead(lambda visit: "finish" in visit["may"], person)
        await self.lead(in_state("ready"), person)
        return done["mid"] or ""

    async def view(self) -> Json:
        """The visit as it is."""
        async with self.client() as core:
            return await core.visit()

    async def tell(self, event: str, **fields: Any) -> Json:
        """One word of the kiosk."""
        async with self.client() as core:
            return await core.tell(event, **fields)

    async def delivered(self, mid: str) -> Json:
        """Wait for the record's receipt and an empty outbox; the Bundle, of which the record holds exactly one.

        Of the visit's recording it holds one at most, and of everything nothing twice, refused or missing.
        """
        async with asyncio.timeout(PATIENCE_S), self.client() as core:
            settled = await receipt_of(core, mid)
            for each in await core.deliveries(500):
                await receipt_of(core, each["mid"])
        assert settled is not None and settled["receipt"]["status"] in ("stored", "duplicate"), settled
        assert self.outbox() == []
        records = self.records()
        bundles = [each for each in records if each.content_type == FHIR]
        assert len({json.loads(each.content)["identifier"]["value"] for each in bundles}) == len(bundles), "twice"
        recordings = [hashlib.sha256(each.content).hexdigest() for each in records if each.content_type == RECORDING]
        assert len(set(recordings)) == len(recordings) <= len(bundles), "a recording is there twice"
        numbers = sorted(each.seq for each in records)
        assert numbers == list(range(1, len(numbers) + 1)), f"the record holds the numbers {numbers}"
        assert self.trouble() == []
        return dict(next(json.loads(each.content) for each in bundles if each.mid.hex() == mid))

    async def _next(self, core: CoreClient, events: AsyncGenerator[Json | bytes]) -> Json:
        await _told(events, "changed", "delivery")
        return await core.visit()

    def outbox(self) -> list[tuple[str, int]]:
        """What waits in the cabin or was refused: state and sequence number; read beside the core."""
        path = (self.folder / "state" / "outbox.db").as_uri()
        with closing(sqlite3.connect(f"{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT state, seq FROM letter ORDER BY id").fetchall()

    def records(self) -> list[Record]:
        """What the record holds."""
        with closing(SqliteStore(self.site.record)) as store:
            return store.records()

    def bundles(self) -> list[Json]:
        """The Bundles that the record holds."""
        return [json.loads(each.content) for each in self.records() if each.content_type == FHIR]

    def trouble(self) -> list[object]:
        """What a human would have to look at in the record: open alarms and refused envelopes."""
        with closing(SqliteStore(self.site.record)) as store:
            return [*(alarm for alarm in store.alarms() if alarm.closed_ms is None), *store.quarantined()]


def in_state(state: str) -> Seen:
    """The visit is in this state."""
    return lambda visit: bool(visit["state"] == state)


def running(task: str) -> Seen:
    """This task is being done."""
    return lambda visit: task in visit["running"]


def done(task: str) -> Seen:
    """This task is settled with a value."""
    return lambda visit: any((row["task"], row["state"]) == (task, "done") for row in visit["plan"])


def edit(file: Path, section: str, keys: Mapping[str, object]) -> None:
    """Put keys at the top of a section of a TOML file."""
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    text = file.read_text()
    assert f"[{section}]\n" in text
    file.write_text(text.replace(f"[{section}]\n", f"[{section}]\n{lines}"))


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that name this folder, or have it open or as their working directory."""
    return [words for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if (words := _words(pid, folder))]


def _words(pid: int, folder: Path) -> str:
    """How a process is called if it has to do with the folder, else nothing."""
    place = Path(f"/proc/{pid}")
    try:
        words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        held = [os.readlink(place / "cwd"), *map(os.readlink, (place / "fd").iterdir())]
    except OSError:
        return ""
    ours = pid != os.getpid() and any(str(folder) in each for each in (words, *held))
    return f"{pid} {words}" if ours else ""


async def _told(events: AsyncGenerator[Json | bytes], *kinds: str) -> Json:
    """The next event of one of these kinds, or the word that some were dropped."""
    async for event in events:
        if isinstance(event, dict) and event["type"] in (*kinds, "dropped"):
            return event
    raise AssertionError("the core's stream ended")
