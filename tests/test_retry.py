"""What a second try is given to, what it is told of, and that every fixture of it is new."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFTEST = """
from pathlib import Path
import pytest
from tests.retry import pytest_runtest_protocol, pytest_terminal_summary

def count(name):
    with open(Path(__file__).parent / f"{name}.txt", "a") as file:
        file.write("x")
    return (Path(__file__).parent / f"{name}.txt").stat().st_size

@pytest.fixture
def broken_at_first():
    count("setup") == 1 and pytest.fail("its fixture\\nwas not ready")

@pytest.fixture
def own():
    made = []
    yield made
    count("undone")
"""
TESTS = """
import asyncio, time
import pytest
from conftest import count

real = pytest.mark.processes

@real
def test_once_is_enough(own):
    count("good")

@real
@pytest.mark.parametrize("number", [1, 2])
def test_the_second_succeeds(own, tmp_path, number):
    assert own == [] and not any(tmp_path.iterdir())
    own.append(1), (tmp_path / "left").touch()
    assert count(f"second-{number}") == 2, "the first is not enough"

@real
async def test_a_coroutine_is_begun_anew():
    await asyncio.sleep(0)
    assert count("coroutine") == 2

@real
def test_the_fixture_fails_at_first(broken_at_first):
    pass

@real
def test_a_defect_fails_twice():
    count("defect")
    assert False, "always"

@real
@pytest.mark.timeout(1)
def test_the_second_has_its_whole_time():
    time.sleep(3 if count("slow") == 1 else 0.7)

def test_a_unit_has_one_try():
    assert count("unit") == 2

@real
def test_one_that_is_skipped():
    pytest.skip("there is nothing to try")
"""
SECTION = re.compile(r"^=+ (\d+) failed at first and had a second try =+\n(.*?)^=", re.MULTILINE | re.DOTALL)


@pytest.mark.processes
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_only_a_test_of_processes_is_tried_again_and_the_summary_says_why(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nmarkers = processes: real\n"
    )
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *workers, str(tmp_path)]
    # A pytest that one of several workers starts is not itself a worker.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    found = subprocess.run(
        words, cwd=tmp_path, env={**clean, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100
    )
    assert "2 failed, 6 passed, 1 skipped" in found.stdout, found.stdout + found.stderr
    listed = SECTION.search(found.stdout)
    assert listed is not None and listed[1] == "6"
    told = dict(line.split(": ", 1) for line in listed[2].splitlines())
    assert {name.partition("::")[2] for name in told} == {
        "test_the_second_succeeds[1]",
        "test_the_second_succeeds[2]",
        "test_a_coroutine_is_begun_anew",
        "test_the_fixture_fails_at_first",
        "test_a_defect_fails_twice",
        "test_the_second_has_its_whole_time",
    }
    assert "AssertionError: the first is not enough" in told["test_some.py::test_the_second_succeeds[1]"]
    assert "its fixture was not ready" in told["test_some.py::test_the_fixture_fails_at_first"]
    assert "Timeout" in told["test_some.py::test_the_second_has_its_whole_time"]
    tries = {file.stem: file.stat().st_size for file in tmp_path.glob("*.txt")}
    assert tries == {
        "good": 1, "second-1": 2, "second-2": 2, "undone": 5, "coroutine": 2, "setup": 2, "defect": 2, "slow": 2,
        "unit": 1,
    }  # fmt: skip
