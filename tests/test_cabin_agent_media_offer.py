"""What an offer may be: a real one passes, whatever is missing, too much or broken is refused, hidden names go."""

from __future__ import annotations

import random
import re

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.media import aiortc_tuning
from cabin_agent.media.offer import MOST, checked, mark
from cabin_agent.media.refusal import WORDS, Refused

HIDDEN = (
    "a=candidate:412 1 udp 2113937151 38788c2a-c5f2-4156-b56b-62c792ffb576.local 51729 typ host generation 0 "
    "network-cost 999\r\n"
)


async def offer(*directions: str, channel: bool = True) -> str:
    """An offer of video and then sound in these directions."""
    aiortc_tuning.apply(["127.0.0.1"])
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind, direction in zip(("video", "audio", "audio", "audio"), directions, strict=False):
        peer.addTransceiver(kind, direction=direction)
    if channel:
        peer.createDataChannel("ctl")
    await peer.setLocalDescription(await peer.createOffer())
    sdp = peer.localDescription.sdp
    await peer.close()
    return sdp


def refused(sdp: str) -> bool:
    try:
        checked(sdp)
    except Refused as error:
        return error.code == "bad-offer"
    return False


async def test_an_offer_of_the_contract_passes_unchanged() -> None:
    sdp = await offer("recvonly", "sendrecv", "recvonly")
    assert checked(sdp) == (sdp, 2)


async def test_without_stethoscope_or_microphone_it_passes_too() -> None:
    assert checked(await offer("recvonly", "recvonly"))[1] == 1


@pytest.mark.parametrize(
    ("directions", "channel"),
    [
        (("recvonly",), True),
        (("recvonly", "sendrecv", "recvonly"), False),
        (("sendonly", "sendrecv", "recvonly"), True),
        (("recvonly", "sendonly"), True),
        (("recvonly", "sendrecv", "recvonly", "recvonly"), True),
    ],
)
async def test_anything_else_is_refused(directions: tuple[str, ...], channel: bool) -> None:
    assert refused(await offer(*directions, channel=channel))


@pytest.mark.parametrize(
    "gone", ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:", "a=group:BUNDLE", "m=video", "a=rtpmap:"]
)
async def test_an_offer_with_a_part_missing_is_refused(gone: str) -> None:
    sdp = await offer("recvonly", "sendrecv", "recvonly")
    kept = "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(gone))
    assert refused(kept)


async def test_an_offer_that_is_too_large_is_refused() -> None:
    sdp = await offer("recvonly", "sendrecv", "recvonly")
    assert refused(sdp + "a=x\r\n" * (MOST // 5))


async def test_hidden_addresses_are_taken_out_and_others_stay() -> None:
    sdp = await offer("recvonly", "sendrecv", "recvonly")
    found, _ = checked(sdp.replace("a=end-of-candidates\r\n", HIDDEN + "a=end-of-candidates\r\n"))
    assert ".local" not in found
    assert found.count("a=candidate:") == sdp.count("a=candidate:")


@pytest.mark.parametrize("seed", range(8))
async def test_an_offer_with_broken_lines_passes_or_is_refused_and_nothing_else(seed: int) -> None:
    sdp, chance = await offer("recvonly", "sendrecv", "recvonly"), random.Random(seed)
    for _ in range(40):
        lines = sdp.splitlines(keepends=True)
        place = chance.randrange(len(lines))
        broken = chance.choice(["", lines[place][: chance.randrange(8)] + "\r\n", lines[place] * 2, "a=\r\n", "\r\n"])
        lines[place] = broken
        try:
            checked("".join(lines))
        except Refused as error:
            assert error.code == "bad-offer"


@given(st.text(max_size=300))
def test_text_is_no_offer(text: str) -> None:
    assert refused(text)


def test_two_copies_of_one_offer_have_one_mark() -> None:
    assert mark("v=0") == mark("v=0") != mark("v=1")


@pytest.mark.parametrize("code", WORDS)
def test_every_refusal_is_one_sentence_in_both_languages(code: str) -> None:
    for language in ("fr", "en"):
        said = Refused(code).sentence(language)
        assert re.fullmatch(r"[A-ZÀ-Ý].+\.", said)
        assert said.count(".") == 1
    assert Refused(code).sentence("fr") != Refused(code).sentence("en")
