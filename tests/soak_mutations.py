"""What can be done to an envelope: a table of mutations, seeded, from a flipped bit to a cabin that went bad.

"outer": without any key. "sealed": by somebody who knows the record's public key and even what is inside. "signed":
by a cabin whose keys are good and whose content is not. Each gives bytes that must be refused. What means the same is
no mutation: the same pieces sealed once more, or signatures in another order.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sync import cbor
from sync.envelope import Header
from tests.soak_valid import Sigs, Valid, digest
from tests.sync_parties import STRANGER

Mutation = Callable[[random.Random, Valid, Valid], bytes]
"""Makes something of one envelope; a second one of the same cabin is at hand."""


def flip(dice: random.Random, data: bytes) -> bytes:
    """One to three bits changed."""
    changed = bytearray(data)
    for bit in dice.sample(range(len(data) * 8), dice.randint(1, 3)):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def edit(dice: random.Random, data: bytes) -> bytes:
    """A few bytes put in, taken out or written over."""
    at, length = dice.randrange(len(data)), dice.randint(1, 8)
    into, out = dice.choice(((length, 0), (0, length), (length, length)))
    return data[:at] + dice.randbytes(into) + data[at + out :]


def cut(dice: random.Random, data: bytes) -> bytes:
    """The end is missing."""
    return data[: dice.randrange(len(data))]


def _inner(change: Callable[[random.Random, bytes], bytes]) -> Mutation:
    """An inner part changed as bytes, and sealed anew; what the padding would mend again is no change."""

    def mutated(dice: random.Random, it: Valid, _other: Valid) -> bytes:
        while it.means_the_same((changed := change(dice, it.inner())).ljust(it.header.size, b"\0")):
            pass
        return it.resealed(changed)

    return mutated


def head(major: int, number: int, width: int) -> bytes:
    """The head of a CBOR item with its argument in `width` bytes, however short it could be."""
    short = {1: 24, 2: 25, 4: 26, 8: 27}[width]
    return bytes([major << 5 | short]) + number.to_bytes(width, "big")


def wide(dice: random.Random, raw: bytes, box: bytes) -> bytes:
    """The same two byte strings, in CBOR that is not deterministic."""
    kinds = (
        b"\x82" + head(2, len(raw), 4) + raw + cbor.encode(box),
        b"\x82" + cbor.encode(raw) + head(2, len(box), 8) + box,
        head(4, 2, 1) + cbor.encode(raw) + cbor.encode(box),
        b"\x9f" + cbor.encode(raw) + cbor.encode(box) + b"\xff",
        b"\x82\x5f" + cbor.encode(raw) + b"\xff" + cbor.encode(box),
        b"\xd8\x18\x82" + cbor.encode(raw) + cbor.encode(box),
    )
    return dice.choice(kinds)


def other_header(dice: random.Random, header: Header) -> Header:
    """One field changed."""
    changes: Sequence[dict[str, Any]] = (
        {"seq": header.seq + dice.randint(1, 9)},
        {"mid": dice.randbytes(16)},
        {"src": dice.randbytes(16)},
        {"size": header.size * 2},
    )
    return replace(header, **dice.choice(changes))


def bent_header(dice: random.Random, header: Header) -> bytes:
    """A header that no sender writes: wrong version, type, length, key, order, number."""
    fields: dict[Any, Any] = dict(enumerate(cbor.decode(header.encoded()).values(), 1))  # type: ignore[union-attr]
    key = dice.choice(list(fields))
    fields[key] = dice.choice((0, -1, 2, 1 << 63, (1 << 64) - 1, b"", b"x" * 15, b"x" * 17, "text", [], {}, 4096 + 1))
    kind = dice.random()
    if kind < 0.2:
        del fields[key]
    elif kind < 0.3:
        fields[8] = 1
    elif kind < 0.4:
        pairs = [cbor.encode(number) + cbor.encode(value) for number, value in reversed(fields.items())]
        return bytes([0xA0 | len(pairs)]) + b"".join(pairs)
    return cbor.encode(fields)


def bent_prot(dice: random.Random, fields: dict[Any, Any]) -> bytes:
    """A protected part that says something else."""
    other = dict(fields)
    key = dice.choice([3, 4, 5, 6, 7, 8, 9, 10])
    changes = {
        3: "text/html", 4: "" if fields[4] else "deflate", 5: dice.randbytes(32), 6: fields[6] + 1, 7: "unset",
        8: dice.randbytes(16), 9: dice.randbytes(32), 10: [fields[10][0] + 1, fields[10][1]],
    }  # fmt: skip
    other[key] = changes[key]
    return cbor.encode(other)


@cache
def stranger_sigs(prot: bytes) -> Sigs:
    """Both signatures of a stranger."""
    return [[one.kid, one.alg, one.value] for one in STRANGER.sign(b"DE1/sign\0" + prot)]


def wrong_sigs(dice: random.Random, it: Valid, other: Valid) -> Sigs:
    """Signatures that do not suffice: stripped, doubled, swapped, of another envelope, of a stranger, altered."""
    (kid, ed, first), (_, ml, second) = it.sigs
    alien = stranger_sigs(it.prot)
    kinds: Sequence[Callable[[], Sigs]] = (
        lambda: [it.sigs[0]],
        lambda: [it.sigs[1]],
        list,
        lambda: [it.sigs[0], it.sigs[0]],
        lambda: [*it.sigs, it.sigs[1]],
        lambda: [it.sigs[0], other.sigs[1]],
        lambda: [other.sigs[0], it.sigs[1]],
        lambda: other.sigs,
        lambda: alien,
        lambda: [it.sigs[0], alien[1]],
        lambda: [it.sigs[0], [kid, ml, alien[1][2]]],
        lambda: [[kid, ed, alien[0][2]], it.sigs[1]],
        lambda: [[kid, ml, first], [kid, ed, second]],
        lambda: [[kid, ed, flip(dice, first)], it.sigs[1]],
        lambda: [it.sigs[0], [kid, ml, flip(dice, second)]],
        lambda: [it.sigs[0], [kid, ml, second + b"\0"]],
        lambda: [it.sigs[0], [kid, -48, second]],
        lambda: [[dice.randbytes(16), alg, value] for _, alg, value in it.sigs],
    )
    return dice.choice(kinds)()


@cache
def bomb(more: int) -> tuple[bytes, bytes]:
    """Some kilobytes that inflate to `more` bytes more than a content may have, and the hash of all that."""
    content = bytes((32 << 20) + more)
    return zlib.compress(content, 9), digest(content)


def _bomb(dice: random.Random, it: Valid, _other: Valid) -> bytes:
    body, content_hash = bomb(dice.choice((1, 4096)))
    return it.signed_anew(it.fields() | {4: "deflate", 5: content_hash}, body)


def _padding(dice: random.Random, it: Valid, _other: Valid) -> bytes:
    inner = it.inner()
    if len(inner) >= it.header.size:
        return it.resealed(inner + b"\1")
    rest = bytearray(it.header.size - len(inner))
    rest[dice.randrange(len(rest))] = dice.randint(1, 255)
    return it.resealed(inner + rest)


def _size(dice: random.Random, it: Valid, _other: Valid) -> bytes:
    """A box that is not as long as the header says, or a bucket that is none."""
    said = dice.choice((it.header.size, it.header.size * 2, 3_000, 0, 1 << 31, it.header.size + 1))
    raw = replace(it.header, size=said).encoded()
    length = dice.choice(
        [each for each in (it.header.size - 1, it.header.size + 1, it.header.size * 2 + 3) if each != said]
    )
    return it.resealed(it.inner()[:length], raw, size=length)


def _fitted(dice: random.Random, it: Valid, _other: Valid) -> bytes:
    """Another header, and a protected part that names it, under the old signatures."""
    header = other_header(dice, it.header)
    fields = it.fields() | {2: digest(header.encoded())}
    return it.resealed(it.inner(cbor.encode(fields)), header.encoded(), size=header.size)


def _reaimed(dice: random.Random, it: Valid, other: Valid) -> bytes:
    """Sealed anew for the record's other key, under a header that says so: the signature still names the old one."""
    if it.recipient is other.recipient:
        header = other_header(dice, it.header)
        return it.resealed(it.inner(), header.encoded(), size=header.size)
    raw = replace(it.header, rkid=other.header.rkid).encoded()
    return other.resealed(it.inner(), raw, size=it.header.size)


def _bad_body(dice: random.Random, it: Valid, other: Valid) -> bytes:
    """The signatures are true, for they cover a hash; the body is another."""
    bodies = (other.body, flip(dice, it.body), it.body + b"\0", it.body[:-1], b"")
    while it.means_the_same(inner := it.inner(body=dice.choice(bodies))):
        pass
    return it.resealed(inner[: it.header.size])


def _bad_cabin(dice: random.Random, it: Valid, other: Valid) -> bytes:
    """Signed by the true cabin: a body that does not end, goes on, is no stream, or has another hash."""
    content = dice.randbytes(200)
    stream = zlib.compress(content)
    body, method = dice.choice(
        ((stream[:-1], "deflate"), (stream + b"x", "deflate"), (content, "deflate"), (stream, ""), (other.body, ""))
    )
    return it.signed_anew(it.fields() | {4: method, 5: digest(content)}, body)


def _bent_signed(dice: random.Random, it: Valid, _other: Valid) -> bytes:
    """Signed by the true cabin: a protected part with a field too many or too few, or of a wrong kind."""
    fields, key = it.fields(), dice.choice((1, 2, 4, 5, 6, 7, 8, 9, 10))
    wrong = dice.choice((None, -1, "x" * 3, b"x", [], [1, 2, 3], 1 << 63))
    if wrong is None:
        del fields[key]
    else:
        fields[key] = wrong
    return it.signed_anew(fields, it.body, keep=key)


def _other_suite(dice: random.Random, it: Valid, _other: Valid) -> bytes:
    raw = replace(it.header, suite=dice.choice((0, 2, 3, 4, 255))).encoded()
    return it.resealed(it.inner(), raw)


def _pair(raw: bytes, box: bytes) -> bytes:
    return cbor.encode([raw, box])


def _splice(dice: random.Random, it: Valid, other: Valid) -> bytes:
    at = dice.randrange(1, len(it.envelope))
    return it.envelope[:at] + other.envelope[at:]


MUTATIONS: dict[str, tuple[float, Mutation]] = {
    "outer: bits flipped": (24, lambda dice, it, _: flip(dice, it.envelope)),
    "outer: bits of the header flipped": (12, lambda dice, it, _: flip(dice, it.envelope[:90]) + it.envelope[90:]),
    "outer: bytes changed": (12, lambda dice, it, _: edit(dice, it.envelope)),
    "outer: cut short": (10, lambda dice, it, _: cut(dice, it.envelope)),
    "outer: bytes behind it": (6, lambda dice, it, _: it.envelope + dice.randbytes(dice.randint(1, 40))),
    "outer: noise": (6, lambda dice, _it, _o: dice.randbytes(dice.randrange(300))),
    "outer: spliced": (10, _splice),
    "outer: another's header": (8, lambda _, it, other: _pair(other.raw, it.box)),
    "outer: another's enc": (8, lambda _, it, other: _pair(it.raw, other.box[:1120] + it.box[1120:])),
    "outer: a header field changed": (12, lambda dice, it, _: _pair(other_header(dice, it.header).encoded(), it.box)),
    "outer: header out of shape": (12, lambda dice, it, _: _pair(bent_header(dice, it.header), it.box)),
    "outer: not deterministic": (8, lambda dice, it, _: wide(dice, it.raw, it.box)),
    "sealed: another suite": (2, _other_suite),
    "sealed: another header": (4, _reaimed),
    "sealed: another header, named inside": (4, _fitted),
    "sealed: header out of shape": (3, lambda dice, it, _: it.resealed(it.inner(), bent_header(dice, it.header))),
    "sealed: signatures wrong": (12, lambda dice, it, other: it.resealed(it.inner(sigs=wrong_sigs(dice, it, other)))),
    "sealed: protected part changed": (6, lambda dice, it, _: it.resealed(it.inner(bent_prot(dice, it.fields())))),
    "sealed: inner bits flipped": (6, _inner(flip)),
    "sealed: inner cut or changed": (4, _inner(lambda dice, inner: dice.choice((cut, edit))(dice, inner))),
    "sealed: padding not zero": (4, _padding),
    "sealed: sizes that do not fit": (3, _size),
    "sealed: another body": (5, _bad_body),
    "signed: body that does not fit": (2, _bad_cabin),
    "signed: protected part out of shape": (2, _bent_signed),
    "signed: compressed bomb": (0.05, _bomb),
}  # fmt: skip
"""By name: how often beside the others, and how."""
