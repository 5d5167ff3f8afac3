"""`python -m bench.instruments_rack FOLDER NOTES NAME...`: simulated instruments in a process of their own.

Prints where they are met in one line of JSON. When it is ended by SIGTERM, it writes what each instrument sent and
when into the file NOTES, pickled: a list of (name, monotonic seconds just before the frame was written, frame), from
the last time on that somebody opened its port.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from unittest.mock import patch

from simulators import rack
from simulators.body import Body
from simulators.cli import until_signal
from simulators.device import Device, Frames

Sent = list[tuple[str, float, bytes]]


def noted(device: type[Device], name: str, sent: Sent) -> type[Device]:
    """The same instrument, with all that it gives to its wire noted."""

    def keep(frames: Frames) -> Frames:
        now = time.monotonic()
        sent.extend((name, now, frame) for frame in frames)
        return frames

    def produce(self: Device, now: float) -> Frames:
        return keep(device.produce(self, now))

    def receive(self: Device, data: bytes, now: float) -> Frames:
        return keep(device.receive(self, data, now))

    def opened(self: Device, now: float) -> None:
        # What was sent before, nobody can have heard.
        sent[:] = [each for each in sent if each[0] != name]
        device.opened(self, now)

    return type(device.__name__, (device,), {"produce": produce, "receive": receive, "opened": opened})


def main(argv: Sequence[str]) -> int:
    """Run until SIGTERM."""
    folder, notes, *names = argv
    sent: Sent = []
    known = {name: noted(rack.device_of(name), name, sent) for name in names}
    with patch.dict(rack.MODELS, known):
        asyncio.run(until_signal(partial(rack.run_rack, Path(folder), names, Body(), ready=_say)))
    Path(notes).write_bytes(pickle.dumps(sent))
    return 0


def _say(ready: rack.Ready) -> None:
    print(json.dumps({"urls": dict(ready.urls), "control": str(ready.control)}), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
