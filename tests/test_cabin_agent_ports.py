"""Which port belongs to which instrument: two names of one port, and the list to copy from."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cabin_agent.__main__ import main
from cabin_agent.config import load_config
from cabin_agent.face import Json
from cabin_agent.instruments import Instruments
from tests.plug import Plug


async def test_two_links_to_one_port_are_refused_and_nobody_reads_it(tmp_path: Path) -> None:
    plug = Plug(tmp_path / "port")
    plug.plug()
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(plug.path)
    file = tmp_path / "cabin.toml"
    file.write_text(
        '[cabin]\nname = "x"\nserial = "y"\naccept_simulated = true\n'
        f'[instruments.finger]\ndriver = "oximeter"\nurl = "{tmp_path}/one"\n'
        f'[instruments.feet]\ndriver = "scale"\nurl = "{tmp_path}/two"\n'
    )
    told: dict[str, Json] = {}
    both = asyncio.Event()

    def on_state(kind: str, view: Json) -> None:
        told.setdefault(kind, view)
        if len(told) == 2:
            both.set()

    bench = Instruments(
        load_config(file).instruments,
        accept_simulated=True,
        speed=1.0,
        on_event=lambda *_: None,
        on_state=on_state,
    )
    running = asyncio.create_task(bench.run())
    await asyncio.wait_for(both.wait(), 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert {kind: view["state"] for kind, view in told.items()} == {"oximeter": "failed", "scale": "failed"}
    assert "are one port: write the port of the scale" in told["scale"]["reason"]
    plug.unplug()


def test_the_list_of_ports_needs_no_running_cabin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--ports", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "cabin.ports/1" and isinstance(said["ports"], list)
    assert main(["devices", "--ports"]) == 0
    assert capsys.readouterr().out.strip()
