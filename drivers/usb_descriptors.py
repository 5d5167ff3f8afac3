"""USB descriptors as bytes: the device and configuration descriptors of USB 2.0, chapter 9.6, taken apart.

Only what an emulated host needs: one configuration, alternate setting 0 of each interface. A descriptor that is not
of chapter 9 (a class-specific one: HID, PHDC's function and QoS) is kept as bytes behind the one that it follows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

CONFIGURATION, INTERFACE, ENDPOINT = 2, 4, 5

_DEVICE = struct.Struct("<BBHBBBBHHHBBBB")
_DEVICE_FIELDS = (
    "bLength", "bDescriptorType", "bcdUSB", "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol", "bMaxPacketSize0",
    "idVendor", "idProduct", "bcdDevice", "iManufacturer", "iProduct", "iSerialNumber", "bNumConfigurations",
)  # fmt: skip
_SHAPES = {
    CONFIGURATION: (
        struct.Struct("<BBHBBBBB"),
        ("bLength", "bDescriptorType", "wTotalLength", "bNumInterfaces", "bConfigurationValue", "iConfiguration",
         "bmAttributes", "bMaxPower"),
    ),
    INTERFACE: (
        struct.Struct("<BBBBBBBBB"),
        ("bLength", "bDescriptorType", "bInterfaceNumber", "bAlternateSetting", "bNumEndpoints", "bInterfaceClass",
         "bInterfaceSubClass", "bInterfaceProtocol", "iInterface"),
    ),
    ENDPOINT: (
        struct.Struct("<BBBBHB"),
        ("bLength", "bDescriptorType", "bEndpointAddress", "bmAttributes", "wMaxPacketSize", "bInterval"),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Descriptor:
    """One descriptor: its fields by the names of USB 2.0, what follows it that is not of chapter 9, its children."""

    fields: dict[str, int]
    extra: bytes = b""
    children: list[Descriptor] = field(default_factory=list)


def device(data: bytes) -> Descriptor:
    """A device descriptor; raises `ValueError` when it is none."""
    if len(data) != _DEVICE.size:
        raise ValueError("a device descriptor has 18 bytes")
    return Descriptor(dict(zip(_DEVICE_FIELDS, _DEVICE.unpack(data), strict=True)))


def configuration(data: bytes) -> Descriptor:
    """A whole configuration: its interfaces are its children, their endpoints theirs; raises `ValueError`."""
    path: list[Descriptor] = []
    for kind, piece in _pieces(data):
        if kind not in _SHAPES:
            _last(path).extra += piece
            continue
        layout, names = _SHAPES[kind]
        if len(piece) < layout.size:
            raise ValueError("a descriptor is too short")
        found = Descriptor(dict(zip(names, layout.unpack_from(piece), strict=True)))
        depth = list(_SHAPES).index(kind)
        if depth > len(path) or (depth == 0 and path):
            raise ValueError("the descriptors are not in their order")
        if depth:
            path[depth - 1].children.append(found)
        path[depth:] = [found]
    _last(path)
    return path[0]


def _pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        length = data[at]
        if length < 2 or at + length > len(data):
            raise ValueError("a descriptor has an impossible length")
        yield data[at + 1], data[at : at + length]
        at += length


def _last(path: list[Descriptor]) -> Descriptor:
    if not path:
        raise ValueError("there is no configuration descriptor")
    return path[-1]
