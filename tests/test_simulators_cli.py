"""`cabin simulate`: what it prints, how it ends, and its exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.cli import main
from simulators.rack import INSTRUMENTS


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["scale", "--fault", "fire"], "can have unplug"),
        (["all", "--fault", "unplug"], "oximeter=unplug"),
        (["scale", "--fault", "ecg=unplug"], "not simulated here"),
        (["all", "--replay", "rec"], "oximeter=rec"),
        (["scale", "--replay", "rec"], "plays no recordings"),
        (["all", "--replay", "scale=rec"], "plays no recordings"),
        (["all", "--listen", "socket://127.0.0.1:0"], "one instrument"),
        (["scale", "--listen", "7001"], "no address"),
        (["scale", "--speed", "0"], "--speed"),
        (["scale", "--seed", "-1"], "--seed"),
    ],
)
def test_wrong_use_is_one_sentence_and_code_2(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_an_unknown_instrument_is_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["toaster"])
    assert ended.value.code == 2
    assert "audiometer" in capsys.readouterr().err


def test_what_cannot_run_is_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ecg", "--replay", str(tmp_path / "absent"), "--folder", str(tmp_path)]) == 3
    assert "no WFDB record" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["ecg", "--folder", str(tmp_path / "file")]) == 3
    long = tmp_path / ("x" * 120)
    assert main(["ecg", "--folder", str(long)]) == 3
    assert capsys.readouterr().err.count("\n") == 2


def start(*argv: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simulators", *argv]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_of_json_and_a_clean_end(tmp_path: Path, number: int) -> None:
    process = start("all", "--json", "--folder", str(tmp_path), "--speed", "5", "--fault", "oximeter=finger-out")
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert list(ready["urls"]) == list(INSTRUMENTS)
    assert ready["control"] == str(tmp_path / "control.sock")
    assert all(Path(url).exists() for url in ready["urls"].values())
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
def test_without_a_folder_it_makes_its_own_and_takes_it_away() -> None:
    process = start("scale")
    assert process.stdout is not None
    line = process.stdout.readline()
    name, _, url = line.strip().partition(": ")
    assert name == "scale"
    assert os.path.exists(url)
    assert process.stdout.readline().startswith("control: ")
    assert "Ctrl-C" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert not Path(url).parent.exists()


@pytest.mark.processes
def test_listen_prints_the_port_that_was_taken() -> None:
    process = start("thermometer", "--listen", "socket://127.0.0.1:0", "--json")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["urls"]["thermometer"]
    assert url.startswith("socket://127.0.0.1:")
    assert not url.endswith(":0")
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0


@pytest.mark.processes
def test_ctrl_c_while_it_is_still_loading_ends_it_quietly() -> None:
    code = """
import runpy, sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "simulators.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
runpy.run_module("simulators", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.processes
def test_words_in_a_file_are_taken_as_if_typed_and_an_empty_one_ends_it(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("spo2 91\nshow\n")
    for file, said in ((tmp_path / "words.txt", "spo2 91"), (Path(os.devnull), "")):
        with file.open() as words:
            done = subprocess.run(
                [sys.executable, "-m", "simulators", "scale", "--body", "--folder", str(tmp_path / "rack")],
                stdin=words, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout
    assert list((tmp_path / "rack").iterdir()) == []
