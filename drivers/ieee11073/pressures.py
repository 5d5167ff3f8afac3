"""Two halves of one cuff measurement: three pressures and a pulse, joined by their time stamp; pure.

An agent may send the pulse in a later report than the pressures, and several measurements in any order (sheet,
section 7): only the time stamp tells which belongs to which.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.events import NoValue, PressureResult, Value
from drivers.ieee11073 import nomenclature as mdc
from drivers.ieee11073.readings import flags_of, shown, stated, whose
from drivers.ieee11073.reports import Observation

WAIT_S = 2.0
"""How long pressures wait for their pulse."""
MOST = 64
"""Halves that wait; an agent stores fewer than it would take to fill this in one go."""

NO_PULSE: Value = NoValue("missing")

Key = tuple[datetime | None, int | None]
"""When, and for whom."""


@dataclass(slots=True)
class _Halves:
    since: float
    pressures: tuple[Observation, bool] | None = None
    pulse: tuple[Observation, bool] | None = None


class Pressures:
    """Joins the halves. `pulse` says whether a pulse is to be waited for at all."""

    def __init__(self) -> None:
        self.pulse = True
        self._waiting: dict[Key, _Halves] = {}

    def add(self, seen: Observation, stored: bool, now: float) -> None:
        """Take one observation of either half; any other is ignored."""
        if seen.metric.code not in (mdc.PRESSURES, mdc.CUFF_PULSE):
            return
        halves = self._waiting.setdefault((seen.taken, seen.person), _Halves(now))
        if seen.metric.code == mdc.PRESSURES:
            halves.pressures = (seen, stored)
        else:
            halves.pulse = (seen, stored)

    @property
    def due(self) -> float | None:
        """When `ready` gives something by itself; None while nothing waits."""
        return min((halves.since + WAIT_S for halves in self._waiting.values()), default=None)

    def ready(self, now: float) -> list[PressureResult]:
        """The measurements that are whole, or have waited long enough, in the order of time."""
        crowded = len(self._waiting) > MOST
        whole = [
            key
            for key, halves in self._waiting.items()
            if crowded or key[0] is None or now - halves.since >= WAIT_S or self._is_whole(halves)
        ]
        return self._take(whole)

    def all(self) -> list[PressureResult]:
        """Everything that waits, with or without its other half."""
        return self._take(list(self._waiting))

    def _is_whole(self, halves: _Halves) -> bool:
        return halves.pressures is not None and (halves.pulse is not None or not self.pulse)

    def _take(self, keys: list[Key]) -> list[PressureResult]:
        taken = [self._waiting.pop(key) for key in sorted(keys, key=_by_time)]
        # A pulse without its pressures is no measurement of a cuff.
        return [_result(*halves.pressures, halves.pulse) for halves in taken if halves.pressures is not None]


def _by_time(key: Key) -> tuple[datetime, int]:
    return key[0] or datetime.min, -1 if key[1] is None else key[1]  # noqa: DTZ901 - the agent's clock has no zone


def _result(seen: Observation, stored: bool, pulse: tuple[Observation, bool] | None) -> PressureResult:
    parts = dict(zip(seen.metric.components, seen.values, strict=False))
    raw = [parts.get(code, NoValue("missing")) for code in (mdc.SYSTOLIC, mdc.DIASTOLIC, mdc.MEAN)]
    systolic, diastolic, mean = (stated(seen, value, mdc.PRESSURE) for value in raw)
    flags, rate = flags_of(seen, stored), NO_PULSE
    if pulse is not None:
        rate = stated(pulse[0], pulse[0].values[0], mdc.PULSE)
        flags |= flags_of(*pulse)
    failed = next((each for each in (systolic, diastolic) if isinstance(each, NoValue)), None)
    if failed is not None:
        detail = whose(seen)
        return PressureResult(failed, failed, failed, failed, 0, "device-error", flags, seen.taken, detail)
    detail = {
        **shown(seen, "/".join("-" if isinstance(each, NoValue) else f"{each:g}" for each in raw)),
        **whose(seen),
    }
    return PressureResult(systolic, diastolic, mean, rate, 0, None, flags, seen.taken, detail)
