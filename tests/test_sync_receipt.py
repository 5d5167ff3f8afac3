"""Receipts: what the record says comes back, and what others say in its name does not."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import Refused
from sync.keys import SigningPair
from sync.receipt import Receipt, Status, is_receipt, make_receipt, verify_receipt
from tests.sync_parties import CABIN, RECORD, RECORDS, SRC, STRANGER, mid, sealed

PLAIN = Receipt(mid(1), bytes(range(32)), "stored", "", 1_763_683_200_000, SRC, 12)
ONE = make_receipt(PLAIN, RECORD)


def code_of(data: bytes) -> str:
    with pytest.raises(Refused) as caught:
        verify_receipt(data, RECORDS)
    return caught.value.code


@settings(max_examples=30, deadline=None)
@given(
    st.builds(
        Receipt,
        st.binary(min_size=16, max_size=16),
        st.binary(min_size=32, max_size=32),
        st.sampled_from(["stored", "duplicate", "rejected"]),
        st.text(max_size=30),
        st.integers(0, 2**63 - 2),
        st.binary(min_size=16, max_size=16),
        st.integers(0, 2**63 - 2),
    )
)
def test_a_receipt_comes_back(receipt: Receipt) -> None:
    data = make_receipt(receipt, RECORD)
    assert verify_receipt(data, RECORDS) == receipt
    assert is_receipt(data)


def test_the_bytes_are_those_of_the_page() -> None:
    rprot, signatures = cbor2.loads(ONE)
    assert cbor2.loads(rprot) == {
        1: 1,
        2: PLAIN.mid,
        3: PLAIN.envelope_hash,
        4: "stored",
        5: "",
        6: PLAIN.created_ms,
        7: SRC,
        8: 12,
    }
    assert [alg for _, alg, _ in signatures] == [-19, -49]
    RECORD.public._ed.verify(signatures[0][2], b"DE1/receipt\x00" + rprot)
    RECORD.public._ml.verify(signatures[1][2], b"DE1/receipt\x00" + rprot, b"DE1")


@pytest.mark.parametrize("signer", [STRANGER, CABIN], ids=["stranger", "cabin"])
def test_nobody_else_can_sign(signer: SigningPair) -> None:
    assert code_of(make_receipt(PLAIN, signer)) == "signature"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(ONE) * 8 - 1))
def test_every_bit_counts(bit: int) -> None:
    altered = bytearray(ONE)
    altered[bit // 8] ^= 1 << bit % 8
    assert code_of(bytes(altered)) in {"malformed", "version", "signature"}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(ONE) - 1))
def test_a_cut_receipt_is_malformed(length: int) -> None:
    assert code_of(ONE[:length]) == "malformed"


def resigned(change: dict[int, object], drop: int | None = None) -> bytes:
    """A receipt with other fields that the record itself signed."""
    fields = {**cbor2.loads(cbor2.loads(ONE)[0]), **change}
    fields.pop(drop, None)
    rprot = cbor2.dumps(fields, canonical=True)
    signatures = [[s.kid, s.alg, s.value] for s in RECORD.sign(b"DE1/receipt\0" + rprot)]
    return cbor2.dumps([rprot, signatures], canonical=True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({1: 2}, "version"),
        ({1: "1"}, "malformed"),
        ({2: bytes(15)}, "malformed"),
        ({3: bytes(31)}, "malformed"),
        ({4: "lost"}, "malformed"),
        ({5: b""}, "malformed"),
        ({6: -1}, "malformed"),
        ({7: bytes(17)}, "malformed"),
        ({8: -1}, "malformed"),
        ({8: 2**63 - 1}, "malformed"),
        ({9: 1}, "malformed"),
    ],
)
def test_other_fields_are_refused_even_signed(change: dict[int, object], code: str) -> None:
    assert verify_receipt(resigned({}), RECORDS) == PLAIN
    assert code_of(resigned(change)) == code


@pytest.mark.parametrize("field", range(1, 9))
def test_no_field_may_be_missing(field: int) -> None:
    assert code_of(resigned({}, drop=field)) == "malformed"


def test_half_signed_or_signed_for_another_purpose_is_refused() -> None:
    rprot, signatures = cbor2.loads(ONE)
    for kept in ([], signatures[:1], signatures[1:], [signatures[0]] * 2):
        assert code_of(cbor2.dumps([rprot, kept], canonical=True)) == "signature"
    other = [[s.kid, s.alg, s.value] for s in RECORD.sign(b"DE1/sign\0" + rprot)]
    assert code_of(cbor2.dumps([rprot, other], canonical=True)) == "signature"


@pytest.mark.parametrize("data", [b"", b"\x82\x40\x40", b"\x82\x40\x81\x01", b"\x80", bytes(20_000)])
def test_what_is_not_a_receipt_is_not_taken_for_one(data: bytes) -> None:
    assert not is_receipt(data)
    assert code_of(data) == "malformed"


def test_an_envelope_is_not_a_receipt() -> None:
    assert not is_receipt(sealed(1).envelope)


@pytest.mark.parametrize("status", ["stored", "duplicate", "rejected"])
def test_each_status(status: Status) -> None:
    receipt = Receipt(mid(1), bytes(32), status, "decrypt" if status == "rejected" else "", 0, SRC, 0)
    assert verify_receipt(make_receipt(receipt, RECORD), RECORDS) == receipt
