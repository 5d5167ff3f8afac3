"""What aiortc, aioice and PyAV have to be and to have for what `aiortc_tuning` and `encoders` do with them.

Neither of those two is imported here, so that another aiortc is refused in one sentence before it can break them.
"""

from __future__ import annotations

import dis
import pkgutil
import re
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from types import FunctionType
from typing import Any

WANTED = {"aiortc": ((1, 16), (1, 17)), "aioice": ((0, 13), (0, 14)), "av": ((17, 1), (19, 0))}
"""From the first version on, and before the second one."""

SENDER, SCTP = "aiortc.rtcrtpsender:RTCRtpSender", "aiortc.rtcsctptransport:RTCSctpTransport"
ENCODER, STAMP = "_RTCRtpSender__encoder", "_RTCRtpSender__rtp_timestamp"
LSR, LSR_TIME = "_RTCRtpSender__lsr", "_RTCRtpSender__lsr_time"
"""Private fields of a sender, as they are found in `vars`."""

NAMES: dict[str, tuple[str, ...]] = {
    "aioice.ice": ("Connection", "get_host_addresses"),
    "aioice.ice:Connection": ("get_component_candidates",),
    "aiortc.codecs.h264:H264Encoder": ("_encode_frame", "_split_bitstream"),
    "aiortc.codecs.opus": ("SAMPLES_PER_FRAME", "SAMPLE_RATE", "TIME_BASE"),
    "aiortc.codecs.vpx": ("MIN_BITRATE", "PACKET_MAX"),
    "aiortc.codecs.vpx:Vp8Encoder": ("encode", "target_bitrate"),
    "aiortc.rtcdtlstransport:RTCDtlsTransport": ("_get_stats", "_send_rtp"),
    "aiortc.rtcpeerconnection": ("RTCRtpSender",),
    "aiortc.rtcrtpsender": ("RTCEncodedFrame",),
    SENDER: (
        "_handle_rtcp_packet", "_next_encoded_frame", "_retransmit", "_run_rtp", "_send_keyframe", "transport",
    ),
    "aiortc.rtcsctptransport": ("SCTP_RTO_INITIAL", "SCTP_RTO_MAX", "SCTP_RTO_MIN"),
    SCTP: ("_update_advanced_peer_ack_point", "_update_rto"),
}  # fmt: skip
"""What modules and classes have to hold, since it is replaced, overridden or called."""

FIELDS: dict[str, tuple[str, ...]] = {
    "aiortc.codecs.h264:H264Encoder": ("codec",),
    "aiortc.codecs.opus:OpusEncoder": ("codec", "first_packet_pts", "resampler"),
    "aiortc.rtcdtlstransport:RTCDtlsTransport": ("_stats_id",),
    SCTP: ("_forward_tsn_chunk", "_rto"),
    SENDER: (ENCODER, LSR, LSR_TIME, STAMP, "_ssrc", "_stream_id"),
}
"""What the objects of a class have to be given when they are made, since it is read or set afterwards."""


class TuningError(Exception):
    """aiortc is not the one that it is tuned for; the text is one sentence that says what to do."""


def check(version_of: Callable[[str], str] = version) -> None:
    """Look whether aiortc, aioice and PyAV are those that are changed here; raises `TuningError`."""
    for package, (low, high) in WANTED.items():
        wanted = f"{_dotted(low)} or later, before {_dotted(high)}"
        try:
            found = version_of(package)
        except PackageNotFoundError:
            raise TuningError(f"{package} is missing, but the call needs {wanted}: install that version.") from None
        if not low <= tuple(map(int, re.findall(r"\d+", found)[:2])) < high:
            raise TuningError(f"{package} {found} is installed, but the call needs {wanted}: install that version.")
    for name in missing():
        raise TuningError(f"{name} is not there any more: install the versions of requirements.lock.")


def missing() -> Iterator[str]:
    """Names of the two tables that are not there."""
    for where, names in NAMES.items():
        there = vars(_found(where))
        yield from (f"{where}.{name}".replace(":", ".") for name in names if name not in there)
    for where, fields in FIELDS.items():
        given = _given(_found(where))
        yield from (f"{where}.{field}".replace(":", ".") for field in fields if field not in given)


class _Nothing:
    """What holds no name at all."""


def _found(where: str) -> Any:
    try:
        return pkgutil.resolve_name(where)
    except (ImportError, AttributeError):
        return _Nothing


def _given(kind: Any) -> set[str]:
    """The fields that the initialiser of a class sets; to make an object would take an event loop."""
    made = vars(kind).get("__init__")
    steps = dis.get_instructions(made) if isinstance(made, FunctionType) else ()
    return {str(step.argval) for step in steps if step.opname == "STORE_ATTR"}


def _dotted(parts: tuple[int, ...]) -> str:
    return ".".join(map(str, parts))
