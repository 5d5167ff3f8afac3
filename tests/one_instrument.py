"""A cabin with one simulated instrument in this process: its rack, its keeper, and a person who does as told.

The person is beside the instrument until a measure begins, and then puts the finger in, faces it, steps on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from cabin_agent.attempts import Attempts, Told
from cabin_agent.clock import VisitClock
from cabin_agent.course import Course
from cabin_agent.instrument_settings import GAINS, SITES, Driver, InstrumentSettings
from cabin_agent.instruments import Instruments
from cabin_agent.measuring.bedside import Unmeasured
from cabin_agent.plan import TASKS, Rules, TaskName
from cabin_agent.results import Device, Measure
from drivers import DRIVERS
from drivers.events import Event, Trouble
from simulators.body import Body
from simulators.physiology import Physiology
from simulators.rack import Ready, run_rack

PERSON = Physiology(
    heart_rate=66.0, spo2=95.0, temperature=36.6, weight=81.3, height=181.0, systolic=131.0, diastolic=83.0
)
AWAY = {"finger_in": False, "on_scale": False, "facing": False}
"""Nobody touches anything; a cuff is on the arm before its task begins."""
TASK_OF: dict[str, TaskName] = {task.instrument: task.name for task in TASKS.values()}


@dataclass(slots=True)
class Made:
    """What came of one measure."""

    told: Told
    failure: Unmeasured | None
    device: Device
    said: list[str] = field(default_factory=list)
    """Codes of what the agent was told, in their order."""

    def measure(self, name: str) -> Measure:
        """The measure of that name; it has a value."""
        (found,) = [each for each in self.told.outcomes if each.name == name]
        assert isinstance(found, Measure), found
        return found


class Cabin:
    """The cabin around one instrument."""

    def __init__(self, settings: InstrumentSettings, body: Body, speed: float) -> None:
        self.body, self.kind = body, settings.driver
        self.events: list[Event] = []
        self.said: list[str] = []
        """Codes of what the agent was told in the present visit."""
        self._changes = asyncio.Event()
        self.instruments = Instruments(
            [settings], accept_simulated=True, speed=speed, on_event=self._heard, on_state=self._changed
        )
        self.clock = VisitClock(speed)

    def _heard(self, _kind: str, event: Event, _at: float) -> None:
        self.events.append(event)
        self._changes.set()

    def _say(self, codes: Sequence[str]) -> None:
        self.said.extend(codes)
        self._changes.set()

    def _changed(self, _kind: str, _state: object) -> None:
        self._changes.set()

    async def until(self, enough: Callable[[], object]) -> None:
        """Wait for events until something is true."""
        async with asyncio.timeout(60):
            while not enough():
                self._changes.clear()
                await self._changes.wait()

    def refused(self) -> bool:
        """Whether a reading was refused because it is old."""
        return any(isinstance(event, Trouble) and event.code == "old-reading" for event in self.events)

    async def ready(self) -> None:
        """Wait until the instrument is there, as it is in a cabin that was switched on in the morning."""
        await self.until(lambda: self.instruments.usable(self.kind))

    async def visit(self, *, there: bool = True) -> Made:
        """One visit with one measure; `there`: somebody comes to be measured."""
        self.instruments.visit(self.clock.wall_ms())
        self.body.change(0.0, {**dict.fromkeys(AWAY, there), "cuff_on": there})
        task = TASK_OF[self.kind]
        course = Course(self.clock.now(), [task], running=task)
        made = Made(Told(), None, self.instruments.device(self.kind))
        self.said = made.said
        attempts = Attempts(self.instruments, self.clock, Rules(), course, lambda: self._say(attempts.messages))
        try:
            made.told, made.failure = await (attempts.inflated() if task == "pressure" else attempts.tried(task))
        finally:
            await attempts.leave_safe(task)
        made.device = self.instruments.device(self.kind)
        return made


def settings_of(protocol: str, url: str) -> InstrumentSettings:
    """An instrument as a short [instruments.NAME] describes it."""
    kind: Driver = DRIVERS[protocol].kind  # type: ignore[assignment]
    return InstrumentSettings(
        name=kind, driver=kind, protocol=protocol, url=url, usb_serial=None, usb_port=None, model=kind, serial="",
        calibrated=None, calibration_days=366, past_due="flag", site=SITES.get(kind, (None,))[0],
        gain=GAINS[0] if kind == "ecg" else None, calibration=None,
    )  # fmt: skip


@asynccontextmanager
async def cabin(
    folder: Path,
    protocol: str,
    *,
    speed: float,
    model: str = "",
    faults: Sequence[str] = (),
    calibrated: date | None = None,
    past_due: str = "flag",
    early: bool = False,
) -> AsyncIterator[Cabin]:
    """A running cabin with one instrument; `model`: the simulated one, where one driver has several.

    `early`: the visit need not wait for it, as for an instrument that is switched on when it is used.
    """
    model = model or protocol
    body, ready = Body(1, PERSON), asyncio.get_running_loop().create_future()
    body.change(0.0, AWAY)
    rack = asyncio.create_task(run_rack(folder, [model], body, speed, faults={model: faults}, ready=ready.set_result))
    await asyncio.wait({rack, ready}, return_when=asyncio.FIRST_COMPLETED)
    met: Ready = ready.result()
    settings = replace(settings_of(protocol, met.urls[model]), calibrated=calibrated, past_due=past_due)  # type: ignore[arg-type]
    made = Cabin(settings, body, speed)
    keeping = asyncio.create_task(made.instruments.run())
    try:
        if not early:
            await made.ready()
        yield made
    finally:
        for task in (keeping, rack):
            task.cancel()
        await asyncio.gather(keeping, rack, return_exceptions=True)
