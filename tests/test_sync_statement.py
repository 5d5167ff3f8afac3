"""The key statement: it comes back, and nothing but what the root signed is ever taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import cbor
from sync.errors import Refused
from sync.keys import SigningPair, SigningPublic
from sync.statement import MAX_LENGTH, Recipient, Statement, make_statement, read_statement
from tests.sync_parties import CABIN, RECIPIENT, RECIPIENT5, RECORD, STRANGER

ROOT = SigningPair(bytes(range(32)), bytes(range(1, 33)), demo=True)
OLD, NEW = Recipient(RECIPIENT.public, 1000), Recipient(RECIPIENT5.public, 2000)
GOOD = Statement(3, 5000, (OLD, NEW), (RECORD.public, STRANGER.public), {CABIN.public.kid: 4000})
DATA = make_statement(GOOD, ROOT)
CODES = {"malformed", "version", "suite", "signature", "size"}


def signed(stmt: object, root: SigningPair = ROOT, info: bytes = b"DE1/keys\0") -> bytes:
    """Whatever somebody with a root's key would sign."""
    raw = stmt if isinstance(stmt, bytes) else cbor.encode(stmt)
    return cbor.encode([raw, [[one.kid, one.alg, one.value] for one in root.sign(info + raw)]])


def fields(**change: object) -> dict[int, object]:
    """The map of a good statement with some of its fields replaced."""
    told: dict[int, object] = {
        1: 1,
        2: 3,
        3: 5000,
        4: [[1, RECIPIENT.public.raw, 1000], [3, RECIPIENT5.public.raw, 2000]],
        5: [RECORD.public.raw],
        6: [],
    }
    return {**told, **{int(key[1:]): value for key, value in change.items()}}


def parts() -> tuple[bytes, list[Any]]:
    """The good statement's two items."""
    stmt, signatures = cbor2.loads(DATA)
    return stmt, signatures


def refused(data: bytes, root: SigningPublic = ROOT.public) -> str:
    with pytest.raises(Refused) as caught:
        read_statement(data, root)
    return caught.value.code


def test_a_statement_comes_back() -> None:
    back = read_statement(DATA, ROOT.public)
    assert (back.number, back.issued_ms, back.revoked) == (3, 5000, {CABIN.public.kid: 4000})
    assert [(each.key.kid, each.since_ms) for each in back.recipients] == [
        (RECIPIENT.public.kid, 1000),
        (RECIPIENT5.public.kid, 2000),
    ]
    assert set(back.signers) == {RECORD.public.kid, STRANGER.public.kid}
    assert back.recipient.kid == RECIPIENT5.public.kid


def test_the_newest_that_is_not_revoked_is_sealed_to() -> None:
    told = replace(GOOD, revoked={RECIPIENT5.public.kid: 1, STRANGER.public.kid: 1})
    back = read_statement(make_statement(told, ROOT), ROOT.public)
    assert back.recipient.kid == RECIPIENT.public.kid
    assert set(back.signers) == {RECORD.public.kid}


def test_the_bytes_are_those_of_the_page() -> None:
    stmt, signatures = parts()
    assert cbor.decode(stmt) == fields(_5=[RECORD.public.raw, STRANGER.public.raw], _6=[[CABIN.public.kid, 4000]])
    assert [one[:2] for one in signatures] == [[ROOT.public.kid, -19], [ROOT.public.kid, -49]]


@pytest.mark.parametrize("signer", [RECORD, CABIN, STRANGER])
def test_nobody_but_the_root_is_believed(signer: SigningPair) -> None:
    assert refused(make_statement(GOOD, signer)) == "signature"


@pytest.mark.parametrize("info", [b"DE1/sign\0", b"DE1/receipt\0", b"DE1/keys", b""])
def test_a_signature_made_for_something_else_is_none(info: bytes) -> None:
    assert refused(signed(fields(), info=info)) == "signature"


@pytest.mark.parametrize("kept", [[0], [1], []])
def test_both_signatures_are_needed(kept: list[int]) -> None:
    stmt, signatures = parts()
    assert refused(cbor.encode([stmt, [signatures[index] for index in kept]])) == "signature"


@pytest.mark.parametrize(
    ("stmt", "code"),
    [
        (fields(_1=2), "version"),
        (fields(_2=0), "malformed"),
        (fields(_2=2**63), "malformed"),
        (fields(_3=-1), "malformed"),
        (fields(_4=[]), "malformed"),
        (fields(_4=[[2, RECIPIENT.public.raw, 1]]), "suite"),
        (fields(_4=[[3, RECIPIENT.public.raw, 1]]), "malformed"),
        (fields(_4=[[1, RECIPIENT.public.raw, 2], [3, RECIPIENT5.public.raw, 1]]), "malformed"),
        (fields(_4=[[1, RECIPIENT.public.raw, 1], [1, RECIPIENT.public.raw, 2]]), "malformed"),
        (fields(_4=[[1, RECIPIENT.public.raw]]), "malformed"),
        (fields(_5=[]), "malformed"),
        (fields(_5=[RECORD.public.raw, RECORD.public.raw]), "malformed"),
        (fields(_5=[RECORD.public.raw[:-1]]), "malformed"),
        (fields(_5=[1]), "malformed"),
        (fields(_6=[[b"short", 1]]), "malformed"),
        (fields(_6=[[RECORD.public.kid, 1]]), "malformed"),
        (fields(_6=[[RECIPIENT.public.kid, 1], [RECIPIENT5.public.kid, 1]]), "malformed"),
        (fields(_6=[[CABIN.public.kid, 1], [CABIN.public.kid, 2]]), "malformed"),
        (fields(_7=1), "malformed"),
        ({1: 1}, "malformed"),
        ([], "malformed"),
        (b"", "malformed"),
        (b"\xff", "malformed"),
    ],
    ids=str,
)
def test_what_the_root_should_not_sign_is_refused_all_the_same(stmt: object, code: str) -> None:
    assert refused(signed(stmt)) == code


def test_nobody_makes_what_nobody_would_take() -> None:
    with pytest.raises(ValueError, match="refused as malformed"):
        make_statement(replace(GOOD, signing=()), ROOT)


def test_many_cabins_may_be_revoked() -> None:
    told = replace(GOOD, revoked={number.to_bytes(16, "big"): number for number in range(3000)})
    data = make_statement(told, ROOT)
    assert len(data) < MAX_LENGTH
    assert read_statement(data, ROOT.public).revoked == told.revoked


def test_what_is_too_long_is_not_read() -> None:
    assert refused(bytes(MAX_LENGTH + 1)) == "size"


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_else_escapes(data: bytes) -> None:
    assert refused(data) in CODES


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused(at: int, flip: int) -> None:
    altered = DATA[:at] + bytes([DATA[at] ^ flip]) + DATA[at + 1 :]
    assert refused(altered) in CODES


@given(st.integers(0, len(DATA) - 1))
def test_a_cut_is_refused(length: int) -> None:
    assert refused(DATA[:length]) in CODES


PLAIN = st.recursive(
    st.integers(0, 2**64 - 1) | st.binary(max_size=20) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 9), inner, max_size=6),
    max_leaves=12,
)


@given(st.integers(1, 7), PLAIN)
def test_any_field_may_hold_anything_even_signed(field: int, value: object) -> None:
    try:
        back = read_statement(signed(fields(**{f"_{field}": value})), ROOT.public)
    except Refused as refusal:
        assert refusal.code in CODES
    else:
        assert field in (2, 3, 6)
        assert back.signers
