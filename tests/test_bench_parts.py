"""The bench's marked instruments, its arithmetic on frames, its plan, its content and its view of a process."""

from __future__ import annotations

import json
import os
import zlib

import pytest
from cryptography.exceptions import InvalidTag

from bench import checkup, sealing
from bench.latency import ALL, Arrival, ages
from bench.machine import children, cpu_s, highest_mb, resident_mb, resident_of
from bench.marked import MarkedEcg, MarkedOximeter, known_again, whole
from bench.sealing import Plain, strip
from cabin_agent.frames import decode_frame, encode_wave
from cabin_agent.plan import Slot, timeline
from drivers import cyton_packets, nonin
from drivers.events import Reading, Wave
from sync.envelope import Opened


def _shown(wave: Wave) -> list[float | None]:
    """The first channel as it arrives at a screen."""
    return list(decode_frame(encode_wave(wave, 0, 0, simulated=True)[0]).values[0])


def test_every_pleth_sample_is_known_again_behind_decoder_and_frame() -> None:
    marked, decoder = MarkedOximeter(), nonin.Decoder()
    events = decoder.feed(b"".join(marked.sample(n) for n in range(500)))
    numbers = [n for event in events if isinstance(event, Wave) for n in known_again(marked, _shown(event))]
    assert numbers == list(range(500))
    values = {event.quantity: event.value for event in events if isinstance(event, Reading)}
    assert values == {"spo2": 97.0, "pulse_rate": 60.0}


def test_every_ecg_sample_is_known_again_behind_decoder_and_frame() -> None:
    marked = MarkedEcg()
    for channel in range(1, 9):
        assert b"Success" in marked.receive(cyton_packets.encode_channel(channel, 6), 0.0)
    assert not marked.streaming()
    marked.receive(cyton_packets.BEGIN, 0.0)
    assert marked.streaming()
    decoder = cyton_packets.Decoder(6)
    events = decoder.feed(b"".join(marked.sample(n) for n in range(12_000))) + decoder.flush()
    waves = [event for event in events if isinstance(event, Wave)]
    assert [n for wave in waves for n in known_again(marked, _shown(wave))] == list(range(12_000))


@pytest.mark.parametrize("values", [[1.0, 3.0], [2.0, 1.0], [1.0, None], [1.5]])
def test_a_frame_that_does_not_hold_what_was_written_is_refused(values: list[float | None]) -> None:
    with pytest.raises(ValueError, match="sample"):
        known_again(MarkedOximeter(), values)


def test_rounding_on_the_way_is_forgiven() -> None:
    assert whole(41.8) == 42


def test_ages_keep_the_oldest_and_the_newest_of_each_frame_apart() -> None:
    found = ages([Arrival((40.0, 20.0, 2.0)), Arrival((41.0, 21.0, 3.0))])
    assert found[ALL] == [40.0, 20.0, 2.0, 41.0, 21.0, 3.0]
    assert found["oldest sample of each frame"] == [40.0, 41.0]
    assert found["newest sample of each frame"] == [2.0, 3.0]


def test_the_length_of_the_plan_is_its_end_and_under_ten_minutes() -> None:
    plan = timeline()
    assert checkup.length(plan) == max(slot.end for slot in plan) < checkup.LENGTH_S
    assert [slot.what for slot in plan].count("pressure") == 3


def test_the_rest_counts_from_sitting_to_the_first_pressure() -> None:
    plan = [Slot("sit", 5, 10), Slot("ecg", 10, 50), Slot("rest", 50, 310), Slot("pressure", 310, 340)]
    assert checkup.rest(plan) == "300 s of rest before the first pressure"
    assert "| pressure | 310    | 340  |" in checkup.plan_table(plan)


@pytest.mark.parametrize("size", sealing.SIZES.values())
def test_the_content_has_its_size_is_json_and_is_the_same_every_time(size: int) -> None:
    content = strip(size)
    assert len(content) == size and content == strip(size)
    assert json.loads(content)["resourceType"] == "Observation"
    assert 0.2 < len(zlib.compress(content)) / size < 0.6  # as an ECG strip of decimal numbers


def test_the_peer_really_signs_and_encrypts() -> None:
    plain, content = Plain(), strip(5_000)
    box = plain.seal(content)
    assert plain.open(box) == content
    assert content[:50] not in box
    with pytest.raises(InvalidTag):
        plain.open(box[:-1] + bytes([box[-1] ^ 1]))


def test_the_jobs_of_a_size_all_do_their_work() -> None:
    sealing_job, opening_job = sealing._jobs(strip(5_000))
    assert isinstance(sealing_job.ours(), bytes) and sealing_job.peer() and sealing_job.packing()
    assert opening_job.peer() == opening_job.packing() == strip(5_000)
    opened = opening_job.ours()
    assert isinstance(opened, Opened) and opened.content == strip(5_000)


def test_a_process_is_weighed_and_timed() -> None:
    pid = os.getpid()
    assert 10 < resident_mb(pid) <= highest_mb(pid) + 0.01
    before = cpu_s(pid)
    sum(range(3_000_000))
    assert cpu_s(pid) > before
    assert pid in children(os.getppid())


def test_what_a_bare_python_imports_weighs_something() -> None:
    assert resident_of("import numpy") > resident_of("pass") + 5
