"""The audit chain: whatever is altered, removed, inserted or reordered is seen, and where."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import cbor
from sync.audit import EVERY, MOST_TORN, Fault, Head, append, begin, checkpoint, is_torn, link, read_event, walk
from tests.sync_parties import CABIN, CABINS, STRANGER

FRAME = 45
"""Bytes of a frame around its body."""


def chain(count: int, before: Head | None = None) -> tuple[Head, bytes]:
    """A segment of `count` entries, signed as the log signs it."""
    head = before or Head()
    parts = [begin(head)]
    for number in range(count):
        head, frame = append(head, {"at": number, "what": "tick"})
        parts.append(frame)
        if head.count % EVERY == 0:
            parts.append(checkpoint(head, CABIN))
    return head, b"".join(parts)


HEAD, DATA = chain(2 * EVERY + 3)


def test_the_chain_is_the_one_that_is_written_down() -> None:
    event = cbor.encode({"at": 5, "what": "tick"})
    first = hashlib.sha256(b"\0" + bytes(32) + (1).to_bytes(8, "big") + event).digest()
    assert append(Head(), {"at": 5, "what": "tick"})[0] == Head(1, first) == link(Head(), event)
    second = hashlib.sha256(b"\0" + first + (2).to_bytes(8, "big") + event).digest()
    assert link(Head(1, first), event) == Head(2, second)


def test_a_whole_chain_is_whole_and_tells_its_entries() -> None:
    seen: list[tuple[int, object]] = []
    walked = walk(DATA, Head(), CABINS, lambda head, event: seen.append((head.count, read_event(event)["at"])))
    assert (walked.head, walked.length, walked.signed, walked.fault) == (HEAD, len(DATA), 2 * EVERY, None)
    assert seen == [(number + 1, number) for number in range(2 * EVERY + 3)]
    assert walk(b"", Head(), CABINS).head == Head()


def test_a_segment_continues_the_one_before() -> None:
    head, data = chain(3, HEAD)
    assert walk(data, HEAD, CABINS).head == head
    assert walk(data, None, CABINS).head == head
    assert walk(data, Head(), CABINS).fault == Fault(1, "join")
    assert walk(data[FRAME:], None, CABINS).fault == Fault(1, "frame")


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_no_byte_can_be_altered(at: int, flip: int) -> None:
    altered = bytearray(DATA)
    altered[at] ^= flip
    walked = walk(bytes(altered), Head(), CABINS)
    if walked.fault is None:
        # A key id that nobody knows proves nothing, and is told.
        assert walked.strangers
    else:
        assert walked.length <= at


@given(st.integers(1, HEAD.count - 1), st.integers(1, 5))
def test_nothing_can_be_taken_out(first: int, count: int) -> None:
    frames = split(DATA)
    entries = [number for number, frame in enumerate(frames) if frame[:1] == b"E"]
    gone = set(entries[first : first + count])
    walked = walk(b"".join(f for n, f in enumerate(frames) if n not in gone), Head(), CABINS)
    if first + count < len(entries):
        assert walked.fault is not None
        assert walked.fault.entry in (first, first + 1)  # the checkpoint behind the gap, or the entry
    else:
        assert walked.head.count == first  # a cut end is what the record sees


def test_two_entries_that_changed_places_and_one_that_came_in_between_are_seen() -> None:
    frames = split(DATA)
    swapped = [*frames[:5], frames[6], frames[5], *frames[7:]]
    assert walk(b"".join(swapped), Head(), CABINS).fault == Fault(5, "order")
    doubled = [*frames[:6], *frames[5:]]
    assert walk(b"".join(doubled), Head(), CABINS).fault == Fault(6, "order")


def test_a_chain_that_was_made_anew_lacks_the_signatures() -> None:
    """Whoever has the disk can compute hashes; the checkpoints are what they cannot make."""
    head, parts = Head(), [begin(Head())]
    for number in range(EVERY + 1):
        head, frame = append(head, {"at": number, "what": "forged"})
        parts.append(frame)
    assert walk(b"".join(parts), Head(), CABINS).fault == Fault(EVERY, "unsigned")
    signed_at = EVERY + 1
    old = next(frame for frame in split(DATA) if frame[:1] == b"C")
    assert walk(b"".join([*parts[:signed_at], old]), Head(), CABINS).fault == Fault(EVERY, "signature")
    head, _ = append(Head(), {"at": 0, "what": "forged"})
    theirs = b"".join([*parts[:2], checkpoint(head, STRANGER)])
    assert walk(theirs, Head(), CABINS).strangers == {STRANGER.public.kid}
    assert walk(theirs, Head(), CABINS).fault is None


def test_a_checkpoint_needs_both_signatures_over_this_head() -> None:
    head, frame = append(Head(), {"at": 0, "what": "tick"})
    other, _ = append(Head(), {"at": 1, "what": "tick"})
    start = begin(Head()) + frame
    body = checkpoint(other, CABIN)[FRAME:]
    moved = checkpoint(head, CABIN)[:FRAME] + body
    assert walk(start + moved, Head(), CABINS).fault == Fault(1, "signature")
    rows = cbor.decode(checkpoint(head, CABIN)[FRAME:])
    assert isinstance(rows, list)
    half = cbor.encode(rows[:1])
    single = b"C" + len(half).to_bytes(4, "big") + checkpoint(head, CABIN)[5:FRAME] + half
    assert walk(start + single, Head(), CABINS).fault == Fault(1, "signature")
    for body in (b"", b"\x80", b"noise", cbor.encode([[1, 2, 3]])):
        empty = b"C" + len(body).to_bytes(4, "big") + checkpoint(head, CABIN)[5:FRAME] + body
        assert walk(start + empty, Head(), CABINS).fault == Fault(1, "signature")


@given(st.integers(FRAME, len(DATA)))
def test_a_file_that_ends_within_a_frame_is_torn_and_one_that_ends_behind_it_is_whole(length: int) -> None:
    walked = walk(DATA[:length], Head(), CABINS)
    assert (walked.fault is None) == (walked.length == length)
    if walked.fault is not None:
        assert walked.fault == Fault(walked.head.count + 1, "torn")
    assert DATA.startswith(DATA[: walked.length])


@given(st.integers(0, len(DATA) // 512))
def test_a_sector_that_never_reached_the_disk_is_torn_however_little_of_it_the_log_has(sector: int) -> None:
    begin, end = sector * 512, min((sector + 1) * 512, len(DATA))
    hole = DATA[:begin] + bytes(end - begin) + DATA[end:]
    walked = walk(hole, Head(), CABINS)
    assert walked.length <= begin
    if len(hole) - walked.length <= MOST_TORN:
        assert walked.fault == Fault(walked.head.count + 1, "torn")


def test_an_altered_entry_is_not_torn() -> None:
    altered = DATA[:-1] + bytes([DATA[-1] ^ 1])
    assert walk(altered, Head(), CABINS).fault == Fault(HEAD.count, "hash")
    assert not is_torn(b"E" + bytes(MOST_TORN), 0)


@given(st.binary(max_size=200))
def test_noise_raises_nothing(noise: bytes) -> None:
    assert walk(noise, None, CABINS).length <= len(noise)
    assert isinstance(read_event(noise), dict)


@pytest.mark.parametrize("event", [b"\x80", b"\xff", cbor.encode({1: []}), cbor.encode({"a": [1]})])
def test_what_is_no_event_says_nothing(event: bytes) -> None:
    assert read_event(event) == {}


def split(data: bytes) -> list[bytes]:
    """The frames of a segment."""
    frames, at = [], 0
    while at < len(data):
        end = at + FRAME + int.from_bytes(data[at + 1 : at + 5], "big")
        frames.append(data[at:end])
        at = end
    return frames
