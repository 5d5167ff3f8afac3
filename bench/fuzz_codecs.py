"""`python -m bench.fuzz_codecs PROTOCOL BYTES SEEDS RESULT`: one decoder under atheris, which looks for new branches.

Whatever bytes come, in whatever pieces: no exception, the same events for two different cuts, and a decoder that
stays small, both one that begins anew with each input and one that has lived through all of them. SEEDS is a folder
with what the instruments say. Ends by itself after that many bytes were given to the decoder, and writes into RESULT
how it went, in JSON. What breaks a rule ends the process with atheris's own report, and is kept as `crash-...`.

Runs where `make` puts the peers; atheris is no part of the cabin.
"""

from __future__ import annotations

import ast
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

DRIVERS = Path(__file__).resolve().parent.parent / "drivers"
LONGEST = 512
"""Bytes of an input."""
STATE_LIMIT = 256_000
"""Bytes of a pickled decoder."""
LOOK_EVERY = 256
"""Inputs between two looks at the decoder that lives on."""


def cuts(data: bytes) -> list[bytes]:
    """The input in pieces whose lengths are its own bytes: the same input is cut the same way."""
    edges, at = [0], 0
    for size in data:
        at += 1 + size % 23
        if at >= len(data):
            break
        edges.append(at)
    return [data[a:b] for a, b in pairwise([*edges, len(data)])]


def others(protocol: str) -> list[str]:
    """The modules of the drivers that this decoder does without: to watch their branches takes time, and is idle."""
    code = "import sys; from drivers import DECODERS; print(DECODERS[sys.argv[1]].__module__)"
    asked = subprocess.run([sys.executable, "-c", code, protocol], capture_output=True, text=True, check=True)
    known = {path.relative_to(DRIVERS.parent).with_suffix("") for path in DRIVERS.rglob("*.py")}
    modules = {".".join(path.parts).removesuffix(".__init__") for path in known}
    return sorted(modules - _used(asked.stdout.strip(), modules))


def _used(module: str, modules: set[str]) -> set[str]:
    """A module and all those of `modules` that it imports, whatever they import themselves."""
    # The package itself imports every driver.
    found, todo = {"drivers"}, [module]
    while todo:
        name = todo.pop()
        if name in found or name not in modules:
            continue
        found.add(name)
        path = DRIVERS.parent / Path(*name.split("."))
        source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                todo += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return found


class Target:
    """What atheris calls with each input."""

    def __init__(self, protocol: str, count: int, result: Path) -> None:
        from drivers import DECODERS

        self._decoder = DECODERS[protocol]
        self._old = self._decoder()
        self._left, self._result = count, result
        self._given = self._inputs = self._largest = 0
        self._began = time.monotonic()

    def __call__(self, data: bytes) -> None:
        """Check one input; does not return from the last."""
        whole, apart = self._decoder(), self._decoder()
        events = whole.feed(data)
        if [event for piece in cuts(data) for event in apart.feed(piece)] != events:
            raise AssertionError("two cuts of the same bytes give different events")
        self._old.feed(data)
        self._inputs += 1
        self._given += 3 * len(data)
        if self._inputs % LOOK_EVERY == 0 or self._given >= self._left:
            self._look(apart)
        if self._given >= self._left:
            self._finish()

    def _look(self, young: object) -> None:
        self._largest = max(self._largest, len(pickle.dumps(self._old)), len(pickle.dumps(young)))
        if self._largest > STATE_LIMIT:
            raise AssertionError(f"a decoder has grown to {self._largest} bytes")

    def _finish(self) -> None:
        told = {
            "bytes": self._given,
            "inputs": self._inputs,
            "largest": self._largest,
            "seconds": time.monotonic() - self._began,
        }
        self._result.write_text(json.dumps(told))
        # libFuzzer knows no other way to be done in the middle.
        os._exit(0)


def main(argv: Sequence[str]) -> int:
    """Fuzz until the bytes are used up; the exit code is atheris's where a rule was broken."""
    protocol, count, seeds, result = argv
    import atheris

    with atheris.instrument_imports(include=["drivers"], exclude=others(protocol)):
        target = Target(protocol, int(count), Path(result))
    own = [f"-max_len={LONGEST}", "-seed=1", "-verbosity=0", f"-artifact_prefix={seeds}/../crash-"]
    atheris.Setup([sys.argv[0], *own, seeds], target)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
