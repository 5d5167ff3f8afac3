"""paho as the codec and the socket of one connection, in MQTT 5 or 3.1.1; none of its threads, one attempt each."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from sync.version import Mqtt

_CONNECT_TIMEOUT = 5.0
_SESSION_S = 86_400
"""How long an MQTT 5 broker is asked to keep a session."""


def new_client(client_id: str, version: Mqtt, *, kept: bool) -> paho.Client:
    """A client for one connection, not yet connected; `kept` asks the broker to keep its session."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if version is Mqtt.V5 else not kept,
        protocol=paho.MQTTv5 if version is Mqtt.V5 else paho.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.connect_timeout = _CONNECT_TIMEOUT
    # No limits of paho's: it cannot change them for a connection that the broker has limited.
    client.max_queued_messages_set(0)
    client.max_inflight_messages_set(0)
    return client


def connect(client: paho.Client, host: str, port: int, keepalive: int, *, kept: bool) -> None:
    """Open the socket, shake hands and send CONNECT; `OSError` or `ValueError` where that fails."""
    if client.protocol == paho.MQTTv5:
        client.connect(host, port, keepalive, clean_start=not kept, properties=_session() if kept else None)
    else:
        client.connect(host, port, keepalive)
    sock: Any = client.socket()
    if sock is not None:
        # With Nagle's algorithm one message at a time takes a tenth of a second each way.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def subscribe(client: paho.Client, topics: Sequence[str]) -> None:
    """Ask for the messages of `topics`, QoS 1."""
    if client.protocol == paho.MQTTv5:
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])
    else:
        client.subscribe([(topic, 1) for topic in topics])


def shut(client: paho.Client) -> None:
    """Close the socket without a word."""
    sock = client.socket()
    if sock is not None:
        sock.close()


def _session() -> Any:
    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = _SESSION_S
    return properties
