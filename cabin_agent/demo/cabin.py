"""The demonstration's cabin, started and stopped as one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from cabin_agent.client import CoreClient
from cabin_agent.demo import processes as run
from cabin_agent.demo.processes import Processes, free_port, python
from cabin_agent.demo.site import KINDS, Site, prepare
from cabin_agent.runtime import Found, discover

READY = "ready at "
"""What the core and the gateway print once they serve."""


@dataclass(frozen=True, slots=True)
class Replays:
    """Recordings in place of the synthetic body."""

    ecg: Path | None = None
    ppg: Path | None = None


class DemoCabin:
    """Simulators, broker, gateway, core and media; an async context manager that leaves no process behind."""

    kinds = KINDS

    def __init__(
        self, site: Site, speed: float, replays: Replays, api_port: int, *, with_media: bool = False
    ) -> None:
        self.site, self.speed, self._with_media = site, speed, with_media
        self._replays, self._api_port = replays, api_port
        self.processes = Processes(site)
        self.broker_port = free_port()
        self.url = ""
        self.codes: dict[str, str] = {}
        """Sign-in code of each named account."""
        self.control: Path | None = None
        """Socket of the simulators' control."""

    async def __aenter__(self) -> DemoCabin:
        """Start everything; raises `DemoError` with one sentence, and then nothing is left running."""
        run.check_port(self._api_port)
        try:
            self.codes = prepare(self.site, self.broker_port, self.speed, self._api_port)
            await self.start_simulators()
            await run.broker(self.processes, self.site, self.broker_port)
            await self.start_gateway()
            await self.start_core()
            if self._with_media:
                await self.start_media()
        except BaseException:
            await self.processes.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        await self.processes.stop()

    async def start_simulators(self) -> None:
        """Six instruments around one body, in one process."""
        words = ["all", "--folder", str(self.site.instruments), "--speed", str(self.speed), "--json"]
        replays = {"ecg": self._replays.ecg, "oximeter": self._replays.ppg}
        for name, record in replays.items():
            words += ["--replay", f"{name}={record}"] if record else []
        line = await self.processes.start(
            "simulators", "six simulated instruments around one body", python("simulators", *words), until='"urls"'
        )
        self.control = Path(json.loads(line)["control"])

    async def start_gateway(self) -> None:
        """The far end, with its record."""
        words = python("cabin_agent", "gateway", "--config", str(self.site.gateway_toml))
        await self.processes.start("gateway", f"opens envelopes into {self.site.record.name}", words, until=READY)

    async def start_core(self) -> None:
        """The core; its address becomes `url`."""
        words = python("cabin_agent", "run", "--config", str(self.site.cabin_toml))
        line = await self.processes.start("core", "instruments, visit, local API, delivery", words, until=READY)
        self.url = line.split(READY, 1)[1].strip()

    async def start_media(self) -> None:
        """Cameras, sound and the call; started again whenever it ends."""
        words = python("cabin_agent", "media", "--config", str(self.site.cabin_toml))
        await self.processes.start("media", "cameras, sound, the doctor's call", words, until="ready", again=True)

    def found(self) -> Found:
        """Where the core answers and with which token."""
        return discover(self.site.runtime)

    def client(self) -> CoreClient:
        """A client of the running core."""
        found = self.found()
        return CoreClient(found.url, found.token)

    last_words = staticmethod(run.last_words)
