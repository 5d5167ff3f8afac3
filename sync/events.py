"""What happens to a connection with a broker."""

from __future__ import annotations

from dataclasses import dataclass, field

import paho.mqtt.client as paho


@dataclass(frozen=True, slots=True)
class Up:
    """Connected and subscribed."""


@dataclass(frozen=True, slots=True)
class Down:
    """The connection is lost or could not be made."""

    why: str
    code: int = 0
    """The reason code of an MQTT 5 broker that took leave, else 0."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a subscribed topic; `ack` it on its link once it is safe."""

    topic: str
    payload: bytes = field(repr=False)
    packet: int
    qos: int
    client: paho.Client = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Returned:
    """An MQTT 5 broker has answered a message of `size` bytes with a reason code: nobody will get it."""

    topic: str
    size: int
    code: int


Event = Up | Down | Message | Returned
