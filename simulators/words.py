"""What a technician says to the simulation, in one line of words: for the prompt and for scenario files.

    heart_rate 90            temperature 38.2        hearing left 10 10 5 5 0 5 10 10 15 20 15
    rhythm irregular         pressure 150/95         hearing right +30
    rhythm premature 4       spo2 93                 finger cold
    unplug oximeter          replug oximeter         finger out
    oximeter low-battery     clear oximeter low-battery

A line becomes one command of `simulators.control`; words it does not have are refused with those it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulators.device import WrongUse
from simulators.physiology import BODY_FIELDS, LEADS, PRESENCE_FIELDS, Physiology

Command = dict[str, Any]
"""As `simulators.control.Control.perform` takes it."""

COLD, WARM = 0.12, 3.0
"""Pulse modulation at a cold finger, where the cuff finds no pulse either, and at a warm one; per cent."""
CONTACTS: Mapping[tuple[str, str], Command] = {
    ("finger", "in"): {"finger_in": True},
    ("finger", "out"): {"finger_in": False},
    ("finger", "cold"): {"perfusion": COLD},
    ("finger", "warm"): {"perfusion": WARM},
    ("cuff", "on"): {"cuff_on": True},
    ("cuff", "off"): {"cuff_on": False},
    ("scale", "on"): {"on_scale": True},
    ("scale", "off"): {"on_scale": False},
    ("face", "there"): {"facing": True},
    ("face", "away"): {"facing": False},
    ("person", "moving"): {"moving": True},
    ("person", "still"): {"moving": False},
    ("electrodes", "on"): {"electrodes_on": list(LEADS)},
    ("electrodes", "off"): {"electrodes_on": []},
}
RHYTHMS: Mapping[str, Command] = {
    "regular": {"irregular": False, "premature_every": 0},
    "irregular": {"irregular": True, "premature_every": 0},
}

HOW = (
    "Say a quantity and its value (heart_rate 90, spo2 93, temperature 38.2, pressure 150/95, rhythm irregular, "
    "rhythm premature 4, hearing left +30), a contact (finger out, finger cold, cuff off, electrodes off, person "
    "moving), or an instrument and a fault (oximeter unplug, clear oximeter unplug)."
)


def command(line: str, instruments: Sequence[str], body: Physiology) -> Command:
    """The command that `line` asks for; raises `WrongUse` with one sentence.

    `instruments`: those that are simulated; where there is one, it need not be named. `body`: as it is now, for what
    is said relative to it.
    """
    words = line.replace("=", " ").split()
    if not words:
        raise WrongUse(HOW)
    first, rest = words[0].replace("-", "_"), words[1:]
    if (first, " ".join(rest)) in CONTACTS:
        return {"body": CONTACTS[first, " ".join(rest)]}
    if first in _QUANTITIES:
        return {"body": _QUANTITIES[first](rest, body)}
    if first in (*BODY_FIELDS, *PRESENCE_FIELDS):
        return {"body": {first: _value(rest)}}
    return _fault(words, instruments)


def _fault(words: list[str], instruments: Sequence[str]) -> Command:
    """`[clear] [INSTRUMENT] FAULT` in any order of the last two; `replug` clears `unplug`."""
    clear = words[0] in ("clear", "replug")
    left = ["unplug" if word == "replug" else word for word in words if word != "clear"]
    named = [word for word in left if word in instruments]
    faults = [word for word in left if word not in instruments]
    if len(faults) != 1 or len(named) > 1:
        raise WrongUse(HOW)
    if not named and len(instruments) != 1:
        raise WrongUse(f"Say which instrument: {', '.join(instruments)}.")
    return {"clear" if clear else "fault": faults[0], "instrument": named[0] if named else instruments[0]}


def _rhythm(words: list[str], _: Physiology) -> Command:
    match words:
        case [name] if name in RHYTHMS:
            return RHYTHMS[name]
        case ["premature", every] if every.isdigit():
            return {"irregular": False, "premature_every": int(every)}
    raise WrongUse(
        "A rhythm is regular, irregular, or premature and every how many beats, as in: rhythm premature 4."
    )


def _pressure(words: list[str], _: Physiology) -> Command:
    parts = "".join(words).split("/")
    try:
        systolic, diastolic = map(float, parts)
    except ValueError:
        raise WrongUse("A pressure is systolic/diastolic in mmHg, as in: pressure 150/95.") from None
    return {"systolic": systolic, "diastolic": diastolic}


def _hearing(words: list[str], body: Physiology) -> Command:
    """Eleven thresholds, or one number of dB by which all of them change."""
    if not words or words[0] not in ("left", "right", "both"):
        raise WrongUse("Hearing is left, right or both, and thresholds or a change in dB, as in: hearing left +30.")
    levels = [_number(word) for word in words[1:]]
    ears = ("left", "right") if words[0] == "both" else (words[0],)
    if len(levels) == 1:
        return {ear: [_bounded(each + levels[0]) for each in getattr(body, ear)] for ear in ears}
    return dict.fromkeys(ears, levels)


def _bounded(level: float) -> float:
    """Within what an ear may have."""
    return max(-10.0, min(120.0, level))


_QUANTITIES: Mapping[str, Callable[[list[str], Physiology], Command]] = {
    "rhythm": _rhythm,
    "pressure": _pressure,
    "hearing": _hearing,
}


def _value(words: list[str]) -> object:
    match words:
        case ["true" | "yes" | "on"]:
            return True
        case ["false" | "no" | "off"]:
            return False
        case [word]:
            return _number(word)
    raise WrongUse(HOW)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise WrongUse(f"“{word}” is not a number. {HOW}") from None
