"""The key statement: which keys the record opens and signs with, and which are revoked, signed by an offline root.

    statement = det [ stmt: bstr, sigs: [ 2* [kid: bstr16, alg: int, sig: bstr] ] ]
    stmt      = det { 1: 1                                   ; version
                      2: number u                            ; from 1; a later statement has a higher one
                      3: issued u                            ; UTC ms
                      4: [ + [suite u, key bstr, from u] ]   ; to seal to; `from` (UTC ms) never falls
                      5: [ + key bstr ]                      ; signing public keys: receipts, and what is posted down
                      6: [ * [kid bstr16, date u] ] }        ; revoked from `date` (UTC ms) on

Signed over "DE1/keys\\0" and stmt, with both algorithms of the root's pair. The last recipient key that is not
revoked is the one to seal to; the earlier ones are still readable. Why so: docs/decisions/0008-key-statement.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync import cbor
from sync.errors import Refused
from sync.keys import ENC_LENGTH, RecipientPublic, Signature, Signers, SigningPair, SigningPublic, verified

VERSION = 1
MAX_LENGTH = 1 << 20
MOST_KEYS = 32
MOST_REVOKED = 16384
_SIGN_INFO = b"DE1/keys\0"
_LIMIT = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Recipient:
    """One key to seal to, and since when (UTC, milliseconds)."""

    key: RecipientPublic
    since_ms: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What the root says of the record's keys. Key ids in `revoked` map to a time (UTC, milliseconds)."""

    number: int
    issued_ms: int
    recipients: tuple[Recipient, ...]
    """The newest last."""
    signing: tuple[SigningPublic, ...]
    revoked: Mapping[bytes, int]

    @property
    def recipient(self) -> RecipientPublic:
        """The key to seal to: the newest that is not revoked."""
        return [each.key for each in self.recipients if each.key.kid not in self.revoked][-1]

    @property
    def signers(self) -> Signers:
        """Whose receipts and posts are believed, by key id. A stolen key lies about dates too: revoked is revoked."""
        return {each.kid: each for each in self.signing if each.kid not in self.revoked}


def make_statement(statement: Statement, root: SigningPair) -> bytes:
    """The statement as it travels, signed with both algorithms. `ValueError` where nobody would take it."""
    stmt = cbor.encode(
        {
            1: VERSION,
            2: statement.number,
            3: statement.issued_ms,
            4: [[each.key.suite, each.key.raw, each.since_ms] for each in statement.recipients],
            5: [each.raw for each in statement.signing],
            6: [[kid, date] for kid, date in sorted(statement.revoked.items())],
        }
    )
    signatures = root.sign(_SIGN_INFO + stmt)
    data = cbor.encode([stmt, [[one.kid, one.alg, one.value] for one in signatures]])
    try:
        read_statement(data, root.public)
    except Refused as refusal:
        raise ValueError(f"the statement would be refused as {refusal.code}") from None
    return data


def read_statement(data: bytes, root: SigningPublic) -> Statement:
    """The statement in `data`, once both signatures of the root verify.

    `Refused` with "size", "malformed", "version", "suite" or "signature" otherwise, and with nothing else. Whether
    its number is new is the question of whoever keeps the last one.
    """
    try:
        return _read(data, root)
    except Refused as refusal:
        code = refusal.code
    except Exception:
        # As in the opener of envelopes: a fault that no check foresaw must not become a way to stop the reader.
        code = "malformed"
    raise Refused(code)


def read_unverified(data: bytes) -> Statement:
    """The statement in `data`, whoever signed it: for who carries one, and never for who believes one.

    `Refused` as by `read_statement`, but for "signature".
    """
    try:
        return _statement(_split(data)[0])
    except Refused as refusal:
        code = refusal.code
    except Exception:
        code = "malformed"
    raise Refused(code)


def _read(data: bytes, root: SigningPublic) -> Statement:
    if len(data) > MAX_LENGTH:
        raise Refused("size")
    stmt, signatures = _split(data)
    # The signature first: what follows loads keys, which no stranger's bytes should reach.
    if verified(signatures, _SIGN_INFO + stmt, {root.kid: root}) is None:
        raise Refused("signature")
    return _statement(stmt)


def _decode(data: bytes, most: int) -> cbor.Plain:
    try:
        return cbor.decode(data, most)
    except cbor.MalformedCbor:
        raise Refused("malformed") from None


def _split(data: bytes) -> tuple[bytes, list[Signature]]:
    match _decode(data, MOST_KEYS):
        case [bytes(stmt), list(signatures)]:
            return stmt, [_signature(one) for one in signatures]
    raise Refused("malformed")


def _signature(item: cbor.Plain) -> Signature:
    match item:
        case [bytes(kid), int(alg), bytes(value)]:
            return Signature(kid, alg, value)
    raise Refused("malformed")


def _statement(stmt: bytes) -> Statement:
    item = _decode(stmt, MOST_REVOKED)
    if not isinstance(item, dict) or not isinstance(item.get(1), int):
        raise Refused("malformed")
    if item[1] != VERSION:
        raise Refused("version")
    match item:
        case {2: int(number), 3: int(issued), 4: list(recipients), 5: list(signing), 6: list(revoked)}:
            found = Statement(
                number,
                issued,
                tuple(_recipient(one) for one in recipients),
                tuple(_signing(one) for one in signing),
                dict(_revoked(one) for one in revoked),
            )
            if len(item) == 6 and len(found.revoked) == len(revoked) and _is_usable(found):
                return found
    raise Refused("malformed")


def _recipient(item: cbor.Plain) -> Recipient:
    match item:
        case [int(suite), bytes(raw), int(since)] if 0 <= since < _LIMIT:
            if suite not in ENC_LENGTH:
                raise Refused("suite")
            return Recipient(RecipientPublic(suite, raw), since)
    raise Refused("malformed")


def _signing(item: cbor.Plain) -> SigningPublic:
    if not isinstance(item, bytes):
        raise Refused("malformed")
    return SigningPublic(item)


def _revoked(item: cbor.Plain) -> tuple[bytes, int]:
    match item:
        case [bytes(kid), int(date)] if len(kid) == 16 and 0 <= date < _LIMIT:
            return kid, date
    raise Refused("malformed")


def _is_usable(found: Statement) -> bool:
    """Numbers in range, keys in order and none twice, and at least one of each sort that is not revoked."""
    times = [each.since_ms for each in found.recipients]
    kids = [each.key.kid for each in found.recipients] + [each.kid for each in found.signing]
    alive = any(each.key.kid not in found.revoked for each in found.recipients) and bool(found.signers)
    in_range = 1 <= found.number < _LIMIT and 0 <= found.issued_ms < _LIMIT
    return in_range and alive and times == sorted(times) and len(set(kids)) == len(kids) <= 2 * MOST_KEYS
