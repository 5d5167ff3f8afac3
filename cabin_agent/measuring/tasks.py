"""Which file conducts which task of the plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from cabin_agent.measuring import ecg, hearing, oximetry, pressure, size, temperature
from cabin_agent.measuring.bedside import Bedside
from cabin_agent.plan import TaskName
from cabin_agent.results import Outcome

Conduct = Callable[[Bedside, tuple[Outcome, ...]], Awaitable[tuple[Outcome, ...]]]
"""One attempt at a task, knowing what was measured before; raises `Unmeasured` or `DriverError`."""

CONDUCT: Mapping[TaskName, Conduct] = {
    "size": size.measure,
    "oximetry": oximetry.measure,
    "temperature": temperature.measure,
    "ecg": ecg.measure,
    "hearing": hearing.measure,
    "pressure": pressure.measure,
}
"""The conduct of each task."""
