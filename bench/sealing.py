"""What it costs to seal and to open an envelope, beside the least that anybody would do with the same content."""

from __future__ import annotations

import json
import os
import random
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.figures import Chapter, Figure, median, number
from sync.envelope import FHIR, NO_PREVIOUS, Policy, Stamp, open_envelope, seal
from sync.keys import RecipientKey, SigningPair

SIZES = {"5 kB": 5_000, "500 kB": 500_000}
ROUNDS = 60
LIMITS_MS = {"seal 5 kB": 2.5, "open 5 kB": 1.0}


@dataclass(frozen=True, slots=True)
class Job:
    """Two ways of doing the same, timed one after the other, and compression alone."""

    ours: Callable[[], object]
    peer: Callable[[], object]
    packing: Callable[[], object]


async def chapter() -> Chapter:
    """Seal and open both sizes."""
    figures = [figure for name, size in SIZES.items() for figure in _figures(name, strip(size))]
    return Chapter(
        "Envelope",
        "Content like a Bundle's: JSON around an ECG strip in decimal numbers. Sealing signs with Ed25519 and "
        "ML-DSA-65, compresses, pads to a bucket and encrypts with HPKE (X-Wing, AES-256-GCM); opening undoes and "
        f"verifies all of it. Medians of {ROUNDS} rounds in which the peers take turns with the envelope: AES-256-GCM"
        " with one Ed25519 signature over the same content, uncompressed, by the same library; and zlib alone at its "
        "default level. Ratios are medians of the rounds' ratios.",
        tuple(figures),
    )


def strip(size: int) -> bytes:
    """`size` bytes of JSON whose numbers wander like an ECG; the same at every call."""
    chance = random.Random(12)
    level = 0.0
    words: list[str] = []
    while len(words) < size // 2:
        level = 0.9 * level + chance.gauss(0, 20)
        words.append(str(round(level)))
    head = '{"resourceType":"Observation","valueSampledData":{"dimensions":1,"data":"'
    text = head + " ".join(words)[: size - len(head) - 3] + '"}}'
    json.loads(text)
    return text.encode()


def _figures(name: str, content: bytes) -> list[Figure]:
    sealing, opening = _jobs(content)
    packed = f"{len(zlib.compress(content)) / 1000:.0f} kB compressed"
    return [
        _figure(f"seal {name}", sealing, "zlib.compress", packed),
        _figure(f"open {name}", opening, "zlib.decompress", ""),
    ]


def _figure(what: str, job: Job, packing: str, remark: str) -> Figure:
    rounds = [tuple(_ms(way) for way in (job.ours, job.peer, job.packing)) for _ in range(ROUNDS)]
    ours, peer, zipped = (median([row[column] for row in rounds]) for column in range(3))
    ratio = median([row[0] / row[1] for row in rounds])
    against_zip = median([row[0] / row[2] for row in rounds])
    text = (
        f"{number(peer)} ms: AES-GCM + Ed25519; ratio {number(ratio)}. "
        f"{number(zipped)} ms: {packing}; ratio {number(against_zip)}"
    )
    return Figure(what, ours, "ms", LIMITS_MS.get(what), peer=text, remark=remark)


def _jobs(content: bytes) -> tuple[Job, Job]:
    recipient, signer = RecipientKey.generate(demo=True), SigningPair.generate(demo=True)
    policy = Policy({signer.public.kid: signer.public})
    stamp = Stamp(1_763_683_200_000, "ntp", bytes(16), (0, bytes(32)))

    def sealed() -> bytes:
        made = seal(
            content,
            FHIR,
            recipient=recipient.public,
            signer=signer,
            mid=bytes(16),
            src=bytes(16),
            seq=1,
            prev=NO_PREVIOUS,
            stamp=stamp,
        )
        return made.envelope

    envelope, packed = sealed(), zlib.compress(content)
    ring = {recipient.public.kid: recipient}
    plain = Plain()
    box = plain.seal(content)
    return (
        Job(sealed, lambda: plain.seal(content), lambda: zlib.compress(content)),
        Job(lambda: open_envelope(envelope, ring, policy), lambda: plain.open(box), lambda: zlib.decompress(packed)),
    )


class Plain:
    """The peer: one signature, one symmetric key that both sides have already."""

    def __init__(self) -> None:
        self._aead = AESGCM(AESGCM.generate_key(256))
        self._signer = Ed25519PrivateKey.generate()
        self._known = self._signer.public_key()

    def seal(self, content: bytes) -> bytes:
        """Nonce, then the encrypted signature and content."""
        nonce = os.urandom(12)
        return nonce + self._aead.encrypt(nonce, self._signer.sign(content) + content, None)

    def open(self, box: bytes) -> bytes:
        """The content, decrypted and verified."""
        signed = self._aead.decrypt(box[:12], box[12:], None)
        self._known.verify(signed[:64], signed[64:])
        return signed[64:]


def _ms(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    way()
    return 1000 * (time.perf_counter() - began)
