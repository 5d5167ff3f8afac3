"""DE1 beside an opener in JavaScript: what one side seals the other opens, and both refuse with the same code."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from sync.envelope import FHIR, MAX_CONTENT, RECORDING, Sealed, open_envelope, seal
from sync.errors import Refused
from sync.keyfile import load_key, save_key
from sync.keys import LEVEL5, XWING, RecipientKey, RecipientPublic, SigningPublic
from sync.receipt import verify_receipt
from tests import de1_vectors as vectors
from tests.cabin import PATIENCE_S, Cabin
from tests.opener import Opener, command
from tests.sync_parties import (
    BOTH_SUITES,
    CABIN,
    CABINS,
    POLICY,
    RECIPIENT,
    RECIPIENT5,
    RECIPIENTS,
    RECORDS,
    SRC,
    STAMP,
    mid,
    sealed,
)

pytestmark = pytest.mark.processes

BOTH = (XWING, LEVEL5)


@pytest.fixture(scope="module")
def process() -> Iterator[Opener]:
    """One process for all questions of this module."""
    with Opener() as opener:
        yield opener


@pytest.fixture
def opener(process: Opener) -> Opener:
    """It holds the record's keys and believes the cabin."""
    process.trust([RECIPIENT, RECIPIENT5], CABINS.values())
    return process


def made(content: bytes, *, compress: bool = True, recipient: RecipientPublic = RECIPIENT.public) -> Sealed:
    return seal(
        content, FHIR, recipient=recipient, signer=CABIN, mid=mid(1), src=SRC, seq=2**40, prev=bytes(range(32)),
        stamp=STAMP, compress=compress,
    )  # fmt: skip


def code_of(envelope: bytes) -> str:
    """The product's own refusal, "" where it opens."""
    try:
        open_envelope(envelope, vectors.RECIPIENTS, POLICY)
    except Refused as refusal:
        return refusal.code
    return ""


# --- Python seals, JavaScript opens -------------------------------------------------------------------------------

CONTENTS = {
    "empty": b"",
    "one byte": b"x",
    "text": b'{"resourceType": "Bundle"}' * 200,
    "noise": random.Random(1).randbytes(5_000),
    "1 MiB of noise": random.Random(2).randbytes(1 << 20),
    "1 MiB of zeros": bytes(1 << 20),
}


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("name", CONTENTS)
def test_javascript_opens_what_python_sealed(opener: Opener, name: str, compress: bool) -> None:
    content = CONTENTS[name]
    sealed_one = made(content, compress=compress)
    found = opener.open(sealed_one.envelope)
    assert (found["hash"], found["length"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert hashlib.sha256(bytes.fromhex(found["prot"])).digest() == sealed_one.prot_hash
    assert found["kids"] == [CABIN.public.kid.hex()]
    header, protected = found["header"], found["protected"]
    assert (header["mid"], header["src"], header["seq"]) == (mid(1).hex(), SRC.hex(), 2**40)
    assert (protected["type"], protected["clock"], protected["created"]) == (FHIR, "ntp", STAMP.created_ms)
    assert (protected["boot"], protected["prev"]) == (STAMP.boot.hex(), bytes(range(32)).hex())
    assert protected["audit"] == [7, bytes(range(32)).hex()]
    assert protected["zip"] in ("deflate" if compress else "", "")


def test_javascript_finds_the_same_key_ids(process: Opener) -> None:
    kids = process.trust([RECIPIENT, RECIPIENT5], [CABIN.public], BOTH)
    assert kids == [key.public.kid.hex() for key in (RECIPIENT, RECIPIENT5, CABIN)]


def test_javascript_opens_level_5_where_it_is_allowed(process: Opener) -> None:
    envelope = made(b"level 5", recipient=RECIPIENT5.public).envelope
    process.trust([RECIPIENT5], CABINS.values(), BOTH)
    assert process.open(envelope, whole=True)["content"] == b"level 5".hex()
    process.trust([RECIPIENT5], CABINS.values())
    assert process.code(envelope) == code_of(envelope) == "suite"


def test_javascript_opens_at_the_terminal(tmp_path: Path) -> None:
    save_key(tmp_path / "record.private", RECIPIENT)
    save_key(tmp_path / "cabin.json", CABIN.public)
    (tmp_path / "envelope.bin").write_bytes(made(b"content").envelope)
    words = command("--key", "record.private", "--signer", "cabin.json", "envelope.bin")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"content"), done.stderr
    assert json.loads(done.stderr)["header"]["mid"] == mid(1).hex()
    alone = subprocess.run([*words[:4], "envelope.bin"], cwd=tmp_path, capture_output=True, timeout=60)
    assert (alone.returncode, alone.stdout, alone.stderr) == (1, b"", b"refused: signature\n")


# --- both refuse alike --------------------------------------------------------------------------------------------


def test_altered_at_random_both_refuse_with_the_same_code(opener: Opener) -> None:
    one, chance = sealed(1).envelope, random.Random(20_251)
    for _ in range(60):
        altered = bytearray(one)
        # Half of them where the header is: elsewhere there is little but the box.
        altered[chance.randrange(90) if chance.random() < 0.5 else chance.randrange(len(one))] ^= (
            1 << chance.randrange(8)
        )
        assert opener.code(bytes(altered)) == code_of(bytes(altered)) != "", altered[:100].hex()


@pytest.mark.parametrize("length", [0, 1, 2, 90, 1200])
def test_cut_short_both_refuse_with_the_same_code(opener: Opener, length: int) -> None:
    envelope = sealed(1).envelope[:length]
    assert opener.code(envelope) == code_of(envelope) == "malformed"


def test_a_body_that_would_not_stop_growing_is_refused_by_both(opener: Opener) -> None:
    bomb = vectors.forge(body=zlib.compress(bytes(MAX_CONTENT + 1), 9), protect={4: "deflate"}, size=65536)
    assert opener.code(bomb) == code_of(bomb) == "size"


# --- JavaScript seals, Python opens -------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("name", [name for name in CONTENTS if "noise" not in name or name == "noise"])
def test_python_opens_what_javascript_sealed(opener: Opener, name: str, compress: bool) -> None:
    fields = {
        "type": RECORDING, "mid": mid(9).hex(), "src": SRC.hex(), "seq": 9, "prev": bytes(range(32)).hex(),
        "created": 2**41, "clock": "rtc", "boot": STAMP.boot.hex(), "audit": [300, bytes(32).hex()],
    }  # fmt: skip
    seeds = [CABIN.ed_seed.hex(), CABIN.ml_seed.hex()]
    asked = {"to": RECIPIENT.public.raw.hex(), "seeds": seeds, "fields": fields, "compress": compress}
    answer = opener.ask("seal", content=CONTENTS[name].hex(), **asked)
    opened = open_envelope(bytes.fromhex(answer["envelope"]), RECIPIENTS, POLICY)
    assert (opened.content, opened.prot_hash.hex()) == (CONTENTS[name], answer["protHash"])
    assert (opened.header.mid, opened.header.src, opened.header.seq) == (mid(9), SRC, 9)
    protected = opened.protected
    assert (protected.content_type, protected.prev) == (RECORDING, bytes(range(32)))
    stamp = protected.stamp
    assert (stamp.created_ms, stamp.clock, stamp.boot, stamp.audit) == (2**41, "rtc", STAMP.boot, (300, bytes(32)))
    assert {one.alg for one in opened.signatures} == {-19, -49}


# --- vectors ------------------------------------------------------------------------------------------------------


def test_the_keys_of_the_vectors_are_those_of_the_tests() -> None:
    assert vectors.read("keys") == vectors.keys()


@pytest.mark.parametrize("vector", vectors.read("envelopes"), ids=lambda each: each["name"])
def test_both_open_the_vectors(process: Opener, vector: dict[str, str]) -> None:
    envelope = base64.b64decode(vector["envelope"])
    opened = open_envelope(envelope, vectors.RECIPIENTS, BOTH_SUITES)
    process.trust([RECIPIENT, RECIPIENT5], CABINS.values(), BOTH)
    found = process.open(envelope, whole=True)
    assert opened.content.hex() == found["content"] == vector["content"]
    assert opened.prot.hex() == found["prot"] == vector["prot"]
    assert opened.prot_hash.hex() == vector["prot_hash"]
    assert opened.header.encoded().hex() == vector["header"]


def test_the_vectors_are_a_chain() -> None:
    first, second, third = (
        open_envelope(base64.b64decode(each["envelope"]), RECIPIENTS, POLICY)
        for each in vectors.read("envelopes")
        if each["suite"] == XWING
    )
    assert (first.protected.prev, second.protected.prev) == (bytes(32), first.prot_hash)
    assert third.protected.prev == second.prot_hash


def test_every_refusal_has_a_vector() -> None:
    codes = {"malformed", "version", "suite", "unknown-recipient", "decrypt", "header-mismatch", "signature"}
    assert {each["code"] for each in vectors.read("refusals")} == codes | {"size", "content-hash"}


@pytest.mark.parametrize("vector", vectors.read("refusals"), ids=lambda each: each["name"])
def test_both_refuse_the_vectors(opener: Opener, vector: dict[str, str]) -> None:
    envelope = base64.b64decode(vector["envelope"])
    assert (opener.code(envelope), code_of(envelope)) == (vector["code"], vector["code"])


@pytest.mark.parametrize("vector", vectors.read("receipts"), ids=lambda each: each["name"])
def test_both_judge_the_receipts_of_the_vectors(process: Opener, vector: dict[str, str]) -> None:
    data = base64.b64decode(vector["receipt"])
    process.trust([], RECORDS.values())
    found = process.ask("receipt", receipt=data.hex())
    if "code" in vector:
        assert found == {"refused": vector["code"]}
        with pytest.raises(Refused, match=f"^{vector['code']}$"):
            verify_receipt(data, RECORDS)
    else:
        assert found == vector["fields"]
        assert verify_receipt(data, RECORDS).status == found["status"]


def test_what_makes_the_vectors_still_does() -> None:
    assert code_of(vectors.forge()) == "", "the forger can also do it right"
    fresh = list(vectors.refusals(sealed(1).envelope))
    assert [(name, code) for name, code, _ in fresh] == [(v["name"], v["code"]) for v in vectors.read("refusals")]
    assert [code_of(envelope) for _, _, envelope in fresh] == [code for _, code, _ in fresh]
    assert [name for name, _, _ in vectors.envelopes()] == [each["name"] for each in vectors.read("envelopes")]


# --- what a cabin really sends ------------------------------------------------------------------------------------


class Eavesdropper:
    """A subscriber of everything that passes the broker."""

    def __init__(self, port: int) -> None:
        self.up: list[bytes] = []
        self.down: list[bytes] = []
        self.subscribed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe("dmst/v1/#", qos=1)

    def _subscribed(self, *_: Any) -> None:
        self._loop.call_soon_threadsafe(self.subscribed.set)

    def _heard(self, client: object, userdata: object, message: mqtt.MQTTMessage) -> None:
        (self.up if message.topic.startswith("dmst/v1/up/") else self.down).append(bytes(message.payload))

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


async def test_javascript_verifies_what_the_demo_cabin_sent(process: Opener) -> None:
    async with Cabin(measures=("spo2", "pulse_rate")) as cabin:
        ear = Eavesdropper(cabin.broker_port)
        async with asyncio.timeout(PATIENCE_S):
            await ear.subscribed.wait()
        await cabin.delivered(await cabin.finish())
        ear.stop()
        records = {each.mid.hex(): each for each in cabin.records()}
        keys = cabin.folder / "keys"
        record_key = load_key(keys / "record" / "record.private", RecipientKey)
        process.trust([record_key], [load_key(keys / "cabins" / "demo-cabin.json", SigningPublic)])
        opened = {each["header"]["mid"]: each for each in map(process.open, ear.up)}
        assert opened.keys() == records.keys() and len(records) == 2, "the recording and the Bundle"
        for one, record in records.items():
            assert opened[one]["hash"] == hashlib.sha256(record.content).hexdigest()
            assert opened[one]["protected"]["type"] == record.content_type
            assert bytes.fromhex(opened[one]["prot"]) == record.prot
        assert {each["protected"]["type"] for each in opened.values()} == {FHIR, RECORDING}
        process.trust([], [load_key(keys / "record" / "receipts.public", SigningPublic)])
        sent = {hashlib.sha256(each).hexdigest() for each in ear.up}
        receipts = [process.ask("receipt", receipt=each.hex()) for each in ear.down]
        assert {each["mid"] for each in receipts} == records.keys()
        assert {each["hash"] for each in receipts} <= sent
        assert {each["status"] for each in receipts} <= {"stored", "duplicate"}
