"""Altered envelopes, receipts and statements in their quick form, and a reader who is too kind, who is found out."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from sync.envelope import Policy, open_envelope
from sync.errors import Code, Refused
from tests import soak_fuzz
from tests.soak_fuzz import ACCEPTED, Tally, accepted, fuzz, mutated_envelopes, opener, outcome
from tests.soak_mutations import MUTATIONS, bomb, wide
from tests.soak_papers import KINDS
from tests.soak_valid import RECIPIENTS, taken_apart, valid
from tests.sync_parties import CABINS, STRANGER


@pytest.mark.parametrize("seed", range(4))
def test_no_altered_envelope_is_accepted(seed: int) -> None:
    tally = fuzz("envelope", seed, 2_500, 1)
    assert accepted(tally) == 0, tally
    assert {name for name, _ in tally} >= {name for name, (weight, _) in MUTATIONS.items() if weight >= 1}


@pytest.mark.parametrize("kind", KINDS)
def test_no_altered_paper_is_accepted(kind: str) -> None:
    tally = fuzz(kind, 1, 1_000, 1)
    assert accepted(tally) == 0, tally


def test_every_code_is_met() -> None:
    tally: Tally = fuzz("envelope", 5, 1_500, 1)
    assert {answer for _, answer in tally} == set(get_args(Code))


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_mutation_is_refused(name: str) -> None:
    dice, made = random.Random(1), soak_fuzz.envelopes()
    for it, other in zip(made[:6], made[6:12], strict=True):
        data = MUTATIONS[name][1](dice, it, other)
        assert outcome(opener, data) in get_args(Code)


def test_a_seed_gives_the_same_mutations_again() -> None:
    first, second = (mutated_envelopes(random.Random("seed")) for _ in range(2))
    plain = [(name, data) for name, data in (next(first) for _ in range(40)) if name.startswith("outer")]
    again = [(name, data) for name, data in (next(second) for _ in range(40)) if name.startswith("outer")]
    assert [name for name, _ in plain] == [name for name, _ in again]
    assert plain[:1] == again[:1]


def test_whoever_accepts_a_stranger_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Policy({**CABINS, STRANGER.public.kid: STRANGER.public})
    monkeypatch.setattr(soak_fuzz, "opener", lambda data: open_envelope(data, RECIPIENTS, known))
    assert accepted(fuzz("envelope", 1, 1_500, 1)) > 0


@pytest.mark.parametrize(
    ("error", "answer"),
    [(Refused("size"), "size"), (Refused("other"), "code other"), (KeyError("x"), "escaped: KeyError")],  # type: ignore[arg-type]
)
def test_what_a_reader_answers(error: Exception, answer: str) -> None:
    def reader(_data: bytes) -> object:
        raise error

    assert outcome(reader, b"") == answer
    assert outcome(lambda data: data, b"") == ACCEPTED
    assert accepted(Tally({("x", answer): 2})) == (0 if answer == "size" else 2)


def test_what_means_the_same_is_no_mutation() -> None:
    it = valid(4)
    assert it.means_the_same(it.inner() + bytes(9))
    assert not it.means_the_same(it.inner() + b"\1")
    assert not it.means_the_same(it.inner(body=b"x"))
    assert not it.means_the_same(it.inner(sigs=it.sigs[::-1]))
    assert not it.means_the_same(b"\xff")
    assert outcome(opener, it.resealed(it.inner())) == ACCEPTED
    assert taken_apart(it.resealed(it.inner()), it.recipient).prot == it.prot


def test_a_bomb_is_larger_than_a_content_may_be() -> None:
    body, _ = bomb(1)
    assert len(body) < 64_000


def test_wide_cbor_says_the_same_in_more_bytes() -> None:
    made = {wide(random.Random(seed), b"raw", b"box") for seed in range(40)}
    assert len(made) == 6
    assert all(len(each) > len(b"\x82\x43raw\x43box") for each in made)
