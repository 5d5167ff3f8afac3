"""uPlot, the chart library that the bench compares with: fetched once, checked, and kept out of the repository."""

from __future__ import annotations

import base64
import hashlib
import sys
import tarfile
import urllib.request
from io import BytesIO
from pathlib import Path

from bench.cabin import BenchError

VERSION = "1.6.32"
URL = f"https://registry.npmjs.org/uplot/-/uplot-{VERSION}.tgz"
SHA512 = "KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw=="
"""Of the package, as the registry publishes it (MIT licence)."""
SCRIPT = "package/dist/uPlot.iife.min.js"
FETCH_S = 30.0


def script() -> str:
    """The library; raises `BenchError` where it cannot be fetched, or is not the one that is pinned."""
    file = Path(sys.prefix) / "bench" / f"uplot-{VERSION}.tgz"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(_fetched())
    package = file.read_bytes()
    if not is_pinned(package):
        file.unlink()
        raise BenchError(f"{URL} is not the package that is pinned: see whether somebody changed it.")
    with tarfile.open(fileobj=BytesIO(package)) as archive:
        member = archive.extractfile(SCRIPT)
        if member is None:
            raise AssertionError("the pinned package has this file")
        return member.read().decode()


def is_pinned(package: bytes) -> bool:
    """Whether these are the bytes whose hash stands here."""
    return base64.b64encode(hashlib.sha512(package).digest()).decode() == SHA512


def _fetched() -> bytes:
    try:
        with urllib.request.urlopen(URL, timeout=FETCH_S) as answer:
            return bytes(answer.read())
    except OSError:
        raise BenchError(f"{URL} cannot be fetched: look whether this machine has a network.") from None
