"""Samples between their writer and a card: what was played when, and when there was nothing to play."""

from __future__ import annotations

from drivers.playing import TELL, Played, Playing
from drivers.tones import FRAME


def test_what_is_given_is_played_in_order_and_then_silence() -> None:
    playing = Playing()
    playing.put(b"\1" * 3 * FRAME)
    sound, told = playing.take(2)
    assert (sound, told) == (b"\1" * 2 * FRAME, Played(now=2, began=0, ended=None))
    sound, told = playing.take(2)
    assert (sound, told) == (b"\1" * FRAME + bytes(FRAME), Played(now=4, began=0, ended=3))
    assert playing.take(2) == (bytes(2 * FRAME), None)


def test_a_new_sound_begins_where_the_card_is() -> None:
    playing = Playing()
    playing.take(100)
    playing.put(b"\1" * FRAME)
    _, told = playing.take(10)
    assert told == Played(now=110, began=100, ended=101)


def test_a_sound_that_ends_with_its_block_ends_there() -> None:
    playing = Playing()
    playing.put(b"\1" * 10 * FRAME)
    playing.take(10)
    assert playing.take(10)[1] == Played(now=20, began=0, ended=10)


def test_an_underrun_is_told_once_and_only_of_a_sound() -> None:
    playing = Playing()
    assert playing.take(10, dry=True)[1] is None
    playing.put(b"\1" * 40 * FRAME)
    playing.take(10)
    told = playing.take(10, dry=True)[1]
    assert told is not None and told.underruns == 1


def test_a_silent_card_still_says_where_it_is_ten_times_a_second() -> None:
    playing = Playing()
    told = [at for at in range(1000) if playing.take(480)[1] is not None]
    assert len(told) == 1000 * 480 // TELL
    assert playing.now == 480_000
