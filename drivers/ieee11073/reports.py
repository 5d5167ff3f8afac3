"""Scan reports: what an agent measured, object by object, in any of their forms, for one person or several; pure.

Source: protocol sheet "IEEE 11073-20601 over USB PHDC", section 3. A fixed or grouped report can only be read with
the agent's configuration; one that does not fit it is refused whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from drivers.events import Value
from drivers.ieee11073 import nomenclature as mdc
from drivers.ieee11073.apdu import Happened, read_attributes
from drivers.ieee11073.configurations import Configuration, Layout, Metric
from drivers.ieee11073.mder import Malformed, Reader, absolute_time, float32, sfloat

NO_PERSON = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One object's values at one time."""

    handle: int
    metric: Metric
    values: tuple[Value, ...]
    unit: int
    taken: datetime | None
    """By the agent's clock; None where it sent none, or one that was never set."""
    status: int = 0
    """Measurement status, 0 for nothing to say."""
    person: int | None = NO_PERSON
    """Number of the person, where the agent keeps several apart."""


Form = Callable[[Reader, int, Happened, Configuration], Iterator[Observation]]
"""Reads `count` elements of one form."""


def is_report(kind: int) -> bool:
    """Whether an event of this type is a scan report that is read here."""
    return kind in FORMS


def observations(happened: Happened, configuration: Configuration) -> list[Observation]:
    """What a scan report says of the objects that are known, in its order; raises `Malformed`."""
    form, several = FORMS[happened.kind]
    info = Reader(happened.info)
    info.u32()
    count, elements = info.counted()
    info.end()
    read = _persons(form) if several else form
    found = list(read(elements, count, happened, configuration))
    elements.end()
    return found


def _fixed(elements: Reader, count: int, _: Happened, configuration: Configuration) -> Iterator[Observation]:
    for _number in range(count):
        handle, data = elements.u16(), Reader(elements.octets())
        metric = configuration.metrics.get(handle)
        if metric is not None:
            attributes = _laid_out(data, metric.layout)
            data.end()
            yield from _observation(handle, metric, attributes)


def _variable(elements: Reader, count: int, _: Happened, configuration: Configuration) -> Iterator[Observation]:
    for _number in range(count):
        handle, wanted = elements.u16(), elements.u16()
        attributes = read_attributes(wanted, Reader(elements.octets()))
        metric = configuration.metrics.get(handle)
        if metric is not None:
            yield from _observation(handle, metric, attributes)


def _grouped(elements: Reader, count: int, happened: Happened, configuration: Configuration) -> Iterator[Observation]:
    fields = configuration.scanners.get(happened.handle)
    if fields is None:
        raise Malformed("a grouped report comes from a scanner that the configuration does not have")
    for _number in range(count):
        yield from _group(Reader(elements.octets()), fields, configuration)


def _group(
    data: Reader, fields: tuple[tuple[int, Layout], ...], configuration: Configuration
) -> Iterator[Observation]:
    for handle, layout in fields:
        attributes = _laid_out(data, layout)
        metric = configuration.metrics.get(handle)
        if metric is not None:
            yield from _observation(handle, metric, attributes)
    data.end()


def _persons(form: Form) -> Form:
    """The same form, sorted by person."""

    def read(elements: Reader, count: int, happened: Happened, configuration: Configuration) -> Iterator[Observation]:
        for _ in range(count):
            person = elements.u16()
            if form is _grouped:
                own, inner = 1, elements
            else:
                own, inner = elements.counted()
            for each in form(inner, own, happened, configuration):
                yield Observation(each.handle, each.metric, each.values, each.unit, each.taken, each.status, person)
            if inner is not elements:
                inner.end()

    return read


FORMS: Mapping[int, tuple[Form, bool]] = {
    0x0D1D: (_fixed, False),
    0x0D1E: (_variable, False),
    0x0D1F: (_fixed, True),
    0x0D20: (_variable, True),
    0x0D22: (_variable, False),
    0x0D23: (_fixed, False),
    0x0D24: (_grouped, False),
    0x0D25: (_variable, True),
    0x0D26: (_fixed, True),
    0x0D27: (_grouped, True),
    0x0D28: (_variable, False),
    0x0D29: (_fixed, False),
    0x0D2A: (_grouped, False),
    0x0D2B: (_variable, True),
    0x0D2C: (_fixed, True),
    0x0D2D: (_grouped, True),
}
"""Event type -> its form, and whether it is sorted by person."""


def _laid_out(data: Reader, layout: Layout) -> dict[int, bytes]:
    return {name: data.take(length) for name, length in layout}


def _observation(handle: int, metric: Metric, attributes: Mapping[int, bytes]) -> Iterator[Observation]:
    values = _values(attributes)
    if values:
        unit = _number(attributes, mdc.UNIT) if mdc.UNIT in attributes else metric.unit
        yield Observation(handle, metric, values, unit, _taken(attributes), _number(attributes, mdc.STATUS))


def _values(attributes: Mapping[int, bytes]) -> tuple[Value, ...]:
    """The values of one observation; none where it has none that is understood."""
    if mdc.BASIC in attributes:
        return (sfloat(_number(attributes, mdc.BASIC)),)
    if mdc.SIMPLE in attributes:
        return (float32(_number(attributes, mdc.SIMPLE)),)
    for name, length, convert in ((mdc.COMPOUND_BASIC, 2, sfloat), (mdc.COMPOUND_SIMPLE, 4, float32)):
        if name in attributes:
            count, reader = Reader(attributes[name]).counted()
            values = tuple(convert(int.from_bytes(reader.take(length))) for _ in range(count))
            reader.end()
            return values
    return ()


def _number(attributes: Mapping[int, bytes], name: int) -> int:
    """An attribute that is a number; raises `Malformed` where its length is not its own."""
    value = attributes.get(name, bytes(mdc.LENGTHS[name]))
    if len(value) != mdc.LENGTHS[name]:
        raise Malformed("an attribute has not the length of its kind")
    return int.from_bytes(value)


def _taken(attributes: Mapping[int, bytes]) -> datetime | None:
    """When it was measured; raises `Malformed` where that is no time: bytes were lost, and no value is true."""
    data = next((attributes[name] for name in mdc.TIMES if name in attributes), b"")
    taken = absolute_time(data)
    # A clock that was never set sends nothing but zeros.
    if taken is None and len(set(data)) > 1:
        raise Malformed("a time stamp is no time")
    return taken
