"""Mutated envelopes, receipts and key statements by the million: each must be refused, with one of the nine codes.

In chunks, each with a seed of its own: whatever is accepted, or escapes as another exception, is found again by the
seed, the chunk and nothing else.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import get_args

from sync.envelope import Policy, open_envelope
from sync.errors import Code, Refused
from tests.soak_mutations import MUTATIONS
from tests.soak_papers import KINDS, mutated
from tests.soak_valid import RECIPIENTS, Valid, valid
from tests.sync_parties import CABINS

CHUNK = 2_500
POOL = 60
"""Valid ones that mutations begin with."""
ACCEPTED = "ACCEPTED"
Tally = Counter[tuple[str, str]]
"""(what was done, how it was answered): how often."""


def outcome(read: Callable[[bytes], object], data: bytes) -> str:
    """The refusal's code; `ACCEPTED`, or the name of an exception that should not have left the reader."""
    try:
        read(data)
    except Refused as refusal:
        return refusal.code if refusal.code in get_args(Code) else f"code {refusal.code}"
    except BaseException as error:
        return f"escaped: {type(error).__name__}"
    return ACCEPTED


@cache
def envelopes() -> list[Valid]:
    """The cabin's own, each of which is accepted as it is."""
    made = [valid(number) for number in range(POOL)]
    assert all(outcome(opener, each.envelope) == ACCEPTED for each in made)
    return made


@cache
def papers(kind: str) -> list[bytes]:
    """True receipts or statements."""
    made = [KINDS[kind].true(number) for number in range(POOL)]
    assert all(outcome(KINDS[kind].read, each) == ACCEPTED for each in made)
    return made


def opener(data: bytes) -> object:
    """The record's."""
    return open_envelope(data, RECIPIENTS, Policy(CABINS))


def mutated_envelopes(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Without end: what was done, and what came out."""
    names, weights = list(MUTATIONS), [weight for weight, _ in MUTATIONS.values()]
    true = {each.envelope for each in envelopes()}
    while True:
        it, other = dice.sample(envelopes(), 2)
        name = dice.choices(names, weights)[0]
        data = MUTATIONS[name][1](dice, it, other)
        if data not in true:
            yield name, data


def mutated_papers(kind: str, dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Without end, as `mutated_envelopes`."""
    true = set(papers(kind))
    while True:
        it, other = dice.sample(papers(kind), 2)
        name, data = mutated(dice, it, other, KINDS[kind])
        if data not in true:
            yield name, data


def chunk(kind: str, seed: int, count: int, number: int) -> Tally:
    """One chunk of `count`."""
    dice = random.Random(f"{kind}/{seed}/{number}")
    made = mutated_envelopes(dice) if kind == "envelope" else mutated_papers(kind, dice)
    read = opener if kind == "envelope" else KINDS[kind].read
    tally: Tally = Counter()
    for _ in range(count):
        name, data = next(made)
        answer = outcome(read, data)
        tally[name, answer] += 1
        if answer not in get_args(Code):
            print(f"{kind}, seed {seed}, chunk {number}: {name}: {answer}: {data.hex()[:400]}", flush=True)
    return tally


def fuzz(kind: str, seed: int, count: int, jobs: int) -> Tally:
    """`count` mutations of one kind, in `jobs` processes."""
    tally: Tally = Counter()
    chunks = range(-(-count // CHUNK))
    work = partial(chunk, kind, seed, min(CHUNK, count))
    if jobs == 1:
        for number in chunks:
            tally += work(number)
        return tally
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(work, chunks):
            tally += part
    return tally


def accepted(tally: Tally) -> int:
    """How many were not refused as they should."""
    return sum(count for (_, answer), count in tally.items() if answer not in get_args(Code))
