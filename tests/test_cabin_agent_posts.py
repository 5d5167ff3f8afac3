"""What the record posts: the contents come back, what is unfit has its code, and settings change between visits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.appointments import Appointment, Appointments
from cabin_agent.config import ConfigError, load_config
from cabin_agent.posts.appointment_content import AppointmentList, decode_appointments, encode_appointments
from cabin_agent.posts.config_content import ConfigContent, decode_config, encode_config
from cabin_agent.posts.readers import SETTINGS, AppointmentReader, ConfigReader, config_in_force, kept_settings
from cabin_agent.posts.settings import PLAIN, Posted
from sync import cbor
from sync.keys import SigningPair
from sync.postbox import Unfit
from sync.record_keys import Known, RecordKeys
from sync.statement import Recipient, Statement, make_statement
from tests.sync_parties import RECIPIENT, RECORD, RECORDS

SYSTEM = "urn:oid:1.2.250.1.213.1.4.11"
ONE = Appointment("246810", "checkup", SYSTEM, "p-1", ("weight", "spo2"), 1000, 2000)
TWO = Appointment("135790", "consultation", SYSTEM, "p-2", (), 1500, 2500)
ROOT = SigningPair(bytes(range(32)), bytes(range(1, 33)), demo=True)

TOML = """
[cabin]
name = "a"
serial = "b"
state_dir = "state"
[instruments.balance]
driver = "scale"
url = "/dev/ttyS0"
calibrated = 2025-01-01
[record]
broker = "mqtt://127.0.0.1:1883"
client = "c-1"
recipient = "r"
signers = "s"
signing = "k"
quota_mb = 100
reserve_mb = 20
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "cabin.toml"
    made.write_text(TOML)
    (tmp_path / "state").mkdir()
    return made


# --- contents -----------------------------------------------------------------------------------------------------


def test_appointments_come_back() -> None:
    content = AppointmentList(7, (ONE, TWO))
    assert decode_appointments(encode_appointments(content)) == content
    assert decode_appointments(encode_appointments(AppointmentList(8, ()))).appointments == ()


def fields(**change: Any) -> dict[int, Any]:
    told = {1: "246810", 2: "checkup", 3: SYSTEM, 4: "p", 5: ["spo2"], 6: 1, 7: 2}
    return {**told, **{int(key[1:]): value for key, value in change.items()}}


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({1: 2, 2: 1, 3: []}, "version"),
        ({1: 1, 2: 0, 3: []}, "malformed"),
        ({1: 1, 2: 1}, "malformed"),
        ({1: 1, 2: 1, 3: [], 4: 1}, "malformed"),
        ([], "malformed"),
        ({1: 1, 2: 1, 3: [[]]}, "malformed"),
        ({1: 1, 2: 1, 3: [fields(), fields(_4="q")]}, "code-twice"),
        *(
            ({1: 1, 2: 1, 3: [fields(**change)]}, "malformed")
            for change in (
                {"_1": "12345"}, {"_1": "12345a"}, {"_1": 246810}, {"_2": "visit"}, {"_3": "nir"}, {"_4": " "},
                {"_5": ["soul"]}, {"_5": ["spo2", "spo2"]}, {"_6": 2}, {"_6": -1}, {"_7": 2**63}, {"_8": 0},
            )
        ),
    ],
    ids=str,
)  # fmt: skip
def test_appointments_that_are_none_are_refused_whole(item: object, code: str) -> None:
    with pytest.raises(Unfit, match=f"^{code}$"):
        decode_appointments(cbor.encode(item))


@given(st.binary(max_size=200))
def test_noise_is_no_content(data: bytes) -> None:
    for decode in (decode_appointments, decode_config):
        with pytest.raises(Unfit, match=r"^malformed$|^version$"):
            decode(data)


@given(st.data())
def test_an_altered_content_is_read_or_refused(data: st.DataObject) -> None:
    good = encode_appointments(AppointmentList(7, (ONE, TWO)))
    at, flip = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(1, 255))
    try:
        decode_appointments(good[:at] + bytes([good[at] ^ flip]) + good[at + 1 :])
    except Unfit as unfit:
        assert str(unfit) in ("malformed", "version", "code-twice")


def test_nobody_posts_what_a_cabin_would_refuse() -> None:
    with pytest.raises(ValueError, match="code-twice"):
        encode_appointments(AppointmentList(1, (ONE, ONE)))


@pytest.mark.parametrize(
    "content",
    [
        ConfigContent(1, {"visit.idle_s": 60, "instruments.scale.calibrated": "2026-01-01"}, b"statement"),
        ConfigContent(1, {}),
        ConfigContent(2, None, b"s"),
    ],
)
def test_a_config_comes_back(content: ConfigContent) -> None:
    assert decode_config(encode_config(content)) == content


@pytest.mark.parametrize(
    "item",
    [{1: 1}, {1: 1, 2: 0}, {1: 1, 2: 1, 3: []}, {1: 1, 2: 1, 3: {1: 1}}, {1: 1, 2: 1, 3: {"a": b"b"}},
     {1: 1, 2: 1, 4: "x"}, {1: 1, 2: 1, 5: 1}, {2: 1}, 7],
    ids=str,
)  # fmt: skip
def test_a_config_that_is_none_is_refused(item: object) -> None:
    with pytest.raises(Unfit, match="malformed"):
        decode_config(cbor.encode(item))


# --- settings -----------------------------------------------------------------------------------------------------


def test_posted_settings_lie_over_those_of_the_file(file: Path) -> None:
    posted: Posted = {"record.quota_mb": 200, "visit.idle_s": 90, "instruments.scale.calibrated": "2026-05-06"}
    config = load_config(file, posted)
    assert config.record is not None
    assert (config.record.quota_mb, config.record.reserve_mb, config.visit.idle_s) == (200, 20, 90)
    assert config.instruments[0].calibrated == date(2026, 5, 6)
    assert load_config(file).visit.idle_s == 45


@pytest.mark.parametrize(
    "posted",
    [
        {"record.signing": "mine"}, {"record.broker": "mqtt://evil:1"}, {"cabin.accept_simulated": "true"},
        {"visit.rest_s": 0}, {"visit": 1}, {"": 1}, {"visit.idle_s": 9}, {"visit.idle_s": "60"},
        {"record.reserve_mb": 100}, {"record.quota_mb": 20}, {"instruments.scale.calibrated": "soon"},
        {"instruments.ecg.calibrated": "2026-01-01"}, {"instruments.scale.url": "/dev/null"},
        {"instruments.balance.calibrated": "2026-01-01"},
    ],
    ids=str,
)  # fmt: skip
def test_what_may_not_be_changed_from_afar_is_refused(file: Path, posted: dict[str, int | str]) -> None:
    with pytest.raises(ConfigError):
        load_config(file, posted)


def test_every_setting_of_the_list_is_a_setting(file: Path) -> None:
    good: Posted = {"record.quota_mb": 90, "record.reserve_mb": 8, "visit.code_attempts": 4, "visit.idle_s": 50,
            "visit.idle_grace_s": 40, "visit.notice_version": "2"}  # fmt: skip
    assert set(good) == set(PLAIN)
    changed = load_config(file, good)
    for name, value in good.items():
        section, key = name.split(".")
        assert getattr(getattr(changed, section), key) == value


# --- what the cabin does with them --------------------------------------------------------------------------------


class Record:
    """A reader of configs, and what it brought into force."""

    def __init__(self, file: Path, root: SigningPair | None = ROOT) -> None:
        self.file, self.state = file, file.parent / "state"
        self.keys = RecordKeys(Known(RECIPIENT.public, RECORDS), root.public if root else None)
        self.adopted: list[Any] = []
        self.reader = ConfigReader(file, self.state, self.keys, self.adopted.append).reader()

    def post(self, content: ConfigContent) -> None:
        data = encode_config(content)
        assert self.reader.number(data) == content.number
        self.reader.take(data)


def statement(number: int) -> bytes:
    return make_statement(Statement(number, 1, (Recipient(RECIPIENT.public, 1),), (RECORD.public,), {}), ROOT)


def test_settings_come_into_force_and_survive_a_restart(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    record = Record(file)
    record.post(ConfigContent(5, {"visit.idle_s": 90}))
    assert [config.visit.idle_s for config in record.adopted] == [90]
    assert config_in_force(load_config(file)).visit.idle_s == 90
    assert kept_settings(record.state) == ConfigContent(5, {"visit.idle_s": 90})
    assert "settings number 5" in caplog.text


def test_a_statement_alone_leaves_the_settings_as_they_are(file: Path) -> None:
    record = Record(file)
    record.post(ConfigContent(1, {"visit.idle_s": 90}))
    record.post(ConfigContent(2, None, statement(4)))
    assert record.keys.known.number == 4
    assert config_in_force(load_config(file)).visit.idle_s == 90


def test_a_statement_alone_is_numbered_apart_from_settings(file: Path) -> None:
    apart = Record(file).reader.apart
    assert apart(encode_config(ConfigContent(2, None, statement(4)))) == "statement"
    for content in (ConfigContent(2, {}, statement(4)), ConfigContent(2, {"visit.idle_s": 90}), ConfigContent(2)):
        assert apart(encode_config(content)) == ""


def test_no_settings_are_those_of_the_file_again(file: Path) -> None:
    record = Record(file)
    record.post(ConfigContent(1, {"visit.idle_s": 90}))
    record.post(ConfigContent(2, {}))
    assert config_in_force(load_config(file)).visit.idle_s == 45
    assert record.adopted[-1].visit.idle_s == 45


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ConfigContent(1, {"record.signing": "x"}, statement(9)), "setting"),
        (ConfigContent(1, {"visit.idle_s": 90}, b"no statement"), "statement-malformed"),
        (ConfigContent(1, {"visit.idle_s": 90}, statement(2)), "statement-rollback"),
    ],
)
def test_of_a_config_with_one_bad_part_nothing_takes_effect(file: Path, content: ConfigContent, reason: str) -> None:
    record = Record(file)
    record.post(ConfigContent(1, None, statement(3)))
    with pytest.raises(Unfit, match=f"^{reason}$"):
        record.reader.number(encode_config(content))
    assert (record.adopted, record.keys.known.number) == ([], 3)
    assert kept_settings(record.state) is None


def test_without_a_root_no_statement_is_taken(file: Path) -> None:
    record = Record(file, root=None)
    with pytest.raises(Unfit, match="statement-no-root"):
        record.reader.number(encode_config(ConfigContent(1, None, statement(1))))


def test_posted_settings_that_no_longer_fit_are_left_out(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = Record(file)
    record.post(ConfigContent(1, {"record.quota_mb": 50}))
    file.write_text(TOML.replace("reserve_mb = 20", "reserve_mb = 60"))
    config = config_in_force(load_config(file))
    assert config.record is not None
    assert config.record.quota_mb == 100
    assert "number 1 are left out" in caplog.text
    record.reader.take(encode_config(ConfigContent(1, {"record.quota_mb": 50})))
    assert len(record.adopted) == 1


def test_a_damaged_file_of_posted_settings_counts_as_none(file: Path) -> None:
    (file.parent / "state" / SETTINGS).write_bytes(b"\xff")
    assert config_in_force(load_config(file)).visit.idle_s == 45


def test_posted_appointments_are_found_beside_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        f'[[appointment]]\ncode = "111111"\nkind = "checkup"\nsubject_system = "{SYSTEM}"\nsubject = "f"\n'
    )
    now: list[int | None] = [1700]
    known = Appointments(tmp_path / "a.toml", lambda: now[0])
    known.posted = (ONE, replace(TWO, code="111111"))
    assert known.find("246810") == ONE
    found = known.find("111111")
    assert found is not None
    assert found.subject == "p-2", "the record's own word counts"
    now[0] = 2000
    assert known.find("246810") is None, "its time is over"
    now[0] = 900
    assert known.find("246810") is None, "too early"
    now[0] = None
    assert known.find("246810") == ONE, "a clock that was never set turns nobody away"


def test_appointments_are_dropped_when_their_time_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    now, expected = [1700], list[tuple[Appointment, ...]]()
    reader = AppointmentReader(expected.append, lambda: now[0])
    reader.reader().take(encode_appointments(AppointmentList(3, (ONE, TWO))))
    assert [each.code for each in expected[-1]] == [ONE.code, TWO.code]
    assert not reader.drop_past()
    now[0] = 2100
    assert not reader.drop_past()
    assert [each.code for each in expected[-1]] == [TWO.code]
    now[0] = 2500
    assert reader.drop_past() == 3, "the last one: that post may be erased, and no later one"
    assert not expected[-1]
    assert not reader.drop_past()
    assert "number 3" in caplog.text
    for secret in (ONE.code, ONE.subject, TWO.code, TWO.subject):
        assert secret not in caplog.text
        assert secret not in repr(reader)
