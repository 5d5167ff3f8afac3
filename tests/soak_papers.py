"""What can be done to a signed paper: a receipt or a key statement, `[bytes, signatures]` without a seal around."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sync import cbor
from sync.keys import RecipientKey, SigningPair, SigningPublic
from sync.receipt import Receipt, make_receipt, verify_receipt
from sync.statement import Recipient, Statement, make_statement, read_statement
from tests.soak_mutations import cut, edit, flip, head
from tests.sync_parties import CABIN, RECIPIENT, RECORD, RECORDS, STRANGER


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of signed paper: true ones, who signs, over what, and who reads."""

    true: Callable[[int], bytes]
    signer: SigningPair
    info: bytes
    read: Callable[[bytes], object]


def _receipt(number: int) -> bytes:
    dice = random.Random(number)
    status = dice.choice(("stored", "duplicate", "rejected"))
    reason = "decrypt" if status == "rejected" else ""
    ids = dice.randbytes(16), dice.randbytes(32)
    return make_receipt(Receipt(*ids, status, reason, number, dice.randbytes(16), number), RECORD)  # type: ignore[arg-type]


def _statement(number: int) -> bytes:
    dice = random.Random(number)
    public: SigningPublic = RECORD.public
    keys = [RECIPIENT, RecipientKey(RECIPIENT.suite, dice.randbytes(32), demo=True)][: 1 + number % 2]
    recipients = tuple(Recipient(key.public, 1_000 * at + number) for at, key in enumerate(keys))
    return make_statement(Statement(number + 1, 10_000 + number, recipients, (public,), {}), CABIN)


KINDS = {
    "receipt": Kind(_receipt, RECORD, b"DE1/receipt\0", lambda data: verify_receipt(data, RECORDS)),
    "key statement": Kind(_statement, CABIN, b"DE1/keys\0", lambda data: read_statement(data, CABIN.public)),
}


def mutated(dice: random.Random, it: bytes, other: bytes, kind: Kind) -> tuple[str, bytes]:
    """The name of what was done, and what came out."""
    name = dice.choice(list(_MUTATIONS))
    return name, _MUTATIONS[name](dice, it, other, kind)


def _parts(data: bytes) -> tuple[bytes, list[Any]]:
    item: Any = cbor.decode(data, 1 << 10)
    return item[0], item[1]


def _fields(dice: random.Random, it: bytes, _other: bytes, kind: Kind) -> bytes:
    """One field of another value, under the old signatures or a stranger's."""
    paper, sigs = _parts(it)
    fields: Any = cbor.decode(paper, 1 << 10)
    key = dice.choice(list(fields))
    old = fields[key]
    fields[key] = old + 1 if isinstance(old, int) else old[1:] if old else "stored"
    changed = cbor.encode(fields)
    signer = STRANGER.sign(kind.info + changed)
    return cbor.encode([changed, dice.choice((sigs, [[one.kid, one.alg, one.value] for one in signer]))])


@cache
def _alien(message: bytes) -> list[Any]:
    """Both signatures of a stranger."""
    return [[one.kid, one.alg, one.value] for one in STRANGER.sign(message)]


def _sigs(dice: random.Random, it: bytes, other: bytes, kind: Kind) -> bytes:
    """Signatures that do not suffice."""
    paper, sigs = _parts(it)
    alien = _alien(kind.info + paper)
    others = _parts(other)[1]
    kinds: Sequence[list[Any]] = (
        [], sigs[:1], sigs[1:], [sigs[0], sigs[0]], [*sigs, sigs[0]], alien, others,
        [sigs[0], alien[1]], [sigs[0], others[1]], [others[0], sigs[1]],
        [[sigs[0][0], *alien[0][1:]], [sigs[1][0], *alien[1][1:]]],
        [[sigs[0][0], sigs[1][1], sigs[0][2]], [sigs[1][0], sigs[0][1], sigs[1][2]]],
        [[*sigs[0][:2], flip(dice, sigs[0][2])], sigs[1]], [sigs[0], [*sigs[1][:2], flip(dice, sigs[1][2])]],
    )  # fmt: skip
    return cbor.encode([paper, dice.choice(kinds)])


def _wide(dice: random.Random, it: bytes, _other: bytes, _kind: Kind) -> bytes:
    """The same paper and signatures, in CBOR that is not deterministic."""
    paper, sigs = _parts(it)
    long, rest = head(2, len(paper), 4) + paper, cbor.encode(sigs)
    kinds = (b"\x82" + long, head(4, 2, 1) + cbor.encode(paper), b"\xd8\x18\x82" + cbor.encode(paper))
    return dice.choice((*(begin + rest for begin in kinds), b"\x9f" + cbor.encode(paper) + rest + b"\xff"))


Mutation = Callable[[random.Random, bytes, bytes, Kind], bytes]
_MUTATIONS: dict[str, Mutation] = {
    "bits flipped": lambda dice, it, _o, _k: flip(dice, it),
    "bytes changed": lambda dice, it, _o, _k: edit(dice, it),
    "cut short": lambda dice, it, _o, _k: cut(dice, it),
    "bytes behind it": lambda dice, it, _o, _k: it + dice.randbytes(dice.randint(1, 20)),
    "noise": lambda dice, _it, _o, _k: dice.randbytes(dice.randrange(200)),
    "spliced": lambda dice, it, other, _k: it[: (at := dice.randrange(len(it)))] + other[at:],
    "another's paper": lambda _d, it, other, _k: cbor.encode([_parts(other)[0], _parts(it)[1]]),
    "a field changed": _fields,
    "signatures wrong": _sigs,
    "not deterministic": _wide,
}
