"""`python -m bench.instruments_reader PATH...`: reads the same terminals and throws the bytes away, until SIGTERM.

What any program pays to read them: one `os.read` whenever the system says that there is something, in pyserial's
exclusive raw mode. A board that waits for its order to stream is given it. Prints the bytes read.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
from collections.abc import Sequence

import serial

ORDERS = {"cyton": b"b"}


def main(argv: Sequence[str]) -> int:
    """Read until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    watched = selectors.DefaultSelector()
    ports = [serial.Serial(path, timeout=0, exclusive=True) for path in argv]
    for path, port in zip(argv, ports, strict=True):
        port.write(ORDERS.get(os.path.basename(path), b""))
        watched.register(port.fileno(), selectors.EVENT_READ)
    total = 0
    try:
        while True:
            for key, _ in watched.select():
                total += len(os.read(key.fd, 4096))
    finally:
        print(total, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
