"""The page on adding an instrument: its code is put into a copy of the house as it tells, and the house tests it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "add-an-instrument.md"
CODE = re.compile(r"```python\n# ((?:drivers|simulators)/\w+\.py)\n(.*?)```", re.DOTALL)
ENTRIES = {
    "drivers/__init__.py": [
        ("from drivers import (\n", "    example,\n"),
        ("DRIVERS: dict[str, type[Instrument]] = {\n", '    "example": example.Oximeter,\n'),
        ("DECODERS: dict[str, type[Codec]] = {\n", '    "example": example.Decoder,\n'),
    ],
    "simulators/rack.py": [
        ("from simulators import (\n", "    example,\n"),
        ("MODELS: Mapping[str, type[Device]] = {\n", '    "example": example.Oximeter,\n'),
    ],
}
"""What the page says in words: a line in each dictionary."""
OWN = """
from drivers.events import NoValue, Reading, Trouble, Wave
from drivers.example import Decoder
from simulators.body import Body
from simulators.example import Oximeter, line

THERE, OUT = b"P,128,097,072*A8\\r\\n", b"P,0,---,---*12\\r\\n"


def readings(events):
    return [(event.quantity, event.value) for event in events if isinstance(event, Reading)]


def test_the_examples_of_the_sheet():
    assert readings(Decoder().feed(THERE * 5)) == [("spo2", 97.0), ("pulse_rate", 72.0)]
    assert readings(Decoder().feed(OUT * 5)) == [(name, NoValue("finger-out")) for name in ("spo2", "pulse_rate")]
    assert line(128, 97, 72) == THERE and line(0, None, None) == OUT


def test_a_wrong_checksum_is_no_value():
    events = Decoder().feed(THERE.replace(b"097", b"098") * 5)
    assert not readings(events) and {event.code for event in events} == {"checksum", "lost-samples"}


def test_a_minute_of_the_body():
    device, decoder = Oximeter(Body(1)), Decoder()
    device.opened(0.0)
    events = [event for second in range(60) for event in decoder.feed(b"".join(device.produce(float(second))))]
    assert not [event for event in events if isinstance(event, Trouble)]
    assert ("spo2", 97.0) in readings(events)
    assert [wave.index for wave in events if isinstance(wave, Wave)] == list(range(0, 59 * 50, 5))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house with the example in it."""
    where = tmp_path_factory.mktemp("house")
    for package in ("drivers", "simulators", "tests"):
        shutil.copytree(ROOT / package, where / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", where)
    for path, code in CODE.findall(PAGE.read_text(encoding="utf-8")):
        (where / path).write_text(code, encoding="utf-8")
    for path, lines in ENTRIES.items():
        text = (where / path).read_text(encoding="utf-8")
        for after, entry in lines:
            assert text.count(after) == 1, f"{path} no longer holds {after!r}: the page tells of it"
            text = text.replace(after, after + entry)
        (where / path).write_text(text, encoding="utf-8")
    (where / "tests" / "test_drivers_example.py").write_text(OWN, encoding="utf-8")
    return where


def run_tests(house: Path, *words: str) -> str:
    """Run tests of the copy; gives what pytest says, and fails with it."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=house, capture_output=True, text=True, timeout=110,
        env={"PYTHONPATH": str(house), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_has_both_ends() -> None:
    assert [path for path, _ in CODE.findall(PAGE.read_text(encoding="utf-8"))] == [
        "drivers/example.py",
        "simulators/example.py",
    ]


def test_its_own_tests_pass(house: Path) -> None:
    assert "3 passed" in run_tests(house, "tests/test_drivers_example.py")


def test_the_house_tests_it_without_being_told(house: Path) -> None:
    said = run_tests(house, "tests/test_drivers_init.py", "tests/test_simulators_device.py", "-k", "example")
    assert int(re.findall(r"(\d+) passed", said)[0]) >= 5
