"""The doctor's browser's offer, looked at before aiortc sees it: pure.

An offer is video that is received, speech both ways (or received alone, where the microphone was refused), the
stethoscope that is received, and data channels (RFC 8829, 8866). Addresses hidden behind a name (".local",
draft-ietf-mmusic-mdns-ice-candidates) are taken out: looking them up would send multicast into the network, and the
browser's own checks show where it is.
"""

from __future__ import annotations

import hashlib

from aiortc.sdp import SessionDescription

from cabin_agent.media.refusal import Refused

MOST = 64 * 1024
"""Bytes of an offer; a browser's has under ten thousand."""
KINDS = (["application", "audio", "audio", "video"], ["application", "audio", "video"])
"""Sections of an offer, sorted; a page without a stethoscope has one of sound."""
RECEIVES = ("recvonly", "sendrecv")
"""What a browser may say of a section that the cabin sends."""


def checked(sdp: str) -> tuple[str, int]:
    """The offer as aiortc gets it, and how many sound sections it has; raises `Refused` with "bad-offer"."""
    if len(sdp.encode("utf-8", "replace")) > MOST:
        raise Refused("bad-offer")
    kept = "".join(line for line in sdp.splitlines(keepends=True) if not hidden(line))
    try:
        found = SessionDescription.parse(kept)
    # aiortc's parser fails in whatever way the first wrong character makes it.
    except Exception:
        raise Refused("bad-offer") from None
    if sorted(media.kind for media in found.media) not in KINDS or not all(map(_secure, found.media)):
        raise Refused("bad-offer")
    if any(media.direction not in RECEIVES for media in found.media if media.kind != "application"):
        raise Refused("bad-offer")
    if not any(codec.name in ("H264", "VP8") for media in found.media for codec in media.rtp.codecs):
        raise Refused("bad-offer")
    mids = [media.rtp.muxId for media in found.media]
    if not any(group.semantic == "BUNDLE" and sorted(map(str, group.items)) == sorted(mids) for group in found.group):
        raise Refused("bad-offer")
    if len(set(mids)) < len(mids):
        raise Refused("bad-offer")
    return kept, sum(media.kind == "audio" for media in found.media)


def hidden(line: str) -> bool:
    """Whether a line of an offer is a candidate whose address is hidden behind a name."""
    return line.startswith("a=candidate:") and ".local " in line


def mark(sdp: str) -> bytes:
    """What two copies of one offer have in common."""
    return hashlib.sha256(sdp.encode("utf-8", "replace")).digest()


def _secure(media: object) -> bool:
    """Whether a section says who sends it and how it is reached (RFC 8842, 8839)."""
    ice, dtls = vars(media)["ice"], vars(media)["dtls"]
    return bool(ice.usernameFragment and ice.password and dtls is not None and dtls.fingerprints)
