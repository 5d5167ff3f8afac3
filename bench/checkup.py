"""How long a check-up takes, planned and walked, and what the core weighs after one."""

from __future__ import annotations

import asyncio
import io
import time

from bench.cabin import BenchError, all_heard, cabin, core_of
from bench.figures import Chapter, Figure, markdown, number
from bench.machine import children, highest_mb, resident_mb, resident_of
from cabin_agent.demo.once import once
from cabin_agent.plan import Slot, timeline

LENGTH_S, MEMORY_MB = 600.0, 120.0
SPEED = 20.0
AFTER_S = 5.0
"""Rest after the check-up before the core is weighed."""
LIBRARIES = (
    "import asyncio, sqlite3, aiohttp.web, cbor2, dacite, numpy, paho.mqtt.client, serial\n"
    "from cryptography.hazmat.primitives import hpke"
)
"""What the core loads of others."""


async def chapter() -> Chapter:
    """The plan at speed 1, then one check-up of a demonstration at speed 20."""
    plan = timeline()
    async with cabin(SPEED) as running, running.client() as core:
        await all_heard(core)
        before = resident_mb(core_of(running).pid)
        began = time.monotonic()
        result = await once(running, progress=io.StringIO())
        took = time.monotonic() - began
        if result.receipt_status != "stored":
            raise BenchError("The check-up of the demonstration got no receipt: run 'cabin demo --once' to see why.")
        await asyncio.sleep(AFTER_S)
        pid = core_of(running).pid
        after, highest = resident_mb(pid), highest_mb(pid)
        helpers = [resident_mb(child) for child in children(pid)]
    bare = resident_of(LIBRARIES)
    return Chapter(
        "Check-up and memory",
        "Planned: the plan that leads the visit, run on its own estimates for an agent who does everything for the "
        "first time, three pressures after five minutes of rest. Walked: the demonstration's simulated person, who "
        f"answers at once, at speed {SPEED:.0f}, in seconds of the visit's time. Memory is VmRSS of the core's "
        f"process {AFTER_S:.0f} s after that check-up was received by the record; 1 MB is 10^6 bytes. The peer is a "
        "bare Python that has imported the same libraries.",
        (
            Figure("check-up as planned at speed 1", length(plan), "s", LENGTH_S, remark=rest(plan)),
            Figure(
                f"check-up of a demonstration at speed {SPEED:.0f}",
                result.checkup.seconds,
                "s",
                LENGTH_S,
                remark=f"{number(took)} s of real time up to the receipt",
            ),
            Figure(
                "core, resident after a check-up",
                after,
                "MB",
                MEMORY_MB,
                f"{number(bare)} MB: the same libraries; ratio {number(after / bare)}",
                f"{number(before)} MB before it; at most {number(highest)} MB during it",
            ),
            Figure(
                "the same with its child processes",
                after + sum(helpers),
                "MB",
                MEMORY_MB,
                remark=f"{len(helpers)} at rest; shared pages are counted in each",
            ),
        ),
        more="The plan:\n\n" + plan_table(plan),
    )


def length(plan: list[Slot]) -> float:
    """Seconds from the first touch to good-bye."""
    return plan[-1].end


def rest(plan: list[Slot]) -> str:
    """How long the agent sat before the first pressure, as a remark."""
    seated = next(slot.end for slot in plan if slot.what == "sit")
    pressure = next(slot.begin for slot in plan if slot.what == "pressure")
    return f"{pressure - seated:.0f} s of rest before the first pressure"


def plan_table(plan: list[Slot]) -> str:
    """The timeline as a Markdown table, in seconds since the first touch."""
    rows = [(slot.what, f"{slot.begin:.0f}", f"{slot.end:.0f}") for slot in plan]
    return markdown(("what", "from s", "to s"), rows)
