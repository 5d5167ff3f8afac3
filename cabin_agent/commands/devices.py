"""`cabin devices`: the instruments of the running cabin; with `--ports`, what could be one."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable, Sequence

from cabin_agent.commands.running import add_runtime, running_core, told
from cabin_agent.face import Json
from cabin_agent.monitoring.view import calibration
from cabin_agent.tables import table, width_here
from drivers.ports import ports


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `cabin_agent.__main__.Command`."""
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--ports", action="store_true", help="serial ports and USB devices of this machine instead")
    parser.add_argument("--watch", action="store_true", help="again at every change, until Ctrl-C")
    add_runtime(parser)


def run(args: argparse.Namespace) -> int:
    """See `cabin_agent.__main__.Command`."""
    if args.ports:
        _print_ports(args.json)
        return 0
    try:
        return told("devices", lambda: asyncio.run(_show(args)))
    except KeyboardInterrupt:
        if args.watch:
            return 0
        raise


async def _show(args: argparse.Namespace) -> int:
    async with running_core(args) as core:
        instruments = await core.instruments()
        _print(instruments, args)
        if args.watch:
            async for event in core.stream():
                if isinstance(event, dict) and event.get("type") == "instrument":
                    instruments = await core.instruments()
                    _print(instruments, args)
    return 0 if all(each["state"] in ("ready", "measuring") for each in instruments) else 1


def _print(instruments: list[Json], args: argparse.Namespace) -> None:
    if args.json:
        print(json.dumps({"schema": "cabin.devices/1", "instruments": instruments}, ensure_ascii=False), flush=True)
    else:
        print(_table(instruments, width_here()), flush=True)


COLUMNS: dict[str, Callable[[Json], str]] = {
    "instrument": lambda each: f"{each['name']} SIMULATED" if each["simulated"] else each["name"],
    "state": lambda each: each["state"],
    "last sample": lambda each: "never" if each["age_s"] is None else f"{each['age_s']:.1f} s ago",
    "model": lambda each: each["model"],
    "serial": lambda each: each["serial"] or "-",
    "firmware": lambda each: each["firmware"] or "-",
    "calibration": lambda each: calibration(each),
    "hours": lambda each: f"{each['hours']:.1f}",
    "port": lambda each: each["url"],
}
"""What a row shows, by the name of its column."""
WIDE = 150
"""Columns of a terminal that holds them all; a narrower one does without `LEFT_OUT` ('cabin monitor' shows it)."""
LEFT_OUT = ("model", "firmware", "hours", "port")


def _table(instruments: Sequence[Json], width: int) -> str:
    """One row each, and below it why one is not ready, or what is not confirmed of its wire."""
    shown = [name for name in COLUMNS if width >= WIDE or name not in LEFT_OUT]
    lines = [table(shown, [[COLUMNS[name](each) for name in shown] for each in instruments])]
    lines += [f"{each['name']}: {each['reason']}" for each in instruments if each["reason"]]
    lines += [f"{each['name']}: not confirmed: {each['unconfirmed']}" for each in instruments if each["unconfirmed"]]
    return "\n".join(lines)


def _print_ports(as_json: bool) -> None:
    """What is plugged in, with what the settings call it; nothing is opened and no cabin has to run."""
    found = [
        {
            "url": port.url,
            "looks_like": port.looks,
            "usb_serial": port.usb.serial or None if port.usb else None,
            "usb_port": port.usb.port if port.usb else None,
            "usb_id": port.usb.numbers if port.usb else None,
        }
        for port in ports()
    ]
    if as_json:
        print(json.dumps({"schema": "cabin.ports/1", "ports": found}, ensure_ascii=False))
    elif not found:
        print("There is no serial port and no USB device on this machine: plug the instrument in.")
    else:
        keys = ("url", "usb_serial", "usb_port", "usb_id", "looks_like")
        print(
            table(
                [key.replace("_", " ") if key.startswith("looks") else key for key in keys],
                [[str(each[key] or "-") for key in keys] for each in found],
            )
        )
