"""Observations -> what the house knows: one reading each, or the halves of a cuff measurement; pure."""

from __future__ import annotations

from drivers.events import NoValue, Reading, Value
from drivers.ieee11073 import nomenclature as mdc
from drivers.ieee11073.reports import Observation

Detail = dict[str, str | float]
SCALE = ("weight", "height", "bmi")


def reading(seen: Observation, stored: bool) -> Reading | None:
    """One numeric value; None for what the house has no name for.

    `detail` keeps "shown" and "shown_unit" as on the display, "site" and "mode" of a temperature, "averaging" of a
    saturation, "user" of an agent that keeps several apart. A scale sends what has settled: flag "locked".
    """
    quantity = mdc.QUANTITIES.get(seen.metric.code)
    if quantity is None or len(seen.values) != 1:
        return None
    raw = seen.values[0]
    value = stated(seen, raw, quantity)
    flags = flags_of(seen, stored)
    if quantity.name in SCALE and not isinstance(value, NoValue) and "settling" not in flags:
        flags |= {"locked"}
    return Reading(quantity.name, value, quantity.unit, flags, _detail(seen, raw, value), seen.taken)


def stated(seen: Observation, raw: Value, quantity: mdc.Quantity) -> Value:
    """A value in the house's own unit, or why it is none: the agent's own word first, then ours."""
    if seen.status & mdc.TEST_OR_DEMO:
        return NoValue("device-error")
    for bit, why in mdc.REFUSING:
        if seen.status & bit:
            return NoValue(why)
    unit = mdc.UNITS.get(seen.unit)
    if isinstance(raw, NoValue) or unit is None or unit.own != quantity.unit:
        return raw if isinstance(raw, NoValue) else NoValue("device-error")
    value = raw * unit.factor + unit.offset
    return value if quantity.low <= value <= quantity.high else NoValue("out-of-range")


def flags_of(seen: Observation, stored: bool) -> frozenset[str]:
    """What the agent says of an observation beside its value."""
    flags = {word for bit, word in mdc.TOLD.items() if seen.status & bit}
    if seen.status & mdc.TEST_OR_DEMO:
        flags.add("test-data")
    if stored:
        flags.add("from-memory")
    return frozenset(flags)


def shown(seen: Observation, text: str) -> Detail:
    """What was on the display, in its own unit; nothing where the unit is not known."""
    unit = mdc.UNITS.get(seen.unit)
    return {} if unit is None else {"shown": text, "shown_unit": unit.shown}


def whose(seen: Observation) -> Detail:
    """Whose memory of the instrument it went to, where it keeps several apart."""
    return {} if seen.person is None else {"user": seen.person}


def _detail(seen: Observation, raw: Value, value: Value) -> Detail:
    detail = whose(seen)
    # What is no value is shown nowhere: a number that was refused must not come back as a text.
    if not isinstance(raw, NoValue) and not isinstance(value, NoValue):
        detail |= shown(seen, f"{raw:g}")
    if seen.metric.code in mdc.SITES:
        detail |= {"site": mdc.SITES[seen.metric.code], "mode": "adjusted"}
    if seen.metric.modality is not None:
        detail["averaging"] = seen.metric.modality
    return detail
