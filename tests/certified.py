"""MQTT clients with certificates, to ask a broker who may do what; and the certificates."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode


def server_pair(ca: Path, broker: Path) -> None:
    """An authority, and a broker on this machine with a certificate of it, as `cabin keys` makes them."""
    for words in (["ca", str(ca)], ["broker", str(broker), "--ca", str(ca), "--host", "localhost"]):
        subprocess.run(
            [sys.executable, "-P", "-m", "cabin_agent", "keys", "make", *words], check=True, capture_output=True
        )


def client_pair(ca: Path, name: str) -> tuple[Path, Path]:
    """A client's certificate and key, made once by hand as the page of mosquitto says."""
    certificate, key, request = (ca / f"{name}.{end}" for end in ("pem", "key", "csr"))
    if certificate.exists():
        return certificate, key
    (ca / "client.ext").write_text("keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n")
    new = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run([*new, "-subj", f"/CN={name}", "-keyout", key, "-out", request], check=True, capture_output=True)
    sign: list[str | Path] = [
        "openssl",
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        ca / "ca.pem",
        "-CAkey",
        ca / "ca.key",
        "-CAcreateserial",
    ]
    subprocess.run(
        [*sign, "-days", "2", "-extfile", ca / "client.ext", "-out", certificate], check=True, capture_output=True
    )
    return certificate, key


class Client:
    """One MQTT client with a certificate, or none."""

    def __init__(self, ca: Path, port: int, name: str, pair: tuple[Path, Path] | None, *, version: int = 5) -> None:
        self.reason = "no answer"
        self.granted: list[str] = []
        self.received: list[tuple[str, bytes]] = []
        self.answered, self.got, self.closed = threading.Event(), threading.Event(), threading.Event()
        self._done: set[str] = set()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion(version))
        context = ssl.create_default_context(cafile=str(ca / "ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if pair is not None:
            context.load_cert_chain(*pair)
        self._client.tls_set_context(context)
        self._client.on_connect = self._connected
        self._client.on_publish = self._published
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._message
        self._client.on_disconnect = self._disconnected
        try:
            self._client.connect("localhost", port)
        except OSError as error:
            self.reason = type(error).__name__
            self.answered.set()
        else:
            self._client.loop_start()
            # A refused certificate is told after the handshake of TLS 1.3: the end of the connection is the answer.
            assert self.answered.wait(30)

    def _connected(self, _c: Any, _u: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        self.reason = str(reason)
        self.answered.set()

    def _disconnected(self, *_: Any) -> None:
        self.closed.set()
        self.answered.set()

    def _published(self, _c: Any, _u: Any, _m: int, reason: ReasonCode, _p: Any) -> None:
        self.granted.append(str(reason))
        self.got.set()

    def _subscribed(self, _c: Any, _u: Any, _m: int, reasons: list[ReasonCode], _p: Any) -> None:
        self.granted += [str(each) for each in reasons]
        self.got.set()

    def _message(self, _c: Any, _u: Any, message: mqtt.MQTTMessage) -> None:
        self.received.append((message.topic, bytes(message.payload)))
        self.got.set()

    def send(self, topic: str, payload: bytes) -> None:
        """Publish without waiting for a word."""
        self._client.publish(topic, payload, qos=1)

    def publish(self, topic: str, payload: bytes = b"x") -> str:
        """The broker's word for it."""
        return self._asked(lambda: self._client.publish(topic, payload, qos=1))

    def subscribe(self, topic: str) -> str:
        """The broker's word for it."""
        return self._asked(lambda: self._client.subscribe(topic, qos=1))

    def _asked(self, ask: Any) -> str:
        before = len(self.granted)
        ask()
        self.until(lambda: len(self.granted) > before)
        return self.granted[-1]

    def until(self, happened: Any) -> None:
        """Wait until something is the case that a message or an answer brings about."""
        for _ in range(300):
            if happened():
                return
            self.got.wait(0.1)
            self.got.clear()
        raise AssertionError("the broker does not answer")

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
