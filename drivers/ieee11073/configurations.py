"""Which object of an agent measures what, and in which layout it sends it.

A standard configuration is known by its number; another one is reported by the agent once. Source: protocol sheet
"IEEE 11073-20601 over USB PHDC", sections 3 to 5. The thermometer's is known from one open stack only, which states
a wrong length (`nomenclature.LENGTHS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.ieee11073 import nomenclature as mdc
from drivers.ieee11073.apdu import read_attributes
from drivers.ieee11073.mder import Malformed, Reader

STANDARD = range(0x0001, 0x4000)
MOST_OBJECTS = 64
"""No instrument of these kinds has more, and what is kept of a report stays bounded."""

Layout = tuple[tuple[int, int], ...]
"""Attribute and its length in bytes, in the order of the wire."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One object that measures."""

    code: int
    """What it measures, a code of partition 2; 0 for a private one."""
    unit: int
    layout: Layout = ()
    components: tuple[int, ...] = ()
    """Of a compound, what each of its values is."""
    modality: str | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """All objects of an agent, by handle; and the fields of each scanner's grouped report."""

    number: int
    metrics: Mapping[int, Metric]
    scanners: Mapping[int, tuple[tuple[int, Layout], ...]]

    @property
    def kind(self) -> str | None:
        """The instrument that has these objects, as this house names it; None for none of the four."""
        codes = {metric.code for metric in self.metrics.values()}
        return next((kind for kind, essential in mdc.ESSENTIAL.items() if codes & essential), None)


_BASIC: Layout = ((mdc.BASIC, 2), (mdc.TIME_STAMP, 8))
_SIMPLE: Layout = ((mdc.SIMPLE, 4), (mdc.TIME_STAMP, 8))
_THREE: Layout = ((mdc.COMPOUND_BASIC, 10), (mdc.TIME_STAMP, 8))
_OXIMETER = {1: Metric(mdc.SPO2, 544, _BASIC), 10: Metric(mdc.OXIMETER_PULSE, 2720, _BASIC)}
_CUFF = {
    1: Metric(mdc.PRESSURES, 3872, _THREE, (mdc.SYSTOLIC, mdc.DIASTOLIC, mdc.MEAN)),
    2: Metric(mdc.CUFF_PULSE, 2720, _BASIC),
}
STANDARDS: Mapping[int, Configuration] = {
    0x0190: Configuration(0x0190, _OXIMETER, {}),
    0x0191: Configuration(0x0191, _OXIMETER, {}),
    0x02BC: Configuration(0x02BC, _CUFF, {}),
    0x0320: Configuration(0x0320, {1: Metric(19292, 6048, _SIMPLE)}, {}),
    0x05DC: Configuration(0x05DC, {1: Metric(mdc.WEIGHT, 1731, _SIMPLE)}, {}),
}
"""Number -> configuration."""


def decode_report(info: bytes) -> Configuration:
    """The information of a configuration report (event 0D1C); raises `Malformed`."""
    reader = Reader(info)
    number = reader.u16()
    count, objects = reader.counted()
    reader.end()
    if count > MOST_OBJECTS:
        raise Malformed("a configuration has more objects than an instrument has")
    found = [_object(objects) for _ in range(count)]
    objects.end()
    metrics = {handle: _metric(attributes) for kind, handle, attributes in found if kind == mdc.NUMERIC}
    scanners = {
        handle: _scanner(attributes[mdc.SCANNED])
        for kind, handle, attributes in found
        if kind in mdc.SCANNERS and mdc.SCANNED in attributes
    }
    return Configuration(number, metrics, scanners)


def _object(objects: Reader) -> tuple[int, int, dict[int, bytes]]:
    """Class, handle and attributes."""
    kind, handle, count = objects.u16(), objects.u16(), objects.u16()
    return kind, handle, read_attributes(count, Reader(objects.octets()))


def _metric(attributes: Mapping[int, bytes]) -> Metric:
    kind = Reader(attributes.get(mdc.TYPE, bytes(4)))
    partition, code = kind.u16(), kind.u16()
    kind.end()
    unit = int.from_bytes(attributes.get(mdc.UNIT, b""))
    layout = _layout(*Reader(attributes.get(mdc.VALUE_MAP, bytes(4))).counted())
    codes = tuple(_codes(attributes.get(mdc.COMPONENTS, bytes(4))))
    modality = _modality(attributes.get(mdc.SUPPLEMENTAL, bytes(4)))
    return Metric(code if partition == mdc.MEASURED else 0, unit, layout, codes, modality)


def _layout(count: int, reader: Reader) -> Layout:
    pairs = [(reader.u16(), reader.u16()) for _ in range(count)]
    reader.end()
    return tuple((name, mdc.LENGTHS.get(name, length)) for name, length in pairs)


def _codes(value: bytes) -> list[int]:
    count, reader = Reader(value).counted()
    codes = [reader.u16() for _ in range(count)]
    reader.end()
    return codes


def _modality(value: bytes) -> str | None:
    count, reader = Reader(value).counted()
    types = [(reader.u16(), reader.u16()) for _ in range(count)]
    reader.end()
    return next(
        (mdc.MODALITIES[code] for part, code in types if part == mdc.MEASURED and code in mdc.MODALITIES), None
    )


def _scanner(value: bytes) -> tuple[tuple[int, Layout], ...]:
    count, reader = Reader(value).counted()
    fields = []
    for _ in range(count):
        handle = reader.u16()
        fields.append((handle, _layout(*reader.counted())))
    reader.end()
    return tuple(fields)
