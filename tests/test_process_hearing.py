"""The hearing test that the cabin makes itself, end to end: headphones simulated on a sound card of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cabin_agent.demo.processes import python
from cabin_agent.face import Json
from simulators.physiology import AT_REST, FREQUENCIES
from tests.bundles import HEARING, loinc_of, measured
from tests.cabin import SIZE, Cabin

CALIBRATION = Path(__file__).resolve().parent.parent / "docs" / "headphone.toml"


class HeadphoneCabin(Cabin):
    """A cabin whose audiometer is a pair of headphones, calibrated or not."""

    def __init__(self, calibration: Path | None, *faults: str, speed: float = 30.0) -> None:
        super().__init__(speed, measures=(*SIZE, "hearing"))
        self._calibration, self._faults = calibration, faults

    async def start_simulators(self) -> None:
        """Those of every cabin, and the headphones in a process of their own."""
        await super().start_simulators()
        phones = self.folder / "phones"
        words = ["headphone", "--folder", str(phones), "--speed", str(self.speed), "--json"]
        words += [word for fault in self._faults for word in ("--fault", fault)]
        line = await self.processes.start("phones", "headphones", python("simulators", *words), until='"urls"')
        url = json.loads(line)["urls"]["headphone"]
        assert url == f"sound-sim://{phones / 'headphone.sound'}"
        more = f'\ncalibration = "{self._calibration}"' if self._calibration else ""
        file = self.site.cabin_toml
        told, changed = re.subn(
            r"(\[instruments\.audiometer\]\n(?:.+\n)*?)url = .+",
            rf'\g<1>url = "{url}"\nprotocol = "headphone"{more}',
            file.read_text(),
        )
        assert changed == 1
        file.write_text(told)


def components(bundle: Json) -> list[Json]:
    (hearing,) = measured(bundle, "hearing")
    return list(hearing["component"])


@pytest.mark.processes
async def test_the_cabin_tests_the_ears_itself_and_states_hearing_levels(tmp_path: Path) -> None:
    # Phones that are calibrated at two frequencies are tested at two.
    few = re.sub(r"^(?!1000|4000)\d+ = .*\n", "", CALIBRATION.read_text(), flags=re.MULTILINE)
    (tmp_path / "headphone.toml").write_text(few)
    async with HeadphoneCabin(tmp_path / "headphone.toml") as cabin:
        seen = await cabin.lead(lambda visit: (visit["hearing"] or {}).get("stage") == "listen")
        assert {"press", "release"} <= {*seen["may"]}
        bundle = await cabin.delivered(await cabin.finish())
    found = {each["code"]["text"]: each for each in components(bundle) if "valueQuantity" in each}
    assert len(found) >= 3
    for side, ear in (("gauche", AT_REST.left), ("droite", AT_REST.right)):
        for hz in (1000, 4000):
            if (told := found.get(f"Oreille {side}, {hz} Hz")) is not None:
                level = told["valueQuantity"]
                assert {*loinc_of(told)} <= HEARING and loinc_of(told)
                assert (level["unit"], level["code"]) == ("dB HL", "dB")
                assert abs(level["value"] - ear[FREQUENCIES.index(hz)]) <= 15
