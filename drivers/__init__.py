"""Instruments: bytes in, events out.

To add an instrument, write one file here, `drivers/<kind>.py`, and add its two lines below. The file holds

- the wire's constants and `encode...(...) -> bytes` for what is sent either way;
- a class `Decoder` with `feed(bytes) -> list[Event]` (`drivers.instrument.Codec`): pure, no port, clock, task or log;
- one plain class with the members of `drivers.instrument.Instrument`, `run` being little more than
  `await listen(stream, Decoder(), emit)` where the instrument only sends.

Its port, its reconnection and its silence are the keeper's business (`drivers.keeper`). Its tests compare it with
vectors of the maker, cut its bytes anywhere, feed it soup, and run it over every cable of `drivers.pipe.CABLES`.
"""

from __future__ import annotations

from drivers import audiometer, ecg, oximeter, scale, tensiometer, thermometer
from drivers.instrument import Codec, Instrument

DRIVERS: dict[str, type[Instrument]] = {
    "oximeter": oximeter.Oximeter,
    "ecg": ecg.Ecg,
    "tensiometer": tensiometer.Tensiometer,
    "thermometer": thermometer.Thermometer,
    "scale": scale.Scale,
    "audiometer": audiometer.Audiometer,
}
"""Kind of instrument, as the configuration names it -> its driver."""

DECODERS: dict[str, type[Codec]] = {
    "nonin-df7": oximeter.Decoder,
    "cyton": ecg.Decoder,
    "suntech": tensiometer.Decoder,
    "gymcu90614": thermometer.Decoder,
    "healthometer": scale.Decoder,
    "tm262": audiometer.Decoder,
}
"""Protocol, as `cabin decode` names it -> its decoder."""
