"""The settings: the example of the documentation, every default, and one sentence for every mistake."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabin_agent.config import Broker, Config, ConfigError, load_config
from cabin_agent.instrument_settings import GAINS
from drivers import cyton_packets

EXAMPLE = Path(__file__).resolve().parent.parent / "docs" / "cabin.toml"
CABIN = '[cabin]\nname = "South hall"\nserial = "CAB-1"\n'
RECORD = (
    '[record]\nclient = "c-1"\nrecipient = "r.public"\nsigners = "s.public"\nsigning = "c.private"\n'
    'broker = "mqtts://broker.example.org"\n'
)
GATEWAY = (
    '[gateway]\nbroker = "mqtt://127.0.0.1:1883"\nrecipient = "r.private"\nsigning = "s.private"\nallow = "cabins"\n'
)
ECG = '[instruments.heart]\ndriver = "ecg"\nurl = "/dev/ttyUSB0"\n'


def load(folder: Path, text: str) -> Config:
    file = folder / "cabin.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file)


def refusal(folder: Path, text: str) -> str:
    """The one sentence about `text`, which names the file and stands on one line."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    sentence = str(caught.value)
    assert sentence.startswith(f"{folder / 'cabin.toml'}: ")
    assert "\n" not in sentence
    assert sentence[-1] in ".?"
    return sentence


def test_the_example_of_the_documentation_loads() -> None:
    config = load_config(EXAMPLE)
    assert config.cabin.serial == "CAB-2026-0001"
    assert {each.driver for each in config.instruments} == {
        "oximeter", "tensiometer", "thermometer", "scale", "ecg", "audiometer",
    }  # fmt: skip
    assert config.record is not None
    assert config.record.recipient == EXAMPLE.parent / "keys" / "record.public"
    assert config.gateway is None


def test_each_default_that_the_example_shows_is_the_default(tmp_path: Path) -> None:
    """Uncommenting every key of the example, but for the gateway's own file, changes nothing."""
    text = EXAMPLE.read_text(encoding="utf-8").split("# In the health-data centre")[0]
    uncommented = "\n".join(
        line[1:] if line.startswith("#") and line[1:2].isalpha() and " = " in line else line
        for line in text.splitlines()
    )
    assert uncommented != text
    assert load(tmp_path, uncommented) == load(tmp_path, text)


def test_the_gateway_of_the_example_loads_alone(tmp_path: Path) -> None:
    commented = EXAMPLE.read_text(encoding="utf-8").split("`cabin gateway`.\n#\n")[1]
    config = load(tmp_path, "\n".join(line.removeprefix("#") for line in commented.splitlines()))
    assert config.gateway is not None
    assert config.gateway.store == Path("/var/lib/cabin-agent/record.db")
    assert config.gateway.suites == (1,)
    assert (config.gateway.shared, config.gateway.fhir) == ("", "https://fhir.example.org/base")
    assert config.gateway.fhir_key == tmp_path / "keys" / "fhir.key"
    assert config.gateway.key == tmp_path / "keys" / "record.key"
    assert (config.cabin.name, config.cabin.serial) == ("", "")


def test_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, CABIN)
    assert config.cabin.state_dir == Path("/var/lib/cabin-agent")
    assert config.cabin.runtime_dir == Path("/run/cabin-agent")
    assert (config.cabin.language, config.cabin.accept_simulated, config.cabin.speed) == ("fr", False, 1.0)
    assert (config.api.host, config.api.port) == ("127.0.0.1", 8470)
    assert (config.visit.rest_s, config.visit.rest_minimum_s, config.visit.reading_gap_s) == (300, 180, 60)
    assert (config.visit.budget_s, config.visit.idle_s, config.visit.idle_grace_s) == (600, 45, 30)
    assert config.visit.appointments == Path("/var/lib/cabin-agent/appointments.toml")
    assert (config.visit.notice_version, config.visit.code_attempts) == ("1", 3)
    assert config.instruments == ()
    assert config.record is None
    assert config.gateway is None
    assert config.ticket.printer == ""


def test_appointments_follow_the_state_folder_and_relative_paths_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, CABIN + 'state_dir = "state"\n')
    assert config.cabin.state_dir == tmp_path / "state"
    assert config.visit.appointments == tmp_path / "state" / "appointments.toml"
    assert load(tmp_path, CABIN + '[visit]\nappointments = "a.toml"\n').visit.appointments == tmp_path / "a.toml"


def test_an_instrument_with_everything(tmp_path: Path) -> None:
    text = CABIN + (
        '[instruments.cuff]\ndriver = "tensiometer"\nurl = "socket://127.0.0.1:7001"\nmodel = "Advantage"\n'
        'serial = "A1"\ncalibrated = 2026-03-31\nsite = "right-arm"\n'
    )
    (cuff,) = load(tmp_path, text).instruments
    assert (cuff.name, cuff.driver, cuff.url) == ("cuff", "tensiometer", "socket://127.0.0.1:7001")
    assert (cuff.model, cuff.serial, cuff.calibrated, cuff.site) == (
        "Advantage",
        "A1",
        date(2026, 3, 31),
        "right-arm",
    )
    assert cuff.gain is None


def test_an_instrument_with_the_least(tmp_path: Path) -> None:
    (heart,) = load(tmp_path, CABIN + ECG).instruments
    assert (heart.model, heart.serial, heart.calibrated, heart.site, heart.gain) == ("heart", "", None, None, 6)


HEADPHONES = '[instruments.ears]\ndriver = "audiometer"\nprotocol = "headphone"\n'


def test_headphones_have_a_card_and_their_calibration_lies_beside_the_file(tmp_path: Path) -> None:
    urls = ("sound://USB%20Audio", "sound://USB?microphone=USB&button=/dev/input/by-id/button", "sound-sim:///run/x")
    for url in urls:
        (ears,) = load(tmp_path, f'{CABIN}{HEADPHONES}url = "{url}"\ncalibration = "phones.toml"\n').instruments
        assert (ears.protocol, ears.url, ears.calibration) == ("headphone", url, tmp_path / "phones.toml")
    (bare,) = load(tmp_path, f'{CABIN}{HEADPHONES}url = "sound://USB"\n').instruments
    assert bare.calibration is None


def test_gains_are_those_of_the_board() -> None:
    assert set(GAINS) == set(cyton_packets.GAINS)


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("mqtts://broker.example.org", Broker("broker.example.org", 8883, True)),
        ("mqtts://10.0.0.1:443", Broker("10.0.0.1", 443, True)),
        ("mqtt://127.0.0.1", Broker("127.0.0.1", 1883, False)),
        ("mqtt://localhost:1884", Broker("localhost", 1884, False)),
        ("mqtt://[::1]:1884", Broker("::1", 1884, False)),
    ],
)
def test_brokers(tmp_path: Path, url: str, broker: Broker) -> None:
    record = load(tmp_path, CABIN + RECORD.replace("mqtts://broker.example.org", url)).record
    assert record is not None
    assert record.broker == broker
    assert (record.quota_mb, record.reserve_mb) == (512, 64)


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://broker.example.org",
        "mqtt://192.168.0.1:1883",
        "https://a",
        "mqtts://",
        "mqtts://a:99999",
        "a:8883",
        "",
    ],
)
def test_a_broker_that_is_plain_and_far_is_refused(tmp_path: Path, url: str) -> None:
    sentence = refusal(tmp_path, CABIN + RECORD.replace("mqtts://broker.example.org", url))
    assert "[record] broker" in sentence
    assert "mqtts://host:8883" in sentence


def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, CABIN + RECORD.replace("broker.example.org", "me:Tr0ub4dor@broker.example.org"))
    assert "Tr0ub4dor" not in sentence


MISTAKES = [
    (CABIN + "[visite]\nrest_s = 1\n", ["[visite]", "did you mean 'visit'?"]),
    (CABIN + "[visit]\nrest = 1\n", ["[visit]", "'rest'", "did you mean 'rest_s'?"]),
    (CABIN + "[api]\nzzzzzz = 1\n", ["'zzzzzz'", "known are host, port"]),
    (CABIN + "speeed = 2\n", ["[cabin]", "did you mean 'speed'?"]),
    ('[cabin]\nserial = "1"\n', ["[cabin] needs the key 'name'"]),
    ('[cabin]\nname = "a"\n', ["[cabin] needs the key 'serial'"]),
    ('[cabin]\nname = "a"\nserial = " "\n', ["[cabin] serial is"]),
    ("", ["[cabin] needs the key 'name'"]),
    ('cabin = "south"\n', ["[cabin] has to be a table"]),
    (CABIN + 'language = "de"\n', ['language is "de"', '"fr", "en"']),
    (CABIN + "language = 1\n", ["language is 1"]),
    (CABIN + "accept_simulated = 1\n", ["accept_simulated is 1", "true or false"]),
    (CABIN + "speed = 2\n", ["speed is 2", "accept_simulated = true"]),
    (CABIN + "accept_simulated = true\nspeed = 61\n", ["speed is 61", "from 1 to 60"]),
    (CABIN + "speed = 0.5\n", ["speed is 0.5", "from 1 to 60"]),
    (CABIN + "speed = nan\n", ["speed is nan"]),
    (CABIN + "speed = true\n", ["speed is true"]),
    (CABIN + '[api]\nhost = "0.0.0.0"\n', ['host is "0.0.0.0"', "loopback"]),
    (CABIN + '[api]\nhost = "example.org"\n', ['host is "example.org"', "loopback"]),
    (CABIN + "[api]\nport = 65536\n", ["port is 65536", "from 0 to 65535"]),
    (CABIN + "[api]\nport = 80.5\n", ["port is 80.5", "whole number"]),
    (CABIN + "[visit]\nrest_s = 60\nrest_minimum_s = 61\n", ["rest_minimum_s is 61", "from 0 to 60"]),
    (CABIN + "[visit]\nidle_grace_s = 5\n", ["idle_grace_s is 5", "from 20"]),
    (CABIN + "[visit]\ncode_attempts = 0\n", ["code_attempts is 0", "from 1 to 10"]),
    (CABIN + '[visit]\nbudget_s = "ten minutes"\n', ['budget_s is "ten minutes"', "a number from 60"]),
    (CABIN + "[visit]\nappointments = 5\n", ["appointments is 5", "a path in quotes"]),
    (CABIN + "[visit]\nnotice_version = 2\n", ["notice_version is 2"]),
    (CABIN + "instruments = 3\n" + "", ["[cabin] has no key 'instruments'"]),
    ("instruments = 3\n" + CABIN, ["instruments has to be written as tables"]),
    (CABIN + "[instruments]\nheart = 3\n", ["[instruments.heart] has to be a table"]),
    (CABIN + ECG.replace("heart", "Heart"), ["[instruments.Heart]", "small letters"]),
    (CABIN + ECG.replace('"ecg"', '"egc"'), ['driver is "egc"', '"ecg"']),
    (CABIN + ECG.replace("/dev", "dev"), ['url is "dev/ttyUSB0"', "absolute path"]),
    (CABIN + ECG.replace("/dev/ttyUSB0", "socket://here"), ["url is", "socket://host:port"]),
    (CABIN + ECG.replace("/dev/ttyUSB0", "socket://here:x"), ["url is", "socket://host:port"]),
    (CABIN + ECG.replace("/dev/ttyUSB0", "usb://590:28"), ["url is", "usb://VID:PID"]),
    (CABIN + ECG.replace("/dev/ttyUSB0", "usb-sim://here"), ["url is", "usb://VID:PID"]),
    (CABIN + ECG.replace("/dev/ttyUSB0", "ble://AA:BB:CC"), ["url is", "ble://ADDRESS"]),
    (CABIN + ECG.replace("/dev/ttyUSB0", "ble-sim://here"), ["url is", "ble://ADDRESS"]),
    (CABIN + ECG.replace("/dev/ttyUSB0", "COM3"), ["url is", "usb://VID:PID"]),
    (CABIN + ECG + 'calibration = "x.toml"\n', ["calibration is", "only headphones"]),
    (CABIN + HEADPHONES + 'url = "sound://"\n', ["url is", "sound://CARD"]),
    (CABIN + ECG + "gain = 5\n", ["gain is 5", "6, 12, 24"]),
    (CABIN + ECG + 'site = "chest"\n', ['site is "chest"', "has no site"]),
    (CABIN + ECG + 'calibrated = "2026-03-31"\n', ["calibrated", "without quotes"]),
    (CABIN + ECG + "calibrated = 2026-03-31T10:00:00\n", ["calibrated", "a day"]),
    (CABIN + ECG.replace('"ecg"', '"scale"') + "gain = 6\n", ["gain is 6", "has no gain"]),
    (CABIN + ECG + 'protocol = "healthypi-v5"\ngain = 6\n', ["gain is 6", "speaks healthypi-v5 has no gain"]),
    (CABIN + ECG.replace('"ecg"', '"oximeter"') + 'site = "toe"\n', ['site is "toe"', "left-finger"]),
    (CABIN + ECG + ECG.replace("heart", "second"), ["[instruments.second]", "driver of [instruments.heart]"]),
    (CABIN + ECG + ECG.replace("heart", "b").replace('"ecg"', '"scale"'), ["url of [instruments.heart]"]),
    (CABIN + RECORD.replace('client = "c-1"\n', ""), ["[record] needs the key 'client'"]),
    (CABIN + RECORD.replace("c-1", "a/b"), ['client is "a/b"', "letters"]),
    (CABIN + RECORD.replace('signing = "c.private"\n', ""), ["[record] needs the key 'signing'"]),
    (CABIN + RECORD + 'cert = "a.pem"\n', ["needs the key 'key'", "belong together"]),
    (CABIN + RECORD + 'key = "a.key"\n', ["needs the key 'cert'", "belong together"]),
    (CABIN + RECORD + "quota_mb = 64\nreserve_mb = 64\n", ["reserve_mb is 64", "from 1 to 63"]),
    (GATEWAY + "suites = [2]\n", ["suites is a list", "1, 3"]),
    (GATEWAY + "suites = [1, 1]\n", ["suites is a list", "without repeats"]),
    (GATEWAY + "suites = []\n", ["suites is a list"]),
    (GATEWAY + "suites = [true]\n", ["suites is a list"]),
    (GATEWAY.replace('allow = "cabins"\n', ""), ["[gateway] needs the key 'allow'"]),
    (GATEWAY + 'store = "mysql://host/record"\n', ["store is", "postgresql://user@host/database"]),
    (GATEWAY + 'store = "postgresql://u:secret@host/record"\n', ["store is", "without a password"]),
    (GATEWAY + 'store = "postgresql://u@host/record?password=secret"\n', ["without a password"]),
    (GATEWAY + 'store = ""\n', ["store is", "a path"]),
    (GATEWAY + 'shared = "a/b"\n', ['shared is "a/b"', 'or "" for none']),
    (GATEWAY + 'fhir = "http://fhir.example.org/base"\n', ["fhir is", "on this machine"]),
    (GATEWAY + 'fhir = "https://u:secret@host/base"\n', ["fhir is", "without a user name"]),
    (GATEWAY + 'fhir = "ftp://host/base"\n', ["fhir is"]),
    (GATEWAY + 'fhir_cert = "a.pem"\n', ["needs the key 'fhir_key'", "belong together"]),
    (CABIN + '[ticket]\nprinter = "lpt1"\n', ['printer is "lpt1"', "usb:VID:PID"]),
    (CABIN + '[ticket]\nprinter = "usb:04b8"\n', ["printer is"]),
    (CABIN + "[cabin]\n", ["not valid TOML", "line 4"]),
    (CABIN + "name = \n", ["not valid TOML", "line 4"]),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[str(number) for number in range(len(MISTAKES))])
def test_a_mistake_is_one_sentence_that_says_what_is_accepted(tmp_path: Path, text: str, said: list[str]) -> None:
    sentence = refusal(tmp_path, text)
    for words in said:
        assert words in sentence, sentence


@pytest.mark.parametrize(
    ("store", "wanted"),
    [
        ("postgresql://gateway@db.example.org/record", "postgresql://gateway@db.example.org/record"),
        ("postgres:///record?host=/run/postgresql", "postgres:///record?host=/run/postgresql"),
        ("/srv/record.db", Path("/srv/record.db")),
    ],
)
def test_records(tmp_path: Path, store: str, wanted: Path | str) -> None:
    gateway = load(tmp_path, GATEWAY + f'store = "{store}"\n').gateway
    assert gateway is not None
    assert gateway.store == wanted


@pytest.mark.parametrize("base", ["", "https://host:8443/fhir/", "http://127.0.0.1:8080/fhir", "http://localhost/x"])
def test_fhir_servers(tmp_path: Path, base: str) -> None:
    gateway = load(tmp_path, GATEWAY + f'fhir = "{base}"\n').gateway
    assert gateway is not None
    assert gateway.fhir == base.rstrip("/")


@pytest.mark.parametrize(
    "printer", ["", "file:/tmp/ticket", "usb:04b8:0e15", "serial:/dev/ttyS0", "network:printer.local:9100"]
)
def test_printers(tmp_path: Path, printer: str) -> None:
    assert load(tmp_path, CABIN + f'[ticket]\nprinter = "{printer}"\n').ticket.printer == printer


def test_a_simulated_cabin_may_run_faster(tmp_path: Path) -> None:
    assert load(tmp_path, CABIN + "accept_simulated = true\nspeed = 60\n").cabin.speed == 60.0


def test_a_file_that_is_absent_or_a_folder_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: this file cannot be read \(No such file"):
        load_config(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'[cabin]\nname = "Caf\xe9"\n')
    with pytest.raises(ConfigError, match="byte 20 is not UTF-8"):
        load_config(tmp_path / "latin.toml")


@given(st.text(max_size=200))
def test_no_text_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(ConfigError):
        load_config(file)


SCALARS = st.one_of(st.integers(), st.floats(), st.booleans(), st.sampled_from(["", "x", "ecg"])).map(
    lambda value: f'"{value}"' if isinstance(value, str) else str(value).lower()
)


@given(
    st.sampled_from(
        [("cabin", "speed"), ("api", "port"), ("visit", "rest_s"), ("record", "quota_mb"), ("api", "host")]
    ),
    st.one_of(SCALARS, st.lists(SCALARS, max_size=2).map(lambda items: f"[{', '.join(items)}]"), st.just("{a = 1}")),
)
def test_no_value_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, str], value: str
) -> None:
    section, key = place
    own = {"cabin": CABIN, "record": CABIN + RECORD}.get(section, CABIN + f"[{section}]\n")
    file = tmp_path_factory.getbasetemp() / "value.toml"
    file.write_text(own + f"{key} = {value}\n", encoding="utf-8")
    try:
        config = load_config(file)
    except ConfigError as error:
        assert f"[{section}] {key} is" in str(error)
    else:
        assert 1 <= config.cabin.speed <= 60
        assert 0 <= config.api.port <= 65535


@pytest.mark.parametrize(
    "url",
    [
        "usb://0590:0028",
        "usb://0590:0028/A-1",
        "usb://0590:0028?port=1-1.2",
        "usb-sim:///r/x",
        "ble://AA:BB:CC:DD:EE:FF",
        "ble-sim:///r/x",
    ],
)
def test_ports_on_usb_and_on_the_air(tmp_path: Path, url: str) -> None:
    (cuff,) = load(tmp_path, CABIN + f'[instruments.cuff]\ndriver = "tensiometer"\nurl = "{url}"\n').instruments
    assert cuff.url == url


@pytest.mark.parametrize("url", ["synthetic:room", "file:///var/room.avi", "http://127.0.0.1:8080/camera"])
def test_a_camera_that_is_not_known_to_be_hardware_needs_a_cabin_that_accepts_it(tmp_path: Path, url: str) -> None:
    camera = f'[cameras.room]\nurl = "{url}"\n'
    sentence = refusal(tmp_path, CABIN + camera)
    assert "[cameras.room]" in sentence
    assert "accept_simulated = true" in sentence
    assert "8080" not in sentence
    (accepted,) = load(tmp_path, CABIN + "accept_simulated = true\n" + camera).cameras
    assert accepted.simulated


def test_a_camera_of_the_cabin_needs_nothing(tmp_path: Path) -> None:
    (camera,) = load(tmp_path, CABIN + '[cameras.room]\nurl = "/dev/v4l/by-id/usb-room"\n').cameras
    assert not camera.simulated


def test_a_calibration_that_would_never_be_past_is_not_refused_when_past(tmp_path: Path) -> None:
    assert "'calibrated'" in refusal(tmp_path, CABIN + ECG + 'past_due = "refuse"\n')
    (strict,) = load(tmp_path, CABIN + ECG + 'past_due = "refuse"\ncalibrated = 2026-11-01\n').instruments
    assert (strict.past_due, strict.calibration_days) == ("refuse", 366)


def test_an_instrument_may_be_bound_to_a_usb_device(tmp_path: Path) -> None:
    (free,) = load(tmp_path, CABIN + ECG).instruments
    assert (free.usb_serial, free.usb_port) == (None, None)
    (bound,) = load(tmp_path, CABIN + ECG + 'usb_serial = "FT1234"\nusb_port = "1-1.2"\n').instruments
    assert (bound.usb_serial, bound.usb_port) == ("FT1234", "1-1.2")
    for wrong in ("1", "usb1", "1-1:1.0", "1-1.2."):
        assert "cabin devices --ports" in refusal(tmp_path, CABIN + ECG + f'usb_port = "{wrong}"\n')
    server = ECG.replace("/dev/ttyUSB0", "socket://10.0.0.1:4001") + 'usb_port = "1-1"\n'
    assert "remove the key" in refusal(tmp_path, CABIN + server)


def test_one_port_spelt_in_two_ways_is_one_port(tmp_path: Path) -> None:
    other = '[instruments.two]\ndriver = "scale"\nurl = "/dev/./ttyUSB0"\n'
    assert "each at a port of its own" in refusal(tmp_path, CABIN + ECG + other)


ROAD = """
[cabin]
name = "a"
serial = "b"
[record]
broker = "mqtt://127.0.0.1:1883"
client = "c-1"
signing = "cabin.private"
"""


def test_the_record_may_be_known_by_a_statement_alone(tmp_path: Path) -> None:
    file = tmp_path / "cabin.toml"
    file.write_text(f'{ROAD}root = "root.public"\nstatement = "record.statement"\npost = "credential:post"\n')
    record = load_config(file).record
    assert record is not None
    assert (record.recipient, record.signers) == (None, None)
    assert (record.root, record.statement) == (tmp_path / "root.public", tmp_path / "record.statement")
    assert record.post == Path("/run/credentials/cabin-agent.service/post")


@pytest.mark.parametrize(
    ("text", "needed"),
    [("", "recipient"), ('root = "r"', "recipient"), ('statement = "s"', "root"), ('recipient = "r"', "signers")],
)
def test_without_a_statement_the_settings_name_the_records_keys(tmp_path: Path, text: str, needed: str) -> None:
    file = tmp_path / "cabin.toml"
    file.write_text(f"{ROAD}{text}\n")
    with pytest.raises(ConfigError, match=rf"\[record\] needs the key '{needed}'"):
        load_config(file)
