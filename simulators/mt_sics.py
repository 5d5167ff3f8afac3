"""A Mettler-Toledo scale that speaks MT-SICS, levels 0 and 1 as far as the sheet has them.

Protocol sheet healthometer-scale, section 7. Commands S (when stable), SI (now), SIR (now and again), Z and ZI, T, @
and I0 to I5. The texts of I0, I1 and I5 are shapes of ours, not facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from simulators.body import Body
from simulators.device import BodyFault, Frames, Wear
from simulators.feet import Feet

MOST_KG = 300.0
REPEAT_S = 0.2
"""SIR: about five weights a second."""
SERIAL = "B012345678"
TEXTS: Mapping[str, str] = {
    "@": f'I4 A "{SERIAL}"',
    "I0": 'I0 A 0 "SI"',
    "I1": 'I1 A "01" "2.30" "2.22" "" ""',
    "I2": 'I2 A "ICS685 simulated 300.0 kg"',
    "I3": 'I3 A "1.24 simulated"',
    "I4": f'I4 A "{SERIAL}"',
    "I5": 'I5 A "12121306C"',
}


def weight_line(status: str, number: float, unit: str = "kg", decimals: int = 2) -> bytes:
    """`S S` stable or `S D` dynamic, and the number at the right of ten characters."""
    return f"S {status} {number:10.{decimals}f} {unit}\r\n".encode("ascii")


class Scale:
    """The scale under the body's feet."""

    kind: ClassVar[str] = "scale"
    wear: ClassVar[Wear] = Wear(drop_every=151)
    body_faults: ClassVar[tuple[BodyFault, ...]] = ()
    own_faults: ClassVar[tuple[str, ...]] = (
        "stuck-weight",
        "tipped",
        "unstable",
        "overload",
        "underload",
        "units-key",
        "not-executable",
    )

    def __init__(self, body: Body) -> None:
        self._feet = Feet(body)
        self._wrong: set[str] = set()
        self._pending = b""
        self._wanted = 0
        self._repeats_at: float | None = None

    def opened(self, now: float) -> None:
        """The scale does not notice."""
        self._feet.look(now)

    def receive(self, data: bytes, now: float) -> Frames:
        """Commands end with CR LF; one it does not know is answered by `ES`."""
        *commands, tail = (self._pending + data).split(b"\r\n")
        self._pending = tail[-16:]
        return [frame for command in commands for frame in self._obey(command.decode("latin-1"), now)]

    def produce(self, now: float) -> Frames:
        """What S waits for, and what SIR repeats."""
        said: Frames = []
        if self._wanted and self._stable(now):
            said, self._wanted = [self._weight(now)] * self._wanted, 0
        if self._repeats_at is not None and now >= self._repeats_at:
            self._repeats_at = now + REPEAT_S
            said.append(self._weight(now))
        return said

    def fail(self, fault: str, wrong: bool, now: float) -> None:
        """Take one of its own faults, or lose it."""
        self._wrong = self._wrong | {fault} if wrong else self._wrong - {fault}
        if fault in ("stuck-weight", "tipped"):
            self._feet.fail(fault, wrong, now)

    def _obey(self, command: str, now: float) -> Frames:
        if command in ("S", "SI", "SIR", "@"):
            self._repeats_at = now + REPEAT_S if command == "SIR" else None
        if command in TEXTS:
            self._wanted = 0
            return [f"{TEXTS[command]}\r\n".encode("ascii")]
        if command == "S":
            self._wanted += 1
            return self.produce(now)
        if command in ("SI", "SIR"):
            return [self._weight(now)]
        if command in ("Z", "ZI", "T"):
            return [self._zero(command, now)]
        return [b"ES\r\n"]

    def _zero(self, command: str, now: float) -> bytes:
        kg = self._feet.kg(now)
        self._feet.zero(now)
        if command == "T":
            return b"T " + weight_line("S", kg)[2:]
        return f"{command} {'A' if command == 'Z' else 'S'}\r\n".encode("ascii")

    def _stable(self, now: float) -> bool:
        return "unstable" not in self._wrong and self._feet.stand(now) != "moving"

    def _weight(self, now: float) -> bytes:
        kg = self._feet.kg(now)
        if "not-executable" in self._wrong:
            return b"S I\r\n"
        if "overload" in self._wrong or kg > MOST_KG:
            return b"S +\r\n"
        if "underload" in self._wrong:
            return b"S -\r\n"
        status = "S" if self._stable(now) else "D"
        shaken = 0.3 * (now % 1.0) if "unstable" in self._wrong else 0.0
        if "units-key" in self._wrong:
            return weight_line(status, round((kg + shaken) / 0.45359237, 1), "lb")
        return weight_line(status, round(kg + shaken, 1))
