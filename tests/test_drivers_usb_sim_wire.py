"""The wire between emulated host and simulated device, and the descriptors that it carries."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import usb_descriptors
from drivers.usb_sim_wire import Halted, Hello, Message, Op, Reply, Request, Splitter, Transfer, WireError, encode
from simulators.usb_description import Endpoint, UsbDescription
from tests.usb_port import BULK, FUNCTION, QOS

BYTE = st.integers(0, 255)
DATA = st.binary(max_size=80)
NUMBER = st.integers(0, 2**32 - 1)
MESSAGES = st.one_of(
    st.builds(Hello, st.binary(min_size=18, max_size=18), DATA, st.sampled_from(["1-1", "2-1.4.3"]), st.booleans()),
    st.builds(Request, NUMBER, st.sampled_from(Op), BYTE, st.binary(min_size=8, max_size=8), DATA),
    st.builds(Reply, NUMBER, BYTE, DATA),
    st.builds(Transfer, BYTE, DATA),
    st.builds(Halted, BYTE),
)


@given(st.lists(MESSAGES, max_size=6), st.lists(st.integers(0, 1000)))
def test_messages_come_out_as_they_went_in_whatever_the_cut(messages: list[Message], cuts: list[int]) -> None:
    stream = b"".join(map(encode, messages))
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    splitter = Splitter()
    assert [message for a, b in pairwise(edges) for message in splitter.feed(stream[a:b])] == messages


@given(st.binary(max_size=200))
def test_soup_is_refused_or_waited_for(soup: bytes) -> None:
    with suppress(WireError):
        Splitter().feed(soup)


def test_another_version_is_refused() -> None:
    hello = bytearray(encode(Hello(bytes(18), b"", "1-1", False)))
    hello[5] += 1
    with pytest.raises(WireError, match="another version"):
        Splitter().feed(bytes(hello))


def test_a_device_as_the_standard_lays_it_out() -> None:
    assert BULK.device() == bytes.fromhex("12 01 00 02 00 00 00 40 34 12 ab 00 00 01 01 02 03 01")
    assert BULK.configuration() == bytes.fromhex(
        "09 02 35 00 01 01 00 80 32  09 04 00 00 03 0f 00 00 00  04 20 02 01 06 30 00 01 90 01"
        "07 05 81 02 40 00 00 04 21 01 08  07 05 02 02 40 00 00  07 05 83 03 08 00 0a"
    )
    assert BULK.string(0) == bytes.fromhex("04 03 09 04")
    assert BULK.string(3) == b"\x0a\x03A\x00-\x001\x007\x00"
    assert BULK.string(4) is None
    assert UsbDescription(1, 2, 3, (Endpoint(0x81, "bulk"),)).string(1) is None


def test_the_host_reads_them() -> None:
    device = usb_descriptors.device(BULK.device())
    assert (device.fields["idVendor"], device.fields["idProduct"], device.fields["iSerialNumber"]) == (
        0x1234,
        0xAB,
        3,
    )
    found = usb_descriptors.configuration(BULK.configuration())
    (interface,) = found.children
    assert (interface.fields["bInterfaceClass"], interface.extra) == (0x0F, FUNCTION)
    assert [endpoint.fields["bEndpointAddress"] for endpoint in interface.children] == [0x81, 0x02, 0x83]
    assert [endpoint.extra for endpoint in interface.children] == [QOS, b"", b""]


@given(st.binary(max_size=60))
def test_descriptors_of_soup_are_refused(soup: bytes) -> None:
    for read in (usb_descriptors.device, usb_descriptors.configuration):
        with suppress(ValueError):
            read(soup)
