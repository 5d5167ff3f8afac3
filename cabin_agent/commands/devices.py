"""`cabin devices`: the instruments of the running cabin; with `--ports`, what could be one."""

from __future__ import annotations

import argparse
import asyncio
import json

from cabin_agent.commands.running import add_runtime, running_core, told
from cabin_agent.face import Json
from cabin_agent.tables import table
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
        header = (
            "instrument",
            "state",
            "last sample",
            "model",
            "serial",
            "firmware",
            "calibration",
            "hours",
            "port",
            "why",
        )
        print(table(header, map(_row, instruments)), flush=True)


HEADER = (
    "instrument", "state", "last sample", "model", "serial", "firmware", "calibration", "hours", "port", "why",
)  # fmt: skip


def _row(each: Json) -> tuple[str, ...]:
    age = "never" if each["age_s"] is None else f"{each['age_s']:.1f} s ago"
    marked = f"{each['model']} SIMULATED" if each["simulated"] else each["model"]
    return (
        each["name"],
        each["state"],
        age,
        marked,
        each["serial"] or "-",
        each["firmware"] or "-",
        _calibration(each),
        f"{each['hours']:.1f}",
        each["url"],
        each["reason"],
    )


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


def _calibration(each: Json) -> str:
    if each["calibration_due"] is None:
        return "-"
    return f"PAST since {each['calibration_due']}" if each["past_due"] else f"good until {each['calibration_due']}"
