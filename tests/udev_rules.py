"""udev's rules, read and followed as udev(7) says, as far as the cabin's own rules go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

MATCHES = {"ACTION", "SUBSYSTEM", "KERNEL", "DRIVER", "ENV", "ATTR", "TEST"}
UPWARD = {"SUBSYSTEMS", "KERNELS", "DRIVERS", "ATTRS"}
"""Match keys that are looked for in the device and its parents; those of one rule have to fit the same one."""
ASSIGNS = {"ENV", "ATTR", "GROUP", "MODE", "SYMLINK", "GOTO", "LABEL"}
_TOKEN = re.compile(r'([A-Z]+)(?:\{([^}]+)\})?(==|!=|\+=|=)"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Token:
    key: str
    attribute: str
    operator: str
    value: str


@dataclass(slots=True)
class Device:
    """A device of sysfs: what it is, and its parents, the nearest first."""

    subsystem: str
    kernel: str = ""
    driver: str = ""
    env: dict[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    parents: tuple[Device, ...] = ()
    said: dict[str, str] = field(default_factory=dict)
    """What the rules gave: GROUP, MODE, and attributes that were written."""
    links: list[str] = field(default_factory=list)


def read(text: str) -> list[list[Token]]:
    """The rules; raises `ValueError` with the line that is none."""
    rules = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        tokens = [Token(*found.groups(default="")) for found in _TOKEN.finditer(line)]
        if (
            ", ".join(
                f'{t.key}{"{" + t.attribute + "}" if t.attribute else ""}{t.operator}"{t.value}"' for t in tokens
            )
            != line
        ):
            raise ValueError(f"line {number} is no rule: {line}")
        for token in tokens:
            known = MATCHES | UPWARD if token.operator in ("==", "!=") else ASSIGNS
            if token.key not in known or bool(token.attribute) != (token.key in ("ENV", "ATTR", "ATTRS")):
                raise ValueError(f"line {number} has no key {token.key} {token.operator}")
        rules.append(tokens)
    return rules


def follow(rules: list[list[Token]], device: Device) -> None:
    """What udev makes of a device that was added."""
    place = 0
    while place < len(rules):
        rule = rules[place]
        place += 1
        matched, parent = _matches([t for t in rule if t.operator in ("==", "!=")], device)
        if not matched:
            continue
        for token in rule:
            if token.key == "GOTO":
                place = next(n for n, each in enumerate(rules) if Token("LABEL", "", "=", token.value) in each)
            elif token.operator in ("=", "+=") and token.key != "LABEL":
                _assign(token, device, parent)


def _matches(tokens: list[Token], device: Device) -> tuple[bool, Device]:
    if not all(_fits(token, device) for token in tokens if token.key in MATCHES):
        return False, device
    upward = [token for token in tokens if token.key in UPWARD]
    for each in (device, *device.parents):
        if all(_fits(Token(t.key[:-1], t.attribute, t.operator, t.value), each) for t in upward):
            return True, each
    return False, device


def _fits(token: Token, device: Device) -> bool:
    have = {
        "ACTION": "add",
        "SUBSYSTEM": device.subsystem,
        "KERNEL": device.kernel,
        "DRIVER": device.driver,
        "ENV": device.env.get(token.attribute, ""),
        "ATTR": device.attributes.get(token.attribute),
        "TEST": "there" if token.value in device.attributes else None,
    }[token.key]
    if token.key == "TEST":
        return have is not None
    found = have is not None and any(fnmatchcase(have, each) for each in token.value.split("|"))
    return found is (token.operator == "==")


def _assign(token: Token, device: Device, parent: Device) -> None:
    value = token.value.replace("$id", parent.kernel).replace("$kernel", device.kernel)
    value = re.sub(r"\$env\{(\w+)\}", lambda found: device.env.get(found[1], ""), value)
    value = re.sub(r"\$attr\{(\w+)\}", lambda found: device.attributes.get(found[1], ""), value)
    match token.key:
        case "ENV":
            device.env[token.attribute] = value
        case "SYMLINK":
            device.links.append(value)
        case key:
            device.said[token.attribute or key] = value
